//! What AWS hands a function -> the message inside, and the answer AWS expects back.
//!
//! Nothing in here knows what a message means: it opens envelopes (SQS, SNS, EventBridge, S3
//! notifications, API Gateway) and keeps account of what became of each message.

mod batch;
mod classify;
mod envelope_error;
mod settings;

pub mod api;
pub mod cors;
pub mod eventbridge;
pub mod s3_notification;
pub mod sns;

pub use batch::{BatchOutcome, Counts, Failure, Message, batch, concurrent_batch};
pub use classify::{Class, Classify, describe};
pub use envelope_error::EnvelopeError;
pub use settings::cors_from_env;
