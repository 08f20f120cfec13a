//! The environment of the function -> its settings.

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

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    #[error("environment variable `{variable}` is missing or empty; the template sets it")]
    Missing { variable: &'static str },
    #[error("environment variable `{variable}` is not a whole number")]
    NotANumber { variable: &'static str },
}

impl Settings {
    /// # Errors
    /// Names the first variable that is missing or unreadable.
    pub fn from_env() -> Result<Self, SettingsError> {
        let not_a_number = |_| SettingsError::NotANumber { variable: "MAX_RECEIVE_COUNT" };
        Ok(Self {
            table_name: required("TABLE_NAME")?,
            catalog_bucket: required("CATALOG_BUCKET")?,
            max_receive_count: required("MAX_RECEIVE_COUNT")?.parse().map_err(not_a_number)?,
        })
    }
}

fn required(variable: &'static str) -> Result<String, SettingsError> {
    std::env::var(variable).ok().filter(|value| !value.is_empty()).ok_or(SettingsError::Missing { variable })
}
