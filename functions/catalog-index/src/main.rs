//! Wires the function to Lambda.

use aws_config::BehaviorVersion;
use catalog_index::{Deps, Event, Settings, handle};
use jiff::Timestamp;
use lambda_runtime::{Error, LambdaEvent, service_fn};

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let settings = Settings::from_env()?;
    let config = aws_config::load_defaults(BehaviorVersion::latest()).await;
    let deps = &Deps::connect(&config, &settings);
    let service = async move |event: LambdaEvent<Event>| handle(event.payload, deps, Timestamp::now()).await;
    lambda_runtime::run(service_fn(service)).await
}
