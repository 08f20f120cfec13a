//! Wires the function to Lambda.

use std::convert::Infallible;

use aws_config::BehaviorVersion;
use aws_lambda_events::apigw::ApiGatewayProxyRequest;
use delivery::cors_from_env;
use jiff::Timestamp;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use query_api::{Deps, Settings, handle};

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let settings = Settings::from_env()?;
    let config = aws_config::load_defaults(BehaviorVersion::latest()).await;
    let (deps, cors) = (&Deps::connect(&config, &settings), &cors_from_env()?);
    let service = async move |event: LambdaEvent<ApiGatewayProxyRequest>| {
        let asked = event.payload.headers.clone();
        let Ok(mut response) = handle(event.payload, deps, Timestamp::now()).await;
        cors.add_to(&asked, &mut response.headers);
        Ok::<_, Infallible>(response)
    };
    lambda_runtime::run(service_fn(service)).await
}
