//! An action -> the index compared, or made anew.

use std::time::Duration;

use aws_config::SdkConfig;
use catalog_follow::{Begins, WholeIndex};
use catalog_store::{CatalogStore, StoreError};
use config_aggregator::ConfigAggregator;
use jiff::Timestamp;
use lambda_runtime::Error;
use serde::{Deserialize, Serialize};
use tracing::{error, info, instrument, warn};

use crate::report::{Difference, Report};
use crate::scan::index_of_records;
use crate::sweep::{SweepAnswer, SweepEvent, sweep};
use crate::{Settings, SweepSettings, comparison};

/// The name under which the function counts.
const SOURCE: &str = "catalog-reconcile";

/// How often and how long it waits for the stream, should the records be ahead of the log.
const PATIENCE: u32 = 6;
const WAIT: Duration = Duration::from_secs(5);

/// Lambda gives 15 minutes: a page, its repairs and the end of a sweep must fit into the rest.
const RUN_FOR: Duration = Duration::from_secs(10 * 60);

/// Each time, the index was compacted or rebuilt by somebody else meanwhile.
const MAX_FLIPS: u32 = 5;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum Action {
    /// Make the index anew, compare, and replace the one that counts if it is another.
    Compare,
    /// Make it anew if it cannot be followed, or was made by other rules.
    RebuildIfNeeded,
    /// Make it anew.
    Rebuild,
}

/// What the function is invoked with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum Event {
    Compare,
    RebuildIfNeeded,
    Rebuild,
    /// Compare the records with Config's aggregator, and mend them.
    Sweep(SweepEvent),
}

/// What it answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Answer {
    Index(Report),
    Sweep(SweepAnswer),
}

/// What the handler is connected to.
#[derive(Debug)]
pub struct Deps {
    store: CatalogStore,
    wait: Duration,
    aggregator: Option<ConfigAggregator>,
    sweep: SweepSettings,
    /// A sweep begins nothing new after that.
    run_for: Duration,
}

impl Deps {
    /// `aggregator`: the one that the settings name.
    pub fn connect(config: &SdkConfig, settings: &Settings, aggregator: Option<ConfigAggregator>) -> Self {
        let store = CatalogStore::connect(config, &settings.table_name, &settings.catalog_bucket);
        Self { aggregator, sweep: settings.sweep.clone(), ..Self::of_store(store, WAIT) }
    }

    /// `wait`: between two looks at the log.
    pub fn of_store(store: CatalogStore, wait: Duration) -> Self {
        Self { store, wait, aggregator: None, sweep: SweepSettings::default(), run_for: RUN_FOR }
    }
}

/// Does what an event asks for.
///
/// # Errors
/// Those of [`handle`] and [`sweep`].
pub async fn invoke(event: Event, deps: &Deps, now: Timestamp) -> Result<Answer, Error> {
    let action = match event {
        Event::Compare => Action::Compare,
        Event::RebuildIfNeeded => Action::RebuildIfNeeded,
        Event::Rebuild => Action::Rebuild,
        Event::Sweep(event) => {
            let Some(aggregator) = &deps.aggregator else { return Ok(Answer::Sweep(SweepAnswer::no_aggregator())) };
            let answer = sweep(event, &deps.store, aggregator, &deps.sweep, now, deps.run_for);
            return Ok(Answer::Sweep(Box::pin(answer).await?));
        }
    };
    handle(action, deps, now).await.map(Answer::Index)
}

/// Carries out an action.
///
/// # Errors
/// Fails if table or bucket cannot be used now. Nothing is half done: the next run begins anew.
#[instrument(skip_all, fields(?action))]
pub async fn handle(action: Action, deps: &Deps, now: Timestamp) -> Result<Report, Error> {
    // Boxed: the compiler's limits on nested futures.
    let report = match action {
        Action::Compare => Box::pin(compare(deps, now)).await?,
        Action::RebuildIfNeeded => match Box::pin(trouble(&deps.store)).await? {
            Some(reason) => Box::pin(rebuild(&deps.store, Some(reason), now)).await?,
            None => Report::default(),
        },
        Action::Rebuild => Box::pin(rebuild(&deps.store, None, now)).await?,
    };
    let now_ms = u64::try_from(now.as_millisecond()).unwrap_or_default();
    let wrong = report.difference.as_ref().map_or(0, differences);
    let counts = [("scanned", report.records), ("differences", wrong), ("rebuilds", u64::from(report.rebuilt))];
    if counts.iter().any(|(_, count)| *count > 0)
        && let Err(error) = deps.store.count(SOURCE, &counts, now_ms).await
    {
        warn!(error = %delivery::describe(&error), "could not count a run");
    }
    Ok(report)
}

fn differences(difference: &Difference) -> u64 {
    let Difference { missing, extra, different, .. } = difference;
    // Who claims a name is in no entity's rows.
    (missing.count + extra.count + different.count).max(1)
}

/// Why the index cannot be used as it is.
async fn trouble(store: &CatalogStore) -> Result<Option<String>, StoreError> {
    let whole = match catalog_follow::index_state(store).await {
        Ok(state) => WholeIndex::read(&state, store).await,
        Err(error) => Err(error),
    };
    match whole {
        Ok(whole) => Ok(reason_of(&whole)),
        Err(StoreError::RebuildNeeded(reason)) => Ok(Some(delivery::describe(&*reason))),
        Err(error) => Err(error),
    }
}

fn reason_of(whole: &WholeIndex) -> Option<String> {
    let progress = whole.progress();
    let other_rules = || "its rows were made by other rules than this build's".to_owned();
    let defect = progress.defect.as_ref().map(ToString::to_string);
    defect.or_else(|| (!progress.has_own_rules()).then(other_rules))
}

async fn compare(deps: &Deps, now: Timestamp) -> Result<Report, StoreError> {
    let store = &deps.store;
    let (mut rebuilt, records) = index_of_records(store, now).await?;
    let maintained = match catalog_follow::index_state(store).await {
        Ok(state) => WholeIndex::read(&state, store).await,
        Err(error) => Err(error),
    };
    let mut maintained = match maintained {
        Ok(maintained) => maintained,
        Err(StoreError::RebuildNeeded(reason)) => {
            return replace(rebuilt, records, Some(delivery::describe(&*reason)), store, now).await;
        }
        Err(error) => return Err(error),
    };
    if let Some(reason) = reason_of(&maintained) {
        return replace(rebuilt, records, Some(reason), store, now).await;
    }
    let mut found = None;
    for tries in 0..PATIENCE {
        // A record may have been scanned before its row was in the log.
        if tries > 0 {
            tokio::time::sleep(deps.wait).await;
        }
        rebuilt.read_on(store).await?;
        while rebuilt.progress().seq != maintained.progress().seq {
            let is_behind = maintained.progress().seq < rebuilt.progress().seq;
            (if is_behind { &mut maintained } else { &mut rebuilt }).read_on(store).await?;
        }
        found = comparison::difference(&maintained, &rebuilt)?;
        if found.is_none() {
            let (entities, seq) = (rebuilt.catalog().len() as u64, rebuilt.progress().seq);
            info!(records, entities, seq, "the index says what the records say");
            return Ok(Report { records, entities, seq, ..Report::default() });
        }
    }
    let Difference { blocks, missing, extra, different } = found.clone().unwrap_or_default();
    error!(
        ?blocks,
        missing = missing.count,
        extra = extra.count,
        different = different.count,
        first = ?(missing.first.first(), extra.first.first(), different.first.first()),
        "the index does not say what the records say"
    );
    let reason = Some("it differed from the records".to_owned());
    Ok(Report { difference: found, ..replace(rebuilt, records, reason, store, now).await? })
}

async fn rebuild(store: &CatalogStore, reason: Option<String>, now: Timestamp) -> Result<Report, StoreError> {
    let (rebuilt, records) = index_of_records(store, now).await?;
    replace(rebuilt, records, reason, store, now).await
}

/// Makes the index that the records make the one that counts.
async fn replace(
    mut rebuilt: WholeIndex,
    records: u64,
    reason: Option<String>,
    store: &CatalogStore,
    now: Timestamp,
) -> Result<Report, StoreError> {
    for _ in 0..MAX_FLIPS {
        let (pointer, content) = rebuilt.segment(Begins::Generation, now)?;
        store.put_segment(&pointer.hash, content).await?;
        if store.flip_to_rebuilt(&pointer).await? {
            info!(records, seq = pointer.seq, segment = pointer.hash, reason, "rebuilt the index");
            let (entities, seq) = (pointer.entities, pointer.seq);
            return Ok(Report { records, entities, seq, reason, rebuilt: true, difference: None });
        }
        // A compaction went further meanwhile: this one must know as much of the log.
        rebuilt.read_on(store).await?;
    }
    Err(StoreError::Contended { what: "the pointer of the index".to_owned(), tries: MAX_FLIPS })
}
