//! A batch -> how long what Config captured took to get here: for each account the latest item, and metrics of the batch.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use catalog_store::{CatalogStore, IngestLag};
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use jiff::Timestamp;
use serde_json::Value;
use telemetry::{BatchMetrics, Metric};
use tracing::warn;

use crate::handler::SOURCE;

/// A process notes the lag of an account once in so many ms: while batches follow one another, nobody reads all of them.
const NOTE_EVERY_MS: u64 = 1_000;

/// When each account's lag was last noted by this process, ms. All clones are one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Noted(Arc<Mutex<HashMap<String, u64>>>);

impl Noted {
    /// Whether the account's turn has come; then it is over.
    fn is_due(&self, account: &str, now_ms: u64) -> bool {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = noted.get(account).is_none_or(|at_ms| at_ms.abs_diff(now_ms) >= NOTE_EVERY_MS);
        if is_due {
            noted.insert(account.to_owned(), now_ms);
        }
        is_due
    }
}

/// Notes the latest item of each account that was applied: at most one write for each account of the batch. It tells of
/// what is done already, so that a failure of it is logged.
pub(crate) async fn keep(applied: Vec<Option<IngestLag>>, noted: &Noted, store: &CatalogStore, now: Timestamp) {
    let mut latest: BTreeMap<String, IngestLag> = BTreeMap::new();
    for lag in applied.into_iter().flatten() {
        let standing = latest.entry(lag.account.clone()).or_insert_with(|| lag.clone());
        if standing.captured_ms < lag.captured_ms {
            *standing = lag;
        }
    }
    let mut metrics = BatchMetrics::new(SOURCE);
    if let Some(last) = latest.values().max_by_key(|lag| lag.captured_ms) {
        metrics.add(Metric::CaptureToEvent, last.told_ms.saturating_sub(last.captured_ms));
        metrics.add(Metric::EventToApplied, last.applied_ms.saturating_sub(last.told_ms));
    }
    metrics.emit(now);
    let due = latest.values().filter(|lag| noted.is_due(&lag.account, lag.applied_ms));
    let mut notes: FuturesUnordered<_> = due.map(|lag| note(lag, store)).collect();
    while notes.next().await.is_some() {}
}

async fn note(lag: &IngestLag, store: &CatalogStore) {
    if let Err(error) = store.note_lag(lag).await {
        warn!(account = lag.account, error = %delivery::describe(&error), "could not note a lag");
    }
}

/// The way of the item that an event or a notification tells of. `None`: it tells of none, or its times cannot be read.
pub(crate) fn of(document: &Value, now_ms: u64) -> Option<IngestLag> {
    let ms = |value: &Value| u64::try_from(value.as_str()?.parse::<Timestamp>().ok()?.as_millisecond()).ok();
    let notification = document.get("detail").unwrap_or(document);
    let item = notification.get("configurationItem")?;
    let captured_ms = ms(&item["configurationItemCaptureTime"])?;
    // Finer than the event's own time, which has whole seconds.
    let told_ms = ms(&notification["notificationCreationTime"]).or_else(|| ms(&document["time"]))?;
    let account = item["awsAccountId"].as_str()?;
    let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    is_account.then(|| IngestLag { account: account.to_owned(), captured_ms, told_ms, applied_ms: now_ms })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_lag_is_noted_at_once_and_then_once_a_second_for_each_account() {
        let noted = Noted::default();
        let times = [("1", 5_000), ("2", 5_500), ("1", 5_999), ("1", 6_000), ("2", 6_499), ("1", 6_500), ("2", 6_500)];
        let due = times.map(|(account, now_ms)| noted.clone().is_due(account, now_ms));
        assert_eq!(due, [true, true, false, true, false, false, true]);
    }

    #[test]
    fn the_way_of_an_item_is_read_off_events_and_notifications() {
        let now_ms = 1_795_168_809_000;
        let item = json!({"awsAccountId": "111122223333", "configurationItemCaptureTime": "2026-11-20T10:00:00.250Z"});
        let notification = json!({
            "messageType": "ConfigurationItemChangeNotification",
            "notificationCreationTime": "2026-11-20T10:00:02.000Z", "configurationItem": item,
        });
        let event = json!({"time": "2026-11-20T10:00:03Z", "detail": notification});
        let expected = IngestLag {
            account: "111122223333".into(),
            captured_ms: 1_795_168_800_250,
            told_ms: 1_795_168_802_000,
            applied_ms: now_ms,
        };
        for document in [&notification, &event] {
            assert_eq!(of(document, now_ms), Some(expected.clone()), "{document}");
        }
        let without = json!({"time": "2026-11-20T10:00:03Z", "detail": {"configurationItem": item}});
        assert_eq!(of(&without, now_ms).unwrap().told_ms, 1_795_168_803_000);
        for document in [json!([]), json!({}), json!({"configurationItem": {"awsAccountId": "x"}}), json!("hello")] {
            assert_eq!(of(&document, now_ms), None, "{document}");
        }
    }
}
