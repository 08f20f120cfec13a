//! The environment of the function -> its settings.

use telemetry::{SettingsError, required, required_number};

/// Where the catalog is, and how often a message is tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `TABLE_NAME`
    pub table_name: String,
    /// `CATALOG_BUCKET`
    pub catalog_bucket: String,
    /// `MAX_RECEIVE_COUNT`, as in the redrive policy of the queue.
    pub max_receive_count: u32,
}

impl Settings {
    /// # Errors
    /// Names the first variable that is missing or unreadable.
    pub fn from_env() -> Result<Self, SettingsError> {
        Ok(Self {
            table_name: required("TABLE_NAME")?,
            catalog_bucket: required("CATALOG_BUCKET")?,
            max_receive_count: required_number("MAX_RECEIVE_COUNT")?,
        })
    }
}
