//! The function's binary starts as Lambda starts it, takes an event, and answers.

use callboard_tests::running::Running;
use callboard_tests::runtime_api::{complaint_of_binary, response_of_binary};
use serde_json::json;

const BINARY: &str = env!("CARGO_BIN_EXE_authorizer");

#[tokio::test(flavor = "multi_thread")]
async fn the_binary_takes_an_event_and_answers() {
    let running = Running::start().await;
    let event = json!({
        "type": "REQUEST",
        "methodArn": "arn:aws:execute-api:us-east-1:000000000000:api/live/GET/api/status",
        "multiValueHeaders": {"Authorization": ["Bearer token-under-test"]},
    });
    let body = response_of_binary(BINARY, &running, event).await;
    assert_eq!(body["principalId"], json!("external:test"), "{body}");
    running.stack.shutdown().await;
}

#[test]
fn a_missing_setting_is_named() {
    let complaint = complaint_of_binary(BINARY);
    assert!(complaint.contains("variable") && complaint.contains('_'), "{complaint}");
}
