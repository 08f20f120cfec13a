//! Endpoints -> the functions, on the same clients and the same settings as in AWS: only the endpoints differ.

use std::{fmt, sync::Arc};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};
use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};
use axum::body::Body;
use catalog_reconcile::SweepSettings;
use catalog_store::CatalogStore;
use config_aggregator::{AggregatorSettings, ConfigAggregator};
use http::StatusCode;
use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use tokio::{
    runtime::Handle,
    sync::{Semaphore, oneshot},
};

use crate::{
    REGION,
    config_aggregator::AGGREGATOR,
    functions::{FunctionError, Functions, StreamedAnswer},
    ports::Endpoints,
    wiring,
};

/// All functions of the system, connected to the stack at these endpoints.
#[must_use]
pub fn functions(endpoints: &Endpoints) -> Functions {
    let functions = Functions::new();
    let functions = with_catalog_index(functions, &config(endpoints, wiring::CATALOG_INDEX));
    let functions = with_catalog_reconcile(functions, &config(endpoints, wiring::CATALOG_RECONCILE));
    let functions = with_cicd_export(functions, &config(endpoints, wiring::CICD_EXPORT));
    let functions = with_config_change(functions, &config(endpoints, wiring::CONFIG_CHANGE));
    let functions = with_cost_report(functions, &config(endpoints, wiring::COST_REPORT));
    with_query_api(functions, &config(endpoints, wiring::QUERY_API))
}

/// The records of the stack at these endpoints.
#[must_use]
pub fn catalog(endpoints: &Endpoints) -> CatalogStore {
    CatalogStore::connect(&config(endpoints, "local"), wiring::TABLE.name, wiring::CATALOG_BUCKET.name)
}

/// As `aws_config` would load it from `AWS_ENDPOINT_URL_DYNAMODB` and `AWS_ENDPOINT_URL_S3`. Calls are signed by who makes
/// them, as each function has a role of its own in AWS.
fn config(endpoints: &Endpoints, caller: &str) -> SdkConfig {
    let credentials = Credentials::new(caller, "local", None, None, "the local stack takes any");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(REGION))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .service_config(ServiceEndpoints(*endpoints))
        .build()
}

#[derive(Debug, Clone, Copy)]
struct ServiceEndpoints(Endpoints);

impl LoadServiceConfig for ServiceEndpoints {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        match (key.env(), key.service_id()) {
            ("AWS_ENDPOINT_URL", "DynamoDB") => Some(self.0.dynamodb_url()),
            ("AWS_ENDPOINT_URL", "S3") => Some(self.0.s3_url()),
            // Beside Lambda, which hands over its jobs.
            ("AWS_ENDPOINT_URL", "CodePipeline") => Some(self.0.invoke_url()),
            ("AWS_ENDPOINT_URL", "Config Service") => Some(self.0.invoke_url()),
            _ => None,
        }
    }
}

/// What the template sets for the consumer of a queue.
fn max_receive_count(function: &str) -> u32 {
    wiring::queue_of(function).map_or(1, |queue| queue.max_receive_count)
}

/// The event, read by the function's own types.
pub(crate) fn read<E: DeserializeOwned>(event: Value) -> Result<E, FunctionError> {
    serde_json::from_value(event)
        .map_err(|error| FunctionError::new("Runtime.UnmarshalError", format!("the event cannot be read: {error}")))
}

/// The answer or the error, as Lambda reports it.
pub(crate) fn answer<A: Serialize, E: fmt::Display>(outcome: Result<A, E>) -> Result<Value, FunctionError> {
    let answer = outcome.map_err(|error| FunctionError::new("Runtime.HandlerError", error.to_string()))?;
    serde_json::to_value(answer)
        .map_err(|error| FunctionError::new("Runtime.MarshalError", format!("the answer cannot be written: {error}")))
}

/// Invocations that run at once; more wait. They take threads that the local object store needs as well: if all of them
/// were taken, every invocation would wait for the store, and the store for them.
static ENVIRONMENTS: Semaphore = Semaphore::const_new(64);

/// Runs one invocation on a thread of its own, as each has an environment of its own in Lambda: the compiler cannot
/// prove that every handler's future may move between threads. Dropped, it ends at its next await.
async fn alone<F>(invocation: impl FnOnce() -> F + Send + 'static) -> Result<Value, FunctionError>
where
    F: Future<Output = Result<Value, FunctionError>>,
{
    let ended = || FunctionError::new("Runtime.ExitError", "the stack ended");
    let _environment = ENVIRONMENTS.acquire().await.map_err(|_| ended())?;
    let (alive, dropped) = oneshot::channel::<()>();
    let runtime = Handle::current();
    let thread = tokio::task::spawn_blocking(move || {
        runtime.block_on(async {
            tokio::select! {
                outcome = invocation() => outcome,
                _ = dropped => Err(ended()),
            }
        })
    });
    let outcome = thread.await;
    drop(alive);
    match outcome {
        Ok(outcome) => outcome,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(error) => Err(FunctionError::new("Runtime.ExitError", error.to_string())),
    }
}

fn with_catalog_index(functions: Functions, config: &SdkConfig) -> Functions {
    let settings = catalog_index::Settings {
        table_name: wiring::TABLE.name.to_owned(),
        catalog_bucket: wiring::CATALOG_BUCKET.name.to_owned(),
    };
    let deps = Arc::new(catalog_index::Deps::connect(config, &settings));
    functions.with(wiring::CATALOG_INDEX, move |event| {
        let deps = Arc::clone(&deps);
        alone(move || async move { answer(catalog_index::handle(read(event)?, &deps, Timestamp::now()).await) })
    })
}

fn with_catalog_reconcile(functions: Functions, config: &SdkConfig) -> Functions {
    let settings = catalog_reconcile::Settings {
        table_name: wiring::TABLE.name.to_owned(),
        catalog_bucket: wiring::CATALOG_BUCKET.name.to_owned(),
        aggregator: Some(AggregatorSettings { name: AGGREGATOR.to_owned(), role_arn: None }),
        sweep: SweepSettings::default(),
    };
    let aggregator = ConfigAggregator::connect(config, AGGREGATOR);
    let deps = Arc::new(catalog_reconcile::Deps::connect(config, &settings, Some(aggregator)));
    functions.with(wiring::CATALOG_RECONCILE, move |event| {
        let deps = Arc::clone(&deps);
        alone(move || async move { answer(catalog_reconcile::invoke(read(event)?, &deps, Timestamp::now()).await) })
    })
}

fn with_cicd_export(functions: Functions, config: &SdkConfig) -> Functions {
    let settings = cicd_export::Settings {
        table_name: wiring::TABLE.name.to_owned(),
        catalog_bucket: wiring::CATALOG_BUCKET.name.to_owned(),
        drop_bucket: wiring::DROP_BUCKET.name.to_owned(),
        max_receive_count: max_receive_count(wiring::CICD_EXPORT),
        // On this machine there is nobody to tell apart.
        producers: cicd_export::Producers::default(),
    };
    let deps = Arc::new(cicd_export::Deps::connect(config, &settings));
    functions.with(wiring::CICD_EXPORT, move |event| {
        let deps = Arc::clone(&deps);
        alone(move || async move { answer(cicd_export::handle(read(event)?, &deps, Timestamp::now()).await) })
    })
}

fn with_config_change(functions: Functions, config: &SdkConfig) -> Functions {
    let settings = config_change::Settings {
        table_name: wiring::TABLE.name.to_owned(),
        catalog_bucket: wiring::CATALOG_BUCKET.name.to_owned(),
        config_buckets: vec![wiring::CONFIG_BUCKET.name.to_owned()],
        types: config_item::TypeFilter::default(),
        aggregator: Some(AggregatorSettings { name: AGGREGATOR.to_owned(), role_arn: None }),
        max_receive_count: max_receive_count(wiring::CONFIG_CHANGE),
    };
    let aggregator = ConfigAggregator::connect(config, AGGREGATOR);
    let deps = Arc::new(config_change::Deps::connect(config, &settings, Some(aggregator)));
    functions.with(wiring::CONFIG_CHANGE, move |event| {
        let deps = Arc::clone(&deps);
        alone(move || async move { answer(config_change::handle(read(event)?, &deps, Timestamp::now()).await) })
    })
}

fn with_cost_report(functions: Functions, config: &SdkConfig) -> Functions {
    let settings = cost_report::Settings {
        table_name: wiring::TABLE.name.to_owned(),
        catalog_bucket: wiring::CATALOG_BUCKET.name.to_owned(),
        reports_bucket: wiring::REPORTS_BUCKET.name.to_owned(),
        max_receive_count: max_receive_count(wiring::COST_REPORT),
        max_report_bytes: cost_report::DEFAULT_MAX_REPORT_BYTES,
        // There is no Athena on this machine: what is too large is refused.
        athena: None,
    };
    let deps = Arc::new(cost_report::Deps::connect(config, &settings));
    functions.with(wiring::COST_REPORT, move |event| {
        let deps = Arc::clone(&deps);
        alone(move || async move { answer(cost_report::handle(read(event)?, &deps, Timestamp::now()).await) })
    })
}

fn with_query_api(functions: Functions, config: &SdkConfig) -> Functions {
    let settings = query_api::Settings {
        table_name: wiring::TABLE.name.to_owned(),
        catalog_bucket: wiring::CATALOG_BUCKET.name.to_owned(),
    };
    let deps = Arc::new(query_api::Deps::connect(config, &settings));
    functions.with_streaming(wiring::QUERY_API, move |event| {
        let deps = Arc::clone(&deps);
        async move { streamed(query_api::handle(read(event)?, &deps, Timestamp::now()).await) }
    })
}

fn streamed(answer: query_api::Answer) -> Result<StreamedAnswer, FunctionError> {
    let status = StatusCode::from_u16(answer.status)
        .map_err(|_| FunctionError::new("Runtime.MarshalError", "the answer has no valid status"))?;
    let body = match answer.body {
        query_api::AnswerBody::Full(bytes) => Body::from(bytes),
        query_api::AnswerBody::Stream(pieces) => Body::from_stream(pieces),
    };
    Ok(StreamedAnswer { status, headers: answer.headers, body })
}
