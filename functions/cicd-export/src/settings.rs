//! The environment of the function -> its settings.

use lambda_runtime::Error;
use telemetry::{required, required_number};

use crate::Producers;

/// Where the catalog is, and where exports are dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `TABLE_NAME`
    pub table_name: String,
    /// `CATALOG_BUCKET`
    pub catalog_bucket: String,
    /// `DROP_BUCKET`: notifications of any other bucket are refused.
    pub drop_bucket: String,
    /// `MAX_RECEIVE_COUNT`, as in the redrive policy of the queue.
    pub max_receive_count: u32,
    /// `PRODUCERS`: which accounts and roles may speak for which producers. Absent or empty: each for all.
    pub producers: Producers,
}

impl Settings {
    /// # Errors
    /// Names the first variable that is missing or unreadable.
    pub fn from_env() -> Result<Self, Error> {
        Ok(Self {
            table_name: required("TABLE_NAME")?,
            catalog_bucket: required("CATALOG_BUCKET")?,
            drop_bucket: required("DROP_BUCKET")?,
            max_receive_count: required_number("MAX_RECEIVE_COUNT")?,
            producers: Producers::parse(&std::env::var("PRODUCERS").unwrap_or_default())?,
        })
    }
}
