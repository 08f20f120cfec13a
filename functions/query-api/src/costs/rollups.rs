//! Scopes and months -> rollups of the generations that count, from a bounded cache. One answer reads of one set of heads;
//! what a generation says of a scope never changes.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::sync::Arc;

use catalog_store::{CatalogStore, RollupHead};
use cost_model::actions::Evidence;
use cost_model::insights::Known;
use cost_model::{Currency, Month, Rollup, Scope};
use delivery::api::ApiError;
use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use jiff::civil::Date;
use lru::LruCache;
use tokio::sync::Mutex;
use tracing::error;

use crate::answers::unavailable;

/// How old the heads may be that an answer reads by. A generation is read for a day after it was replaced.
const MAX_HEADS_AGE_MS: i64 = 1_000;

/// Cells of all rollups in the cache: some 60 MB.
const MAX_CELLS: usize = 400_000;

/// Of a rollup beside its cells, and of the memory that a scope has none.
const CELLS_PER_ENTRY: usize = 8;

/// Bodies of evidence in memory: two months of two bills, of some megabytes each.
const MAX_EVIDENCE: NonZeroUsize = NonZeroUsize::MIN.saturating_add(3);

/// What a generation keeps of single resources lies beside its rollups, under a key that is no scope.
const EVIDENCE: &str = "evidence";

const CONCURRENT_READS: usize = 16;

/// The currency that numbers are of where there are several and none is asked for.
const PREFERRED_CURRENCY: &str = "USD";

#[derive(Debug)]
pub(crate) struct Rollups {
    heads: Mutex<Option<(Timestamp, Arc<Heads>)>>,
    cache: Mutex<Cache>,
    evidence: Mutex<KnownEvidence>,
}

/// By month and generation; none of a bill that has none.
type KnownEvidence = LruCache<(Month, String), Option<Arc<Evidence>>>;

impl Default for Rollups {
    fn default() -> Self {
        let (heads, cache) = (Mutex::default(), Mutex::default());
        Self { heads, cache, evidence: Mutex::new(LruCache::new(MAX_EVIDENCE)) }
    }
}

/// Which generations count, at one moment: all that one answer goes by.
#[derive(Debug)]
pub(crate) struct Heads {
    all: Vec<(String, Month, RollupHead)>,
}

/// Scope, month, generation.
type Key = (String, Month, String);

#[derive(Debug)]
struct Cache {
    /// None: the scope has no cost in the generation.
    entries: LruCache<Key, Option<Arc<Rollup>>>,
    cells: usize,
}

impl Default for Cache {
    fn default() -> Self {
        Self { entries: LruCache::unbounded(), cells: 0 }
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
        let generations = heads.generations(months);
        let mut keys: Vec<Key> = Vec::new();
        for scope in scopes.iter().map(ToString::to_string) {
            keys.extend(
                generations.iter().map(|(month, generation)| (scope.clone(), *month, (*generation).to_owned())),
            );
        }
        let rollups: Vec<Option<Arc<Rollup>>> = stream::iter(keys.into_iter().map(|key| self.one(key, store)))
            .buffered(CONCURRENT_READS)
            .try_collect()
            .await?;
        Ok(rollups.into_iter().flatten().collect())
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

    async fn one(&self, key: Key, store: &CatalogStore) -> Result<Option<Arc<Rollup>>, ApiError> {
        if let Some(known) = self.cache.lock().await.entries.get(&key) {
            return Ok(known.clone());
        }
        let (scope, month, generation) = &key;
        let body = store.rollups(scope, &month.to_string(), generation).await.map_err(unavailable)?;
        let rollup = body.map(Rollup::from_json).transpose().map_err(|source| {
            error!(error = %delivery::describe(&source), scope, "a stored rollup cannot be read");
            ApiError::internal()
        })?;
        let rollup = rollup.map(Arc::new);
        self.cache.lock().await.keep(key, rollup.clone());
        Ok(rollup)
    }
}

impl Cache {
    fn keep(&mut self, key: Key, rollup: Option<Arc<Rollup>>) {
        self.cells += cells(rollup.as_deref());
        if let Some((_, replaced)) = self.entries.push(key, rollup) {
            self.cells -= cells(replaced.as_deref());
        }
        while self.cells > MAX_CELLS
            && let Some((_, oldest)) = self.entries.pop_lru()
        {
            self.cells -= cells(oldest.as_deref());
        }
    }
}

fn cells(rollup: Option<&Rollup>) -> usize {
    CELLS_PER_ENTRY + rollup.map_or(0, |rollup| rollup.cells().count())
}

impl Heads {
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
        let mut cache = Cache::default();
        let most = MAX_CELLS / CELLS_PER_ENTRY;
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
