//! Table and bucket of a local stack on which nothing runs: the test says what is written, when the stream tells of it,
//! and which call of whom breaks off.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::config::interceptors::{
    BeforeDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
};
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, ConfigBag, Credentials, Intercept, Region, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use aws_sdk_dynamodb::types::AttributeValue;
use callboard::config_aggregator::AGGREGATOR;
use callboard::functions::Functions;
use callboard::stack::{Stack, StackOptions};
use callboard::wiring;
use catalog_model::{
    Applied, Door, EntityRef, Facts, Format, Fragment, Identity, Pointer, RecordKey, Role, Said, SourceObject, Version,
};
use catalog_store::CatalogStore;
use config_aggregator::ConfigAggregator;
use serde_json::{Map, Value, json};

#[derive(Debug)]
pub struct World {
    pub stack: Stack,
    pub store: CatalogStore,
    pub dynamodb: aws_sdk_dynamodb::Client,
    pub s3: aws_sdk_s3::Client,
    /// What the stream has not handed over yet.
    pub stream: Vec<Value>,
    serial: u64,
}

/// Which call of a task fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    Never,
    /// The nth call, from 0, is never sent.
    Before(u32),
    /// The nth call is carried out, and its answer is lost.
    After(u32),
}

tokio::task_local! {
    static PLAN: Plan;
}

struct Plan {
    fault: Fault,
    sent: Cell<u32>,
    answered: Cell<u32>,
    made: RefCell<Vec<String>>,
}

/// Runs `work` with a fault among the calls that it makes. Returns its outcome, and how many calls it made.
pub async fn with_fault<T>(fault: Fault, work: impl Future<Output = T>) -> (T, u32) {
    let (outcome, made) = planned(fault, work).await;
    (outcome, u32::try_from(made.len()).expect("no test makes so many"))
}

/// Runs `work`. Returns its outcome, and the calls that it made: `UpdateItem m#counts`, `PutObject` as `PUT`.
pub async fn with_calls<T>(work: impl Future<Output = T>) -> (T, Vec<String>) {
    planned(Fault::Never, work).await
}

async fn planned<T>(fault: Fault, work: impl Future<Output = T>) -> (T, Vec<String>) {
    let plan = Plan { fault, sent: Cell::new(0), answered: Cell::new(0), made: RefCell::default() };
    PLAN.scope(plan, async { (work.await, PLAN.with(|plan| plan.made.take())) }).await
}

/// The operation, and the partition that it is about.
fn call(context: &BeforeTransmitInterceptorContextRef<'_>) -> String {
    let request = context.request();
    let Some(target) = request.headers().get("x-amz-target") else { return request.method().to_owned() };
    let operation = target.rsplit('.').next().unwrap_or_default();
    let body: Value = request.body().bytes().and_then(|body| serde_json::from_slice(body).ok()).unwrap_or_default();
    let partition = body["Key"]["pk"]["S"].as_str().unwrap_or_default();
    format!("{operation} {partition}").trim_end().to_owned()
}

#[derive(Debug, Clone)]
struct Breaker;

impl Intercept for Breaker {
    fn name(&self) -> &'static str {
        "Breaker"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        // Outside of a plan nothing is noted.
        let _unplanned = PLAN.try_with(|plan| plan.made.borrow_mut().push(call(context)));
        match PLAN.try_with(|plan| (plan.sent.replace(plan.sent.get() + 1), plan.fault)) {
            Ok((nth, Fault::Before(n))) if nth == n => Err("the call was not sent".into()),
            _ => Ok(()),
        }
    }

    fn read_after_transmit(
        &self,
        _: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        match PLAN.try_with(|plan| (plan.answered.replace(plan.answered.get() + 1), plan.fault)) {
            Ok((nth, Fault::After(n))) if nth == n => Err("the answer was lost".into()),
            _ => Ok(()),
        }
    }
}

impl World {
    /// # Panics
    /// Panics when the stack cannot start.
    pub async fn start() -> Self {
        let ignored = async |_| Ok(json!({"batchItemFailures": []}));
        let functions = Functions::new().with(wiring::CATALOG_INDEX, ignored);
        let stack = Stack::start(StackOptions::default(), |_| functions).await.expect("the stack starts");
        let credentials = || Credentials::new("tests", "tests", None, None, "tests");
        let dynamodb = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(callboard::REGION))
            .credentials_provider(credentials())
            .retry_config(RetryConfig::disabled())
            .endpoint_url(stack.endpoints().dynamodb_url())
            .interceptor(Breaker);
        let s3 = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(callboard::REGION))
            .credentials_provider(credentials())
            .retry_config(RetryConfig::disabled())
            .force_path_style(true)
            .endpoint_url(stack.endpoints().s3_url())
            .interceptor(Breaker);
        let dynamodb = aws_sdk_dynamodb::Client::from_conf(dynamodb.build());
        let s3 = aws_sdk_s3::Client::from_conf(s3.build());
        let store = store_of(&dynamodb, &s3);
        Self { stack, store, dynamodb, s3, stream: Vec::new(), serial: 0 }
    }

    /// The stack's aggregator. `tries` of each call, one after the other without a pause worth mentioning.
    pub fn aggregator(&self, tries: u32) -> ConfigAggregator {
        let retry = RetryConfig::standard().with_max_attempts(tries).with_initial_backoff(Duration::from_millis(1));
        let config = aws_sdk_config::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(callboard::REGION))
            .credentials_provider(Credentials::new("tests", "tests", None, None, "tests"))
            .retry_config(if tries > 1 { retry } else { RetryConfig::disabled() })
            .endpoint_url(self.stack.endpoints().invoke_url())
            .interceptor(Breaker);
        ConfigAggregator::from_client(aws_sdk_config::Client::from_conf(config.build()), AGGREGATOR)
    }

    /// The same catalog in a process of its own: it remembers nothing of what others did.
    pub fn another_store(&self) -> CatalogStore {
        store_of(&self.dynamodb, &self.s3)
    }

    /// Writes a fragment of a file at the next version; the stream tells of it later.
    ///
    /// # Panics
    /// Panics when it is not applied.
    pub async fn say(&mut self, key: &RecordKey, file: &str, said: Said) {
        self.serial += 1;
        let source =
            SourceObject { door: Door::Http, producer: "p".into(), format: Format::CatalogInfo, name: file.into() };
        let version = Version::of_serial(self.serial, 0);
        let fragment = Fragment { source, version, delivery: format!("request-{}", self.serial), said };
        let old = self.image(key).await;
        let applied = self.store.apply(key, &fragment, 1_790_000_000_000).await.expect("the table answers");
        assert_eq!(applied, Applied::Applied);
        let number = self.serial.to_string();
        let change = json!({
            "SequenceNumber": number, "SizeBytes": 1, "OldImage": old, "NewImage": self.image(key).await,
        });
        self.stream.push(json!({
            "eventID": number, "eventName": "MODIFY", "awsRegion": callboard::REGION, "dynamodb": change,
        }));
    }

    async fn image(&self, key: &RecordKey) -> Value {
        let get = self.dynamodb.get_item().table_name(wiring::TABLE.name).consistent_read(true);
        let get = get.key("pk", AttributeValue::S(key.to_string())).key("sk", AttributeValue::S("E".into()));
        let item = get.send().await.expect("the table answers").item;
        item.map_or_else(|| json!({}), |item| Value::Object(map(&item)))
    }

    /// Names of the objects in a folder of the catalog bucket.
    ///
    /// # Panics
    /// Panics when the bucket does not answer.
    pub async fn objects(&self, folder: &str) -> Vec<String> {
        let list = self.s3.list_objects_v2().bucket(wiring::CATALOG_BUCKET.name).prefix(format!("{folder}/"));
        let list = list.send().await.expect("the bucket answers");
        let names = list.contents().iter().filter_map(|object| object.key()?.rsplit('/').next());
        names.map(str::to_owned).collect()
    }
}

/// The record of a component.
pub fn component(name: &str) -> RecordKey {
    RecordKey::Entity(Identity::of_entity(&EntityRef::component(name)))
}

/// What declares an entity with an owner.
pub fn owned_by(owner: &str) -> Said {
    let mut facts = Facts::new(Role::Declared);
    facts.say(Pointer::spec("owner"), owner);
    Said::Facts(facts)
}

fn store_of(dynamodb: &aws_sdk_dynamodb::Client, s3: &aws_sdk_s3::Client) -> CatalogStore {
    CatalogStore::from_clients(dynamodb.clone(), s3.clone(), wiring::TABLE.name, wiring::CATALOG_BUCKET.name)
}

fn map(item: &HashMap<String, AttributeValue>) -> Map<String, Value> {
    item.iter().map(|(name, value)| (name.clone(), attribute(value))).collect()
}

fn attribute(value: &AttributeValue) -> Value {
    match value {
        AttributeValue::S(text) => json!({"S": text}),
        AttributeValue::N(number) => json!({"N": number}),
        AttributeValue::Ss(texts) => json!({"SS": texts}),
        AttributeValue::M(fields) => json!({"M": map(fields)}),
        other => panic!("a record has no {other:?}"),
    }
}
