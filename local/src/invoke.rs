//! Lambda's Invoke API: `POST /2015-03-31/functions/{name}/invocations`.
//! <https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html>

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    extract::{Path, Request, State},
    response::Response,
    routing::post,
};
use futures::StreamExt;
use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    ACCOUNT, MAX_PAYLOAD_BYTES, REGION,
    functions::{Functions, Outcome, StreamedAnswer, metadata},
    queues::Queues,
};

/// Payload of an asynchronous invocation at most.
const MAX_EVENT_BYTES: usize = 1024 * 1024;
/// Lambda tries an asynchronous invocation twice more.
const EVENT_RETRIES: u32 = 2;

/// What the Invoke API serves from.
#[derive(Debug, Clone)]
pub(crate) struct Invoke {
    pub(crate) functions: Functions,
    pub(crate) queues: Arc<Queues>,
    pub(crate) retry_delay: Duration,
    /// Asynchronous invocations that are not done.
    pub(crate) pending: Arc<AtomicUsize>,
}

pub(crate) fn router(invoke: Invoke) -> Router {
    Router::new()
        .route("/2015-03-31/functions/{name}/invocations", post(handle))
        .fallback(async |request: Request| {
            let message = format!("there is no operation {} {}", request.method(), request.uri().path());
            failure(StatusCode::NOT_FOUND, "UnknownOperationException", &message)
        })
        .with_state(invoke)
}

async fn handle(State(invoke): State<Invoke>, Path(name): Path<String>, request: Request) -> Response {
    let name = function_name(&name).to_owned();
    if !invoke.functions.contains(&name) {
        let message = format!("Function not found: arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}");
        return failure(StatusCode::NOT_FOUND, "ResourceNotFoundException", &message);
    }
    let kind = request.headers().get("x-amz-invocation-type").cloned();
    let kind = kind.as_ref().map_or(Ok("RequestResponse"), |kind| kind.to_str()).unwrap_or_default();
    let limit = if kind == "Event" { MAX_EVENT_BYTES } else { MAX_PAYLOAD_BYTES };
    let Ok(payload) = to_bytes(request.into_body(), limit).await else {
        let message = format!("the payload could not be read, or is longer than {limit} bytes");
        return failure(StatusCode::PAYLOAD_TOO_LARGE, "RequestTooLargeException", &message);
    };
    let event = match parse(&payload) {
        Ok(event) => event,
        Err(error) => {
            let message = format!("Could not parse request body into json: {error}");
            return failure(StatusCode::BAD_REQUEST, "InvalidRequestContentException", &message);
        }
    };
    match kind {
        "DryRun" => answer(StatusCode::NO_CONTENT, Vec::new()),
        "Event" => {
            tokio::spawn(async move { invoke.run_event(&name, &event).await });
            answer(StatusCode::ACCEPTED, Vec::new())
        }
        "RequestResponse" => synchronous(&invoke, &name, event).await,
        other => {
            let message = format!("`{other}` is no invocation type");
            failure(StatusCode::BAD_REQUEST, "InvalidParameterValueException", &message)
        }
    }
}

async fn synchronous(invoke: &Invoke, name: &str, event: Value) -> Response {
    let outcome = match invoke.functions.run(name, event).await {
        Ok(Outcome::Streamed(streamed)) => return integration_response(streamed),
        Ok(Outcome::Buffered(answer)) => Ok(answer),
        Err(error) => Err(error),
    };
    let failed = outcome.is_err();
    let body = outcome.unwrap_or_else(|error| error.to_body()).to_string().into_bytes();
    if body.len() > MAX_PAYLOAD_BYTES {
        let message =
            format!("Response payload size exceeded maximum allowed payload size ({MAX_PAYLOAD_BYTES} bytes).");
        let body = json!({"errorType": "Function.ResponseSizeTooLarge", "errorMessage": message});
        return function_error(body.to_string().into_bytes());
    }
    if failed { function_error(body) } else { answer(StatusCode::OK, body) }
}

fn function_error(body: Vec<u8>) -> Response {
    let mut response = answer(StatusCode::OK, body);
    let name = HeaderName::from_static("x-amz-function-error");
    response.headers_mut().insert(name, HeaderValue::from_static("Unhandled"));
    response
}

/// Status and headers as JSON, eight zero bytes, then the body as it comes.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/response-transfer-mode-lambda.html>
fn integration_response(streamed: StreamedAnswer) -> Response {
    let mut head = metadata(streamed.status, &streamed.headers).to_string().into_bytes();
    head.extend([0; 8]);
    let head = futures::stream::once(async { Ok(Bytes::from(head)) });
    let mut response = answer(StatusCode::OK, Vec::new());
    *response.body_mut() = Body::from_stream(head.chain(streamed.body.into_data_stream()));
    let kind = HeaderValue::from_static("application/vnd.awslambda.http-integration-response");
    response.headers_mut().insert("content-type", kind);
    response
}

impl Invoke {
    /// An asynchronous invocation, with the retries that it gets.
    pub(crate) async fn run_event(&self, name: &str, event: &Value) {
        self.pending.fetch_add(1, Ordering::SeqCst);
        for attempt in 0..=EVENT_RETRIES {
            match self.functions.invoke(name, event.clone()).await {
                Ok(_) => break,
                Err(error) if attempt == EVENT_RETRIES => {
                    tracing::error!(function = name, %error, "asynchronous invocation failed for the last time");
                }
                Err(error) => {
                    tracing::warn!(function = name, %error, attempt, "asynchronous invocation failed, trying again");
                    tokio::time::sleep(self.retry_delay).await;
                }
            }
        }
        self.pending.fetch_sub(1, Ordering::SeqCst);
        self.queues.note_change();
    }
}

/// The bare name of what may be a name, a name with a qualifier, a partial or a whole ARN.
fn function_name(given: &str) -> &str {
    let name = given.rsplit_once("function:").map_or(given, |(_, name)| name);
    name.split(':').next().unwrap_or(name)
}

fn parse(payload: &Bytes) -> Result<Value, serde_json::Error> {
    if payload.is_empty() { Ok(json!({})) } else { serde_json::from_slice(payload) }
}

fn answer(status: StatusCode, body: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    headers.insert("x-amz-executed-version", HeaderValue::from_static("$LATEST"));
    if let Ok(id) = HeaderValue::from_str(&Uuid::new_v4().to_string()) {
        headers.insert("x-amzn-requestid", id);
    }
    response
}

fn failure(status: StatusCode, kind: &'static str, message: &str) -> Response {
    let body = json!({"Type": if status.is_client_error() { "User" } else { "Service" }, "Message": message});
    let mut response = answer(status, body.to_string().into_bytes());
    response.headers_mut().insert("x-amzn-errortype", HeaderValue::from_static(kind));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_named_in_any_of_lambdas_ways() {
        for given in [
            "query-api",
            "query-api:$LATEST",
            "111122223333:function:query-api",
            "arn:aws:lambda:eu-west-1:111122223333:function:query-api",
            "arn:aws:lambda:eu-west-1:111122223333:function:query-api:7",
        ] {
            assert_eq!(function_name(given), "query-api", "{given}");
        }
    }
}
