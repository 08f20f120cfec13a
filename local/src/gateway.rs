//! HTTP request -> the event of a REST API's Lambda proxy integration, and its answer -> HTTP response. Pure.
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html>

use axum::body::Body;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, request::Parts};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use url::form_urlencoded;

use crate::{
    ACCOUNT, REGION,
    wiring::{self, Route},
};

const STAGE: &str = "local";
const API_ID: &str = "local";

/// The most specific route of a method and a raw path, with its path parameters as they stand in the path: like API
/// Gateway, nothing is decoded.
pub(crate) fn route(method: &str, path: &str) -> Option<(&'static Route, Map<String, Value>)> {
    let routes = wiring::ROUTES.iter().filter(|route| route.method == method || route.method == "ANY");
    let matches = routes.filter_map(|route| Some((route, parameters(route.path, path)?)));
    matches.min_by_key(|(route, parameters)| (route.path.ends_with("+}"), parameters.len(), route.method == "ANY"))
}

fn parameters(pattern: &str, path: &str) -> Option<Map<String, Value>> {
    let mut found = Map::new();
    let mut rest = path.strip_prefix('/')?;
    let mut pattern = pattern.strip_prefix('/')?;
    loop {
        let (wanted, pattern_left) = pattern.split_once('/').map_or((pattern, None), |(a, b)| (a, Some(b)));
        let (given, left) = rest.split_once('/').map_or((rest, None), |(a, b)| (a, Some(b)));
        let name = wanted.strip_prefix('{').and_then(|wanted| wanted.strip_suffix('}'));
        match name.map(|name| (name.strip_suffix('+'), name)) {
            Some((Some(greedy), _)) => {
                found.insert(greedy.to_owned(), json!(rest));
                return (!rest.is_empty()).then_some(found);
            }
            Some((None, name)) if !given.is_empty() => {
                found.insert(name.to_owned(), json!(given));
            }
            None if wanted == given => {}
            _ => return None,
        }
        match (pattern_left, left) {
            (None, None) => return Some(found),
            (Some(more_pattern), Some(more)) => (pattern, rest) = (more_pattern, more),
            _ => return None,
        }
    }
}

/// ARN of what a request invokes.
pub(crate) fn method_arn(parts: &Parts) -> String {
    format!("arn:aws:execute-api:{REGION}:{ACCOUNT}:{API_ID}/{STAGE}/{}{}", parts.method, parts.uri.path())
}

/// The event for an authorizer of type `REQUEST`.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-input.html>
pub(crate) fn authorizer_event(parts: &Parts, method_arn: &str) -> Value {
    let (headers, multi_headers) = header_fields(&parts.headers);
    let (query, multi_query) = query_fields(parts.uri.query().unwrap_or_default());
    json!({
        "type": "REQUEST",
        "methodArn": method_arn,
        "path": parts.uri.path(),
        "httpMethod": parts.method.as_str(),
        "headers": headers,
        "multiValueHeaders": multi_headers,
        "queryStringParameters": query,
        "multiValueQueryStringParameters": multi_query,
        "requestContext": {"accountId": ACCOUNT, "apiId": API_ID, "httpMethod": parts.method.as_str(), "stage": STAGE},
    })
}

/// Bytes of an event at most: its exact length is only worth finding out near the limit.
pub(crate) fn event_bytes_bound(parts: &Parts, body_bytes: usize) -> usize {
    const AROUND: usize = 4 * 1024;
    /// A byte may be written as `\u00ff`.
    const ESCAPED: usize = 6;
    let headers: usize = parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 16).sum();
    // Headers and query are there twice, the path four times.
    let path_and_query = parts.uri.path_and_query().map_or(0, |text| text.as_str().len());
    AROUND + body_bytes / 3 * 4 + 4 + (headers * 2 + path_and_query * 4) * ESCAPED
}

/// The event of one request. `authorizer` is what the authorizer said of it, if it was asked.
pub(crate) fn event(
    parts: &Parts,
    body: &[u8],
    (route, parameters): (&Route, &Map<String, Value>),
    authorizer: Value,
    request_id: &str,
    now: Timestamp,
) -> Value {
    let (headers, multi_headers) = header_fields(&parts.headers);
    let (query, multi_query) = query_fields(parts.uri.query().unwrap_or_default());
    let path = parts.uri.path();
    // Every media type is declared binary, so that a body reaches the function byte for byte.
    let text = if body.is_empty() { Value::Null } else { json!(STANDARD.encode(body)) };
    let mut event = json!({
        "resource": route.path,
        "path": path,
        "httpMethod": parts.method.as_str(),
        "headers": headers,
        "multiValueHeaders": multi_headers,
        "queryStringParameters": query,
        "multiValueQueryStringParameters": multi_query,
        "pathParameters": if parameters.is_empty() { Value::Null } else { json!(parameters) },
        "stageVariables": null,
        "requestContext": {
            "accountId": ACCOUNT,
            "apiId": API_ID,
            "domainName": parts.headers.get("host").and_then(|host| host.to_str().ok()),
            "extendedRequestId": request_id,
            "httpMethod": parts.method.as_str(),
            "identity": {
                "accountId": ACCOUNT,
                "caller": "local",
                "sourceIp": "127.0.0.1",
                "user": "local",
                "userAgent": parts.headers.get("user-agent").and_then(|agent| agent.to_str().ok()),
                "userArn": format!("arn:aws:iam::{ACCOUNT}:user/local"),
            },
            "path": format!("/{STAGE}{path}"),
            "protocol": "HTTP/1.1",
            "requestId": request_id,
            "requestTime": now.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string(),
            "requestTimeEpoch": now.as_millisecond(),
            "resourceId": "local",
            "resourcePath": route.path,
            "stage": STAGE,
        },
        "body": text,
        "isBase64Encoded": !body.is_empty(),
    });
    if !authorizer.is_null() {
        event["requestContext"]["authorizer"] = authorizer;
    }
    event
}

/// Each header's last value, and all of them.
fn header_fields(headers: &HeaderMap) -> (Map<String, Value>, Map<String, Value>) {
    let (mut single, mut multi) = (Map::new(), Map::new());
    for name in headers.keys() {
        let values: Vec<_> =
            headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect();
        single.insert(name.to_string(), json!(values.last()));
        multi.insert(name.to_string(), json!(values));
    }
    (single, multi)
}

/// Each parameter's last value, and all of them, decoded once. A request without any has null for both.
fn query_fields(query: &str) -> (Value, Value) {
    let (mut single, mut multi) = (Map::new(), Map::new());
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        single.insert(name.to_string(), json!(value));
        if let Value::Array(values) = multi.entry(name).or_insert_with(|| json!([])) {
            values.push(json!(value));
        }
    }
    if single.is_empty() { (Value::Null, Value::Null) } else { (single.into(), multi.into()) }
}

/// What is wrong with a function's answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AnswerError {
    #[error("it has no valid statusCode")]
    Status,
    #[error("header `{name}` is not valid")]
    Header { name: String },
    #[error("its body is no text")]
    Body,
    #[error("its body is not in base64")]
    Base64(#[source] base64::DecodeError),
}

/// The HTTP response of a function's answer.
pub(crate) fn response(mut answer: Value) -> Result<Response<Body>, AnswerError> {
    let status = answer.get("statusCode").and_then(Value::as_u64).and_then(|code| u16::try_from(code).ok());
    let status = status.and_then(|code| StatusCode::from_u16(code).ok()).ok_or(AnswerError::Status)?;
    let is_base64 = answer.get("isBase64Encoded") == Some(&Value::Bool(true));
    let body = match answer.get_mut("body").map(Value::take) {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::String(text)) if is_base64 => STANDARD.decode(text).map_err(AnswerError::Base64)?,
        Some(Value::String(text)) => text.into_bytes(),
        Some(_) => return Err(AnswerError::Body),
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    for (name, value) in fields(&answer, "headers") {
        let (name, value) = header(name, value)?;
        headers.insert(name, value);
    }
    for (name, values) in fields(&answer, "multiValueHeaders") {
        for (index, value) in values.as_array().map_or(&[][..], Vec::as_slice).iter().enumerate() {
            let (name, value) = header(name, value)?;
            // What is in both is in the answer once, with all values.
            if index == 0 {
                headers.insert(name, value);
            } else {
                headers.append(name, value);
            }
        }
    }
    if !headers.contains_key("content-type") {
        headers.insert("content-type", HeaderValue::from_static("application/json"));
    }
    Ok(response)
}

fn fields<'a>(answer: &'a Value, name: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    answer.get(name).and_then(Value::as_object).into_iter().flatten()
}

fn header(name: &str, value: &Value) -> Result<(HeaderName, HeaderValue), AnswerError> {
    let error = || AnswerError::Header { name: name.to_owned() };
    let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    Ok((name.parse().map_err(|_| error())?, HeaderValue::from_str(&value).map_err(|_| error())?))
}

/// An error in the shape that all of the API answers with, Backstage's.
pub(crate) fn error_response(status: StatusCode, name: &str, message: &str, method: &str, url: &str) -> Response<Body> {
    let body = json!({
        "error": {"name": name, "message": message},
        "request": {"method": method, "url": url},
        "response": {"statusCode": status.as_u16()},
    });
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert("content-type", HeaderValue::from_static("application/json"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routed(method: &str, path: &str) -> Option<(&'static str, Value)> {
        route(method, path).map(|(route, parameters)| (route.function, parameters.into()))
    }

    #[test]
    fn the_most_specific_route_wins_and_parameters_stay_encoded() {
        let export = json!({"producer": "a.b", "format": "terraform-state", "name": "x%2Fy"});
        assert_eq!(routed("GET", "/api/exports/a.b/terraform-state/x%2Fy"), Some(("cicd-export", export)));
        let rest = json!({"proxy": "api/exports/a.b/terraform-state/x/y"});
        assert_eq!(routed("GET", "/api/exports/a.b/terraform-state/x/y"), Some(("query-api", rest)));
        assert_eq!(routed("GET", "/"), Some(("query-api", json!({}))));
        let by_refs = json!({"proxy": "api/catalog/entities/by-refs"});
        assert_eq!(routed("POST", "/api/catalog/entities/by-refs"), Some(("query-api", by_refs)));
        let rest = json!({"proxy": "api/exports/a/b"});
        assert_eq!(routed("PUT", "/api/exports/a/b"), Some(("query-api", rest)));
        assert_eq!(routed("PATCH", "/").map(|(function, _)| function), Some("query-api"));
        assert_eq!(routed("PATCH", "no path"), None);
    }

    #[test]
    fn the_bound_of_an_event_is_never_below_its_length() {
        for (target, body) in [("/", 0), ("/a%20b?x=%22%22%22&y=1&y=2&\u{1}", 5_000), ("/p", 1)] {
            let request = http::Request::get(target.replace('\u{1}', "%01"))
                .header("x-a", HeaderValue::from_bytes(&[0xe9; 900]).unwrap())
                .header("x-a", "\"quoted\"")
                .body(());
            let (parts, ()) = request.unwrap().into_parts();
            let (route, parameters) = route("GET", parts.uri.path()).unwrap();
            let bytes = vec![0xff; body];
            let event = event(&parts, &bytes, (route, &parameters), Value::Null, "id", Timestamp::UNIX_EPOCH);
            assert!(event.to_string().len() <= event_bytes_bound(&parts, body), "{target}");
        }
    }

    #[test]
    fn a_query_is_decoded_once_and_repeated_parameters_are_kept() {
        let (single, multi) = query_fields("filter=kind%3Dresource%2Ca%253D1&filter=b+c&empty=&flag");
        assert_eq!(single, json!({"filter": "b c", "empty": "", "flag": ""}));
        assert_eq!(multi, json!({"filter": ["kind=resource,a%3D1", "b c"], "empty": [""], "flag": [""]}));
        assert_eq!(query_fields(""), (Value::Null, Value::Null));
    }

    #[test]
    fn an_answer_becomes_the_response_with_all_its_headers() {
        let answer = json!({
            "statusCode": 201,
            "headers": {"etag": "\"1\"", "set-cookie": "a=1"},
            "multiValueHeaders": {"set-cookie": ["a=1", "b=2"]},
            "body": "aGk=", "isBase64Encoded": true,
        });
        let response = response(answer).unwrap();
        assert_eq!(response.status(), 201);
        assert_eq!(response.headers()["etag"], "\"1\"");
        assert_eq!(response.headers().get_all("set-cookie").iter().count(), 2);
    }

    #[test]
    fn an_answer_that_is_no_response_is_refused() {
        for answer in [
            json!({}),
            json!({"statusCode": 20}),
            json!({"statusCode": 200, "body": {}}),
            json!({"statusCode": 200, "body": "%", "isBase64Encoded": true}),
            json!({"statusCode": 200, "headers": {"a b": "c"}}),
        ] {
            assert!(response(answer.clone()).is_err(), "{answer}");
        }
    }
}
