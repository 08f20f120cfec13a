//! Relations by their target: who points at a key, and how. The other direction is in each entity's own row.

use std::cell::LazyCell;
use std::collections::{BTreeSet, HashMap};

use catalog_model::{EntityRef, Key, Relation, derived_ref, reverse_of};

use crate::catalog::Catalog;
use crate::columns::Column;
use crate::docs::{Doc, DocSet};

#[derive(Debug, Default)]
pub(crate) struct Edges {
    by_target: HashMap<Key, BTreeSet<(Doc, String)>>,
    /// Targets that are AWS resources, by the name that they have when nobody knows more of them.
    by_derived_name: HashMap<Key, Key>,
}

impl Edges {
    pub(crate) fn add(&mut self, source: Doc, relations: &BTreeSet<Relation>) {
        for Relation { relation_type, target } in relations {
            if let Some(identity) = target.identity().filter(|identity| identity.is_aws_resource()) {
                self.by_derived_name.insert(Key::of_ref(&derived_ref(&identity)), target.clone());
            }
            self.by_target.entry(target.clone()).or_default().insert((source, relation_type.clone()));
        }
    }

    pub(crate) fn remove(&mut self, source: Doc, relations: &BTreeSet<Relation>) {
        for Relation { relation_type, target } in relations {
            let Some(sources) = self.by_target.get_mut(target) else { continue };
            sources.remove(&(source, relation_type.clone()));
            if sources.is_empty() {
                self.by_target.remove(target);
            }
        }
    }

    pub(crate) fn sources(&self, target: &Key) -> impl Iterator<Item = (Doc, &str)> {
        self.by_target.get(target).into_iter().flatten().map(|(doc, relation_type)| (*doc, relation_type.as_str()))
    }
}

impl Catalog {
    /// Relations of an existing entity in both directions, as `(type, target)`, in the order in which they are shown.
    pub(crate) fn relations(&self, doc: Doc) -> BTreeSet<(String, String)> {
        let mut relations: BTreeSet<(String, String)> = self
            .outgoing(doc)
            .filter_map(|relation| {
                Some((relation.relation_type.clone(), self.shown_ref(&relation.target)?.to_string()))
            })
            .collect();
        for key in self.keys(doc) {
            for (source, relation_type) in self.edges.sources(&key) {
                if let Some(reverse) = reverse_of(relation_type) {
                    relations.insert((reverse.to_owned(), self.ref_of(source).to_string()));
                }
            }
        }
        relations
    }

    pub(crate) fn outgoing(&self, doc: Doc) -> impl Iterator<Item = Relation> {
        let said = self.entry(doc).map(|entry| entry.relations.clone()).unwrap_or_default();
        let inherited = self.shape(doc).map(|shape| shape.inherited_relations()).unwrap_or_default();
        said.into_iter().chain(inherited)
    }

    /// A key as relations show it. A secondary id of nobody is not shown.
    pub fn shown_ref(&self, key: &Key) -> Option<EntityRef> {
        if let Some(doc) = self.resolve(key) {
            return Some(self.ref_of(doc));
        }
        let identity = key.identity()?;
        Some(identity.entity_ref().unwrap_or_else(|| derived_ref(&identity)))
    }

    /// Entities with a relation of this type (in lower case) to this reference.
    pub(crate) fn related(&self, relation_type: &str, target: &str) -> DocSet {
        let mut docs = DocSet::default();
        let Some(reference) = target.parse::<EntityRef>().ok().filter(|parsed| parsed.to_string() == target) else {
            return docs;
        };
        let key = Key::of_ref(&reference);
        let keys = match self.resolve(&key) {
            // Answers to the reference, but is shown under another: no row has this one.
            Some(doc) if self.ref_of(doc) != reference => return docs,
            Some(doc) => {
                for relation in self.outgoing(doc) {
                    if reverse_of(&relation.relation_type).is_some_and(|reverse| is(reverse, relation_type))
                        && let Some(other) = self.resolve(&relation.target)
                    {
                        docs.insert(other);
                    }
                }
                self.keys(doc)
            }
            None => self.edges.by_derived_name.get(&key).cloned().into_iter().chain([key]).collect(),
        };
        for (source, _) in keys.iter().flat_map(|key| self.edges.sources(key)).filter(|(_, t)| is(t, relation_type)) {
            docs.insert(source);
        }
        docs
    }

    /// All rows `relations.<type>` of one type in lower case.
    pub(crate) fn relation_column(&self, relation_type: &str) -> Column {
        let mut column = Column::default();
        for (key, sources) in &self.edges.by_target {
            let shown = LazyCell::new(|| self.shown_ref(key).map(|target| target.to_string()));
            let answering = LazyCell::new(|| self.resolve(key));
            for (source, said_type) in sources {
                if is(said_type, relation_type)
                    && let Some(target) = &*shown
                {
                    column.add(*source, Some(target.clone()), Some(target.clone()), false);
                }
                if reverse_of(said_type).is_some_and(|reverse| is(reverse, relation_type))
                    && let Some(target) = *answering
                {
                    let source = self.ref_of(*source).to_string();
                    column.add(target, Some(source.clone()), Some(source), false);
                }
            }
        }
        column
    }
}

fn is(relation_type: &str, lower_case: &str) -> bool {
    relation_type.chars().flat_map(char::to_lowercase).eq(lower_case.chars())
}
