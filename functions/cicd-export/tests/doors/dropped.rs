//! The door by S3 drop.

use delivery::Classify;
use serde_json::{Value, json};

use crate::requests::{BUCKET, QUEUE, component, state};
use crate::stack::{Stack, notification};

const CREATED: &str = "ObjectCreated:Put";
const REMOVED: &str = "ObjectRemoved:Delete";
const KEY: &str = "exports/acme.infra/terraform-state/prod.tfstate";

async fn receipt(stack: &mut Stack, path: &str) -> Value {
    let (status, receipt) = stack.request("GET", path, "").await;
    assert_eq!(status, 200, "{receipt}");
    receipt
}

#[tokio::test]
async fn a_dropped_object_is_published_and_its_removal_retires_it() {
    let mut stack = Stack::start().await;
    let etag =
        stack.put_object(KEY, &state("one", 7, &[BUCKET, QUEUE]), &[("component", "orders"), ("md5chksum", "x")]).await;
    let created = notification(CREATED, KEY, Some(&etag), 1, "0055AED6DCD90281E5");
    let test = json!({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "callboard-drop"});
    assert!(stack.batch(&[("m1", 1, created.clone()), ("m2", 1, test), ("m3", 2, created)]).await.is_empty());
    assert!(stack.exists(BUCKET).await && stack.exists("component:default/orders").await);

    let receipt = receipt(&mut stack, "/api/exports/acme.infra/terraform-state/prod").await;
    assert_eq!((&receipt["door"], &receipt["caller"]), (&json!("s3"), &json!("AWS:AROAEXAMPLE:build")));
    assert_eq!((&receipt["duplicate"], &receipt["clock"]["kind"]), (&json!(3), &json!("terraform")));

    let expired = notification("LifecycleExpiration:Delete", KEY, None, 2, "0055AED6DCD90281E6");
    assert!(stack.batch(&[("m4", 1, expired)]).await.is_empty());
    assert!(stack.exists(BUCKET).await, "an expired object says nothing");

    let removed = notification(REMOVED, KEY, None, 3, "0055AED6DCD90281E7");
    stack.remove_object(KEY).await;
    assert!(stack.batch(&[("m5", 1, removed.clone()), ("m6", 1, removed)]).await.is_empty());
    assert!(!stack.exists(BUCKET).await && !stack.exists("component:default/orders").await);
}

#[tokio::test]
async fn a_removal_that_comes_after_the_next_object_takes_nothing_back() {
    let stack = Stack::start().await;
    let drop = async |serial| stack.put_object(KEY, &state("one", serial, &[BUCKET]), &[("component", "orders")]).await;
    let first = notification(CREATED, KEY, Some(&drop(7).await), 1, "01");
    assert!(stack.batch(&[("m1", 1, first)]).await.is_empty());
    let second = notification(CREATED, KEY, Some(&drop(8).await), 3, "03");
    let removed = notification(REMOVED, KEY, None, 2, "02");
    assert!(stack.batch(&[("m2", 1, second), ("m3", 1, removed)]).await.is_empty());
    assert!(stack.exists(BUCKET).await);
}

#[tokio::test]
async fn a_refused_file_leaves_a_receipt_though_only_a_part_stands() {
    let mut stack = Stack::start().await;
    let key = "exports/acme/catalog-info/f.yaml";
    for (second, body, failed) in
        [(1, format!("{}---\nkind: Component\n", component("c")), 0), (2, "kind: Component\n".to_owned(), 1)]
    {
        let etag = stack.put_object(key, &body, &[]).await;
        assert_eq!(stack.batch(&[("m", 1, notification(CREATED, key, Some(&etag), second, "01"))]).await.len(), failed);
    }
    assert_eq!(receipt(&mut stack, "/api/exports/acme/catalog-info/f").await["status"], "refused");
}

#[tokio::test]
async fn one_bad_message_never_holds_back_the_others() {
    let mut stack = Stack::start().await;
    let key = |name: &str| format!("exports/acme/catalog-info/{name}.yaml");
    let mut messages = Vec::new();
    for at in 0..10_u32 {
        let key = key(&format!("f{at}"));
        let body = if at == 4 { "kind: Component\n".to_owned() } else { component(&format!("c{at}")) };
        let etag = stack.put_object(&key, &body, &[]).await;
        messages.push((format!("m{at}"), notification(CREATED, &key, Some(&etag), at, "01")));
    }
    let batch = |receives| {
        let messages = messages.iter().map(move |(id, body)| (id.as_str(), receives, body.clone()));
        messages.collect::<Vec<_>>()
    };
    assert_eq!(stack.batch(&batch(1)).await, ["m4"]);
    for at in (0..10).filter(|at| *at != 4) {
        assert!(stack.exists(&format!("component:default/c{at}")).await, "{at}");
    }
    assert_eq!(stack.batch(&batch(3)).await, ["m4"]);
    let status = stack.deps.store.status().await.unwrap();
    let counts = &status.sources[0].counts;
    assert_eq!(counts["messages"], counts["acked"] + counts["retried"] + counts["dead"]);
    assert_eq!((counts["messages"], counts["retried"], counts["dead"]), (20, 1, 1));
    assert_eq!((counts["parsed"], counts["refused"], counts["applied"], counts["duplicate"]), (18, 2, 9, 9));
    assert_eq!((counts["documents"], counts["fragments"]), (20, 18));
    assert_eq!(status.failures.len(), 1);
    assert_eq!((status.failures[0].code.as_str(), status.failures[0].last_try), ("nothing-usable", true));
    assert!(status.failures[0].detail.contains("apiVersion"), "{}", status.failures[0].detail);

    let receipt = receipt(&mut stack, "/api/exports/acme/catalog-info/f4").await;
    assert_eq!((&receipt["status"], &receipt["documents"][0]["verdict"]), (&json!("refused"), &json!("refused")));

    // The sender mends the file; the failure of another message that got through is forgotten.
    let etag = stack.put_object(&key("f4"), &component("c4"), &[]).await;
    assert!(stack.batch(&[("m4", 4, notification(CREATED, &key("f4"), Some(&etag), 30, "02"))]).await.is_empty());
    assert!(stack.deps.store.status().await.unwrap().failures.is_empty());
    assert!(stack.exists("component:default/c4").await);
}

#[tokio::test]
async fn an_object_that_is_gone_or_another_by_now_is_acknowledged() {
    let stack = Stack::start().await;
    let gone = notification(CREATED, KEY, Some("0123"), 1, "01");
    stack
        .put_object("exports/acme.infra/terraform-state/other", &state("one", 1, &[QUEUE]), &[("component", "x")])
        .await;
    let another = notification(CREATED, "exports/acme.infra/terraform-state/other", Some("0123"), 1, "01");
    let folder = notification(CREATED, "exports/acme.infra/", None, 1, "01");
    assert!(stack.batch(&[("m1", 1, gone), ("m2", 1, another), ("m3", 1, folder)]).await.is_empty());
    assert!(!stack.exists(QUEUE).await);
}

#[tokio::test]
async fn an_object_is_refused_for_what_it_has_whatever_its_notification_says() {
    let mut stack = Stack::start().await;
    let key = "exports/acme/openapi/long.yaml";
    let etag = stack.put_object(key, &"x".repeat(4_500_001), &[]).await;
    let created = notification(CREATED, key, Some(&etag), 1, "01");
    assert_eq!(created["Records"][0]["s3"]["object"]["size"], 1);
    assert_eq!(stack.batch(&[("m1", 3, created)]).await, ["m1"]);
    let receipt = receipt(&mut stack, "/api/exports/acme/openapi/long").await;
    assert_eq!(receipt["reason"], "the object has 4500001 bytes, more than the 4500000 that an export may have");
}

#[tokio::test]
async fn what_cannot_be_an_export_is_a_dead_letter_with_its_reason() {
    let stack = Stack::start().await;
    stack.put_object("exports/a/catalog-info/dry", &component("x"), &[("dryrun", "true")]).await;
    stack.put_object("exports/a/catalog-info/wrong", &component("x"), &[("serial", "seven")]).await;
    let mut elsewhere = notification(CREATED, "exports/a/catalog-info/b", None, 1, "01");
    elsewhere["Records"][0]["s3"]["bucket"]["name"] = json!("other");
    let mut future = notification(CREATED, "exports/a/catalog-info/late", None, 1, "01");
    future["Records"][0]["eventTime"] = json!("2026-11-22T11:00:00.000Z");
    stack.put_object("exports/a/catalog-info/late", &component("x"), &[]).await;
    let cases = [
        ("m1", notification(CREATED, "exports/a/b", None, 1, "01"), "wrong-key"),
        ("m2", notification(CREATED, "exports/a/pulumi/b", None, 1, "01"), "format-not-implemented"),
        ("m3", elsewhere, "wrong-bucket"),
        ("m4", notification(CREATED, "exports/a/catalog-info/dry", None, 1, "01"), "wrong-parameter"),
        ("m5", notification(CREATED, "exports/a/catalog-info/wrong", None, 1, "01"), "wrong-parameter"),
        ("m6", json!("no notification"), "not-an-object"),
        ("m7", future, "version-in-the-future"),
    ];
    let messages: Vec<_> = cases.iter().map(|(id, body, _)| (*id, 3, body.clone())).collect();
    assert_eq!(stack.batch(&messages).await.len(), cases.len());
    let failures = stack.deps.store.status().await.unwrap().failures;
    let found: Vec<_> = failures.iter().map(|failure| (failure.message_id.as_str(), failure.code.as_str())).collect();
    let expected: Vec<_> = cases.iter().map(|(id, _, code)| (*id, *code)).collect();
    assert_eq!(found, expected);
    for (failure, key) in [(&failures[3], "exports/a/catalog-info/dry"), (&failures[4], "exports/a/catalog-info/wrong")]
    {
        let expected = format!("could not take object `{key}`: ");
        assert!(failure.detail.starts_with(&expected), "{}", failure.detail);
    }
    assert!(!stack.exists("component:default/x").await);
    assert_eq!(cicd_export::CicdExportError::DryRunDropped.class(), delivery::Class::DeadLetter);
}
