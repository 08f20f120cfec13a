//! What changed since the segment: entities that are new or other than there, and what their rows are.

pub(crate) mod changed;
pub(crate) mod column;
pub(crate) mod packed;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use catalog_model::{Claim, Identity, Key};

use crate::docs::{Doc, DocSet};
use crate::flatten::SearchValue;
use crate::overlay::column::OverlayColumn;
use crate::overlay::packed::{Packed, Words};
use crate::row::IndexEntry;
use crate::segment::entities::Uid;
use crate::segment::heads::{Head, INHERITED_KEYS};
use crate::shape::Shape;

/// The keys whose rows may change although the entity's own record did not.
pub(crate) const FOLLOWING_KEYS: [&str; 4] = ["metadata.name", "metadata.namespace", "spec.owner", "spec.system"];

/// The types of relations of which the same holds: of an owner and a system for entities that may inherit, of a component
/// for all.
pub(crate) const FOLLOWING_RELATIONS: [&str; 3] = ["ownedBy", "partOf", "dependencyOf"];

#[derive(Debug, Default)]
pub(crate) struct Overlay {
    /// By number: entities of the segment whose record changed, and those that it does not have.
    pub(crate) slots: HashMap<Doc, Slot>,
    /// Entities of the segment of which only what follows from other records changed.
    pub(crate) followers: HashMap<Doc, Shape>,
    /// Numbers of those that the segment does not have.
    pub(crate) numbers: HashMap<Identity, Doc>,
    pub(crate) uids: BTreeMap<Uid, Doc>,
    pub(crate) aliases: BTreeMap<Key, Alias>,
    /// Keys of these aliases by who claims them.
    pub(crate) claimed: HashMap<Identity, BTreeSet<Key>>,
    /// Derived names of these resources, of all that were ever seen.
    pub(crate) derived: HashMap<Key, Doc>,
    /// These entities by the name that their own record gives them, whether they may bear it or not.
    pub(crate) declared: HashMap<Key, BTreeSet<Doc>>,
    pub(crate) edges: crate::edges::Edges,
    /// Entities of the segment that are in `slots`.
    pub(crate) superseded: DocSet,
    /// Those, and those in `followers`: what hides names of the segment.
    pub(crate) superseded_or_following: DocSet,
    /// Those, and those in `followers` that may inherit: what hides owners and systems of the segment.
    pub(crate) superseded_or_inheriting: DocSet,
    pub(crate) words: Words,
    /// Columns that somebody asked for, kept up from then on.
    columns: Mutex<HashMap<u32, Arc<OverlayColumn>>>,
}

#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) identity: Identity,
    pub(crate) uid: Uid,
    pub(crate) rv: u64,
    pub(crate) state: State,
}

#[derive(Debug)]
pub(crate) enum State {
    Entity(Box<Live>),
    Gone,
    Broken(String),
}

/// An entity as its own record tells it, and what follows from others.
#[derive(Debug)]
pub(crate) struct Live {
    /// Without its values: those are packed.
    pub(crate) entry: IndexEntry,
    pub(crate) values: Packed,
    /// `None` while it is being worked out.
    pub(crate) shape: Option<Shape>,
}

#[derive(Debug, Default)]
pub(crate) struct Alias {
    pub(crate) rv: u64,
    pub(crate) claims: BTreeSet<Claim>,
    pub(crate) broken: Option<String>,
}

impl Live {
    pub(crate) fn new(mut entry: IndexEntry, words: &mut Words) -> Self {
        let values = Packed::of(&std::mem::take(&mut entry.values), words);
        Self { entry, values, shape: None }
    }

    pub(crate) fn head(&self) -> Head<'_> {
        Head {
            kind: &self.entry.kind,
            namespace: &self.entry.namespace,
            name: &self.entry.name,
            owner: self.entry.said.owner.as_deref(),
            system: self.entry.said.system.as_deref(),
            owner_yields: self.entry.said.owner_yields,
            system_yields: self.entry.said.system_yields,
            content: &self.entry.content,
        }
    }

    /// All search rows but for uid and relations: those of the record, with what follows from others in place of what
    /// it replaces.
    pub(crate) fn rows(&self, words: &Words) -> Vec<SearchValue> {
        let Some(shape) = &self.shape else { return Vec::new() };
        let mut rows = following_rows(self.head(), shape, []);
        let own = self.values.iter(words).filter(|row| shape.inherited_value(row.key).is_none());
        rows.extend(own.map(|row| row.to_owned()));
        rows
    }

    /// Those of [`FOLLOWING_KEYS`].
    fn following_rows(&self, words: &Words) -> Vec<SearchValue> {
        let Some(shape) = &self.shape else { return Vec::new() };
        let own = self.values.iter(words).filter(|row| INHERITED_KEYS.contains(&row.key));
        following_rows(self.head(), shape, &own.map(|row| row.to_owned()).collect::<Vec<_>>())
    }
}

/// The rows of [`FOLLOWING_KEYS`], `own` being those of the record for an owner and a system.
pub(crate) fn following_rows<'r>(
    head: Head<'_>,
    shape: &Shape,
    own: impl IntoIterator<Item = &'r SearchValue>,
) -> Vec<SearchValue> {
    let (name, namespace) = shape.shown_name(head);
    let mut rows = Vec::new();
    rows.extend(SearchValue::of_text("metadata.name", name));
    rows.extend(SearchValue::of_text("metadata.namespace", namespace));
    for key in INHERITED_KEYS {
        rows.extend(shape.inherited_value(key).and_then(|value| SearchValue::of_text(key, value)));
    }
    rows.extend(own.into_iter().filter(|row| shape.inherited_value(&row.key).is_none()).cloned());
    rows
}

impl Overlay {
    /// What hides the rows of a key of the segment.
    pub(crate) fn mask(&self, key: &str) -> &DocSet {
        if INHERITED_KEYS.contains(&key) {
            &self.superseded_or_inheriting
        } else if FOLLOWING_KEYS.contains(&key) {
            &self.superseded_or_following
        } else {
            &self.superseded
        }
    }

    pub(crate) fn live(&self, doc: Doc) -> Option<&Live> {
        match &self.slots.get(&doc)?.state {
            State::Entity(live) => Some(live),
            State::Gone | State::Broken(_) => None,
        }
    }

    pub(crate) fn lives(&self) -> impl Iterator<Item = (Doc, &Live)> {
        self.slots.iter().filter_map(|(doc, slot)| match &slot.state {
            State::Entity(live) => Some((*doc, &**live)),
            State::Gone | State::Broken(_) => None,
        })
    }

    /// Rows that are now of this entity, put into the columns that are kept up.
    pub(crate) fn add_rows(&mut self, doc: Doc, rows: &[SearchValue]) {
        self.each_kept_row(rows, |column, row| column.add(doc, row));
    }

    pub(crate) fn remove_rows(&mut self, doc: Doc, rows: &[SearchValue]) {
        self.each_kept_row(rows, |column, row| column.remove(doc, row));
    }

    fn each_kept_row(&mut self, rows: &[SearchValue], mut change: impl FnMut(&mut OverlayColumn, &SearchValue)) {
        let columns = self.columns.get_mut().unwrap_or_else(PoisonError::into_inner);
        for row in rows {
            let word = self.words.find(&row.key);
            if let Some(column) = word.and_then(|word| columns.get_mut(&word)) {
                change(Arc::make_mut(column), row);
            }
        }
    }

    /// Whether any column is kept up, so that rows must be told.
    pub(crate) fn keeps_columns(&mut self) -> bool {
        !self.columns.get_mut().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// The rows of a key in lower case. `following` gives those of `followers`.
    pub(crate) fn column(
        &self,
        key: &str,
        following: impl Fn(Doc, &Shape) -> Vec<SearchValue>,
    ) -> Option<Arc<OverlayColumn>> {
        let word = self.words.find(key)?;
        if let Some(column) = self.lock().get(&word) {
            return Some(Arc::clone(column));
        }
        let mut column = OverlayColumn::default();
        if FOLLOWING_KEYS.contains(&key) {
            column = self.following_column(key, following);
        } else {
            for (doc, live) in self.lives() {
                let own = live.values.iter(&self.words).filter(|row| row.word == word);
                own.for_each(|row| column.add(doc, &row.to_owned()));
            }
        }
        let column = Arc::new(column);
        self.lock().insert(word, Arc::clone(&column));
        Some(column)
    }

    /// The rows of one of [`FOLLOWING_KEYS`].
    fn following_column(&self, key: &str, following: impl Fn(Doc, &Shape) -> Vec<SearchValue>) -> OverlayColumn {
        let mut column = OverlayColumn::default();
        let of_lives = self.lives().map(|(doc, live)| (doc, live.following_rows(&self.words)));
        let of_followers = self.followers.iter().map(|(doc, shape)| (*doc, following(*doc, shape)));
        for (doc, rows) in of_lives.chain(of_followers) {
            rows.iter().filter(|row| row.key == key).for_each(|row| column.add(doc, row));
        }
        column
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u32, Arc<OverlayColumn>>> {
        self.columns.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
