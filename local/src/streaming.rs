//! A streamed answer within the limits that it would have in AWS.
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/response-transfer-mode.html>
//! <https://docs.aws.amazon.com/lambda/latest/dg/configuration-response-streaming.html>
//!
//! Not imitated: after the first 10 MB, API Gateway passes on 2 MB a second, and it ends a stream that says nothing for five
//! minutes, which is longer than ours may take.

use axum::body::{Body, Bytes, HttpBody};
use futures::StreamExt;
use tokio::time::{Instant, timeout_at};
use tracing::error;

use crate::wiring::MAX_STREAM_DURATION;

/// Lambda streams no more in one answer.
pub(crate) const MAX_STREAM_BYTES: u64 = 200 * 1024 * 1024;

/// Why a stream was cut off.
#[derive(Debug, thiserror::Error)]
enum Cut {
    #[error("the answer is longer than {MAX_STREAM_BYTES} bytes, the most that a function may stream")]
    TooLong,
    #[error("the answer took longer than {} seconds", MAX_STREAM_DURATION.as_secs())]
    TooSlow,
    #[error("the function broke its answer off")]
    Broken(#[source] axum::Error),
}

/// `body` until it ends or breaks a limit: then the connection breaks off, as it does in AWS. A body of a known, short
/// length is passed as it is.
pub(crate) fn limited(function: &'static str, body: Body) -> Body {
    if body.size_hint().exact().is_some_and(|bytes| bytes <= MAX_STREAM_BYTES) {
        return body;
    }
    let end = Instant::now() + MAX_STREAM_DURATION;
    let state = (body.into_data_stream(), MAX_STREAM_BYTES);
    let stream = futures::stream::try_unfold(state, move |(mut stream, left)| async move {
        let chunk = match timeout_at(end, stream.next()).await {
            Err(_) => Err(Cut::TooSlow),
            Ok(None) => return Ok(None),
            Ok(Some(Err(source))) => Err(Cut::Broken(source)),
            Ok(Some(Ok(chunk))) => Ok(chunk),
        };
        let counted = chunk.and_then(|chunk: Bytes| {
            let left = left.checked_sub(chunk.len() as u64).ok_or(Cut::TooLong)?;
            Ok(Some((chunk, (stream, left))))
        });
        counted.inspect_err(|cut| error!(function, error = cut as &dyn std::error::Error, "cut an answer off"))
    });
    Body::from_stream(stream)
}
