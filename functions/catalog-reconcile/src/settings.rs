//! The environment of the function -> its settings.

use telemetry::{SettingsError, required};

/// Where the catalog is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `TABLE_NAME`
    pub table_name: String,
    /// `CATALOG_BUCKET`
    pub catalog_bucket: String,
}

impl Settings {
    /// # Errors
    /// Names the first variable that is missing.
    pub fn from_env() -> Result<Self, SettingsError> {
        Ok(Self { table_name: required("TABLE_NAME")?, catalog_bucket: required("CATALOG_BUCKET")? })
    }
}
