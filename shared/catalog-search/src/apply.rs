//! A row -> the catalog with it. What follows from several records is worked out anew for exactly the entities that the
//! row can touch.

use std::collections::BTreeSet;

use catalog_model::{Identity, Key, RecordKey, Relation};

use crate::catalog::Catalog;
use crate::docs::Doc;
use crate::flatten::SearchValue;
use crate::overlay::{Alias, FOLLOWING_RELATIONS, Live, Slot, State, following_rows};
use crate::row::{IndexRow, RowState, derived_ref_of};
use crate::segment::base::NotLoaded;
use crate::shape::Shape;

impl Catalog {
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
        // A stack hands on whose it is to what is part of it.
        let members: Vec<Doc> = touched.iter().flat_map(|doc| self.members(*doc)).collect();
        touched.extend(members);
        for doc in touched {
            self.reshape(doc);
        }
        Ok(applied)
    }

    /// What says that it is part of a CloudFormation stack.
    pub(crate) fn members(&self, doc: Doc) -> Vec<Doc> {
        let stack = self.identity(doc).key();
        if !stack.is_stack() {
            return Vec::new();
        }
        let sources = self.sources(&stack).into_iter();
        sources.filter(|(_, relation_type)| *relation_type == "partOf").map(|(doc, _)| doc).collect()
    }

    /// The number of an identity, a new one if it has none, and its place among what changed.
    fn slot_of(&mut self, identity: &Identity) -> Doc {
        if let Some(doc) = self.overlay.numbers.get(identity) {
            return *doc;
        }
        let uid = identity.uid_bytes();
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
        if let Some(doc) = self.number_of(identity) {
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
        let own = self.relations_in_base(doc, |is_inherited| !is_inherited).into_iter();
        let may_inherit = self.base.heads().head(doc).may_inherit();
        let follows = |relation: &Relation| match relation.relation_type.as_str() {
            "dependencyOf" => true,
            relation_type => may_inherit && FOLLOWING_RELATIONS.contains(&relation_type),
        };
        own.filter(follows).collect()
    }

    /// The rows of an entity of the segment that may change although its record did not.
    pub(crate) fn following_rows(&self, doc: Doc, shape: &Shape) -> Vec<SearchValue> {
        let heads = self.base.heads();
        following_rows(heads.head(doc), shape, heads.own_rows(doc))
    }
}
