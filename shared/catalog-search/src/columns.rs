//! Search rows by key and value: which entities have a row.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::docs::{Doc, DocSet};
use crate::flatten::{MAX_INDEXED_UNITS, SearchValue};
use crate::js_text::utf16_len;

/// Value of the rows that stand for the strings of an array.
const TRUE: &str = "true";

/// All rows of all entities.
#[derive(Debug, Default)]
pub(crate) struct Columns {
    columns: HashMap<String, Column>,
}

/// The rows of one key: value in lower case -> its spellings. `None`: rows without a value.
#[derive(Debug, Clone, Default)]
pub(crate) struct Column {
    values: BTreeMap<Option<String>, Vec<Spelling>>,
}

/// The entities that write a value in one way.
#[derive(Debug, Clone)]
pub(crate) struct Spelling {
    pub(crate) original: Option<String>,
    element: bool,
    pub(crate) docs: BTreeSet<Doc>,
}

impl Columns {
    pub(crate) fn add(&mut self, doc: Doc, row: &SearchValue) {
        let column = self.columns.entry(row.key.clone()).or_default();
        column.add(doc, row.value(), row.original.clone(), row.element);
    }

    pub(crate) fn remove(&mut self, doc: Doc, row: &SearchValue) {
        let Some(column) = self.columns.get_mut(&row.key) else { return };
        let value = row.value();
        if let Some(spellings) = column.values.get_mut(&value) {
            for spelling in spellings.iter_mut().filter(|s| s.original == row.original && s.element == row.element) {
                spelling.docs.remove(&doc);
            }
            spellings.retain(|spelling| !spelling.docs.is_empty());
            if spellings.is_empty() {
                column.values.remove(&value);
            }
        }
        if column.values.is_empty() {
            self.columns.remove(&row.key);
        }
    }

    /// The rows of a key in lower case, those included that stand for the strings of an array.
    pub(crate) fn column(&self, key: &str) -> Cow<'_, Column> {
        let stored = self.columns.get(key);
        let elements = self.with_element(key);
        if elements.is_empty() {
            return stored.map_or_else(|| Cow::Owned(Column::default()), Cow::Borrowed);
        }
        let mut column = stored.cloned().unwrap_or_default();
        for doc in elements {
            column.add(doc, Some(TRUE.to_owned()), Some(TRUE.to_owned()), false);
        }
        Cow::Owned(column)
    }

    /// Entities with a row `key = value`, both in lower case.
    pub(crate) fn equal(&self, key: &str, value: &str) -> DocSet {
        let mut docs: DocSet = self.columns.get(key).into_iter().flat_map(|column| column.docs_of(value)).collect();
        if value == TRUE {
            self.with_element(key).into_iter().for_each(|doc| docs.insert(doc));
        }
        docs
    }

    /// Entities with any row of the key, in lower case.
    pub(crate) fn exists(&self, key: &str) -> DocSet {
        let mut docs: DocSet = self.columns.get(key).into_iter().flat_map(Column::docs).collect();
        self.with_element(key).into_iter().for_each(|doc| docs.insert(doc));
        docs
    }

    /// `a.b.c` stands for the string `c` in an array `a.b`, or `b.c` in an array `a`.
    fn with_element(&self, key: &str) -> BTreeSet<Doc> {
        let mut docs = BTreeSet::new();
        if utf16_len(key) > MAX_INDEXED_UNITS {
            return docs;
        }
        for (dot, _) in key.match_indices('.') {
            let (path, element) = (&key[..dot], &key[dot + 1..]);
            let spellings = self.columns.get(path).and_then(|column| column.values.get(&Some(element.to_owned())));
            for spelling in spellings.into_iter().flatten().filter(|spelling| spelling.element) {
                docs.extend(&spelling.docs);
            }
        }
        docs
    }
}

impl Column {
    pub(crate) fn add(&mut self, doc: Doc, value: Option<String>, original: Option<String>, element: bool) {
        let spellings = self.values.entry(value).or_default();
        match spellings.iter_mut().find(|s| s.original == original && s.element == element) {
            Some(spelling) => {
                spelling.docs.insert(doc);
            }
            None => spellings.push(Spelling { original, element, docs: BTreeSet::from([doc]) }),
        }
    }

    /// Values in their order, without the rows that have none.
    pub(crate) fn values(&self) -> impl DoubleEndedIterator<Item = (&str, &[Spelling])> {
        self.values.iter().filter_map(|(value, spellings)| Some((value.as_deref()?, spellings.as_slice())))
    }

    fn docs_of(&self, value: &str) -> impl Iterator<Item = Doc> + '_ {
        self.values
            .get(&Some(value.to_owned()))
            .into_iter()
            .flatten()
            .flat_map(|spelling| spelling.docs.iter().copied())
    }

    fn docs(&self) -> impl Iterator<Item = Doc> + '_ {
        self.values.values().flatten().flat_map(|spelling| spelling.docs.iter().copied())
    }
}
