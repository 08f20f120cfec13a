//! Wires the function to Lambda.

use aws_config::BehaviorVersion;
use catalog_reconcile::{AggregatorSettings, Deps, Event, Settings, invoke};
use config_aggregator::ConfigAggregator;
use jiff::Timestamp;
use lambda_runtime::{Error, LambdaEvent, service_fn};

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let settings = Settings::from_env()?;
    let config = aws_config::load_defaults(BehaviorVersion::latest()).await;
    let aggregator = match &settings.aggregator {
        None => None,
        Some(AggregatorSettings { name, role_arn: None }) => Some(ConfigAggregator::connect(&config, name)),
        Some(AggregatorSettings { name, role_arn: Some(role_arn) }) => {
            Some(ConfigAggregator::connect_as(&config, name, role_arn).await)
        }
    };
    let deps = &Deps::connect(&config, &settings, aggregator);
    let service = async move |event: LambdaEvent<Event>| invoke(event.payload, deps, Timestamp::now()).await;
    lambda_runtime::run(service_fn(service)).await
}
