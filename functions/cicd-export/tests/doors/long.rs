//! A catalog file too long to hold, dropped: read in pieces, twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use aws_sdk_s3::config::interceptors::{
    BeforeDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
};
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use serde_json::{Value, json};

use crate::requests::component;
use crate::stack::{Stack, notification};

const CREATED: &str = "ObjectCreated:CompleteMultipartUpload";
const KEY: &str = "exports/acme/catalog-info/all.yaml";
const RECEIPT: &str = "/api/exports/acme/catalog-info/all";

/// Documents with so many comments between them that the file is read in several pieces.
fn long(documents: impl Iterator<Item = String>) -> String {
    let documents: Vec<String> = documents.collect();
    let padding = format!("---\n{}", "# nothing, and more of it\n".repeat(9_000_000 / 26 / documents.len()));
    documents.join(&padding)
}

fn components(prefix: &str, numbers: std::ops::Range<u32>) -> impl Iterator<Item = String> {
    numbers.map(move |number| component(&format!("{prefix}{number}")))
}

/// Fails all calls of one sort from the nth on, as if the process had died there.
#[derive(Debug, Clone)]
struct Dying {
    /// What the calls are known by.
    header: &'static str,
    value: &'static str,
    left: Arc<AtomicI64>,
}

impl Dying {
    fn never(header: &'static str, value: &'static str) -> Self {
        Self { header, value, left: Arc::new(AtomicI64::new(i64::MAX)) }
    }

    fn after(&self, calls: i64) {
        self.left.store(calls, Ordering::SeqCst);
    }
}

impl Intercept for Dying {
    fn name(&self) -> &'static str {
        "Dying"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let is_meant = context.request().headers().get(self.header).is_some_and(|found| found.contains(self.value));
        if is_meant && self.left.fetch_sub(1, Ordering::SeqCst) <= 0 {
            return Err("the process died".into());
        }
        Ok(())
    }
}

#[tokio::test]
async fn a_long_file_is_taken_as_a_short_one_is() {
    let mut stack = Stack::start().await;
    let bad = ["---\na: [\n".to_owned(), component("c7"), "---\nkind: Component\n".to_owned()];
    let body = long(components("c", 0..40).chain(bad).chain(components("d", 0..3)));
    let etag = stack.put_object(KEY, &body, &[]).await;
    let created = notification(CREATED, KEY, Some(&etag), 1, "01");
    assert!(stack.batch(&[("m1", 1, created.clone())]).await.is_empty());
    let (_, receipt) = stack.request("GET", RECEIPT, "").await;
    assert_eq!((&receipt["applied"], &receipt["counts"]["entities"]), (&json!(43), &json!(43)));
    assert_eq!((&receipt["counts"]["documents"], &receipt["counts"]["refused"]), (&json!(46), &json!(3)));
    let reason = receipt["documents"][41]["reason"].as_str().unwrap();
    assert_eq!(reason, format!("component:default/c7 is declared by the document at {} already", line(&body, "c7")));
    assert!(stack.exists("component:default/c39").await && stack.exists("component:default/d2").await);

    // Not whole, so nothing goes by omission; the same event again is a duplicate; and the next whole file answers.
    assert!(stack.batch(&[("m1", 2, created)]).await.is_empty());
    assert_eq!(stack.request("GET", RECEIPT, "").await.1["duplicate"], json!(43));
    let etag = stack.put_object(KEY, &long(components("c", 30..50)), &[]).await;
    assert!(stack.batch(&[("m2", 1, notification(CREATED, KEY, Some(&etag), 2, "02"))]).await.is_empty());
    let (_, receipt) = stack.request("GET", RECEIPT, "").await;
    assert_eq!((&receipt["applied"], &receipt["counts"]["swept"]), (&json!(20), &json!(33)));
    assert!(!stack.exists("component:default/c7").await && stack.exists("component:default/c30").await);
}

fn line(body: &str, name: &str) -> String {
    let before = body.split(&format!("{{name: {name}}}")).next().unwrap();
    // `apiVersion` and `kind` stand above the name.
    format!("line {}", before.matches('\n').count() + 1 - 2)
}

#[tokio::test]
async fn a_load_that_breaks_off_anywhere_is_completed_by_the_next_delivery() {
    let dying = Dying::never("x-amz-target", "UpdateItem");
    let stack = Stack::start_with(dying.clone()).await;
    for calls in [0, 1, 2, 9, 30, 45, 60] {
        let key = format!("exports/acme/catalog-info/crash-{calls}");
        let prefix = format!("x{calls}-");
        let first = stack.put_object(&key, &long(components(&prefix, 0..20)), &[]).await;
        assert!(stack.batch(&[("m1", 1, notification(CREATED, &key, Some(&first), 1, "01"))]).await.is_empty());
        let second = stack.put_object(&key, &long(components(&prefix, 10..50)), &[]).await;
        let created = notification(CREATED, &key, Some(&second), 2, "02");
        dying.after(calls);
        let failed = stack.batch(&[("m2", 1, created.clone())]).await;
        dying.after(i64::MAX);
        assert_eq!(failed.is_empty(), calls == 60, "{calls}");
        assert!(stack.batch(&[("m2", 2, created)]).await.is_empty());
        for number in 0..50 {
            let exists = stack.exists(&format!("component:default/{prefix}{number}")).await;
            assert_eq!(exists, number >= 10, "{prefix}{number}");
        }
    }
}

#[tokio::test]
async fn a_piece_that_breaks_off_is_read_again() {
    let dying = LostAnswers(Arc::new(AtomicI64::new(0)));
    let stack = Stack::start_with(dying.clone()).await;
    let etag = stack.put_object(KEY, &long(components("c", 0..30)), &[]).await;
    assert!(stack.batch(&[("m1", 1, notification(CREATED, KEY, Some(&etag), 1, "01"))]).await.is_empty());
    assert!(stack.exists("component:default/c4").await);
    assert_eq!(dying.0.load(Ordering::SeqCst), 2 * 3 + 2, "three pieces, twice, and two that were lost");
}

/// Of the ranges that are read, the second answer and the fifth are lost.
#[derive(Debug, Clone)]
struct LostAnswers(Arc<AtomicI64>);

impl Intercept for LostAnswers {
    fn name(&self) -> &'static str {
        "LostAnswers"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if context.response().headers().get("content-range").is_none() {
            return Ok(());
        }
        match self.0.fetch_add(1, Ordering::SeqCst) {
            1 | 4 => Err("the answer was lost".into()),
            _ => Ok(()),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_overwritten_while_it_is_written_gives_way_to_the_next() {
    for at in [1, 4] {
        let overwriting = Overwriting { left: Arc::new(AtomicI64::new(i64::MAX)), client: Arc::default() };
        let stack = Stack::start_with(overwriting.clone()).await;
        overwriting.client.set(stack.raw_s3.clone()).unwrap();
        let etag = stack.put_object(KEY, &long(components("old", 0..20)), &[]).await;
        overwriting.left.store(at, Ordering::SeqCst);
        assert!(stack.batch(&[("m1", 1, notification(CREATED, KEY, Some(&etag), 1, "01"))]).await.is_empty());
        assert!(overwriting.left.load(Ordering::SeqCst) < 0, "it was overwritten");
        assert!(!stack.exists("component:default/old19").await);
        let etag = stack.etag(KEY).await;
        assert!(stack.batch(&[("m2", 1, notification(CREATED, KEY, Some(&etag), 2, "02"))]).await.is_empty());
        for number in 0..20 {
            assert!(!stack.exists(&format!("component:default/old{number}")).await, "{number}");
        }
        assert!(stack.exists("component:default/new").await);
    }
}

/// Puts another content before the nth range, from 0, is read.
#[derive(Debug, Clone)]
struct Overwriting {
    left: Arc<AtomicI64>,
    client: Arc<std::sync::OnceLock<aws_sdk_s3::Client>>,
}

impl Intercept for Overwriting {
    fn name(&self) -> &'static str {
        "Overwriting"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if context.request().headers().get("range").is_some() && self.left.fetch_sub(1, Ordering::SeqCst) == 0 {
            let client = self.client.get().unwrap().clone();
            let put = async move {
                let put = client.put_object().bucket(crate::stack::DROP).key(KEY);
                put.body(component("new").into_bytes().into()).send().await.unwrap();
            };
            let runtime = tokio::runtime::Handle::current();
            std::thread::spawn(move || runtime.block_on(put)).join().unwrap();
        }
        Ok(())
    }
}

#[tokio::test]
async fn a_file_over_the_limit_is_refused_with_the_limit_of_its_format() {
    let mut stack = Stack::start().await;
    for (key, size, limit) in
        [(KEY, (1_u64 << 30) + 1, 1_u64 << 30), ("exports/acme/terraform-state/all.tfstate", (64 << 20) + 1, 64 << 20)]
    {
        let mut created = notification(CREATED, key, Some("0123"), 1, "01");
        created["Records"][0]["s3"]["object"]["size"] = json!(size);
        assert_eq!(stack.batch(&[("m1", 3, created)]).await, ["m1"]);
        let path = format!("/api/{}", key.rsplit_once('.').unwrap().0);
        let (_, receipt) = stack.request("GET", &path, "").await;
        let expected = format!("the object has {size} bytes, more than the {limit} that an export may have");
        assert_eq!((&receipt["status"], &receipt["reason"]), (&json!("refused"), &Value::from(expected)));
    }
}
