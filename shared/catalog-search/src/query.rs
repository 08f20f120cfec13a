//! A filter, a text and an order -> pages of entities, as Backstage's `by-query` gives them.

use serde::{Deserialize, Serialize};

use catalog_model::Identity;

use crate::catalog::Catalog;
use crate::columns::Spelling;
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
        let (rows, total) = self.rows(query);
        let descending = query.order.as_ref().is_some_and(|order| order.descending);
        let before = |row: &Row<'_>, position: &Position| {
            let place = (row.value.as_str(), row.uid).cmp(&(position.value.as_str(), position.uid.as_str()));
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
        let (from, to) = (from.min(rows.len()), to.min(rows.len()));
        let shown = &rows[from..to];
        let ends = shown.first().zip(shown.last()).map(|(first, last)| (first.position(), last.position()));
        let items = shown.iter().map(|row| self.identity(row.doc).clone()).collect();
        Page { items, ends, more_behind: to < rows.len(), total }
    }

    /// Whether an entity passes a filter; an entity that is not in the catalog does not.
    pub fn passing<'a>(&self, filter: &Filter, identities: impl IntoIterator<Item = &'a Identity>) -> Vec<bool> {
        let passed = filter.evaluate(self);
        identities.into_iter().map(|identity| self.existing(identity).is_some_and(|doc| passed.contains(doc))).collect()
    }

    fn rows(&self, query: &Query) -> (Vec<Row<'_>>, usize) {
        let field = query.order.as_ref().map_or(UID, |order| order.field.as_str());
        let key = field.to_lowercase();
        let mut docs = query.filter.evaluate(self);
        let mut only_values = None;
        if let Some(text) = &query.text {
            let term = trim(&text.term).to_lowercase();
            let fields = if text.fields.is_empty() { vec![field.to_owned()] } else { text.fields.clone() };
            if !term.is_empty() {
                let pattern = Pattern::containing(&term);
                // Backstage filters the rows that it sorts when the text is asked of the very field that sorts.
                if fields == [key.as_str()] {
                    only_values = Some(pattern);
                } else {
                    docs.intersect_with(&self.with_text(&pattern, &fields));
                }
            }
        }
        let mut rows = Vec::new();
        let mut distinct = DocSet::default();
        self.for_each_value(&key, |value, spelled_by| {
            if only_values.as_ref().is_some_and(|pattern| !pattern.matches(value)) {
                return;
            }
            for doc in docs_of(spelled_by).filter(|doc| docs.contains(*doc)) {
                distinct.insert(doc);
                rows.push(Row { value: value.to_owned(), uid: self.uid(doc), doc });
            }
        });
        rows.sort_unstable_by(|one, other| (&one.value, one.uid).cmp(&(&other.value, other.uid)));
        if query.order.as_ref().is_some_and(|order| order.descending) {
            rows.reverse();
        }
        (rows, distinct.len())
    }

    fn with_text(&self, pattern: &Pattern, fields: &[String]) -> DocSet {
        let mut docs = DocSet::default();
        for field in fields {
            self.for_each_value(&field.to_lowercase(), |value, spelled_by| {
                if pattern.matches(value) {
                    docs_of(spelled_by).for_each(|doc| docs.insert(doc));
                }
            });
        }
        docs
    }

    /// Values of a key in their order, each with its spellings.
    fn for_each_value(&self, key: &str, mut each: impl FnMut(&str, &[Spelling])) {
        self.with_column(key, |column| column.values().for_each(|(value, spellings)| each(value, spellings)));
    }
}

/// No entity has one value in two spellings.
fn docs_of(spellings: &[Spelling]) -> impl Iterator<Item = Doc> + '_ {
    spellings.iter().flat_map(|spelling| spelling.docs.iter().copied())
}

struct Row<'a> {
    value: String,
    uid: &'a str,
    doc: Doc,
}

impl Row<'_> {
    fn position(&self) -> Position {
        Position { value: self.value.clone(), uid: self.uid.to_owned() }
    }
}
