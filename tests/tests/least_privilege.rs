//! What each function calls while a whole plot is played, its role in the template allows.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, Response, Uri};
use callboard::ports::Endpoints;
use callboard::stack::StackOptions;
use callboard::wiring;
use callboard_tests::checkout::root;
use callboard_tests::company::Company;
use callboard_tests::deliveries::Plot;
use callboard_tests::running::Running;
use callboard_tests::template::read;
use serde_json::{Value, json};

/// One call: who made it, the action that IAM asks for, and on what (`CatalogBucket/bodies/`).
type Call = (String, String, String);

/// Passes every request on as it is, and notes who called what.
#[derive(Clone)]
struct Door {
    to: SocketAddr,
    calls: Arc<Mutex<BTreeSet<Call>>>,
    client: reqwest::Client,
}

fn door(to: SocketAddr, calls: &Arc<Mutex<BTreeSet<Call>>>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let door = Door { to, calls: Arc::clone(calls), client: reqwest::Client::new() };
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(pass).with_state(door)).await });
    address
}

async fn pass(State(door): State<Door>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response<Body> {
    door.calls.lock().unwrap().insert(call(&method, &uri, &headers));
    let url = format!("http://{}{uri}", door.to);
    let answer = door.client.request(method, url).headers(headers).body(body).send().await.unwrap();
    let mut response = Response::builder().status(answer.status());
    *response.headers_mut().unwrap() = answer.headers().clone();
    response.body(Body::from(answer.bytes().await.unwrap())).unwrap()
}

fn call(method: &Method, uri: &Uri, headers: &HeaderMap) -> Call {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let signed = text("authorization").split("Credential=").nth(1).unwrap_or_default();
    let caller = signed.split('/').next().unwrap_or_default().to_owned();
    if let Some(operation) = text("x-amz-target").rsplit_once('.') {
        return (caller, format!("dynamodb:{}", operation.1), "Table".to_owned());
    }
    let mut parts = uri.path().trim_start_matches('/').splitn(3, '/');
    let (bucket, folder) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let bucket = wiring::BUCKETS.iter().find(|known| known.name == bucket).map_or(bucket, |known| known.resource);
    let action = match method.as_str() {
        "GET" | "HEAD" => "s3:GetObject",
        "PUT" => "s3:PutObject",
        "DELETE" => "s3:DeleteObject",
        _ => "s3:other",
    };
    (caller, action.to_owned(), format!("{bucket}/{folder}/"))
}

/// What the roles allow, in the words of [`Call`]; a resource may end in `*`.
fn allowed() -> Vec<(String, Vec<String>, Vec<String>)> {
    let template = read(&fs::read_to_string(root().join("infra/template.yaml")).unwrap());
    let texts = |value: &Value| match value {
        Value::Array(items) => items.iter().map(|item| item.as_str().unwrap().to_owned()).collect(),
        one => vec![one.as_str().unwrap_or_default().to_owned()],
    };
    let mut rows = Vec::new();
    for resource in template["Resources"].as_object().unwrap().values() {
        if resource["Type"] != "AWS::Serverless::Function" {
            continue;
        }
        let function = resource["Metadata"]["BuildProperties"]["Binary"].as_str().unwrap();
        let role = resource["Properties"]["Role"].as_str().unwrap().trim_end_matches(".Arn");
        for policy in template["Resources"][role]["Properties"]["Policies"].as_array().unwrap() {
            for statement in policy["PolicyDocument"]["Statement"].as_array().unwrap() {
                let on: Vec<String> = texts(&statement["Resource"])
                    .iter()
                    .map(|text| text.replace("${", "").replace(".Arn}", "").replace(".Arn", ""))
                    .collect();
                rows.push((function.to_owned(), texts(&statement["Action"]), on));
            }
        }
    }
    rows
}

fn is_allowed((caller, action, on): &Call, rows: &[(String, Vec<String>, Vec<String>)]) -> bool {
    let covers = |pattern: &String| match pattern.strip_suffix('*') {
        Some(prefix) => on.starts_with(prefix),
        None => on == pattern,
    };
    rows.iter().any(|(function, actions, resources)| {
        function == caller && actions.contains(action) && resources.iter().any(covers)
    })
}

const TOKEN: &str = "open-sesame";

/// The authorizer has nothing to call; the schedules of reconcile are too rare for a test.
const SILENT: [&str; 2] = [wiring::AUTHORIZER, wiring::CATALOG_RECONCILE];

#[tokio::test(flavor = "multi_thread")]
async fn what_a_function_calls_its_role_allows() {
    let calls = Arc::default();
    let options = StackOptions {
        retry_delay: Duration::from_millis(5),
        // Often enough to happen while the plot is played.
        compact_every: Some(Duration::from_millis(500)),
        token: Some(TOKEN.to_owned()),
        ..StackOptions::default()
    };
    let running = Running::start_between(options, |endpoints| {
        let dynamodb = door(endpoints.dynamodb, &calls);
        let s3 = door(endpoints.s3, &calls);
        Endpoints { dynamodb, s3, ..*endpoints }
    })
    .await
    .with_token(TOKEN);
    let company = Company::generated(41);
    running.play(&Plot::of(&company)).await;
    // A body that does not fit into its record, then nothing of it any more.
    let large = format!(
        "apiVersion: backstage.io/v1alpha1\nkind: API\nmetadata: {{name: large}}\nspec: {{type: openapi, lifecycle: production, owner: x, definition: '{}'}}\n",
        "large ".repeat(2_000)
    );
    let path = "/api/exports/large/catalog-info/file";
    assert_eq!(running.put(path, "application/yaml", large.clone()).await.0, 200);
    assert_eq!(running.put(&format!("{path}?dryRun=true"), "application/yaml", large).await.0, 200);
    running.settled().await;
    assert_eq!(running.by_name("api:default/large").await.0, 200);
    assert_eq!(running.get(path, &[]).await.0, 200);
    assert_eq!(running.delete(path).await.0, 200);
    let by_refs = json!({"entityRefs": [format!("component:default/{}", company.hero().name)]});
    assert_eq!(running.post("/api/catalog/entities/by-refs", &by_refs).await.0, 200);
    let span = [("scope", "all"), ("from", "2026-09-01"), ("to", "2026-10-01")];
    assert_eq!(running.get("/api/costs", &span).await.0, 200);
    assert_eq!(running.get("/api/status", &[]).await.0, 200);
    running.stack.shutdown().await;

    let (calls, rows) = (calls.lock().unwrap().clone(), allowed());
    let callers: BTreeSet<&str> = calls.iter().map(|(caller, _, _)| caller.as_str()).collect();
    let silent: Vec<&&str> = wiring::FUNCTIONS.iter().filter(|function| !callers.contains(**function)).collect();
    assert!(silent.iter().all(|function| SILENT.contains(function)), "{silent:?} called nothing");
    assert!(!callers.contains(wiring::AUTHORIZER), "the authorizer calls AWS");
    assert!(calls.iter().any(|(_, action, on)| action == "s3:PutObject" && on == "CatalogBucket/bodies/"));
    let refused: Vec<&Call> = calls.iter().filter(|call| !is_allowed(call, &rows)).collect();
    assert!(refused.is_empty(), "AWS would refuse {refused:?}");
}
