//! The API's door: what API Gateway does before and after the functions, its limits included.
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html>

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    response::Response,
};
use http::{StatusCode, header};
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use tracing::{error, info};
use uuid::Uuid;

use crate::{MAX_PAYLOAD_BYTES, functions::Functions, gateway};

/// API Gateway takes no longer body.
const MAX_BODY_BYTES: usize = 10 * 1024 * 1024;

/// What the door serves from.
#[derive(Debug, Clone)]
pub(crate) struct Api {
    pub(crate) functions: Functions,
    /// What every request must bring as a bearer token, if anything.
    pub(crate) token: Option<Token>,
}

/// A bearer token, kept as its hash: equal time to compare, nothing to leak.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Token([u8; 32]);

impl Token {
    pub(crate) fn new(token: &str) -> Self {
        Self(Sha256::digest(token.as_bytes()).into())
    }

    fn admits(self, request: &Request) -> bool {
        let given = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let (scheme, token) = given.and_then(|given| given.split_once(' ')).unwrap_or_default();
        scheme.eq_ignore_ascii_case("bearer") && Self::new(token.trim()).0 == self.0
    }
}

pub(crate) fn router(api: Api) -> Router {
    Router::new().fallback(handle).with_state(api)
}

async fn handle(State(api): State<Api>, request: Request) -> Response {
    let method = request.method().as_str().to_owned();
    let url = request.uri().path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string);
    let response = match answer(&api, request).await {
        Ok(response) => response,
        Err(Refusal { status, name, message }) => gateway::error_response(status, name, &message, &method, &url),
    };
    info!(http.method = method, http.url = url, http.status = response.status().as_u16(), "answered");
    response
}

struct Refusal {
    status: StatusCode,
    name: &'static str,
    message: String,
}

impl Refusal {
    fn new(status: StatusCode, name: &'static str, message: impl Into<String>) -> Self {
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
}

async fn answer(api: &Api, request: Request) -> Result<Response, Refusal> {
    if api.token.is_some_and(|token| !token.admits(&request)) {
        let message = "this stack was started with a token: send it as `Authorization: Bearer <token>`";
        return Err(Refusal::new(StatusCode::UNAUTHORIZED, "AuthenticationError", message));
    }
    let (method, path) = (request.method().as_str(), request.uri().path());
    let Some((route, parameters)) = gateway::route(method, path) else {
        let message = format!("there is no {method} {path}; GET / lists what is here");
        return Err(Refusal::new(StatusCode::NOT_FOUND, "NotFoundError", message));
    };
    let (parts, body) = request.into_parts();
    let body = read_body(body).await?;
    let request_id = Uuid::new_v4().to_string();
    let event = gateway::event(&parts, &body, route, &parameters, &request_id, Timestamp::now());
    if event.to_string().len() > MAX_PAYLOAD_BYTES {
        let limit = MAX_PAYLOAD_BYTES / 4 * 3;
        let limit = format!("about {limit} bytes, the most that a function can be handed over HTTP");
        return Err(Refusal::too_large(&limit));
    }
    let answer = api.functions.invoke(route.function, event).await.map_err(|cause| {
        error!(
            function = route.function,
            request.id = request_id,
            error = &cause as &dyn std::error::Error,
            "function failed"
        );
        Refusal::bad_gateway(route.function)
    })?;
    let bytes = answer.to_string().len();
    if bytes > MAX_PAYLOAD_BYTES {
        error!(function = route.function, request.id = request_id, bytes, "answer is longer than a function may give");
        return Err(Refusal::bad_gateway(route.function));
    }
    gateway::response(&answer).map_err(|cause| {
        error!(
            function = route.function,
            request.id = request_id,
            error = &cause as &dyn std::error::Error,
            "no valid answer"
        );
        Refusal::bad_gateway(route.function)
    })
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
