//! Functions that are invoked at their time.

use std::time::Duration;

use crate::support::{Recorder, accepting};
use callboard::{
    functions::FunctionError,
    stack::{Stack, StackOptions},
};
use serde_json::json;
use tokio::sync::mpsc;

#[tokio::test]
async fn the_index_is_compacted_again_and_again_with_the_event_of_the_template() {
    let (sender, mut seen) = mpsc::unbounded_channel();
    let functions = accepting().with("catalog-index", move |event| {
        sender.send(event).unwrap();
        async { Ok(json!({})) }
    });
    let options = StackOptions { compact_every: Some(Duration::from_millis(10)), ..StackOptions::default() };
    let stack = Stack::start(options, |_| functions).await.unwrap();
    for _ in 0..3 {
        assert_eq!(seen.recv().await.unwrap(), json!({"action": "compact"}));
    }
    stack.shutdown().await;
    // What was in hand when the stop came is the last.
    while let Ok(event) = seen.try_recv() {
        assert_eq!(event, json!({"action": "compact"}));
    }
}

#[tokio::test]
async fn a_failed_one_is_tried_twice_more_and_harms_nobody() {
    let recorder = Recorder::default();
    let noted = recorder.clone();
    let (sender, mut third) = mpsc::unbounded_channel();
    let functions = accepting().with("catalog-index", move |event| {
        noted.note(event);
        sender.send(()).unwrap();
        async { Err(FunctionError::new("Boom", "it broke")) }
    });
    let options = StackOptions {
        compact_every: Some(Duration::from_secs(1)),
        retry_delay: Duration::from_millis(1),
        ..StackOptions::default()
    };
    let stack = Stack::start(options, |_| functions).await.unwrap();
    for _ in 0..3 {
        third.recv().await.unwrap();
    }
    assert_eq!(stack.invoke("query-api", json!({})).await.unwrap(), json!({"batchItemFailures": []}));
    stack.shutdown().await;
    assert_eq!(recorder.events().len(), 3);
}
