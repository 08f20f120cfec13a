//! Who gets in, and which pages may read the answers.

use crate::support::{Recorder, accepting, http};
use callboard::{
    functions::Functions,
    stack::{Stack, StackOptions},
};
use delivery::cors::Cors;
use serde_json::json;

fn functions(recorder: &Recorder) -> Functions {
    ["query-api", "cicd-export"].into_iter().fold(accepting(), |functions, name| {
        let recorder = recorder.clone();
        functions.with(name, move |event| {
            recorder.note(event);
            async { Ok(json!({"statusCode": 200, "body": "{}"})) }
        })
    })
}

async fn start(options: StackOptions) -> (Stack, Recorder) {
    let recorder = Recorder::default();
    let functions = functions(&recorder);
    (Stack::start(options, |_| functions).await.unwrap(), recorder)
}

const ROUTES: [(&str, &str); 9] = [
    ("GET", "/"),
    ("GET", "/api/status"),
    ("GET", "/api/catalog/entities?filter=kind=api"),
    ("POST", "/api/catalog/entities/by-refs"),
    ("DELETE", "/api/catalog/entities/by-uid/x"),
    ("PUT", "/api/exports/a/catalog-info/c"),
    ("GET", "/api/exports/a/catalog-info/c"),
    ("DELETE", "/api/exports/a/catalog-info/c"),
    ("PATCH", "/nowhere"),
];

#[tokio::test]
async fn with_a_token_every_route_asks_for_it_and_no_function_hears_of_who_has_none() {
    let (stack, recorder) = start(StackOptions { token: Some("s3cret".to_owned()), ..StackOptions::default() }).await;
    let api = stack.endpoints().api;
    let right = ("authorization", "bearer s3cret");
    for (method, target) in ROUTES {
        for headers in [
            &[][..],
            &[("authorization", "Bearer wrong")],
            &[("authorization", "Basic s3cret")],
            &[("authorization", "s3cret")],
            &[right, right],
            &[("x-authorization", "Bearer s3cret")],
        ] {
            let reply = http(api, method, target, headers, b"").await;
            assert_eq!((reply.status, reply.json()["error"]["name"].clone()), (401, json!("AuthenticationError")));
            assert_eq!(reply.json()["request"], json!({"method": method, "url": target}));
            assert_eq!(reply.json()["response"], json!({"statusCode": 401}));
            assert!(!reply.body.contains("s3cret") && reply.json()["error"]["message"].is_string(), "{}", reply.body);
        }
    }
    assert!(recorder.events().is_empty());
    for (method, target) in ROUTES {
        assert_eq!(http(api, method, target, &[right], b"").await.status, 200, "{method} {target}");
    }
    let events = recorder.events();
    assert_eq!(events.len(), ROUTES.len());
    for event in events {
        assert_eq!(event["requestContext"]["authorizer"]["principalId"], "external:token");
        assert_eq!(event["requestContext"]["authorizer"]["subject"], "external:token");
        serde_json::from_value::<aws_lambda_events::apigw::ApiGatewayProxyRequest>(event).unwrap();
    }
    stack.shutdown().await;
}

#[tokio::test]
async fn a_token_that_may_only_read_is_forbidden_to_export() {
    // Of `reader`.
    let hash = "reader:3d0941964aa3ebdcb00ccef58b1bb399f9f898465e9886d5aec7f31090a0fb30";
    let settings = authorizer::Settings::read("", "", "", hash, "false").unwrap();
    let (stack, _) = start(StackOptions { authorizer: Some(settings), ..StackOptions::default() }).await;
    let api = stack.endpoints().api;
    let headers = [("authorization", "Bearer reader")];
    for (method, target) in ROUTES {
        let reply = http(api, method, target, &headers, b"").await;
        let wanted = if target.starts_with("/api/exports") { 403 } else { 200 };
        assert_eq!(reply.status, wanted, "{method} {target}: {}", reply.body);
    }
    stack.shutdown().await;
}

#[tokio::test]
async fn an_issuer_that_cannot_be_asked_is_an_error_of_ours() {
    let settings = authorizer::Settings::read("http://127.0.0.1:9", "", "callboard", "", "false").unwrap();
    let (stack, _) = start(StackOptions { authorizer: Some(settings), ..StackOptions::default() }).await;
    // {"alg":"ES256","kid":"1"} and {"iss":"http://127.0.0.1:9"}, never signed.
    let token = "Bearer eyJhbGciOiJFUzI1NiIsImtpZCI6IjEifQ.eyJpc3MiOiJodHRwOi8vMTI3LjAuMC4xOjkifQ.AAAA";
    let reply = http(stack.endpoints().api, "GET", "/", &[("authorization", token)], b"").await;
    assert_eq!((reply.status, reply.json()["error"]["name"].clone()), (500, json!("Error")));
    stack.shutdown().await;
}

#[tokio::test]
async fn pages_of_a_configured_origin_may_ask_and_read_even_a_refusal() {
    let options = StackOptions {
        token: Some("s3cret".to_owned()),
        cors: Cors::parse("https://portal.example,http://localhost:3000").unwrap(),
        ..StackOptions::default()
    };
    let (stack, recorder) = start(options).await;
    let api = stack.endpoints().api;
    let allowed = |reply: &crate::support::Reply| reply.header("access-control-allow-origin").map(str::to_owned);
    let preflight = [
        ("origin", "http://localhost:3000"),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "authorization"),
    ];
    let reply = http(api, "OPTIONS", "/api/catalog/entities/by-refs", &preflight, b"").await;
    assert_eq!((reply.status, allowed(&reply).as_deref()), (204, Some("http://localhost:3000")));
    assert!(reply.header("access-control-allow-headers").unwrap().contains("authorization"));
    assert!(reply.header("access-control-allow-methods").unwrap().contains("POST"));
    assert!(recorder.events().is_empty());

    for (token, status) in [("Bearer s3cret", 200), ("Bearer wrong", 401)] {
        let headers = [("origin", "https://portal.example"), ("authorization", token)];
        let reply = http(api, "GET", "/", &headers, b"").await;
        assert_eq!((reply.status, allowed(&reply).as_deref()), (status, Some("https://portal.example")));
        assert_eq!(reply.header("vary"), Some("origin"));
    }
    let headers = [("origin", "https://elsewhere.example"), ("authorization", "Bearer s3cret")];
    let reply = http(api, "GET", "/", &headers, b"").await;
    assert_eq!((reply.status, allowed(&reply)), (200, None));
    let reply = http(api, "OPTIONS", "/", &[("origin", "https://elsewhere.example")], b"").await;
    assert_eq!((reply.status, allowed(&reply)), (204, None));
    stack.shutdown().await;
}
