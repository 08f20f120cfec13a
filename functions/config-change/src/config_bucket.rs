//! The buckets that Config delivers to: what may be read of them, and how much.

use std::io::Read as _;

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use bytes::{Bytes, BytesMut};
use flate2::read::MultiGzDecoder;

use crate::ConfigChangeError;

/// One request of a long file. Two of them, and what a few kilobytes decompress to, are what is held of it.
const PIECE_BYTES: u64 = 4 * 1024 * 1024;

/// Largest object of one item, as it lies there, and decompressed. It is held as a whole, and as a tree.
const MAX_SINGLE_BYTES: usize = 4 * 1024 * 1024;
const MAX_SINGLE_TEXT_BYTES: u64 = 16 * 1024 * 1024;

/// What an error shows of a name from a message.
const MAX_SHOWN_CHARS: usize = 120;

#[derive(Debug, Clone)]
pub(crate) struct ConfigBuckets {
    pub(crate) s3: aws_sdk_s3::Client,
    pub(crate) names: Vec<String>,
}

/// A file at one content, read piece by piece.
#[derive(Debug)]
pub(crate) struct PinnedFile<'b> {
    buckets: &'b ConfigBuckets,
    bucket: &'b str,
    key: &'b str,
    /// Of the first piece. What comes after must be of the same content.
    etag: Option<String>,
    at: u64,
    /// Known with the first piece.
    bytes: Option<u64>,
}

/// A piece of a file.
#[derive(Debug)]
pub(crate) enum Piece {
    Bytes(Bytes),
    End,
    /// The object is another one by now, or gone.
    Gone,
}

impl ConfigBuckets {
    /// # Errors
    /// Fails on a bucket that no setting names: nothing is asked of it.
    pub(crate) fn check(&self, bucket: &str) -> Result<(), ConfigChangeError> {
        if self.names.iter().any(|name| name == bucket) {
            return Ok(());
        }
        Err(ConfigChangeError::ForeignBucket { bucket: shown(bucket) })
    }

    /// A file that was announced; `etag` is that of the announcement.
    pub(crate) fn file<'b>(&'b self, bucket: &'b str, key: &'b str, etag: Option<&str>) -> PinnedFile<'b> {
        PinnedFile { buckets: self, bucket, key, etag: etag.map(unquoted), at: 0, bytes: None }
    }

    /// The text of an object that holds one item. `Err` in `Ok`: why there is none, for good.
    ///
    /// # Errors
    /// Fails where another try may find it.
    pub(crate) async fn single(
        &self,
        bucket: &str,
        key: &str,
    ) -> Result<Result<Vec<u8>, &'static str>, ConfigChangeError> {
        let object = match self.s3.get_object().bucket(bucket).key(key).send().await {
            Ok(object) => object,
            Err(error) if is_missing(&error) => return Ok(Err("the object is not there")),
            Err(error) if is_denied(&error) => return Ok(Err("the object may not be read")),
            Err(error) => return Err(failed(key, error)),
        };
        let mut body = object.body;
        let mut compressed = BytesMut::new();
        while let Some(bytes) = body.next().await {
            compressed.extend_from_slice(&bytes.map_err(|error| failed(key, error))?);
            if compressed.len() > MAX_SINGLE_BYTES {
                return Ok(Err("the object is too large"));
            }
        }
        let mut text = Vec::new();
        let limited = MultiGzDecoder::new(compressed.as_ref()).take(MAX_SINGLE_TEXT_BYTES + 1).read_to_end(&mut text);
        if limited.is_err() {
            return Ok(Err("the object is no gzip file"));
        }
        if text.len() as u64 > MAX_SINGLE_TEXT_BYTES {
            return Ok(Err("the item is too large"));
        }
        Ok(Ok(text))
    }
}

impl PinnedFile<'_> {
    /// # Errors
    /// Fails where another try may find it.
    pub(crate) async fn next(&mut self) -> Result<Piece, ConfigChangeError> {
        if self.bytes.is_some_and(|bytes| self.at >= bytes) {
            return Ok(Piece::End);
        }
        let range = format!("bytes={}-{}", self.at, self.at + PIECE_BYTES - 1);
        let get = self.buckets.s3.get_object().bucket(self.bucket).key(self.key).range(range);
        let object = match get.set_if_match(self.etag.as_ref().map(|etag| format!("\"{etag}\""))).send().await {
            Ok(object) => object,
            Err(error) if is_missing(&error) => return Ok(Piece::Gone),
            // An empty object has no range at all.
            Err(error) if error.code() == Some("InvalidRange") && self.at == 0 => return Ok(Piece::End),
            Err(error) => return Err(failed(self.key, error)),
        };
        let etag = object.e_tag().map(unquoted);
        // Not every S3 server knows If-Match.
        if self.etag.is_some() && etag != self.etag {
            return Ok(Piece::Gone);
        }
        self.etag = etag;
        let total = object.content_range().and_then(|range| range.rsplit_once('/')?.1.parse().ok());
        let body = object.body.collect().await.map_err(|error| failed(self.key, error))?.into_bytes();
        self.at += body.len() as u64;
        // Whoever answers without a range sent all there is.
        self.bytes = Some(total.unwrap_or(self.at));
        Ok(if body.is_empty() { Piece::End } else { Piece::Bytes(body) })
    }
}

/// Keys and names come from messages.
pub(crate) fn shown(text: &str) -> String {
    text.chars().take(MAX_SHOWN_CHARS).filter(|c| !c.is_control()).collect()
}

fn unquoted(etag: &str) -> String {
    etag.trim_matches('"').to_owned()
}

fn is_missing<E: ProvideErrorMetadata>(error: &SdkError<E>) -> bool {
    let status = error.raw_response().map(|response| response.status().as_u16());
    matches!(status, Some(404 | 412)) || matches!(error.code(), Some("NoSuchKey" | "PreconditionFailed"))
}

fn is_denied<E: ProvideErrorMetadata>(error: &SdkError<E>) -> bool {
    error.raw_response().is_some_and(|response| response.status().as_u16() == 403)
}

fn failed(key: &str, error: impl std::error::Error + Send + Sync + 'static) -> ConfigChangeError {
    ConfigChangeError::Object { key: shown(key), source: Box::new(error) }
}
