//! Wires the function to Lambda.

use aws_config::BehaviorVersion;
use aws_lambda_events::sqs::SqsEvent;
use config_change::{Deps, Settings, handle};
use jiff::Timestamp;
use lambda_runtime::{Error, LambdaEvent, service_fn};

/// A call of the SDK is many small pieces: the system's allocator takes a fifth of the time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

// One batch at a time: a second thread would only be woken and put to sleep.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let settings = Settings::from_env()?;
    let config = aws_config::load_defaults(BehaviorVersion::latest()).await;
    let aggregator = match &settings.aggregator {
        None => None,
        Some(aggregator) => Some(aggregator.connect(&config).await),
    };
    let deps = &Deps::connect(&config, &settings, aggregator);
    let service = async move |event: LambdaEvent<SqsEvent>| handle(event.payload, deps, Timestamp::now()).await;
    lambda_runtime::run(service_fn(service)).await
}
