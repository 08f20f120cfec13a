//! Scopes and months -> rollups of the generations that count, or their costs in groups, from bounded caches. One answer reads of
//! one set of heads; what a generation says of a scope never changes.

use std::collections::BTreeSet;
use std::hash::Hash;
use std::num::NonZeroUsize;
use std::sync::Arc;

use catalog_store::{CatalogStore, RollupHead};
use cost_model::actions::Evidence;
use cost_model::insights::Known;
use cost_model::{CostQuery, Currency, Dimension, Granularity, GroupedCosts, Month, Rollup, Scope};
use delivery::api::ApiError;
use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use jiff::civil::Date;
use lru::LruCache;
use tokio::sync::Mutex;
use tracing::error;

use super::too_large;
use crate::answers::unavailable;

/// How old the heads may be that an answer reads by. A generation is read for a day after it was replaced.
const MAX_HEADS_AGE_MS: i64 = 1_000;

/// Cells of all rollups in the cache, of 64 bytes each and their rows beside them: some 110 MB.
const MAX_CELLS: usize = 1_500_000;

/// Cells of all costs in groups: some 80 MB.
const MAX_GROUPED_CELLS: usize = 1_000_000;

/// Of an entry beside its cells, and of the memory that a scope has none.
const CELLS_PER_ENTRY: usize = 8;

/// Of the names of a group.
const CELLS_PER_GROUP: usize = 4;

/// Bodies of evidence in memory: two months of two bills, of some megabytes each.
const MAX_EVIDENCE: NonZeroUsize = NonZeroUsize::MIN.saturating_add(3);

/// What a generation keeps of single resources lies beside its rollups, under a key that is no scope.
const EVIDENCE: &str = "evidence";

const CONCURRENT_READS: usize = 16;
/// Of a bill of ten million lines, a month of `all` is 32 MB of JSON, and more when it is decoded.
const CONCURRENT_WHOLE_BILLS: usize = 3;

/// The currency that numbers are of where there are several and none is asked for.
const PREFERRED_CURRENCY: &str = "USD";

#[derive(Debug)]
pub(crate) struct Rollups {
    heads: Mutex<Option<(Timestamp, Arc<Heads>)>>,
    rollups: Mutex<Cache<Key, Rollup>>,
    /// What `/api/costs` is asked for by: a question looks at no more of a bill than it answers.
    grouped: Mutex<Cache<GroupedKey, GroupedCosts>>,
    evidence: Mutex<KnownEvidence>,
}

/// By month and generation; none of a bill that has none.
type KnownEvidence = LruCache<(Month, String), Option<Arc<Evidence>>>;

impl Default for Rollups {
    fn default() -> Self {
        Self {
            heads: Mutex::default(),
            rollups: Mutex::new(Cache::of_cells(MAX_CELLS)),
            grouped: Mutex::new(Cache::of_cells(MAX_GROUPED_CELLS)),
            evidence: Mutex::new(LruCache::new(MAX_EVIDENCE)),
        }
    }
}

/// Which generations count, at one moment: all that one answer goes by.
#[derive(Debug)]
pub(crate) struct Heads {
    all: Vec<(String, Month, RollupHead)>,
}

/// Scope, month, generation.
type Key = (String, Month, String);

type GroupedKey = (Key, BTreeSet<Dimension>, Granularity);

#[derive(Debug)]
struct Cache<K: Eq + Hash, V> {
    /// None: the scope has no cost in the generation.
    entries: LruCache<K, Option<Arc<V>>>,
    cells: usize,
    max_cells: usize,
}

/// What is kept in a cache that counts cells.
trait Cells {
    fn cells(&self) -> usize;
}

impl Cells for Rollup {
    fn cells(&self) -> usize {
        self.len()
    }
}

impl Cells for GroupedCosts {
    fn cells(&self) -> usize {
        let (groups, cells) = self.size();
        groups * CELLS_PER_GROUP + cells
    }
}

impl Rollups {
    /// The heads, a second old at most.
    pub(crate) async fn heads(&self, store: &CatalogStore, now: Timestamp) -> Result<Arc<Heads>, ApiError> {
        let mut polled = self.heads.lock().await;
        if let Some((at, heads)) = &*polled
            && (0..MAX_HEADS_AGE_MS).contains(&now.duration_since(*at).as_millis().try_into().unwrap_or(i64::MAX))
        {
            return Ok(Arc::clone(heads));
        }
        let all = store.heads().await.map_err(unavailable)?;
        let all = all.into_iter().filter_map(|(export, month, head)| match month.parse() {
            Ok(month) => Some((export, month, head)),
            Err(source) => {
                error!(error = %source, export, "a head is not of a month");
                None
            }
        });
        let heads = Arc::new(Heads { all: all.collect() });
        *polled = Some((now, Arc::clone(&heads)));
        Ok(heads)
    }

    /// The rollups of one scope, of every report of these months, the oldest month first.
    pub(crate) async fn of(
        &self,
        scope: &Scope,
        months: &[Month],
        heads: &Heads,
        store: &CatalogStore,
    ) -> Result<Vec<Arc<Rollup>>, ApiError> {
        self.of_all(std::slice::from_ref(scope), months, heads, store).await
    }

    /// Of several scopes, scope by scope.
    pub(crate) async fn of_all(
        &self,
        scopes: &[Scope],
        months: &[Month],
        heads: &Heads,
        store: &CatalogStore,
    ) -> Result<Vec<Arc<Rollup>>, ApiError> {
        let keys = heads.keys(scopes, months);
        let rollups: Vec<Option<Arc<Rollup>>> = stream::iter(keys.into_iter().map(|key| self.one(key, store)))
            .buffered(concurrent_reads(scopes))
            .try_collect()
            .await?;
        Ok(rollups.into_iter().flatten().collect())
    }

    /// The same rollups as the query groups them.
    pub(crate) async fn grouped(
        &self,
        scopes: &[Scope],
        months: &[Month],
        query: &CostQuery,
        heads: &Heads,
        store: &CatalogStore,
    ) -> Result<Vec<Arc<GroupedCosts>>, ApiError> {
        let grouped_key = |key: Key| {
            let granularity = query.granularity_of(key.1);
            (key, query.by.clone(), granularity)
        };
        let keys = heads.keys(scopes, months).into_iter().map(grouped_key);
        let grouped: Vec<Option<Arc<GroupedCosts>>> = stream::iter(keys.map(|key| self.one_grouped(key, store)))
            .buffered(concurrent_reads(scopes))
            .try_collect()
            .await?;
        Ok(grouped.into_iter().flatten().collect())
    }

    /// Those of the scopes that are in no bill of these months. A newer month is asked first, and a scope that is in it no more.
    pub(crate) async fn without_costs(
        &self,
        scopes: impl Iterator<Item = Scope>,
        months: &[Month],
        heads: &Heads,
        store: &CatalogStore,
    ) -> Result<BTreeSet<String>, ApiError> {
        let mut left: BTreeSet<String> = scopes.map(|scope| scope.to_string()).collect();
        for (month, generation) in heads.generations(months).into_iter().rev() {
            let found = store.scopes_with_rollups(&left, &month.to_string(), generation).await.map_err(unavailable)?;
            left.retain(|scope| !found.contains(scope));
        }
        Ok(left)
    }

    /// What the reports of these months show of single resources; the oldest month last. A bill without any has none.
    pub(crate) async fn evidence(
        &self,
        months: &[Month],
        heads: &Heads,
        store: &CatalogStore,
    ) -> Result<Vec<Arc<Evidence>>, ApiError> {
        let mut all = Vec::new();
        for (month, generation) in heads.generations(months).into_iter().rev() {
            let key = (month, generation.to_owned());
            if let Some(known) = self.evidence.lock().await.get(&key) {
                all.extend(known.clone());
                continue;
            }
            let body = store.rollups(EVIDENCE, &month.to_string(), generation).await.map_err(unavailable)?;
            let evidence = body.map(Evidence::from_json).transpose().map_err(|source| {
                error!(error = %delivery::describe(&source), generation, "stored evidence cannot be read");
                ApiError::internal()
            })?;
            let evidence = evidence.map(Arc::new);
            self.evidence.lock().await.push(key, evidence.clone());
            all.extend(evidence);
        }
        Ok(all)
    }

    async fn one_grouped(&self, key: GroupedKey, store: &CatalogStore) -> Result<Option<Arc<GroupedCosts>>, ApiError> {
        if let Some(known) = self.grouped.lock().await.entries.get(&key) {
            return Ok(known.clone());
        }
        let (of, by, granularity) = &key;
        let rollup = self.one(of.clone(), store).await?;
        let grouped = rollup.map(|rollup| rollup.by(by, *granularity).map(Arc::new)).transpose().map_err(too_large)?;
        self.grouped.lock().await.keep(key, grouped.clone());
        Ok(grouped)
    }

    async fn one(&self, key: Key, store: &CatalogStore) -> Result<Option<Arc<Rollup>>, ApiError> {
        if let Some(known) = self.rollups.lock().await.entries.get(&key) {
            return Ok(known.clone());
        }
        let (scope, month, generation) = &key;
        let body = store.rollups(scope, &month.to_string(), generation).await.map_err(unavailable)?;
        let rollup = body.map(Rollup::from_json).transpose().map_err(|source| {
            error!(error = %delivery::describe(&source), scope, "a stored rollup cannot be read");
            ApiError::internal()
        })?;
        let rollup = rollup.map(Arc::new);
        self.rollups.lock().await.keep(key, rollup.clone());
        Ok(rollup)
    }
}

fn concurrent_reads(scopes: &[Scope]) -> usize {
    if scopes.contains(&Scope::All) { CONCURRENT_WHOLE_BILLS } else { CONCURRENT_READS }
}

impl<K: Eq + Hash, V: Cells> Cache<K, V> {
    fn of_cells(max_cells: usize) -> Self {
        Self { entries: LruCache::unbounded(), cells: 0, max_cells }
    }

    fn keep(&mut self, key: K, value: Option<Arc<V>>) {
        self.cells += Self::cells(value.as_deref());
        if let Some((_, replaced)) = self.entries.push(key, value) {
            self.cells -= Self::cells(replaced.as_deref());
        }
        while self.cells > self.max_cells
            && let Some((_, oldest)) = self.entries.pop_lru()
        {
            self.cells -= Self::cells(oldest.as_deref());
        }
    }

    fn cells(value: Option<&V>) -> usize {
        CELLS_PER_ENTRY + value.map_or(0, Cells::cells)
    }
}

impl Heads {
    /// Scope by scope, the oldest month first.
    fn keys(&self, scopes: &[Scope], months: &[Month]) -> Vec<Key> {
        let generations = self.generations(months);
        let of_scope = |scope: String| {
            let generations = generations.iter();
            generations.map(move |(month, generation)| (scope.clone(), *month, (*generation).to_owned()))
        };
        scopes.iter().map(ToString::to_string).flat_map(of_scope).collect()
    }

    /// Month and generation of every bill of these months.
    pub(crate) fn generations(&self, months: &[Month]) -> BTreeSet<(Month, &str)> {
        let of_months = self.all.iter().filter(|(_, month, _)| months.contains(month));
        of_months.map(|(_, month, head)| (*month, head.generation.as_str())).collect()
    }

    /// Every month that there is a report of, in order.
    pub(crate) fn months(&self) -> BTreeSet<Month> {
        self.all.iter().map(|(_, month, _)| *month).collect()
    }

    pub(crate) fn known(&self) -> Known {
        let day = |head: &RollupHead| head.last_complete_day.as_ref().and_then(|day| day.parse::<Date>().ok());
        Known::of(self.all.iter().map(|(export, month, head)| (export.as_str(), *month, day(head))))
    }

    /// US dollars if there are any, else the first by name of those that there are.
    pub(crate) fn main_currency(&self) -> Option<Currency> {
        let totals = self.all.iter().filter_map(|(_, _, head)| head.totals.as_object());
        let names: BTreeSet<&str> = totals.flat_map(|totals| totals.keys()).map(String::as_str).collect();
        let preferred = names.get(PREFERRED_CURRENCY).or_else(|| names.first());
        preferred.and_then(|name| name.parse().ok()).or_else(|| PREFERRED_CURRENCY.parse().ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(scope: &str) -> Key {
        (scope.to_owned(), "2026-10".parse().unwrap(), "g".to_owned())
    }

    #[test]
    fn the_cache_holds_so_many_cells_and_lets_the_oldest_go() {
        let most = 1_000;
        let mut cache: Cache<Key, Rollup> = Cache::of_cells(most * CELLS_PER_ENTRY);
        for at in 0..most + 10 {
            cache.keep(key(&at.to_string()), None);
        }
        assert_eq!((cache.entries.len(), cache.cells), (most, most * CELLS_PER_ENTRY));
        assert!(cache.entries.peek(&key("9")).is_none() && cache.entries.peek(&key("10")).is_some());
        // Kept again, it counts once.
        cache.keep(key("10"), None);
        assert_eq!(cache.cells, most * CELLS_PER_ENTRY);
    }
}
