//! A peer that speaks Athena's protocol: it keeps queries until a test says how they end. A machine that dies in the middle, and one
//! during whose work something happens.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use aws_sdk_s3::config::http::HttpRequest;
use aws_sdk_s3::config::{HttpClient, RuntimeComponents, SharedHttpClient};
use aws_smithy_http_client::Builder;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::result::ConnectorError;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Json;
use futures::future::BoxFuture;
use serde_json::{Value, json};

#[derive(Debug, Clone)]
pub(crate) struct Query {
    pub(crate) statement: String,
    pub(crate) location: String,
    workgroup: String,
    token: String,
    state: &'static str,
    reason: Option<String>,
    list: Option<String>,
}

/// Queries by id.
#[derive(Debug, Clone, Default)]
pub(crate) struct Peer(Arc<Mutex<BTreeMap<String, Query>>>);

impl Peer {
    /// Starts to listen on loopback, and returns where.
    pub(crate) async fn listen(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        url
    }

    pub(crate) fn queries(&self) -> BTreeMap<String, Query> {
        self.0.lock().unwrap().clone()
    }

    /// The only query that goes on.
    pub(crate) fn running(&self) -> (String, Query) {
        let running: Vec<_> = self.queries().into_iter().filter(|(_, query)| query.state == "RUNNING").collect();
        assert_eq!(running.len(), 1, "{running:?}");
        running.into_iter().next().unwrap()
    }

    pub(crate) fn succeed(&self, id: &str, list: &str) {
        let mut queries = self.0.lock().unwrap();
        let query = queries.get_mut(id).unwrap();
        (query.state, query.list) = ("SUCCEEDED", Some(list.to_owned()));
    }

    pub(crate) fn end(&self, id: &str, state: &'static str, reason: &str) {
        let mut queries = self.0.lock().unwrap();
        let query = queries.get_mut(id).unwrap();
        (query.state, query.reason) = (state, Some(reason.to_owned()));
    }

    /// Athena: the same token with the same parameters is the same query, and with others none.
    fn start(&self, request: &Value) -> Result<Value, String> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let query = Query {
            statement: text(&request["QueryString"]),
            location: text(&request["ResultConfiguration"]["OutputLocation"]),
            workgroup: text(&request["WorkGroup"]),
            token: text(&request["ClientRequestToken"]),
            state: "RUNNING",
            reason: None,
            list: None,
        };
        if !(32..=128).contains(&query.token.len()) || query.statement.len() > 262_144 || query.location.is_empty() {
            return Err(format!("not a query that Athena would take: {request}"));
        }
        let mut queries = self.0.lock().unwrap();
        if let Some((id, known)) = queries.iter().find(|(_, known)| known.token == query.token) {
            let is_same = (&known.statement, &known.location) == (&query.statement, &query.location);
            return if is_same {
                Ok(json!({ "QueryExecutionId": id }))
            } else {
                Err("Idempotent parameters do not match".to_owned())
            };
        }
        let id = format!("00000000-0000-0000-0000-{:012}", queries.len());
        queries.insert(id.clone(), query);
        Ok(json!({ "QueryExecutionId": id }))
    }

    fn get(&self, request: &Value) -> Result<Value, String> {
        let id = request["QueryExecutionId"].as_str().unwrap_or_default();
        let queries = self.0.lock().unwrap();
        let query = queries.get(id).ok_or_else(|| format!("QueryExecution {id} was not found"))?;
        Ok(json!({"QueryExecution": {
            "QueryExecutionId": id, "Query": query.statement, "StatementType": "DML", "WorkGroup": query.workgroup,
            "ResultConfiguration": {"OutputLocation": format!("{}{id}.csv", query.location)},
            "Status": {"State": query.state, "StateChangeReason": query.reason},
            "Statistics": {"DataManifestLocation": query.list},
        }}))
    }
}

async fn answer(State(peer): State<Peer>, headers: HeaderMap, body: String) -> (StatusCode, Json<Value>) {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default().to_owned();
    let request: Value = serde_json::from_str(&body).unwrap_or_default();
    let done = match target.as_str() {
        "AmazonAthena.StartQueryExecution" => peer.start(&request),
        "AmazonAthena.GetQueryExecution" => peer.get(&request),
        other => Err(format!("{other} is not spoken here")),
    };
    match done {
        Ok(answer) => (StatusCode::OK, Json(answer)),
        Err(message) => {
            (StatusCode::BAD_REQUEST, Json(json!({"__type": "InvalidRequestException", "message": message})))
        }
    }
}

/// A way to AWS that ends with one call: it and all after it fail, the one before or after it was sent.
#[derive(Debug, Clone)]
pub(crate) struct Dying {
    inner: SharedHttpClient,
    /// How many calls are left.
    left: Arc<AtomicI64>,
    is_sent: bool,
}

impl Dying {
    pub(crate) fn after_calls(calls: i64, is_sent: bool) -> Self {
        Self { inner: Builder::new().build_http(), left: Arc::new(calls.into()), is_sent }
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.left.load(Ordering::SeqCst) < 0
    }
}

impl HttpClient for Dying {
    fn http_connector(&self, settings: &HttpConnectorSettings, parts: &RuntimeComponents) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, parts);
        SharedHttpConnector::new(DyingConnector { inner, dying: self.clone() })
    }
}

#[derive(Debug)]
struct DyingConnector {
    inner: SharedHttpConnector,
    dying: Dying,
}

impl HttpConnector for DyingConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let left = self.dying.left.fetch_sub(1, Ordering::SeqCst);
        if left > 0 {
            return self.inner.call(request);
        }
        let sent = (left == 0 && self.dying.is_sent).then(|| self.inner.call(request));
        HttpConnectorFuture::new(async move {
            if let Some(sent) = sent {
                sent.await?;
            }
            Err(ConnectorError::io("the machine has died".into()))
        })
    }
}

/// A way to AWS that is as it always is, but for what happens just before one call.
#[derive(Debug, Clone)]
pub(crate) struct Meanwhile {
    inner: SharedHttpClient,
    left: Arc<AtomicI64>,
    happens: Happens,
    /// The `Range` header of the call.
    range: Arc<Mutex<Option<String>>>,
}

#[derive(Clone)]
struct Happens(Arc<dyn Fn() -> BoxFuture<'static, ()> + Send + Sync>);

impl fmt::Debug for Happens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Happens")
    }
}

impl Meanwhile {
    pub(crate) fn after_calls(
        calls: i64,
        happens: impl Fn() -> BoxFuture<'static, ()> + Send + Sync + 'static,
    ) -> Self {
        let (left, happens) = (Arc::new(calls.into()), Happens(Arc::new(happens)));
        Self { inner: Builder::new().build_http(), left, happens, range: Arc::default() }
    }

    pub(crate) fn has_happened(&self) -> bool {
        self.left.load(Ordering::SeqCst) < 0
    }

    pub(crate) fn range(&self) -> Option<String> {
        self.range.lock().unwrap().clone()
    }
}

impl HttpClient for Meanwhile {
    fn http_connector(&self, settings: &HttpConnectorSettings, parts: &RuntimeComponents) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, parts);
        SharedHttpConnector::new(MeanwhileConnector { inner, meanwhile: self.clone() })
    }
}

#[derive(Debug)]
struct MeanwhileConnector {
    inner: SharedHttpConnector,
    meanwhile: Meanwhile,
}

impl HttpConnector for MeanwhileConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        if self.meanwhile.left.fetch_sub(1, Ordering::SeqCst) != 0 {
            return self.inner.call(request);
        }
        *self.meanwhile.range.lock().unwrap() = request.headers().get("range").map(str::to_owned);
        let (inner, happens) = (self.inner.clone(), self.meanwhile.happens.clone());
        HttpConnectorFuture::new(async move {
            (happens.0)().await;
            inner.call(request).await
        })
    }
}
