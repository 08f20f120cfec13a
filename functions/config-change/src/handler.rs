//! An SQS batch -> fragments in the catalog, the account of what became of everything in it, and the messages to try again.

use std::convert::Infallible;

use account::{Account, Counts, Extra};
use aws_config::SdkConfig;
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use catalog_model::Applied;
use catalog_store::{CatalogStore, StoreError};
use config_item::Statements;
use delivery::{Message, batch};
use jiff::Timestamp;
use tracing::{debug, instrument};

use crate::message::{Reading, read};
use crate::{ConfigChangeError, Settings};

/// The name under which the function counts.
pub const SOURCE: &str = "config-change";

/// What the handler is connected to.
#[derive(Debug, Clone)]
pub struct Deps {
    pub store: CatalogStore,
    /// Of the queue's redrive policy.
    pub max_receive_count: u32,
}

impl Deps {
    pub fn connect(config: &SdkConfig, settings: &Settings) -> Self {
        Self {
            store: CatalogStore::connect(config, &settings.table_name, &settings.catalog_bucket),
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
    let now_ms = u64::try_from(now.as_millisecond()).unwrap_or_default();
    let account = Account::new(SOURCE);
    // Boxed: the compiler gives up on futures nested as deep as those of the SDK in one another.
    let apply = |message| Box::pin(apply(message, deps, &account, now_ms));
    let outcome = batch(&event, deps.max_receive_count, apply).await;
    Box::pin(account.keep_batch(&outcome, &deps.store, now)).await;
    Ok(outcome.response)
}

#[instrument(skip_all, fields(message.id = %message.id, message.receive_count = message.receive_count))]
async fn apply(message: Message<'_>, deps: &Deps, account: &Account, now_ms: u64) -> Result<(), ConfigChangeError> {
    // A message that is no document at all counts as one.
    let reading = read(message.body, message.id, now_ms).inspect_err(|_| account.add(|counts| counts.refused += 1))?;
    account.add(|counts| count(counts, &reading));
    let mut not_taken = None;
    for statements in &reading.parsed {
        not_taken = not_taken.or(write(statements, deps, account, now_ms).await?);
    }
    if let Some(error) = not_taken {
        return Err(ConfigChangeError::Store(error));
    }
    let (refused, documents) = (reading.refused, reading.documents());
    match reading.first_refusal {
        None => Ok(()),
        Some(first) => Err(ConfigChangeError::Refused { refused, documents, first }),
    }
}

/// The record first, its second ids after it: whoever follows one of those finds the record. One that does not take its
/// fragment for good holds up no other; the first such error is returned when all are written.
async fn write(
    statements: &Statements,
    deps: &Deps,
    account: &Account,
    now_ms: u64,
) -> Result<Option<StoreError>, ConfigChangeError> {
    let mut not_taken = None;
    for (key, fragment) in &statements.fragments {
        let applied = match deps.store.apply(key, fragment, now_ms).await {
            Ok(applied) => applied,
            Err(error) if error.is_retryable() => return Err(ConfigChangeError::Store(error)),
            Err(error) => {
                not_taken = not_taken.or(Some(error));
                continue;
            }
        };
        debug!(record = %key, fragment.version = %fragment.version, ?applied, "wrote a fragment");
        account.add(|counts| {
            *match applied {
                Applied::Applied => &mut counts.applied,
                Applied::Stale => &mut counts.stale,
                Applied::Duplicate => &mut counts.duplicate,
            } += 1;
        });
    }
    Ok(not_taken)
}

fn count(counts: &mut Counts, reading: &Reading) {
    counts.parsed += reading.parsed.len() as u64;
    counts.refused += reading.refused;
    counts.add(Extra::Ignored, reading.ignored);
    let unresolved = reading.parsed.iter().map(|statements| statements.unresolved_relationships as u64);
    counts.add(Extra::UnresolvedRelationships, unresolved.sum());
    counts.saw_event(reading.last_event_ms);
}
