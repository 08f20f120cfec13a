//! Whether what is shown of an entity may have changed since, because of its own record or of others.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::docs::Doc;

/// Of an entity, what is shown of it that follows from other records: as long as this is equal, so is that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    catalog: u64,
    change: u64,
}

/// What the catalog knows of an entity without its record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// The newest that is known of its record; 0: nothing is.
    pub rv: u64,
    /// `None`: there is no such entity.
    pub stamp: Option<Stamp>,
}

/// When what is shown of an entity last changed, by the number of the change.
#[derive(Debug)]
pub(crate) struct Stamps {
    /// Different for each catalog: numbers of one say nothing in another.
    catalog: u64,
    pub(crate) changes: u64,
    changed: HashMap<Doc, u64>,
}

impl Default for Stamps {
    fn default() -> Self {
        static CATALOGS: AtomicU64 = AtomicU64::new(0);
        Self { catalog: CATALOGS.fetch_add(1, Ordering::Relaxed), changes: 0, changed: HashMap::new() }
    }
}

impl Stamps {
    /// Goes on where others ended, that were of the same entities under other numbers.
    pub(crate) fn after(before: &Self, number: impl Fn(Doc) -> Option<Doc>) -> Self {
        let changed = before.changed.iter().filter_map(|(doc, change)| Some((number(*doc)?, *change)));
        Self { catalog: before.catalog, changes: before.changes, changed: changed.collect() }
    }

    pub(crate) fn of(&self, doc: Doc) -> Stamp {
        Stamp { catalog: self.catalog, change: self.changed.get(&doc).copied().unwrap_or_default() }
    }

    pub(crate) fn note(&mut self, docs: Vec<Doc>) {
        let change = self.changes;
        self.changed.extend(docs.into_iter().map(|doc| (doc, change)));
    }
}
