//! Relations of the entities that changed, by their target: who points at a key, and how. The other direction is in
//! each entity's own row.

use std::collections::HashMap;

use catalog_model::{Key, Relation, derived_ref};

use crate::docs::Doc;

#[derive(Debug, Default)]
pub(crate) struct Edges {
    /// Each rises.
    by_target: HashMap<Key, Vec<Edge>>,
    /// Targets that are AWS resources, by the name that they have when nobody knows more of them.
    by_derived_name: HashMap<Key, Key>,
    /// Types of relations, of which there are few, by number.
    types: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Edge {
    source: Doc,
    relation_type: u16,
    is_inherited: bool,
}

impl Edges {
    pub(crate) fn add<'r>(
        &mut self,
        source: Doc,
        relations: impl IntoIterator<Item = &'r Relation>,
        is_inherited: bool,
    ) {
        for Relation { relation_type, target } in relations {
            if let Some(identity) = target.identity().filter(|identity| identity.is_aws_resource())
                && !self.by_target.contains_key(target)
            {
                self.by_derived_name.insert(Key::of_ref(&derived_ref(&identity)), target.clone());
            }
            let relation_type = self.number_of(relation_type).unwrap_or_else(|| {
                self.types.push(relation_type.clone());
                u16::try_from(self.types.len() - 1).expect("fewer than 65,536 types of relations")
            });
            let edge = Edge { source, relation_type, is_inherited };
            let edges = self.by_target.entry(target.clone()).or_default();
            if let Err(at) = edges.binary_search(&edge) {
                edges.insert(at, edge);
            }
        }
    }

    pub(crate) fn remove<'r>(
        &mut self,
        source: Doc,
        relations: impl IntoIterator<Item = &'r Relation>,
        is_inherited: bool,
    ) {
        for Relation { relation_type, target } in relations {
            let Some(relation_type) = self.number_of(relation_type) else { continue };
            let Some(edges) = self.by_target.get_mut(target) else { continue };
            if let Ok(at) = edges.binary_search(&Edge { source, relation_type, is_inherited }) {
                edges.remove(at);
            }
            if edges.is_empty() {
                self.by_target.remove(target);
            }
        }
    }

    fn number_of(&self, relation_type: &str) -> Option<u16> {
        u16::try_from(self.types.iter().position(|known| known == relation_type)?).ok()
    }

    fn type_of(&self, edge: Edge) -> &str {
        &self.types[usize::from(edge.relation_type)]
    }

    pub(crate) fn sources(&self, target: &Key) -> impl Iterator<Item = (Doc, &str)> {
        let edges = self.by_target.get(target).into_iter().flatten();
        edges.map(|edge| (edge.source, self.type_of(*edge)))
    }

    pub(crate) fn target_of_derived_name(&self, name: &Key) -> Option<&Key> {
        self.by_derived_name.get(name)
    }

    /// All of them, in no order: target, source, type, and whether it is inherited.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&Key, Doc, &str, bool)> {
        self.by_target.iter().flat_map(move |(target, edges)| {
            edges.iter().map(move |edge| (target, edge.source, self.type_of(*edge), edge.is_inherited))
        })
    }
}
