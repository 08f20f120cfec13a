use aws_sdk_dynamodb::types::AttributeValue;
use catalog_model::{Door, SourceObject};
use catalog_store::{FailureRecord, IngestLag, Parked};
use serde_json::json;

use crate::stack::{NOW, Stack, TABLE, file, serial};

fn failure(source: &str, id: &str, receive_count: u32) -> FailureRecord {
    FailureRecord {
        source: source.into(),
        message_id: id.into(),
        code: "too-many-fragments".into(),
        detail: "it has 64".into(),
        receive_count,
        last_try: receive_count == 5,
        at_ms: NOW,
    }
}

#[tokio::test]
async fn counts_add_up_and_the_last_event_never_goes_back() {
    let stack = Stack::start().await;
    let store = &stack.store;
    store.count("config-change", &[("messages", 10), ("acked", 9), ("acked", 1)], NOW).await.unwrap();
    store.count("config-change", &[("messages", 2), ("dead", 2), ("retried", 0)], NOW - 5).await.unwrap();
    store.count("config-change", &[], NOW + 5).await.unwrap();
    store.count("config-change", &[], NOW).await.unwrap();
    store.count("cicd-export", &[("messages", 1)], 7).await.unwrap();

    let sources = stack.store.status().await.unwrap().sources;
    let shown: Vec<String> =
        sources.iter().map(|s| format!("{} {:?} {}", s.source, s.counts, s.last_event_ms)).collect();
    assert_eq!(
        shown,
        [
            r#"cicd-export {"messages": 1} 7"#.to_owned(),
            format!(r#"config-change {{"acked": 10, "dead": 2, "messages": 12}} {}"#, NOW + 5),
        ]
    );
}

#[tokio::test]
async fn concurrent_counts_are_all_counted() {
    let stack = Stack::start().await;
    let counts =
        (0..40).map(|at| stack.store.count("s", if at % 2 == 0 { &[("a", 1)] } else { &[("a", 2)] }, NOW + at));
    for outcome in futures::future::join_all(counts).await {
        outcome.unwrap();
    }
    let status = stack.store.status().await.unwrap();
    assert_eq!((status.sources[0].counts["a"], status.sources[0].last_event_ms), (60, NOW + 39));
}

#[tokio::test]
async fn what_has_an_id_is_counted_once_however_often_it_is_told() {
    let stack = Stack::start().await;
    for at in (0..100).chain([99, 50, 98]).chain(90..110) {
        stack.store.count_once("config-delivery/1", "delivered", &format!("id{at}"), NOW + at).await.unwrap();
    }
    stack.store.count_once("config-delivery/1", "failed", "id0", NOW).await.unwrap();
    let status = stack.store.status().await.unwrap();
    let counts: Vec<_> = status.sources[0].counts.iter().map(|(name, count)| (name.as_str(), *count)).collect();
    assert_eq!(counts, [("delivered", 110), ("failed", 1)], "and the ids are no counts");
    let key = [("pk", "m#counts"), ("sk", "config-delivery/1")].map(|(name, text)| (name.to_owned(), text.to_owned()));
    let key = key.into_iter().map(|(name, text)| (name, AttributeValue::S(text))).collect();
    let item = stack.raw.get_item().table_name(TABLE).set_key(Some(key)).send().await.unwrap().item.unwrap();
    assert_eq!(item["i:delivered"].as_ss().unwrap().len(), 64, "no more of them are remembered");
}

#[tokio::test]
async fn a_failure_stands_until_a_later_try_succeeds() {
    let stack = Stack::start().await;
    for failure in [failure("cost", "m1", 1), failure("cost", "m1", 5), failure("cicd", "m2", 1)] {
        stack.store.record_failure(&failure).await.unwrap();
    }
    assert_eq!(stack.store.status().await.unwrap().failures, [failure("cicd", "m2", 1), failure("cost", "m1", 5)]);
    stack.store.clear_failure("cost", "m1").await.unwrap();
    stack.store.clear_failure("cost", "never").await.unwrap();
    assert_eq!(stack.store.status().await.unwrap().failures, [failure("cicd", "m2", 1)]);
    stack.store.record_failure(&failure("cost", "m1", 2)).await.unwrap();
    assert_eq!(stack.store.status().await.unwrap().failures, [failure("cicd", "m2", 1), failure("cost", "m1", 2)]);
}

#[tokio::test]
async fn more_failures_than_can_be_listed_are_said_to_be_more() {
    let stack = Stack::start().await;
    let long = "x".repeat(5000);
    for at in 0..1001 {
        let failure = FailureRecord { detail: long.clone(), ..failure("s", &format!("{at:04}"), 1) };
        stack.store.record_failure(&failure).await.unwrap();
    }
    let status = stack.store.status().await.unwrap();
    assert_eq!((status.failures.len(), status.truncated), (1000, true));
    assert_eq!(status.failures[0].detail.len(), 2000);
}

#[tokio::test]
async fn a_subject_is_parked_once_however_often_it_comes() {
    let stack = Stack::start().await;
    let parked = |subject: &str, at_ms| Parked {
        source: "config-change".into(),
        subject: subject.into(),
        reason: "unresolved subject".into(),
        at_ms,
    };
    let long = "s".repeat(3000);
    for parked in [parked("i-1", NOW), parked("i-1", NOW + 1), parked(&long, NOW)] {
        stack.store.park(&parked).await.unwrap();
    }
    assert_eq!(stack.store.status().await.unwrap().parked.len(), 2);
    stack.store.unpark("config-change", &long).await.unwrap();
    assert_eq!(stack.store.status().await.unwrap().parked, [parked("i-1", NOW + 1)]);
}

#[tokio::test]
async fn the_last_receipt_of_each_door_is_kept() {
    let stack = Stack::start().await;
    let by_s3 = SourceObject { door: Door::S3, ..file("catalog/info") };
    let by_http = file("catalog/info");
    let long = json!({ "entities": vec!["component:default/orders"; 10_000] });
    for (source, version, receipt) in [
        (&by_http, 2, json!({ "n": 2 })),
        (&by_http, 1, json!({ "n": 1 })),
        (&by_http, 2, json!({ "n": "2 again" })),
        (&by_s3, 1, long.clone()),
        (&file("other"), 1, json!({ "n": "other" })),
    ] {
        stack.store.put_receipt(source, &serial(version), &receipt).await.unwrap();
    }
    let receipts = stack.store.receipts("acme.shop", "catalog-info", "catalog/info").await.unwrap();
    assert_eq!(receipts, [json!({ "n": "2 again" }), long]);
    assert!(stack.store.receipts("acme.shop", "catalog-info", "never").await.unwrap().is_empty());
    assert_eq!(stack.objects("bodies").len(), 1);
}

#[tokio::test]
async fn the_latest_capture_of_an_account_stays_whoever_comes_last() {
    let stack = Stack::start().await;
    let lag = |account: &str, captured_ms: u64| IngestLag {
        account: account.to_owned(),
        captured_ms,
        told_ms: captured_ms + 5,
        applied_ms: captured_ms + 9,
    };
    for (account, captured_ms) in [("2", 10), ("1", 30), ("1", 20), ("2", 10)] {
        stack.store.note_lag(&lag(account, captured_ms)).await.unwrap();
    }
    assert_eq!(stack.store.lags().await.unwrap(), [lag("1", 30), lag("2", 10)]);
}
