//! Relations as they are read: keys become references, and the other direction is looked up.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use catalog_model::{EntityRef, Identity, Key, Relation, derived_ref, reverse_of};

use crate::catalog::Catalog;
use crate::docs::{Doc, DocSet};
use crate::overlay::FOLLOWING_RELATIONS;
use crate::reading::is;
use crate::segment::entities::{hash_in_name, hash_of_identity};

/// Who a relation points at, as its rows show it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Target {
    Entity(Doc),
    /// Nobody answers to the key (yet).
    Nobody(String),
}

impl Catalog {
    /// Relations of an existing entity in both directions, as `(type, target)`, in the order in which they are shown.
    pub(crate) fn relations(&self, doc: Doc) -> BTreeSet<(String, String)> {
        let outgoing = self.outgoing(doc).into_iter();
        let mut relations: BTreeSet<(String, String)> = outgoing
            .filter_map(|relation| {
                let shown = self.shown_ref_of(&relation.target)?.to_string();
                Some((relation.relation_type, shown))
            })
            .collect();
        for key in self.keys(doc) {
            for (source, relation_type) in self.sources(&key) {
                if let Some(reverse) = reverse_of(relation_type) {
                    relations.insert((reverse.to_owned(), self.ref_of(source).to_string()));
                }
            }
        }
        relations
    }

    /// Existing entities that an existing entity shows a relation of one of these types to, by the names under which they
    /// are shown.
    ///
    /// # Errors
    /// Fails while blocks are missing.
    pub fn related(
        &self,
        identity: &Identity,
        relation_types: &[&str],
    ) -> Result<BTreeMap<EntityRef, Identity>, crate::NotLoaded> {
        self.ready()?;
        let Some(doc) = self.existing(identity) else { return Ok(BTreeMap::new()) };
        let outgoing = self.outgoing(doc).into_iter();
        let outgoing = outgoing.filter(|relation| relation_types.contains(&relation.relation_type.as_str()));
        let mut related: BTreeSet<Doc> = outgoing.filter_map(|relation| self.resolve(&relation.target)).collect();
        for key in self.keys(doc) {
            let sources = self.sources(&key).into_iter();
            related.extend(
                sources
                    .filter(|(_, said)| reverse_of(said).is_some_and(|reverse| relation_types.contains(&reverse)))
                    .map(|(source, _)| source),
            );
        }
        Ok(related.into_iter().map(|doc| (self.ref_of(doc), self.identity(doc))).collect())
    }

    /// Outgoing relations of an entity, inherited ones included.
    pub(crate) fn outgoing(&self, doc: Doc) -> BTreeSet<Relation> {
        let mut relations = self.said_relations(doc);
        if let Some(shape) = self.shape(doc) {
            relations.extend(shape.inherited_relations().cloned());
        }
        relations
    }

    /// A key as relations show it. A secondary id of nobody is not shown.
    ///
    /// # Errors
    /// Fails while blocks are missing.
    pub fn shown_ref(&self, key: &Key) -> Result<Option<EntityRef>, crate::NotLoaded> {
        self.ready()?;
        Ok(self.shown_ref_of(key))
    }

    pub(crate) fn shown_ref_of(&self, key: &Key) -> Option<EntityRef> {
        if let Some(doc) = self.resolve(key) {
            return Some(self.ref_of(doc));
        }
        shown_of_nobody(key)
    }

    /// The target of relations to an AWS resource that nobody knows, by the name that it has then.
    pub(crate) fn target_of_derived_name(&self, name: &Key) -> Option<Key> {
        if let Some(target) = self.overlay.edges.target_of_derived_name(name) {
            return Some(target.clone());
        }
        let reference = name.entity_ref()?;
        let hash = hash_in_name(reference.name())?;
        let is_it = |text: &&str| {
            let target = Key::from_stored(text);
            let identity = target.identity().filter(|identity| identity.is_aws_resource());
            identity.is_some_and(|identity| hash_of_identity(text) == hash && derived_ref(&identity) == reference)
        };
        self.base
            .relations()
            .find_map(|(_, relation)| relation.column.values().iter().find(is_it).map(Key::from_stored))
    }

    /// Who points at a key by a type of relation, in lower case.
    pub(crate) fn add_sources(&self, target: &Key, relation_type: &str, docs: &mut DocSet) {
        for (said_type, relation) in self.base.relations().filter(|(said_type, _)| is(said_type, relation_type)) {
            let mask = self.relation_mask(said_type);
            for at in relation.column.equal(target.as_str()) {
                let found = relation.column.entry(at).docs.iter().filter(|doc| !mask.contains(**doc));
                found.for_each(|doc| docs.insert(*doc));
            }
        }
        let changed = self.overlay.edges.sources(target).filter(|(_, said_type)| is(said_type, relation_type));
        changed.for_each(|(doc, _)| docs.insert(doc));
    }

    /// All rows `relations.<type>` of one type in lower case: each value once, with the entities that have it.
    pub(crate) fn relation_values(&self, relation_type: &str) -> BTreeMap<String, Vec<Doc>> {
        let mut rows: Vec<(u32, Doc)> = Vec::new();
        let mut values = Values::default();
        self.each_edge(|target, said_type, sources| {
            let said = is(said_type, relation_type);
            let reversed = reverse_of(said_type).is_some_and(|reverse| is(reverse, relation_type));
            if !said && !reversed {
                return;
            }
            let answering = self.resolve(target);
            if said {
                let value = match answering {
                    Some(doc) => Some(values.number(Target::Entity(doc))),
                    None => shown_of_nobody(target).map(|shown| values.number(Target::Nobody(shown.to_string()))),
                };
                rows.extend(value.into_iter().flat_map(|value| sources.iter().map(move |source| (value, *source))));
            }
            if reversed && let Some(target) = answering {
                rows.extend(sources.iter().map(|source| (values.number(Target::Entity(*source)), target)));
            }
        });
        rows.sort_unstable();
        rows.dedup();
        let mut by_value: BTreeMap<String, Vec<Doc>> = BTreeMap::new();
        for same in rows.chunk_by(|one, other| one.0 == other.0) {
            let value = match &values.targets[usize::try_from(same[0].0).unwrap_or(usize::MAX)] {
                Target::Entity(doc) => self.ref_of(*doc).to_string(),
                Target::Nobody(shown) => shown.clone(),
            };
            // Two that nobody knows may be shown alike: an ARN, and the name that follows from it.
            by_value.entry(value).or_default().extend(same.iter().map(|(_, doc)| *doc));
        }
        for docs in by_value.values_mut() {
            docs.sort_unstable();
            docs.dedup();
        }
        by_value
    }

    /// Every target with all that point at it by one type: those of the segment that still hold, then what changed.
    fn each_edge(&self, mut take: impl FnMut(&Key, &str, &[Doc])) {
        let mut left = Vec::new();
        for (relation_type, relation) in self.base.relations() {
            let mask = self.relation_mask(relation_type);
            for entry in relation.column.entries() {
                left.clear();
                left.extend(entry.docs.iter().filter(|doc| !mask.contains(**doc)));
                if !left.is_empty() {
                    take(&Key::from_stored(entry.value), relation_type, &left);
                }
            }
        }
        for (target, source, relation_type, _) in self.overlay.edges.all() {
            take(target, relation_type, &[source]);
        }
    }

    /// Relations of one type, in the order of a segment's column: target, whether inherited, sources. Those that an
    /// entity says and inherits are said.
    pub(crate) fn changed_relations(&self) -> BTreeMap<&str, BTreeMap<(&str, bool), BTreeSet<Doc>>> {
        let mut by_type: BTreeMap<&str, BTreeMap<(&str, bool), BTreeSet<Doc>>> = BTreeMap::new();
        for (target, source, relation_type, is_inherited) in self.overlay.edges.all() {
            let column = by_type.entry(relation_type).or_default();
            column.entry((target.as_str(), is_inherited)).or_default().insert(source);
        }
        for relation_type in FOLLOWING_RELATIONS {
            let Some(column) = by_type.get_mut(relation_type) else { continue };
            let inherited: Vec<&str> = column.keys().filter(|(_, inherited)| *inherited).map(|(key, _)| *key).collect();
            for target in inherited {
                let said = column.get(&(target, false)).cloned().unwrap_or_default();
                if let Some(sources) = column.get_mut(&(target, true)) {
                    sources.retain(|source| !said.contains(source));
                }
            }
        }
        by_type
    }
}

/// Targets by number.
#[derive(Default)]
struct Values {
    targets: Vec<Target>,
    numbers: HashMap<Target, u32>,
}

impl Values {
    fn number(&mut self, target: Target) -> u32 {
        if let Some(number) = self.numbers.get(&target) {
            return *number;
        }
        let number = u32::try_from(self.targets.len()).expect("fewer than four thousand million targets");
        self.targets.push(target.clone());
        self.numbers.insert(target, number);
        number
    }
}

fn shown_of_nobody(key: &Key) -> Option<EntityRef> {
    let identity = key.identity()?;
    Some(identity.entity_ref().unwrap_or_else(|| derived_ref(&identity)))
}
