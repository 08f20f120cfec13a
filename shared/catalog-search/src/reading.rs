//! One question to a catalog: which columns it touches, and whether all of them were there.
//!
//! What is missing counts as empty until the question is over; then the answer is thrown away and everything that was
//! missing is named at once.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;
use std::sync::Arc;

use catalog_model::{EntityRef, Key, reverse_of};

use crate::catalog::Catalog;
use crate::docs::{Doc, DocSet};
use crate::flatten::MAX_INDEXED_UNITS;
use crate::js_text::utf16_len;
use crate::overlay::column::OverlayColumn;
use crate::segment::Block;
use crate::segment::base::NotLoaded;
use crate::segment::column::{Column, RankRef};

pub(crate) const UID: &str = "metadata.uid";
const RELATIONS: &str = "relations.";

/// Value of the rows that stand for the strings of an array.
const TRUE: &str = "true";

#[derive(Debug)]
pub(crate) struct Reading<'c> {
    pub(crate) catalog: &'c Catalog,
    views: RefCell<HashMap<String, Rc<View>>>,
    missing: RefCell<BTreeSet<Block>>,
}

/// The rows of one key: those of the segment that still hold, and those of what changed.
#[derive(Debug, Default)]
pub(crate) struct View {
    pub(crate) base: Option<Arc<Column>>,
    /// The key, which says what hides rows of the segment.
    key: String,
    pub(crate) overlay: Option<Arc<OverlayColumn>>,
}

impl<'c> Reading<'c> {
    pub(crate) fn of(catalog: &'c Catalog) -> Self {
        Self { catalog, views: RefCell::default(), missing: RefCell::default() }
    }

    /// The answer, if nothing was missing for it.
    pub(crate) fn done<T>(self, answer: T) -> Result<T, NotLoaded> {
        let missing = self.missing.into_inner();
        if missing.is_empty() { Ok(answer) } else { Err(NotLoaded(missing.into_iter().collect())) }
    }

    /// Whether names, relations and uids can be asked for. What needs them does without if not.
    pub(crate) fn has_core(&self) -> bool {
        match self.catalog.ready() {
            Ok(()) => true,
            Err(NotLoaded(blocks)) => {
                self.missing.borrow_mut().extend(blocks);
                false
            }
        }
    }

    /// All rows of a key in lower case, whatever it is the key of.
    pub(crate) fn view(&self, key: &str) -> Rc<View> {
        if let Some(view) = self.views.borrow().get(key) {
            return Rc::clone(view);
        }
        let view = Rc::new(match key.strip_prefix(RELATIONS) {
            Some(relation_type) => View::made(self.relation_rows(relation_type)),
            None if key == UID => View::made(self.uid_rows()),
            None => self.stored_view(key),
        });
        self.views.borrow_mut().insert(key.to_owned(), Rc::clone(&view));
        view
    }

    fn stored_view(&self, key: &str) -> View {
        let elements = self.with_element(key);
        let mut view = self.view_without_elements(key);
        if !elements.is_empty() {
            // Rare: somebody asks for all rows of a key that stands for a string in an array.
            let mut made = self.copied(&view);
            for doc in elements.iter() {
                made.add_value(doc, (TRUE.to_owned(), TRUE.to_owned(), false));
            }
            view = View::made(made);
        }
        view
    }

    fn view_without_elements(&self, key: &str) -> View {
        let base = self.catalog.base.column_block(key).and_then(|block| {
            let column = self.catalog.base.column(key);
            if column.is_none() {
                self.missing.borrow_mut().insert(block.clone());
            }
            column
        });
        let overlay = self.catalog.overlay.column(key, |doc, shape| self.catalog.following_rows(doc, shape));
        View { base, key: key.to_owned(), overlay }
    }

    fn copied(&self, view: &View) -> OverlayColumn {
        let mut made = OverlayColumn::default();
        view.each_entry(self.catalog, |(value, original, is_marked), docs| {
            docs.for_each(|doc| made.add_value(doc, (value.to_owned(), original.to_owned(), is_marked)));
        });
        view.each_null(self.catalog, |doc| made.add_null(doc));
        made
    }

    /// Entities with a row `key = value`, both in lower case.
    pub(crate) fn equal(&self, key: &str, value: &str) -> DocSet {
        if let Some(relation_type) = key.strip_prefix(RELATIONS) {
            return self.related(relation_type, value);
        }
        if key == UID {
            let doc = || crate::segment::entities::uid_bytes(value).and_then(|uid| self.catalog.doc_of_uid(&uid));
            let doc = if self.has_core() { doc() } else { None };
            return doc.filter(|doc| self.catalog.exists_now(*doc)).into_iter().collect();
        }
        let mut docs = self.view_without_elements_cached(key).equal(self.catalog, value);
        if value == TRUE {
            docs.union_with(&self.with_element(key));
        }
        docs
    }

    /// Entities with any row of the key, in lower case.
    pub(crate) fn exists(&self, key: &str) -> DocSet {
        if key == UID {
            return self.catalog.all().clone();
        }
        if key.starts_with(RELATIONS) {
            return self.view(key).exists(self.catalog);
        }
        let mut docs = self.view_without_elements_cached(key).exists(self.catalog);
        docs.union_with(&self.with_element(key));
        docs
    }

    /// Entities with a value that begins so, both in lower case.
    pub(crate) fn with_prefix(&self, key: &str, prefix: &str) -> DocSet {
        let view = self.view(key);
        let mut docs = DocSet::default();
        view.each_entry_from(self.catalog, prefix, |(value, ..), entry_docs| {
            let holds = value.starts_with(prefix);
            if holds {
                entry_docs.for_each(|doc| docs.insert(doc));
            }
            holds
        });
        docs
    }

    fn view_without_elements_cached(&self, key: &str) -> Rc<View> {
        let name = format!("\0{key}");
        if let Some(view) = self.views.borrow().get(&name) {
            return Rc::clone(view);
        }
        let view = Rc::new(self.view_without_elements(key));
        self.views.borrow_mut().insert(name, Rc::clone(&view));
        view
    }

    /// `a.b.c` stands for the string `c` in an array `a.b`, or `b.c` in an array `a`.
    fn with_element(&self, key: &str) -> DocSet {
        let mut docs = DocSet::default();
        if utf16_len(key) > MAX_INDEXED_UNITS {
            return docs;
        }
        for (dot, _) in key.match_indices('.') {
            let (path, element) = (&key[..dot], &key[dot + 1..]);
            let mut take = |is_marked: bool, found: &mut dyn Iterator<Item = Doc>| {
                if is_marked {
                    found.for_each(|doc| docs.insert(doc));
                }
            };
            if self.catalog.base.column_block(path).is_some_and(|block| block.has_marks) {
                self.view_without_elements_cached(path).each_equal(self.catalog, element, take);
            } else if let Some(overlay) = self.catalog.overlay.column(path, |_, _| Vec::new()) {
                overlay
                    .equal(element)
                    .for_each(|((.., is_marked), found)| take(*is_marked, &mut found.iter().copied()));
            }
        }
        docs
    }

    fn uid_rows(&self) -> OverlayColumn {
        let mut made = OverlayColumn::default();
        if self.has_core() {
            for doc in self.catalog.all().iter() {
                let uid = self.catalog.uid_text(doc);
                made.add_value(doc, (uid.clone(), uid, false));
            }
        }
        made
    }

    /// Entities with a relation of this type (in lower case) to this reference.
    fn related(&self, relation_type: &str, target: &str) -> DocSet {
        let mut docs = DocSet::default();
        let Some(reference) = target.parse::<EntityRef>().ok().filter(|parsed| parsed.to_string() == target) else {
            return docs;
        };
        if !self.has_core() {
            return docs;
        }
        let catalog = self.catalog;
        let key = Key::of_ref(&reference);
        let keys = match catalog.resolve(&key) {
            // Answers to the reference, but is shown under another: no row has this one.
            Some(doc) if catalog.ref_of(doc) != reference => return docs,
            Some(doc) => {
                for relation in catalog.outgoing(doc) {
                    if reverse_of(&relation.relation_type).is_some_and(|reverse| is(reverse, relation_type))
                        && let Some(other) = catalog.resolve(&relation.target)
                    {
                        docs.insert(other);
                    }
                }
                catalog.keys(doc)
            }
            None => catalog.target_of_derived_name(&key).into_iter().chain([key]).collect(),
        };
        for key in &keys {
            catalog.add_sources(key, relation_type, &mut docs);
        }
        docs
    }

    /// All rows `relations.<type>` of one type in lower case.
    fn relation_rows(&self, relation_type: &str) -> OverlayColumn {
        if self.has_core() {
            OverlayColumn::of(self.catalog.relation_values(relation_type))
        } else {
            OverlayColumn::default()
        }
    }
}

impl View {
    fn made(column: OverlayColumn) -> Self {
        Self { base: None, key: String::new(), overlay: Some(Arc::new(column)) }
    }

    /// Entities of the segment whose rows count as not being there.
    pub(crate) fn mask<'c>(&self, catalog: &'c Catalog) -> &'c DocSet {
        catalog.overlay.mask(&self.key)
    }

    pub(crate) fn equal(&self, catalog: &Catalog, value: &str) -> DocSet {
        let mut docs = DocSet::default();
        if let Some(base) = &self.base {
            base.equal(value).for_each(|at| base.entry(at).add_to(&mut docs));
            docs.subtract(self.mask(catalog));
        }
        for (_, found) in self.overlay.iter().flat_map(|overlay| overlay.equal(value)) {
            found.iter().for_each(|doc| docs.insert(*doc));
        }
        docs
    }

    /// Entities with a value.
    pub(crate) fn valued(&self, catalog: &Catalog) -> DocSet {
        let mut docs = DocSet::default();
        if let Some(base) = &self.base {
            docs.union_with(base.valued());
            docs.subtract(self.mask(catalog));
        }
        for (_, found) in self.overlay.iter().flat_map(|overlay| overlay.entries()) {
            found.iter().for_each(|doc| docs.insert(*doc));
        }
        docs
    }

    /// Entities with a row, with a value or without.
    pub(crate) fn exists(&self, catalog: &Catalog) -> DocSet {
        let mut docs = self.valued(catalog);
        self.each_null(catalog, |doc| docs.insert(doc));
        docs
    }

    pub(crate) fn each_null(&self, catalog: &Catalog, mut take: impl FnMut(Doc)) {
        let mask = self.mask(catalog);
        let of_base = self.base.iter().flat_map(|base| base.nulls()).copied();
        of_base.filter(|doc| !mask.contains(*doc)).for_each(&mut take);
        self.overlay.iter().flat_map(|overlay| overlay.nulls()).for_each(take);
    }

    /// Every value with its entities: those of the segment, then those of what changed.
    pub(crate) fn each_entry(
        &self,
        catalog: &Catalog,
        mut take: impl FnMut(RankRef<'_>, &mut dyn Iterator<Item = Doc>),
    ) {
        self.each_entry_from(catalog, "", |rank, docs| {
            take(rank, docs);
            true
        });
    }

    /// As [`Self::each_entry`], from the first value that is not below `from`, while `take` says to go on.
    fn each_entry_from(
        &self,
        catalog: &Catalog,
        from: &str,
        mut take: impl FnMut(RankRef<'_>, &mut dyn Iterator<Item = Doc>) -> bool,
    ) {
        let mask = self.mask(catalog);
        if let Some(base) = &self.base {
            for at in base.lower_bound(from)..base.len() {
                let entry = base.entry(at);
                if !take(entry.rank(), &mut entry.docs.iter().copied().filter(|doc| !mask.contains(*doc))) {
                    break;
                }
            }
        }
        for ((value, original, is_marked), docs) in self.overlay.iter().flat_map(|overlay| overlay.entries_from(from)) {
            if !take((value, original, *is_marked), &mut docs.iter().copied()) {
                break;
            }
        }
    }

    fn each_equal(&self, catalog: &Catalog, value: &str, mut take: impl FnMut(bool, &mut dyn Iterator<Item = Doc>)) {
        self.each_entry_from(catalog, value, |(other, _, is_marked), docs| {
            let holds = other == value;
            if holds {
                take(is_marked, docs);
            }
            holds
        });
    }
}

pub(crate) fn is(relation_type: &str, lower_case: &str) -> bool {
    relation_type.chars().flat_map(char::to_lowercase).eq(lower_case.chars())
}
