//! A reports bucket and a catalog on the embedded DynamoDB and S3, and words to speak with the function.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use aws_sdk_s3::config::{HttpClient, SharedHttpClient};
use aws_smithy_runtime_api::shared::IntoShared;
use aws_types::SdkConfig;
use aws_types::region::Region;
use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};
use billing_report::write::{ReportRow, manifest, parquet};
use callboard::functions::Functions;
use callboard::ports::Endpoints;
use callboard::stack::{Stack, StackOptions};
use catalog_model::{
    Door, EntityRef, Facts, Format, Fragment, Identity, Key, Pointer, RecordKey, Relation, Role, Said, SourceObject,
    Version,
};
use catalog_store::{CatalogStore, RollupHead};
use cost_model::Rollup;
use cost_report::{AthenaSettings, DEFAULT_MAX_REPORT_BYTES, Deps, Settings, handle};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::peer::{Dying, Peer};

pub(crate) const BUCKET: &str = "callboard-reports";
pub(crate) const MANIFEST: &str = "billing/acme/metadata/BILLING_PERIOD=2026-10/acme-Manifest.json";
pub(crate) const TABLE: &str = "arn:aws:dynamodb:eu-west-1:111122223333:table/orders";
pub(crate) const MAX_RECEIVE_COUNT: u32 = 3;
pub(crate) const WORKGROUP: &str = "callboard";

#[derive(Debug)]
struct OwnEndpoints(Endpoints, Option<String>);

impl LoadServiceConfig for OwnEndpoints {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        match (key.env(), key.service_id()) {
            ("AWS_ENDPOINT_URL", "S3") => Some(self.0.s3_url()),
            ("AWS_ENDPOINT_URL", "DynamoDB") => Some(self.0.dynamodb_url()),
            ("AWS_ENDPOINT_URL", "Athena") => self.1.clone(),
            _ => None,
        }
    }
}

fn config(stack: &Stack, athena: Option<String>, way: Option<SharedHttpClient>) -> SdkConfig {
    let credentials = aws_sdk_s3::config::Credentials::new("local", "local", None, None, "test");
    let mut config = SdkConfig::builder()
        .behavior_version(aws_config::BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(aws_sdk_s3::config::SharedCredentialsProvider::new(credentials))
        .service_config(OwnEndpoints(stack.endpoints(), athena));
    if let Some(way) = way {
        // Who is dead does not try again.
        config = config.http_client(way).retry_config(aws_config::retry::RetryConfig::disabled());
    }
    config.build()
}

fn settings(max_report_bytes: u64, with_athena: bool) -> Settings {
    let athena = AthenaSettings {
        workgroup: WORKGROUP.into(),
        database: "callboard".into(),
        table: "reports".into(),
        results_bucket: "callboard-catalog".into(),
        results_prefix: "athena/".into(),
    };
    Settings {
        table_name: "callboard".into(),
        catalog_bucket: "callboard-catalog".into(),
        reports_bucket: BUCKET.into(),
        max_receive_count: MAX_RECEIVE_COUNT,
        max_report_bytes,
        athena: with_athena.then_some(athena),
    }
}

pub(crate) struct World {
    stack: Stack,
    deps: Deps,
    s3: aws_sdk_s3::Client,
    pub(crate) store: CatalogStore,
    /// Answers where [`World::with_athena`] began.
    pub(crate) peer: Peer,
    peer_url: Option<String>,
    events: std::sync::atomic::AtomicI64,
}

impl World {
    pub(crate) async fn new() -> Self {
        let stack = Stack::start(StackOptions::default(), |_| Functions::new()).await.unwrap();
        let config = config(&stack, None, None);
        let settings = settings(DEFAULT_MAX_REPORT_BYTES, false);
        let deps = Deps::connect(&config, &settings);
        let store = CatalogStore::connect(&config, &settings.table_name, &settings.catalog_bucket);
        let s3 = catalog_store::s3_client(&config);
        Self { stack, deps, s3, store, peer: Peer::default(), peer_url: None, events: 0.into() }
    }

    /// Every report is too large for the function, but not for Athena.
    pub(crate) async fn with_athena() -> Self {
        let mut world = Self::new().await;
        world.peer_url = Some(world.peer.listen().await);
        world.connect(1000, true, None);
        world
    }

    /// Connects the function anew.
    pub(crate) fn connect(&mut self, max_report_bytes: u64, with_athena: bool, dying: Option<&Dying>) {
        let config = config(&self.stack, self.peer_url.clone(), dying.map(|dying| dying.clone().into_shared()));
        self.deps = Deps::connect(&config, &settings(max_report_bytes, with_athena));
    }

    /// One more instance of the function, without Athena, and with a way to AWS of its own.
    pub(crate) fn instance(&self, way: Option<impl HttpClient + Clone + 'static>) -> Deps {
        let way = way.map(IntoShared::into_shared);
        Deps::connect(&config(&self.stack, None, way), &settings(DEFAULT_MAX_REPORT_BYTES, false))
    }

    /// An instance of the function that reads, which has nothing in its memory yet.
    pub(crate) fn reader(&self) -> Arc<query_api::Deps> {
        Arc::new(query_api::Deps::of_store(self.store.clone(), query_api::CursorKey::new("tests")))
    }

    /// Everything in the table that generations are made of, as (key, execution) -> (body or its hash, when it expires), and
    /// the head. When a generation was announced is left out.
    pub(crate) async fn rows(&self) -> BTreeMap<(String, String), (String, String)> {
        let dynamodb = aws_sdk_dynamodb::Client::new(&config(&self.stack, None, None));
        let mut pages = dynamodb.scan().table_name("callboard").into_paginator().items().send();
        let mut rows = BTreeMap::new();
        while let Some(item) = pages.next().await {
            let item = item.unwrap();
            let text = |name: &str| item.get(name).and_then(|value| value.as_s().ok()).map_or("", String::as_str);
            let Some(key) = text("pk").strip_prefix("c#") else { continue };
            let generation = text("sk").strip_prefix("2026-10#").unwrap_or_else(|| text("v"));
            let expires = item.get("expires_at").and_then(|value| value.as_n().ok()).map_or("never", String::as_str);
            let body = if key == "heads" { execution(text("prev")) } else { format!("{}{}", text("b"), text("p")) };
            rows.insert((key.to_owned(), execution(generation)), (body, expires.to_owned()));
        }
        rows
    }

    pub(crate) async fn object(&self, bucket: &str, key: &str) -> Vec<u8> {
        let answer = self.s3.get_object().bucket(bucket).key(key).send().await.unwrap();
        answer.body.collect().await.unwrap().to_vec()
    }

    pub(crate) async fn put_in(&self, bucket: &str, key: &str, body: Vec<u8>) {
        self.stack.put_object_silently(bucket, key, body, []).await.unwrap();
    }

    pub(crate) async fn put(&self, key: &str, body: impl Into<Vec<u8>>) {
        self.stack.put_object_silently(BUCKET, key, body.into(), []).await.unwrap();
    }

    /// Puts a report's only file and its manifest.
    pub(crate) async fn deliver(&self, execution: &str, rows: &[ReportRow]) {
        let key = format!("billing/acme/data/BILLING_PERIOD=2026-10/{execution}/acme-00001.snappy.parquet");
        self.put(&key, parquet(rows).unwrap()).await;
        self.announce(execution, &[key]).await;
    }

    pub(crate) async fn announce(&self, execution: &str, keys: &[String]) {
        let arn = "arn:aws:bcm-data-exports:us-east-1:111122223333:export/acme-1";
        self.put(MANIFEST, manifest(BUCKET, arn, execution, keys).to_string()).await;
    }

    /// The S3 event that tells of the object at `key`, at a time of its own.
    pub(crate) fn body(&self, key: &str) -> String {
        let ms = self.events.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let time = Timestamp::from_millisecond(1_790_000_000_000 + ms).unwrap();
        let body = json!({"Records": [{
            "eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "us-east-1", "eventTime": time.to_string(),
            "eventName": "ObjectCreated:Put", "userIdentity": {"principalId": "AWS:AIDAEXAMPLE"},
            "requestParameters": {"sourceIPAddress": "127.0.0.1"},
            "responseElements": {"x-amz-request-id": "C3D13FE58DE4C810", "x-amz-id-2": "x"},
            "s3": {"s3SchemaVersion": "1.0", "configurationId": "reports",
                "bucket": {"name": BUCKET, "ownerIdentity": {"principalId": "A3NL1KOZZKExample"}, "arn": "arn:aws:s3:::b"},
                "object": {"key": key, "size": 1, "eTag": "0", "sequencer": "0A"}},
        }]});
        body.to_string()
    }

    /// Hands the function a batch of one message for each key.
    pub(crate) async fn handle(&self, keys: &[&str], receive_count: u32) -> SqsBatchResponse {
        let bodies: Vec<String> = keys.iter().map(|key| self.body(key)).collect();
        self.handle_bodies(&bodies, receive_count).await
    }

    pub(crate) async fn handle_bodies(&self, bodies: &[String], receive_count: u32) -> SqsBatchResponse {
        hand_over(&self.deps, bodies, receive_count).await
    }

    /// The details of what failed.
    pub(crate) async fn take(&self) -> Vec<String> {
        self.take_bodies(&[self.body(MANIFEST)], 1).await
    }

    pub(crate) async fn take_bodies(&self, bodies: &[String], receive_count: u32) -> Vec<String> {
        // A failure of before is only taken back by a message that comes again.
        if self.handle_bodies(bodies, receive_count).await.batch_item_failures.is_empty() {
            return Vec::new();
        }
        let failures = self.store.status().await.unwrap().failures;
        let details: Vec<String> = failures.into_iter().map(|failure| failure.detail).collect();
        assert!(!details.is_empty());
        details
    }

    pub(crate) async fn head(&self) -> Option<RollupHead> {
        let mut heads = self.store.heads().await.unwrap();
        assert!(heads.len() <= 1, "{heads:?}");
        heads.pop().map(|(export, month, head)| {
            assert_eq!((export.as_str(), month.as_str()), ("billing/acme", "2026-10"));
            head
        })
    }

    /// Everything that a generation has, by its key.
    pub(crate) async fn published(&self) -> BTreeMap<String, Value> {
        let head = self.head().await.unwrap();
        let content = head.generation.rsplit('-').next().unwrap();
        let mut all = BTreeMap::from([("head".to_owned(), json!([content, head.totals, head.last_complete_day]))]);
        let mut keys = vec!["scopes".to_owned(), "evidence".to_owned(), "report".to_owned()];
        while let Some(key) = keys.pop() {
            let body = self.store.rollups(&key, "2026-10", &head.generation).await.unwrap().unwrap();
            if key == "scopes" {
                keys.extend(body.as_array().unwrap().iter().map(|scope| scope.as_str().unwrap().to_owned()));
            }
            all.insert(key, body);
        }
        all
    }

    pub(crate) async fn rollup(&self, scope: &str) -> Option<Rollup> {
        let generation = self.head().await.unwrap().generation;
        let body = self.store.rollups(scope, "2026-10", &generation).await.unwrap();
        body.map(|body| Rollup::from_json(body).unwrap())
    }

    /// Unblended, in dollars.
    pub(crate) async fn cost_of(&self, scope: &str) -> Option<String> {
        let totals = self.rollup(scope).await?.totals().unwrap();
        Some(totals[&"USD".parse().unwrap()].unblended.to_string())
    }

    pub(crate) async fn counts(&self) -> Value {
        let status = self.store.status().await.unwrap();
        let source = status.sources.iter().find(|source| source.source == "cost-report");
        json!(source.map(|source| &source.counts))
    }

    pub(crate) async fn say(&self, identity: &Identity, fields: &[(&str, &str)], components: &[&str]) {
        let mut facts = Facts::new(Role::Listed);
        for (field, value) in fields {
            facts.say(Pointer::spec(field), *value);
        }
        for component in components {
            facts.relations.insert(Relation::new("dependencyOf", Key::of_ref(&EntityRef::component(component))));
        }
        self.say_facts(identity, facts).await;
    }

    pub(crate) async fn say_facts(&self, identity: &Identity, facts: Facts) {
        let source = SourceObject {
            door: Door::Http,
            producer: "acme.infra".into(),
            format: Format::TerraformState,
            name: "main".into(),
        };
        let fragment =
            Fragment { source, version: Version::of_serial(1, 1), delivery: "d".into(), said: Said::Facts(facts) };
        self.store.apply(&RecordKey::Entity(identity.clone()), &fragment, 1).await.unwrap();
    }

    /// What was said of it is taken back by a newer version.
    pub(crate) async fn forget(&self, identity: &Identity) {
        let source = SourceObject {
            door: Door::Http,
            producer: "acme.infra".into(),
            format: Format::TerraformState,
            name: "main".into(),
        };
        let fragment = Fragment { source, version: Version::of_serial(2, 1), delivery: "d2".into(), said: Said::Gone };
        self.store.apply(&RecordKey::Entity(identity.clone()), &fragment, 2).await.unwrap();
    }

    /// A table of component `orders`, owned through it; a bucket of two components; a queue that only has an owner.
    pub(crate) async fn catalog(&self) {
        self.say(&Identity::of_canonical_arn(TABLE), &[("environment", "prod")], &["orders"]).await;
        self.say(&Identity::of_canonical_arn("arn:aws:s3:::shared"), &[("owner", "platform")], &["orders", "web"])
            .await;
        self.say(&Identity::of_canonical_arn("arn:aws:sqs:eu-west-1:111122223333:jobs"), &[("owner", "platform")], &[])
            .await;
        let orders = Identity::of_entity(&EntityRef::component("orders"));
        self.say(&orders, &[("owner", "shop"), ("system", "store")], &[]).await;
    }
}

/// Hands an instance of the function a batch of one message for each body.
pub(crate) async fn hand_over(deps: &Deps, bodies: &[String], receive_count: u32) -> SqsBatchResponse {
    let message = |(at, body): (usize, &String)| {
        json!({"messageId": format!("m{at}"), "body": body, "eventSource": "aws:sqs",
            "attributes": {"ApproximateReceiveCount": receive_count.to_string()}})
    };
    let records: Vec<Value> = bodies.iter().enumerate().map(message).collect();
    let event: SqsEvent = serde_json::from_value(json!({ "Records": records })).unwrap();
    handle(event, deps, "2026-11-02T08:00:00Z".parse().unwrap()).await.unwrap()
}

/// The delivery that a generation is of.
fn execution(generation: &str) -> String {
    let rest = generation.splitn(3, '-').nth(2).unwrap_or_default();
    rest.rsplit_once('-').map_or("", |(execution, _)| execution).to_owned()
}
