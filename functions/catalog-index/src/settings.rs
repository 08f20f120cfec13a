//! The environment of the function -> its settings.

/// Where the catalog is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `TABLE_NAME`
    pub table_name: String,
    /// `CATALOG_BUCKET`
    pub catalog_bucket: String,
}

#[derive(Debug, thiserror::Error)]
#[error("environment variable `{variable}` is missing or empty; the template sets it")]
pub struct SettingsError {
    variable: &'static str,
}

impl Settings {
    /// # Errors
    /// Names the first variable that is missing.
    pub fn from_env() -> Result<Self, SettingsError> {
        Ok(Self { table_name: required("TABLE_NAME")?, catalog_bucket: required("CATALOG_BUCKET")? })
    }
}

fn required(variable: &'static str) -> Result<String, SettingsError> {
    std::env::var(variable).ok().filter(|value| !value.is_empty()).ok_or(SettingsError { variable })
}
