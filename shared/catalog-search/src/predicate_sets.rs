//! A predicate -> the set of entities that pass. All that it asks of the catalog is in this file.

use crate::catalog::Catalog;
use crate::docs::{Doc, DocSet};
use crate::predicate::{Condition, Predicate};

impl Predicate {
    pub(crate) fn evaluate(&self, catalog: &Catalog) -> DocSet {
        match self {
            Self::All(parts) => intersection(parts.iter().map(|part| part.evaluate(catalog)), catalog),
            Self::Any(parts) => union(parts.iter().map(|part| part.evaluate(catalog))),
            Self::Not(part) => without(catalog.all(), &part.evaluate(catalog)),
            Self::Fields(fields) => {
                intersection(fields.iter().map(|(key, condition)| condition.evaluate(key, catalog)), catalog)
            }
        }
    }
}

impl Condition {
    fn evaluate(&self, key: &str, catalog: &Catalog) -> DocSet {
        let key = key.to_lowercase();
        match self {
            Self::Is(value) | Self::Contains(value) => catalog.equal(&key, &value.lower_case()),
            Self::IsOneOf(values) => union(values.iter().map(|value| catalog.equal(&key, &value.lower_case()))),
            Self::Exists(true) => catalog.exists(&key),
            Self::Exists(false) => without(catalog.all(), &catalog.exists(&key)),
            Self::HasPrefix(prefix) => catalog.with_prefix(&key, &prefix.to_lowercase()),
            Self::Related { relation_type, targets } => {
                catalog.related_in(&relation_type.to_lowercase(), targets.as_deref())
            }
        }
    }
}

impl Catalog {
    /// Entities with a value that begins so; key and prefix in lower case.
    pub(crate) fn with_prefix(&self, key: &str, prefix: &str) -> DocSet {
        self.with_column(key, |column| {
            let found = column.values().filter(|(value, _)| value.starts_with(prefix));
            found.flat_map(|(_, spellings)| spellings).flat_map(|spelling| spelling.docs.iter().copied()).collect()
        })
    }

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
        self.with_column(key, |column| {
            let entities = |(value, spellings): (&str, &[crate::columns::Spelling])| {
                let mut docs: Vec<Doc> = spellings.iter().flat_map(|spelling| spelling.docs.iter().copied()).collect();
                docs.sort_unstable_by_key(|doc| self.uid(*doc));
                (value.to_owned(), docs)
            };
            column.values().map(entities).collect()
        })
    }
}

fn union(sets: impl Iterator<Item = DocSet>) -> DocSet {
    let mut all = DocSet::default();
    for set in sets {
        all.union_with(&set);
    }
    all
}

fn intersection(mut sets: impl Iterator<Item = DocSet>, catalog: &Catalog) -> DocSet {
    let Some(mut all) = sets.next() else { return catalog.all().clone() };
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
