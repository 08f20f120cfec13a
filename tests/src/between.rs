//! Listens between a stack's functions and its DynamoDB, S3 and AWS Config: who called what, how often, and what AWS would count for it.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::CONTENT_LENGTH;
use axum::http::{HeaderMap, Method, Response, StatusCode, Uri};
use callboard::ports::Endpoints;
use callboard::wiring;
use serde_json::Value;
use tokio::sync::Notify;

use crate::indexing::Fault;

/// One sort of call.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Call {
    /// The function that made it.
    pub caller: String,
    /// As IAM calls it: `dynamodb:GetItem`.
    pub action: String,
    /// `Table`, `Aggregator`, a bucket, or bucket and folder: `CatalogBucket/bodies/`; of `config`, bucket and key.
    pub on: String,
}

/// How often, and what it consumed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spent {
    pub calls: u64,
    /// Read or write request units of DynamoDB, in halves: an eventual read of up to 4 KB is one half.
    pub half_units: u64,
}

/// All calls since they were last taken.
#[derive(Debug, Clone, Default)]
pub struct Calls(Arc<Mutex<BTreeMap<Call, Spent>>>);

/// Passes every request on as it is, but for asking DynamoDB what it consumed.
#[derive(Clone)]
struct Door {
    to: SocketAddr,
    calls: Calls,
    client: reqwest::Client,
    halt: Option<Halt>,
}

/// A call that is never answered: whoever makes it is to be killed meanwhile.
#[derive(Debug, Clone)]
pub struct Halt {
    fault: Fault,
    seen: Arc<AtomicU32>,
    reached: Arc<Notify>,
}

impl Halt {
    pub fn at(fault: Fault) -> Self {
        Self { fault, seen: Arc::default(), reached: Arc::default() }
    }

    /// When the call has come: [`Fault::Before`] it was passed on, or [`Fault::After`] it was carried out.
    pub async fn reached(&self) {
        self.reached.notified().await;
    }

    async fn pass(&self, fault: Fault) {
        if self.fault == fault {
            self.reached.notify_one();
            std::future::pending::<()>().await;
        }
    }
}

impl Calls {
    /// Endpoints that pass everything on to the given ones.
    ///
    /// # Panics
    /// Panics when no port is free.
    #[must_use]
    pub fn between(&self, endpoints: &Endpoints) -> Endpoints {
        self.between_until(endpoints, None)
    }

    /// The same, up to a call that comes to a halt.
    ///
    /// # Panics
    /// Panics when no port is free.
    #[must_use]
    pub fn between_until(&self, endpoints: &Endpoints, halt: Option<&Halt>) -> Endpoints {
        let doors = [endpoints.dynamodb, endpoints.s3, endpoints.invoke];
        let [dynamodb, s3, invoke] = doors.map(|to| self.door(to, halt.cloned()));
        Endpoints { dynamodb, s3, invoke, ..*endpoints }
    }

    #[must_use]
    pub fn take(&self) -> BTreeMap<Call, Spent> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn door(&self, to: SocketAddr, halt: Option<Halt>) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        listener.set_nonblocking(true).expect("a socket can be made asynchronous");
        let address = listener.local_addr().expect("a bound socket has an address");
        let door = Door { to, calls: self.clone(), client: reqwest::Client::new(), halt };
        let listener = tokio::net::TcpListener::from_std(listener).expect("a socket can be made asynchronous");
        // Rollups of a large bill are objects of many megabytes.
        let router = Router::new().fallback(pass).with_state(door).layer(DefaultBodyLimit::disable());
        tokio::spawn(async move { axum::serve(listener, router).await });
        address
    }

    fn add(&self, call: Call, half_units: u64) {
        let mut calls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let spent = calls.entry(call).or_default();
        spent.calls += 1;
        spent.half_units += half_units;
    }
}

async fn pass(State(door): State<Door>, request: (Method, Uri, HeaderMap), body: Bytes) -> Response<Body> {
    let (method, uri, mut headers) = request;
    let nth = door.halt.as_ref().map_or(0, |halt| halt.seen.fetch_add(1, Ordering::SeqCst));
    if let Some(halt) = &door.halt {
        halt.pass(Fault::Before(nth)).await;
    }
    let call = call(&method, &uri, &headers);
    let is_dynamodb = call.action.starts_with("dynamodb:");
    let body = if is_dynamodb { asking_for_units(&body) } else { body };
    headers.remove(CONTENT_LENGTH);
    let request = door.client.request(method, format!("http://{}{uri}", door.to)).headers(headers).body(body);
    let answer = async {
        let answer = request.send().await?;
        Ok::<_, reqwest::Error>((answer.status(), answer.headers().clone(), answer.bytes().await?))
    };
    let Ok((status, headers, bytes)) = answer.await else {
        // The stack is ending: its functions treat this as they treat a broken AWS.
        return status_alone(StatusCode::BAD_GATEWAY);
    };
    door.calls.add(call, if is_dynamodb { half_units(&bytes) } else { 0 });
    if let Some(halt) = &door.halt {
        halt.pass(Fault::After(nth)).await;
    }
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

fn status_alone(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

fn call(method: &Method, uri: &Uri, headers: &HeaderMap) -> Call {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let signed = text("authorization").split("Credential=").nth(1).unwrap_or_default();
    let caller = signed.split('/').next().unwrap_or_default().to_owned();
    if let Some((service, operation)) = text("x-amz-target").rsplit_once('.') {
        if service == "StarlingDoveService" {
            return Call { caller, action: format!("config:{operation}"), on: "Aggregator".to_owned() };
        }
        if service == "CodePipeline_20150709" {
            return Call { caller, action: format!("codepipeline:{operation}"), on: String::new() };
        }
        return Call { caller, action: format!("dynamodb:{operation}"), on: "Table".to_owned() };
    }
    let mut parts = uri.path().trim_start_matches('/').splitn(3, '/');
    let (bucket, folder) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let bucket = wiring::BUCKETS.iter().find(|known| known.name == bucket).map_or(bucket, |known| known.resource);
    if folder.is_empty() && matches!(*method, Method::GET | Method::HEAD) {
        return Call { caller, action: "s3:ListBucket".to_owned(), on: bucket.to_owned() };
    }
    let action = match method.as_str() {
        "GET" | "HEAD" => "s3:GetObject",
        "PUT" => "s3:PutObject",
        "DELETE" => "s3:DeleteObject",
        _ => "s3:other",
    };
    // Of configuration, each object is somebody's own.
    let on = match (folder, parts.next()) {
        ("config", Some(rest)) => format!("{bucket}/{folder}/{rest}"),
        _ => format!("{bucket}/{folder}/"),
    };
    Call { caller, action: action.to_owned(), on }
}

fn asking_for_units(body: &Bytes) -> Bytes {
    let Ok(Value::Object(mut request)) = serde_json::from_slice(body) else { return body.clone() };
    request.insert("ReturnConsumedCapacity".to_owned(), "TOTAL".into());
    Value::Object(request).to_string().into()
}

/// Of one table, or of several in a batch.
fn half_units(answer: &[u8]) -> u64 {
    let answer: Value = serde_json::from_slice(answer).unwrap_or_default();
    let of_table = |consumed: &Value| halves(&consumed["CapacityUnits"].to_string());
    match &answer["ConsumedCapacity"] {
        Value::Array(tables) => tables.iter().map(of_table).sum(),
        one => of_table(one),
    }
}

/// `1.5` is three halves.
fn halves(text: &str) -> u64 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let whole: u64 = whole.parse().unwrap_or_default();
    whole * 2 + u64::from(fraction.starts_with(['5', '6', '7', '8', '9']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_read_without_rounding() {
        for (text, expected) in [("0.5", 1), ("1", 2), ("1.0", 2), ("12.5", 25), ("null", 0)] {
            assert_eq!(halves(text), expected, "{text}");
        }
        let batch = br#"{"ConsumedCapacity":[{"TableName":"t","CapacityUnits":7.5}],"Responses":{}}"#;
        assert_eq!(half_units(batch), 15);
        assert_eq!(half_units(br#"{"ConsumedCapacity":{"CapacityUnits":3.0}}"#), 6);
    }
}
