//! Identities -> stitched records, from a bounded cache that the index keeps honest: an entry counts only as long as the
//! index knows of nothing newer.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use catalog_model::{Identity, Record, RecordKey, Stitched, stitch};
use catalog_store::{CatalogStore, Read, StoreError};
use tokio::sync::Mutex;

use crate::live::LiveCatalog;

/// Entries at most: some 50 MB at 5 KB each.
const MAX_ENTRIES: usize = 10_000;

#[derive(Debug, Default)]
pub(crate) struct Documents {
    cache: Mutex<Cache>,
}

#[derive(Debug, Default)]
struct Cache {
    entries: HashMap<Identity, Entry>,
    by_use: BTreeMap<u64, Identity>,
    clock: u64,
}

#[derive(Debug)]
struct Entry {
    rv: u64,
    used: u64,
    stitched: Arc<Stitched>,
}

impl Documents {
    /// The stitched records, in the order of `identities`; `None` for what does not exist (any more). Every document is
    /// at least as new as the index.
    pub(crate) async fn get(
        &self,
        identities: &[Identity],
        live: &LiveCatalog,
        store: &CatalogStore,
    ) -> Result<Vec<Option<Arc<Stitched>>>, StoreError> {
        let known: Vec<u64> = {
            let catalog = live.read().await;
            identities.iter().map(|i| LiveCatalog::known_rv(&catalog, &RecordKey::Entity(i.clone()))).collect()
        };
        let mut found: HashMap<Identity, Arc<Stitched>> = HashMap::new();
        let mut missing: Vec<(RecordKey, u64)> = Vec::new();
        {
            let mut cache = self.cache.lock().await;
            for (identity, known) in identities.iter().zip(&known) {
                match cache.get(identity, *known) {
                    Some(stitched) => drop(found.insert(identity.clone(), stitched)),
                    None => missing.push((RecordKey::Entity(identity.clone()), *known)),
                }
            }
        }
        let mut records = read(store, missing.iter().map(|(key, _)| key.clone()).collect(), Read::Eventual).await?;
        let stale: Vec<RecordKey> = records
            .iter()
            .zip(&missing)
            .filter(|(record, (_, known))| record.rv < *known)
            .map(|(r, _)| r.key.clone())
            .collect();
        for fresh in read(store, stale, Read::Consistent).await? {
            records.iter_mut().filter(|record| record.key == fresh.key).for_each(|record| *record = fresh.clone());
        }
        let mut cache = self.cache.lock().await;
        for record in &records {
            let RecordKey::Entity(identity) = &record.key else { continue };
            let stitched = Arc::new(stitch(identity, record));
            cache.put(identity, record.rv, Arc::clone(&stitched));
            found.insert(identity.clone(), stitched);
        }
        drop(cache);
        let existing = |identity| found.get(identity).filter(|stitched| stitched.existence.exists()).cloned();
        Ok(identities.iter().map(existing).collect())
    }
}

async fn read(store: &CatalogStore, keys: Vec<RecordKey>, read: Read) -> Result<Vec<Record>, StoreError> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    store.records(&keys, read).await
}

impl Cache {
    fn get(&mut self, identity: &Identity, known_rv: u64) -> Option<Arc<Stitched>> {
        self.clock += 1;
        let entry = self.entries.get_mut(identity).filter(|entry| entry.rv >= known_rv)?;
        self.by_use.remove(&entry.used);
        self.by_use.insert(self.clock, identity.clone());
        entry.used = self.clock;
        Some(Arc::clone(&entry.stitched))
    }

    fn put(&mut self, identity: &Identity, rv: u64, stitched: Arc<Stitched>) {
        self.clock += 1;
        if let Some(old) = self.entries.insert(identity.clone(), Entry { rv, used: self.clock, stitched }) {
            self.by_use.remove(&old.used);
        }
        self.by_use.insert(self.clock, identity.clone());
        while self.entries.len() > MAX_ENTRIES
            && let Some((_, oldest)) = self.by_use.pop_first()
        {
            self.entries.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_counts_until_the_index_knows_something_newer_and_the_cache_is_bounded() {
        let mut cache = Cache::default();
        let identity = |n: usize| Identity::of_canonical_arn(&format!("arn:aws:sqs:eu-west-1:111122223333:q-{n}"));
        let stitched = |n: usize| Arc::new(stitch(&identity(n), &Record::empty(RecordKey::Entity(identity(n)))));
        cache.put(&identity(0), 5, stitched(0));
        assert!(cache.get(&identity(0), 5).is_some());
        assert!(cache.get(&identity(0), 6).is_none());
        for n in 1..=MAX_ENTRIES {
            cache.put(&identity(n), 1, stitched(n));
        }
        assert_eq!((cache.entries.len(), cache.by_use.len()), (MAX_ENTRIES, MAX_ENTRIES));
        assert!(cache.get(&identity(0), 5).is_none());
        assert!(cache.get(&identity(1), 1).is_some());
    }
}
