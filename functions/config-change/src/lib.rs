//! Changes that AWS Config saw -> records.
//!
//! | door | what comes in | what goes out |
//! |---|---|---|
//! | SQS batch | EventBridge events `Config Configuration Item Change`, also through SNS, and Config's own SNS notifications | fragments; the messages that failed |
//!
//! What an item says is decided in `config-item`; here it is written, and every message, document and fragment counted.

mod error;
mod handler;
mod message;
mod settings;

pub use error::ConfigChangeError;
pub use handler::{Deps, SOURCE, handle};
pub use settings::Settings;
