//! The function's binary starts as Lambda starts it, takes an event, and answers.

use callboard_tests::running::Running;
use callboard_tests::runtime_api::{complaint_of_binary, response_of_binary};
use serde_json::json;

const BINARY: &str = env!("CARGO_BIN_EXE_query-api");

#[tokio::test(flavor = "multi_thread")]
async fn the_binary_takes_an_event_and_answers() {
    let running = Running::start().await;
    let event = json!({
        "resource": "/{proxy+}", "path": "/api/status", "httpMethod": "GET", "headers": {}, "multiValueHeaders": {},
        "queryStringParameters": null, "multiValueQueryStringParameters": null, "pathParameters": {"proxy": "api/status"},
        "stageVariables": null, "body": null, "isBase64Encoded": false,
        "requestContext": {"requestId": "1", "stage": "live", "path": "/live/api/status", "httpMethod": "GET", "identity": {}}
    });
    let body = response_of_binary(BINARY, &running, event).await;
    assert_eq!(body["statusCode"], json!(200), "{body}");
    assert!(body["body"].as_str().is_some_and(|body| body.contains("\"index\"")), "{body}");
    running.stack.shutdown().await;
}

#[test]
fn a_missing_setting_is_named() {
    let complaint = complaint_of_binary(BINARY);
    assert!(complaint.contains("variable") && complaint.contains('_'), "{complaint}");
}
