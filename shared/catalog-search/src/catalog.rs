//! Rows of the delta log -> the catalog in memory.
//!
//! What a row says of its own record is kept as it is. What follows from several records (who holds a name, what a
//! resource inherits) is worked out anew for exactly the entities that a row can touch, and is all that is ever
//! worked out twice: relations keep keys and become references only when they are read.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use catalog_model::{Claim, EntityRef, Identity, Key, RecordKey};

use crate::columns::Columns;
use crate::docs::{Doc, DocSet};
use crate::row::{IndexEntry, IndexRow, RowState, derived_ref_of};
use crate::shape::Shape;

/// All entities with their names, relations and search rows.
#[derive(Debug, Default)]
pub struct Catalog {
    ids: HashMap<Identity, Doc>,
    slots: Vec<Slot>,
    aliases: BTreeMap<Key, Alias>,
    /// Keys of alias records by who claims them.
    claimed: HashMap<Identity, BTreeSet<Key>>,
    /// Derived names of all resources that were ever seen.
    derived: HashMap<Key, Doc>,
    /// Entities by the name that their own record gives them, whether they may bear it or not.
    declared: HashMap<Key, BTreeSet<Doc>>,
    uids: HashMap<String, Doc>,
    pub(crate) edges: crate::edges::Edges,
    pub(crate) columns: Columns,
    all: DocSet,
}

#[derive(Debug)]
struct Slot {
    identity: Identity,
    uid: String,
    rv: u64,
    state: State,
}

#[derive(Debug)]
enum State {
    /// `shape`: `None` while it is being worked out.
    Entity {
        entry: Box<IndexEntry>,
        shape: Option<Box<Shape>>,
    },
    Gone,
    Broken(String),
}

#[derive(Debug, Default)]
struct Alias {
    rv: u64,
    claims: BTreeSet<Claim>,
    broken: Option<String>,
}

impl Catalog {
    /// Applies rows in any order, any number of times. Returns how many were newer than what was known.
    pub fn apply(&mut self, rows: impl IntoIterator<Item = IndexRow>) -> usize {
        let mut touched = BTreeSet::new();
        let mut applied = 0;
        for row in rows {
            if self.rv(&row.key).is_some_and(|known| known >= row.rv) {
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
        applied
    }

    /// The newest `rv` that is known of a record.
    pub fn rv(&self, key: &RecordKey) -> Option<u64> {
        match key {
            RecordKey::Entity(identity) => self.ids.get(identity).and_then(|doc| self.slot(*doc)).map(|slot| slot.rv),
            RecordKey::Alias(key) => self.aliases.get(key).map(|alias| alias.rv),
        }
    }

    /// How many entities there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Records that could not be read, with the reason.
    pub fn broken(&self) -> impl Iterator<Item = (RecordKey, &str)> {
        let entities = self.slots.iter().filter_map(|slot| match &slot.state {
            State::Broken(reason) => Some((RecordKey::Entity(slot.identity.clone()), reason.as_str())),
            State::Entity { .. } | State::Gone => None,
        });
        let aliases = self.aliases.iter().filter_map(|(key, alias)| Some((key, alias.broken.as_deref()?)));
        entities.chain(aliases.map(|(key, reason)| (RecordKey::Alias(key.clone()), reason)))
    }

    /// Who answers to a key: a derived name, a declared name, an identity or a secondary id.
    pub fn identity_of(&self, key: &Key) -> Option<&Identity> {
        self.resolve(key).map(|doc| self.identity(doc))
    }

    pub fn identity_of_uid(&self, uid: &str) -> Option<&Identity> {
        let doc = *self.uids.get(uid)?;
        self.entry(doc).map(|_| self.identity(doc))
    }

    /// The resource with this derived name, also when it is gone.
    pub fn identity_of_derived_name(&self, name: &Key) -> Option<&Identity> {
        self.derived.get(name).map(|doc| self.identity(*doc))
    }

    /// The name under which an existing entity is shown now.
    pub fn current_ref(&self, identity: &Identity) -> Option<EntityRef> {
        self.existing(identity).map(|doc| self.ref_of(doc))
    }

    pub(crate) fn all(&self) -> &DocSet {
        &self.all
    }

    pub(crate) fn identity(&self, doc: Doc) -> &Identity {
        &self.slots[index(doc)].identity
    }

    pub(crate) fn uid(&self, doc: Doc) -> &str {
        &self.slots[index(doc)].uid
    }

    /// `None`: there is no such entity (any more).
    pub(crate) fn entry(&self, doc: Doc) -> Option<&IndexEntry> {
        match &self.slot(doc)?.state {
            State::Entity { entry, .. } => Some(entry),
            State::Gone | State::Broken(_) => None,
        }
    }

    pub(crate) fn shape(&self, doc: Doc) -> Option<&Shape> {
        match &self.slot(doc)?.state {
            State::Entity { shape, .. } => shape.as_deref(),
            State::Gone | State::Broken(_) => None,
        }
    }

    pub(crate) fn existing(&self, identity: &Identity) -> Option<Doc> {
        self.ids.get(identity).copied().filter(|doc| self.entry(*doc).is_some())
    }

    pub(crate) fn resolve(&self, key: &Key) -> Option<Doc> {
        // A derived name always answers, whoever claims it.
        if let Some(doc) = self.derived.get(key).filter(|doc| self.entry(**doc).is_some()) {
            return Some(*doc);
        }
        let own = key.identity().filter(|identity| self.existing(identity).is_some());
        let claims = self.aliases.get(key).into_iter().flat_map(|alias| &alias.claims);
        claims
            .filter(|claim| self.existing(&claim.identity).is_some())
            .map(|claim| (!claim.by_arn, &claim.identity))
            .chain(own.as_ref().map(|identity| (true, identity)))
            .min()
            .and_then(|(_, identity)| self.existing(identity))
    }

    /// Names and secondary ids that an entity claims.
    pub(crate) fn claimed_by(&self, identity: &Identity) -> impl Iterator<Item = &Key> {
        self.claimed.get(identity).into_iter().flatten()
    }

    pub(crate) fn claimants(&self, key: &Key) -> impl Iterator<Item = &Identity> {
        self.aliases.get(key).into_iter().flat_map(|alias| &alias.claims).map(|claim| &claim.identity)
    }

    /// Entities whose own record gives them this name.
    pub(crate) fn declared_as(&self, name: &Key) -> impl Iterator<Item = Doc> {
        self.declared.get(name).into_iter().flatten().copied()
    }

    /// All keys that lead to an existing entity.
    pub(crate) fn keys(&self, doc: Doc) -> BTreeSet<Key> {
        let identity = self.identity(doc);
        let mut keys: BTreeSet<Key> = self.claimed.get(identity).cloned().unwrap_or_default();
        keys.insert(identity.key());
        keys.extend(derived_ref_of(identity).map(|derived| Key::of_ref(&derived)));
        keys.retain(|key| self.resolve(key) == Some(doc));
        keys
    }

    pub(crate) fn ref_of(&self, doc: Doc) -> EntityRef {
        match (self.shape(doc), self.entry(doc)) {
            (Some(shape), _) => shape.reference.clone(),
            (None, Some(entry)) => entry.declared_ref(),
            (None, None) => catalog_model::derived_ref(self.identity(doc)),
        }
    }

    fn slot(&self, doc: Doc) -> Option<&Slot> {
        self.slots.get(index(doc))
    }

    fn doc_of(&mut self, identity: &Identity) -> Doc {
        if let Some(doc) = self.ids.get(identity) {
            return *doc;
        }
        let doc = Doc::try_from(self.slots.len()).expect("fewer than four thousand million entities");
        let uid = identity.uid();
        self.uids.insert(uid.clone(), doc);
        self.slots.push(Slot { identity: identity.clone(), uid, rv: 0, state: State::Gone });
        self.ids.insert(identity.clone(), doc);
        doc
    }

    fn apply_entity(&mut self, identity: &Identity, rv: u64, state: RowState, touched: &mut BTreeSet<Doc>) {
        let doc = self.doc_of(identity);
        let derived = derived_ref_of(identity).map(|derived| Key::of_ref(&derived));
        touched.extend(self.touched_by_entity(doc));
        self.unindex(doc);
        if let Some(entry) = self.entry(doc) {
            let (name, relations) = (Key::of_ref(&entry.declared_ref()), entry.relations.clone());
            self.edges.remove(doc, &relations);
            if let Some(docs) = self.declared.get_mut(&name) {
                docs.remove(&doc);
            }
        }
        self.all.remove(doc);
        self.derived.extend(derived.map(|key| (key, doc)));
        let state = match state {
            RowState::Entity(entry) => {
                self.edges.add(doc, &entry.relations);
                self.declared.entry(Key::of_ref(&entry.declared_ref())).or_default().insert(doc);
                self.all.insert(doc);
                State::Entity { entry, shape: None }
            }
            RowState::Broken(reason) => State::Broken(reason),
            RowState::Gone | RowState::Alias(_) => State::Gone,
        };
        let slot = &mut self.slots[index(doc)];
        (slot.rv, slot.state) = (rv, state);
        touched.extend(self.touched_by_entity(doc));
    }

    fn apply_alias(&mut self, key: &Key, rv: u64, state: RowState, touched: &mut BTreeSet<Doc>) {
        let (claims, broken) = match state {
            RowState::Alias(claims) => (claims, None),
            RowState::Broken(reason) => (BTreeSet::new(), Some(reason)),
            RowState::Gone | RowState::Entity(_) => (BTreeSet::new(), None),
        };
        touched.extend(self.touched_by_alias(key));
        let before = self.aliases.get(key).map(|alias| alias.claims.clone()).unwrap_or_default();
        for claim in before {
            if let Some(keys) = self.claimed.get_mut(&claim.identity) {
                keys.remove(key);
            }
        }
        for claim in &claims {
            self.claimed.entry(claim.identity.clone()).or_default().insert(key.clone());
        }
        self.aliases.insert(key.clone(), Alias { rv, claims, broken });
        touched.extend(self.touched_by_alias(key));
    }

    /// Entities whose name or inheritance may follow from this one.
    fn touched_by_entity(&self, doc: Doc) -> BTreeSet<Doc> {
        let mut touched = BTreeSet::from([doc]);
        if let Some(entry) = self.entry(doc) {
            let depended_on = entry.relations.iter().filter(|relation| relation.relation_type == "dependsOn");
            touched.extend(depended_on.filter_map(|relation| self.resolve(&relation.target)));
        }
        let identity = self.identity(doc);
        let mut keys: BTreeSet<Key> = self.claimed.get(identity).cloned().unwrap_or_default();
        keys.insert(identity.key());
        keys.extend(derived_ref_of(identity).map(|derived| Key::of_ref(&derived)));
        for key in keys {
            touched.extend(self.touched_by_alias(&key));
        }
        touched
    }

    /// Entities whose name or inheritance may follow from who answers to a key.
    fn touched_by_alias(&self, key: &Key) -> BTreeSet<Doc> {
        let claims = self.aliases.get(key).into_iter().flat_map(|alias| &alias.claims);
        let mut touched: BTreeSet<Doc> = claims.filter_map(|claim| self.existing(&claim.identity)).collect();
        touched.extend(self.declared.get(key).into_iter().flatten());
        touched.extend(key.identity().and_then(|identity| self.existing(&identity)));
        touched.extend(self.edges.sources(key).filter(|(_, kind)| *kind == "dependencyOf").map(|(doc, _)| doc));
        touched
    }

    fn unindex(&mut self, doc: Doc) {
        let slot = &mut self.slots[index(doc)];
        let State::Entity { entry, shape } = &mut slot.state else { return };
        let Some(shape) = shape.take() else { return };
        for row in shape.rows(&slot.uid, entry) {
            self.columns.remove(doc, &row);
        }
        self.edges.remove(doc, &shape.inherited_relations());
        // A relation that is both said and inherited is still said.
        self.edges.add(doc, &entry.relations);
    }

    fn reshape(&mut self, doc: Doc) {
        let Some(entry) = self.entry(doc) else { return };
        let shape = Shape::of(self, doc, entry);
        if self.shape(doc) == Some(&shape) {
            return;
        }
        self.unindex(doc);
        let slot = &mut self.slots[index(doc)];
        let State::Entity { entry, shape: place } = &mut slot.state else { return };
        for row in shape.rows(&slot.uid, entry) {
            self.columns.add(doc, &row);
        }
        self.edges.add(doc, &shape.inherited_relations());
        *place = Some(Box::new(shape));
    }
}

fn index(doc: Doc) -> usize {
    usize::try_from(doc).unwrap_or(usize::MAX)
}
