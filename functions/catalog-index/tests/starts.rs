//! The function's binary starts as Lambda starts it, takes an event, and answers.

use callboard_tests::running::Running;
use callboard_tests::runtime_api::{complaint_of_binary, response_of_binary};
use serde_json::json;

const BINARY: &str = env!("CARGO_BIN_EXE_catalog-index");

#[tokio::test(flavor = "multi_thread")]
async fn the_binary_takes_an_event_and_answers() {
    let running = Running::start().await;
    let event = json!({"Records": [{
        "eventID": "1",
        "eventName": "INSERT",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "eu-west-1",
        "eventSourceARN": "arn:aws:dynamodb:eu-west-1:111122223333:table/callboard/stream/2026-11-01T00:00:00.000",
        "dynamodb": {
            "Keys": {"pk": {"S": "m#counts"}, "sk": {"S": "x"}},
            "NewImage": {"pk": {"S": "m#counts"}, "sk": {"S": "x"}},
            "SequenceNumber": "111",
            "SizeBytes": 26,
            "StreamViewType": "NEW_AND_OLD_IMAGES"
        }
    }]});
    let body = response_of_binary(BINARY, &running, event).await;
    assert_eq!(body, json!({"batchItemFailures": []}));
    let body = response_of_binary(BINARY, &running, json!({"action": "compact"})).await;
    assert_eq!(body, json!({"outcome": "not-due", "deleted": 0}));
    running.stack.shutdown().await;
}

#[test]
fn a_missing_setting_is_named() {
    let complaint = complaint_of_binary(BINARY);
    assert!(complaint.contains("variable") && complaint.contains('_'), "{complaint}");
}
