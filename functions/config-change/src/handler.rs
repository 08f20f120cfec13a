//! An SQS batch -> fragments in the catalog, the account of what became of everything in it, and the messages to try again.

use std::collections::HashSet;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use account::{Account, Counts, Extra};
use aws_config::SdkConfig;
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use catalog_store::{CatalogStore, IngestLag, StoreError};
use config_aggregator::ConfigAggregator;
use config_item::TypeFilter;
use delivery::{Message, concurrent_batch};
use jiff::Timestamp;
use tokio::sync::Mutex;
use tracing::instrument;

use crate::config_bucket::ConfigBuckets;
use crate::message::{Body, Reading, Told, read};
use crate::write::{Moment, write_item};
use crate::{ConfigChangeError, Settings, config_file, file_status, lag, oversized, rule};

/// The name under which the function counts.
pub const SOURCE: &str = "config-change";

/// Messages that are worked on at once. Fragments, registers and counts commute, whichever of two is written first.
const CONCURRENT_MESSAGES: usize = 10;

/// How long an invocation reads files: the rest of the function's five minutes is for what it began.
const READING_TIME: Duration = Duration::from_secs(240);

/// What the handler is connected to.
#[derive(Debug, Clone)]
pub struct Deps {
    pub store: CatalogStore,
    pub(crate) buckets: ConfigBuckets,
    pub(crate) types: TypeFilter,
    /// The one that the settings name.
    pub aggregator: Option<ConfigAggregator>,
    /// Accounts whose records this process has written.
    pub(crate) accounts: Arc<std::sync::Mutex<HashSet<(String, String)>>>,
    /// Accounts whose lag this process noted a moment ago.
    pub(crate) noted: lag::Noted,
    /// How long one batch may read files; what is left goes on with the next try.
    pub reading_time: Duration,
    /// Of the queue's redrive policy.
    pub max_receive_count: u32,
}

impl Deps {
    /// `aggregator`: the one that the settings name.
    pub fn connect(config: &SdkConfig, settings: &Settings, aggregator: Option<ConfigAggregator>) -> Self {
        let store = CatalogStore::connect(config, &settings.table_name, &settings.catalog_bucket);
        Self { aggregator, ..Self::from_clients(store, catalog_store::s3_client(config), settings) }
    }

    /// For clients with settings of their own, such as interceptors. No aggregator is asked.
    pub fn from_clients(store: CatalogStore, s3: aws_sdk_s3::Client, settings: &Settings) -> Self {
        Self {
            store,
            buckets: ConfigBuckets { s3, names: settings.config_buckets.clone() },
            types: settings.types.clone(),
            aggregator: None,
            accounts: Arc::default(),
            noted: lag::Noted::default(),
            reading_time: READING_TIME,
            max_receive_count: settings.max_receive_count,
        }
    }
}

/// Applies every message by itself; one that fails is named in the answer, and holds nobody back. It never fails as a
/// whole: what cannot be written about the batch itself is logged.
///
/// # Errors
/// None.
#[instrument(skip_all, fields(batch.messages = event.records.len()))]
pub async fn handle(event: SqsEvent, deps: &Deps, now: Timestamp) -> Result<SqsBatchResponse, Infallible> {
    let moment = Moment { now_ms: u64::try_from(now.as_millisecond()).unwrap_or_default(), began: Instant::now() };
    let account = Account::new(SOURCE);
    let one_object = Mutex::new(());
    // Boxed: the compiler gives up on futures nested as deep as those of the SDK in one another.
    let apply = |message| Box::pin(apply(message, deps, &account, moment, &one_object));
    let mut outcome = concurrent_batch(&event, deps.max_receive_count, CONCURRENT_MESSAGES, apply).await;
    let lags = std::mem::take(&mut outcome.applied);
    let kept = Box::pin(account.keep_batch(&outcome, &deps.store, now));
    futures::join!(kept, Box::pin(lag::keep(lags, &deps.noted, &deps.store, now)));
    Ok(outcome.response)
}

/// Returns how long the item of the message was on its way. `one_object` is held while one is read: they may be large.
#[instrument(skip_all, fields(message.id = %message.id, message.receive_count = message.receive_count))]
async fn apply(
    message: Message<'_>,
    deps: &Deps,
    account: &Account,
    moment: Moment,
    one_object: &Mutex<()>,
) -> Result<Option<IngestLag>, ConfigChangeError> {
    // A message that is no document at all counts as one.
    let read = read(message.body, message.id, &deps.types, moment.now_ms);
    match read.inspect_err(|_| account.add(|counts| counts.refused += 1))? {
        Body::Documents(mut reading) => {
            let lag = reading.lag.take();
            documents(reading, deps, account, moment, one_object).await.map(|()| lag)
        }
        Body::Objects => {
            let _one_at_a_time = one_object.lock().await;
            Box::pin(config_file::objects(message.body, deps, account, moment)).await.map(|()| None)
        }
    }
}

/// Every document is tried. What cannot be taken for good holds up no other: the first such error is returned at the end.
async fn documents(
    reading: Reading,
    deps: &Deps,
    account: &Account,
    moment: Moment,
    one_object: &Mutex<()>,
) -> Result<(), ConfigChangeError> {
    account.add(|counts| count(counts, &reading));
    let (refused, documents, first_refusal) = (reading.refused, reading.documents(), reading.first_refusal);
    let mut not_taken: Option<StoreError> = None;
    let mut failed = None;
    for told in &reading.parsed {
        let done = match told {
            Told::Item(words) => write_item(words, deps, account, moment).await,
            Told::Oversized { notice, mark } => {
                let _one_at_a_time = one_object.lock().await;
                Box::pin(oversized::take(notice, mark, deps, account, moment)).await
            }
            Told::Rule { compliance, result, delivery } => {
                rule::take(compliance, result, delivery, deps, account, moment).await
            }
            Told::Delivery(delivery) => file_status::take(delivery, deps, account).await.map(|()| None),
        };
        match done {
            Ok(error) => not_taken = not_taken.or(error),
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    if let Some(error) = failed.or(not_taken.map(ConfigChangeError::Store)) {
        return Err(error);
    }
    match first_refusal {
        None => Ok(()),
        Some(first) => Err(ConfigChangeError::Refused { refused, documents, first }),
    }
}

fn count(counts: &mut Counts, reading: &Reading) {
    counts.parsed += reading.parsed.len() as u64;
    counts.refused += reading.refused;
    counts.add(Extra::Ignored, reading.ignored);
    counts.add(Extra::TypesLeftOut, reading.left_out);
    let unresolved = reading.parsed.iter().map(|told| match told {
        Told::Item(words) => words.statements.unresolved_relationships as u64,
        Told::Oversized { .. } | Told::Rule { .. } | Told::Delivery(_) => 0,
    });
    counts.add(Extra::UnresolvedRelationships, unresolved.sum());
    counts.saw_event(reading.last_event_ms);
}
