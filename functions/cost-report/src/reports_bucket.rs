//! The reports bucket: manifests, and data files; the bucket of results is read alike. Files are
//! pinned to the bytes that they had when the manifest was read.

use std::error::Error;
use std::fmt;
use std::ops::Range;

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use billing_report::{DataFile, Manifest, ReportFile};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use tokio::runtime::Handle;

use crate::error::CostReportError;

/// A manifest lists 10,000 files and some thousand columns at most.
const MAX_MANIFEST_BYTES: u64 = 8 * 1024 * 1024;

/// Most bytes that are asked for with one call. Longer ranges are several calls, made at the same time.
const MAX_CALL_BYTES: u64 = 8 * 1024 * 1024;

const CONCURRENT_CALLS: usize = 16;

#[derive(Debug, Clone)]
pub(crate) struct ReportsBucket {
    pub(crate) s3: aws_sdk_s3::Client,
    pub(crate) name: String,
}

/// A manifest as it lies in the bucket.
#[derive(Debug)]
pub(crate) struct Announced {
    pub(crate) manifest: Manifest,
    /// Milliseconds since 1970: orders the deliveries of a month.
    pub(crate) modified_ms: u64,
}

/// A data file as it was when it was pinned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pinned {
    pub(crate) file: DataFile,
    etag: String,
    pub(crate) bytes: u64,
}

/// What tells it from any other file, and from itself with other bytes.
impl fmt::Display for Pinned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.file.key, self.etag, self.bytes)
    }
}

impl ReportsBucket {
    pub(crate) async fn manifest(&self, key: &str) -> Result<Announced, CostReportError> {
        let (body, modified_ms) = self.object(key).await?;
        let manifest = Manifest::parse(&self.name, key, &body)
            .map_err(|source| CostReportError::Manifest { key: key.into(), source })?;
        Ok(Announced { manifest, modified_ms })
    }

    /// A small object, and the milliseconds since 1970 at which it was written.
    pub(crate) async fn object(&self, key: &str) -> Result<(Bytes, u64), CostReportError> {
        let answer =
            self.s3.get_object().bucket(&self.name).key(key).send().await.map_err(|error| failed(key, error))?;
        let bytes = size(answer.content_length());
        if bytes > MAX_MANIFEST_BYTES {
            return Err(CostReportError::ManifestTooLarge { key: key.into(), bytes, limit: MAX_MANIFEST_BYTES });
        }
        let modified_ms = answer.last_modified().and_then(|time| time.to_millis().ok()).map_or(0, |ms| size(Some(ms)));
        Ok((collect(key, answer.body).await?, modified_ms))
    }

    pub(crate) async fn put(&self, key: &str, body: Vec<u8>) -> Result<(), CostReportError> {
        let put = self.s3.put_object().bucket(&self.name).key(key).body(body.into());
        put.send().await.map(|_| ()).map_err(|error| failed(key, error))
    }

    /// Notes which bytes each file has now, before any of them is read.
    ///
    /// # Errors
    /// Fails on a file that is not there.
    pub(crate) async fn pin(&self, files: &[DataFile]) -> Result<Vec<Pinned>, CostReportError> {
        stream::iter(files.iter().map(|file| self.pin_file(file))).buffered(CONCURRENT_CALLS).try_collect().await
    }

    async fn pin_file(&self, file: &DataFile) -> Result<Pinned, CostReportError> {
        let head = self.s3.head_object().bucket(&self.name).key(&file.key);
        let answer = head.send().await.map_err(|error| failed(&file.key, error))?;
        let etag = answer.e_tag().unwrap_or_default().to_owned();
        Ok(Pinned { file: file.clone(), etag, bytes: size(answer.content_length()) })
    }

    /// The file as something that can be read off the runtime's threads.
    pub(crate) fn open<'f>(&'f self, pinned: &'f Pinned, runtime: Handle) -> FileInBucket<'f> {
        FileInBucket { reports: self, pinned, runtime }
    }

    /// # Errors
    /// Fails if the file is no longer what was pinned.
    async fn read_range(&self, pinned: &Pinned, range: Range<u64>) -> Result<Bytes, CostReportError> {
        let key = &pinned.file.key;
        if range.is_empty() {
            return Ok(Bytes::new());
        }
        let get = self.s3.get_object().bucket(&self.name).key(key).if_match(&pinned.etag);
        let get = get.range(format!("bytes={}-{}", range.start, range.end - 1));
        let answer = get.send().await.map_err(|error| failed(key, error))?;
        let total = answer.content_range().and_then(|range| range.rsplit_once('/')?.1.parse().ok());
        // An object store that does not know If-Match answers all the same.
        if answer.e_tag() != Some(&pinned.etag) || total.unwrap_or(pinned.bytes) != pinned.bytes {
            return Err(CostReportError::Changed { key: key.clone() });
        }
        let body = collect(key, answer.body).await?;
        if body.len() as u64 != range.end - range.start {
            return Err(CostReportError::Changed { key: key.clone() });
        }
        Ok(body)
    }

    /// # Errors
    /// Fails if a file is no longer what was pinned: then files of two deliveries may have been read.
    pub(crate) async fn check_unchanged(&self, pinned: &[Pinned]) -> Result<(), CostReportError> {
        let again = stream::iter(pinned.iter().map(|file| self.pin_file(&file.file)));
        let again: Vec<Pinned> = again.buffered(CONCURRENT_CALLS).try_collect().await?;
        match again.iter().zip(pinned).find(|(now, then)| now != then) {
            Some((now, _)) => Err(CostReportError::Changed { key: now.file.key.clone() }),
            None => Ok(()),
        }
    }
}

/// A pinned file, read by ranges from a thread that may wait.
pub(crate) struct FileInBucket<'f> {
    reports: &'f ReportsBucket,
    pinned: &'f Pinned,
    runtime: Handle,
}

impl ReportFile for FileInBucket<'_> {
    fn bytes(&self) -> u64 {
        self.pinned.bytes
    }

    fn read(&self, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, Box<dyn Error + Send + Sync>> {
        let calls = ranges.iter().flat_map(|range| calls_of(range.clone()));
        let read = stream::iter(calls).map(|range| self.reports.read_range(self.pinned, range));
        let mut pieces =
            self.runtime.block_on(read.buffered(CONCURRENT_CALLS).try_collect::<Vec<Bytes>>())?.into_iter();
        let whole = |range: &Range<u64>| {
            let mut parts: Vec<Bytes> = pieces.by_ref().take(calls_of(range.clone()).count()).collect();
            if parts.len() == 1 { parts.pop().unwrap_or_default() } else { parts.concat().into() }
        };
        Ok(ranges.iter().map(whole).collect())
    }
}

/// The range in pieces of [`MAX_CALL_BYTES`]; one that is empty if it is.
fn calls_of(range: Range<u64>) -> impl Iterator<Item = Range<u64>> {
    let count = range.end.saturating_sub(range.start).div_ceil(MAX_CALL_BYTES).max(1);
    (0..count).map(move |at| {
        let start = range.start + at * MAX_CALL_BYTES;
        start..range.end.min(start + MAX_CALL_BYTES)
    })
}

fn size(bytes: Option<i64>) -> u64 {
    bytes.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or_default()
}

async fn collect(key: &str, body: ByteStream) -> Result<Bytes, CostReportError> {
    let body = body.collect().await;
    let body = body.map_err(|source| CostReportError::Object { key: key.to_owned(), source: Box::new(source) })?;
    Ok(body.into_bytes())
}

fn failed<E>(key: &str, error: SdkError<E>) -> CostReportError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    let key = key.to_owned();
    let status = error.raw_response().map(|response| response.status().as_u16());
    match (status, error.code()) {
        (Some(404), _) | (_, Some("NoSuchKey" | "NotFound")) => CostReportError::MissingObject { key },
        (Some(412), _) | (_, Some("PreconditionFailed")) => CostReportError::Changed { key },
        _ => CostReportError::Object { key, source: Box::new(error) },
    }
}

#[cfg(test)]
mod tests {
    use aws_config::{BehaviorVersion, Region};
    use aws_sdk_s3::config::Credentials;
    use billing_report::FileFormat;
    use callboard::functions::Functions;
    use callboard::stack::{Stack, StackOptions};

    use super::*;

    const BUCKET: &str = "callboard-reports";

    async fn put(stack: &Stack, key: &str, body: &str) {
        stack.put_object_silently(BUCKET, key, body.into(), []).await.unwrap();
    }

    #[test]
    fn long_ranges_are_several_calls() {
        let bounds = |range| calls_of(range).map(|call| (call.start, call.end)).collect::<Vec<_>>();
        assert_eq!(bounds(5..7), [(5, 7)]);
        assert_eq!(bounds(5..5), [(5, 5)]);
        let end = 2 * MAX_CALL_BYTES + 6;
        let calls = [5..MAX_CALL_BYTES + 5, MAX_CALL_BYTES + 5..end - 1, end - 1..end];
        assert_eq!(calls_of(5..end).collect::<Vec<_>>(), calls);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_file_that_is_replaced_or_removed_while_a_report_is_read_is_noticed() {
        let stack = Stack::start(StackOptions::default(), |_| Functions::new()).await.unwrap();
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new("key", "secret", None, None, "tests"))
            .force_path_style(true)
            .endpoint_url(stack.endpoints().s3_url())
            .build();
        let bucket = ReportsBucket { s3: aws_sdk_s3::Client::from_conf(config), name: BUCKET.into() };
        let files = ["a.parquet", "b.parquet"].map(|key| DataFile { key: key.into(), format: FileFormat::Parquet });
        put(&stack, "a.parquet", "one").await;
        assert!(matches!(bucket.pin(&files).await, Err(CostReportError::MissingObject { key }) if key == "b.parquet"));
        put(&stack, "b.parquet", "two").await;

        let pinned = bucket.pin(&files).await.unwrap();
        assert_eq!(bucket.read_range(&pinned[1], 0..3).await.unwrap(), "two");
        assert_eq!(bucket.read_range(&pinned[1], 1..2).await.unwrap(), "w");
        bucket.check_unchanged(&pinned).await.unwrap();
        put(&stack, "b.parquet", "2nd").await;
        assert!(
            matches!(bucket.read_range(&pinned[1], 1..2).await, Err(CostReportError::Changed { key }) if key == "b.parquet")
        );
        let changed = bucket.check_unchanged(&pinned).await;
        assert!(matches!(changed, Err(CostReportError::Changed { key }) if key == "b.parquet"));
        // The same bytes again are the same file.
        put(&stack, "b.parquet", "two").await;
        bucket.check_unchanged(&pinned).await.unwrap();
        bucket.s3.delete_object().bucket(BUCKET).key("a.parquet").send().await.unwrap();
        assert!(matches!(bucket.read_range(&pinned[0], 0..1).await, Err(CostReportError::MissingObject { .. })));
    }
}
