//! Wires the function to Lambda.

use aws_config::BehaviorVersion;
use catalog_reconcile::{Deps, Event, Settings, invoke};
use jiff::Timestamp;
use lambda_runtime::{Error, LambdaEvent, service_fn};

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let settings = Settings::from_env()?;
    let config = aws_config::load_defaults(BehaviorVersion::latest()).await;
    let aggregator = match &settings.aggregator {
        None => None,
        Some(aggregator) => Some(aggregator.connect(&config).await),
    };
    let deps = &Deps::connect(&config, &settings, aggregator);
    let service = async move |event: LambdaEvent<Event>| invoke(event.payload, deps, Timestamp::now()).await;
    lambda_runtime::run(service_fn(service)).await
}
