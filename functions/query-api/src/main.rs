//! Wires the function to Lambda: a prelude with status and headers, and the body piece by piece.

use std::sync::Arc;

use aws_config::BehaviorVersion;
use aws_lambda_events::apigw::ApiGatewayProxyRequest;
use delivery::cors_from_env;
use futures::stream::{BoxStream, StreamExt, once};
use jiff::Timestamp;
use lambda_runtime::{Error, LambdaEvent, MetadataPrelude, StreamResponse, service_fn};
use query_api::{Answer, AnswerBody, BrokenOff, Deps, Settings, handle};

type Pieces = BoxStream<'static, Result<bytes::Bytes, BrokenOff>>;

/// Answers are made of many small pieces: the system's allocator takes a tenth of the time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let settings = Settings::from_env()?;
    let config = aws_config::load_defaults(BehaviorVersion::latest()).await;
    let (deps, cors) = (&Arc::new(Deps::connect(&config, &settings)), &cors_from_env()?);
    let service = async move |event: LambdaEvent<ApiGatewayProxyRequest>| {
        let asked = event.payload.headers.clone();
        let mut answer = handle(event.payload, deps, Timestamp::now()).await;
        cors.add_to(&asked, &mut answer.headers);
        streamed(answer)
    };
    lambda_runtime::run(service_fn(service)).await
}

/// As API Gateway's response streaming takes it.
fn streamed(answer: Answer) -> Result<StreamResponse<Pieces>, Error> {
    let metadata_prelude =
        MetadataPrelude { status_code: answer.status.try_into()?, headers: answer.headers, cookies: Vec::new() };
    let stream = match answer.body {
        AnswerBody::Full(bytes) => once(async { Ok(bytes) }).boxed(),
        AnswerBody::Stream(pieces) => pieces,
    };
    Ok(StreamResponse { metadata_prelude, stream })
}
