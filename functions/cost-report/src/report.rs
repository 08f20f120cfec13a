//! One manifest -> the month's rollups, or the reason why there are none.

use billing_report::{FileFormat, ReadCounts, ReportError, read_csv, read_parquet};
use bytes::Bytes;
use cost_model::{Allocation, Attribution, Cell, Dimensions, ScopeRollups, Unallocated};
use delivery::s3_notification::ObjectEvent;
use jiff::Timestamp;
use tracing::{info, instrument, warn};

use crate::allocations::allocations;
use crate::error::CostReportError;
use crate::handler::Deps;
use crate::publish::{Generation, publish, standing};
use crate::reports_bucket::Pinned;
use crate::sums::{Carrier, LineSums, MAX_GROUPS};

/// What became of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Published,
    /// This very delivery is the one that counts.
    Duplicate,
    /// A newer delivery of the month counts.
    Stale,
}

/// Takes the report that the manifest at `event.key` announces. The manifest may be newer than the event: it is the one
/// that counts.
#[instrument(skip_all, fields(s3.key = %event.key))]
pub(crate) async fn take(event: &ObjectEvent, deps: &Deps, now: Timestamp) -> Result<Outcome, CostReportError> {
    let announced = deps.reports.manifest(&event.key).await?;
    let generation = Generation::of(&announced, event.event_time);
    let month = announced.manifest.month;
    if let Some(outcome) = standing(&deps.store, &announced.manifest, &generation, now).await? {
        info!(month = %month, generation = %generation, ?outcome, "the report changes nothing");
        return Ok(outcome);
    }
    let pinned = deps.reports.pin(&announced.manifest.files).await?;
    let mut sums = LineSums::new(month);
    for file in &pinned {
        let body = deps.reports.read(file).await?;
        sums = add_file(sums, file, body).await?;
        if sums.is_full() {
            return Err(CostReportError::TooManyCosts { limit: MAX_GROUPS });
        }
    }
    deps.reports.check_unchanged(&pinned).await?;
    let rollups = roll_up(deps, &sums).await?;
    rollups.check(&sums.bill).map_err(CostReportError::SumsDiffer)?;
    let outcome = publish(&deps.store, &announced.manifest, &generation, &rollups, &sums, now).await?;
    let ReadCounts { lines, split, rounded, without_commitment_columns, unknown_types } = &sums.counts;
    info!(month = %month, files = pinned.len(), lines, split, rounded, ?outcome, "took a cost report");
    if *without_commitment_columns > 0 || !unknown_types.is_empty() {
        warn!(without_commitment_columns, ?unknown_types, "some lines count as unblended in every metric");
    }
    Ok(outcome)
}

/// Off the runtime's threads: reading a file is seconds of pure computing.
async fn add_file(mut sums: LineSums, file: &Pinned, body: Bytes) -> Result<LineSums, CostReportError> {
    let (key, format) = (file.file.key.clone(), file.file.format);
    let read = tokio::task::spawn_blocking(move || {
        let counts = match format {
            FileFormat::Parquet => read_parquet(body, |item| sums.add(item))?,
            FileFormat::Csv => read_csv(&body, |item| sums.add(item))?,
        };
        sums.count(counts);
        Ok::<_, ReportError>(sums)
    });
    match read.await {
        Ok(sums) => sums.map_err(|source| CostReportError::Report { key, source }),
        Err(source) => Err(CostReportError::Interrupted { key, source }),
    }
}

async fn roll_up(deps: &Deps, sums: &LineSums) -> Result<ScopeRollups, CostReportError> {
    let allocations = allocations(&deps.store, sums).await.map_err(CostReportError::Store)?;
    let mut rollups = ScopeRollups::new(sums.month());
    for (group, amounts) in sums.groups() {
        let allocation = match group.carrier {
            Carrier::Resource(resource) => allocations.get(&resource).cloned(),
            Carrier::Nobody(reason) => Some(Allocation::to_nobody(reason)),
        };
        let allocation = allocation.unwrap_or_else(|| Allocation::to_nobody(Unallocated::UnresolvedResource));
        let dimensions = Dimensions {
            service: sums.name(group.service).to_owned(),
            region: sums.name(group.region).to_owned(),
            account: sums.name(group.account).to_owned(),
            environment: group.environment.map(|environment| sums.name(environment).to_owned()),
            attribution: Attribution::Unallocated(Unallocated::UnresolvedResource),
            owner: None,
            currency: group.currency,
        };
        let cell = Cell { day: group.day, dimensions, amounts: *amounts };
        rollups.add(&cell, &allocation).map_err(CostReportError::Sum)?;
    }
    Ok(rollups)
}
