//! One column: values in their order, each with the entities that have it.
//!
//! ```text
//! column    = values, marks, originals, (entities of value)*, entities without a value
//! values    = texts that rise; equal ones differ in original or mark
//! marks     = numbers of marked values. A mark means: string of an array (search rows), inherited (relations)
//! originals = numbers of the values that were written in another case, and how
//! entities  = count, numbers that rise as distances
//! ```
//!
//! Relations use the same form: the values are the keys that are pointed at, the entities those that point.

use std::cmp::Ordering;
use std::sync::OnceLock;

use crate::docs::{Doc, DocSet};
use crate::segment::SegmentError;
use crate::segment::by_entity::ByEntity;
use crate::segment::bytes::{Reader, Writer};
use crate::segment::texts::Texts;

/// A value that so many of all entities have, one in this number or more, is a set of bits as well.
const DENSE_ONE_IN: usize = 64;

/// A decoded column, immutable.
#[derive(Debug, Default)]
pub(crate) struct Column {
    values: Texts,
    /// `docs[starts[n]..starts[n + 1]]` have value `n`.
    starts: Vec<u32>,
    docs: Vec<Doc>,
    /// Values that are marked, by number.
    marked: Vec<u32>,
    /// Values that are written otherwise, by number, and how.
    rewritten: Vec<u32>,
    originals: Texts,
    /// Entities with a row of the key that has no value.
    nulls: Vec<Doc>,
    /// Entities with a value.
    valued: DocSet,
    dense: Vec<(u32, DocSet)>,
    /// Values by entity, once somebody asked for it.
    by_entity: OnceLock<ByEntity>,
}

/// Value, original and mark: the order of a column.
pub(crate) type RankRef<'c> = (&'c str, &'c str, bool);

/// One value of a column, by its number.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry<'c> {
    pub(crate) value: &'c str,
    /// As the sources wrote it.
    pub(crate) original: &'c str,
    pub(crate) is_marked: bool,
    pub(crate) docs: &'c [Doc],
    pub(crate) bits: Option<&'c DocSet>,
}

impl<'c> Entry<'c> {
    /// The order of a column.
    pub(crate) fn rank(&self) -> RankRef<'c> {
        (self.value, self.original, self.is_marked)
    }

    pub(crate) fn add_to(&self, set: &mut DocSet) {
        match self.bits {
            Some(bits) => set.union_with(bits),
            None => self.docs.iter().for_each(|doc| set.insert(*doc)),
        }
    }
}

impl Column {
    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }

    pub(crate) fn entry(&self, at: usize) -> Entry<'_> {
        let number = u32::try_from(at).unwrap_or(u32::MAX);
        let value = self.values.get(at);
        let original = self.rewritten.binary_search(&number).map_or(value, |at| self.originals.get(at));
        let bits = self.dense.binary_search_by_key(&number, |(at, _)| *at).ok().map(|at| &self.dense[at].1);
        Entry { value, original, is_marked: self.marked.binary_search(&number).is_ok(), docs: self.docs(at), bits }
    }

    /// Value number `at`, without what it takes a search to find.
    pub(crate) fn value(&self, at: usize) -> &str {
        self.values.get(at)
    }

    /// The entities that have value number `at`.
    pub(crate) fn docs(&self, at: usize) -> &[Doc] {
        &self.docs[place(self.starts[at])..place(self.starts[at + 1])]
    }

    pub(crate) fn entries(&self) -> impl DoubleEndedIterator<Item = Entry<'_>> {
        (0..self.len()).map(|at| self.entry(at))
    }

    /// Numbers of the values that are equal to this one.
    pub(crate) fn equal(&self, value: &str) -> std::ops::Range<usize> {
        let first = self.values.partition_point(|other| other < value);
        let mut behind = first;
        while behind < self.len() && self.values.get(behind) == value {
            behind += 1;
        }
        first..behind
    }

    /// Number of the first value that is not below this one.
    pub(crate) fn lower_bound(&self, value: &str) -> usize {
        self.values.partition_point(|other| other < value)
    }

    /// Number of the first value that is above this one.
    pub(crate) fn upper_bound(&self, value: &str) -> usize {
        self.values.partition_point(|other| other <= value)
    }

    pub(crate) fn values(&self) -> &Texts {
        &self.values
    }

    pub(crate) fn nulls(&self) -> &[Doc] {
        &self.nulls
    }

    pub(crate) fn valued(&self) -> &DocSet {
        &self.valued
    }

    /// Numbers of the values that these entities have, in no order, some several times.
    pub(crate) fn values_of(&self, docs: &DocSet) -> impl Iterator<Item = u32> {
        let made = || ByEntity::of(&self.starts[1..], &self.docs, self.valued.last());
        self.by_entity.get_or_init(made).values_of(docs)
    }

    /// Values by entity: what each of them points at, in the order of entities.
    pub(crate) fn forward(&self) -> Vec<(Doc, u32)> {
        let mut pairs = Vec::with_capacity(self.docs.len());
        for at in 0..self.len() {
            let number = u32::try_from(at).unwrap_or(u32::MAX);
            pairs.extend(self.entry(at).docs.iter().map(|doc| (*doc, number)));
        }
        pairs.sort_unstable();
        pairs
    }

    /// Bytes of memory, roughly.
    pub(crate) fn bytes(&self) -> usize {
        let numbers = self.starts.capacity() + self.docs.capacity() + self.marked.capacity() + self.nulls.capacity();
        let bits: usize = self.dense.iter().map(|(_, bits)| bits.bytes()).sum();
        let by_entity = ByEntity::bytes(self.valued.last().map_or(0, place), self.docs.len());
        self.values.bytes()
            + self.originals.bytes()
            + numbers * size_of::<u32>()
            + bits
            + self.valued.bytes()
            + by_entity
    }

    /// # Errors
    /// Fails on anything that [`ColumnWriter`] would not have written.
    pub(crate) fn read(content: &[u8], entities: u32) -> Result<Self, SegmentError> {
        let mut reader = Reader::new("a column", content);
        let values = Texts::read(&mut reader)?;
        let count = u32::try_from(values.len()).map_err(|_| reader.wrong("it has too many values"))?;
        let marked = reader.rising(count)?;
        let rewritten = reader.rising(count)?;
        let originals = Texts::read(&mut reader)?;
        if originals.len() != rewritten.len() {
            return Err(reader.wrong("its originals are not those that it names"));
        }
        let mut column = Self { values, marked, rewritten, originals, ..Self::default() };
        column.starts = Vec::with_capacity(column.len() + 1);
        column.starts.push(0);
        for _ in 0..count {
            reader.rising_into(entities, &mut column.docs)?;
            let end = u32::try_from(column.docs.len()).map_err(|_| reader.wrong("it has too many rows"))?;
            column.starts.push(end);
        }
        column.nulls = reader.rising(entities)?;
        if (1..column.len()).any(|at| column.entry(at - 1).rank().cmp(&column.entry(at).rank()) != Ordering::Less) {
            return Err(reader.wrong("its values do not rise"));
        }
        reader.end()?;
        column.valued = column.docs.iter().copied().collect();
        let least = place(entities) / DENSE_ONE_IN;
        column.dense = (0..count)
            .map(|at| (at, column.entry(place(at)).docs))
            .filter(|(_, docs)| docs.len() > least)
            .map(|(at, docs)| (at, docs.iter().copied().collect()))
            .collect();
        Ok(column)
    }
}

fn place(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// Takes the values of one column in their order.
#[derive(Debug, Default)]
pub(crate) struct ColumnWriter {
    values: Texts,
    marked: Vec<u32>,
    rewritten: Vec<u32>,
    originals: Texts,
    postings: Writer,
    has_marks: bool,
}

impl ColumnWriter {
    /// `docs` rise. A value of nobody is left out.
    pub(crate) fn push(&mut self, (value, original, is_marked): RankRef<'_>, docs: &[Doc]) {
        if docs.is_empty() {
            return;
        }
        let number = u32::try_from(self.values.len()).expect("a column has fewer values than there are entities");
        self.values.push(value);
        if is_marked {
            self.marked.push(number);
            self.has_marks = true;
        }
        if original != value {
            self.rewritten.push(number);
            self.originals.push(original);
        }
        self.postings.rising(docs);
    }

    pub(crate) fn has_marks(&self) -> bool {
        self.has_marks
    }

    /// `None`: nobody has the column.
    pub(crate) fn finish(self, nulls: &[Doc]) -> Option<Vec<u8>> {
        if self.values.len() == 0 && nulls.is_empty() {
            return None;
        }
        let mut writer = Writer::default();
        self.values.write(&mut writer);
        writer.rising(&self.marked);
        writer.rising(&self.rewritten);
        self.originals.write(&mut writer);
        writer.raw(&self.postings.into_bytes());
        writer.rising(nulls);
        Some(writer.into_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written() -> Vec<u8> {
        let mut writer = ColumnWriter::default();
        writer.push(("go", "Go", true), &[1, 4]);
        writer.push(("go", "go", false), &[2]);
        writer.push(("gone", "gone", false), &[]);
        writer.push(("java", "java", true), &[0, 1, 2, 3, 4, 5]);
        writer.finish(&[3]).unwrap()
    }

    #[test]
    fn a_column_reads_back() {
        let column = Column::read(&written(), 6).unwrap();
        let shown: Vec<_> = column
            .entries()
            .map(|entry| (entry.rank(), entry.docs))
            .map(|(rank, docs)| format!("{rank:?} {docs:?}"))
            .collect();
        assert_eq!(
            shown,
            [
                r#"("go", "Go", true) [1, 4]"#,
                r#"("go", "go", false) [2]"#,
                r#"("java", "java", true) [0, 1, 2, 3, 4, 5]"#
            ]
        );
        assert_eq!((column.equal("go"), column.equal("h"), column.nulls()), (0..2, 2..2, &[3][..]));
        assert_eq!(column.valued().len(), 6);
        assert_eq!(column.forward()[..3], [(0, 2), (1, 0), (1, 2)]);
    }

    #[test]
    fn a_damaged_column_is_refused() {
        let good = written();
        for at in 0..good.len() {
            assert!(Column::read(&good[..at], 6).is_err(), "cut at {at}");
        }
        assert!(Column::read(&good, 5).is_err(), "an entity that is not there");
        let mut unordered = ColumnWriter::default();
        unordered.push(("b", "b", false), &[0]);
        unordered.push(("a", "a", false), &[0]);
        assert!(Column::read(&unordered.finish(&[]).unwrap(), 1).is_err());
    }
}
