//! An object too long to hold -> its pieces, all of one and the same content.
//!
//! Each piece is a request of its own with the ETag in it: nothing hangs while the catalog is written to, a broken
//! connection costs one piece, and an object that is overwritten meanwhile is noticed.

use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use bytes::Bytes;
use delivery::s3_notification::ObjectEvent;
use futures::{Stream, StreamExt, stream};
use tracing::warn;

use crate::error::CicdExportError;

/// A few thousand documents; two pieces are in memory at a time.
const PIECE_BYTES: u64 = 4 * 1024 * 1024;

/// Pieces that are read at once: the next one comes while the last one is worked on.
const PIECES_AHEAD: usize = 2;

/// Of a piece, beyond what the SDK tries by itself.
const MAX_TRIES: u32 = 4;
const FIRST_BACKOFF: Duration = Duration::from_millis(200);

/// One content of one object.
pub(crate) struct PinnedObject<'d> {
    s3: &'d Client,
    bucket: String,
    key: String,
    version_id: Option<String>,
    etag: String,
    pub(crate) bytes: u64,
}

impl<'d> PinnedObject<'d> {
    /// The content that was opened.
    pub(crate) fn of(event: &ObjectEvent, opened: &GetObjectOutput, s3: &'d Client) -> Self {
        Self {
            s3,
            bucket: event.bucket.clone(),
            key: event.key.clone(),
            version_id: event.version_id.clone(),
            etag: opened.e_tag().unwrap_or_default().to_owned(),
            bytes: opened.content_length().and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or_default(),
        }
    }

    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// The pieces in order. `None`, and nothing after it: the object is another one by now, or gone.
    pub(crate) fn pieces(&self) -> impl Stream<Item = Result<Option<Bytes>, CicdExportError>> + '_ {
        let starts = (0..self.bytes.div_ceil(PIECE_BYTES)).map(|number| number * PIECE_BYTES);
        stream::iter(starts).map(|start| self.piece(start)).buffered(PIECES_AHEAD)
    }

    async fn piece(&self, start: u64) -> Result<Option<Bytes>, CicdExportError> {
        let end = self.bytes.min(start + PIECE_BYTES);
        let mut backoff = FIRST_BACKOFF;
        let mut tries = 0;
        loop {
            tries += 1;
            match self.try_piece(start, end).await {
                Ok(piece) => return Ok(piece),
                Err(error) if tries == MAX_TRIES => return Err(error),
                Err(error) => {
                    warn!(start, tries, error = %delivery::describe(&error), "a piece of an object is read again");
                    tokio::time::sleep(backoff).await;
                    backoff *= 2;
                }
            }
        }
    }

    async fn try_piece(&self, start: u64, end: u64) -> Result<Option<Bytes>, CicdExportError> {
        let broken = |source| CicdExportError::Object { key: self.key.clone(), source };
        let get = self.s3.get_object().bucket(&self.bucket).key(&self.key).range(format!("bytes={start}-{}", end - 1));
        let get = match &self.version_id {
            Some(version_id) => get.version_id(version_id),
            None => get.if_match(&self.etag),
        };
        let object = match get.send().await {
            Ok(object) => object,
            // A shorter object has no such range.
            Err(error) => {
                return match error.code() {
                    Some("NoSuchKey" | "NoSuchVersion" | "PreconditionFailed" | "InvalidRange") => Ok(None),
                    _ => Err(broken(error.into())),
                };
            }
        };
        // Not every S3 server knows If-Match.
        if object.e_tag() != Some(self.etag.as_str()) {
            return Ok(None);
        }
        let piece = object.body.collect().await.map_err(|error| broken(error.into()))?.into_bytes();
        if u64::try_from(piece.len()).ok() != Some(end - start) {
            return Err(broken(format!("{} bytes came of {}", piece.len(), end - start).into()));
        }
        Ok(Some(piece))
    }
}
