//! One catalog for each test, on embedded DynamoDB and the buckets of a local stack, and words to speak with the function.

use std::sync::{Arc, Mutex};

use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Intercept, Region};
use aws_sdk_s3::primitives::ByteStream;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use callboard::functions::Functions;
use callboard::stack::StackOptions;
use callboard::wiring;
use catalog_model::{Identity, Record, RecordKey, Rules, Stitched, stitch};
use catalog_store::{CatalogStore, Read};
use cicd_export::{Deps, Event, Producers, handle};
use delivery::cors::Cors;
use dynoxide::Database;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::net::TcpListener;

pub(crate) const NOW: &str = "2026-11-22T10:00:00Z";
pub(crate) const DROP: &str = "callboard-drop";

pub(crate) struct Stack {
    pub(crate) deps: Deps,
    pub(crate) now: Timestamp,
    /// Without interceptors.
    pub(crate) raw_s3: aws_sdk_s3::Client,
    /// What CodePipeline was told of its jobs.
    pub(crate) told: Told,
    _buckets: callboard::stack::Stack,
}

impl Stack {
    pub(crate) async fn start() -> Self {
        Self::start_with(Nothing).await
    }

    /// With something between the function and its table and bucket.
    pub(crate) async fn start_with(intercept: impl Intercept + Clone + 'static) -> Self {
        // The test itself hands notifications over.
        let ignored = async |_| Ok(json!({"batchItemFailures": []}));
        let functions = Functions::new().with(wiring::CICD_EXPORT, ignored);
        let buckets = callboard::stack::Stack::start(StackOptions::default(), |_| functions).await.unwrap();
        let credentials = || Credentials::new("key", "secret", None, None, "tests");
        let dynamodb = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .credentials_provider(credentials())
            .endpoint_url(serve_dynamodb().await)
            .interceptor(intercept.clone())
            .build();
        let s3 = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .credentials_provider(credentials())
            .force_path_style(true)
            .endpoint_url(buckets.endpoints().s3_url());
        let raw_s3 = aws_sdk_s3::Client::from_conf(s3.clone().build());
        let s3 = aws_sdk_s3::Client::from_conf(s3.interceptor(intercept).build());
        let dynamodb = aws_sdk_dynamodb::Client::from_conf(dynamodb);
        let store = CatalogStore::from_clients(dynamodb, s3.clone(), "callboard", "callboard-catalog");
        store.create_table().await.unwrap();
        let told = Told::default();
        let codepipeline = aws_sdk_codepipeline::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .credentials_provider(credentials())
            .endpoint_url(serve_codepipeline(told.clone()).await)
            .build();
        let deps = Deps {
            store,
            s3,
            codepipeline: aws_sdk_codepipeline::Client::from_conf(codepipeline),
            drop_bucket: DROP.into(),
            max_receive_count: 3,
            producers: Producers::default(),
            cors: Cors::default(),
        };
        Self { deps, now: NOW.parse().unwrap(), raw_s3, told, _buckets: buckets }
    }

    pub(crate) async fn invoke(&self, event: Value) -> Value {
        let event: Event = serde_json::from_value(event).unwrap();
        handle(event, &self.deps, self.now).await.unwrap()
    }

    /// Status and body of a request.
    pub(crate) async fn request(&mut self, method: &str, path: &str, body: &str) -> (u64, Value) {
        // Each request comes a second after the last one.
        self.now += jiff::SignedDuration::from_secs(1);
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let pairs: Vec<_> = query.split('&').filter_map(|pair| pair.split_once('=')).collect();
        let mut many = serde_json::Map::new();
        for (name, value) in &pairs {
            many.entry((*name).to_owned()).or_insert(json!([])).as_array_mut().unwrap().push(json!(value));
        }
        let request = json!({
            "resource": "/api/exports/{producer}/{format}/{name}", "path": path, "httpMethod": method,
            "headers": {}, "multiValueHeaders": {},
            "queryStringParameters": pairs.iter().copied().collect::<std::collections::BTreeMap<_, _>>(),
            "multiValueQueryStringParameters": many,
            "requestContext": {
                "httpMethod": method, "requestId": format!("id-{}", self.now.as_second()),
                "requestTimeEpoch": self.now.as_millisecond(),
                "identity": {"userArn": "arn:aws:sts::111122223333:assumed-role/pipeline/build"},
            },
            "body": body, "isBase64Encoded": false,
        });
        let answer = self.invoke(request).await;
        let body = answer["body"].as_str().unwrap();
        (answer["statusCode"].as_u64().unwrap(), serde_json::from_str(body).unwrap())
    }

    /// The table is lost; the buckets are as they were.
    pub(crate) async fn lose_table(&mut self) {
        let dynamodb = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .credentials_provider(Credentials::new("key", "secret", None, None, "tests"))
            .endpoint_url(serve_dynamodb().await)
            .build();
        let dynamodb = aws_sdk_dynamodb::Client::from_conf(dynamodb);
        self.deps.store = CatalogStore::from_clients(dynamodb, self.deps.s3.clone(), "callboard", "callboard-catalog");
        self.deps.store.create_table().await.unwrap();
    }

    pub(crate) async fn put(&self, key: &str, bytes: &[u8]) {
        let put = self.raw_s3.put_object().bucket(DROP).key(key).body(ByteStream::from(bytes.to_vec()));
        put.send().await.unwrap();
    }

    pub(crate) async fn put_object(&self, key: &str, body: &str, metadata: &[(&str, &str)]) -> String {
        let mut put = self.deps.s3.put_object().bucket(DROP).key(key).body(ByteStream::from(body.as_bytes().to_vec()));
        for (name, value) in metadata {
            put = put.metadata(*name, *value);
        }
        put.send().await.unwrap().e_tag().unwrap().trim_matches('"').to_owned()
    }

    pub(crate) async fn etag(&self, key: &str) -> String {
        let head = self.raw_s3.head_object().bucket(DROP).key(key).send().await.unwrap();
        head.e_tag().unwrap().trim_matches('"').to_owned()
    }

    pub(crate) async fn remove_object(&self, key: &str) {
        self.deps.s3.delete_object().bucket(DROP).key(key).send().await.unwrap();
    }

    /// The message ids that are reported back.
    pub(crate) async fn batch(&self, messages: &[(&str, u32, Value)]) -> Vec<String> {
        let records: Vec<Value> = messages
            .iter()
            .map(|(id, receives, body)| {
                json!({"messageId": id, "body": body.to_string(), "attributes": {"ApproximateReceiveCount": receives.to_string()}})
            })
            .collect();
        let answer = self.invoke(json!({"Records": records})).await;
        let failures = answer["batchItemFailures"].as_array().unwrap();
        failures.iter().map(|failure| failure["itemIdentifier"].as_str().unwrap().to_owned()).collect()
    }

    pub(crate) async fn record(&self, identity: &str) -> Record {
        let key: RecordKey = format!("e#{identity}").parse().unwrap();
        self.deps.store.record(&key, Read::Consistent).await.unwrap()
    }

    /// Whether the catalog knows an entity.
    pub(crate) async fn exists(&self, identity: &str) -> bool {
        self.stitched(identity).await.existence.exists()
    }

    /// A field of `spec` that some source says.
    pub(crate) async fn said(&self, identity: &str, field: &str) -> Option<String> {
        self.stitched(identity).await.said_spec(field).map(str::to_owned)
    }

    async fn stitched(&self, identity: &str) -> Stitched {
        let record = self.record(identity).await;
        stitch(&Identity::of_canonical_arn(identity), &record, &Rules::default())
    }
}

#[derive(Debug, Clone)]
struct Nothing;

impl Intercept for Nothing {
    fn name(&self) -> &'static str {
        "Nothing"
    }
}

/// A notification in S3's own form. `sequencer` counts up.
pub(crate) fn notification(event: &str, key: &str, etag: Option<&str>, second: u32, sequencer: &str) -> Value {
    json!({"Records": [{
        "eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "eu-west-1",
        "eventTime": format!("2026-11-22T09:00:{second:02}.000Z"), "eventName": event,
        "userIdentity": {"principalId": "AWS:AROAEXAMPLE:build"},
        "requestParameters": {"sourceIPAddress": "127.0.0.1"}, "responseElements": {},
        "s3": {"s3SchemaVersion": "1.0", "configurationId": "drop",
            "bucket": {"name": DROP, "ownerIdentity": {"principalId": "A"}, "arn": format!("arn:aws:s3:::{DROP}")},
            "object": {"key": key, "size": 1, "eTag": etag, "sequencer": sequencer}},
    }]})
}

async fn serve_dynamodb() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(dynoxide::server::serve_on(listener, Database::memory().unwrap()));
    endpoint
}

/// Operation and body of each call to CodePipeline, in their order. A second word about a job is refused, as in AWS.
#[derive(Debug, Clone, Default)]
pub(crate) struct Told(Arc<Mutex<Vec<(String, Value)>>>);

impl Told {
    pub(crate) fn take(&self) -> Vec<(String, Value)> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

async fn serve_codepipeline(told: Told) -> String {
    let answer = async |State(told): State<Told>, headers: HeaderMap, body: Bytes| {
        let operation = headers["x-amz-target"].to_str().unwrap().rsplit('.').next().unwrap().to_owned();
        let body: Value = serde_json::from_slice(&body).unwrap();
        let mut told = told.0.lock().unwrap();
        let is_over = told.iter().any(|(_, before)| before["jobId"] == body["jobId"]);
        told.push((operation, body));
        match is_over {
            true => (StatusCode::BAD_REQUEST, r#"{"__type":"InvalidJobStateException","message":"over"}"#),
            false => (StatusCode::OK, "{}"),
        }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(answer).with_state(told);
    tokio::spawn(async move { axum::serve(listener, router).await });
    endpoint
}
