//! One catalog with a bucket of Config for each test, on embedded DynamoDB and S3, and words to speak with the function.

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use aws_lambda_events::sqs::SqsEvent;
use aws_sdk_dynamodb::config::interceptors::BeforeTransmitInterceptorContextRef;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, ConfigBag, Credentials, Intercept, Region, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use aws_sdk_s3::primitives::ByteStream;
use callboard::config_aggregator::{AGGREGATOR, Aggregator};
use catalog_model::{Identity, Record, RecordKey, Rules, Stitched, stitch};
use catalog_store::{CatalogStore, Read, Status};
use config_aggregator::ConfigAggregator;
use config_change::{Deps, SOURCE, Settings, handle};
use dynoxide::Database;
use flate2::Compression;
use flate2::write::GzEncoder;
use hyper_util::rt::{TokioExecutor, TokioIo};
use jiff::Timestamp;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;

pub(crate) const CONFIG: &str = "callboard-config";
pub(crate) const OTHER: &str = "somebody-elses";
pub(crate) const ACCOUNT: &str = "111122223333";

pub(crate) struct Stack {
    pub(crate) deps: Deps,
    /// Without interceptors.
    pub(crate) raw_s3: aws_sdk_s3::Client,
    pub(crate) asked: Asked,
    watched_s3: aws_sdk_s3::Client,
    _directory: TempDir,
}

/// Paths that S3 was asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Asked(Arc<Mutex<Vec<String>>>);

impl Asked {
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl Intercept for Asked {
    fn name(&self) -> &'static str {
        "Asked"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request();
        if request.headers().get("x-amz-target").is_none() {
            self.0.lock().unwrap().push(request.uri().to_owned());
        }
        Ok(())
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Nothing;

impl Intercept for Nothing {
    fn name(&self) -> &'static str {
        "Nothing"
    }
}

impl Stack {
    pub(crate) async fn start() -> Self {
        Self::start_with(Nothing, "").await
    }

    /// Whose function calls DynamoDB where `between` says, given where it is.
    pub(crate) async fn start_between(between: impl FnOnce(SocketAddr) -> SocketAddr) -> Self {
        Self::start_all(Nothing, "", between).await
    }

    /// With something between the function and its table and buckets, and a setting of types.
    pub(crate) async fn start_with(intercept: impl Intercept + Clone + 'static, types: &str) -> Self {
        Self::start_all(intercept, types, |address| address).await
    }

    async fn start_all(
        intercept: impl Intercept + Clone + 'static,
        types: &str,
        between: impl FnOnce(SocketAddr) -> SocketAddr,
    ) -> Self {
        let directory = TempDir::new().unwrap();
        for bucket in [CONFIG, OTHER, "callboard-catalog"] {
            std::fs::create_dir(directory.path().join(bucket)).unwrap();
        }
        let asked = Asked::default();
        let credentials = || Credentials::new("key", "secret", None, None, "tests");
        let dynamodb = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .credentials_provider(credentials())
            .retry_config(RetryConfig::disabled())
            // Without the certificates of the system, whose reading takes longer than a test.
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .endpoint_url(format!("http://{}", between(serve_dynamodb().await)))
            .interceptor(intercept.clone())
            .build();
        let s3 = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .credentials_provider(credentials())
            .retry_config(RetryConfig::disabled())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .force_path_style(true)
            .endpoint_url(serve_s3(&directory).await);
        let raw_s3 = aws_sdk_s3::Client::from_conf(s3.clone().build());
        let s3 = aws_sdk_s3::Client::from_conf(s3.interceptor(intercept).interceptor(asked.clone()).build());
        let dynamodb = aws_sdk_dynamodb::Client::from_conf(dynamodb);
        let store = CatalogStore::from_clients(dynamodb, s3.clone(), "callboard", "callboard-catalog");
        store.create_table().await.unwrap();
        let settings = Settings {
            table_name: "callboard".into(),
            catalog_bucket: "callboard-catalog".into(),
            config_buckets: vec![CONFIG.into()],
            types: types.parse().unwrap(),
            aggregator: None,
            max_receive_count: 3,
        };
        let deps = Deps::from_clients(store, s3.clone(), &settings);
        Self { deps, raw_s3, asked, watched_s3: s3, _directory: directory }
    }

    /// As [`Self::another_process`], with what is between the function and S3.
    pub(crate) fn another_process_watched(&self) -> Deps {
        self.process_with(self.watched_s3.clone())
    }

    /// The same catalog in a process of its own: it remembers nothing of what others did.
    pub(crate) fn another_process(&self) -> Deps {
        self.process_with(self.raw_s3.clone())
    }

    fn process_with(&self, s3: aws_sdk_s3::Client) -> Deps {
        let settings = Settings {
            table_name: String::new(),
            catalog_bucket: String::new(),
            config_buckets: vec![CONFIG.into()],
            types: "".parse().unwrap(),
            aggregator: None,
            max_receive_count: 3,
        };
        let mut deps = Deps::from_clients(self.deps.store.clone(), s3, &settings);
        deps.aggregator.clone_from(&self.deps.aggregator);
        deps.reading_time = self.deps.reading_time;
        deps
    }

    /// An aggregator for the function to ask.
    pub(crate) async fn start_aggregator(&mut self) -> Aggregator {
        let aggregator = Aggregator::new();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let config = aws_sdk_config::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .credentials_provider(Credentials::new("key", "secret", None, None, "tests"))
            .retry_config(RetryConfig::disabled())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .endpoint_url(format!("http://{}", listener.local_addr().unwrap()));
        let client = aws_sdk_config::Client::from_conf(config.build());
        self.deps.aggregator = Some(ConfigAggregator::from_client(client, AGGREGATOR));
        tokio::spawn(axum::serve(listener, aggregator.router()).into_future());
        aggregator
    }

    /// Ids of the messages that failed.
    pub(crate) async fn send(&self, messages: &[(&str, u32, String)]) -> Vec<String> {
        send(&self.deps, messages).await
    }

    /// One message that is taken.
    pub(crate) async fn take(&self, body: &Value) {
        assert_eq!(self.send(&[("m", 1, body.to_string())]).await, [""; 0], "{:?}", self.status().await.failures);
    }

    pub(crate) async fn entity(&self, identity: &Identity) -> Stitched {
        let key = RecordKey::Entity(identity.clone());
        let record = self.deps.store.record(&key, Read::Consistent).await.unwrap();
        stitch(identity, &record, &Rules::default())
    }

    pub(crate) async fn record(&self, arn: &str) -> Record {
        let key = RecordKey::Entity(Identity::of_canonical_arn(arn));
        self.deps.store.record(&key, Read::Consistent).await.unwrap()
    }

    pub(crate) async fn exists(&self, arn: &str) -> bool {
        self.entity(&Identity::of_canonical_arn(arn)).await.existence.exists()
    }

    pub(crate) async fn status(&self) -> Status {
        self.deps.store.status().await.unwrap()
    }

    pub(crate) async fn counts(&self) -> Value {
        let status = self.status().await;
        let source = status.sources.iter().find(|source| source.source == SOURCE).unwrap();
        json!(source.counts)
    }

    pub(crate) async fn put(&self, bucket: &str, key: &str, body: Vec<u8>) {
        self.raw_s3.put_object().bucket(bucket).key(key).body(ByteStream::from(body)).send().await.unwrap();
    }
}

pub(crate) async fn send(deps: &Deps, messages: &[(&str, u32, String)]) -> Vec<String> {
    let records: Vec<Value> = messages
        .iter()
        .map(|(id, receives, body)| {
            json!({"messageId": id, "body": body, "attributes": {"ApproximateReceiveCount": receives.to_string()}})
        })
        .collect();
    let event: SqsEvent = serde_json::from_value(json!({ "Records": records })).unwrap();
    let now: Timestamp = "2026-11-21T00:00:00Z".parse().unwrap();
    let response = handle(event, deps, now).await.unwrap();
    response.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect()
}

pub(crate) fn gz(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

/// A queue as an item of Config, captured at a second.
pub(crate) fn queue_item(name: &str, status: &str, second: u32) -> Value {
    let configuration = if status == "OK" { json!({"QueueName": name, "DelaySeconds": "7"}) } else { Value::Null };
    json!({
        "configurationItemCaptureTime": format!("2026-11-20T10:{:02}:{:02}Z", second / 60, second % 60),
        "configurationStateId": second, "awsAccountId": ACCOUNT, "configurationItemStatus": status,
        "resourceType": "AWS::SQS::Queue", "resourceId": format!("https://sqs.eu-west-1.amazonaws.com/{ACCOUNT}/{name}"),
        "resourceName": name, "ARN": queue_arn(name), "awsRegion": "eu-west-1", "configuration": configuration
    })
}

pub(crate) fn queue_arn(name: &str) -> String {
    format!("arn:aws:sqs:eu-west-1:{ACCOUNT}:{name}")
}

/// S3's notification of an object.
pub(crate) fn announced(bucket: &str, key: &str, etag: Option<&str>) -> Value {
    let key = key.replace(':', "%3A");
    json!({"Records": [{
        "eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "eu-west-1", "eventTime": "2026-11-20T12:00:00.000Z",
        "eventName": "ObjectCreated:Put", "userIdentity": {"principalId": "AWS:x"},
        "requestParameters": {"sourceIPAddress": "127.0.0.1"}, "responseElements": {},
        "s3": {
            "s3SchemaVersion": "1.0", "configurationId": "c",
            "bucket": {"name": bucket, "ownerIdentity": {"principalId": "x"}, "arn": format!("arn:aws:s3:::{bucket}")},
            "object": {"key": key, "size": 1, "eTag": etag, "sequencer": "01"}
        }
    }]})
}

async fn serve_dynamodb() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(dynoxide::server::serve_on(listener, Database::memory().unwrap()));
    address
}

async fn serve_s3(directory: &TempDir) -> String {
    let mut service = S3ServiceBuilder::new(s3s_fs::FileSystem::new(directory.path()).unwrap());
    service.set_auth(SimpleAuth::from_single("key", "secret"));
    let service = service.build();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let service = service.clone();
            tokio::spawn(async move {
                let server = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
                // A client that goes away is no matter of the test.
                let _ended = server.serve_connection(TokioIo::new(socket), service).await;
            });
        }
    });
    endpoint
}
