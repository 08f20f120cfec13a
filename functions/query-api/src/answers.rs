//! Values and errors -> responses that fit through Lambda.

use aws_lambda_events::apigw::ApiGatewayProxyResponse;
use aws_lambda_events::encodings::Body;
use catalog_store::StoreError;
use delivery::api::ApiError;
use http::header::{CONTENT_TYPE, HeaderValue};
use tracing::error;

/// What Lambda returns synchronously at most, less some room for status and headers:
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
const MAX_RESPONSE_BYTES: usize = 6 * 1024 * 1024 - 8 * 1024;

/// For an answer that has so many bytes at least.
///
/// # Errors
/// 413 if it is more than Lambda can return.
pub(crate) fn check_length(bytes: usize) -> Result<(), ApiError> {
    if bytes <= MAX_RESPONSE_BYTES {
        return Ok(());
    }
    Err(ApiError::payload_too_large(format!(
        "the answer has {bytes} bytes or more, and at most {MAX_RESPONSE_BYTES} can be returned; ask for pages with \
         `limit` (/entities/by-query goes on with `cursor`), for less of each entity with `fields`, or for fewer with \
         `filter`"
    )))
}

/// A 200 with a text body.
///
/// # Errors
/// 413 if it is more than Lambda can return.
pub(crate) fn text(content_type: &'static str, body: String) -> Result<ApiGatewayProxyResponse, ApiError> {
    // The body travels as a JSON string: quotes, backslashes and control characters take more than their one byte.
    let escaped: usize = body
        .bytes()
        .map(|byte| match byte {
            b'"' | b'\\' | b'\n' | b'\r' | b'\t' => 2,
            0..0x20 => 6,
            _ => 1,
        })
        .sum();
    check_length(escaped)?;
    let mut response = ApiGatewayProxyResponse::default();
    response.status_code = 200;
    response.headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response.body = Some(Body::Text(body));
    Ok(response)
}

/// A 200 with JSON.
///
/// # Errors
/// 413 if it is more than Lambda can return.
pub(crate) fn json(body: &serde_json::Value) -> Result<ApiGatewayProxyResponse, ApiError> {
    json_text(body.to_string())
}

/// A 200 with what is JSON already.
///
/// # Errors
/// 413 if it is more than Lambda can return.
pub(crate) fn json_text(body: String) -> Result<ApiGatewayProxyResponse, ApiError> {
    text("application/json; charset=utf-8", body)
}

/// For `map_err` on a call of the store: what went wrong is for the log, not for the caller.
#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
pub(crate) fn unavailable(source: StoreError) -> ApiError {
    error!(error = %delivery::describe(&source), code = source.code(), "could not read from the store");
    if source.is_retryable() {
        return ApiError::service_unavailable("the catalog cannot be reached right now; try again");
    }
    ApiError::internal()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_lambda_could_not_return_is_refused_with_what_to_do() {
        let fits = "x".repeat(MAX_RESPONSE_BYTES);
        assert!(text("text/plain", fits.clone()).is_ok());
        let error = text("text/plain", fits.replacen('x', "\"", 1)).unwrap_err();
        assert_eq!(error.status, 413);
        assert!(error.message.contains("`limit`"), "{error}");
    }
}
