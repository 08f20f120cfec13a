//! Identities -> stitched records, from a bounded cache that the index keeps honest: an entry counts only as long as the
//! index knows of nothing newer.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use catalog_follow::LiveCatalog;
use catalog_model::{Field, Identity, Record, RecordKey, Stitched, stitch};
use catalog_store::{CatalogStore, Read, StoreError};
use serde_json::Value;
use tokio::sync::Mutex;

/// What the cache holds at most, by [`weight`]: ten thousand entities of a usual size.
const MAX_BYTES: usize = 64 * 1024 * 1024;

/// Of one field, beside its value: the nodes of maps, what else was said, and why it won.
const FIELD_BYTES: usize = 200;

#[derive(Debug, Default)]
pub(crate) struct Documents {
    cache: Mutex<Cache>,
}

#[derive(Debug, Default)]
struct Cache {
    entries: HashMap<Identity, Entry>,
    by_use: BTreeMap<u64, Identity>,
    clock: u64,
    bytes: usize,
}

#[derive(Debug)]
struct Entry {
    rv: u64,
    used: u64,
    bytes: usize,
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
        let known = live.known_rvs(identities).await?;
        let mut found: HashMap<Identity, Arc<Stitched>> = HashMap::new();
        let mut missing: BTreeMap<RecordKey, u64> = BTreeMap::new();
        {
            let mut cache = self.cache.lock().await;
            for (identity, known) in identities.iter().zip(&known) {
                match cache.get(identity, *known) {
                    Some(stitched) => drop(found.insert(identity.clone(), stitched)),
                    None => drop(missing.insert(RecordKey::Entity(identity.clone()), *known)),
                }
            }
        }
        let records = read(store, missing.keys().cloned().collect(), Read::Eventual).await?;
        let (stale, mut records): (Vec<Record>, Vec<Record>) =
            records.into_iter().partition(|record| missing.get(&record.key).is_some_and(|known| record.rv < *known));
        records.extend(read(store, stale.into_iter().map(|record| record.key).collect(), Read::Consistent).await?);
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
        let bytes = weight(&stitched);
        let entry = Entry { rv, used: self.clock, bytes, stitched };
        if let Some(old) = self.entries.insert(identity.clone(), entry) {
            self.by_use.remove(&old.used);
            self.bytes -= old.bytes;
        }
        self.bytes += bytes;
        self.by_use.insert(self.clock, identity.clone());
        while self.bytes > MAX_BYTES
            && let Some((_, oldest)) = self.by_use.pop_first()
        {
            self.bytes -= self.entries.remove(&oldest).map_or(0, |entry| entry.bytes);
        }
    }
}

/// Bytes of memory, roughly.
fn weight(stitched: &Stitched) -> usize {
    let said = |field: &Field| {
        let lost: usize = field.lost.iter().map(|(_, value)| FIELD_BYTES + value_weight(value)).sum();
        value_weight(&field.value) + lost
    };
    let fields = stitched.fields.iter().map(|(pointer, field)| FIELD_BYTES + pointer.as_str().len() + said(field));
    let relations = (stitched.relations.len() + stitched.keys.len()) * FIELD_BYTES;
    fields.sum::<usize>() + relations
}

fn value_weight(value: &Value) -> usize {
    size_of::<Value>()
        + match value {
            Value::String(text) => text.len(),
            Value::Array(items) => items.iter().map(value_weight).sum(),
            Value::Object(fields) => fields.iter().map(|(name, value)| name.len() + value_weight(value)).sum(),
            Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        }
}

#[cfg(test)]
mod tests {
    use catalog_model::Pointer;

    use super::*;

    #[test]
    fn an_entry_counts_until_the_index_knows_something_newer_and_the_cache_is_bounded() {
        let mut cache = Cache::default();
        let identity = |n: usize| Identity::of_canonical_arn(&format!("arn:aws:sqs:eu-west-1:111122223333:q-{n}"));
        let mut stitched = stitch(&identity(0), &Record::empty(RecordKey::Entity(identity(0))));
        cache.put(&identity(0), 5, Arc::new(stitched.clone()));
        assert!(cache.get(&identity(0), 5).is_some());
        assert!(cache.get(&identity(0), 6).is_none());
        cache.put(&identity(0), 6, Arc::new(stitched.clone()));
        assert_eq!(cache.bytes, weight(&stitched));

        let value = Value::from(vec!["x".repeat(MAX_BYTES / 4)]);
        let field = Field { value, rule: "", said_by: None, lost: Vec::new() };
        stitched.fields.insert(Pointer::spec("definition"), field);
        let large = Arc::new(stitched);
        (1..=5).for_each(|n| cache.put(&identity(n), 1, Arc::clone(&large)));
        assert_eq!((cache.entries.len(), cache.by_use.len(), cache.bytes), (3, 3, 3 * weight(&large)));
        assert!(cache.get(&identity(0), 5).is_none() && cache.get(&identity(2), 1).is_none());
        assert!(cache.get(&identity(3), 1).is_some());
    }
}
