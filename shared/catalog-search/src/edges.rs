//! Relations of the entities that changed, by their target: who points at a key, and how. The other direction is in
//! each entity's own row.

use std::collections::{BTreeSet, HashMap};

use catalog_model::{Key, Relation, derived_ref};

use crate::docs::Doc;

#[derive(Debug, Default)]
pub(crate) struct Edges {
    /// Source, type, and whether it is inherited.
    by_target: HashMap<Key, BTreeSet<(Doc, String, bool)>>,
    /// Targets that are AWS resources, by the name that they have when nobody knows more of them.
    by_derived_name: HashMap<Key, Key>,
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
            self.by_target.entry(target.clone()).or_default().insert((source, relation_type.clone(), is_inherited));
        }
    }

    pub(crate) fn remove<'r>(
        &mut self,
        source: Doc,
        relations: impl IntoIterator<Item = &'r Relation>,
        is_inherited: bool,
    ) {
        for Relation { relation_type, target } in relations {
            let Some(sources) = self.by_target.get_mut(target) else { continue };
            sources.remove(&(source, relation_type.clone(), is_inherited));
            if sources.is_empty() {
                self.by_target.remove(target);
            }
        }
    }

    pub(crate) fn sources(&self, target: &Key) -> impl Iterator<Item = (Doc, &str)> {
        let sources = self.by_target.get(target).into_iter().flatten();
        sources.map(|(doc, relation_type, _)| (*doc, relation_type.as_str()))
    }

    pub(crate) fn target_of_derived_name(&self, name: &Key) -> Option<&Key> {
        self.by_derived_name.get(name)
    }

    /// All of them, in no order: target, source, type, and whether it is inherited.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&Key, Doc, &str, bool)> {
        self.by_target.iter().flat_map(|(target, sources)| {
            sources
                .iter()
                .map(move |(source, relation_type, inherited)| (target, *source, relation_type.as_str(), *inherited))
        })
    }
}
