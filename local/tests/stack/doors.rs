//! The API's door and Lambda's Invoke API, byte for byte.

use crate::support::{Recorder, accepting, http};
use callboard::{
    functions::FunctionError,
    ports::{PortError, Ports},
    stack::{Stack, StackOptions, StartError},
};
use serde_json::{Value, json};

async fn echoing() -> (Stack, Recorder) {
    let recorder = Recorder::default();
    let (exports, queries) = (recorder.clone(), recorder.clone());
    let functions = accepting()
        .with("cicd-export", move |event| {
            exports.note(event);
            async { Ok(json!({"statusCode": 202, "headers": {"x-a": "b"}, "body": "{}"})) }
        })
        .with("query-api", move |event| {
            let long = event["path"] == "/long";
            queries.note(event);
            async move {
                let body = if long { "x".repeat(6 * 1024 * 1024) } else { "[]".to_owned() };
                Ok(json!({"statusCode": 200, "body": body}))
            }
        })
        .with("cost-report", async |_| Err(FunctionError::new("Boom", "it broke")));
    let stack = Stack::start(StackOptions::default(), |_| functions).await.unwrap();
    (stack, recorder)
}

#[tokio::test]
async fn a_request_arrives_as_api_gateway_hands_it_over() {
    let (stack, recorder) = echoing().await;
    let target = "/api/exports/org.repo/terraform-state/main?component=a%252Fb&tag=1&tag=2";
    let headers = [("content-type", "application/json"), ("x-two", "1"), ("x-two", "2")];
    let reply = http(stack.endpoints().api, "PUT", target, &headers, b"{\"a\":1}").await;
    assert_eq!((reply.status, reply.header("x-a"), reply.body.as_str()), (202, Some("b"), "{}"));
    http(stack.endpoints().api, "PUT", target, &[], &[0xff, 0x00]).await;

    let events = recorder.events();
    let event = &events[0];
    assert_eq!(event["resource"], "/api/exports/{producer}/{format}/{name}");
    assert_eq!(event["pathParameters"], json!({"producer": "org.repo", "format": "terraform-state", "name": "main"}));
    assert_eq!(event["queryStringParameters"], json!({"component": "a%2Fb", "tag": "2"}));
    assert_eq!(event["multiValueQueryStringParameters"]["tag"], json!(["1", "2"]));
    assert_eq!(event["headers"]["x-two"], "2");
    assert_eq!(event["multiValueHeaders"]["x-two"], json!(["1", "2"]));
    assert_eq!((&event["body"], &event["isBase64Encoded"]), (&json!("eyJhIjoxfQ=="), &json!(true)));
    assert!(event["requestContext"]["requestTimeEpoch"].as_i64().unwrap() > 1_700_000_000_000);
    assert_eq!((&events[1]["body"], &events[1]["isBase64Encoded"]), (&json!("/wA="), &json!(true)));
    for event in events {
        serde_json::from_value::<aws_lambda_events::apigw::ApiGatewayProxyRequest>(event).unwrap();
    }
    stack.shutdown().await;
}

#[tokio::test]
async fn what_the_gateway_refuses_is_an_error_in_the_documented_shape() {
    let (stack, recorder) = echoing().await;
    let api = stack.endpoints().api;
    let target = "/api/exports/a/sbom/c";
    let over_ten = http(api, "PUT", target, &[], &vec![b'x'; 10 * 1024 * 1024 + 1]).await;
    assert_eq!((over_ten.status, over_ten.json()["error"]["name"].clone()), (413, json!("PayloadTooLargeError")));
    assert_eq!(over_ten.json()["request"], json!({"method": "PUT", "url": target}));
    assert_eq!(over_ten.json()["response"], json!({"statusCode": 413}));
    assert!(over_ten.json()["error"]["message"].as_str().unwrap().contains("s3://callboard-drop/exports/"));
    let over_six = http(api, "PUT", target, &[], &vec![b'x'; 4_720_000]).await;
    assert_eq!(over_six.status, 413);
    assert!(over_six.json()["error"]["message"].as_str().unwrap().contains("s3://callboard-drop/exports/"));
    assert!(recorder.events().is_empty());
    let long = http(api, "GET", "/long", &[], b"").await;
    assert_eq!((long.status, long.json()["error"]["name"].clone()), (502, json!("BadGatewayError")));
    stack.shutdown().await;
}

#[tokio::test]
async fn functions_can_be_invoked_over_lambdas_api() {
    let (stack, recorder) = echoing().await;
    let invoke = stack.endpoints().invoke;
    let post = async |name: &str, kind: &str, body: &[u8]| {
        let target = format!("/2015-03-31/functions/{name}/invocations");
        http(invoke, "POST", &target, &[("x-amz-invocation-type", kind)], body).await
    };
    let answered = post("query-api", "RequestResponse", b"{\"path\":\"/\"}").await;
    assert_eq!((answered.status, answered.json()["body"].clone()), (200, json!("[]")));
    assert_eq!(answered.header("x-amz-executed-version"), Some("$LATEST"));
    let failed = post("cost-report", "RequestResponse", b"").await;
    assert_eq!((failed.status, failed.header("x-amz-function-error")), (200, Some("Unhandled")));
    assert_eq!(failed.json()["errorMessage"], "it broke");
    let unknown = post("nobody", "RequestResponse", b"{}").await;
    assert_eq!((unknown.status, unknown.header("x-amzn-errortype")), (404, Some("ResourceNotFoundException")));
    assert_eq!(unknown.json()["Type"], "User");
    let broken = post("query-api", "RequestResponse", b"{").await;
    assert_eq!((broken.status, broken.header("x-amzn-errortype")), (400, Some("InvalidRequestContentException")));
    assert_eq!(post("query-api", "DryRun", b"{}").await.status, 204);
    assert_eq!(post("query-api", "Event", b"{\"path\":\"/event\"}").await.status, 202);
    stack.idle().await.unwrap();
    let paths: Vec<Value> = recorder.events().iter().map(|event| event["path"].clone()).collect();
    assert_eq!(paths, ["/", "/event"]);
    stack.shutdown().await;
}

#[tokio::test]
async fn a_port_in_use_is_named() {
    let (stack, _) = echoing().await;
    let port = stack.endpoints().api.port();
    let options = StackOptions { ports: Ports::From(port), ..StackOptions::default() };
    let error = Stack::start(options, |_| accepting()).await.unwrap_err();
    assert!(matches!(error, StartError::Port(PortError::Taken { port: named, .. }) if named == port));
    assert!(error.to_string().contains("--port-base"));
    stack.shutdown().await;
}

#[tokio::test]
async fn a_data_folder_has_one_stack_at_a_time() {
    let data = tempfile::tempdir().unwrap();
    let options = || StackOptions { data: Some(data.path().to_owned()), ..StackOptions::default() };
    let stack = Stack::start(options(), |_| accepting()).await.unwrap();
    let error = Stack::start(options(), |_| accepting()).await.unwrap_err();
    assert!(matches!(error, StartError::InUse { .. }), "{error}");
    stack.shutdown().await;
    Stack::start(options(), |_| accepting()).await.unwrap().shutdown().await;
}
