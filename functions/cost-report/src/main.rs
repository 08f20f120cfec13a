//! Wires the function to Lambda.

use aws_config::BehaviorVersion;
use aws_lambda_events::sqs::SqsEvent;
use cost_report::{Deps, Settings, handle};
use jiff::Timestamp;
use lambda_runtime::{Error, LambdaEvent, service_fn};

/// A reader takes and gives back megabytes for each row group: the system's allocator has them cleared anew each time
/// (docs/benchmarks.md has both).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let settings = Settings::from_env()?;
    let config = aws_config::load_defaults(BehaviorVersion::latest()).await;
    let deps = &Deps::connect(&config, &settings);
    let service = async move |event: LambdaEvent<SqsEvent>| handle(event.payload, deps, Timestamp::now()).await;
    lambda_runtime::run(service_fn(service)).await
}
