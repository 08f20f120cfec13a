//! The reports bucket: manifests, and data files pinned to the bytes that they had when the manifest was read.

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use billing_report::{DataFile, Manifest};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};

use crate::error::CostReportError;

/// A manifest lists 10,000 files and some thousand columns at most.
const MAX_MANIFEST_BYTES: u64 = 8 * 1024 * 1024;

/// Largest data file: it is held in memory while it is read. AWS cuts files at some 100 MB.
pub(crate) const MAX_FILE_BYTES: u64 = 512 * 1024 * 1024;

/// Largest report: what one function reads within its fifteen minutes.
pub(crate) const MAX_REPORT_BYTES: u64 = 8 * 1024 * 1024 * 1024;

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
    bytes: u64,
}

impl ReportsBucket {
    pub(crate) async fn manifest(&self, key: &str) -> Result<Announced, CostReportError> {
        let answer =
            self.s3.get_object().bucket(&self.name).key(key).send().await.map_err(|error| failed(key, error))?;
        let bytes = size(answer.content_length());
        if bytes > MAX_MANIFEST_BYTES {
            return Err(CostReportError::ManifestTooLarge { key: key.into(), bytes, limit: MAX_MANIFEST_BYTES });
        }
        let modified_ms = answer.last_modified().and_then(|time| time.to_millis().ok()).map_or(0, |ms| size(Some(ms)));
        let body = collect(key, answer.body).await?;
        let manifest = Manifest::parse(&self.name, key, &body)
            .map_err(|source| CostReportError::Manifest { key: key.into(), source })?;
        Ok(Announced { manifest, modified_ms })
    }

    /// Notes which bytes each file has now, before any of them is read.
    ///
    /// # Errors
    /// Fails on a file that is not there, on one that is too large, and on too large a sum.
    pub(crate) async fn pin(&self, files: &[DataFile]) -> Result<Vec<Pinned>, CostReportError> {
        let pinned: Vec<Pinned> =
            stream::iter(files.iter().map(|file| self.pin_file(file))).buffered(CONCURRENT_CALLS).try_collect().await?;
        for file in &pinned {
            check_size(&format!("file `{}`", file.file.key), file.bytes, MAX_FILE_BYTES)?;
        }
        check_size("the report", pinned.iter().map(|file| file.bytes).sum(), MAX_REPORT_BYTES)?;
        Ok(pinned)
    }

    async fn pin_file(&self, file: &DataFile) -> Result<Pinned, CostReportError> {
        let head = self.s3.head_object().bucket(&self.name).key(&file.key);
        let answer = head.send().await.map_err(|error| failed(&file.key, error))?;
        let etag = answer.e_tag().unwrap_or_default().to_owned();
        Ok(Pinned { file: file.clone(), etag, bytes: size(answer.content_length()) })
    }

    /// # Errors
    /// Fails if the file is no longer what was pinned.
    pub(crate) async fn read(&self, pinned: &Pinned) -> Result<Bytes, CostReportError> {
        let key = &pinned.file.key;
        let get = self.s3.get_object().bucket(&self.name).key(key).if_match(&pinned.etag);
        let answer = get.send().await.map_err(|error| failed(key, error))?;
        // An object store that does not know If-Match answers all the same.
        if answer.e_tag() != Some(&pinned.etag) || size(answer.content_length()) != pinned.bytes {
            return Err(CostReportError::Changed { key: key.clone() });
        }
        collect(key, answer.body).await
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

fn size(bytes: Option<i64>) -> u64 {
    bytes.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or_default()
}

fn check_size(what: &str, bytes: u64, limit: u64) -> Result<(), CostReportError> {
    if bytes > limit {
        return Err(CostReportError::TooLarge { what: what.to_owned(), bytes, limit });
    }
    Ok(())
}

async fn collect(key: &str, body: ByteStream) -> Result<Bytes, CostReportError> {
    let body = body.collect().await;
    let body = body.map_err(|source| CostReportError::Object { key: key.to_owned(), source: Box::new(source) })?;
    Ok(body.into_bytes())
}

fn failed<E>(key: &str, error: SdkError<E>) -> CostReportError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
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
        assert_eq!(bucket.read(&pinned[1]).await.unwrap(), "two");
        bucket.check_unchanged(&pinned).await.unwrap();
        put(&stack, "b.parquet", "2nd").await;
        assert!(matches!(bucket.read(&pinned[1]).await, Err(CostReportError::Changed { key }) if key == "b.parquet"));
        let changed = bucket.check_unchanged(&pinned).await;
        assert!(matches!(changed, Err(CostReportError::Changed { key }) if key == "b.parquet"));
        // The same bytes again are the same file.
        put(&stack, "b.parquet", "two").await;
        bucket.check_unchanged(&pinned).await.unwrap();
        bucket.s3.delete_object().bucket(BUCKET).key("a.parquet").send().await.unwrap();
        assert!(matches!(bucket.read(&pinned[0]).await, Err(CostReportError::MissingObject { .. })));
    }
}
