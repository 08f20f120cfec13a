//! An identity provider as small as one can be: two documents on loopback, and what may be wrong with them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{Response, StatusCode, Uri};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// How the next request for the key set is answered.
#[derive(Clone)]
pub(crate) enum Answer {
    Text(StatusCode, String),
    /// Bytes without end.
    Endless,
    /// A head, and then nothing.
    Silent,
    Redirect(String),
}

#[derive(Clone)]
struct Served {
    issuer: String,
    discovery: Arc<Mutex<Option<Value>>>,
    keys: Arc<Mutex<Answer>>,
    asked: Arc<AtomicUsize>,
}

pub(crate) struct Issuer {
    pub(crate) url: String,
    served: Served,
    task: JoinHandle<()>,
}

impl Issuer {
    pub(crate) async fn start(keys: Value) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let served = Served {
            issuer: url.clone(),
            discovery: Arc::default(),
            keys: Arc::new(Mutex::new(Answer::Text(StatusCode::OK, keys.to_string()))),
            asked: Arc::default(),
        };
        let app = Router::new().fallback(answer).with_state(served.clone());
        let task = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, served, task }
    }

    pub(crate) fn publish(&self, keys: &Value) {
        self.answer(Answer::Text(StatusCode::OK, keys.to_string()));
    }

    pub(crate) fn answer(&self, answer: Answer) {
        *self.served.keys.lock().unwrap() = answer;
    }

    pub(crate) fn discovery(&self, document: Value) {
        *self.served.discovery.lock().unwrap() = Some(document);
    }

    /// How often its keys were asked for.
    pub(crate) fn asked(&self) -> usize {
        self.served.asked.load(Ordering::SeqCst)
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub(crate) fn key_set(keys: &[Value]) -> Value {
    json!({"keys": keys})
}

async fn answer(State(served): State<Served>, uri: Uri) -> Response<Body> {
    if uri.path() == "/.well-known/openid-configuration" {
        let fixed = served.discovery.lock().unwrap().clone();
        let document = fixed.unwrap_or_else(
            || json!({"issuer": served.issuer, "jwks_uri": format!("{}/keys", served.issuer), "more": [1, {}]}),
        );
        return Response::new(Body::from(document.to_string()));
    }
    served.asked.fetch_add(1, Ordering::SeqCst);
    let answer = served.keys.lock().unwrap().clone();
    let (status, body) = match answer {
        Answer::Text(status, text) => (status, Body::from(text)),
        Answer::Endless => {
            let chunk = Bytes::from(vec![b' '; 64 * 1024]);
            let chunks = futures::stream::repeat_with(move || Ok::<_, std::io::Error>(chunk.clone()));
            (StatusCode::OK, Body::from_stream(chunks))
        }
        Answer::Silent => (StatusCode::OK, Body::from_stream(futures::stream::pending::<std::io::Result<Bytes>>())),
        Answer::Redirect(to) => {
            return Response::builder().status(StatusCode::FOUND).header("location", to).body(Body::empty()).unwrap();
        }
    };
    Response::builder().status(status).body(body).unwrap()
}
