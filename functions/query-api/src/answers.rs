//! Values and errors -> answers: a status, headers, and a body that is there or that comes piece by piece.

use std::fmt;

use aws_lambda_events::apigw::ApiGatewayProxyRequest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use bytes::Bytes;
use catalog_store::StoreError;
use delivery::api::ApiError;
use futures::stream::{BoxStream, StreamExt};
use http::HeaderMap;
use http::header::{CONTENT_TYPE, ETAG, HeaderValue};
use serde::Serialize;
use sha1::{Digest, Sha1};
use tracing::error;

pub(crate) const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");

/// What an answer holds at most in memory. Lists of whole entities are no such answers: they are streamed.
const MAX_BUFFERED_BYTES: usize = 48 * 1024 * 1024;

/// What a caller gets.
#[derive(Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    pub headers: HeaderMap,
    pub body: AnswerBody,
}

pub enum AnswerBody {
    Full(Bytes),
    /// An error in it means that the answer broke off: the connection must not end as if it were whole.
    Stream(BoxStream<'static, Result<Bytes, BrokenOff>>),
}

/// Why the rest of an answer does not come. What went wrong is in the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the answer broke off: {0}")]
pub struct BrokenOff(pub String);

impl fmt::Debug for AnswerBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full(bytes) => f.debug_tuple("Full").field(&bytes.len()).finish(),
            Self::Stream(_) => f.write_str("Stream"),
        }
    }
}

impl AnswerBody {
    /// The whole body, for who cannot pass it on piece by piece.
    ///
    /// # Errors
    /// Fails if it broke off.
    pub async fn collect(self) -> Result<Bytes, BrokenOff> {
        match self {
            Self::Full(bytes) => Ok(bytes),
            Self::Stream(mut pieces) => {
                let mut whole = Vec::new();
                while let Some(piece) = pieces.next().await {
                    whole.extend_from_slice(&piece?);
                }
                Ok(whole.into())
            }
        }
    }
}

impl Answer {
    /// No body, and nothing said about its type.
    pub(crate) fn empty(status: u16) -> Self {
        Self { status, headers: HeaderMap::new(), body: AnswerBody::Full(Bytes::new()) }
    }

    pub(crate) fn of_error(error: ApiError, request: &ApiGatewayProxyRequest) -> Self {
        let status = error.status;
        tagged(status, error.into_body(request).into())
    }
}

/// For an answer that has so many bytes at least.
///
/// # Errors
/// 413 if it is more than is held in memory.
pub(crate) fn check_length(bytes: usize) -> Result<(), ApiError> {
    if bytes <= MAX_BUFFERED_BYTES {
        return Ok(());
    }
    Err(ApiError::payload_too_large(format!(
        "the answer has {bytes} bytes or more, and at most {MAX_BUFFERED_BYTES} can be returned at once; ask for pages \
         with `limit` (/entities/by-query goes on with `cursor`), for less of each entity with `fields`, or for fewer with \
         `filter`"
    )))
}

/// A 200 with a text body.
pub(crate) fn text(content_type: &'static str, body: String) -> Answer {
    let mut answer = tagged(200, body.into());
    answer.headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    answer
}

/// A 200 with JSON and its tag, as Backstage's `res.json` gives it.
pub(crate) fn json(body: &serde_json::Value) -> Answer {
    tagged(200, body.to_string().into())
}

/// A 200 with what is JSON already, and its tag.
pub(crate) fn json_text(body: String) -> Answer {
    tagged(200, body.into())
}

/// A 200 with something that serialises, exact numbers included.
pub(crate) fn serialised(body: &impl Serialize) -> Result<Answer, ApiError> {
    serde_json::to_string(body).map(json_text).map_err(|source| {
        error!(error = %source, "an answer does not serialise");
        ApiError::internal()
    })
}

/// The same with the fields of an object before its own.
pub(crate) fn merged(first: &serde_json::Value, then: &impl Serialize) -> Result<Answer, ApiError> {
    #[derive(Serialize)]
    struct Merged<'a, T> {
        #[serde(flatten)]
        first: &'a serde_json::Value,
        #[serde(flatten)]
        then: &'a T,
    }
    serialised(&Merged { first, then })
}

/// JSON with its tag.
pub(crate) fn json_with(status: u16, body: &serde_json::Value) -> Answer {
    tagged(status, body.to_string().into())
}

/// A 200 with JSON and no tag: Backstage writes whole entities as they are stored.
pub(crate) fn raw_json(body: AnswerBody) -> Answer {
    Answer { status: 200, headers: HeaderMap::from_iter([(CONTENT_TYPE, JSON)]), body }
}

fn tagged(status: u16, body: Bytes) -> Answer {
    let mut headers = HeaderMap::from_iter([(CONTENT_TYPE, JSON)]);
    headers.insert(ETAG, etag(&body));
    Answer { status, headers, body: AnswerBody::Full(body) }
}

/// The weak tag of express: the length in hexadecimal and 27 characters of a SHA-1 in base64.
fn etag(body: &[u8]) -> HeaderValue {
    let digest = STANDARD_NO_PAD.encode(Sha1::digest(body));
    HeaderValue::from_str(&format!("W/\"{:x}-{digest}\"", body.len()))
        .expect("hexadecimal and base64 are visible ASCII")
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
    fn a_tag_is_that_of_express() {
        // Seen on a Backstage backend.
        let body = r#"[{"metadata":{"name":"user.000002"}}]"#;
        assert_eq!(etag(body.as_bytes()), "W/\"25-dOjdAn0bNQYGj4pyfw1Y2QhNWWA\"");
    }

    #[test]
    fn an_answer_that_is_too_long_to_be_held_is_refused_with_what_to_do() {
        assert!(check_length(MAX_BUFFERED_BYTES).is_ok());
        let error = check_length(MAX_BUFFERED_BYTES + 1).unwrap_err();
        assert_eq!(error.status, 413);
        assert!(error.message.contains("`limit`"), "{error}");
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_is_not_taken_for_a_whole_one() {
        let pieces = [Ok(Bytes::from_static(b"[1")), Ok(Bytes::from_static(b",2]"))];
        let whole = AnswerBody::Stream(futures::stream::iter(pieces.clone()).boxed()).collect().await;
        assert_eq!(whole, Ok(Bytes::from_static(b"[1,2]")));
        let broken = pieces.into_iter().chain([Err(BrokenOff("no table".to_owned()))]);
        assert!(AnswerBody::Stream(futures::stream::iter(broken).boxed()).collect().await.is_err());
    }
}
