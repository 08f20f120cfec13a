//! A stream batch -> rows appended to the log, and how far the batch got.

use aws_lambda_events::dynamodb::Event;
use aws_lambda_events::streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse};
use catalog_follow::LogRow;
use catalog_search::RowState;
use catalog_store::{MAX_ROW_BYTES, StoreError};
use jiff::Timestamp;
use lambda_runtime::Error;
use telemetry::{BatchMetrics, Metric};
use tracing::{info, instrument, warn};

use crate::handler::{Deps, milliseconds};
use crate::rows::{Change, change_of};

/// The name under which the function counts.
const SOURCE: &str = "catalog-index";

#[derive(Default)]
struct Counts {
    changed: u64,
    unchanged: u64,
    broken: u64,
}

/// Appends a row for each record that became another, in the order of the stream. Where the catalog cannot be reached,
/// what came before is appended all the same, and Lambda repeats the batch from the change that is named: rows apply by
/// `rv`, so that repeating changes nothing.
///
/// # Errors
/// Fails if a change that cannot be handled now has no sequence number to name it by.
#[instrument(skip_all, fields(batch.records = event.records.len()))]
pub(crate) async fn index(event: &Event, deps: &Deps, now: Timestamp) -> Result<DynamoDbEventResponse, Error> {
    let mut rows = Vec::new();
    let mut counts = Counts::default();
    let mut failed_at = None;
    for (at, record) in event.records.iter().enumerate() {
        // Boxed: the compiler's limits on nested futures.
        match Box::pin(change_of(record, &deps.store)).await {
            Ok(Change::Other) => {}
            Ok(Change::Unchanged) => counts.unchanged += 1,
            Ok(Change::Row(row)) => {
                let is_broken = matches!(row.state, RowState::Broken(_));
                *(if is_broken { &mut counts.broken } else { &mut counts.changed }) += 1;
                rows.push(text_of(*row)?);
            }
            Err(error) => {
                warn!(error = %delivery::describe(&error), "could not read a changed record");
                failed_at = Some((at, error));
                break;
            }
        }
    }
    let now_ms = milliseconds(now);
    if !rows.is_empty()
        && let Err(error) = append(&rows, deps, now_ms).await
    {
        warn!(error = %delivery::describe(&error), rows = rows.len(), "could not append to the log");
        return response_from(event, 0, error);
    }
    if counts.changed + counts.unchanged + counts.broken > 0 {
        count(&counts, deps, now).await;
        tell_lag(event, now);
    }
    match failed_at {
        Some((at, error)) => response_from(event, at, error),
        None => Ok(DynamoDbEventResponse::default()),
    }
}

async fn append(rows: &[String], deps: &Deps, now_ms: u64) -> Result<Option<u64>, StoreError> {
    let rules = catalog_search::rules_hash(&*deps.store.ownership().await?);
    Box::pin(deps.store.append_deltas(rows, &rules, now_ms)).await
}

/// Only for batches that held a record: the counts are in the same table, and come back on its stream.
async fn count(counts: &Counts, deps: &Deps, now: Timestamp) {
    let Counts { changed, unchanged, broken } = counts;
    info!(changed, unchanged, broken, "indexed a batch");
    let sums = [
        ("records", changed + unchanged + broken),
        ("changed", *changed),
        ("unchanged", *unchanged),
        ("broken", *broken),
    ];
    if let Err(error) = deps.store.count(SOURCE, &sums, milliseconds(now)).await {
        warn!(error = %delivery::describe(&error), "could not count a batch");
    }
}

fn tell_lag(event: &Event, now: Timestamp) {
    let made = event.records.iter().map(|record| record.change.approximate_creation_date_time.timestamp_millis());
    let Some(oldest) = made.min() else { return };
    let mut metrics = BatchMetrics::new(SOURCE);
    metrics.add(Metric::IndexLag, u64::try_from(now.as_millisecond() - oldest).unwrap_or_default());
    metrics.emit(now);
}

/// A row that is longer than the log takes says so instead.
fn text_of(row: LogRow) -> Result<String, serde_json::Error> {
    let text = serde_json::to_string(&row)?;
    if text.len() <= MAX_ROW_BYTES {
        return Ok(text);
    }
    let reason = format!("its row in the index has {} bytes, and may have {MAX_ROW_BYTES}", text.len());
    warn!(record = %row.key, rv = row.rv, bytes = text.len(), "a record is too long for the index");
    serde_json::to_string(&LogRow { state: RowState::Broken(reason), ..row })
}

fn response_from(event: &Event, at: usize, error: StoreError) -> Result<DynamoDbEventResponse, Error> {
    let sequence_number = event.records.get(at).and_then(|record| record.change.sequence_number.clone());
    let Some(sequence_number) = sequence_number else { return Err(Box::new(error)) };
    let mut failure = DynamoDbBatchItemFailure::default();
    failure.item_identifier = Some(sequence_number);
    let mut response = DynamoDbEventResponse::default();
    response.batch_item_failures.push(failure);
    Ok(response)
}
