//! Whatever AWS Config says, in all its dialects -> what it says of which record.
//!
//! [`parse`] takes any document that holds configuration items: an EventBridge event, an SNS envelope, the event of a
//! custom rule, an answer of the API or the CLI, a snapshot or history file, an item alone, or a list of these.
//! [`ConfigMessage::statements`] turns an item into fragments. One item gives the same fragments in every dialect.
//! Items: <https://docs.aws.amazon.com/config/latest/developerguide/config-item-table.html>

mod attributes;
mod clock;
mod document;
mod error;
mod fields;
mod item;
mod relationships;
mod statements;
mod tags;

pub use document::{ConfigMessage, Oversized, S3Location, parse};
pub use error::ConfigItemError;
pub use item::{ConfigurationItem, Status};
pub use relationships::Relationship;
pub use statements::Statements;
