//! A predicate -> the set of entities that pass. All that it asks of the catalog is in this file.

use std::collections::BTreeMap;

use crate::docs::{Doc, DocSet};
use crate::predicate::{Condition, Predicate};
use crate::reading::Reading;

impl Predicate {
    pub(crate) fn evaluate(&self, reading: &Reading<'_>) -> DocSet {
        match self {
            Self::All(parts) => intersection(parts.iter().map(|part| part.evaluate(reading)), reading),
            Self::Any(parts) => union(parts.iter().map(|part| part.evaluate(reading))),
            Self::Not(part) => without(reading.catalog.all(), &part.evaluate(reading)),
            Self::Fields(fields) => {
                intersection(fields.iter().map(|(key, condition)| condition.evaluate(key, reading)), reading)
            }
        }
    }
}

impl Condition {
    fn evaluate(&self, key: &str, reading: &Reading<'_>) -> DocSet {
        let key = key.to_lowercase();
        match self {
            Self::Is(value) | Self::Contains(value) => reading.equal(&key, &value.lower_case()),
            Self::IsOneOf(values) => union(values.iter().map(|value| reading.equal(&key, &value.lower_case()))),
            Self::Exists(true) => reading.exists(&key),
            Self::Exists(false) => without(reading.catalog.all(), &reading.exists(&key)),
            Self::HasPrefix(prefix) => reading.with_prefix(&key, &prefix.to_lowercase()),
            Self::Related { relation_type, targets } => {
                reading.related_in(&relation_type.to_lowercase(), targets.as_deref())
            }
        }
    }
}

impl Reading<'_> {
    /// Entities with a relation of this type, to any of these targets if there are any; all in lower case.
    pub(crate) fn related_in(&self, relation_type: &str, targets: Option<&[String]>) -> DocSet {
        let key = format!("relations.{relation_type}");
        match targets {
            None => self.exists(&key),
            Some(targets) => union(targets.iter().map(|target| self.equal(&key, target))),
        }
    }

    /// Entities by each of their values of a key, which is taken as it is written: values in their order, entities of
    /// one value in the order of their uids.
    pub(crate) fn by_value(&self, key: &str) -> Vec<(String, Vec<Doc>)> {
        let mut by_value: BTreeMap<String, Vec<Doc>> = BTreeMap::new();
        self.view(key).each_entry(self.catalog, |(value, ..), docs| {
            let docs: Vec<Doc> = docs.collect();
            if !docs.is_empty() {
                by_value.entry(value.to_owned()).or_default().extend(docs);
            }
        });
        for docs in by_value.values_mut() {
            docs.sort_unstable_by_key(|doc| self.catalog.uid(*doc));
        }
        by_value.into_iter().collect()
    }
}

fn union(sets: impl Iterator<Item = DocSet>) -> DocSet {
    let mut all = DocSet::default();
    for set in sets {
        all.union_with(&set);
    }
    all
}

fn intersection(mut sets: impl Iterator<Item = DocSet>, reading: &Reading<'_>) -> DocSet {
    let Some(mut all) = sets.next() else { return reading.catalog.all().clone() };
    for set in sets {
        all.intersect_with(&set);
    }
    all
}

fn without(all: &DocSet, left_out: &DocSet) -> DocSet {
    let mut rest = all.clone();
    rest.subtract(left_out);
    rest
}
