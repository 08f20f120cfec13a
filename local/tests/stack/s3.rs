//! S3 by its real client: what is kept, what is refused, and what is announced.

use crate::support::{Recorder, recording, s3};
use aws_sdk_s3::{
    error::ProvideErrorMetadata,
    primitives::ByteStream,
    types::{CompletedMultipartUpload, CompletedPart},
};
use callboard::stack::{Stack, StackOptions};
use serde_json::{Value, json};

const BUCKET: &str = "callboard-drop";

async fn recorded(function: &str) -> (Stack, aws_sdk_s3::Client, Recorder) {
    let recorder = Recorder::default();
    let functions = recording(function, &recorder);
    let stack = Stack::start(StackOptions::default(), |_| functions).await.unwrap();
    let client = s3(&stack.endpoints());
    (stack, client, recorder)
}

fn notified(recorder: &Recorder) -> Vec<Value> {
    let bodies = recorder.records().into_iter().map(|record| record["body"].as_str().unwrap().to_owned());
    bodies.map(|body| serde_json::from_str::<Value>(&body).unwrap()["Records"][0].clone()).collect()
}

#[tokio::test]
async fn a_dropped_object_is_announced_once_and_so_is_its_removal() {
    let (stack, client, recorder) = recorded("cicd-export").await;
    let key = "exports/org.repo/terraform-state/a b+ü=1.json";
    let put = client.put_object().bucket(BUCKET).key(key).metadata("component", "shop").metadata("serial", "7");
    let put = put.content_type("application/json").body(ByteStream::from_static(b"{}")).send().await.unwrap();
    client.put_object().bucket(BUCKET).key("elsewhere/x").body(ByteStream::from_static(b"x")).send().await.unwrap();
    let head = client.head_object().bucket(BUCKET).key(key).send().await.unwrap();
    assert_eq!(head.metadata().unwrap()["component"], "shop");
    assert_eq!(head.metadata().unwrap()["serial"], "7");
    assert_eq!(head.content_type(), Some("application/json"));
    assert_eq!(head.content_length(), Some(2));
    client.delete_object().bucket(BUCKET).key(key).send().await.unwrap();
    client.delete_object().bucket(BUCKET).key("exports/never/there").send().await.unwrap();
    stack.idle().await.unwrap();

    let notified = notified(&recorder);
    let names: Vec<_> = notified.iter().map(|record| record["eventName"].as_str().unwrap()).collect();
    assert_eq!(names, ["ObjectCreated:Put", "ObjectRemoved:Delete"]);
    let [created, removed] = [&notified[0]["s3"], &notified[1]["s3"]];
    assert_eq!(created["bucket"]["name"], BUCKET);
    assert_eq!(created["object"]["key"], "exports/org.repo/terraform-state/a+b%2B%C3%BC%3D1.json");
    assert_eq!(created["object"]["size"], 2);
    assert_eq!(format!("\"{}\"", created["object"]["eTag"].as_str().unwrap()), put.e_tag().unwrap());
    assert_eq!(removed["object"].get("eTag"), None);
    let sequencer = |record: &Value| record["object"]["sequencer"].as_str().unwrap().to_owned();
    assert!(sequencer(created) < sequencer(removed));
    let event: aws_lambda_events::s3::S3Event =
        serde_json::from_value(json!({"Records": notified})).expect("the event type reads it");
    assert_eq!(event.records.len(), 2);
    stack.shutdown().await;
}

#[tokio::test]
async fn a_report_is_announced_by_its_manifest_alone() {
    let (stack, client, recorder) = recorded("cost-report").await;
    for key in ["cur/data/BILLING_PERIOD=2025-01/r-00001.snappy.parquet", "cur/metadata/r-Manifest.json"] {
        client
            .put_object()
            .bucket("callboard-reports")
            .key(key)
            .body(ByteStream::from_static(b"x"))
            .send()
            .await
            .unwrap();
    }
    stack.idle().await.unwrap();
    let keys: Vec<_> = notified(&recorder).iter().map(|record| record["s3"]["object"]["key"].clone()).collect();
    assert_eq!(keys, ["cur/metadata/r-Manifest.json"]);
    stack.shutdown().await;
}

#[tokio::test]
async fn conditions_on_reading_and_writing_hold() {
    let (stack, client, _) = recorded("cicd-export").await;
    let put = || client.put_object().bucket("callboard-catalog").key("k");
    let first = put().body(ByteStream::from_static(b"1")).if_none_match("*").send().await.unwrap();
    let again = put().body(ByteStream::from_static(b"2")).if_none_match("*").send().await.unwrap_err();
    assert_eq!(again.code(), Some("PreconditionFailed"));
    let etag = first.e_tag().unwrap();
    let get = || client.get_object().bucket("callboard-catalog").key("k");
    let body = get().if_match(etag).send().await.unwrap().body.collect().await.unwrap();
    assert_eq!(body.into_bytes(), "1");
    put().body(ByteStream::from_static(b"22")).if_match(etag).send().await.unwrap();
    let gone = get().if_match(etag).send().await.unwrap_err();
    assert_eq!(gone.raw_response().unwrap().status().as_u16(), 412);
    let lost = put().body(ByteStream::from_static(b"3")).if_match(etag).send().await.unwrap_err();
    assert_eq!(lost.code(), Some("PreconditionFailed"));
    let range = get().range("bytes=1-5").send().await.unwrap();
    assert_eq!(range.content_range(), Some("bytes 1-1/2"));
    let beyond = get().range("bytes=2-5").send().await.unwrap_err();
    assert_eq!(beyond.code(), Some("InvalidRange"));
    stack.shutdown().await;
}

#[tokio::test]
async fn an_object_may_have_any_key() {
    let (stack, client, _) = recorded("cicd-export").await;
    let long = format!("exports/{}/terraform-state/{}", "p".repeat(128), "n".repeat(128));
    for key in [&long, "a", "a/b", "A", "a//b", "../up"] {
        client.put_object().bucket(BUCKET).key(key).body(key.as_bytes().to_vec().into()).send().await.unwrap();
    }
    for key in [&long, "a", "a/b", "A", "a//b", "../up"] {
        let got = client.get_object().bucket(BUCKET).key(key).send().await.unwrap();
        assert_eq!(got.body.collect().await.unwrap().into_bytes(), key.as_bytes());
    }
    stack.shutdown().await;
}

#[tokio::test]
async fn a_listing_pages_over_keys_and_common_prefixes() {
    let (stack, client, _) = recorded("cicd-export").await;
    for key in ["a", "b/1", "b/2", "c", "d/1/x", "d/2"] {
        client.put_object().bucket(BUCKET).key(key).body(ByteStream::from_static(b"")).send().await.unwrap();
    }
    let mut seen = Vec::new();
    let mut token = None;
    loop {
        let page = client.list_objects_v2().bucket(BUCKET).delimiter("/").max_keys(1).set_continuation_token(token);
        let page = page.send().await.unwrap();
        assert!(page.key_count().unwrap() <= 1);
        seen.extend(page.contents().iter().map(|object| object.key().unwrap().to_owned()));
        seen.extend(page.common_prefixes().iter().map(|prefix| prefix.prefix().unwrap().to_owned()));
        token = page.next_continuation_token().map(str::to_owned);
        if token.is_none() {
            break;
        }
    }
    assert_eq!(seen, ["a", "b/", "c", "d/"]);
    let below = client.list_objects_v2().bucket(BUCKET).prefix("d/").send().await.unwrap();
    assert_eq!(below.contents().len(), 2);
    stack.shutdown().await;
}

#[tokio::test]
async fn an_upload_in_parts_becomes_one_object_and_one_announcement() {
    let (stack, client, recorder) = recorded("cicd-export").await;
    let key = "exports/org.repo/sbom/big";
    let upload = client.create_multipart_upload().bucket(BUCKET).key(key).metadata("component", "shop");
    let upload = upload.send().await.unwrap().upload_id.unwrap();
    let parts = [vec![b'a'; 5 * 1024 * 1024], b"end".to_vec()];
    let mut completed = CompletedMultipartUpload::builder();
    for (number, part) in (1..).zip(&parts) {
        let sent = client.upload_part().bucket(BUCKET).key(key).upload_id(&upload).part_number(number);
        let sent = sent.body(part.clone().into()).send().await.unwrap();
        completed = completed.parts(CompletedPart::builder().part_number(number).set_e_tag(sent.e_tag).build());
    }
    let done = client.complete_multipart_upload().bucket(BUCKET).key(key).upload_id(&upload);
    let done = done.multipart_upload(completed.build()).send().await.unwrap();
    assert!(done.e_tag().unwrap().ends_with("-2\""));
    let got = client.get_object().bucket(BUCKET).key(key).send().await.unwrap();
    assert_eq!(got.metadata().unwrap()["component"], "shop");
    assert_eq!(got.body.collect().await.unwrap().into_bytes(), parts.concat());
    stack.idle().await.unwrap();
    let notified = notified(&recorder);
    assert_eq!(notified.len(), 1);
    assert_eq!(notified[0]["eventName"], "ObjectCreated:CompleteMultipartUpload");
    assert_eq!(notified[0]["s3"]["object"]["size"], 5 * 1024 * 1024 + 3);
    stack.shutdown().await;
}

#[tokio::test]
async fn a_copy_keeps_metadata_and_is_announced() {
    let (stack, client, recorder) = recorded("cicd-export").await;
    let put = client.put_object().bucket("callboard-config").key("x").metadata("component", "shop");
    put.body(ByteStream::from_static(b"1")).send().await.unwrap();
    client.copy_object().copy_source("callboard-config/x").bucket(BUCKET).key("exports/x").send().await.unwrap();
    let head = client.head_object().bucket(BUCKET).key("exports/x").send().await.unwrap();
    assert_eq!(head.metadata().unwrap()["component"], "shop");
    stack.idle().await.unwrap();
    assert_eq!(notified(&recorder)[0]["eventName"], "ObjectCreated:Copy");
    stack.shutdown().await;
}

#[tokio::test]
async fn a_silent_put_is_there_and_tells_nobody() {
    let (stack, client, recorder) = recorded("cicd-export").await;
    let metadata = [("component".to_owned(), "shop".to_owned())];
    stack.put_object_silently(BUCKET, "exports/a", b"1".to_vec(), metadata).await.unwrap();
    let head = client.head_object().bucket(BUCKET).key("exports/a").send().await.unwrap();
    assert_eq!(head.metadata().unwrap()["component"], "shop");
    stack.idle().await.unwrap();
    assert!(recorder.events().is_empty());
    stack.shutdown().await;
}
