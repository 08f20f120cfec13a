//! One catalog of its own for each test, and words to speak of it.

use std::path::PathBuf;
use std::sync::Arc;

use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use catalog_model::{
    Claim, Door, EntityRef, Facts, Format, Fragment, Identity, Key, Pointer, RecordKey, Role, Said, SourceObject,
    Version, tie_of,
};
use catalog_store::CatalogStore;
use dynoxide::Database;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request};
use hyper_util::rt::{TokioExecutor, TokioIo};
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::Mutex;

use crate::faults::{Calls, Watch};

pub(crate) const NOW: u64 = 1_750_000_000_000;
pub(crate) const TABLE: &str = "catalog";
pub(crate) const BUCKET: &str = "callboard-catalog";

pub(crate) struct Stack {
    pub(crate) store: CatalogStore,
    /// Without interceptors, for what the store would never write.
    pub(crate) raw: aws_sdk_dynamodb::Client,
    pub(crate) raw_s3: aws_sdk_s3::Client,
    pub(crate) calls: Arc<Calls>,
    pub(crate) bucket: PathBuf,
    pub(crate) s3_endpoint: String,
    watched: (aws_sdk_dynamodb::Client, aws_sdk_s3::Client),
    _directory: TempDir,
}

impl Stack {
    pub(crate) async fn start() -> Self {
        let dynamodb_endpoint = serve_dynamodb().await;
        let directory = TempDir::new().unwrap();
        let bucket = directory.path().join(BUCKET);
        std::fs::create_dir(&bucket).unwrap();
        let s3_endpoint = serve_s3(&directory).await;

        let calls = Arc::new(Calls::default());
        let credentials = || Credentials::new("key", "secret", None, None, "tests");
        let dynamodb = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .credentials_provider(credentials())
            .retry_config(aws_sdk_dynamodb::config::retry::RetryConfig::disabled())
            .endpoint_url(dynamodb_endpoint);
        let s3 = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .credentials_provider(credentials())
            .retry_config(aws_sdk_s3::config::retry::RetryConfig::disabled())
            .force_path_style(true)
            .endpoint_url(&s3_endpoint);
        let raw = aws_sdk_dynamodb::Client::from_conf(dynamodb.clone().build());
        let watched = aws_sdk_dynamodb::Client::from_conf(dynamodb.interceptor(Watch(calls.clone())).build());
        let raw_s3 = aws_sdk_s3::Client::from_conf(s3.clone().build());
        let watched_s3 = aws_sdk_s3::Client::from_conf(s3.interceptor(Watch(calls.clone())).build());
        let store = CatalogStore::from_clients(watched.clone(), watched_s3.clone(), TABLE, BUCKET);
        store.create_table().await.unwrap();
        let watched = (watched, watched_s3);
        Self { store, raw, raw_s3, calls, bucket, s3_endpoint, watched, _directory: directory }
    }

    /// The same catalog in a process of its own: it remembers nothing of what others did.
    pub(crate) fn another_store(&self) -> CatalogStore {
        let (dynamodb, s3) = self.watched.clone();
        CatalogStore::from_clients(dynamodb, s3, TABLE, BUCKET)
    }

    /// Names of the objects in a folder of the bucket.
    pub(crate) fn objects(&self, folder: &str) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.bucket.join(folder)) else { return Vec::new() };
        let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

impl Drop for Stack {
    /// Whatever a test does, the store reads by key. A test of scans takes what it counted.
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert_eq!((self.calls.of("Scan"), self.calls.of("Scan consistent")), (0, 0));
        }
    }
}

async fn serve_dynamodb() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(dynoxide::server::serve_on(listener, Database::memory().unwrap()));
    endpoint
}

async fn serve_s3(directory: &TempDir) -> String {
    let mut service = S3ServiceBuilder::new(s3s_fs::FileSystem::new(directory.path()).unwrap());
    service.set_auth(SimpleAuth::from_single("key", "secret"));
    let service = service.build();
    // In a folder the second of two deletions at once finds no file and fails; in S3 both succeed.
    let deletions = Arc::new(Mutex::new(()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            socket.set_nodelay(true).unwrap();
            let (service, deletions) = (service.clone(), deletions.clone());
            let service = service_fn(move |request: Request<Incoming>| {
                let (service, deletions) = (service.clone(), deletions.clone());
                async move {
                    let _alone = match *request.method() {
                        Method::DELETE => Some(deletions.lock().await),
                        _ => None,
                    };
                    service.call(request.map(s3s::Body::from)).await
                }
            });
            tokio::spawn(async move {
                let server = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
                // A client that goes away is no matter of the test.
                let _ended = server.serve_connection(TokioIo::new(socket), service).await;
            });
        }
    });
    endpoint
}

pub(crate) fn component(name: &str) -> RecordKey {
    RecordKey::Entity(Identity::of_entity(&EntityRef::component(name)))
}

pub(crate) fn alias(name: &str) -> RecordKey {
    RecordKey::Alias(Key::of_ref(&EntityRef::resource(name)))
}

pub(crate) fn file(name: &str) -> SourceObject {
    SourceObject { door: Door::Http, producer: "acme.shop".into(), format: Format::CatalogInfo, name: name.into() }
}

pub(crate) fn state(name: &str) -> SourceObject {
    SourceObject { format: Format::TerraformState, ..file(name) }
}

pub(crate) fn facts(owner: &str) -> Said {
    let mut facts = Facts::new(Role::Declared);
    facts.say(Pointer::spec("owner"), Value::from(owner));
    Said::Facts(facts)
}

/// Letters, digits and some marks that get a quarter shorter at best, and need no escape in JSON.
pub(crate) fn noise(bytes: usize) -> String {
    let mut state = 7_u64;
    let next = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b'#' + u8::try_from((state >> 33) % 57).unwrap())
    };
    (0..bytes).map(next).collect()
}

pub(crate) fn claim(identity: &str) -> Said {
    Said::Claim(Claim { identity: Identity::of_canonical_arn(identity), by_arn: true })
}

pub(crate) fn serial(serial: u64) -> Version {
    Version::of_serial(serial, tie_of(&serial.to_be_bytes()))
}

pub(crate) fn fragment(source: &SourceObject, version: Version, said: Said) -> Fragment {
    Fragment { source: source.clone(), version, delivery: "request-1".into(), said }
}
