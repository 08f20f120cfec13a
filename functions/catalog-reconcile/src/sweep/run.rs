//! One invocation: begins a sweep that is due, goes on with it, and ends it.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use catalog_store::{CatalogStore, StoreError};
use config_aggregator::{AggregatorError, ConfigAggregator, CountBy};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::time::Instant;
use tracing::{info, instrument, warn};

use super::known::Catalog;
use super::report::Problem;
use super::state::{Kept, Sweep, Unit};
use super::summary::summary;
use super::unit::{Done, Work};
use super::{deletes, parked, unit};
use crate::SweepSettings;

const HOUR_MS: u64 = 60 * 60 * 1000;

/// How often an invocation leaves to the next one what it has done. What it did since is done again, which changes nothing.
const SAVE_EVERY: Duration = Duration::from_secs(20);

/// What is asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SweepEvent {
    /// Begin now, whether or not a sweep is due. One that is going on is gone on with.
    pub begin: bool,
    /// Delete whatever was not seen twice, however much it is.
    pub allow_deletes: bool,
}

/// How far the sweep is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SweepProgress {
    Finished,
    /// Invoke again.
    GoingOn,
    /// The last one is not long enough ago.
    NotDue,
    /// Another invocation is at it.
    Elsewhere,
    /// None is configured.
    NoAggregator,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SweepAnswer {
    pub sweep: SweepProgress,
    /// Accounts, and types of large accounts.
    pub units_done: u64,
    pub units_left: u64,
    /// What was found so far; of the last sweep, if none is due.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drift: Option<Value>,
}

/// Why a sweep cannot go on. It stays where it is, and the next invocation tries again.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    #[error("the catalog could not be read or written")]
    Store(#[source] StoreError),
    #[error("the aggregator does not answer")]
    Aggregator(#[source] AggregatorError),
    #[error("the aggregator refuses to be asked: {reason}; see docs/landing-zone.md for what it needs")]
    Refused { reason: String },
}

/// Does as much of a sweep as there is time for: nothing new is begun after `run_for`.
///
/// # Errors
/// Fails if the catalog cannot be used now, or the aggregator not at all. An account that cannot be read is no error: the
/// report names it, and nothing of it is missed.
#[instrument(skip_all)]
pub async fn sweep(
    event: SweepEvent,
    store: &CatalogStore,
    aggregator: &ConfigAggregator,
    settings: &SweepSettings,
    now: Timestamp,
    run_for: Duration,
) -> Result<SweepAnswer, SweepError> {
    let began = Instant::now();
    let now_ms = u64::try_from(now.as_millisecond()).unwrap_or_default();
    let mut kept = Kept::read(store).await.map_err(SweepError::Store)?.unwrap_or_else(Kept::none);
    let is_due = kept.sweep.began_ms.saturating_add(settings.every_hours * HOUR_MS) <= now_ms;
    if kept.sweep.is_finished() && !event.begin && !is_due {
        let drift = store.drift().await.map_err(SweepError::Store)?;
        return Ok(answer(SweepProgress::NotDue, &kept.sweep, drift));
    }
    let catalog = Catalog::read(store).await.map_err(SweepError::Store)?;
    if kept.sweep.is_finished() {
        let units = units(aggregator, &catalog).await.map_err(SweepError::Aggregator)?;
        info!(units = units.len(), "begins a sweep");
        kept.sweep = Sweep::after(&kept.sweep, now_ms, event.allow_deletes, units);
    } else {
        kept.sweep.allow_deletes |= event.allow_deletes;
    }
    if !kept.write(store).await.map_err(SweepError::Store)? {
        return Ok(answer(SweepProgress::Elsewhere, &kept.sweep, None));
    }
    let delivery = format!("reconcile {}", at(kept.sweep.began_ms));
    let work = Work { store, aggregator, catalog: &catalog, delivery, now_ms, settings, until: began + run_for };
    let progress = go_on(&mut kept, &work).await?;
    if progress != SweepProgress::Finished {
        let so_far = summary(&kept.sweep, None);
        return Ok(answer(progress, &kept.sweep, Some(so_far)));
    }
    let finished_ms = now_ms.saturating_add(u64::try_from(began.elapsed().as_millis()).unwrap_or_default());
    let drift = finish(&mut kept, store, finished_ms).await.map_err(SweepError::Store)?;
    Ok(answer(SweepProgress::Finished, &kept.sweep, Some(drift)))
}

/// All accounts that the aggregator or the catalog knows.
async fn units(aggregator: &ConfigAggregator, catalog: &Catalog) -> Result<VecDeque<Unit>, AggregatorError> {
    let counted = aggregator.counts(CountBy::Account).await?;
    let accounts: BTreeSet<&str> = counted.keys().map(String::as_str).chain(catalog.accounts()).collect();
    Ok(accounts.into_iter().map(|account| Unit { account: account.to_owned(), resource_type: None }).collect())
}

async fn go_on(kept: &mut Kept, work: &Work<'_>) -> Result<SweepProgress, SweepError> {
    let mut saved = Instant::now();
    while let Some(next) = kept.sweep.units.pop_front() {
        let is_over = Instant::now() >= work.until;
        let done = if is_over {
            Done::OutOfTime
        } else {
            unit::run(&next, work, &mut kept.sweep).await.map_err(SweepError::Store)?
        };
        match done {
            Done::Read => kept.sweep.units_done += 1,
            Done::Split(units) => units.into_iter().rev().for_each(|unit| kept.sweep.units.push_front(unit)),
            Done::OutOfTime => {
                kept.sweep.units.push_front(next);
                let is_ours = kept.write(work.store).await.map_err(SweepError::Store)?;
                return Ok(if is_ours { SweepProgress::GoingOn } else { SweepProgress::Elsewhere });
            }
            Done::Failed { reason, is_refusal: true } => {
                kept.sweep.units.push_front(next);
                kept.write(work.store).await.map_err(SweepError::Store)?;
                return Err(SweepError::Refused { reason });
            }
            Done::Failed { reason, is_refusal: false } => {
                warn!(
                    account = next.account,
                    resource_type = next.resource_type,
                    reason,
                    "could not be read to its end"
                );
                kept.sweep.drift.incomplete.insert(next.name());
                let Unit { account, resource_type } = next;
                kept.sweep.drift.problem(Problem { account, region: None, resource_type, reason, count: 0 });
                kept.sweep.units_done += 1;
            }
        }
        if saved.elapsed() >= SAVE_EVERY {
            if !kept.write(work.store).await.map_err(SweepError::Store)? {
                return Ok(SweepProgress::Elsewhere);
            }
            saved = Instant::now();
        }
    }
    if !kept.sweep.decided {
        deletes::decide(&mut kept.sweep, work).await.map_err(SweepError::Store)?;
        if !kept.write(work.store).await.map_err(SweepError::Store)? {
            return Ok(SweepProgress::Elsewhere);
        }
    }
    Ok(SweepProgress::Finished)
}

/// Looks for parked subjects, and tells what was found.
async fn finish(kept: &mut Kept, store: &CatalogStore, finished_ms: u64) -> Result<Value, StoreError> {
    let delivery = format!("reconcile {}", at(kept.sweep.began_ms));
    let tried = parked::try_parked(store, &delivery, finished_ms).await?;
    (kept.sweep.drift.parked_tried, kept.sweep.drift.parked_resolved) = (tried.tried, tried.resolved);
    kept.sweep.finished_ms = Some(finished_ms);
    let whole =
        serde_json::json!({"began": at(kept.sweep.began_ms), "finished": at(finished_ms), "drift": kept.sweep.drift});
    let key = store.put_sweep_report(&whole).await?;
    let drift = summary(&kept.sweep, Some(&key));
    store.put_drift(&drift).await?;
    let totals = kept.sweep.drift.totals();
    info!(?totals, incomplete = kept.sweep.drift.incomplete.len(), report = key, "finished a sweep");
    // The next one needs who was not seen, and nothing of the report.
    kept.sweep.drift = super::Drift::default();
    kept.sweep.suspects.clear();
    kept.write(store).await?;
    Ok(drift)
}

impl SweepAnswer {
    /// There is nothing to sweep against.
    pub fn no_aggregator() -> Self {
        Self { sweep: SweepProgress::NoAggregator, units_done: 0, units_left: 0, drift: None }
    }
}

fn answer(sweep: SweepProgress, of: &Sweep, drift: Option<Value>) -> SweepAnswer {
    SweepAnswer { sweep, units_done: of.units_done, units_left: of.units.len() as u64, drift }
}

/// As in ISO 8601.
pub(crate) fn at(ms: u64) -> String {
    let time = i64::try_from(ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    time.map(|time| time.to_string()).unwrap_or_default()
}
