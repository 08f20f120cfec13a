//! The order of Backstage's older list, which its pages by `limit` and `offset` cut from: entities without a value of a
//! field that orders come last, and several fields may order.

use std::cmp::Ordering;
use std::collections::HashMap;

use catalog_model::Identity;

use crate::catalog::Catalog;
use crate::docs::{Doc, DocSet};
use crate::filter::Filter;
use crate::query::Order;
use crate::reading::Reading;
use crate::segment::base::NotLoaded;

/// Rows of one list at most: fields with several values each multiply.
pub const MAX_LISTED_ROWS: usize = 5_000_000;

impl Catalog {
    /// All rows: by reference without an order; else by the fields, then by uid. An entity with several values of a field
    /// comes once for each. Fields are compared as they are written with keys in lower case. `None`: too many rows.
    ///
    /// # Errors
    /// Fails while blocks are missing.
    pub fn listed(&self, filter: &Filter, orders: &[Order]) -> Result<Option<Vec<Identity>>, NotLoaded> {
        let reading = Reading::of(self);
        let docs = reading.listed(filter, orders);
        let docs = reading.done(docs)?;
        Ok(docs.map(|docs| docs.into_iter().map(|doc| self.identity(doc)).collect()))
    }
}

impl Reading<'_> {
    fn listed(&self, filter: &Filter, orders: &[Order]) -> Option<Vec<Doc>> {
        let passed = filter.evaluate(self);
        if !self.has_core() {
            return None;
        }
        let mut docs: Vec<Doc> = passed.iter().collect();
        match orders {
            [] => {
                docs.sort_by_cached_key(|doc| self.catalog.ref_of(*doc).to_string());
                return Some(docs);
            }
            _ => docs.sort_unstable_by_key(|doc| self.catalog.uid(*doc)),
        }
        match orders {
            [order] => Some(self.by_one(order, docs, &passed)),
            _ => self.by_several(orders, docs, &passed),
        }
    }

    fn by_one(&self, order: &Order, docs: Vec<Doc>, passed: &DocSet) -> Vec<Doc> {
        let mut values = self.by_value(&order.field);
        if order.descending {
            values.reverse();
        }
        let mut rows: Vec<Doc> = values.into_iter().flat_map(|(_, docs)| docs).collect();
        rows.retain(|doc| passed.contains(*doc));
        let with_value: DocSet = rows.iter().copied().collect();
        rows.extend(docs.into_iter().filter(|doc| !with_value.contains(*doc)));
        rows
    }

    fn by_several(&self, orders: &[Order], docs: Vec<Doc>, passed: &DocSet) -> Option<Vec<Doc>> {
        // Each value by its rank, so that the rows are small.
        let mut rows: Vec<(Vec<Option<usize>>, Doc)> = docs.into_iter().map(|doc| (Vec::new(), doc)).collect();
        for order in orders {
            let mut ranks: HashMap<Doc, Vec<usize>> = HashMap::new();
            for (rank, (_, docs)) in self.by_value(&order.field).into_iter().enumerate() {
                for doc in docs.into_iter().filter(|doc| passed.contains(*doc)) {
                    ranks.entry(doc).or_default().push(rank);
                }
            }
            let mut wider = Vec::with_capacity(rows.len());
            for (row, doc) in rows {
                let own = ranks.get(&doc).map_or(&[][..], Vec::as_slice);
                let mut add = |rank| {
                    let mut row = row.clone();
                    row.push(rank);
                    wider.push((row, doc));
                };
                if own.is_empty() {
                    add(None);
                }
                own.iter().for_each(|rank| add(Some(*rank)));
                if wider.len() > MAX_LISTED_ROWS {
                    return None;
                }
            }
            rows = wider;
        }
        // The rows are in the order of uids, and equal ones stay so.
        rows.sort_by(|(one, _), (other, _)| {
            let places = orders.iter().zip(one.iter().zip(other));
            places.fold(Ordering::Equal, |so_far, (order, (one, other))| {
                so_far.then_with(|| compared(*one, *other, order))
            })
        });
        Some(rows.into_iter().map(|(_, doc)| doc).collect())
    }
}

/// What has no value comes last in both directions.
fn compared(one: Option<usize>, other: Option<usize>, order: &Order) -> Ordering {
    match (one, other) {
        (Some(one), Some(other)) if order.descending => other.cmp(&one),
        (Some(one), Some(other)) => one.cmp(&other),
        (one, other) => one.is_none().cmp(&other.is_none()),
    }
}
