//! The environment of the function -> its settings.

use config_aggregator::AggregatorSettings;
use config_item::{TypeFilter, TypeFilterError};
use telemetry::{SettingsError, required, required_number};

/// Where the catalog is, what may be read, and how often a message is tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `TABLE_NAME`
    pub table_name: String,
    /// `CATALOG_BUCKET`
    pub catalog_bucket: String,
    /// `CONFIG_BUCKETS`, separated by commas: the only buckets whose files and oversized items are read, whatever a message
    /// says. None if not set.
    pub config_buckets: Vec<String>,
    /// `CONFIG_TYPES`: which types become entities. The default leaves out the noisy ones.
    pub types: TypeFilter,
    /// Who is asked for an oversized item that no bucket holds.
    pub aggregator: Option<AggregatorSettings>,
    /// `MAX_RECEIVE_COUNT`, as in the redrive policy of the queue.
    pub max_receive_count: u32,
}

#[derive(Debug, thiserror::Error)]
pub enum ConfigSettingsError {
    #[error("a setting of the function is missing")]
    Required(#[source] SettingsError),
    #[error("environment variable `CONFIG_TYPES` cannot be used")]
    Types(#[source] TypeFilterError),
}

impl Settings {
    /// # Errors
    /// Names the first variable that is missing or unreadable.
    pub fn from_env() -> Result<Self, ConfigSettingsError> {
        let optional = |variable| std::env::var(variable).unwrap_or_default();
        let buckets = optional("CONFIG_BUCKETS");
        let buckets = buckets.split(',').map(str::trim).filter(|name| !name.is_empty());
        Ok(Self {
            table_name: required("TABLE_NAME").map_err(ConfigSettingsError::Required)?,
            catalog_bucket: required("CATALOG_BUCKET").map_err(ConfigSettingsError::Required)?,
            config_buckets: buckets.map(str::to_owned).collect(),
            types: optional("CONFIG_TYPES").parse().map_err(ConfigSettingsError::Types)?,
            aggregator: AggregatorSettings::from_env(),
            max_receive_count: required_number("MAX_RECEIVE_COUNT").map_err(ConfigSettingsError::Required)?,
        })
    }
}
