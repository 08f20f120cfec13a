//! A file of entities as one object in the local drop bucket, and its receipt when it is loaded.

use std::{fs::File, time::Duration};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::{
    Client,
    config::{Credentials, SharedCredentialsProvider},
    types::{CompletedMultipartUpload, CompletedPart},
};
use callboard::REGION;
use jiff::Timestamp;

use super::{
    Failure,
    api::{Answer, Api},
    parts::Parts,
};
use crate::cli::terminal::say;

/// S3's parts have at least 5 MiB, but for the last.
const MIN_PART_BYTES: usize = 8 * 1024 * 1024;

const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// The drop bucket of a local stack.
pub(crate) struct LocalBucket {
    s3: Client,
    bucket: &'static str,
}

impl LocalBucket {
    /// S3 listens two ports above the API.
    ///
    /// # Errors
    /// Fails on a port that leaves no room for it.
    pub(crate) fn at(port_base: u16, bucket: &'static str) -> Result<Self, Failure> {
        let port = port_base.checked_add(2).ok_or("--port-base leaves no room for S3's port")?;
        let credentials = Credentials::new("load", "local", None, None, "the local stack takes any");
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(REGION))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .endpoint_url(format!("http://127.0.0.1:{port}"))
            .build();
        Ok(Self { s3: catalog_store::s3_client(&config), bucket })
    }
}

/// Puts the object and waits for the receipt that is newer. The stack's own terminal shows how far it is.
///
/// # Errors
/// Fails when the stack does not answer. Ends only with a receipt: a load that was broken off goes on by itself.
pub(crate) async fn drop_and_wait(
    parts: Parts<File>,
    bucket: &LocalBucket,
    name: &str,
    api: &Api,
    producer: &str,
) -> Result<Answer, Failure> {
    let key = format!("exports/{producer}/catalog-info/{name}.yaml");
    let began = Timestamp::now();
    let bytes = upload(parts, bucket, &key).await?;
    say(format_args!("put s3://{}/{key}, {bytes} bytes; the terminal of the stack tells how far it is", bucket.bucket));
    loop {
        if let Answer::Receipt(receipt) = api.get(name).await? {
            let received = receipt["receivedAt"].as_str().and_then(|at| at.parse::<Timestamp>().ok());
            if receipt["door"] == "s3" && received.is_some_and(|at| at >= began) {
                return Ok(Answer::Receipt(receipt));
            }
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

async fn upload(parts: Parts<File>, bucket: &LocalBucket, key: &str) -> Result<usize, Failure> {
    let LocalBucket { s3, bucket } = bucket;
    let upload = s3.create_multipart_upload().bucket(*bucket).key(key).send().await?;
    let upload_id = upload.upload_id().ok_or("S3 gave the upload no id")?;
    let mut completed = CompletedMultipartUpload::builder();
    let (mut number, mut bytes, mut body) = (1, 0, Vec::new());
    let mut parts = parts.peekable();
    while let Some(part) = parts.next() {
        body.extend_from_slice(&part?.body);
        if body.len() < MIN_PART_BYTES && parts.peek().is_some() {
            continue;
        }
        bytes += body.len();
        let put = s3.upload_part().bucket(*bucket).key(key).upload_id(upload_id).part_number(number);
        let put = put.body(std::mem::take(&mut body).into()).send().await?;
        completed = completed.parts(CompletedPart::builder().part_number(number).set_e_tag(put.e_tag).build());
        number += 1;
    }
    if number == 1 {
        return Err("the file has no document".into());
    }
    let complete = s3.complete_multipart_upload().bucket(*bucket).key(key).upload_id(upload_id);
    complete.multipart_upload(completed.build()).send().await?;
    Ok(bytes)
}
