//! Items too large for their messages.

use callboard::config_aggregator::{Aggregator, Trouble};
use catalog_model::{Identity, Pointer};
use serde_json::{Value, json};

use crate::stack::{ACCOUNT, CONFIG, OTHER, Stack, gz, queue_arn, queue_item};

pub(crate) fn key() -> String {
    format!(
        "o-abcdefghij/AWSLogs/{ACCOUNT}/Config/eu-west-1/2026/11/20/OversizedChangeNotification/AWS::SQS::Queue/jobs/\
         {ACCOUNT}_Config_x.json.gz"
    )
}

pub(crate) fn notice(location: Option<&str>, second: u32) -> Value {
    let mut summary = queue_item("jobs", "OK", second);
    summary.as_object_mut().unwrap().remove("configuration");
    summary["changeType"] = json!("UPDATE");
    let mut detail = json!({
        "messageType": "OversizedConfigurationItemChangeNotification", "recordVersion": "1.0",
        "configurationItemSummary": summary
    });
    if let Some(location) = location {
        detail["s3DeliverySummary"] = json!({"s3BucketLocation": location, "errorCode": null, "errorMessage": null});
    }
    json!({"id": "o", "source": "aws.config", "detail-type": "Config Configuration Item Change", "detail": detail})
}

pub(crate) fn full(second: u32) -> Vec<u8> {
    let mut item = queue_item("jobs", "OK", second);
    item["configuration"]["Policy"] = json!("canary".repeat(2_000));
    gz(json!({"messageType": "ConfigurationItemChangeNotification", "configurationItem": item}).to_string().as_bytes())
}

async fn is_incomplete(stack: &Stack) -> bool {
    let entity = stack.entity(&Identity::of_canonical_arn(&queue_arn("jobs"))).await;
    assert!(entity.existence.exists());
    entity.status.iter().any(|item| item.item_type == "callboard/incomplete")
}

async fn delay(stack: &Stack) -> Option<Value> {
    let entity = stack.entity(&Identity::of_canonical_arn(&queue_arn("jobs"))).await;
    entity.field(&Pointer::to(["spec", "aws", "attributes", "delaySeconds"])).cloned()
}

#[tokio::test]
async fn the_item_is_read_from_where_config_put_it() {
    let stack = Stack::start().await;
    stack.put(CONFIG, &key(), full(5)).await;
    stack.take(&notice(Some(&format!("{CONFIG}/{}", key())), 5)).await;
    assert!(!is_incomplete(&stack).await);
    assert_eq!(delay(&stack).await, Some(json!(7)));
    assert!(!format!("{:?}", stack.record(&queue_arn("jobs")).await).contains("canary"));
}

#[tokio::test]
async fn without_its_item_a_record_is_marked_until_a_full_one_of_that_state_or_a_later_one_comes() {
    for (then, is_whole) in [(4, false), (5, true), (6, true)] {
        let stack = Stack::start().await;
        stack.take(&notice(None, 5)).await;
        assert!(is_incomplete(&stack).await);
        stack.take(&queue_item("jobs", "OK", then)).await;
        assert_eq!(is_incomplete(&stack).await, !is_whole, "{then}");
        assert_eq!(delay(&stack).await, Some(json!(7)));
        // Whichever came first.
        let other = Stack::start().await;
        other.take(&queue_item("jobs", "OK", then)).await;
        other.take(&notice(None, 5)).await;
        assert_eq!(is_incomplete(&other).await, !is_whole, "{then}");
        assert_eq!(other.counts().await["incomplete"], 1);
    }
}

#[tokio::test]
async fn what_lies_there_counts_only_if_it_is_that_item() {
    let other = queue_item("other", "OK", 5);
    let older = queue_item("jobs", "OK", 4);
    let bomb = gz(&vec![b' '; 20 * 1024 * 1024]);
    let files = [
        gz(other.to_string().as_bytes()),
        gz(older.to_string().as_bytes()),
        gz(b"no json"),
        gz("[".repeat(100_000).as_bytes()),
        b"no gzip".to_vec(),
        bomb,
        vec![b'x'; 5 * 1024 * 1024],
    ];
    for file in files {
        let stack = Stack::start().await;
        stack.put(CONFIG, &key(), file).await;
        stack.take(&notice(Some(&format!("{CONFIG}/{}", key())), 5)).await;
        assert!(is_incomplete(&stack).await);
        assert!(!stack.exists(&queue_arn("other")).await);
    }
    let stack = Stack::start().await;
    stack.take(&notice(Some(&format!("{CONFIG}/{}", key())), 5)).await;
    assert!(is_incomplete(&stack).await, "an object that is not there");
}

#[tokio::test]
async fn no_bucket_and_no_key_but_those_of_config_is_asked() {
    let stack = Stack::start().await;
    stack.put(OTHER, &key(), full(5)).await;
    let twisted = key().replace("AWS::SQS::Queue/jobs", "../../../jobs");
    let of_another = key().replace(ACCOUNT, "444455556666");
    for (location, code) in [
        (format!("{OTHER}/{}", key()), "foreign-bucket"),
        (format!("{CONFIG}/{twisted}"), "odd-key"),
        (format!("{CONFIG}/{of_another}"), "odd-key"),
        (format!("{CONFIG}/etc/passwd"), "odd-key"),
    ] {
        let failed = stack.send(&[("m", 3, notice(Some(&location), 5).to_string())]).await;
        assert_eq!(failed, ["m"], "{location}");
        let status = stack.status().await;
        assert_eq!((status.failures[0].code.as_str(), status.failures[0].last_try), (code, true));
        assert!(is_incomplete(&stack).await, "it exists all the same");
    }
    assert_eq!(stack.asked.take(), [""; 0]);
}

/// Whether the record is marked as incomplete after the notice, and how often the aggregator was asked.
async fn noticed(stack: &Stack, aggregator: &Aggregator, location: Option<&str>) -> (bool, u64) {
    drop(aggregator.take_calls());
    stack.take(&notice(location, 5)).await;
    let calls = aggregator.take_calls();
    assert!(calls.keys().all(|operation| operation == "GetAggregateResourceConfig"), "{calls:?}");
    (is_incomplete(stack).await, calls.values().sum())
}

#[tokio::test]
async fn an_item_that_is_in_no_bucket_of_ours_is_asked_of_the_aggregator() {
    let foreign = format!("{OTHER}/{}", key());
    let absent = format!("{CONFIG}/{}", key());
    for location in [None, Some(foreign.as_str()), Some(absent.as_str()), Some("x/etc/passwd")] {
        for second in [5, 6] {
            let mut stack = Stack::start().await;
            let aggregator = stack.start_aggregator().await;
            aggregator.hear(&queue_item("jobs", "OK", second));
            assert_eq!(noticed(&stack, &aggregator, location).await, (false, 1), "{location:?}");
            assert_eq!(delay(&stack).await, Some(json!(7)));
            assert_eq!(stack.counts().await.get("incomplete"), None);
            assert!(stack.asked.take().iter().all(|path| path.contains(CONFIG)), "the foreign bucket was asked");
        }
    }
    let mut stack = Stack::start().await;
    let aggregator = stack.start_aggregator().await;
    stack.put(CONFIG, &key(), full(5)).await;
    assert_eq!(noticed(&stack, &aggregator, Some(&absent)).await, (false, 0), "the bucket has it");
}

#[tokio::test]
async fn what_the_aggregator_does_not_have_either_stays_marked() {
    let mut stack = Stack::start().await;
    let aggregator = stack.start_aggregator().await;
    assert_eq!(noticed(&stack, &aggregator, None).await, (true, 1), "it does not know the resource");
    aggregator.hear(&queue_item("jobs", "OK", 4));
    assert_eq!(noticed(&stack, &aggregator, None).await, (true, 1), "it holds an older state");
    aggregator.hear(&queue_item("jobs", "OK", 5));
    for trouble in [Trouble::Oversized, Trouble::AccessDenied, Trouble::NoTags] {
        aggregator.misbehave(move |_| Some(trouble));
        assert_eq!(noticed(&stack, &aggregator, None).await, (true, 1), "{trouble:?}");
    }
    // What would be refused without an aggregator is refused.
    let foreign = notice(Some(&format!("{OTHER}/{}", key())), 5).to_string();
    assert_eq!(stack.send(&[("m", 3, foreign)]).await, ["m"]);
    assert_eq!(stack.status().await.failures[0].code, "foreign-bucket");
}

#[tokio::test]
async fn an_aggregator_that_is_in_trouble_is_asked_again_and_the_record_is_marked_meanwhile() {
    for trouble in [Trouble::Throttled, Trouble::Broken] {
        let mut stack = Stack::start().await;
        let aggregator = stack.start_aggregator().await;
        aggregator.hear(&queue_item("jobs", "OK", 5));
        aggregator.misbehave(move |_| Some(trouble));
        assert_eq!(stack.send(&[("m", 1, notice(None, 5).to_string())]).await, ["m"], "{trouble:?}");
        assert_eq!(stack.status().await.failures[0].code, "aggregator");
        assert!(is_incomplete(&stack).await);
        aggregator.behave();
        assert!(stack.send(&[("m", 2, notice(None, 5).to_string())]).await.is_empty());
        assert!(!is_incomplete(&stack).await);
    }
}

#[tokio::test]
async fn the_notice_of_a_deletion_deletes() {
    let stack = Stack::start().await;
    stack.take(&queue_item("jobs", "OK", 1)).await;
    let mut deleted = notice(None, 5);
    deleted["detail"]["configurationItemSummary"]["configurationItemStatus"] = json!("ResourceDeleted");
    stack.take(&deleted).await;
    assert!(!stack.exists(&queue_arn("jobs")).await);
}
