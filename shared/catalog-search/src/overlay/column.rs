//! The rows of one key of the entities that changed, in the order of a segment's column.

use std::collections::{BTreeMap, BTreeSet};

use crate::docs::Doc;
use crate::flatten::SearchValue;

/// Value, original and mark of a row: the order of a column.
pub(crate) type Rank = (String, String, bool);

#[derive(Debug, Clone, Default)]
pub(crate) struct OverlayColumn {
    entries: BTreeMap<Rank, Vec<Doc>>,
    nulls: BTreeSet<Doc>,
}

impl OverlayColumn {
    /// Values in lower case, each with entities that rise.
    pub(crate) fn of(values: BTreeMap<String, Vec<Doc>>) -> Self {
        let entries = values.into_iter().map(|(value, docs)| ((value.clone(), value, false), docs)).collect();
        Self { entries, nulls: BTreeSet::new() }
    }

    pub(crate) fn add(&mut self, doc: Doc, row: &SearchValue) {
        match rank(row) {
            Some(rank) => self.add_value(doc, rank),
            None => drop(self.nulls.insert(doc)),
        }
    }

    pub(crate) fn add_value(&mut self, doc: Doc, rank: Rank) {
        let docs = self.entries.entry(rank).or_default();
        if let Err(at) = docs.binary_search(&doc) {
            docs.insert(at, doc);
        }
    }

    pub(crate) fn add_null(&mut self, doc: Doc) {
        self.nulls.insert(doc);
    }

    pub(crate) fn remove(&mut self, doc: Doc, row: &SearchValue) {
        let Some(rank) = rank(row) else {
            self.nulls.remove(&doc);
            return;
        };
        let Some(docs) = self.entries.get_mut(&rank) else { return };
        if let Ok(at) = docs.binary_search(&doc) {
            docs.remove(at);
        }
        if docs.is_empty() {
            self.entries.remove(&rank);
        }
    }

    pub(crate) fn entries(&self) -> impl DoubleEndedIterator<Item = (&Rank, &[Doc])> {
        self.entries.iter().map(|(rank, docs)| (rank, docs.as_slice()))
    }

    /// From the first value that is not below this one.
    pub(crate) fn entries_from(&self, value: &str) -> impl DoubleEndedIterator<Item = (&Rank, &[Doc])> {
        let from = (value.to_owned(), String::new(), false);
        self.entries.range(from..).map(|(rank, docs)| (rank, docs.as_slice()))
    }

    /// Up to the last value that is not above this one.
    pub(crate) fn entries_to(&self, value: &str) -> impl DoubleEndedIterator<Item = (&Rank, &[Doc])> {
        // The least text above another is that text and one NUL.
        let behind = (format!("{value}\0"), String::new(), false);
        self.entries.range(..behind).map(|(rank, docs)| (rank, docs.as_slice()))
    }

    pub(crate) fn equal<'c>(&'c self, value: &'c str) -> impl Iterator<Item = (&'c Rank, &'c [Doc])> {
        self.entries_from(value).take_while(move |(rank, _)| rank.0 == value)
    }

    pub(crate) fn nulls(&self) -> impl Iterator<Item = Doc> {
        self.nulls.iter().copied()
    }
}

fn rank(row: &SearchValue) -> Option<Rank> {
    Some((row.value()?, row.original.clone()?, row.element))
}
