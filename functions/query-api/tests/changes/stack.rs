//! A catalog whose stream is handed over when the test says so.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use aws_lambda_events::apigw::ApiGatewayProxyRequest;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use catalog_model::{Applied, Door, Format, Fragment, RecordKey, Rules, Said, SourceObject, Version};
use catalog_store::CatalogStore;
use jiff::Timestamp;
use query_api::{CursorKey, Deps};
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;

pub(crate) const TABLE: &str = "catalog";

pub(crate) struct Stack {
    pub(crate) store: CatalogStore,
    pub(crate) raw: aws_sdk_dynamodb::Client,
    index: catalog_index::Deps,
    pub(crate) api: Arc<Deps>,
    /// What the stream has not handed over yet.
    pub(crate) stream: Vec<Value>,
    serial: u64,
    pub(crate) now_ms: i64,
    /// How much later each request comes than the one before: more than the index may be old.
    pub(crate) pace_ms: i64,
}

impl Stack {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(dynoxide::server::serve_on(listener, dynoxide::Database::memory().unwrap()));
        let config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .credentials_provider(Credentials::new("key", "secret", None, None, "tests"))
            .endpoint_url(&endpoint)
            .build();
        let raw = aws_sdk_dynamodb::Client::from_conf(config);
        // Nothing here is long enough for the bucket.
        let s3 = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .endpoint_url("http://127.0.0.1:9")
            .build();
        let store =
            CatalogStore::from_clients(raw.clone(), aws_sdk_s3::Client::from_conf(s3), TABLE, "callboard-catalog");
        let store = store.with_ownership(Rules::default());
        store.create_table().await.unwrap();
        let (api, index) = (
            Arc::new(Deps::of_store(store.clone(), CursorKey::new("tests"))),
            catalog_index::Deps::of_store(store.clone()),
        );
        Self { store, raw, index, api, stream: Vec::new(), serial: 0, now_ms: 1_790_000_000_000, pace_ms: 2_000 }
    }

    /// Writes a fragment; the stream tells of it later.
    pub(crate) async fn say(&mut self, key: &RecordKey, file: &str, said: Said) {
        self.serial += 1;
        let source =
            SourceObject { door: Door::Http, producer: "p".into(), format: Format::CatalogInfo, name: file.into() };
        let version = Version::of_serial(self.serial, 0);
        let fragment = Fragment { source, version, delivery: format!("request-{}", self.serial), said };
        let old = self.item(key).await;
        let applied = self.store.apply(key, &fragment, u64::try_from(self.now_ms).unwrap()).await.unwrap();
        assert_eq!(applied, Applied::Applied);
        let number = self.serial.to_string();
        let images = json!({
            "SequenceNumber": number, "SizeBytes": 1, "OldImage": old, "NewImage": self.item(key).await,
        });
        self.stream.push(json!({
            "eventID": number, "eventName": "MODIFY", "awsRegion": "eu-west-1", "dynamodb": images,
        }));
    }

    async fn item(&self, key: &RecordKey) -> Value {
        let get = self.raw.get_item().table_name(TABLE).consistent_read(true);
        let get = get.key("pk", AttributeValue::S(key.to_string())).key("sk", AttributeValue::S("E".into()));
        get.send().await.unwrap().item.map_or_else(|| json!({}), |item| Value::Object(map(&item)))
    }

    /// Hands a batch to the indexer.
    pub(crate) async fn index(&self, records: &[Value]) {
        let event = serde_json::from_value(json!({ "Records": records })).unwrap();
        let now = Timestamp::from_millisecond(self.now_ms).unwrap();
        let response = catalog_index::handle(event, &self.index, now).await.unwrap();
        assert_eq!(json!(response), json!({"batchItemFailures": []}));
    }

    /// Hands over all that waits.
    pub(crate) async fn index_all(&mut self) {
        let records = std::mem::take(&mut self.stream);
        self.index(&records).await;
    }

    /// Status and body.
    pub(crate) async fn get(&mut self, path: &str, parameters: &[(&str, &str)]) -> (u16, Value) {
        let (status, body) = self.get_text(path, parameters).await;
        (status, serde_json::from_str(&body).unwrap())
    }

    /// Status and body as it was sent.
    pub(crate) async fn get_text(&mut self, path: &str, parameters: &[(&str, &str)]) -> (u16, String) {
        self.now_ms += self.pace_ms;
        let mut many: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (name, value) in parameters {
            many.entry(name).or_default().push(value);
        }
        let request: ApiGatewayProxyRequest = serde_json::from_value(json!({
            "httpMethod": "GET", "path": path, "headers": {}, "multiValueQueryStringParameters": many,
            "requestContext": {"httpMethod": "GET"},
        }))
        .unwrap();
        let now = Timestamp::from_millisecond(self.now_ms).unwrap();
        let answer = query_api::handle(request, &self.api, now).await;
        (answer.status, String::from_utf8(answer.body.collect().await.unwrap().to_vec()).unwrap())
    }
}

fn map(item: &HashMap<String, AttributeValue>) -> Map<String, Value> {
    item.iter().map(|(name, value)| (name.clone(), attribute(value))).collect()
}

fn attribute(value: &AttributeValue) -> Value {
    match value {
        AttributeValue::S(text) => json!({"S": text}),
        AttributeValue::N(number) => json!({"N": number}),
        AttributeValue::Ss(texts) => json!({"SS": texts}),
        AttributeValue::B(bytes) => json!({"B": STANDARD.encode(bytes)}),
        AttributeValue::M(fields) => json!({"M": map(fields)}),
        other => panic!("{other:?}"),
    }
}
