//! A segment and the rows of the log behind it -> the catalog as it is now.
//!
//! What a row says of its own record is kept as it is. What follows from several records (who holds a name, what a
//! resource inherits) is worked out anew for exactly the entities that a row can touch, and is all that is ever
//! worked out twice: relations keep keys and become references only when they are read.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};

use catalog_model::{Claim, EntityRef, Identity, Key, RecordKey, Relation};

use crate::docs::{Doc, DocSet};
use crate::flatten::SearchValue;
use crate::overlay::{Alias, FOLLOWING_RELATIONS, Live, Overlay, Slot, State, following_rows};
use crate::row::{IndexRow, RowState, derived_ref_of};
use crate::segment::base::{Base, NotLoaded};
use crate::segment::entities::{Uid, uid_bytes, uid_text};
use crate::segment::heads::{Head, StoredNaming};
use crate::segment::{Block, Directory, SegmentError};
use crate::shape::Shape;

/// Of an entity, what is shown of it that follows from other records: as long as this is equal, so is that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    catalog: u64,
    change: u64,
}

/// All entities with their names, relations and search rows.
///
/// What it is asked while blocks of its segment are missing it answers with [`NotLoaded`]: load them and ask again.
#[derive(Debug, Default)]
pub struct Catalog {
    pub(crate) base: Base,
    pub(crate) overlay: Overlay,
    /// Entities that exist.
    all: DocSet,
    stamps: Stamps,
}

impl Catalog {
    /// The catalog of a segment, of which nothing is loaded yet.
    pub fn on(directory: Directory) -> Self {
        let all = DocSet::first(directory.entities());
        Self { base: Base::of(directory), overlay: Overlay::default(), all, stamps: Stamps::default() }
    }

    /// The directory of the segment that this stands on, if any.
    pub fn directory(&self) -> Option<&Directory> {
        self.base.directory()
    }

    /// Takes a block of the segment: the bytes of its range.
    ///
    /// # Errors
    /// Fails on bytes that are not those that were written; nothing is taken then.
    pub fn load(&self, block: &Block, range: &[u8]) -> Result<(), SegmentError> {
        self.base.load(block, range)
    }

    /// The blocks of this segment that another catalog would need to answer what this one was asked.
    pub fn warm(&self, like: &Self) -> Vec<Block> {
        let mut blocks = match (like.base.core().is_ok(), self.base.core()) {
            (true, Err(NotLoaded(blocks))) => blocks,
            _ => Vec::new(),
        };
        let columns = like.base.loaded_columns();
        blocks.extend(columns.iter().filter_map(|key| self.base.column_block(key)).cloned());
        blocks
    }

    /// Whether all that names, relations and changes need is loaded.
    ///
    /// # Errors
    /// Names the blocks that are not.
    pub fn ready(&self) -> Result<(), NotLoaded> {
        self.base.core()
    }

    /// Applies rows in any order, any number of times. Returns how many were newer than what was known.
    ///
    /// # Errors
    /// Fails while blocks are missing, with nothing applied.
    pub fn apply(&mut self, rows: impl IntoIterator<Item = IndexRow>) -> Result<usize, NotLoaded> {
        self.ready()?;
        self.stamps.changes += 1;
        let mut touched = BTreeSet::new();
        let mut applied = 0;
        for row in rows {
            if self.known_rv(&row.key).is_some_and(|known| known >= row.rv) {
                continue;
            }
            applied += 1;
            match row.key {
                RecordKey::Entity(identity) => self.apply_entity(&identity, row.rv, row.state, &mut touched),
                RecordKey::Alias(key) => self.apply_alias(&key, row.rv, row.state, &mut touched),
            }
        }
        for doc in touched {
            self.reshape(doc);
        }
        Ok(applied)
    }

    /// The newest `rv` that is known of a record.
    ///
    /// # Errors
    /// Fails while blocks are missing.
    pub fn rv(&self, key: &RecordKey) -> Result<Option<u64>, NotLoaded> {
        self.ready()?;
        Ok(self.known_rv(key))
    }

    /// How many entities there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Records that are other than in the segment.
    pub fn changed(&self) -> usize {
        self.overlay.slots.len() + self.overlay.aliases.len()
    }

    /// Bytes of memory that the segment takes, roughly.
    pub fn segment_bytes(&self) -> usize {
        self.base.bytes()
    }

    /// Records that could not be read, with the reason.
    ///
    /// # Errors
    /// Fails while blocks are missing.
    pub fn broken(&self) -> Result<Vec<(RecordKey, String)>, NotLoaded> {
        self.ready()?;
        let absent =
            self.base.absent().iter().filter_map(|(key, _, reason)| Some((key.parse().ok()?, reason?.to_owned())));
        let mut broken: Vec<(RecordKey, String)> = absent.filter(|(key, _)| !self.is_in_overlay(key)).collect();
        for slot in self.overlay.slots.values() {
            if let State::Broken(reason) = &slot.state {
                broken.push((RecordKey::Entity(slot.identity.clone()), reason.clone()));
            }
        }
        let aliases = self.overlay.aliases.iter().filter_map(|(key, alias)| Some((key, alias.broken.clone()?)));
        broken.extend(aliases.map(|(key, reason)| (RecordKey::Alias(key.clone()), reason)));
        broken.sort();
        Ok(broken)
    }

    /// Who answers to a key: a derived name, a declared name, an identity or a secondary id.
    ///
    /// # Errors
    /// Fails while blocks are missing.
    pub fn identity_of(&self, key: &Key) -> Result<Option<Identity>, NotLoaded> {
        self.ready()?;
        Ok(self.resolve(key).map(|doc| self.identity(doc)))
    }

    /// # Errors
    /// Fails while blocks are missing.
    pub fn identity_of_uid(&self, uid: &str) -> Result<Option<Identity>, NotLoaded> {
        self.ready()?;
        let doc = uid_bytes(uid).and_then(|uid| self.doc_of_uid(&uid));
        Ok(doc.filter(|doc| self.exists_now(*doc)).map(|doc| self.identity(doc)))
    }

    /// The resource with this derived name, also when it is gone.
    ///
    /// # Errors
    /// Fails while blocks are missing.
    pub fn identity_of_derived_name(&self, name: &Key) -> Result<Option<Identity>, NotLoaded> {
        self.ready()?;
        if let Some(doc) = self.doc_of_derived_name(name) {
            return Ok(Some(self.identity(doc)));
        }
        let gone = self.base.absent().iter().filter_map(|(key, ..)| match key.parse().ok()? {
            RecordKey::Entity(identity) => Some(identity),
            RecordKey::Alias(_) => None,
        });
        let Some(hash) = name.entity_ref().and_then(|name| crate::segment::entities::hash_in_name(name.name())) else {
            return Ok(None);
        };
        let mut named = gone.filter(|identity| crate::segment::entities::hash_of_identity(identity.as_str()) == hash);
        Ok(named.find(|identity| derived_ref_of(identity).is_some_and(|derived| Key::of_ref(&derived) == *name)))
    }

    /// The name under which an existing entity is shown now.
    ///
    /// # Errors
    /// Fails while blocks are missing.
    pub fn current_ref(&self, identity: &Identity) -> Result<Option<EntityRef>, NotLoaded> {
        self.ready()?;
        Ok(self.existing(identity).map(|doc| self.ref_of(doc)))
    }

    /// What an existing entity owes to other records.
    ///
    /// # Errors
    /// Fails while blocks are missing.
    pub fn shape_of(&self, identity: &Identity) -> Result<Option<Shape>, NotLoaded> {
        self.ready()?;
        Ok(self.existing(identity).and_then(|doc| self.shape(doc)))
    }

    /// `None`: there is no such entity.
    ///
    /// # Errors
    /// Fails while blocks are missing.
    pub fn stamp(&self, identity: &Identity) -> Result<Option<Stamp>, NotLoaded> {
        self.ready()?;
        Ok(self.existing(identity).map(|doc| self.stamps.of(doc)))
    }

    pub(crate) fn all(&self) -> &DocSet {
        &self.all
    }

    /// One more than the largest number of an entity.
    pub(crate) fn end(&self) -> Doc {
        let changed = self.overlay.numbers.len();
        self.base.len() + Doc::try_from(changed).unwrap_or_default()
    }

    pub(crate) fn is_of_base(&self, doc: Doc) -> bool {
        doc < self.base.len()
    }

    pub(crate) fn identity(&self, doc: Doc) -> Identity {
        match self.overlay.slots.get(&doc) {
            Some(slot) => slot.identity.clone(),
            None => Identity::of_canonical_arn(self.base.entities().identity(doc)),
        }
    }

    pub(crate) fn uid(&self, doc: Doc) -> Uid {
        let changed = || self.overlay.slots.get(&doc).map(|slot| slot.uid);
        self.base.entities().uid(doc).copied().or_else(changed).unwrap_or_default()
    }

    pub(crate) fn uid_text(&self, doc: Doc) -> String {
        uid_text(&self.uid(doc))
    }

    pub(crate) fn doc_of_uid(&self, uid: &Uid) -> Option<Doc> {
        self.base.entities().of_uid(uid).or_else(|| self.overlay.uids.get(uid).copied())
    }

    /// `None`: there is no such entity (any more).
    pub(crate) fn head(&self, doc: Doc) -> Option<Head<'_>> {
        if self.overlay.superseded.contains(doc) || !self.is_of_base(doc) {
            return self.overlay.live(doc).map(Live::head);
        }
        Some(self.base.heads().head(doc))
    }

    pub(crate) fn shape(&self, doc: Doc) -> Option<Shape> {
        if self.overlay.superseded.contains(doc) || !self.is_of_base(doc) {
            return self.overlay.live(doc).and_then(|live| live.shape.clone());
        }
        let following = self.overlay.followers.get(&doc).cloned();
        Some(following.unwrap_or_else(|| Shape::of_base(self, doc)))
    }

    pub(crate) fn exists_now(&self, doc: Doc) -> bool {
        self.all.contains(doc)
    }

    pub(crate) fn known(&self, identity: &Identity) -> Option<Doc> {
        self.overlay.numbers.get(identity).copied().or_else(|| self.base.entities().of_identity(identity))
    }

    pub(crate) fn existing(&self, identity: &Identity) -> Option<Doc> {
        self.known(identity).filter(|doc| self.exists_now(*doc))
    }

    fn doc_of_derived_name(&self, name: &Key) -> Option<Doc> {
        let of_base = || {
            let name = name.entity_ref()?;
            let is_derived = name.kind() == "resource" && name.namespace() == catalog_model::DEFAULT_NAMESPACE;
            is_derived.then(|| self.base.entities().of_derived_name(name.name()))?
        };
        self.overlay.derived.get(name).copied().or_else(of_base)
    }

    pub(crate) fn resolve(&self, key: &Key) -> Option<Doc> {
        // A derived name always answers, whoever claims it.
        if let Some(doc) = self.doc_of_derived_name(key).filter(|doc| self.exists_now(*doc)) {
            return Some(doc);
        }
        let own = key.identity().and_then(|identity| self.existing(&identity).map(|doc| (true, identity, doc)));
        let claims = self.claims(key).into_iter();
        let claimed = claims.filter_map(|claim| {
            let doc = self.existing(&claim.identity)?;
            Some((!claim.by_arn, claim.identity, doc))
        });
        claimed.chain(own).min().map(|(_, _, doc)| doc)
    }

    pub(crate) fn claims(&self, key: &Key) -> BTreeSet<Claim> {
        if let Some(alias) = self.overlay.aliases.get(key) {
            return alias.claims.clone();
        }
        let aliases = self.base.aliases();
        aliases.place_of(key).map(|at| aliases.claims(at)).unwrap_or_default()
    }

    /// Keys that an identity claims.
    fn claimed_keys(&self, identity: &Identity) -> BTreeSet<Key> {
        let mut keys = self.overlay.claimed.get(identity).cloned().unwrap_or_default();
        let aliases = self.base.aliases();
        let of_base = aliases.claimed_by(identity).map(|at| Key::from_stored(aliases.key(at)));
        keys.extend(of_base.filter(|key| !self.overlay.aliases.contains_key(key)));
        keys
    }

    /// Keys that lead to an entity, if it holds them.
    pub(crate) fn possible_keys(&self, identity: &Identity) -> BTreeSet<Key> {
        let mut keys = self.claimed_keys(identity);
        keys.insert(identity.key());
        keys.extend(derived_ref_of(identity).map(|derived| Key::of_ref(&derived)));
        keys
    }

    /// All keys that lead to an existing entity.
    pub(crate) fn keys(&self, doc: Doc) -> BTreeSet<Key> {
        let mut keys = self.possible_keys(&self.identity(doc));
        keys.retain(|key| self.resolve(key) == Some(doc));
        keys
    }

    pub(crate) fn ref_of(&self, doc: Doc) -> EntityRef {
        let derived = || catalog_model::derived_ref(&self.identity(doc));
        if self.overlay.superseded.contains(doc) || !self.is_of_base(doc) {
            let Some(live) = self.overlay.live(doc) else { return derived() };
            return live.shape.as_ref().map_or_else(|| live.entry.declared_ref(), |shape| shape.reference.clone());
        }
        if let Some(shape) = self.overlay.followers.get(&doc) {
            return shape.reference.clone();
        }
        match self.base.heads().followed(doc).naming {
            StoredNaming::Own => self.base.heads().head(doc).declared_ref(),
            StoredNaming::Derived | StoredNaming::TakenBy(_) => derived(),
        }
    }

    /// Outgoing relations of an entity by its own record.
    pub(crate) fn said_relations(&self, doc: Doc) -> BTreeSet<Relation> {
        if self.overlay.superseded.contains(doc) || !self.is_of_base(doc) {
            return self.overlay.live(doc).map(|live| live.entry.relations.clone()).unwrap_or_default();
        }
        self.relations_in_base(doc, |is_inherited| !is_inherited)
    }

    /// Outgoing relations of an entity of the segment, as they are there.
    fn relations_in_base(&self, doc: Doc, wanted: impl Fn(bool) -> bool) -> BTreeSet<Relation> {
        let mut relations = BTreeSet::new();
        for (relation_type, relation) in self.base.relations() {
            let targets = relation.targets(doc).map(|target| relation.column.entry(target));
            let targets = targets.filter(|target| wanted(target.is_marked));
            relations.extend(targets.map(|target| Relation::new(relation_type, Key::from_stored(target.value))));
        }
        relations
    }

    /// Who points at a key now, and how.
    pub(crate) fn sources(&self, target: &Key) -> Vec<(Doc, &str)> {
        let mut sources: Vec<(Doc, &str)> = self.overlay.edges.sources(target).collect();
        for (relation_type, relation) in self.base.relations() {
            let mask = self.relation_mask(relation_type);
            for at in relation.column.equal(target.as_str()) {
                let docs = relation.column.entry(at).docs.iter().filter(|doc| !mask.contains(**doc));
                sources.extend(docs.map(|doc| (*doc, relation_type)));
            }
        }
        sources
    }

    /// Entities of the segment whose relations of this type are not those that stand there.
    pub(crate) fn relation_mask(&self, relation_type: &str) -> &DocSet {
        if FOLLOWING_RELATIONS.contains(&relation_type) {
            &self.overlay.superseded_or_inheriting
        } else {
            &self.overlay.superseded
        }
    }

    fn known_rv(&self, key: &RecordKey) -> Option<u64> {
        match key {
            RecordKey::Entity(identity) => {
                let doc = self.known(identity);
                let changed = doc.and_then(|doc| self.overlay.slots.get(&doc)).map(|slot| slot.rv);
                let of_base = || doc.filter(|doc| self.is_of_base(*doc)).map(|doc| self.base.counters().entity(doc));
                changed.or_else(of_base).or_else(|| self.base.absent().counter(key))
            }
            RecordKey::Alias(alias) => {
                let changed = self.overlay.aliases.get(alias).map(|alias| alias.rv);
                let of_base = || self.base.aliases().place_of(alias).map(|at| self.base.counters().alias(at));
                changed.or_else(of_base).or_else(|| self.base.absent().counter(key))
            }
        }
    }

    pub(crate) fn is_in_overlay(&self, key: &RecordKey) -> bool {
        match key {
            RecordKey::Entity(identity) => {
                self.known(identity).is_some_and(|doc| self.overlay.slots.contains_key(&doc))
            }
            RecordKey::Alias(key) => self.overlay.aliases.contains_key(key),
        }
    }

    /// The number of an identity, a new one if it has none, and its place among what changed.
    fn slot_of(&mut self, identity: &Identity) -> Doc {
        if let Some(doc) = self.overlay.numbers.get(identity) {
            return *doc;
        }
        let uid = uid_bytes(&identity.uid()).unwrap_or_default();
        let doc = match self.base.entities().of_identity(identity) {
            Some(doc) => doc,
            None => {
                let doc = self.end();
                self.overlay.numbers.insert(identity.clone(), doc);
                self.overlay.uids.insert(uid, doc);
                doc
            }
        };
        let fresh = || Slot { identity: identity.clone(), uid, rv: 0, state: State::Gone };
        self.overlay.slots.entry(doc).or_insert_with(fresh);
        doc
    }

    fn apply_entity(&mut self, identity: &Identity, rv: u64, state: RowState, touched: &mut BTreeSet<Doc>) {
        if let Some(doc) = self.known(identity) {
            touched.extend(self.touched_by_entity(doc));
            self.stamp_around(doc);
            self.unindex(doc);
        }
        let doc = self.slot_of(identity);
        if self.is_of_base(doc) {
            self.overlay.superseded.insert(doc);
            self.overlay.superseded_or_following.insert(doc);
            self.overlay.superseded_or_inheriting.insert(doc);
        }
        self.all.remove(doc);
        if let Some(derived) = derived_ref_of(identity) {
            self.overlay.derived.insert(Key::of_ref(&derived), doc);
        }
        let state = match state {
            RowState::Entity(entry) => {
                self.overlay.edges.add(doc, &entry.relations, false);
                self.overlay.declared.entry(Key::of_ref(&entry.declared_ref())).or_default().insert(doc);
                self.all.insert(doc);
                State::Entity(Box::new(Live::new(*entry, &mut self.overlay.words)))
            }
            RowState::Broken(reason) => State::Broken(reason),
            RowState::Gone | RowState::Alias(_) => State::Gone,
        };
        if let Some(slot) = self.overlay.slots.get_mut(&doc) {
            (slot.rv, slot.state) = (rv, state);
        }
        self.stamp_around(doc);
        touched.extend(self.touched_by_entity(doc));
    }

    fn apply_alias(&mut self, key: &Key, rv: u64, state: RowState, touched: &mut BTreeSet<Doc>) {
        let (claims, broken) = match state {
            RowState::Alias(claims) => (claims, None),
            RowState::Broken(reason) => (BTreeSet::new(), Some(reason)),
            RowState::Gone | RowState::Entity(_) => (BTreeSet::new(), None),
        };
        touched.extend(self.touched_by_alias(key));
        self.stamp_at(key);
        for claim in self.claims(key) {
            if let Some(keys) = self.overlay.claimed.get_mut(&claim.identity) {
                keys.remove(key);
            }
        }
        for claim in &claims {
            self.overlay.claimed.entry(claim.identity.clone()).or_default().insert(key.clone());
        }
        self.overlay.aliases.insert(key.clone(), Alias { rv, claims, broken });
        self.stamp_at(key);
        touched.extend(self.touched_by_alias(key));
    }

    /// Notes that an entity, its relations or its name may be other than they were, for itself and all that show it.
    fn stamp_around(&mut self, doc: Doc) {
        let mut around: Vec<Doc> =
            self.outgoing(doc).iter().filter_map(|relation| self.resolve(&relation.target)).collect();
        for key in self.possible_keys(&self.identity(doc)) {
            around.extend(self.sources(&key).into_iter().map(|(source, _)| source));
            // Who else answers to the key may come to hold it.
            around.extend(self.claims(&key).iter().filter_map(|claim| self.existing(&claim.identity)));
            around.extend(self.resolve(&key));
        }
        around.push(doc);
        self.stamps.note(around);
    }

    /// The same for everybody whom a key leads to, or may.
    fn stamp_at(&mut self, key: &Key) {
        let claims = self.claims(key);
        let mut around: Vec<Doc> = claims.iter().filter_map(|claim| self.existing(&claim.identity)).collect();
        around.extend(self.resolve(key));
        around.extend(self.sources(key).into_iter().map(|(source, _)| source));
        self.stamps.note(around);
    }

    /// Entities whose name or inheritance may follow from this one.
    fn touched_by_entity(&self, doc: Doc) -> BTreeSet<Doc> {
        let mut touched = BTreeSet::from([doc]);
        for relation in self.said_relations(doc).iter().filter(|relation| relation.relation_type == "dependsOn") {
            touched.extend(self.resolve(&relation.target));
        }
        for key in self.possible_keys(&self.identity(doc)) {
            touched.extend(self.touched_by_alias(&key));
        }
        touched
    }

    /// Entities whose name or inheritance may follow from who answers to a key.
    fn touched_by_alias(&self, key: &Key) -> BTreeSet<Doc> {
        let claims = self.claims(key);
        let mut touched: BTreeSet<Doc> = claims.iter().filter_map(|claim| self.existing(&claim.identity)).collect();
        touched.extend(self.overlay.declared.get(key).into_iter().flatten());
        touched.extend(self.declared_in_base(key));
        touched.extend(key.identity().and_then(|identity| self.existing(&identity)));
        touched.extend(self.sources(key).into_iter().filter(|(_, kind)| *kind == "dependencyOf").map(|(doc, _)| doc));
        touched
    }

    /// AWS resources of the segment whose own record gives them this name.
    pub(crate) fn declared_in_base(&self, key: &Key) -> Vec<Doc> {
        let (heads, declared) = (self.base.heads(), self.base.heads().declared());
        let name = |doc: &Doc| heads.head(*doc).declared_ref().to_string();
        let first = declared.partition_point(|doc| name(doc).as_str() < key.as_str());
        let same = declared[first..].iter().take_while(|doc| name(doc) == key.as_str());
        same.copied().filter(|doc| !self.overlay.superseded.contains(*doc)).collect()
    }

    /// Takes an entity out of what changed: its rows, its relations and the name that it declares.
    fn unindex(&mut self, doc: Doc) {
        self.unshape(doc);
        let Some(live) = self.overlay.live(doc) else { return };
        let (name, relations) = (Key::of_ref(&live.entry.declared_ref()), live.entry.relations.clone());
        self.overlay.edges.remove(doc, &relations, false);
        if let Some(docs) = self.overlay.declared.get_mut(&name) {
            docs.remove(&doc);
        }
    }

    /// Takes out of what changed the rows and relations that an entity has by its shape.
    fn unshape(&mut self, doc: Doc) {
        if let Some(shape) = self.overlay.followers.remove(&doc) {
            let rows = self.following_rows(doc, &shape);
            self.overlay.remove_rows(doc, &rows);
            let own = self.said_relations_that_follow(doc);
            self.overlay.edges.remove(doc, &own, false);
            self.overlay.edges.remove(doc, shape.inherited_relations(), true);
        }
        let rows = match self.overlay.live(doc) {
            Some(live) => live.rows(&self.overlay.words),
            None => return,
        };
        self.overlay.remove_rows(doc, &rows);
        let Some(Slot { state: State::Entity(live), .. }) = self.overlay.slots.get_mut(&doc) else { return };
        if let Some(shape) = live.shape.take() {
            self.overlay.edges.remove(doc, shape.inherited_relations(), true);
        }
    }

    fn reshape(&mut self, doc: Doc) {
        let Some(head) = self.head(doc).filter(|_| self.exists_now(doc)) else { return };
        let shape = Shape::of(self, doc, head);
        if self.shape(doc).as_ref() == Some(&shape) {
            return;
        }
        self.stamp_around(doc);
        self.unshape(doc);
        self.overlay.edges.add(doc, shape.inherited_relations(), true);
        if let Some(Slot { state: State::Entity(live), .. }) = self.overlay.slots.get_mut(&doc) {
            live.shape = Some(shape);
            if self.overlay.keeps_columns() {
                let rows = self.overlay.live(doc).map(|live| live.rows(&self.overlay.words)).unwrap_or_default();
                self.overlay.add_rows(doc, &rows);
            }
            self.stamp_around(doc);
            return;
        }
        let own = self.said_relations_that_follow(doc);
        self.overlay.edges.add(doc, &own, false);
        let rows = self.following_rows(doc, &shape);
        self.overlay.add_rows(doc, &rows);
        self.overlay.superseded_or_following.insert(doc);
        if self.base.heads().head(doc).may_inherit() {
            self.overlay.superseded_or_inheriting.insert(doc);
        }
        self.overlay.followers.insert(doc, shape);
        self.stamp_around(doc);
    }

    /// Of an entity of the segment, what is hidden there once it follows.
    fn said_relations_that_follow(&self, doc: Doc) -> Vec<Relation> {
        if !self.base.heads().head(doc).may_inherit() {
            return Vec::new();
        }
        let own = self.relations_in_base(doc, |is_inherited| !is_inherited).into_iter();
        own.filter(|relation| FOLLOWING_RELATIONS.contains(&relation.relation_type.as_str())).collect()
    }

    /// The rows of an entity of the segment that may change although its record did not.
    pub(crate) fn following_rows(&self, doc: Doc, shape: &Shape) -> Vec<SearchValue> {
        let heads = self.base.heads();
        following_rows(heads.head(doc), shape, heads.own_rows(doc))
    }
}

/// When what is shown of an entity last changed, by the number of the change.
#[derive(Debug)]
struct Stamps {
    /// Different for each catalog: numbers of one say nothing in another.
    catalog: u64,
    changes: u64,
    changed: HashMap<Doc, u64>,
}

impl Default for Stamps {
    fn default() -> Self {
        static CATALOGS: AtomicU64 = AtomicU64::new(0);
        Self { catalog: CATALOGS.fetch_add(1, Ordering::Relaxed), changes: 0, changed: HashMap::new() }
    }
}

impl Stamps {
    fn of(&self, doc: Doc) -> Stamp {
        Stamp { catalog: self.catalog, change: self.changed.get(&doc).copied().unwrap_or_default() }
    }

    fn note(&mut self, docs: Vec<Doc>) {
        let change = self.changes;
        self.changed.extend(docs.into_iter().map(|doc| (doc, change)));
    }
}
