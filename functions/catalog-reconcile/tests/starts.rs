//! The function's binary starts as Lambda starts it, takes an event, and answers.

use callboard_tests::running::Running;
use callboard_tests::runtime_api::{complaint_of_binary, response_of_binary};
use serde_json::json;

const BINARY: &str = env!("CARGO_BIN_EXE_catalog-reconcile");

#[tokio::test(flavor = "multi_thread")]
async fn the_binary_takes_an_event_and_answers() {
    let running = Running::start().await;
    let body = response_of_binary(BINARY, &running, json!({"action": "rebuild-if-needed"})).await;
    assert_eq!(body, json!({"records": 0, "entities": 0, "seq": 0, "rebuilt": false}));
    let body = response_of_binary(BINARY, &running, json!({"action": "sweep", "begin": true})).await;
    assert_eq!(body, json!({"sweep": "no-aggregator", "unitsDone": 0, "unitsLeft": 0}));
    running.stack.shutdown().await;
}

#[test]
fn a_missing_setting_is_named() {
    let complaint = complaint_of_binary(BINARY);
    assert!(complaint.contains("variable") && complaint.contains('_'), "{complaint}");
}
