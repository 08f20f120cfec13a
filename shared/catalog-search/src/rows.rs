//! The rows of a column in their order: by value, then by uid, of the segment and of what changed as one.

use std::collections::BinaryHeap;
use std::ops::Range;
use std::rc::Rc;

use itertools::Itertools;

use crate::catalog::Catalog;
use crate::docs::{Doc, DocSet};
use crate::like::Pattern;
use crate::overlay::column::Rank;
use crate::query::{Position, Start};
use crate::reading::{Reading, UID, View};
use crate::segment::column::Column;
use crate::segment::entities::{Uid, uid_bytes};

/// Entities are few while looking all of them up takes less than walking to where a page of them ends. Walked is past
/// `page * values / entities` values, so the two are equal at the root of `values * page * (time past one / time of a
/// look-up)`. This is the root of the last two, by estimate.
const FEW_TIMES_ROOT: usize = 16;

/// What is sorted, and by what.
pub(crate) struct Rows<'c> {
    catalog: &'c Catalog,
    order: Order,
    docs: DocSet,
    only_values: Option<Pattern>,
}

enum Order {
    Uid,
    Column(Rc<View>),
}

/// Rows of one page: value and entity.
pub(crate) struct Span {
    pub(crate) rows: Vec<(String, Doc)>,
    pub(crate) more_behind: bool,
}

impl<'c> Rows<'c> {
    pub(crate) fn new(reading: &Reading<'c>, key: &str, docs: DocSet, only_values: Option<Pattern>) -> Self {
        let order = if key == UID { Order::Uid } else { Order::Column(reading.view(key)) };
        Self { catalog: reading.catalog, order, docs, only_values }
    }

    /// Entities, each once however many rows it has.
    pub(crate) fn total(&self) -> usize {
        let mut found = match (&self.order, &self.only_values) {
            (Order::Uid, None) => return self.docs.len(),
            (Order::Uid, Some(pattern)) => {
                let matches = |doc: &Doc| pattern.matches(&self.catalog.uid_text(*doc));
                return if self.catalog.ready().is_ok() { self.docs.iter().filter(matches).count() } else { 0 };
            }
            (Order::Column(view), None) => view.valued(self.catalog),
            (Order::Column(view), Some(pattern)) => {
                let mut found = DocSet::default();
                view.add_matching(self.catalog, pattern, &mut found);
                found
            }
        };
        found.intersect_with(&self.docs);
        found.len()
    }

    /// The rows of one page.
    pub(crate) fn span(&self, start: &Start, limit: usize, descending: bool) -> Span {
        let (rows, more_behind) = match start {
            Start::Offset(offset) => take(self.walk(None, descending).skip(*offset), limit),
            Start::After(position) => {
                let behind = |row: &(String, Doc)| self.is_beyond(row, position, descending, true);
                take(self.walk(Some(position), descending).skip_while(move |row| !behind(row)), limit)
            }
            Start::Before(position) => {
                let before = |row: &(String, Doc)| self.is_beyond(row, position, !descending, true);
                let mut rows: Vec<(String, Doc)> =
                    self.walk(Some(position), !descending).skip_while(move |row| !before(row)).take(limit).collect();
                rows.reverse();
                let from = |row: &(String, Doc)| self.is_beyond(row, position, descending, false);
                let more_behind = self.walk(Some(position), descending).any(|row| from(&row));
                (rows, more_behind)
            }
        };
        Span { rows, more_behind }
    }

    /// Whether a row is behind a position, or `strictly` behind it.
    fn is_beyond(&self, (value, doc): &(String, Doc), position: &Position, descending: bool, strictly: bool) -> bool {
        let place =
            value.as_str().cmp(&position.value).then_with(|| self.catalog.uid_text(*doc).as_str().cmp(&position.uid));
        let place = if descending { place.reverse() } else { place };
        if strictly { place.is_gt() } else { place.is_ge() }
    }

    /// All rows in one direction, from about a position on.
    fn walk<'r>(
        &'r self,
        from: Option<&'r Position>,
        descending: bool,
    ) -> Box<dyn Iterator<Item = (String, Doc)> + 'r> {
        let is_wanted = |value: &str| self.only_values.as_ref().is_none_or(|pattern| pattern.matches(value));
        match &self.order {
            Order::Uid => {
                let uids = self.by_uid(from, descending).map(|doc| (self.catalog.uid_text(doc), doc));
                Box::new(uids.filter(move |(uid, _)| is_wanted(uid)))
            }
            Order::Column(view) => {
                let from = from.map(|position| position.value.as_str());
                let groups = self.groups(view, from, descending).filter(move |(value, _)| is_wanted(value));
                Box::new(groups.flat_map(|(value, docs)| docs.into_iter().map(move |doc| (value.to_owned(), doc))))
            }
        }
    }

    /// Entities by uid. Those of the segment are numbered so.
    fn by_uid<'r>(&'r self, from: Option<&Position>, descending: bool) -> Box<dyn Iterator<Item = Doc> + 'r> {
        let (entities, end) = (self.catalog.base.entities(), self.catalog.base.len());
        let uids = &self.catalog.overlay.uids;
        let is_wanted = |doc: &Doc| self.docs.contains(*doc);
        let is_before = move |one: &Doc, other: &Doc| (self.catalog.uid(*one) < self.catalog.uid(*other)) != descending;
        // A place that is no uid bounds nothing.
        let from = from.and_then(|position| uid_bytes(&position.value));
        if descending {
            let of_base = (0..from.map_or(end, |uid| entities.behind(&uid))).rev().filter(is_wanted);
            let changed = match from {
                Some(uid) => uids.range(..=uid),
                None => uids.range::<Uid, _>(..),
            };
            Box::new(of_base.merge_by(changed.rev().map(|(_, doc)| *doc).filter(is_wanted), is_before))
        } else {
            let of_base = (from.map_or(0, |uid| entities.from(&uid))..end).filter(is_wanted);
            let changed = match from {
                Some(uid) => uids.range(uid..),
                None => uids.range::<Uid, _>(..),
            };
            Box::new(of_base.merge_by(changed.map(|(_, doc)| *doc).filter(is_wanted), is_before))
        }
    }

    /// Values with the entities that have them, in one direction.
    fn groups<'r>(
        &'r self,
        view: &'r View,
        from: Option<&'r str>,
        descending: bool,
    ) -> impl Iterator<Item = (&'r str, Vec<Doc>)> + 'r {
        let column = view.base.as_deref();
        let entries = column.map_or(0, Column::len);
        let of_base = match (from, descending) {
            (None, _) => 0..entries,
            (Some(from), false) => column.map_or(0, |column| column.lower_bound(from))..entries,
            (Some(from), true) => 0..column.map_or(0, |column| column.upper_bound(from)),
        };
        // Where every other value is one of theirs, the next is not far.
        let most = (entries.isqrt() * FEW_TIMES_ROOT).min(entries / 2);
        let few = column.filter(|_| self.docs.len() < most);
        let of_base: Box<dyn Iterator<Item = usize>> = match (few, descending) {
            (Some(column), _) => Box::new(lazily_sorted(column, &self.docs, of_base, descending)),
            (None, false) => Box::new(of_base),
            (None, true) => Box::new(of_base.rev()),
        };
        let of_base = of_base.filter_map(move |at| Some((column?.value(at), column?.docs(at), true)));
        let overlay = view.overlay.as_deref();
        let changed: Box<dyn Iterator<Item = (&Rank, &[Doc])>> = match (overlay, from, descending) {
            (None, ..) => Box::new(std::iter::empty()),
            (Some(overlay), None, false) => Box::new(overlay.entries()),
            (Some(overlay), None, true) => Box::new(overlay.entries().rev()),
            (Some(overlay), Some(from), false) => Box::new(overlay.entries_from(from)),
            (Some(overlay), Some(from), true) => Box::new(overlay.entries_to(from).rev()),
        };
        let changed = changed.map(|((value, ..), docs)| (value.as_str(), docs, false));
        let mut merged = of_base.merge_by(changed, move |one, other| (one.0 < other.0) != descending).peekable();
        let mask = view.mask(self.catalog);
        let is_wanted = move |doc: &Doc, of_base: bool| self.docs.contains(*doc) && !(of_base && mask.contains(*doc));
        std::iter::from_fn(move || {
            loop {
                let (value, docs, of_base) = merged.next()?;
                let mut group: Vec<Doc> = docs.iter().copied().filter(|doc| is_wanted(doc, of_base)).collect();
                let mut is_sorted = of_base;
                while let Some((_, docs, of_base)) = merged.next_if(|(other, ..)| *other == value) {
                    group.extend(docs.iter().copied().filter(|doc| is_wanted(doc, of_base)));
                    is_sorted = false;
                }
                if group.is_empty() {
                    continue;
                }
                if !is_sorted {
                    group.sort_unstable_by_key(|doc| self.catalog.uid(*doc));
                }
                if descending {
                    group.reverse();
                }
                return Some((value, group));
            }
        })
    }
}

impl View {
    /// Entities with a value that a pattern matches.
    pub(crate) fn add_matching(&self, catalog: &Catalog, pattern: &Pattern, found: &mut DocSet) {
        if let Some(base) = &self.base {
            let mut of_base = DocSet::default();
            match pattern.literal() {
                Some(literal) => {
                    base.values().containing(literal).for_each(|at| base.entry(at).add_to(&mut of_base));
                }
                None => {
                    let matching = base.entries().filter(|entry| pattern.matches(entry.value));
                    matching.for_each(|entry| entry.add_to(&mut of_base));
                }
            }
            of_base.subtract(self.mask(catalog));
            found.union_with(&of_base);
        }
        let changed = self.overlay.iter().flat_map(|overlay| overlay.entries());
        for (_, docs) in changed.filter(|((value, ..), _)| pattern.matches(value)) {
            docs.iter().for_each(|doc| found.insert(*doc));
        }
    }
}

/// Numbers of the values that these entities have, within bounds, in one direction. Only those that are taken are sorted.
fn lazily_sorted(
    column: &Column,
    docs: &DocSet,
    bounds: Range<usize>,
    descending: bool,
) -> impl Iterator<Item = usize> {
    // The greatest key comes first.
    let key = move |at: usize| if descending { at } else { usize::MAX - at };
    let numbers = column.values_of(docs).filter_map(|number| usize::try_from(number).ok());
    let mut heap: BinaryHeap<usize> = numbers.filter(|at| bounds.contains(at)).map(key).collect();
    std::iter::from_fn(move || heap.pop()).dedup().map(move |key| if descending { key } else { usize::MAX - key })
}

/// The first `limit`, and whether there are more.
fn take<T>(mut rows: impl Iterator<Item = T>, limit: usize) -> (Vec<T>, bool) {
    let taken: Vec<T> = rows.by_ref().take(limit).collect();
    let more = rows.next().is_some();
    (taken, more)
}
