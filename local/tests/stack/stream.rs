//! The table's stream, written by the real client, as its function sees it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use crate::support::{Recorder, accepting, dynamodb, recording};
use aws_sdk_dynamodb::types::AttributeValue;
use callboard::{
    functions::FunctionError,
    stack::{Stack, StackOptions},
};
use serde_json::{Value, json};

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

async fn put(client: &aws_sdk_dynamodb::Client, pk: &str, value: &str) {
    let put = client.put_item().table_name("callboard").item("pk", text(pk)).item("sk", text("E"));
    put.item("value", AttributeValue::N(value.to_owned())).send().await.unwrap();
}

fn options() -> StackOptions {
    StackOptions { retry_delay: Duration::from_millis(1), ..StackOptions::default() }
}

#[tokio::test]
async fn every_write_arrives_in_order_with_both_images() {
    let recorder = Recorder::default();
    let functions = recording("catalog-index", &recorder);
    let stack = Stack::start(options(), |_| functions).await.unwrap();
    let client = dynamodb(&stack.endpoints());
    put(&client, "a", "1").await;
    put(&client, "a", "2").await;
    client.delete_item().table_name("callboard").key("pk", text("a")).key("sk", text("E")).send().await.unwrap();
    stack.idle().await.unwrap();

    let records = recorder.records();
    let names: Vec<_> = records.iter().map(|record| record["eventName"].as_str().unwrap()).collect();
    assert_eq!(names, ["INSERT", "MODIFY", "REMOVE"]);
    let change = &records[1]["dynamodb"];
    assert_eq!(change["Keys"], json!({"pk": {"S": "a"}, "sk": {"S": "E"}}));
    assert_eq!(change["OldImage"]["value"], json!({"N": "1"}));
    assert_eq!(change["NewImage"]["value"], json!({"N": "2"}));
    let numbers: Vec<_> = records.iter().map(|record| record["dynamodb"]["SequenceNumber"].as_str().unwrap()).collect();
    assert!(numbers.is_sorted() && numbers.iter().all(|number| number.len() == 21));
    let event: aws_lambda_events::dynamodb::Event = serde_json::from_value(json!({"Records": records})).unwrap();
    assert_eq!(event.records[2].event_name, "REMOVE");
    stack.shutdown().await;
}

#[tokio::test]
async fn a_failed_batch_comes_again_from_where_it_failed() {
    let recorder = Recorder::default();
    let seen = recorder.clone();
    let tries = Arc::new(AtomicUsize::new(0));
    let functions = accepting().with("catalog-index", move |event: Value| {
        let nth = tries.fetch_add(1, Ordering::SeqCst);
        let records = event["Records"].as_array().unwrap().clone();
        let failed = records.iter().find(|record| record["dynamodb"]["Keys"]["pk"]["S"] == "b");
        let answer = match (nth, failed) {
            (0, _) => Err(FunctionError::new("Boom", "first")),
            (1..4, Some(failed)) => {
                Ok(json!({"batchItemFailures": [{"itemIdentifier": failed["dynamodb"]["SequenceNumber"]}]}))
            }
            _ => {
                seen.note(event);
                Ok(json!({"batchItemFailures": []}))
            }
        };
        async move { answer }
    });
    let stack = Stack::start(options(), |_| functions).await.unwrap();
    let client = dynamodb(&stack.endpoints());
    for pk in ["a", "b", "c"] {
        put(&client, pk, "1").await;
    }
    stack.idle().await.unwrap();
    let delivered: Vec<_> = recorder.records().iter().map(|r| r["dynamodb"]["Keys"]["pk"]["S"].clone()).collect();
    assert!(delivered.ends_with(&[json!("b"), json!("c")]), "{delivered:?}");
    stack.shutdown().await;
}

#[tokio::test]
async fn a_restart_keeps_the_table_and_skips_nothing() {
    let data = tempfile::tempdir().unwrap();
    let options = || StackOptions { data: Some(data.path().to_owned()), ..options() };
    let functions = accepting().with("catalog-index", async |_| Err(FunctionError::new("Boom", "never")));
    let stack = Stack::start(options(), |_| functions).await.unwrap();
    put(&dynamodb(&stack.endpoints()), "a", "1").await;
    stack.shutdown().await;

    let recorder = Recorder::default();
    let functions = recording("catalog-index", &recorder);
    let stack = Stack::start(options(), |_| functions).await.unwrap();
    let client = dynamodb(&stack.endpoints());
    put(&client, "b", "1").await;
    stack.idle().await.unwrap();
    let delivered: Vec<_> = recorder.records().iter().map(|r| r["dynamodb"]["Keys"]["pk"]["S"].clone()).collect();
    assert_eq!(delivered, ["a", "b"]);
    let got = client.get_item().table_name("callboard").key("pk", text("a")).key("sk", text("E")).send().await.unwrap();
    assert!(got.item().is_some());
    stack.shutdown().await;
}

#[tokio::test]
async fn two_stacks_in_one_process_know_nothing_of_each_other() {
    let (first, second) = (Recorder::default(), Recorder::default());
    let one = Stack::start(options(), |_| recording("catalog-index", &first)).await.unwrap();
    let two = Stack::start(options(), |_| recording("catalog-index", &second)).await.unwrap();
    put(&dynamodb(&one.endpoints()), "a", "1").await;
    one.idle().await.unwrap();
    two.idle().await.unwrap();
    assert_eq!((first.records().len(), second.records().len()), (1, 0));
    one.shutdown().await;
    two.shutdown().await;
}
