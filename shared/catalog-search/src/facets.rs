//! A field and a filter -> how many entities have each of its values.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::catalog::Catalog;
use crate::columns::Column;
use crate::filter::Filter;

/// A value in its original case and the number of entities with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FacetValue {
    pub value: String,
    pub count: usize,
}

impl Catalog {
    /// The facets of a request in its order, each sorted by value. An unknown field has no values.
    pub fn facets<'a>(
        &self,
        fields: impl IntoIterator<Item = &'a str>,
        filter: &Filter,
    ) -> Vec<(&'a str, Vec<FacetValue>)> {
        let passed = (!filter.is_empty()).then(|| filter.evaluate(self));
        let facet = |field: &str| {
            let mut counts: BTreeMap<String, usize> = BTreeMap::new();
            self.with_column(&field.to_lowercase(), |column| {
                for spelling in column.values().flat_map(|(_, spellings)| spellings) {
                    let count = match &passed {
                        Some(passed) => spelling.docs.iter().filter(|doc| passed.contains(**doc)).count(),
                        None => spelling.docs.len(),
                    };
                    if let Some(original) = spelling.original.as_ref().filter(|_| count > 0) {
                        *counts.entry(original.clone()).or_default() += count;
                    }
                }
            });
            counts.into_iter().map(|(value, count)| FacetValue { value, count }).collect()
        };
        fields.into_iter().map(|field| (field, facet(field))).collect()
    }

    pub(crate) fn with_column<T>(&self, key: &str, read: impl FnOnce(&Column) -> T) -> T {
        match key.strip_prefix("relations.") {
            Some(relation_type) => read(&self.relation_column(relation_type)),
            None => read(&self.columns.column(key)),
        }
    }
}
