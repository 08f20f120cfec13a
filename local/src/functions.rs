//! Function name -> what runs when it is invoked: JSON in, JSON or a stream out, as Lambda sees it.

use std::{
    collections::BTreeMap,
    fmt,
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::body::{Body, to_bytes};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures::{FutureExt, future::BoxFuture};
use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value, json};

use crate::MAX_PAYLOAD_BYTES;

/// What a function answers to one invocation.
pub type Answer = BoxFuture<'static, Result<Value, FunctionError>>;

/// What a streaming function answers to one invocation.
pub type StreamingAnswer = BoxFuture<'static, Result<StreamedAnswer, FunctionError>>;

#[derive(Clone)]
enum Handler {
    Buffered(Arc<dyn Fn(Value) -> Answer + Send + Sync>),
    Streaming(Arc<dyn Fn(Value) -> StreamingAnswer + Send + Sync>),
}

/// An HTTP response whose body is passed on as it comes. Dropping the body ends what produces it.
#[derive(Debug)]
pub struct StreamedAnswer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Body,
}

/// What came of an invocation.
#[derive(Debug)]
pub(crate) enum Outcome {
    Buffered(Value),
    Streamed(StreamedAnswer),
}

/// A failed invocation, in the two fields that Lambda reports.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind}: {message}")]
pub struct FunctionError {
    /// Lambda's `errorType`.
    pub kind: String,
    /// Lambda's `errorMessage`.
    pub message: String,
}

impl FunctionError {
    #[must_use]
    pub fn new(kind: impl Into<String>, message: impl Into<String>) -> Self {
        Self { kind: kind.into(), message: message.into() }
    }

    fn panicked(name: &str, cause: impl fmt::Display) -> Self {
        Self::new("Runtime.ExitError", format!("`{name}` panicked: {cause}"))
    }

    /// The body that Lambda answers with.
    pub(crate) fn to_body(&self) -> Value {
        json!({"errorType": self.kind, "errorMessage": self.message, "stackTrace": []})
    }
}

/// The functions of one stack, by name. Cheap to clone.
#[derive(Clone, Default)]
pub struct Functions(Arc<BTreeMap<String, Handler>>);

impl fmt::Debug for Functions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Functions {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a function, or replaces the one of this name.
    #[must_use]
    pub fn with<H, F>(mut self, name: &str, handler: H) -> Self
    where
        H: Fn(Value) -> F + Send + Sync + 'static,
        F: Future<Output = Result<Value, FunctionError>> + Send + 'static,
    {
        let handler = Handler::Buffered(Arc::new(move |event| handler(event).boxed()));
        Arc::make_mut(&mut self.0).insert(name.to_owned(), handler);
        self
    }

    /// Adds a function that answers with a stream, or replaces the one of this name.
    #[must_use]
    pub fn with_streaming<H, F>(mut self, name: &str, handler: H) -> Self
    where
        H: Fn(Value) -> F + Send + Sync + 'static,
        F: Future<Output = Result<StreamedAnswer, FunctionError>> + Send + 'static,
    {
        let handler = Handler::Streaming(Arc::new(move |event| handler(event).boxed()));
        Arc::make_mut(&mut self.0).insert(name.to_owned(), handler);
        self
    }

    /// The same functions, of which every invocation that ended is told to `observer`: the function's name, and the time from
    /// the event to its answer; of a streamed answer, to its first byte.
    #[must_use]
    pub fn observed(mut self, observer: impl Fn(&str, Duration) + Send + Sync + 'static) -> Self {
        let observer = Arc::new(observer);
        for (name, handler) in Arc::make_mut(&mut self.0) {
            let (name, observer) = (Arc::<str>::from(name.as_str()), Arc::clone(&observer));
            *handler = match handler.clone() {
                Handler::Buffered(inner) => Handler::Buffered(Arc::new(move |event| {
                    timed(inner(event), Arc::clone(&name), Arc::clone(&observer)).boxed()
                })),
                Handler::Streaming(inner) => Handler::Streaming(Arc::new(move |event| {
                    timed(inner(event), Arc::clone(&name), Arc::clone(&observer)).boxed()
                })),
            };
        }
        self
    }

    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Runs a function once and waits for all of its answer. A stream is gathered into the answer of a proxy integration.
    ///
    /// # Errors
    /// The function's own error; `Runtime.ExitError` when it panicked; `Function.ResponseSizeTooLarge` when a stream is
    /// longer than an answer may be; `ResourceNotFoundException` when there is none of this name.
    pub async fn invoke(&self, name: &str, event: Value) -> Result<Value, FunctionError> {
        match self.run(name, event).await? {
            Outcome::Buffered(answer) => Ok(answer),
            Outcome::Streamed(answer) => gather(answer).await,
        }
    }

    /// Runs a function once; its panic is an error and not ours. A buffered one goes on to its end when the caller goes
    /// away, as in AWS; a streaming one ends there, as its answer would.
    pub(crate) async fn run(&self, name: &str, event: Value) -> Result<Outcome, FunctionError> {
        match self.0.get(name) {
            None => Err(FunctionError::new("ResourceNotFoundException", format!("there is no function `{name}`"))),
            Some(Handler::Buffered(handler)) => match tokio::spawn(handler(event)).await {
                Ok(answer) => answer.map(Outcome::Buffered),
                Err(error) => Err(FunctionError::panicked(name, error)),
            },
            // In the caller's own task: a request of the API pays for one task and not for two.
            Some(Handler::Streaming(handler)) => match AssertUnwindSafe(handler(event)).catch_unwind().await {
                Ok(answer) => answer.map(Outcome::Streamed),
                Err(_) => Err(FunctionError::panicked(name, "its message is above")),
            },
        }
    }
}

async fn timed<T>(invocation: impl Future<Output = T>, name: Arc<str>, observer: Arc<impl Fn(&str, Duration)>) -> T {
    let began = Instant::now();
    let answer = invocation.await;
    observer(&name, began.elapsed());
    answer
}

/// A streamed answer as the answer of a proxy integration.
async fn gather(answer: StreamedAnswer) -> Result<Value, FunctionError> {
    let body = to_bytes(answer.body, MAX_PAYLOAD_BYTES).await.map_err(|error| {
        FunctionError::new("Function.ResponseSizeTooLarge", format!("the stream cannot be gathered: {error}"))
    })?;
    let (text, is_base64) = match String::from_utf8(body.into()) {
        Ok(text) => (text, false),
        Err(bytes) => (STANDARD.encode(bytes.as_bytes()), true),
    };
    let mut gathered = metadata(answer.status, &answer.headers);
    gathered["body"] = text.into();
    gathered["isBase64Encoded"] = is_base64.into();
    Ok(gathered)
}

/// Status and headers as a proxy integration has them; names with several values are in `multiValueHeaders` alone.
pub(crate) fn metadata(status: StatusCode, headers: &HeaderMap) -> Value {
    let (mut single, mut multi) = (Map::new(), Map::new());
    for name in headers.keys() {
        let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let mut values: Vec<String> = headers.get_all(name).iter().map(text).collect();
        if values.len() == 1 {
            single.insert(name.to_string(), values.swap_remove(0).into());
        } else {
            multi.insert(name.to_string(), values.into());
        }
    }
    let mut metadata = json!({"statusCode": status.as_u16(), "headers": single});
    if !multi.is_empty() {
        metadata["multiValueHeaders"] = multi.into();
    }
    metadata
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_an_error_of_the_invocation() {
        let functions =
            Functions::new().with("bad", async |_| panic!("no")).with_streaming("worse", async |event| match event {
                Value::Null => panic!("no"),
                _ => Err(FunctionError::new("Other", "no")),
            });
        for name in ["bad", "worse"] {
            let error = functions.invoke(name, Value::Null).await.unwrap_err();
            assert_eq!(error.kind, "Runtime.ExitError", "{name}");
        }
    }

    #[tokio::test]
    async fn an_unknown_function_is_named() {
        let error = Functions::new().invoke("nobody", Value::Null).await.unwrap_err();
        assert_eq!(error.to_string(), "ResourceNotFoundException: there is no function `nobody`");
    }

    #[tokio::test]
    async fn a_stream_is_gathered_for_whoever_wants_it_whole() {
        let functions = Functions::new().with_streaming("text", async |event: Value| {
            let mut headers = HeaderMap::new();
            headers.insert("etag", http::HeaderValue::from_static("\"1\""));
            headers.append("vary", http::HeaderValue::from_static("a"));
            headers.append("vary", http::HeaderValue::from_static("b"));
            let body = if event == "bytes" { Body::from(vec![0xff]) } else { Body::from("[1]") };
            Ok(StreamedAnswer { status: StatusCode::OK, headers, body })
        });
        let text = functions.invoke("text", Value::Null).await.unwrap();
        assert_eq!(
            text,
            json!({"statusCode": 200, "headers": {"etag": "\"1\""}, "multiValueHeaders": {"vary": ["a", "b"]},
                   "body": "[1]", "isBase64Encoded": false})
        );
        let bytes = functions.invoke("text", json!("bytes")).await.unwrap();
        assert_eq!((&bytes["body"], &bytes["isBase64Encoded"]), (&json!("/w=="), &json!(true)));
    }
}
