//! An account, once its batch or request is done -> the table and CloudWatch.

use std::sync::{Mutex, PoisonError};

use catalog_store::{CatalogStore, FailureRecord};
use delivery::{BatchOutcome, Failure, describe};
use jiff::Timestamp;
use telemetry::BatchMetrics;
use tracing::{info, warn};

use crate::Counts;

/// What a function does with one batch or request. Shared by what handles its messages, and kept when all are done.
#[derive(Debug)]
pub struct Account {
    source: &'static str,
    counts: Mutex<Counts>,
}

impl Account {
    /// Nothing done yet. `source` is the name under which the function counts: its folder's.
    #[must_use]
    pub fn new(source: &'static str) -> Self {
        Self { source, counts: Mutex::default() }
    }

    /// Counts something. Whatever is counted stays so, also when its message fails later on.
    pub fn add(&self, change: impl FnOnce(&mut Counts)) {
        // A change that panics leaves whole numbers behind: they are good to be counted on.
        change(&mut self.counts.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Counts the batch in the table and in CloudWatch, records why messages failed, and forgets the failures of those
    /// that came again and passed.
    ///
    /// It tells of what is done already, so that a failure of it is no reason to do the batch again: it is logged, and
    /// the rest is kept all the same.
    pub async fn keep_batch<T>(self, outcome: &BatchOutcome<T>, store: &CatalogStore, now: Timestamp) {
        let source = self.source;
        for failure in &outcome.failures {
            if let Err(error) = store.record_failure(&record(source, failure, now)).await {
                warn!(message.id = %failure.message_id, error = %describe(&error), "could not record a failure");
            }
        }
        for id in &outcome.recovered {
            if let Err(error) = store.clear_failure(source, id).await {
                warn!(message.id = %id, error = %describe(&error), "could not forget a failure");
            }
        }
        self.keep(outcome.counts, store, now).await;
    }

    /// Counts a request that writes as one message: acknowledged, or, if it failed on our side, to be sent again by the
    /// caller, who has the answer in hand. A failure of counting is logged.
    pub async fn keep_request(self, is_failed: bool, store: &CatalogStore, now: Timestamp) {
        let retried = u64::from(is_failed);
        self.keep(delivery::Counts { received: 1, acked: 1 - retried, retried, dead: 0 }, store, now).await;
    }

    async fn keep(self, messages: delivery::Counts, store: &CatalogStore, now: Timestamp) {
        let counts = self.counts.into_inner().unwrap_or_else(PoisonError::into_inner);
        let delivery::Counts { received, acked, retried, dead } = messages;
        let Counts { parsed, refused, applied, stale, duplicate, .. } = counts;
        info!(
            source = self.source,
            messages = received,
            acked,
            retried,
            dead,
            parsed,
            refused,
            applied,
            stale,
            duplicate,
            "kept account"
        );
        let named = counts.with(messages);
        let mut metrics = BatchMetrics::new(self.source);
        // A metric that never counts anything costs nothing.
        for (_, metric, count) in named.iter().filter(|(_, _, count)| *count > 0) {
            if let Some(metric) = metric {
                metrics.add(*metric, *count);
            }
        }
        metrics.emit(now);
        let named: Vec<_> = named.into_iter().map(|(name, _, count)| (name, count)).collect();
        if let Err(error) = store.count(self.source, &named, counts.last_event_ms()).await {
            warn!(source = self.source, error = %describe(&error), "could not count");
        }
    }
}

fn record(source: &str, failure: &Failure, now: Timestamp) -> FailureRecord {
    FailureRecord {
        source: source.to_owned(),
        message_id: failure.message_id.clone(),
        code: failure.code.to_owned(),
        detail: failure.detail.clone(),
        receive_count: failure.receive_count,
        last_try: failure.last_try,
        at_ms: u64::try_from(now.as_millisecond()).unwrap_or_default(),
    }
}
