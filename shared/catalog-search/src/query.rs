//! A filter, a text and an order -> pages of entities, as Backstage's `by-query` gives them.

use serde::{Deserialize, Serialize};

use catalog_model::Identity;

use crate::catalog::Catalog;
use crate::docs::{Doc, DocSet};
use crate::filter::Filter;
use crate::js_text::trim;
use crate::like::Pattern;
use crate::reading::{Reading, UID};
use crate::rows::Rows;
use crate::segment::base::NotLoaded;

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
    ///
    /// # Errors
    /// Fails while blocks are missing.
    pub fn page(&self, query: &Query, start: &Start, limit: usize) -> Result<Page, NotLoaded> {
        let reading = Reading::of(self);
        let page = reading.page(query, start, limit);
        reading.done(page)
    }

    /// Whether an entity passes a filter; an entity that is not in the catalog does not.
    ///
    /// # Errors
    /// Fails while blocks are missing.
    pub fn passing<'a>(
        &self,
        filter: &Filter,
        identities: impl IntoIterator<Item = &'a Identity>,
    ) -> Result<Vec<bool>, NotLoaded> {
        let reading = Reading::of(self);
        let passed = filter.evaluate(&reading);
        let passes = |identity| self.existing(identity).is_some_and(|doc| passed.contains(doc));
        let passing = if reading.has_core() { identities.into_iter().map(passes).collect() } else { Vec::new() };
        reading.done(passing)
    }
}

impl Reading<'_> {
    fn page(&self, query: &Query, start: &Start, limit: usize) -> Page {
        let field = query.order.as_ref().map_or(UID, |order| order.field.as_str());
        let descending = query.order.as_ref().is_some_and(|order| order.descending);
        let (docs, only_values) = self.selected(query, field);
        let rows = Rows::new(self, &field.to_lowercase(), docs, only_values);
        let total = rows.total();
        if limit == 0 || !self.has_core() {
            return Page { items: Vec::new(), ends: None, more_behind: total > 0, total };
        }
        let span = rows.span(start, limit, descending);
        let position = |row: &(String, Doc)| Position { value: row.0.clone(), uid: self.catalog.uid_text(row.1) };
        let ends = span.rows.first().zip(span.rows.last()).map(|(first, last)| (position(first), position(last)));
        let items = span.rows.iter().map(|(_, doc)| self.catalog.identity(*doc)).collect();
        Page { items, ends, more_behind: span.more_behind, total }
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
        let mut found = DocSet::default();
        for field in fields {
            self.view(&field.to_lowercase()).add_matching(self.catalog, &pattern, &mut found);
        }
        docs.intersect_with(&found);
        (docs, None)
    }
}
