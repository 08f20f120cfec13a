//! A local stack with the real functions, and an HTTP client that asks it.

use std::time::Duration;

use callboard::ports::Endpoints;
use callboard::replay::{Line, deliver};
use callboard::stack::{Stack, StackOptions};
use reqwest::Url;
use serde_json::Value;

use crate::deliveries::Plot;

/// Longer than any delivery of the tests takes on a busy machine; only a hang reaches it.
const IDLE_BOUND: Duration = Duration::from_secs(120);

#[derive(Debug)]
pub struct Running {
    pub stack: Stack,
    client: reqwest::Client,
    token: Option<String>,
}

/// Status and body; `null` where there is no JSON.
pub type Answer = (u16, Value);

impl Running {
    /// An empty stack on free ports.
    ///
    /// # Panics
    /// Panics when it cannot start.
    pub async fn start() -> Self {
        let options = StackOptions { retry_delay: Duration::from_millis(5), ..StackOptions::default() };
        Self::start_with(options).await
    }

    /// # Panics
    /// Panics when it cannot start.
    pub async fn start_with(options: StackOptions) -> Self {
        Self::start_between(options, |endpoints| *endpoints).await
    }

    /// A stack whose functions call other endpoints than its own: somebody listens in between.
    ///
    /// # Panics
    /// Panics when it cannot start.
    pub async fn start_between(options: StackOptions, between: impl FnOnce(&Endpoints) -> Endpoints) -> Self {
        Self::start_watched(options, between, |_, _| {}).await
    }

    /// As [`Self::start_between`]; `observer` is told of every invocation and how long it took.
    ///
    /// # Panics
    /// Panics when it cannot start.
    pub async fn start_watched(
        options: StackOptions,
        between: impl FnOnce(&Endpoints) -> Endpoints,
        observer: impl Fn(&str, Duration) + Send + Sync + 'static,
    ) -> Self {
        let functions = |endpoints: &Endpoints| callboard::connected::functions(&between(endpoints)).observed(observer);
        let stack = Stack::start(options, functions).await.expect("the stack starts");
        Self { stack, client: reqwest::Client::new(), token: None }
    }

    /// The same, asking with this bearer token from now on.
    #[must_use]
    pub fn with_token(mut self, token: &str) -> Self {
        self.token = Some(token.to_owned());
        self
    }

    /// Puts the plot's objects where they lie, without a notification.
    ///
    /// # Panics
    /// Panics when one cannot be put.
    pub async fn put_objects(&self, plot: &Plot) {
        for object in &plot.objects {
            let metadata: Vec<(String, String)> =
                object.metadata.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
            self.stack
                .put_object_silently(object.bucket, &object.key, object.bytes.clone(), metadata)
                .await
                .expect("the object is put");
        }
    }

    /// Puts the plot's objects, hands over its deliveries one by one, and waits until all has settled.
    ///
    /// # Panics
    /// Panics when a delivery cannot be handed over.
    pub async fn play(&self, plot: &Plot) -> Vec<Line> {
        self.put_objects(plot).await;
        let mut lines = Vec::new();
        for delivery in &plot.deliveries {
            let delivery = callboard::replay::Delivery {
                function: delivery.function.to_owned(),
                name: delivery.name.clone(),
                payload: delivery.payload.clone(),
            };
            lines.push(deliver(&self.stack, &delivery).await.expect("the delivery is handed over"));
        }
        self.settled().await;
        lines
    }

    /// Drops an object into the drop bucket as an S3 client does.
    ///
    /// # Panics
    /// Panics when it is not taken.
    pub async fn drop_object(&self, key: &str, body: &[u8], metadata: &[(&str, &str)]) {
        let url = format!("{}/{}/{key}", self.stack.endpoints().s3_url(), callboard::wiring::DROP_BUCKET.name);
        let mut request = self.client.put(url).body(body.to_vec());
        for (name, value) in metadata {
            request = request.header(format!("x-amz-meta-{name}"), *value);
        }
        let response = request.send().await.expect("the object store answers");
        assert!(response.status().is_success(), "{}", response.status());
    }

    /// Nothing that came in is unaccounted for.
    ///
    /// # Panics
    /// Panics when a sum of some source does not hold.
    pub async fn assert_conservation(&self) {
        let (status, state) = self.get("/api/status", &[]).await;
        assert_eq!(status, 200, "{state}");
        let sources = state["sources"].as_array().expect("the status lists sources");
        assert!(!sources.is_empty());
        for source in sources {
            let laws = source["conservation"].as_object().expect("a source has its laws");
            assert!(laws.values().all(|holds| *holds == Value::Bool(true)), "{source}");
        }
    }

    /// Resolves when queues and stream are empty.
    ///
    /// # Panics
    /// Panics when they are not within two minutes.
    pub async fn settled(&self) {
        tokio::time::timeout(IDLE_BOUND, self.stack.idle())
            .await
            .expect("the stack settles")
            .expect("the stack is well");
    }

    /// GET of a path with query parameters.
    ///
    /// # Panics
    /// Panics when there is no answer.
    pub async fn get(&self, path: &str, query: &[(&str, &str)]) -> Answer {
        let url = Url::parse_with_params(&format!("{}{path}", self.stack.endpoints().api_url()), query);
        self.send(self.client.get(url.expect("a path makes a URL"))).await
    }

    /// GET of a page of the catalog: its items.
    ///
    /// # Panics
    /// Panics when the answer is no page.
    pub async fn by_query(&self, filter: &str) -> Vec<Value> {
        let (status, page) = self.get("/api/catalog/entities/by-query", &[("filter", filter)]).await;
        assert_eq!(status, 200, "{page}");
        page["items"].as_array().cloned().expect("a page has items")
    }

    /// The same as soon as something is found.
    ///
    /// # Panics
    /// Panics when nothing is.
    pub async fn found(&self, filter: &str) -> Vec<Value> {
        self.until(async || Some(self.by_query(filter).await).filter(|found| !found.is_empty())).await
    }

    /// Asks until there is an answer. What a reader sees may be as old as its last look at the log, which is a second, and
    /// nothing tells when it looks: there is but asking again.
    ///
    /// # Panics
    /// Panics when there is none within two minutes.
    pub async fn until<T>(&self, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
        let answered = async {
            loop {
                if let Some(answer) = ask().await {
                    return answer;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(IDLE_BOUND, answered).await.expect("what is waited for comes")
    }

    /// GET by the reference `kind:namespace/name`.
    pub async fn by_name(&self, entity_ref: &str) -> Answer {
        let path = entity_ref.replacen(':', "/", 1);
        self.get(&format!("/api/catalog/entities/by-name/{path}"), &[]).await
    }

    /// # Panics
    /// Panics when there is no answer.
    pub async fn put(&self, path: &str, content_type: &str, body: impl Into<reqwest::Body>) -> Answer {
        let url = format!("{}{path}", self.stack.endpoints().api_url());
        self.send(self.client.put(url).header("content-type", content_type).body(body)).await
    }

    /// # Panics
    /// Panics when there is no answer.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        let url = format!("{}{path}", self.stack.endpoints().api_url());
        self.send(self.client.post(url).json(body)).await
    }

    /// # Panics
    /// Panics when there is no answer.
    pub async fn delete(&self, path: &str) -> Answer {
        let url = format!("{}{path}", self.stack.endpoints().api_url());
        self.send(self.client.delete(url)).await
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let request = match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        let response = request.send().await.expect("the API answers");
        let status = response.status().as_u16();
        let body = response.bytes().await.expect("the answer is whole");
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }
}
