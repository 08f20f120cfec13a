//! Identities -> entities as JSON texts, from a bounded cache that the index keeps honest: a text counts only as long as
//! the index knows of nothing newer, neither of the record nor of what is shown of others.

mod packed;
mod texts;

use std::collections::{BTreeMap, HashMap};
use std::io::Cursor;
use std::ops::Range;

use catalog_follow::LiveCatalog;
use catalog_model::{Identity, Record, RecordKey, Stitched, stitch};
use catalog_search::{Catalog, Known, Stamp, render};
use catalog_store::{CatalogStore, Read, StoreError};
use lru::LruCache;
use tokio::sync::Mutex;

use packed::{Packed, Packer};
pub(crate) use texts::Texts;

/// What the cache holds at most: 225,000 entities of a usual size, packed, or 45,000 as they are.
const MAX_BYTES: usize = 128 * 1024 * 1024;

/// Of one entity, beside its text and its identity: the entry, its place in the table, and what an allocator rounds up.
const ENTRY_BYTES: usize = 160;

/// Of a text, for room that is taken at once.
const USUAL_BYTES: usize = 2 * 1024;

#[derive(Debug, Default)]
pub(crate) struct Documents {
    cache: Mutex<Cache>,
}

/// Texts stay as they are while there is room. Then those that nobody asked for longest are packed, and once all are, let
/// go. What was packed stays so until it changes: what is asked for again and again changes places with nothing.
#[derive(Debug)]
struct Cache {
    whole: LruCache<Identity, Entry>,
    packed: LruCache<Identity, Entry>,
    packer: Packer,
    bytes: usize,
    max_bytes: usize,
}

#[derive(Debug)]
struct Entry {
    rv: u64,
    stamp: Stamp,
    text: Packed,
}

impl Documents {
    /// The entities, in the order of `identities`. Every text is at least as new as the index.
    pub(crate) async fn get(
        &self,
        identities: &[Identity],
        live: &LiveCatalog,
        store: &CatalogStore,
    ) -> Result<Texts, StoreError> {
        let known = live.ask(|catalog| identities.iter().map(|identity| catalog.known_of(identity)).collect()).await?;
        let known: Vec<Known> = known;
        self.get_known(identities, &known, live, store).await
    }

    /// As [`Self::get`], for who has asked the index already.
    pub(crate) async fn get_known(
        &self,
        identities: &[Identity],
        known: &[Known],
        live: &LiveCatalog,
        store: &CatalogStore,
    ) -> Result<Texts, StoreError> {
        let (mut all, mut places) = self.cache.lock().await.all(identities, known);
        let without = identities.iter().zip(known).zip(&places).filter(|(_, place)| place.is_none());
        let missing: BTreeMap<RecordKey, u64> =
            without.map(|((identity, known), _)| (RecordKey::Entity(identity.clone()), known.rv)).collect();
        if missing.is_empty() {
            return Ok(Texts::new(all, places));
        }
        let records = read(store, missing.keys().cloned().collect(), Read::Eventual).await?;
        let (stale, mut records): (Vec<Record>, Vec<Record>) =
            records.into_iter().partition(|record| missing.get(&record.key).is_some_and(|known| record.rv < *known));
        records.extend(read(store, stale.into_iter().map(|record| record.key).collect(), Read::Consistent).await?);
        let rules = store.ownership().await?;
        let mut texts: HashMap<Identity, String> = HashMap::new();
        for record in &records {
            let RecordKey::Entity(identity) = &record.key else { continue };
            let text = self.shown(&stitch(identity, record, &rules), record.rv, live).await?;
            texts.extend(text.map(|text| (identity.clone(), text)));
        }
        for (identity, place) in identities.iter().zip(&mut places).filter(|(_, place)| place.is_none()) {
            let Some(text) = texts.get(identity) else { continue };
            *place = Some(all.len()..all.len() + text.len());
            all.push_str(text);
        }
        Ok(Texts::new(all, places))
    }

    /// The text of a record that was just read, and kept from then on. `None`: it is no entity (any more).
    pub(crate) async fn shown(
        &self,
        stitched: &Stitched,
        rv: u64,
        live: &LiveCatalog,
    ) -> Result<Option<String>, StoreError> {
        if !stitched.existence.exists() {
            return Ok(None);
        }
        let identity = &stitched.identity;
        let shown = |catalog: &Catalog| Ok((render(stitched, catalog)?.to_string(), catalog.known_of(identity)?));
        let (text, known) = live.ask(shown).await?;
        // What the index does not know yet has no stamp that could tell when it is not true any more.
        if let Some(stamp) = known.stamp.filter(|_| known.rv <= rv) {
            self.cache.lock().await.put(identity, rv, stamp, &text);
        }
        Ok(Some(text))
    }

    /// Whether a text of the entity is kept, true or not.
    pub(crate) async fn has(&self, identity: &Identity) -> bool {
        self.cache.lock().await.peek(identity).is_some()
    }

    /// The text of this very record, if it is kept and still true.
    pub(crate) async fn kept(
        &self,
        identity: &Identity,
        rv: u64,
        live: &LiveCatalog,
    ) -> Result<Option<String>, StoreError> {
        let known = live.ask(|catalog| catalog.known_of(identity)).await?;
        let mut cache = self.cache.lock().await;
        let is_this = cache.peek(identity).is_some_and(|entry| entry.rv == rv);
        Ok(if is_this { cache.get(identity, known) } else { None })
    }
}

async fn read(store: &CatalogStore, keys: Vec<RecordKey>, read: Read) -> Result<Vec<Record>, StoreError> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    store.records(&keys, read).await
}

impl Default for Cache {
    fn default() -> Self {
        // Bounded by bytes, and not by entries.
        let (whole, packed) = (LruCache::unbounded(), LruCache::unbounded());
        Self { whole, packed, packer: Packer::default(), bytes: 0, max_bytes: MAX_BYTES }
    }
}

impl Cache {
    fn peek(&self, identity: &Identity) -> Option<&Entry> {
        self.whole.peek(identity).or_else(|| self.packed.peek(identity))
    }

    /// The texts that are kept and still true, one behind the other, and where each is.
    fn all(&mut self, identities: &[Identity], known: &[Known]) -> (String, Vec<Option<Range<usize>>>) {
        let mut all = Cursor::new(Vec::with_capacity(identities.len() * USUAL_BYTES));
        let places = identities.iter().zip(known).map(|(identity, known)| self.unpack(identity, *known, &mut all));
        let places = places.collect();
        String::from_utf8(all.into_inner())
            .map_or_else(|_| (String::new(), vec![None; known.len()]), |all| (all, places))
    }

    fn get(&mut self, identity: &Identity, known: Known) -> Option<String> {
        let mut text = Cursor::new(Vec::new());
        self.unpack(identity, known, &mut text)?;
        String::from_utf8(text.into_inner()).ok()
    }

    fn unpack(&mut self, identity: &Identity, known: Known, behind: &mut Cursor<Vec<u8>>) -> Option<Range<usize>> {
        let stamp = known.stamp?;
        let entry = self.whole.get(identity).or_else(|| self.packed.get(identity))?;
        if entry.rv < known.rv || entry.stamp != stamp {
            return None;
        }
        self.packer.unpack(&entry.text, behind)
    }

    fn put(&mut self, identity: &Identity, rv: u64, stamp: Stamp, text: &str) {
        let entry = Entry { rv, stamp, text: Packed::whole(text) };
        self.bytes += weight(identity, &entry.text);
        let old = [self.whole.put(identity.clone(), entry), self.packed.pop(identity)];
        for old in old.into_iter().flatten() {
            self.bytes -= weight(identity, &old.text);
        }
        while self.bytes > self.max_bytes {
            if let Some((identity, entry)) = self.whole.pop_lru() {
                self.pack(identity, entry);
            } else if let Some((identity, entry)) = self.packed.pop_lru() {
                self.bytes -= weight(&identity, &entry.text);
            } else {
                return;
            }
        }
    }

    fn pack(&mut self, identity: Identity, mut entry: Entry) {
        self.bytes -= weight(&identity, &entry.text);
        entry.text = self.packer.pack(entry.text);
        self.bytes += weight(&identity, &entry.text);
        self.packed.put(identity, entry);
    }
}

/// Bytes of memory, roughly.
fn weight(identity: &Identity, text: &Packed) -> usize {
    ENTRY_BYTES + identity.as_str().len() + text.len()
}

#[cfg(test)]
mod tests {
    use catalog_model::{Facts, Format, Fragment, Role, Rules, Said, SourceObject, Version};
    use catalog_search::row_of;

    use super::*;

    /// Of one entity in two catalogs.
    fn stamps() -> [Stamp; 2] {
        let identity = Identity::of_canonical_arn("arn:aws:s3:::bucket");
        let mut record = Record::empty(RecordKey::Entity(identity.clone()));
        record.apply(Fragment {
            source: SourceObject::config(Format::Config, "111122223333", &identity),
            version: Version::of_serial(1, 0),
            delivery: String::new(),
            said: Said::Facts(Facts::new(Role::Observed)),
        });
        [0, 1].map(|_| {
            let mut catalog = Catalog::default();
            catalog.apply([row_of(&record, &Rules::default())]).unwrap();
            catalog.known_of(&identity).unwrap().stamp.unwrap()
        })
    }

    #[test]
    fn a_text_counts_until_the_index_knows_something_newer_and_the_cache_is_bounded() {
        let mut cache = Cache::default();
        let [stamp, later] = stamps();
        let identity = |n: usize| Identity::of_canonical_arn(&format!("arn:aws:sqs:eu-west-1:111122223333:q-{n}"));
        cache.put(&identity(0), 5, stamp, "{}");
        let known = |rv, stamp| Known { rv, stamp: Some(stamp) };
        assert_eq!(cache.get(&identity(0), known(5, stamp)).as_deref(), Some("{}"));
        assert!(cache.get(&identity(0), known(6, stamp)).is_none(), "a newer record");
        assert!(cache.get(&identity(0), known(5, later)).is_none(), "something else that is shown");
        assert!(cache.get(&identity(0), Known { rv: 5, stamp: None }).is_none(), "no entity");
        cache.put(&identity(0), 6, stamp, "{}");
        assert_eq!(cache.bytes, weight(&identity(0), &Packed::whole("{}")));

        cache.max_bytes = 1024 * 1024;
        let large = "x".repeat(cache.max_bytes / 4);
        (1..=5).for_each(|n| cache.put(&identity(n), 1, stamp, &large));
        assert_eq!(cache.whole.len() + cache.packed.len(), 3);
        assert_eq!(cache.bytes, 3 * weight(&identity(1), &Packed::whole(&large)));
        assert!(
            cache.get(&identity(0), known(5, stamp)).is_none() && cache.get(&identity(2), known(1, stamp)).is_none()
        );
        assert!(cache.get(&identity(3), known(1, stamp)).is_some());
    }

    #[test]
    fn texts_stay_whole_while_there_is_room_and_are_packed_before_they_are_let_go() {
        let [stamp, _] = stamps();
        let mut cache = Cache { max_bytes: 4 * 1024 * 1024, ..Cache::default() };
        let identity = |n: usize| Identity::of_canonical_arn(&format!("arn:aws:sqs:eu-west-1:111122223333:q-{n}"));
        let text =
            |n: usize| format!(r#"{{"name":"q-{n}","annotations":{{"{}":"{n}"}}}}"#, "like all others ".repeat(120));
        let known = Known { rv: 1, stamp: Some(stamp) };
        let room = cache.max_bytes / weight(&identity(1_000), &Packed::whole(&text(1_000)));
        (0..room).for_each(|n| cache.put(&identity(n), 1, stamp, &text(n)));
        assert_eq!((cache.whole.len(), cache.packed.len()), (room, 0));

        assert_eq!(cache.get(&identity(0), known), Some(text(0)), "asked for last");
        (room..room + 10).for_each(|n| cache.put(&identity(n), 1, stamp, &text(n)));
        assert!(cache.packed.contains(&identity(1)) && !cache.whole.contains(&identity(1)), "not asked for since");
        assert!([0, room + 9].map(identity).iter().all(|identity| cache.whole.contains(identity)));
        let all = 2 * room;
        (room + 10..all).for_each(|n| cache.put(&identity(n), 1, stamp, &text(n)));
        assert_eq!(cache.whole.len() + cache.packed.len(), all);
        (0..all).for_each(|n| assert_eq!(cache.get(&identity(n), known), Some(text(n)), "{n}"));
        cache.put(&identity(1), 2, stamp, "{}");
        assert_eq!(cache.get(&identity(1), Known { rv: 2, stamp: Some(stamp) }).as_deref(), Some("{}"));

        (all..50 * room).for_each(|n| cache.put(&identity(n), 1, stamp, &text(n)));
        assert!(cache.get(&identity(2), known).is_none() && cache.bytes <= cache.max_bytes);
        let kept = cache.whole.iter().chain(&cache.packed);
        assert_eq!(cache.bytes, kept.map(|(identity, entry)| weight(identity, &entry.text)).sum::<usize>());
    }
}
