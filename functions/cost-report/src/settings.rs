//! The environment of the function -> its settings.

use telemetry::{SettingsError, required, required_number};

/// Where reports come in, and where their rollups go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `TABLE_NAME`
    pub table_name: String,
    /// `CATALOG_BUCKET`
    pub catalog_bucket: String,
    /// `REPORTS_BUCKET`: notifications of any other bucket are ignored.
    pub reports_bucket: String,
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
            reports_bucket: required("REPORTS_BUCKET")?,
            max_receive_count: required_number("MAX_RECEIVE_COUNT")?,
        })
    }
}
