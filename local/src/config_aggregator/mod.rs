//! The aggregator of AWS Config as a small working model, behind Config's own protocol: counts, queries with their pages,
//! one item. It holds the newest item of each resource that it heard of, and may be told to misbehave.
//! <https://docs.aws.amazon.com/config/latest/APIReference/API_SelectAggregateResourceConfig.html>

mod answers;
mod items;
mod query;

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{Router, body::Bytes, extract::State, response::Response, routing::post};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::{Value, json};

use items::Items;

/// What operations of Config are called with.
pub(crate) const TARGET_PREFIX: &str = "StarlingDoveService.";

/// The only aggregator there is.
pub const AGGREGATOR: &str = "local";

/// One call that came in, for who decides whether it goes wrong.
#[derive(Debug, Clone)]
pub struct Asked {
    pub operation: String,
    /// How many calls of this operation came before.
    pub nth: u64,
    /// The request's JSON.
    pub request: Value,
}

/// How a call goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    Throttled,
    /// Status 500.
    Broken,
    AccessDenied,
    /// The token of the next page is no good any more.
    ExpiredToken,
    /// Half of the results are left out, as if they were all.
    ShortPage,
    /// The results come without tags: told as an empty list.
    EmptyTags,
    /// The results come without the field of the tags, a single item too.
    NoTags,
    /// One result is cut off in the middle.
    CutResult,
    /// The item is too large for an answer.
    Oversized,
}

type Decide = dyn Fn(&Asked) -> Option<Trouble> + Send + Sync;

/// Cheap to clone; all clones are one aggregator.
#[derive(Clone, Default)]
pub struct Aggregator(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    items: Items,
    calls: BTreeMap<String, u64>,
    trouble: Option<Arc<Decide>>,
    /// How long each call takes.
    delay: Duration,
    /// Results of a page at most, if fewer than asked for.
    page: Option<usize>,
}

impl fmt::Debug for Aggregator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Aggregator").field("calls", &self.lock().calls).finish_non_exhaustive()
    }
}

impl Aggregator {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in whatever Config says: the items in an event, a notification, or alone. What is older than what it holds
    /// changes nothing; a deletion takes the resource away. Returns what it holds now of the resources that changed, each
    /// as a text for [`Self::remember`].
    pub fn hear(&self, document: &Value) -> Vec<(String, String)> {
        self.lock().items.hear(document)
    }

    /// Takes in what [`Self::hear`] returned to an earlier process.
    pub(crate) fn remember(&self, text: &str) {
        if let Ok(kept) = serde_json::from_str(text) {
            self.lock().items.remember(&kept);
        }
    }

    /// Forgets a resource, as if its account had never shown it.
    pub fn forget(&self, resource_id: &str) {
        self.lock().items.forget(resource_id);
    }

    /// From now on, this decides which calls go wrong.
    pub fn misbehave(&self, decide: impl Fn(&Asked) -> Option<Trouble> + Send + Sync + 'static) {
        self.lock().trouble = Some(Arc::new(decide));
    }

    pub fn behave(&self) {
        self.lock().trouble = None;
    }

    /// From now on, each call takes so long.
    pub fn take(&self, delay: Duration) {
        self.lock().delay = delay;
    }

    /// From now on, no page has more results.
    pub fn page_by(&self, results: usize) {
        self.lock().page = Some(results.max(1));
    }

    /// How often each operation was called since this was last asked.
    #[must_use]
    pub fn take_calls(&self) -> BTreeMap<String, u64> {
        std::mem::take(&mut self.lock().calls)
    }

    /// Config's API, at `/`.
    pub fn router(&self) -> Router {
        let handle = async |State(aggregator): State<Self>, headers: HeaderMap, body: Bytes| {
            aggregator.answer(&headers, &body).await
        };
        Router::new().route("/", post(handle)).with_state(self.clone())
    }

    pub(crate) async fn answer(&self, headers: &HeaderMap, body: &Bytes) -> Response {
        let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
        let Some(operation) = target.strip_prefix(TARGET_PREFIX) else {
            return failure("UnknownOperationException", "it is no operation of AWS Config");
        };
        let request: Value = match serde_json::from_slice(body) {
            Ok(request @ Value::Object(_)) => request,
            _ => return failure("SerializationException", "the body is no JSON object"),
        };
        let (trouble, delay) = self.note(operation, &request);
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        match trouble {
            Some(Trouble::Throttled) => return failure("ThrottlingException", "Rate exceeded"),
            Some(Trouble::AccessDenied) => {
                return failure("AccessDeniedException", "the caller is not authorized to perform this operation");
            }
            Some(Trouble::ExpiredToken) => {
                return failure("InvalidNextTokenException", "the token is not valid any more");
            }
            Some(Trouble::Oversized) => {
                return failure("OversizedConfigurationItemException", "the item is too large");
            }
            Some(Trouble::Broken) => {
                let body = json!({"__type": "InternalServerError", "message": "try again"}).to_string();
                return response(StatusCode::INTERNAL_SERVER_ERROR, body);
            }
            _ => {}
        }
        if request["ConfigurationAggregatorName"] != AGGREGATOR {
            return failure("NoSuchConfigurationAggregatorException", "there is no aggregator of that name");
        }
        let inner = self.lock();
        match answers::answer(operation, &request, &inner.items, inner.page, trouble) {
            Ok(answer) => response(StatusCode::OK, answer),
            Err(answers::Refusal { code, message }) => failure(code, &message),
        }
    }

    fn note(&self, operation: &str, request: &Value) -> (Option<Trouble>, Duration) {
        let mut inner = self.lock();
        let calls = inner.calls.entry(operation.to_owned()).or_default();
        let asked = Asked { operation: operation.to_owned(), nth: *calls, request: request.clone() };
        *calls += 1;
        let (decide, delay) = (inner.trouble.clone(), inner.delay);
        drop(inner);
        (decide.and_then(|decide| decide(&asked)), delay)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // What panicked was a test's own decision: the items are whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn failure(code: &str, message: &str) -> Response {
    response(StatusCode::BAD_REQUEST, json!({"__type": code, "message": message}).to_string())
}

fn response(status: StatusCode, body: String) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert("content-type", HeaderValue::from_static("application/x-amz-json-1.1"));
    response
}
