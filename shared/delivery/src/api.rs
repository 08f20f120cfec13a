//! An API Gateway REST request (payload 1.0) -> its parts; an answer or an error -> the proxy response.
//!
//! Errors have the shape of a Backstage backend, so that its clients show them as their own.
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html>

use aws_lambda_events::apigw::{ApiGatewayProxyRequest, ApiGatewayProxyResponse};
use aws_lambda_events::encodings::Body;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::{CONTENT_TYPE, HeaderValue};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde_json::json;
use tracing::error;

/// What a query keeps unencoded in the `url` of an error: readable, and still one URL.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/')
    .remove(b':')
    .remove(b',')
    .remove(b'=');

/// Names keep their brackets too: nobody encodes `filter[]`.
const NAME: &AsciiSet = &QUERY.remove(b'[').remove(b']');

const CLIENT_ORDER: &[&str] = &[
    "fields",
    "limit",
    "offset",
    "orderField",
    "cursor",
    "facet",
    "filter",
    "totalItems",
    "fullTextFilterTerm",
    "fullTextFilterFields",
    "after",
    "order",
];

/// Where Backstage's catalog API is.
const MOUNT: &str = "/api/catalog";

/// An error to be shown to an HTTP caller.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ApiError {
    /// HTTP status.
    pub status: u16,
    /// Backstage's name of the error class, such as `InputError`.
    pub name: &'static str,
    /// For the caller: what was wrong, where, and what to do.
    pub message: String,
}

impl ApiError {
    /// 400: the request is malformed.
    pub fn input(message: impl Into<String>) -> Self {
        Self { status: 400, name: "InputError", message: message.into() }
    }

    /// 401: nobody knows who is asking.
    pub fn authentication(message: impl Into<String>) -> Self {
        Self { status: 401, name: "AuthenticationError", message: message.into() }
    }

    /// 403: the caller may not do this.
    pub fn not_allowed(message: impl Into<String>) -> Self {
        Self { status: 403, name: "NotAllowedError", message: message.into() }
    }

    /// 404: there is no such thing.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self { status: 404, name: "NotFoundError", message: message.into() }
    }

    /// 405: the path exists, the method does not.
    pub fn method_not_allowed(message: impl Into<String>) -> Self {
        Self { status: 405, name: "MethodNotAllowedError", message: message.into() }
    }

    /// 409: it does not fit what is stored.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self { status: 409, name: "ConflictError", message: message.into() }
    }

    /// 410: it was there and is no more, such as a cursor older than the log.
    pub fn gone(message: impl Into<String>) -> Self {
        Self { status: 410, name: "GoneError", message: message.into() }
    }

    /// 413: too large for this door; the message names the other one.
    pub fn payload_too_large(message: impl Into<String>) -> Self {
        Self { status: 413, name: "PayloadTooLargeError", message: message.into() }
    }

    /// 501: not done here; the message says what to do instead. Static, so that nothing internal slips in.
    #[must_use]
    pub fn not_implemented(message: &'static str) -> Self {
        Self { status: 501, name: "NotImplementedError", message: message.to_owned() }
    }

    /// 503: try again later. Static, so that nothing internal slips in.
    #[must_use]
    pub fn service_unavailable(message: &'static str) -> Self {
        Self { status: 503, name: "ServiceUnavailableError", message: message.to_owned() }
    }

    /// 500: log the cause where it happens; the caller only gets the request id.
    #[must_use]
    pub fn internal() -> Self {
        Self { status: 500, name: "Error", message: "An internal error occurred".to_owned() }
    }

    /// The body in Backstage's shape. Every 5xx other than 501 and 503 hides its message.
    #[must_use]
    pub fn into_body(self, request: &ApiGatewayProxyRequest) -> String {
        let message = match self.status {
            501 | 503 => self.message,
            500..=599 => {
                let id = request.request_context.request_id.as_deref().unwrap_or("unknown");
                format!("An internal error occurred requestId={id}")
            }
            _ => self.message,
        };
        // By hand, for the order of the keys in which Backstage writes them.
        format!(
            r#"{{"error":{{"name":{},"message":{}}},"request":{{"method":{},"url":{}}},"response":{{"statusCode":{}}}}}"#,
            json!(self.name),
            json!(message),
            json!(request.http_method.as_str()),
            json!(url(request)),
            self.status
        )
    }

    /// The response with that body.
    #[must_use]
    pub fn into_response(self, request: &ApiGatewayProxyRequest) -> ApiGatewayProxyResponse {
        let status = self.status;
        respond(status, self.into_body(request))
    }
}

/// `body` as JSON with `status`.
///
/// A body that cannot be serialised (a map with keys that are no strings) is a mistake in our own types: it is
/// logged and answered with a bare 500.
#[must_use]
pub fn json_response(status: u16, body: &impl Serialize) -> ApiGatewayProxyResponse {
    match serde_json::to_string(body) {
        Ok(text) => respond(status, text),
        Err(source) => {
            error!(error = %source, "could not serialise an answer");
            let body = json!({
                "error": { "name": "Error", "message": "An internal error occurred" },
                "response": { "statusCode": 500 },
            });
            respond(500, body.to_string())
        }
    }
}

fn respond(status: u16, json: String) -> ApiGatewayProxyResponse {
    let mut response = ApiGatewayProxyResponse::default();
    response.status_code = i64::from(status);
    response.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    response.body = Some(Body::Text(json));
    response
}

/// The body as the caller sent it; empty when there was none.
///
/// # Errors
/// 400 when the gateway says base64 and it is not.
pub fn body_bytes(request: &ApiGatewayProxyRequest) -> Result<Vec<u8>, ApiError> {
    let body = request.body.as_deref().unwrap_or_default();
    if !request.is_base64_encoded {
        return Ok(body.as_bytes().to_vec());
    }
    STANDARD.decode(body).map_err(|_| ApiError::input("the body is not valid base64 although isBase64Encoded is set"))
}

/// All values of a query parameter in the order of the request; none when it is absent.
#[must_use]
pub fn query_all<'r>(request: &'r ApiGatewayProxyRequest, name: &str) -> Vec<&'r str> {
    let many = request.multi_value_query_string_parameters.all(name);
    // A hand-made invocation may have the single-valued map only.
    many.or_else(|| request.query_string_parameters.all(name)).unwrap_or_default()
}

/// The last value of a query parameter, as API Gateway's own single-valued map has it.
#[must_use]
pub fn query_last<'r>(request: &'r ApiGatewayProxyRequest, name: &str) -> Option<&'r str> {
    query_all(request, name).pop()
}

/// Names of all query parameters, each once. API Gateway does not tell their order: they come as Backstage's client writes
/// them, any others by name behind.
#[must_use]
pub fn query_names(request: &ApiGatewayProxyRequest) -> Vec<&str> {
    let many = request.multi_value_query_string_parameters.iter();
    let mut names: Vec<&str> = many.chain(request.query_string_parameters.iter()).map(|(name, _)| name).collect();
    let rank = |name: &str| CLIENT_ORDER.iter().position(|known| *known == name).unwrap_or(CLIENT_ORDER.len());
    names.sort_unstable_by_key(|name| (rank(name), *name));
    names.dedup();
    names
}

/// The first value of a header, whatever the case of its name; values that are not visible ASCII count as absent.
#[must_use]
pub fn header<'r>(request: &'r ApiGatewayProxyRequest, name: &str) -> Option<&'r str> {
    let value = |headers: &'r HeaderMap| headers.get(name).and_then(|value| value.to_str().ok());
    value(&request.multi_value_headers).or_else(|| value(&request.headers))
}

/// ARN of the IAM principal that signed the request. From the gateway, never from the body.
#[must_use]
pub fn caller_arn(request: &ApiGatewayProxyRequest) -> Option<&str> {
    request.request_context.identity.user_arn.as_deref()
}

/// Path and query, of the catalog relative to its mount as Backstage has it.
fn url(request: &ApiGatewayProxyRequest) -> String {
    let path = request.path.as_deref().unwrap_or("/");
    let mount = path.get(..MOUNT.len()).filter(|mount| mount.eq_ignore_ascii_case(MOUNT));
    let mounted = mount.map(|mount| &path[mount.len()..]).filter(|rest| rest.starts_with('/'));
    let mut url = mounted.unwrap_or(path).to_owned();
    let mut separator = '?';
    for name in query_names(request) {
        for value in query_all(request, name) {
            url.push(separator);
            url.extend(utf8_percent_encode(name, NAME));
            url.push('=');
            url.extend(utf8_percent_encode(value, QUERY));
            separator = '&';
        }
    }
    url
}

#[cfg(test)]
#[path = "api_tests.rs"]
mod tests;
