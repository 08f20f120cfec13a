//! The API's front: what API Gateway does before and after the functions, its limits included.
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html>

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    response::Response,
};
use delivery::cors::Cors;
use http::{Method, StatusCode, request::Parts};
use jiff::Timestamp;
use serde_json::Value;
use tracing::{error, info};
use uuid::Uuid;

use crate::{
    MAX_PAYLOAD_BYTES, door,
    functions::{Functions, Outcome, StreamedAnswer},
    gateway, streaming,
    wiring::Route,
};

/// API Gateway takes no longer body.
const MAX_BODY_BYTES: usize = 10 * 1024 * 1024;

/// What the front serves from.
#[derive(Debug, Clone)]
pub(crate) struct Api {
    pub(crate) functions: Functions,
    /// Whether every request must please the authorizer.
    pub(crate) is_closed: bool,
    pub(crate) cors: std::sync::Arc<Cors>,
}

pub(crate) fn router(api: Api) -> Router {
    Router::new().fallback(handle).with_state(api)
}

async fn handle(State(api): State<Api>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let outcome = if !api.cors.is_off() && parts.method == Method::OPTIONS {
        // As the template has it: by the gateway alone, and without the authorizer.
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        *response.headers_mut() = api.cors.preflight(&parts.headers);
        return response;
    } else {
        answer(&api, &parts, body).await
    };
    let mut response = outcome.unwrap_or_else(|refusal| refusal.into_response(&parts));
    api.cors.add_to(&parts.headers, response.headers_mut());
    info!(http.method = %parts.method, http.url = %parts.uri, http.status = response.status().as_u16(), "answered");
    response
}

/// What the gateway answers by itself.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    name: &'static str,
    message: String,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, name: &'static str, message: impl Into<String>) -> Self {
        Self { status, name, message: message.into() }
    }

    fn too_large(limit: &str) -> Self {
        let bucket = crate::wiring::DROP_BUCKET.name;
        let message = format!("the body is longer than {limit}; drop a large export at s3://{bucket}/exports/ instead");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "PayloadTooLargeError", message)
    }

    fn bad_gateway(function: &str) -> Self {
        let message = format!("the function `{function}` gave no valid answer; the log of the stack says why");
        Self::new(StatusCode::BAD_GATEWAY, "BadGatewayError", message)
    }

    fn into_response(self, parts: &Parts) -> Response {
        let url = parts.uri.path_and_query().map_or("/", |url| url.as_str());
        gateway::error_response(self.status, self.name, &self.message, parts.method.as_str(), url)
    }
}

async fn answer(api: &Api, parts: &Parts, body: Body) -> Result<Response, Refusal> {
    let who = if api.is_closed { door::authorize(&api.functions, parts).await? } else { Value::Null };
    let (method, path) = (parts.method.as_str(), parts.uri.path());
    let Some((route, parameters)) = gateway::route(method, path) else {
        let message = format!("there is no {method} {path}; GET / lists what is here");
        return Err(Refusal::new(StatusCode::NOT_FOUND, "NotFoundError", message));
    };
    let body = read_body(body).await?;
    let request_id = Uuid::new_v4().to_string();
    let event = gateway::event(parts, &body, (route, &parameters), who, &request_id, Timestamp::now());
    // Written out only where it may be too long.
    if gateway::event_bytes_bound(parts, body.len()) > MAX_PAYLOAD_BYTES && event.to_string().len() > MAX_PAYLOAD_BYTES
    {
        let limit = MAX_PAYLOAD_BYTES / 4 * 3;
        let limit = format!("about {limit} bytes, the most that a function can be handed over HTTP");
        return Err(Refusal::too_large(&limit));
    }
    let failed = |cause: &(dyn std::error::Error + 'static), what: &str| {
        error!(function = route.function, request.id = request_id, error = cause, "{what}");
        Refusal::bad_gateway(route.function)
    };
    match api.functions.run(route.function, event).await {
        Err(cause) => Err(failed(&cause, "function failed")),
        Ok(Outcome::Streamed(answer)) => Ok(streamed(route, answer)),
        Ok(Outcome::Buffered(answer)) if is_too_long(&answer) => {
            error!(function = route.function, request.id = request_id, "answer is longer than a function may give");
            Err(Refusal::bad_gateway(route.function))
        }
        Ok(Outcome::Buffered(answer)) => gateway::response(answer).map_err(|cause| failed(&cause, "no valid answer")),
    }
}

fn streamed(route: &'static Route, answer: StreamedAnswer) -> Response {
    let mut response = Response::new(streaming::limited(route.function, answer.body));
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    response
}

/// Whether a buffered answer is more than Lambda passes on. It is written out only where that is not plain to see.
fn is_too_long(answer: &Value) -> bool {
    const ESCAPED: usize = 6;
    const AROUND: usize = 64 * 1024;
    let is_short = answer["body"].as_str().is_none_or(|body| body.len() * ESCAPED + AROUND <= MAX_PAYLOAD_BYTES);
    !is_short && answer.to_string().len() > MAX_PAYLOAD_BYTES
}

async fn read_body(body: Body) -> Result<bytes::Bytes, Refusal> {
    to_bytes(body, MAX_BODY_BYTES).await.map_err(|error| {
        let too_long =
            std::error::Error::source(&error).is_some_and(|cause| cause.to_string().contains("length limit"));
        if too_long {
            Refusal::too_large(&format!("{MAX_BODY_BYTES} bytes"))
        } else {
            Refusal::new(StatusCode::BAD_REQUEST, "InputError", "the body broke off")
        }
    })
}
