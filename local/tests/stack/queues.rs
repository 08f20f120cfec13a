//! Messages from a queue to its function: batches, tries, dead letters, and a restart in the middle.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use crate::support::{Recorder, accepting, recording};
use callboard::{
    Standing,
    functions::FunctionError,
    stack::{Stack, StackOptions},
};
use serde_json::{Value, json};
use tokio::sync::Notify;

fn options(data: Option<PathBuf>) -> StackOptions {
    StackOptions { retry_delay: Duration::from_millis(1), data, ..StackOptions::default() }
}

fn failing(event: &Value, bad: &str) -> Value {
    let records = event["Records"].as_array().unwrap().iter();
    let failed = records.filter(|record| record["body"] == bad);
    let failures: Vec<_> = failed.map(|record| json!({"itemIdentifier": record["messageId"]})).collect();
    json!({ "batchItemFailures": failures })
}

#[tokio::test]
async fn one_bad_message_among_ten_is_tried_five_times_and_then_dead() {
    let recorder = Recorder::default();
    let seen = recorder.clone();
    let functions = accepting().with("config-change", move |event| {
        seen.note(event.clone());
        async move { Ok(failing(&event, "bad")) }
    });
    let stack = Stack::start(options(None), |_| functions).await.unwrap();
    let mut bad = String::new();
    for n in 0..10 {
        if n == 4 {
            bad = stack.send("ConfigQueue", "bad").unwrap();
        } else {
            stack.send("ConfigQueue", &format!("good {n}")).unwrap();
        }
    }
    stack.idle().await.unwrap();

    let records = recorder.records();
    assert_eq!(records.iter().filter(|record| record["body"] != "bad").count(), 9);
    let tries: Vec<_> = records.iter().filter(|record| record["body"] == "bad").collect();
    let counts: Vec<_> =
        tries.iter().map(|record| record["attributes"]["ApproximateReceiveCount"].as_str().unwrap()).collect();
    assert_eq!(counts, ["1", "2", "3", "4", "5"]);
    assert!(tries.iter().all(|record| record["messageId"] == bad));
    let dead = stack.dead_letters().unwrap();
    assert_eq!(dead.len(), 1);
    assert_eq!((dead[0].queue.as_str(), dead[0].body.as_str(), dead[0].receives), ("ConfigDeadLetters", "bad", 5));
    assert!(matches!(stack.standing(&bad).unwrap(), Standing::Dead(letter) if letter == dead[0]));
    stack.shutdown().await;
}

#[tokio::test]
async fn a_failed_or_panicking_invocation_fails_its_whole_batch() {
    let first = Arc::new(AtomicBool::new(true));
    let functions = accepting().with("config-change", async |_| Err(FunctionError::new("Boom", "it broke"))).with(
        "cicd-export",
        move |_| {
            let first = first.swap(false, Ordering::SeqCst);
            async move { if first { panic!("once") } else { Ok(Value::Null) } }
        },
    );
    let stack = Stack::start(options(None), |_| functions).await.unwrap();
    let broken = stack.send("ConfigQueue", "x").unwrap();
    let once = stack.send("ExportQueue", "y").unwrap();
    stack.idle().await.unwrap();
    assert_eq!(stack.standing(&once).unwrap(), Standing::Gone);
    let Standing::Dead(letter) = stack.standing(&broken).unwrap() else { panic!("not dead") };
    assert_eq!(letter.failure, "Boom: it broke");
    stack.shutdown().await;
}

#[tokio::test]
async fn a_rule_forwards_the_whole_event_and_nothing_else() {
    let recorder = Recorder::default();
    let functions = recording("config-change", &recorder);
    let stack = Stack::start(options(None), |_| functions).await.unwrap();
    let event = json!({"source": "aws.config", "detail-type": "Config Configuration Item Change", "detail": {"a": 1}});
    assert_eq!(stack.put_event(&event).unwrap().len(), 1);
    let api_call = json!({"source": "aws.config", "detail-type": "AWS API Call via CloudTrail"});
    assert_eq!(stack.put_event(&api_call).unwrap().len(), 0);
    assert_eq!(stack.put_event(&json!([])).unwrap().len(), 0);
    stack.idle().await.unwrap();
    let records = recorder.records();
    assert_eq!(records.len(), 1);
    assert_eq!(serde_json::from_str::<Value>(records[0]["body"].as_str().unwrap()).unwrap(), event);
    let batch: aws_lambda_events::sqs::SqsEvent = serde_json::from_value(recorder.events()[0].clone()).unwrap();
    assert_eq!(batch.records.len(), 1);
    stack.shutdown().await;
}

#[tokio::test]
async fn what_waits_or_is_dead_is_there_after_a_restart() {
    let data = tempfile::tempdir().unwrap();
    let started = Arc::new(Notify::new());
    let told = Arc::clone(&started);
    let functions = accepting().with("config-change", async |_| Err(FunctionError::new("Boom", "it broke"))).with(
        "cost-report",
        move |_| {
            told.notify_one();
            std::future::pending()
        },
    );
    let stack = Stack::start(options(Some(data.path().to_owned())), |_| functions).await.unwrap();
    let dead = stack.send("ConfigQueue", "dead").unwrap();
    stack.send("ReportQueue", "in flight").unwrap();
    started.notified().await;
    while stack.standing(&dead).unwrap() == Standing::Pending {
        tokio::task::yield_now().await;
    }
    // As a crash would: nothing is settled, nothing is finished.
    drop(stack);

    let recorder = Recorder::default();
    let functions = recording("cost-report", &recorder);
    let stack = Stack::start(options(Some(data.path().to_owned())), |_| functions).await.unwrap();
    stack.idle().await.unwrap();
    let records = recorder.records();
    assert_eq!(records.len(), 1);
    assert_eq!(records[0]["body"], "in flight");
    assert_eq!(records[0]["attributes"]["ApproximateReceiveCount"], "2");
    assert_eq!(stack.dead_letters().unwrap()[0].message_id, dead);
    stack.shutdown().await;
}
