//! One manifest -> the month's rollups, or the reason why there are none.

use std::num::NonZero;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use billing_report::{FileFormat, LineSums, Manifest, ReadCounts, TagKeys, read_csv, read_parquet, rows_of};
use catalog_model::Rules;
use catalog_store::RollupHead;
use cost_model::{Attribution, Dimensions, Month, ScopeRollups, Target, Unallocated};
use delivery::s3_notification::ObjectEvent;
use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use tokio::runtime::Handle;
use tracing::{info, instrument, warn};

use crate::allocations::Allocations;
use crate::athena::{AskedAbout, Athena, Ended};
use crate::error::CostReportError;
use crate::evidence::evidence;
use crate::handler::Deps;
use crate::prior::Prior;
use crate::publish::{Generation, Taken, publish, standing};
use crate::reports_bucket::{Pinned, ReportsBucket};
use crate::settings::DEFAULT_MAX_REPORT_BYTES;

/// Files read at the same time, at most: each holds a row group.
const MAX_READERS: usize = 4;

const CONCURRENT_FOOTERS: usize = 16;

/// What became of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Published,
    /// This very delivery is the one that counts.
    Duplicate,
    /// A newer delivery of the month counts.
    Stale,
    /// Athena rolls it up.
    Asked,
}

/// Takes the report that the manifest at `event.key` announces. The manifest may be newer than the event: it is the one
/// that counts.
#[instrument(skip_all, fields(s3.key = %event.key))]
pub(crate) async fn take(event: &ObjectEvent, deps: &Deps, now: Timestamp) -> Result<Outcome, CostReportError> {
    let announced = deps.reports.manifest(&event.key).await?;
    let generation = Generation::of(&announced, event.event_time);
    let (manifest, month) = (&announced.manifest, announced.manifest.month);
    let heads = deps.store.heads().await.map_err(CostReportError::Store)?;
    if let Some(outcome) = standing(&deps.store, manifest, &generation, &heads, now).await? {
        info!(month = %month, generation = %generation, ?outcome, "the report changes nothing");
        return Ok(outcome);
    }
    let pinned = deps.reports.pin(&manifest.files).await?;
    let rules = deps.store.ownership().await.map_err(CostReportError::Store)?;
    let keys = keys_of(&rules);
    let (bytes, limit) = (bytes_of(&pinned), deps.max_report_bytes);
    if bytes > limit {
        let too_large = || CostReportError::TooLarge { what: "the report".to_owned(), bytes, limit };
        let athena = deps.athena.as_ref().ok_or_else(too_large)?;
        let question = athena.question(&deps.reports, &event.key, &announced, &pinned, &keys)?;
        let (manifest, modified_ms) = (event.key.clone(), announced.modified_ms);
        let about = AskedAbout { manifest, modified_ms, event_time: event.event_time };
        Box::pin(athena.ask(&question, &about)).await?;
        return Ok(Outcome::Asked);
    }
    let sums = read_files(&deps.reports, pinned.clone(), keys, month).await?;
    deps.reports.check_unchanged(&pinned).await?;
    Box::pin(complete(deps, manifest, &generation, &heads, sums, now)).await
}

/// Goes on with the report that a query was about. Its files must still be what they were when the query was asked: then it has read
/// them and no others.
#[instrument(skip_all, fields(query.id = %ended.id, s3.key = %ended.about.manifest))]
pub(crate) async fn resume(
    ended: &Ended,
    athena: &Athena,
    deps: &Deps,
    now: Timestamp,
) -> Result<Outcome, CostReportError> {
    let about = &ended.about;
    let announced = deps.reports.manifest(&about.manifest).await?;
    if announced.modified_ms != about.modified_ms {
        info!("a newer manifest is there, which has an event of its own");
        return Ok(Outcome::Stale);
    }
    let generation = Generation::of(&announced, about.event_time);
    let (manifest, month) = (&announced.manifest, announced.manifest.month);
    let heads = deps.store.heads().await.map_err(CostReportError::Store)?;
    if let Some(outcome) = standing(&deps.store, manifest, &generation, &heads, now).await? {
        info!(month = %month, generation = %generation, ?outcome, "the report changes nothing");
        return Ok(outcome);
    }
    let pinned = deps.reports.pin(&manifest.files).await?;
    let rules = deps.store.ownership().await.map_err(CostReportError::Store)?;
    let keys = keys_of(&rules);
    let question = athena.question(&deps.reports, &about.manifest, &announced, &pinned, &keys)?;
    if !ended.is_of_files(&question) {
        return Err(CostReportError::Changed { key: about.manifest.clone() });
    }
    if !ended.answers(&question) {
        Box::pin(athena.ask(&question, about)).await?;
        return Ok(Outcome::Asked);
    }
    let rows = athena.rows(ended).await?;
    let (bytes, limit) = (bytes_of(&rows), DEFAULT_MAX_REPORT_BYTES);
    if bytes > limit {
        return Err(CostReportError::TooLarge { what: format!("the result of query `{}`", ended.id), bytes, limit });
    }
    let expected = lines_of(&deps.reports, &pinned).await?;
    let sums = read_files(&athena.results, rows, keys, month).await?;
    let found = sums.counts().lines + sums.counts().split;
    if found != expected {
        return Err(CostReportError::LinesDiffer { id: ended.id.clone(), found, expected });
    }
    Box::pin(complete(deps, manifest, &generation, &heads, sums, now)).await
}

fn bytes_of(files: &[Pinned]) -> u64 {
    files.iter().map(|file| file.bytes).sum()
}

/// How many lines the files have, by their footers.
async fn lines_of(reports: &ReportsBucket, files: &[Pinned]) -> Result<u64, CostReportError> {
    let counts = stream::iter(files.iter().cloned()).map(|pinned| {
        let (reports, runtime) = (reports.clone(), Handle::current());
        async move {
            let count = move || {
                let counted = rows_of(&reports.open(&pinned, runtime));
                counted.map_err(|error| CostReportError::of_file(&pinned.file.key, error))
            };
            let counted = tokio::task::spawn_blocking(count).await;
            counted.unwrap_or_else(|source| Err(CostReportError::Interrupted { source }))
        }
    });
    counts.buffer_unordered(CONCURRENT_FOOTERS).try_fold(0_u64, async |sum, count| Ok(sum + count)).await
}

/// Allocates what was read, and publishes it as the month's new generation.
async fn complete(
    deps: &Deps,
    manifest: &Manifest,
    generation: &Generation,
    heads: &[(String, String, RollupHead)],
    mut sums: LineSums,
    now: Timestamp,
) -> Result<Outcome, CostReportError> {
    let (month, files) = (manifest.month, manifest.files.len());
    let prior = Prior::of(&deps.store, manifest, heads).await.map_err(CostReportError::Store)?;
    let allocations = Allocations::find(&deps.store, &sums, &prior).await?;
    let carried: Vec<bool> = sums.places().map(|place| allocations.is_carried(&sums, &place)).collect();
    sums.settle(|place| carried.get(place as usize).copied().unwrap_or_default()).map_err(CostReportError::Sum)?;
    let rollups = roll_up(&sums, &allocations)?;
    rollups.check(&sums.bill()).map_err(CostReportError::SumsDiffer)?;
    let evidence = evidence(&sums, &allocations);
    let taken = Taken { rollups: &rollups, sums: &sums, evidence: &evidence };
    let outcome = publish(&deps.store, manifest, generation, &taken, now).await?;
    let ReadCounts { lines, split, rounded, not_final, without_commitment_columns, unknown_types } = sums.counts();
    info!(month = %month, files, lines, split, rounded, not_final, ?outcome, "took a cost report");
    if *without_commitment_columns > 0 || !unknown_types.is_empty() {
        warn!(without_commitment_columns, ?unknown_types, "some lines count as unblended in every metric");
    }
    Ok(outcome)
}

/// The tags that rules of ownership read are those that count on a bill.
fn keys_of(rules: &Rules) -> TagKeys {
    let tags = &rules.tags;
    TagKeys {
        environment: tags.environment.clone(),
        component: tags.component.clone(),
        owner: tags.owner.clone(),
        system: tags.system.clone(),
    }
}

/// Files that wait to be read, and the sums of those that were.
struct Reading {
    reports: ReportsBucket,
    keys: TagKeys,
    waiting: Mutex<Vec<Pinned>>,
    sums: Mutex<LineSums>,
    runtime: Handle,
}

/// Off the runtime's threads: reading a file is seconds of computing. Which thread reads which file changes nothing.
async fn read_files(
    reports: &ReportsBucket,
    mut files: Vec<Pinned>,
    keys: TagKeys,
    month: Month,
) -> Result<LineSums, CostReportError> {
    let readers = thread::available_parallelism().map_or(1, NonZero::get).min(MAX_READERS).min(files.len());
    files.reverse();
    let (reports, runtime) = (reports.clone(), Handle::current());
    let (waiting, sums) = (Mutex::new(files), Mutex::new(LineSums::new(month)));
    let reading = Arc::new(Reading { reports, keys, waiting, sums, runtime });
    let handles: Vec<_> = (0..readers)
        .map(|_| {
            let reading = Arc::clone(&reading);
            tokio::task::spawn_blocking(move || reading.work())
        })
        .collect();
    let mut first_error = None;
    for handle in handles {
        let done = handle.await.unwrap_or_else(|source| Err(CostReportError::Interrupted { source }));
        first_error = first_error.or(done.err());
    }
    match (first_error, Arc::into_inner(reading)) {
        (Some(error), _) => Err(error),
        (None, Some(reading)) => Ok(reading.sums.into_inner().unwrap_or_else(PoisonError::into_inner)),
        (None, None) => Err(CostReportError::Unfinished),
    }
}

impl Reading {
    /// Reads files until none is left. After an error nobody begins another one.
    fn work(&self) -> Result<(), CostReportError> {
        let next = || self.waiting.lock().unwrap_or_else(PoisonError::into_inner).pop();
        while let Some(pinned) = next() {
            let file = self.reports.open(&pinned, self.runtime.clone());
            let read = match pinned.file.format {
                FileFormat::Parquet => read_parquet(&file, &self.keys, &self.sums),
                FileFormat::Csv => read_csv(&file, &self.keys, &self.sums),
            };
            match read {
                Ok(counts) => self.sums.lock().unwrap_or_else(PoisonError::into_inner).count(&counts),
                Err(error) => {
                    self.waiting.lock().unwrap_or_else(PoisonError::into_inner).clear();
                    return Err(CostReportError::of_file(&pinned.file.key, error));
                }
            }
        }
        Ok(())
    }
}

fn roll_up(sums: &LineSums, allocations: &Allocations) -> Result<ScopeRollups, CostReportError> {
    let mut rollups = ScopeRollups::new(sums.month());
    let mut current: Option<(u32, Target)> = None;
    for (number, day, amounts) in sums.costs() {
        let target = match &mut current {
            Some((place, target)) if *place == number => target,
            _ => {
                let place = sums.place(number);
                let dimensions = Dimensions {
                    service: sums.name(place.service).to_owned(),
                    region: sums.name(place.resource.region).to_owned(),
                    account: sums.name(place.resource.account).to_owned(),
                    environment: sums.said(place.tags.environment).map(str::to_owned),
                    attribution: Attribution::Unallocated(Unallocated::UnresolvedResource),
                    owner: None,
                    currency: place.currency,
                };
                let target = rollups.target(&dimensions, &allocations.of(sums, &place));
                &mut current.insert((number, target)).1
            }
        };
        rollups.add_to(target, day, &amounts).map_err(CostReportError::Sum)?;
    }
    Ok(rollups)
}
