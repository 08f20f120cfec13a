//! A batch -> how long what Config captured took to get here: for each account the latest item, and metrics of the batch.

use std::collections::{BTreeMap, BTreeSet};

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use catalog_store::{CatalogStore, IngestLag};
use jiff::Timestamp;
use serde::Deserialize;
use telemetry::{BatchMetrics, Metric};
use tracing::warn;

use crate::handler::SOURCE;

/// An event, a notification, or an envelope around one; of it the times alone. Everything else is passed over.
#[derive(Debug, Deserialize)]
struct Told {
    /// Of an event of EventBridge.
    time: Option<String>,
    detail: Option<Box<Told>>,
    /// Of an envelope of SNS.
    #[serde(rename = "Message")]
    message: Option<String>,
    #[serde(rename = "notificationCreationTime")]
    created: Option<String>,
    #[serde(rename = "configurationItem")]
    item: Option<Item>,
}

#[derive(Debug, Deserialize)]
struct Item {
    #[serde(rename = "awsAccountId")]
    account: String,
    #[serde(rename = "configurationItemCaptureTime")]
    captured: String,
}

/// Notes the latest item of each account that was applied: one write for each account of the batch. It tells of what is
/// done already, so that a failure of it is logged.
pub(crate) async fn keep(event: &SqsEvent, response: &SqsBatchResponse, store: &CatalogStore, now: Timestamp) {
    let failed: BTreeSet<&str> =
        response.batch_item_failures.iter().map(|failure| failure.item_identifier.as_str()).collect();
    let mut latest: BTreeMap<String, IngestLag> = BTreeMap::new();
    for record in &event.records {
        let is_applied = record.message_id.as_deref().is_none_or(|id| !failed.contains(id));
        let Some(lag) = record.body.as_deref().filter(|_| is_applied).and_then(|body| lag_of(body, now)) else {
            continue;
        };
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
    for lag in latest.values() {
        if let Err(error) = store.note_lag(lag).await {
            warn!(account = lag.account, error = %delivery::describe(&error), "could not note a lag");
        }
    }
}

/// `None`: the body is no message about one item, or its times cannot be read.
fn lag_of(body: &str, now: Timestamp) -> Option<IngestLag> {
    let told: Told = serde_json::from_str(body).ok()?;
    if let Some(inner) = &told.message {
        return lag_of(inner, now);
    }
    let ms = |text: &str| u64::try_from(text.parse::<Timestamp>().ok()?.as_millisecond()).ok();
    let notification = told.detail.as_deref().unwrap_or(&told);
    let item = notification.item.as_ref()?;
    let captured_ms = ms(&item.captured)?;
    // Finer than the event's own time, which has whole seconds.
    let told_ms = notification.created.as_deref().or(told.time.as_deref()).and_then(ms)?;
    let applied_ms = u64::try_from(now.as_millisecond()).ok()?;
    let is_account = item.account.len() == 12 && item.account.bytes().all(|byte| byte.is_ascii_digit());
    is_account.then(|| IngestLag { account: item.account.clone(), captured_ms, told_ms, applied_ms })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_way_of_an_item_is_read_off_events_notifications_and_envelopes() {
        let now: Timestamp = "2026-11-20T10:00:09Z".parse().unwrap();
        let item = json!({"awsAccountId": "111122223333", "configurationItemCaptureTime": "2026-11-20T10:00:00.250Z"});
        let notification = json!({
            "messageType": "ConfigurationItemChangeNotification",
            "notificationCreationTime": "2026-11-20T10:00:02.000Z", "configurationItem": item,
        });
        let event = json!({"time": "2026-11-20T10:00:03Z", "detail": notification});
        let sns = json!({"Type": "Notification", "Message": notification.to_string()});
        let expected = IngestLag {
            account: "111122223333".into(),
            captured_ms: 1_795_168_800_250,
            told_ms: 1_795_168_802_000,
            applied_ms: 1_795_168_809_000,
        };
        for body in [&notification, &event, &sns] {
            assert_eq!(lag_of(&body.to_string(), now), Some(expected.clone()), "{body}");
        }
        let without = json!({"time": "2026-11-20T10:00:03Z", "detail": {"configurationItem": item}});
        assert_eq!(lag_of(&without.to_string(), now).unwrap().told_ms, 1_795_168_803_000);
        for body in ["", "[]", "{}", r#"{"configurationItem":{"awsAccountId":"x"}}"#, r#"{"Message":"hello"}"#] {
            assert_eq!(lag_of(body, now), None, "{body}");
        }
    }
}
