//! `GET /api/status`: what came in and what became of it, how far the index is, how old the costs are.

use std::collections::BTreeMap;

use aws_lambda_events::apigw::ApiGatewayProxyRequest;
use catalog_follow::Progress;
use catalog_store::{IngestLag, RollupHead, SourceStatus};
use delivery::api::ApiError;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::answers::{self, Answer, unavailable};
use crate::handler::Deps;
use crate::parameters::Parameters;

/// A sum that a source counts, and the parts that must make it.
const LAWS: [(&str, &[&str]); 4] = [
    ("messages", &["acked", "retried", "dead"]),
    ("documents", &["parsed", "refused"]),
    ("fragments", &["applied", "stale", "duplicate"]),
    ("records", &["changed", "unchanged", "broken"]),
];

/// Broken records that one answer lists.
const MAX_BROKEN: usize = 100;

pub(crate) async fn status(request: &ApiGatewayProxyRequest, deps: &Deps, now: Timestamp) -> Result<Answer, ApiError> {
    Parameters::check(request, &[])?;
    let (followed, status, heads, drift, lags) = tokio::join!(
        deps.live.follow(now),
        deps.store.status(),
        deps.store.heads(),
        deps.store.drift(),
        deps.store.lags()
    );
    // An index that cannot follow is no reason to be silent.
    let trouble = followed.err().map(|error| delivery::describe(&error));
    let (status, heads) = (status.map_err(unavailable)?, heads.map_err(unavailable)?);
    let (drift, lags) = (drift.map_err(unavailable)?, lags.map_err(unavailable)?);
    let progress = deps.live.progress().await;
    let (entities, broken) =
        deps.live.ask(|catalog| Ok((catalog.len(), catalog.broken()?))).await.map_err(unavailable)?;
    let broken: Vec<Value> = broken
        .iter()
        .take(MAX_BROKEN)
        .map(|(key, reason)| json!({"record": key.to_string(), "reason": reason}))
        .collect();
    Ok(answers::json(&json!({
        "now": now.to_string(),
        "sources": status.sources.iter().map(|source| source_json(source, now)).collect::<Vec<_>>(),
        "failures": status.failures,
        "parked": status.parked,
        "truncated": status.truncated,
        "ingest": lags.iter().map(|lag| lag_json(lag, now)).collect::<Vec<_>>(),
        "reconcile": drift.map(|drift| with_age(drift, now)),
        "index": index_json(&progress, entities, trouble, &broken, now),
        "costs": heads.iter().map(|(export, month, head)| head_json(export, month, head)).collect::<Vec<_>>(),
    })))
}

fn source_json(source: &SourceStatus, now: Timestamp) -> Value {
    let last = i64::try_from(source.last_event_ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    json!({
        "source": source.source,
        "counts": source.counts,
        "conservation": conservation(&source.counts),
        "lastEvent": last.map(|last| last.to_string()),
        "lastEventAgeSeconds": last.map(|last| now.duration_since(last).as_secs().max(0)),
    })
}

/// The latest item of an account, and how long each part of its way took. What `index.ageMs` says comes on top.
fn lag_json(lag: &IngestLag, now: Timestamp) -> Value {
    let captured = i64::try_from(lag.captured_ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    json!({
        "account": lag.account,
        "lastCapture": captured.map(|captured| captured.to_string()),
        "lastCaptureAgeSeconds": captured.map(|captured| now.duration_since(captured).as_secs().max(0)),
        "captureToEventMs": lag.told_ms.saturating_sub(lag.captured_ms),
        "eventToAppliedMs": lag.applied_ms.saturating_sub(lag.told_ms),
    })
}

/// What the last sweep against Config's aggregator found, and how long ago that was.
fn with_age(mut drift: Value, now: Timestamp) -> Value {
    let finished = drift["finished"].as_str().and_then(|text| text.parse::<Timestamp>().ok());
    drift["ageSeconds"] = json!(finished.map(|finished| now.duration_since(finished).as_secs().max(0)));
    drift
}

/// Whether each sum is made of its parts. What a source does not count is 0, and holds.
fn conservation(counts: &BTreeMap<String, u64>) -> BTreeMap<&'static str, bool> {
    let count = |name: &str| counts.get(name).copied().unwrap_or_default();
    LAWS.into_iter()
        .map(|(sum, parts)| (sum, count(sum) == parts.iter().map(|part| count(part)).sum::<u64>()))
        .collect()
}

fn index_json(
    progress: &Progress,
    entities: usize,
    trouble: Option<String>,
    broken: &[Value],
    now: Timestamp,
) -> Value {
    let age_ms = |since: Timestamp| i64::try_from(now.duration_since(since).as_millis().max(0)).unwrap_or(i64::MAX);
    let made = |at_ms: u64| i64::try_from(at_ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    let segment = progress.pointer.as_ref().map(|pointer| {
        json!({
            "hash": pointer.hash.get(..12),
            "seq": pointer.seq,
            "ageMs": made(pointer.at_ms).map(age_ms),
            "entities": pointer.entities,
            "bytes": pointer.bytes,
            "format": pointer.format,
        })
    });
    let defect = progress.defect.as_ref().map(ToString::to_string).or(trouble);
    json!({
        "seq": progress.seq,
        "entities": entities,
        "following": defect.is_none(),
        // Why it does not follow. What is wrong with the segment or the log is mended by a rebuild: `callboard rebuild`.
        "defect": defect,
        "ageMs": progress.polled_at.map(age_ms),
        "segment": segment,
        "rowsBehindSegment": progress.rows_behind,
        "rulesMatch": progress.has_own_rules(),
        "broken": broken,
    })
}

fn head_json(export: &str, month: &str, head: &RollupHead) -> Value {
    let at = i64::try_from(head.at_ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    json!({
        "export": export,
        "month": month,
        "generation": head.generation,
        "lastCompleteDay": head.last_complete_day,
        "totals": head.totals,
        "at": at.map(|at| at.to_string()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_that_is_not_made_of_its_parts_is_told() {
        let counts = [
            ("messages", 10),
            ("acked", 8),
            ("retried", 1),
            ("dead", 1),
            ("documents", 4),
            ("parsed", 3),
            ("stale", 9),
        ];
        let counts = counts.map(|(name, count)| (name.to_owned(), count)).into();
        let holds = json!({"messages": true, "documents": false, "fragments": false, "records": true});
        assert_eq!(json!(conservation(&counts)), holds);
    }
}
