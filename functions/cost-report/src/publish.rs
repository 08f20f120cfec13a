//! Rollups of a month -> the store, under a generation that nobody reads until one head names it.
//!
//! A generation is `<manifest's time, 16 hex>-<its event's time, 16 hex>-<delivery id>-<16 hex of the rollups' content>`.
//! Later manifests have larger texts; S3 tells an object's time in whole seconds, so that the event's, in milliseconds,
//! decides between two of one second. The content is part of it, since the same delivery taken twice may be allocated differently, when the catalog
//! has learnt something in between: two allocations never share a key, and so never mix.

use std::fmt;

use billing_report::{LineSums, Manifest};
use catalog_model::Applied;
use catalog_store::{CatalogStore, RollupHead};
use cost_model::{Metric, Scope, ScopeRollups};
use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::error::CostReportError;
use crate::report::Outcome;
use crate::reports_bucket::Announced;

const CONCURRENT_CALLS: usize = 16;

/// The list of a generation's scopes lies beside its rollups, under a key that is no scope.
pub(crate) const SCOPES: &str = "scopes";

/// What savings are worked out from, and what was odd about the report: beside the rollups too, and in no list.
const EVIDENCE: &str = "evidence";
const REPORT: &str = "report";

/// How long readers that found the old head may still read what it names.
const KEEP_OLD_S: u64 = 24 * 60 * 60;

/// The part of a generation that the delivery decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Generation {
    modified: String,
    event: String,
    execution: String,
}

impl Generation {
    pub(crate) fn of(announced: &Announced, event_time: Timestamp) -> Self {
        let event_ms = u64::try_from(event_time.as_millisecond()).unwrap_or_default();
        let id = announced.manifest.execution.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(64);
        Self {
            modified: format!("{:016x}", announced.modified_ms),
            event: format!("{event_ms:016x}"),
            execution: id.collect(),
        }
    }

    /// Whether a stored generation is of the same delivery, whichever event announced it then.
    fn is_of(&self, stored: &str) -> bool {
        let mut parts = stored.splitn(3, '-');
        let (modified, _, rest) = (parts.next(), parts.next(), parts.next());
        let execution = rest.and_then(|rest| rest.rsplit_once('-')).map(|(execution, _)| execution);
        modified == Some(&self.modified) && execution == Some(&self.execution)
    }

    fn of_content(&self, rollups: &ScopeRollups) -> Result<String, CostReportError> {
        let mut hash = Sha256::new();
        for scope in rollups.scopes() {
            if let Some(rollup) = rollups.get(scope).map_err(CostReportError::Sum)? {
                hash.update(format!("{scope}\n{}\n", rollup.to_json()));
            }
        }
        Ok(format!("{self}-{}", &hex::encode(hash.finalize())[..16]))
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.modified, self.event, self.execution)
    }
}

/// What a delivery comes to that is not newer than the one that counts; `None` if it is.
///
/// What the standing head replaced is let go here too: its writer may have been stopped before it came to that.
pub(crate) async fn standing(
    store: &CatalogStore,
    manifest: &Manifest,
    generation: &Generation,
    heads: &[(String, String, RollupHead)],
    now: Timestamp,
) -> Result<Option<Outcome>, CostReportError> {
    let month = manifest.month.to_string();
    let head = heads.iter().find(|(export, of, _)| *export == manifest.export && *of == month);
    let Some((_, _, head)) = head else { return Ok(None) };
    if !generation.is_of(&head.generation) {
        return Ok((head.generation > generation.to_string()).then_some(Outcome::Stale));
    }
    let again = store.flip_head(&manifest.export, &month, head).await.map_err(CostReportError::Store)?;
    if let Some(previous) = again.previous {
        expire(store, &month, &previous, now).await?;
    }
    Ok(Some(Outcome::Duplicate))
}

/// What a delivery came to.
pub(crate) struct Taken<'t> {
    pub(crate) rollups: &'t ScopeRollups,
    pub(crate) sums: &'t LineSums,
    pub(crate) evidence: &'t Value,
}

pub(crate) async fn publish(
    store: &CatalogStore,
    manifest: &Manifest,
    generation: &Generation,
    taken: &Taken<'_>,
    now: Timestamp,
) -> Result<Outcome, CostReportError> {
    let Taken { rollups, sums, evidence } = taken;
    let month = manifest.month.to_string();
    let generation = generation.of_content(rollups)?;
    let scopes = rollups.scopes();
    let list: Vec<String> = scopes.iter().map(ToString::to_string).collect();
    for (key, body) in [(SCOPES, &json!(list)), (EVIDENCE, *evidence), (REPORT, &about(sums))] {
        store.put_rollup(key, &month, &generation, body).await.map_err(CostReportError::Store)?;
    }
    stream::iter(scopes.into_iter().map(|scope| put(store, &month, &generation, scope, rollups)))
        .buffer_unordered(CONCURRENT_CALLS)
        .try_collect::<()>()
        .await?;
    let head = RollupHead {
        generation,
        totals: totals(sums),
        last_complete_day: sums.last_complete_day().map(|day| day.to_string()),
        at_ms: u64::try_from(now.as_millisecond()).unwrap_or_default(),
    };
    let flipped = store.flip_head(&manifest.export, &month, &head).await.map_err(CostReportError::Store)?;
    match flipped.applied {
        Applied::Applied | Applied::Duplicate => {
            if let Some(previous) = flipped.previous {
                expire(store, &month, &previous, now).await?;
            }
        }
        // Another delivery was faster: what was written here is read by nobody.
        Applied::Stale => expire(store, &month, &head.generation, now).await?,
    }
    Ok(match flipped.applied {
        Applied::Applied => Outcome::Published,
        Applied::Duplicate => Outcome::Duplicate,
        Applied::Stale => Outcome::Stale,
    })
}

async fn put(
    store: &CatalogStore,
    month: &str,
    generation: &str,
    scope: &Scope,
    rollups: &ScopeRollups,
) -> Result<(), CostReportError> {
    let Some(rollup) = rollups.get(scope).map_err(CostReportError::Sum)? else { return Ok(()) };
    store.put_rollup(&scope.to_string(), month, generation, &rollup.to_json()).await.map_err(CostReportError::Store)
}

/// `{"USD": {"unblended": "1.5", "amortized": "1.5", "net_amortized": "1.4"}}`
fn totals(sums: &LineSums) -> Value {
    let of_currency = |amounts: &cost_model::Amounts| {
        let metrics = Metric::ALL.map(|metric| (metric.as_str().to_owned(), json!(amounts.get(metric))));
        Value::Object(metrics.into_iter().collect())
    };
    let totals: Map<String, Value> =
        sums.bill().iter().map(|(currency, amounts)| (currency.to_string(), of_currency(amounts))).collect();
    Value::Object(totals)
}

/// `{"v": 1, "final": true, "lines": 12, ...}`: `final` means that every line is on an invoice.
fn about(sums: &LineSums) -> Value {
    let counts = sums.counts();
    json!({
        "v": 1,
        "final": sums.is_final(),
        "lines": counts.lines,
        "notFinal": counts.not_final,
        "split": counts.split,
        "rounded": counts.rounded,
        "withoutCommitmentColumns": counts.without_commitment_columns,
        "unknownTypes": counts.unknown_types,
    })
}

/// Lets the rollups of a generation go, a day from now. Doing it again moves the day, no more.
async fn expire(store: &CatalogStore, month: &str, generation: &str, now: Timestamp) -> Result<(), CostReportError> {
    let at_s = u64::try_from(now.as_second()).unwrap_or_default() + KEEP_OLD_S;
    let Some(scopes) = store.rollups(SCOPES, month, generation).await.map_err(CostReportError::Store)? else {
        return Ok(());
    };
    let scopes = scopes.as_array().into_iter().flatten().filter_map(Value::as_str);
    let scopes: Vec<&str> = scopes.chain([EVIDENCE, REPORT]).collect();
    // The list goes last: as long as it is there, an interrupted expiry can be done again.
    stream::iter(scopes.into_iter().map(|scope| store.expire_rollup(scope, month, generation, at_s)))
        .buffer_unordered(CONCURRENT_CALLS)
        .try_collect::<()>()
        .await
        .map_err(CostReportError::Store)?;
    store.expire_rollup(SCOPES, month, generation, at_s).await.map_err(CostReportError::Store)
}
