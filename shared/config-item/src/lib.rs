//! Whatever AWS Config says, in all its dialects -> what it says of which record.
//!
//! [`parse`] takes any document that holds configuration items: an EventBridge event, an SNS envelope, the event of a
//! custom rule, an answer of the API or the CLI, a snapshot or history file, an item alone, or a list of these.
//! [`ConfigMessage::statements`] turns an item into fragments. One item gives the same fragments in every dialect.
//! Items: <https://docs.aws.amazon.com/config/latest/developerguide/config-item-table.html>

mod account;
mod attributes;
mod clock;
mod compliance;
mod config_id;
mod document;
mod error;
mod fields;
mod file_delivery;
mod file_key;
mod item;
mod item_stream;
mod relationships;
mod statements;
mod tags;
mod type_filter;
#[cfg(test)]
mod type_fixtures_tests;

pub use account::observed_account;
pub use compliance::{Compliance, ComplianceType, RuleResult, counts};
pub use config_id::Subject;
pub use document::{ConfigMessage, Oversized, S3Location, parse};
pub use error::ConfigItemError;
pub use file_delivery::{Delivered, DeliveryOutcome, FileDelivery};
pub use file_key::{FileKey, FileKind};
pub use item::{ConfigurationItem, Place, Status};
pub use item_stream::{FileError, ItemStream, MAX_ITEM_BYTES, StreamedItem, read_item};
pub use relationships::Relationship;
pub use statements::Statements;
pub use type_filter::{DEFAULT_LEFT_OUT, TypeFilter, TypeFilterError};
