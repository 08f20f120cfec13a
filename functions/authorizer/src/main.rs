//! Wires the function to Lambda.

use authorizer::{Deps, Event, Settings, handle};
use jiff::Timestamp;
use lambda_runtime::{Error, LambdaEvent, service_fn};

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let settings = Settings::from_env().map_err(|error| delivery::describe(&error))?;
    let deps = &Deps::new(settings);
    let service =
        async move |event: LambdaEvent<Event>| handle(event.payload, deps, Timestamp::now()).await.map_err(Error::from);
    lambda_runtime::run(service_fn(service)).await
}
