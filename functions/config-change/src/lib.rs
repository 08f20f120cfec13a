//! Changes that AWS Config saw -> records.
//!
//! | door | what comes in | what goes out |
//! |---|---|---|
//! | SQS batch | EventBridge events of AWS Config, also through SNS, and Config's own SNS notifications | fragments; the messages that failed |
//! | SQS batch | notifications of Config's bucket: snapshots and histories | fragments of every item in them |
//!
//! What an item says is decided in `config-item`; here it is written, and every message, document and fragment counted.

mod config_bucket;
mod config_file;
mod error;
mod file_status;
mod handler;
mod lag;
mod message;
mod oversized;
mod rule;
mod settings;
mod write;

pub use error::ConfigChangeError;
pub use file_status::FILE_STATUS;
pub use handler::{Deps, SOURCE, handle};
pub use settings::{ConfigSettingsError, Settings};
