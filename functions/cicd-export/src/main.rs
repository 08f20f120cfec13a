//! Wires the function to Lambda.

use aws_config::BehaviorVersion;
use cicd_export::{Deps, Event, Settings, handle};
use delivery::cors_from_env;
use jiff::Timestamp;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let settings = Settings::from_env()?;
    let config = aws_config::load_defaults(BehaviorVersion::latest()).await;
    let deps = &Deps::connect(&config, &settings).with_cors(cors_from_env()?);
    let service = async move |event: LambdaEvent<Event>| handle(event.payload, deps, Timestamp::now()).await;
    run(service_fn(service)).await
}
