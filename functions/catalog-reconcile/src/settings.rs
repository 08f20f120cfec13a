//! The environment of the function -> its settings.

use config_aggregator::AggregatorSettings;
use config_item::{TypeFilter, TypeFilterError};
use telemetry::{SettingsError, optional, required, required_number};

/// Where the catalog is, and what it is swept against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `TABLE_NAME`
    pub table_name: String,
    /// `CATALOG_BUCKET`
    pub catalog_bucket: String,
    /// `CONFIG_AGGREGATOR`, optional: without it nothing is swept.
    pub aggregator: Option<AggregatorSettings>,
    pub sweep: SweepSettings,
}

/// A setting that is missing or cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ReconcileSettingsError {
    #[error("a setting of the function is missing")]
    Required(#[source] SettingsError),
    #[error("environment variable `CONFIG_TYPES` cannot be used")]
    Types(#[source] TypeFilterError),
}

/// How sweeps are made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SweepSettings {
    /// `SWEEP_EVERY_HOURS`: from the beginning of one sweep to that of the next.
    pub every_hours: u64,
    /// `MAX_DELETE_PERCENT`: the share of an account's records that one sweep may delete without being told to.
    pub max_delete_percent: u64,
    /// Items of an account that are read in one go; of a larger account, those of each type are.
    pub max_unit_items: u64,
    /// `CONFIG_TYPES`: which types become entities, as for events.
    pub types: TypeFilter,
}

/// Some minutes of reading at most.
const MAX_UNIT_ITEMS: u64 = 10_000;

impl Default for SweepSettings {
    fn default() -> Self {
        Self { every_hours: 24, max_delete_percent: 10, max_unit_items: MAX_UNIT_ITEMS, types: TypeFilter::default() }
    }
}

impl Settings {
    /// # Errors
    /// Names the first variable that is missing or unreadable.
    pub fn from_env() -> Result<Self, ReconcileSettingsError> {
        let missing = ReconcileSettingsError::Required;
        let aggregator = AggregatorSettings::from_env();
        let sweep = match aggregator {
            Some(_) => SweepSettings {
                every_hours: required_number("SWEEP_EVERY_HOURS").map_err(missing)?,
                max_delete_percent: required_number("MAX_DELETE_PERCENT").map_err(missing)?,
                max_unit_items: MAX_UNIT_ITEMS,
                types: optional("CONFIG_TYPES").unwrap_or_default().parse().map_err(ReconcileSettingsError::Types)?,
            },
            None => SweepSettings::default(),
        };
        Ok(Self {
            table_name: required("TABLE_NAME").map_err(missing)?,
            catalog_bucket: required("CATALOG_BUCKET").map_err(missing)?,
            aggregator,
            sweep,
        })
    }
}
