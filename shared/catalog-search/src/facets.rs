//! A field and a filter -> how many entities have each of its values.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::catalog::Catalog;
use crate::docs::DocSet;
use crate::filter::Filter;
use crate::reading::{Reading, View};
use crate::segment::base::NotLoaded;
use crate::segment::column::Column;

/// A value in its original case and the number of entities with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FacetValue {
    pub value: String,
    pub count: usize,
}

impl Catalog {
    /// The facets of a request in its order, each sorted by value. An unknown field has no values.
    ///
    /// # Errors
    /// Fails while blocks are missing.
    pub fn facets<'a>(
        &self,
        fields: impl IntoIterator<Item = &'a str>,
        filter: &Filter,
    ) -> Result<Vec<(&'a str, Vec<FacetValue>)>, NotLoaded> {
        let reading = Reading::of(self);
        let passed = (!filter.is_empty()).then(|| filter.evaluate(&reading));
        let facet = |field: &'a str| (field, reading.view(&field.to_lowercase()).facet(self, passed.as_ref()));
        let facets = fields.into_iter().map(facet).collect();
        reading.done(facets)
    }
}

impl View {
    fn facet(&self, catalog: &Catalog, passed: Option<&DocSet>) -> Vec<FacetValue> {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        if let Some(base) = &self.base {
            let mask = self.mask(catalog);
            let of_base = match passed {
                None => Counted::Masked(mask),
                Some(passed) => {
                    let mut left = passed.clone();
                    left.subtract(mask);
                    Counted::Passed(left)
                }
            };
            of_base.count(base, &mut counts);
        }
        for ((_, original, _), docs) in self.overlay.iter().flat_map(|overlay| overlay.entries()) {
            let count = docs.iter().filter(|doc| passed.is_none_or(|passed| passed.contains(**doc))).count();
            if count > 0 {
                *counts.entry(original).or_default() += count;
            }
        }
        counts.into_iter().map(|(value, count)| FacetValue { value: value.to_owned(), count }).collect()
    }
}

/// Which entities of a segment count.
enum Counted<'m> {
    /// All but these.
    Masked(&'m DocSet),
    /// These.
    Passed(DocSet),
}

impl Counted<'_> {
    fn count<'c>(&self, column: &'c Column, counts: &mut BTreeMap<&'c str, usize>) {
        for entry in column.entries() {
            let count = match (self, entry.bits) {
                (Self::Masked(mask), Some(bits)) => entry.docs.len() - bits.len_of_both(mask),
                (Self::Masked(mask), None) => entry.docs.iter().filter(|doc| !mask.contains(**doc)).count(),
                (Self::Passed(passed), Some(bits)) => bits.len_of_both(passed),
                (Self::Passed(passed), None) => entry.docs.iter().filter(|doc| passed.contains(**doc)).count(),
            };
            if count > 0 {
                *counts.entry(entry.original).or_default() += count;
            }
        }
    }
}
