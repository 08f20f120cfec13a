//! One account, or one type of a large one: all its items read, compared and mended.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use catalog_model::{Applied, Identity};
use catalog_store::{CatalogStore, StoreError};
use config_aggregator::{AggregatorError, ConfigAggregator, CountBy, ItemKey, Scope};
use config_item::observed_account;
use futures::{StreamExt, TryStreamExt, stream};
use serde_json::Value;
use tokio::time::Instant;
use tracing::warn;

use super::compare::{Seen, Verdict, seen, verdict};
use super::known::{Catalog, Standing};
use super::repair;
use super::report::{Drift, Finding, Problem};
use super::state::{Sweep, Unit};
use crate::SweepSettings;

/// Records that are written at once.
const CONCURRENT_REPAIRS: usize = 16;

/// How far behind its accounts an aggregator may be: what was captured later than so long before a sweep began is not
/// missed by it.
const MAX_AGGREGATOR_LAG_MS: u64 = 10 * 60 * 1000;

/// What a sweep works with.
#[derive(Debug)]
pub(crate) struct Work<'a> {
    pub(crate) store: &'a CatalogStore,
    pub(crate) aggregator: &'a ConfigAggregator,
    pub(crate) catalog: &'a Catalog,
    /// Named in the fragments that are written: `reconcile <when the sweep began>`.
    pub(crate) delivery: String,
    pub(crate) now_ms: u64,
    pub(crate) settings: &'a SweepSettings,
    /// Nothing is begun any more after that.
    pub(crate) until: Instant,
}

/// What became of a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Done {
    Read,
    /// It is too large: these are to do instead.
    Split(Vec<Unit>),
    /// It was not read to its end. The text is why.
    Failed {
        reason: String,
        is_refusal: bool,
    },
    /// The invocation is over before it.
    OutOfTime,
}

/// What was read of a unit.
#[derive(Debug, Default)]
struct Reading {
    seen: HashSet<Identity>,
    /// How many of them, by region and type.
    rows: BTreeMap<(String, String), u64>,
    /// Of an item that the catalog did not have as it is.
    partition: Option<String>,
    /// By type in lower case: Config and the tables spell some types differently.
    seen_of_type: BTreeMap<String, u64>,
    /// Types of which an item could not be read.
    doubtful: BTreeSet<String>,
    /// Items could not be read that may be of any type.
    is_doubtful: bool,
}

enum Trouble {
    Aggregator(AggregatorError),
    Store(StoreError),
    OutOfTime,
}

/// Does one unit. An error of the aggregator is the unit's own; one of the catalog ends the invocation.
///
/// # Errors
/// Fails if the catalog cannot be written now.
pub(crate) async fn run(unit: &Unit, work: &Work<'_>, sweep: &mut Sweep) -> Result<Done, StoreError> {
    let failed =
        |error: &AggregatorError| Done::Failed { reason: delivery::describe(error), is_refusal: error.is_refusal() };
    let Unit { account, resource_type } = unit;
    let before = match counts(unit, work.aggregator).await {
        Ok(counts) => counts,
        Err(error) => return Ok(failed(&error)),
    };
    if resource_type.is_none() && before.values().sum::<u64>() > work.settings.max_unit_items {
        return Ok(Done::Split(split(account, before.keys(), work.catalog)));
    }
    let scope = Scope { account, resource_type: resource_type.as_deref() };
    let mut reading = match read_twice(scope, work, &mut sweep.drift).await {
        Ok(reading) => reading,
        Err(Trouble::Aggregator(error)) => return Ok(failed(&error)),
        Err(Trouble::Store(error)) => return Err(error),
        Err(Trouble::OutOfTime) => return Ok(Done::OutOfTime),
    };
    if let Some(partition) = reading.partition.take() {
        // As with the first event of an account: where something was missing, its entity may be too.
        if let Some((key, fragment)) = observed_account(&partition, account, &work.delivery) {
            work.store.apply(&key, &fragment, work.now_ms).await?;
        }
    }
    for ((region, resource_type), count) in std::mem::take(&mut reading.rows) {
        sweep.drift.row(account, &region, &resource_type).seen += count;
    }
    let mut short = reading.short_of(&before);
    if !short.is_empty() {
        // What went while the pages were read is no gap in them.
        let after = match counts(unit, work.aggregator).await {
            Ok(counts) => counts,
            Err(error) => return Ok(failed(&error)),
        };
        let still = reading.short_of(&after);
        short.retain(|name, _| still.contains_key(name));
    }
    for (name, gap) in &short {
        sweep.drift.problem(Problem {
            account: account.clone(),
            region: None,
            resource_type: Some(name.clone()),
            reason: "the aggregator counts more of them than its pages hold: none of the type is missed".to_owned(),
            count: *gap,
        });
        reading.doubtful.insert(name.to_ascii_lowercase());
    }
    if reading.is_doubtful || !reading.doubtful.is_empty() {
        sweep.drift.incomplete.insert(unit.name());
    }
    note_unseen(unit, &reading, work, sweep);
    Ok(Done::Read)
}

/// How many of each type there are, as the aggregator spells types.
async fn counts(unit: &Unit, aggregator: &ConfigAggregator) -> Result<BTreeMap<String, u64>, AggregatorError> {
    let mut counts = aggregator.counts(CountBy::TypeOf { account: &unit.account }).await?;
    if let Some(wanted) = &unit.resource_type {
        counts.retain(|name, _| name.eq_ignore_ascii_case(wanted));
    }
    Ok(counts)
}

fn split<'a>(account: &str, counted: impl Iterator<Item = &'a String>, catalog: &Catalog) -> Vec<Unit> {
    let mut types: BTreeMap<String, String> = BTreeMap::new();
    let known = catalog.types_of(account).into_iter().map(ToOwned::to_owned).filter(|name| !name.is_empty());
    for name in known.chain(counted.cloned()) {
        // The aggregator's own spelling is the one that its queries know.
        types.insert(name.to_ascii_lowercase(), name);
    }
    types.into_values().map(|name| Unit { account: account.to_owned(), resource_type: Some(name) }).collect()
}

/// Reads all pages; once more from the first one if the chain of pages broke off. What was mended by then stays so.
async fn read_twice(scope: Scope<'_>, work: &Work<'_>, drift: &mut Drift) -> Result<Reading, Trouble> {
    match read(scope, work, drift).await {
        Err(Trouble::Aggregator(error)) if error.is_expired_token() => {
            warn!(account = scope.account, "a chain of pages broke off, and is read again");
            read(scope, work, drift).await
        }
        outcome => outcome,
    }
}

async fn read(scope: Scope<'_>, work: &Work<'_>, drift: &mut Drift) -> Result<Reading, Trouble> {
    let mut reading = Reading::default();
    let mut token = None;
    loop {
        if Instant::now() >= work.until {
            return Err(Trouble::OutOfTime);
        }
        let page = work.aggregator.page(scope, token).await.map_err(Trouble::Aggregator)?;
        if page.unreadable > 0 {
            reading.is_doubtful = true;
            drift.problem(Problem {
                account: scope.account.to_owned(),
                region: None,
                resource_type: scope.resource_type.map(ToOwned::to_owned),
                reason: "results of the aggregator are no JSON".to_owned(),
                count: page.unreadable,
            });
        }
        let mut wrong = Vec::new();
        for value in &page.items {
            wrong.extend(take_in(value, scope, work, &mut reading, drift));
        }
        reading.partition = wrong.first().map(|(seen, _)| seen.item.partition.clone()).or(reading.partition);
        mend(wrong, work, drift).await?;
        token = page.next;
        if token.is_none() {
            return Ok(reading);
        }
    }
}

/// Notes an item as seen, and returns it if the catalog has it wrong.
fn take_in(
    value: &Value,
    scope: Scope<'_>,
    work: &Work<'_>,
    reading: &mut Reading,
    drift: &mut Drift,
) -> Option<(Seen, Verdict)> {
    let seen = match seen(value, &work.delivery, work.now_ms) {
        Ok(seen) => seen,
        Err(reason) => {
            let resource_type = value.get("resourceType").and_then(Value::as_str).map(ToOwned::to_owned);
            match &resource_type {
                Some(name) => {
                    reading.doubtful.insert(name.to_ascii_lowercase());
                    *reading.seen_of_type.entry(name.to_ascii_lowercase()).or_default() += 1;
                }
                None => reading.is_doubtful = true,
            }
            let account = scope.account.to_owned();
            drift.problem(Problem { account, region: None, resource_type, reason, count: 1 });
            return None;
        }
    };
    let verdict = verdict(&seen, work.catalog.get(&seen.identity));
    if !seen.is_live() && seen.own().is_some() {
        // A deletion that the aggregator still shows is no resource that it holds.
        return (verdict == Verdict::Stale).then_some((seen, verdict));
    }
    let item = &seen.item;
    *reading.seen_of_type.entry(item.resource_type.to_ascii_lowercase()).or_default() += 1;
    // A global resource comes from every region that records it.
    if reading.seen.insert(seen.identity.clone()) {
        *reading.rows.entry((item.region.clone(), item.resource_type.clone())).or_default() += 1;
    }
    // Of a type that is left out no record is made; one that is there from before is seen, and stays.
    let is_taken = work.settings.types.takes(&item.resource_type);
    (verdict != Verdict::Held && is_taken).then_some((seen, verdict))
}

/// Writes what is wrong, many at once. What somebody else has written meanwhile counts for nobody.
async fn mend(wrong: Vec<(Seen, Verdict)>, work: &Work<'_>, drift: &mut Drift) -> Result<(), Trouble> {
    let mended: Vec<(Seen, Result<Option<Finding>, String>)> = stream::iter(wrong)
        .map(async |(seen, verdict)| mend_one(seen, verdict, work).await)
        .buffer_unordered(CONCURRENT_REPAIRS)
        .try_collect()
        .await
        .map_err(Trouble::Store)?;
    for (seen, outcome) in mended {
        let place = (seen.item.account.as_str(), seen.item.region.as_str(), seen.item.resource_type.as_str());
        match outcome {
            Ok(Some(finding)) => drift.found(finding, place, &seen.identity),
            Ok(None) => {}
            Err(reason) => {
                drift.found(Finding::Refused, place, &seen.identity);
                let (account, region) = (place.0.to_owned(), Some(place.1.to_owned()));
                drift.problem(Problem { account, region, resource_type: Some(place.2.to_owned()), reason, count: 1 });
            }
        }
    }
    Ok(())
}

type Mended = (Seen, Result<Option<Finding>, String>);

async fn mend_one(mut seen: Seen, verdict: Verdict, work: &Work<'_>) -> Result<Mended, StoreError> {
    if seen.is_live() && seen.may_have_lost_tags(work.catalog.get(&seen.identity)) {
        match second_look(&seen, work).await {
            Ok(second) => seen = second,
            Err(reason) => return Ok((seen, Err(reason))),
        }
    }
    let write = async {
        match verdict {
            Verdict::Revived => repair::revive(work.store, &seen.identity, &seen.statements, work.now_ms).await,
            _ => repair::apply(work.store, &seen.identity, &seen.statements, work.now_ms).await,
        }
    };
    let became = match write.await {
        Ok(became) => became,
        Err(error) if error.is_retryable() => return Err(error),
        Err(error) => return Ok((seen, Err(delivery::describe(&error)))),
    };
    let finding = match verdict {
        _ if became != Applied::Applied => None,
        _ if !seen.is_live() => Some(Finding::Deleted),
        Verdict::Missing => Some(Finding::Missing),
        Verdict::Stale => Some(Finding::Stale),
        Verdict::Revived => Some(Finding::Revived),
        Verdict::Held => None,
    };
    Ok((seen, Ok(finding)))
}

/// Asks for the item alone, which comes with its tags: an owner is not taken away on the word of one answer.
async fn second_look(first: &Seen, work: &Work<'_>) -> Result<Seen, String> {
    let key = ItemKey {
        account: &first.item.account,
        region: &first.region,
        resource_type: &first.item.resource_type,
        resource_id: &first.item.resource_id,
    };
    let why = |reason: &str| format!("a page holds it without the tags that it has, and {reason}; it stays as it was");
    let item = match work.aggregator.get_item(key).await {
        Ok(Some(item)) => item,
        Ok(None) => return Err(why("it cannot be found by its id")),
        Err(error) => return Err(why(&format!("asked for alone: {}", delivery::describe(&error)))),
    };
    let second = seen(&item, &work.delivery, work.now_ms).map_err(|reason| why(&reason))?;
    let is_as_new = match (first.own(), second.own()) {
        (Some(first), Some(second)) => second.version.clock() >= first.version.clock(),
        _ => false,
    };
    if second.identity != first.identity || !is_as_new || !second.tells_tags {
        return Err(why("asked for alone it is another or older one, or has no tags told either"));
    }
    Ok(second)
}

/// Everything that the catalog holds of the unit and no page did.
fn note_unseen(unit: &Unit, reading: &Reading, work: &Work<'_>, sweep: &mut Sweep) {
    for (identity, known, _, resource_type) in work.catalog.live() {
        let is_of_unit = *known.account == *unit.account
            && unit.resource_type.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(resource_type));
        if !is_of_unit {
            continue;
        }
        if reading.seen.contains(identity) {
            sweep.suspects.remove(identity);
            continue;
        }
        let is_unrecorded = matches!(known.standing, Standing::Live { is_unrecorded: true, .. });
        let is_doubtful = reading.is_doubtful || reading.doubtful.contains(&resource_type.to_ascii_lowercase());
        let is_settled = known.version.major().saturating_add(MAX_AGGREGATOR_LAG_MS) <= sweep.began_ms;
        if !is_unrecorded && !is_doubtful && is_settled {
            sweep.unseen.insert(identity.clone(), known.version.clone());
        }
    }
}

impl Reading {
    /// Types of which fewer items came than were counted, and how many fewer.
    fn short_of(&self, counts: &BTreeMap<String, u64>) -> BTreeMap<String, u64> {
        let gap = |(name, count): (&String, &u64)| {
            let seen = self.seen_of_type.get(&name.to_ascii_lowercase()).copied().unwrap_or_default();
            (seen < *count).then(|| (name.clone(), count - seen))
        };
        counts.iter().filter_map(gap).collect()
    }
}
