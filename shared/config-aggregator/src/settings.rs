//! The environment of a function -> the aggregator that it asks.

use aws_config::SdkConfig;
use telemetry::optional;

use crate::ConfigAggregator;

/// Which aggregator of AWS Config is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AggregatorSettings {
    /// `CONFIG_AGGREGATOR`
    pub name: String,
    /// `CONFIG_AGGREGATOR_ROLE_ARN`, optional: a role of the account that the aggregator is in.
    pub role_arn: Option<String>,
}

impl AggregatorSettings {
    /// `None`: no aggregator is named, and none is asked.
    #[must_use]
    pub fn from_env() -> Option<Self> {
        let role_arn = optional("CONFIG_AGGREGATOR_ROLE_ARN");
        optional("CONFIG_AGGREGATOR").map(|name| Self { name, role_arn })
    }

    /// Asks nothing yet, not for the role either.
    pub async fn connect(&self, config: &SdkConfig) -> ConfigAggregator {
        match &self.role_arn {
            None => ConfigAggregator::connect(config, &self.name),
            Some(role_arn) => ConfigAggregator::connect_as(config, &self.name, role_arn).await,
        }
    }
}
