//! A segment and the rows of the log behind it -> the catalog as it is now.
//!
//! What a row says of its own record is kept as it is. What follows from several records (who holds a name, what a
//! resource inherits) is worked out anew for exactly the entities that a row can touch, and is all that is ever
//! worked out twice: relations keep keys and become references only when they are read.

use std::collections::BTreeSet;

use catalog_model::{EntityRef, Identity, Key, RecordKey, Relation};

use crate::docs::{Doc, DocSet};
use crate::overlay::{FOLLOWING_RELATIONS, Live, Overlay, State};
use crate::row::derived_ref_of;
use crate::segment::base::{Base, NotLoaded};
use crate::segment::entities::{Uid, uid_bytes, uid_text};
use crate::segment::heads::Head;
use crate::segment::{Block, Directory, SegmentError};
use crate::shape::Shape;
use crate::stamps::{Known, Stamps};

/// All entities with their names, relations and search rows.
///
/// What it is asked while blocks of its segment are missing it answers with [`NotLoaded`]: load them and ask again.
#[derive(Debug, Default)]
pub struct Catalog {
    pub(crate) base: Base,
    pub(crate) overlay: Overlay,
    /// Entities that exist.
    pub(crate) all: DocSet,
    pub(crate) stamps: Stamps,
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

    /// What is known of an entity without reading its record.
    ///
    /// # Errors
    /// Fails while blocks are missing.
    pub fn known_of(&self, identity: &Identity) -> Result<Known, NotLoaded> {
        self.ready()?;
        Ok(self.number_of(identity).map_or_else(
            || {
                let rv = self.base.absent().counter(&RecordKey::Entity(identity.clone()));
                Known { rv: rv.unwrap_or_default(), stamp: None }
            },
            |doc| self.known(doc),
        ))
    }

    fn known(&self, doc: Doc) -> Known {
        let stamp = self.exists_now(doc).then(|| self.stamps.of(doc));
        Known { rv: self.counter_of(doc).unwrap_or_default(), stamp }
    }

    /// The entity that a key leads to, as [`Self::identity_of`], and what is known of it: both by one look-up.
    ///
    /// # Errors
    /// Fails while blocks are missing.
    pub fn known_by(&self, key: &Key) -> Result<Option<(Identity, Known)>, NotLoaded> {
        self.ready()?;
        Ok(self.resolve(key).map(|doc| (self.identity(doc), self.known(doc))))
    }

    /// Takes over the stamps of a catalog that has seen all that is in this one's segment, before any row is applied:
    /// what was shown by that one is shown by this one still, but for what the rows to come change.
    ///
    /// # Errors
    /// Fails while blocks are missing, with nothing taken over.
    pub fn take_over_stamps(&mut self, before: &Self) -> Result<(), NotLoaded> {
        before.ready()?;
        self.ready()?;
        self.stamps = Stamps::after(&before.stamps, |doc| self.number_of(&before.identity(doc)));
        Ok(())
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

    pub(crate) fn number_of(&self, identity: &Identity) -> Option<Doc> {
        self.overlay.numbers.get(identity).copied().or_else(|| self.base.entities().of_identity(identity))
    }

    pub(crate) fn existing(&self, identity: &Identity) -> Option<Doc> {
        self.number_of(identity).filter(|doc| self.exists_now(*doc))
    }

    /// Outgoing relations of an entity by its own record.
    pub(crate) fn said_relations(&self, doc: Doc) -> BTreeSet<Relation> {
        if self.overlay.superseded.contains(doc) || !self.is_of_base(doc) {
            return self.overlay.live(doc).map(|live| live.entry.relations.clone()).unwrap_or_default();
        }
        self.relations_in_base(doc, |is_inherited| !is_inherited)
    }

    /// Outgoing relations of an entity of the segment, as they are there.
    pub(crate) fn relations_in_base(&self, doc: Doc, wanted: impl Fn(bool) -> bool) -> BTreeSet<Relation> {
        let mut relations = BTreeSet::new();
        for (relation_type, relation) in self.base.relations() {
            let targets = relation.targets(doc).map(|target| relation.column.entry(target));
            let targets = targets.filter(|target| wanted(target.is_marked));
            relations.extend(targets.map(|target| Relation::new(relation_type, Key::from_stored(target.value))));
        }
        relations
    }

    /// Relations to components that an entity of the segment has there, but does not say.
    pub(crate) fn inherited_components_in_base(&self, doc: Doc) -> BTreeSet<Relation> {
        let columns = self.base.relations().filter(|(relation_type, _)| *relation_type == "dependencyOf");
        columns
            .flat_map(|(_, relation)| relation.targets(doc).map(|target| relation.column.entry(target)))
            .filter(|target| target.is_marked)
            .map(|target| Relation::new("dependencyOf", Key::from_stored(target.value)))
            .collect()
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
        match relation_type {
            "dependencyOf" => &self.overlay.superseded_or_following,
            _ if FOLLOWING_RELATIONS.contains(&relation_type) => &self.overlay.superseded_or_inheriting,
            _ => &self.overlay.superseded,
        }
    }

    pub(crate) fn known_rv(&self, key: &RecordKey) -> Option<u64> {
        match key {
            RecordKey::Entity(identity) => {
                let counter = self.number_of(identity).and_then(|doc| self.counter_of(doc));
                counter.or_else(|| self.base.absent().counter(key))
            }
            RecordKey::Alias(alias) => {
                let changed = self.overlay.aliases.get(alias).map(|alias| alias.rv);
                let of_base = || self.base.aliases().place_of(alias).map(|at| self.base.counters().alias(at));
                changed.or_else(of_base).or_else(|| self.base.absent().counter(key))
            }
        }
    }

    fn counter_of(&self, doc: Doc) -> Option<u64> {
        let of_base = || self.is_of_base(doc).then(|| self.base.counters().entity(doc));
        self.overlay.slots.get(&doc).map(|slot| slot.rv).or_else(of_base)
    }

    pub(crate) fn is_in_overlay(&self, key: &RecordKey) -> bool {
        match key {
            RecordKey::Entity(identity) => {
                self.number_of(identity).is_some_and(|doc| self.overlay.slots.contains_key(&doc))
            }
            RecordKey::Alias(key) => self.overlay.aliases.contains_key(key),
        }
    }
}
