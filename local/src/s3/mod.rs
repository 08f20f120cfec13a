//! S3 over HTTP on this machine: the operations that functions, the AWS CLI and SDKs use, with event notifications.
//! The protocol is s3s's; what is kept, and what a change announces, is here.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html>

mod incoming;
mod listing;
mod multipart;
pub(crate) mod notification;
pub(crate) mod objects;

use std::time::{Duration, SystemTime};

use axum::{Router, body::Body, extract::Request, response::Response};
use bytes::Bytes;
use futures::{Stream, stream};
use jiff::Timestamp;
use s3s::{S3, S3Request, S3Response, S3Result, dto, dto::*, s3_error, service::S3ServiceBuilder};
use tokio::{
    fs::File,
    io::{AsyncReadExt, AsyncSeekExt, Take},
};

use self::{
    notification::Change,
    objects::{Attributes, Objects, WriteCondition, check_write, internal, plain_etag},
};
use crate::REGION;

const READ_BYTES: usize = 64 * 1024;
const MAX_KEYS: i32 = 1000;

/// The HTTP service.
pub(crate) fn router(objects: Objects) -> Router {
    let service = S3ServiceBuilder::new(objects).build();
    Router::new().fallback(async move |request: Request| -> Response {
        match service.call(incoming::prepare(request)).await {
            Ok(response) => response.map(Body::new),
            Err(error) => {
                tracing::error!(?error, "S3 request failed");
                let mut response = Response::new(Body::empty());
                *response.status_mut() = http::StatusCode::INTERNAL_SERVER_ERROR;
                response
            }
        }
    })
}

fn timestamp(unix_ms: i64) -> dto::Timestamp {
    let since = Duration::from_millis(u64::try_from(unix_ms).unwrap_or(0));
    dto::Timestamp::from(SystemTime::UNIX_EPOCH + since)
}

/// The next `length` bytes of a file.
fn body_of(file: File, length: u64) -> impl Stream<Item = std::io::Result<Bytes>> + Send + Sync + 'static {
    stream::try_unfold(file.take(length), |mut file: Take<File>| async move {
        let mut buffer = bytes::BytesMut::with_capacity(READ_BYTES);
        let read = file.read_buf(&mut buffer).await?;
        Ok((read > 0).then(|| (buffer.freeze(), file)))
    })
}

fn signed(size: u64) -> S3Result<i64> {
    i64::try_from(size).map_err(internal)
}

fn listed(object: objects::Object) -> S3Result<Object> {
    Ok(Object {
        e_tag: Some(ETag::Strong(object.etag)),
        last_modified: Some(timestamp(object.modified_ms)),
        size: Some(signed(object.size)?),
        storage_class: Some(ObjectStorageClass::from_static(ObjectStorageClass::STANDARD)),
        key: Some(object.key),
        ..Default::default()
    })
}

/// 304 when the reader has this object already, 412 when it wants another.
fn check_read(
    object: &objects::Object,
    if_match: Option<&IfMatch>,
    if_none_match: Option<&IfNoneMatch>,
) -> S3Result<()> {
    check_write(Some(object), WriteCondition { if_match, if_none_match: None })?;
    check_write(Some(object), WriteCondition { if_match: None, if_none_match }).map_err(|_| s3_error!(NotModified))
}

#[async_trait::async_trait]
impl S3 for Objects {
    async fn create_bucket(&self, req: S3Request<CreateBucketInput>) -> S3Result<S3Response<CreateBucketOutput>> {
        if !Self::create_bucket(self, &req.input.bucket, Timestamp::now())? {
            return Err(s3_error!(BucketAlreadyOwnedByYou));
        }
        let location = Some(format!("/{}", req.input.bucket));
        Ok(S3Response::new(CreateBucketOutput { location }))
    }

    async fn head_bucket(&self, req: S3Request<HeadBucketInput>) -> S3Result<S3Response<HeadBucketOutput>> {
        self.require_bucket(&req.input.bucket)?;
        Ok(S3Response::new(HeadBucketOutput { bucket_region: Some(REGION.to_owned()), ..Default::default() }))
    }

    async fn get_bucket_location(
        &self,
        req: S3Request<GetBucketLocationInput>,
    ) -> S3Result<S3Response<GetBucketLocationOutput>> {
        self.require_bucket(&req.input.bucket)?;
        Ok(S3Response::new(GetBucketLocationOutput::default()))
    }

    async fn delete_bucket(&self, req: S3Request<DeleteBucketInput>) -> S3Result<S3Response<DeleteBucketOutput>> {
        Self::delete_bucket(self, &req.input.bucket)?;
        Ok(S3Response::new(DeleteBucketOutput::default()))
    }

    async fn list_buckets(&self, _: S3Request<ListBucketsInput>) -> S3Result<S3Response<ListBucketsOutput>> {
        let bucket = |(name, created_ms)| Bucket {
            name: Some(name),
            creation_date: Some(timestamp(created_ms)),
            ..Default::default()
        };
        let buckets = self.buckets()?.into_iter().map(bucket).collect();
        Ok(S3Response::new(ListBucketsOutput { buckets: Some(buckets), ..Default::default() }))
    }

    async fn put_object(&self, req: S3Request<PutObjectInput>) -> S3Result<S3Response<PutObjectOutput>> {
        let input = req.input;
        self.require_bucket(&input.bucket)?;
        let attributes = Attributes {
            metadata: input.metadata.unwrap_or_default(),
            content_type: input.content_type,
            content_encoding: input.content_encoding,
            content_disposition: input.content_disposition,
            content_language: input.content_language,
            cache_control: input.cache_control,
        };
        let written = match input.body {
            Some(body) => self.write_body(body).await?,
            None => self.write_body(stream::empty::<std::io::Result<Bytes>>()).await?,
        };
        if input.content_length.is_some_and(|length| u64::try_from(length) != Ok(written.size)) {
            return Err(s3_error!(IncompleteBody, "the body is not as long as its content length"));
        }
        let etag = plain_etag(&written);
        let change = Change { event: Some("ObjectCreated:Put"), bucket: &input.bucket, key: &input.key };
        let condition =
            WriteCondition { if_match: input.if_match.as_ref(), if_none_match: input.if_none_match.as_ref() };
        self.put(&change, written, &etag, &attributes, condition, Timestamp::now())?;
        Ok(S3Response::new(PutObjectOutput { e_tag: Some(ETag::Strong(etag)), ..Default::default() }))
    }

    async fn get_object(&self, req: S3Request<GetObjectInput>) -> S3Result<S3Response<GetObjectOutput>> {
        let input = req.input;
        let (object, mut file) = self.open_body(&input.bucket, &input.key).await?;
        check_read(&object, input.if_match.as_ref(), input.if_none_match.as_ref())?;
        let range = match &input.range {
            Some(range) => Some(range.check(object.size)?),
            None => None,
        };
        let (start, length) = range.as_ref().map_or((0, object.size), |range| (range.start, range.end - range.start));
        file.seek(std::io::SeekFrom::Start(start)).await.map_err(internal)?;
        let attributes = object.attributes;
        let output = GetObjectOutput {
            accept_ranges: Some("bytes".to_owned()),
            body: Some(StreamingBlob::wrap(body_of(file, length))),
            content_length: Some(signed(length)?),
            content_range: range.map(|range| format!("bytes {}-{}/{}", range.start, range.end - 1, object.size)),
            e_tag: Some(ETag::Strong(object.etag)),
            last_modified: Some(timestamp(object.modified_ms)),
            metadata: Some(attributes.metadata),
            content_type: attributes.content_type,
            content_encoding: attributes.content_encoding,
            content_disposition: attributes.content_disposition,
            content_language: attributes.content_language,
            cache_control: attributes.cache_control,
            ..Default::default()
        };
        Ok(S3Response::new(output))
    }

    async fn head_object(&self, req: S3Request<HeadObjectInput>) -> S3Result<S3Response<HeadObjectOutput>> {
        let input = req.input;
        let object = self.find(&input.bucket, &input.key)?;
        check_read(&object, input.if_match.as_ref(), input.if_none_match.as_ref())?;
        let attributes = object.attributes;
        let output = HeadObjectOutput {
            accept_ranges: Some("bytes".to_owned()),
            content_length: Some(signed(object.size)?),
            e_tag: Some(ETag::Strong(object.etag)),
            last_modified: Some(timestamp(object.modified_ms)),
            metadata: Some(attributes.metadata),
            content_type: attributes.content_type,
            content_encoding: attributes.content_encoding,
            content_disposition: attributes.content_disposition,
            content_language: attributes.content_language,
            cache_control: attributes.cache_control,
            ..Default::default()
        };
        Ok(S3Response::new(output))
    }

    async fn copy_object(&self, req: S3Request<CopyObjectInput>) -> S3Result<S3Response<CopyObjectOutput>> {
        let input = req.input;
        let CopySource::Bucket { bucket, key, .. } = &input.copy_source else {
            return Err(s3_error!(NotImplemented, "only a bucket can be copied from"));
        };
        let (source, file) = self.open_body(bucket, key).await?;
        let wanted = input.copy_source_if_match.as_ref();
        check_write(
            Some(&source),
            WriteCondition { if_match: wanted, if_none_match: input.copy_source_if_none_match.as_ref() },
        )?;
        let replace = input.metadata_directive.as_ref().is_some_and(|d| d.as_str() == MetadataDirective::REPLACE);
        if !replace && **bucket == *input.bucket && **key == *input.key {
            return Err(s3_error!(
                InvalidRequest,
                "an object cannot be copied to itself without changing its metadata"
            ));
        }
        let attributes = if replace {
            Attributes {
                metadata: input.metadata.unwrap_or_default(),
                content_type: input.content_type,
                content_encoding: input.content_encoding,
                content_disposition: input.content_disposition,
                content_language: input.content_language,
                cache_control: input.cache_control,
            }
        } else {
            source.attributes
        };
        let written = self.write_body(body_of(file, source.size)).await?;
        let etag = plain_etag(&written);
        let now = Timestamp::now();
        let change = Change { event: Some("ObjectCreated:Copy"), bucket: &input.bucket, key: &input.key };
        self.put(&change, written, &etag, &attributes, WriteCondition::default(), now)?;
        let result = CopyObjectResult {
            e_tag: Some(ETag::Strong(etag)),
            last_modified: Some(timestamp(now.as_millisecond())),
            ..Default::default()
        };
        Ok(S3Response::new(CopyObjectOutput { copy_object_result: Some(result), ..Default::default() }))
    }

    async fn delete_object(&self, req: S3Request<DeleteObjectInput>) -> S3Result<S3Response<DeleteObjectOutput>> {
        let input = req.input;
        let change = Change { event: Some("ObjectRemoved:Delete"), bucket: &input.bucket, key: &input.key };
        self.delete(&change, input.if_match.as_ref(), Timestamp::now())?;
        Ok(S3Response::new(DeleteObjectOutput::default()))
    }

    async fn delete_objects(&self, req: S3Request<DeleteObjectsInput>) -> S3Result<S3Response<DeleteObjectsOutput>> {
        let input = req.input;
        let mut deleted = Vec::with_capacity(input.delete.objects.len());
        for object in input.delete.objects {
            let change = Change { event: Some("ObjectRemoved:Delete"), bucket: &input.bucket, key: &object.key };
            self.delete(&change, None, Timestamp::now())?;
            deleted.push(DeletedObject { key: Some(object.key), ..Default::default() });
        }
        let deleted = (!input.delete.quiet.unwrap_or(false)).then_some(deleted);
        Ok(S3Response::new(DeleteObjectsOutput { deleted, ..Default::default() }))
    }

    async fn list_objects(&self, req: S3Request<ListObjectsInput>) -> S3Result<S3Response<ListObjectsOutput>> {
        let marker = req.input.marker.clone();
        let v2 = self.list_objects_v2(req.map_input(|input| ListObjectsV2Input {
            start_after: input.marker.clone(),
            ..ListObjectsV2Input::from(input)
        }));
        Ok(v2.await?.map_output(|v2| ListObjectsOutput {
            name: v2.name,
            prefix: v2.prefix,
            marker,
            max_keys: v2.max_keys,
            is_truncated: v2.is_truncated,
            contents: v2.contents,
            common_prefixes: v2.common_prefixes,
            delimiter: v2.delimiter,
            next_marker: v2.next_continuation_token,
            encoding_type: v2.encoding_type,
            ..Default::default()
        }))
    }

    async fn list_objects_v2(&self, req: S3Request<ListObjectsV2Input>) -> S3Result<S3Response<ListObjectsV2Output>> {
        let input = req.input;
        self.require_bucket(&input.bucket)?;
        let max_keys = input.max_keys.unwrap_or(MAX_KEYS).min(MAX_KEYS);
        let limit = usize::try_from(max_keys).map_err(|_| s3_error!(InvalidArgument, "max-keys is negative"))?;
        let prefix = input.prefix.as_deref().unwrap_or_default();
        let after = input.continuation_token.as_deref().or(input.start_after.as_deref()).unwrap_or_default();
        let page = listing::page(self, &input.bucket, prefix, input.delimiter.as_deref(), after, limit)?;
        let contents = page.objects.into_iter().map(listed).collect::<S3Result<Vec<_>>>()?;
        let prefixes: Vec<_> = page.prefixes.into_iter().map(|prefix| CommonPrefix { prefix: Some(prefix) }).collect();
        let output = ListObjectsV2Output {
            name: Some(input.bucket),
            prefix: input.prefix,
            max_keys: Some(max_keys),
            key_count: i32::try_from(contents.len() + prefixes.len()).ok(),
            is_truncated: Some(page.next.is_some()),
            next_continuation_token: page.next,
            continuation_token: input.continuation_token,
            start_after: input.start_after,
            contents: Some(contents),
            common_prefixes: Some(prefixes),
            delimiter: input.delimiter,
            encoding_type: input.encoding_type,
            ..Default::default()
        };
        Ok(S3Response::new(output))
    }

    async fn create_multipart_upload(
        &self,
        req: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
        let input = req.input;
        let attributes = Attributes {
            metadata: input.metadata.unwrap_or_default(),
            content_type: input.content_type,
            content_encoding: input.content_encoding,
            content_disposition: input.content_disposition,
            content_language: input.content_language,
            cache_control: input.cache_control,
        };
        let id = self.start_upload(&input.bucket, &input.key, &attributes)?;
        let output = CreateMultipartUploadOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(id),
            ..Default::default()
        };
        Ok(S3Response::new(output))
    }

    async fn upload_part(&self, req: S3Request<UploadPartInput>) -> S3Result<S3Response<UploadPartOutput>> {
        let input = req.input;
        let body = input.body.ok_or_else(|| s3_error!(IncompleteBody))?;
        let written = self.write_body(body).await?;
        let upload = (input.bucket.as_str(), input.key.as_str(), input.upload_id.as_str());
        let etag = self.put_part(upload, input.part_number, written, Timestamp::now())?;
        Ok(S3Response::new(UploadPartOutput { e_tag: Some(ETag::Strong(etag)), ..Default::default() }))
    }

    async fn list_parts(&self, req: S3Request<ListPartsInput>) -> S3Result<S3Response<ListPartsOutput>> {
        let input = req.input;
        let mut parts = Vec::new();
        for (number, part) in self.parts((&input.bucket, &input.key, &input.upload_id))? {
            parts.push(Part {
                part_number: Some(number),
                e_tag: Some(ETag::Strong(part.etag)),
                last_modified: Some(timestamp(part.modified_ms)),
                size: Some(signed(part.size)?),
                ..Default::default()
            });
        }
        let output = ListPartsOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(input.upload_id),
            is_truncated: Some(false),
            parts: Some(parts),
            ..Default::default()
        };
        Ok(S3Response::new(output))
    }

    async fn complete_multipart_upload(
        &self,
        req: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        let input = req.input;
        let parts = input.multipart_upload.and_then(|upload| upload.parts).unwrap_or_default();
        let change =
            Change { event: Some("ObjectCreated:CompleteMultipartUpload"), bucket: &input.bucket, key: &input.key };
        let condition =
            WriteCondition { if_match: input.if_match.as_ref(), if_none_match: input.if_none_match.as_ref() };
        let etag = self.complete_upload(&change, &input.upload_id, &parts, condition, Timestamp::now()).await?;
        let output = CompleteMultipartUploadOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            e_tag: Some(ETag::Strong(etag)),
            ..Default::default()
        };
        Ok(S3Response::new(output))
    }

    async fn abort_multipart_upload(
        &self,
        req: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
        let input = req.input;
        self.abort_upload(&input.bucket, &input.key, &input.upload_id)?;
        Ok(S3Response::new(AbortMultipartUploadOutput::default()))
    }
}
