//! A filter, a text and an order -> pages of entities, as Backstage's `by-query` gives them.

use serde::{Deserialize, Serialize};

use catalog_model::Identity;

use crate::catalog::Catalog;
use crate::columns::{Column, Spelling};
use crate::docs::{Doc, DocSet};
use crate::filter::Filter;
use crate::js_text::trim;
use crate::like::Pattern;

const UID: &str = "metadata.uid";

/// What is asked, all pages alike.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Query {
    #[serde(default)]
    pub filter: Filter,
    /// `None`: by uid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<Order>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<TextFilter>,
}

/// Entities without a value of the field are left out; one with several values comes once for each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    pub field: String,
    #[serde(default)]
    pub descending: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextFilter {
    pub term: String,
    /// Empty: the field of the order, else the uid.
    #[serde(default)]
    pub fields: Vec<String>,
}

/// A place between two rows of an answer: the lower-cased value and the uid of the row before or behind it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Position {
    pub value: String,
    pub uid: String,
}

/// Where a page begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// So many rows behind the first.
    Offset(usize),
    After(Position),
    /// The page ends before this row.
    Before(Position),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    pub items: Vec<Identity>,
    /// First and last row of the page.
    pub ends: Option<(Position, Position)>,
    /// There are rows behind the last one.
    pub more_behind: bool,
    /// Entities in all pages, each once.
    pub total: usize,
}

impl Catalog {
    /// One page of at most `limit` rows.
    pub fn page(&self, query: &Query, start: &Start, limit: usize) -> Page {
        let field = query.order.as_ref().map_or(UID, |order| order.field.as_str());
        let descending = query.order.as_ref().is_some_and(|order| order.descending);
        let (docs, only_values) = self.selected(query, field);
        self.with_column(&field.to_lowercase(), |column| {
            let (mut rows, total) = self.rows(column, &docs, only_values.as_ref());
            if descending {
                rows.reverse();
            }
            let (from, to) = span(&rows, start, limit, descending);
            let shown = &rows[from..to];
            let ends = shown.first().zip(shown.last()).map(|(first, last)| (first.position(), last.position()));
            let items = shown.iter().map(|row| self.identity(row.doc).clone()).collect();
            Page { items, ends, more_behind: to < rows.len(), total }
        })
    }

    /// Whether an entity passes a filter; an entity that is not in the catalog does not.
    pub fn passing<'a>(&self, filter: &Filter, identities: impl IntoIterator<Item = &'a Identity>) -> Vec<bool> {
        let passed = filter.evaluate(self);
        identities.into_iter().map(|identity| self.existing(identity).is_some_and(|doc| passed.contains(doc))).collect()
    }

    /// The entities that are asked for, and what their value of the field that orders must be like.
    fn selected(&self, query: &Query, field: &str) -> (DocSet, Option<Pattern>) {
        let mut docs = query.filter.evaluate(self);
        let Some(text) = &query.text else { return (docs, None) };
        let term = trim(&text.term).to_lowercase();
        if term.is_empty() {
            return (docs, None);
        }
        let pattern = Pattern::containing(&term);
        let fields = if text.fields.is_empty() { vec![field.to_owned()] } else { text.fields.clone() };
        // Backstage filters the rows that it sorts when the text is asked of the very field that sorts. It compares the
        // field as it is written with the lower-cased one that sorts.
        if fields == [field.to_lowercase()] {
            return (docs, Some(pattern));
        }
        docs.intersect_with(&self.with_text(&pattern, &fields));
        (docs, None)
    }

    /// The rows of a column by value, then by uid, and the number of different entities among them.
    fn rows<'c>(&'c self, column: &'c Column, docs: &DocSet, only_values: Option<&Pattern>) -> (Vec<Row<'c>>, usize) {
        let mut rows = Vec::new();
        let mut distinct = DocSet::default();
        for (value, spellings) in column.values() {
            if only_values.is_some_and(|pattern| !pattern.matches(value)) {
                continue;
            }
            let first = rows.len();
            for doc in docs_of(spellings).filter(|doc| docs.contains(*doc)) {
                distinct.insert(doc);
                rows.push(Row { value, uid: self.uid(doc), doc });
            }
            rows[first..].sort_unstable_by_key(|row| row.uid);
        }
        (rows, distinct.len())
    }

    fn with_text(&self, pattern: &Pattern, fields: &[String]) -> DocSet {
        let mut docs = DocSet::default();
        for field in fields {
            self.with_column(&field.to_lowercase(), |column| {
                let found = column.values().filter(|(value, _)| pattern.matches(value));
                found.flat_map(|(_, spellings)| docs_of(spellings)).for_each(|doc| docs.insert(doc));
            });
        }
        docs
    }
}

/// No entity has one value in two spellings.
fn docs_of(spellings: &[Spelling]) -> impl Iterator<Item = Doc> + '_ {
    spellings.iter().flat_map(|spelling| spelling.docs.iter().copied())
}

/// First row of a page, and the one behind its last.
fn span(rows: &[Row<'_>], start: &Start, limit: usize, descending: bool) -> (usize, usize) {
    let before = |row: &Row<'_>, position: &Position| {
        let place = (row.value, row.uid).cmp(&(position.value.as_str(), position.uid.as_str()));
        if descending { place.reverse() } else { place }
    };
    let (from, to) = match start {
        Start::Offset(offset) => (*offset, offset.saturating_add(limit)),
        Start::After(position) => {
            let from = rows.partition_point(|row| before(row, position).is_le());
            (from, from.saturating_add(limit))
        }
        Start::Before(position) => {
            let to = rows.partition_point(|row| before(row, position).is_lt());
            (to.saturating_sub(limit), to)
        }
    };
    (from.min(rows.len()), to.min(rows.len()))
}

struct Row<'a> {
    value: &'a str,
    uid: &'a str,
    doc: Doc,
}

impl Row<'_> {
    fn position(&self) -> Position {
        Position { value: self.value.to_owned(), uid: self.uid.to_owned() }
    }
}
