//! A column the other way round: the numbers of the values that each entity has.

use crate::docs::{Doc, DocSet};

/// `values[starts[doc]..starts[doc + 1]]` are those of an entity, rising. No entity behind the last one has any.
#[derive(Debug)]
pub(crate) struct ByEntity {
    starts: Vec<u32>,
    values: Vec<u32>,
}

impl ByEntity {
    /// `ends[n]` is the end of value `n` in `docs`; `last` the last entity with a value.
    pub(crate) fn of(ends: &[u32], docs: &[Doc], last: Option<Doc>) -> Self {
        let entities = last.map_or(0, |last| place(last) + 1);
        // Where each entity's values end, and while they are filled in from behind, where the next one goes.
        let mut starts = vec![0_u32; entities + 1];
        docs.iter().for_each(|doc| starts[place(*doc)] += 1);
        let mut end = 0;
        for start in &mut starts {
            end += *start;
            *start = end;
        }
        let mut values = vec![0; docs.len()];
        let mut behind = docs.len();
        for at in (0..ends.len()).rev() {
            let first = at.checked_sub(1).map_or(0, |before| place(ends[before]));
            for doc in &docs[first..behind] {
                let free = &mut starts[place(*doc)];
                *free -= 1;
                values[place(*free)] = u32::try_from(at).unwrap_or(u32::MAX);
            }
            behind = first;
        }
        Self { starts, values }
    }

    /// Numbers of the values of these entities, in the order of the entities: some come several times.
    pub(crate) fn values_of(&self, docs: &DocSet) -> impl Iterator<Item = u32> {
        docs.iter().flat_map(|doc| {
            let bounds = self.starts.get(place(doc)).zip(self.starts.get(place(doc) + 1));
            bounds.map_or(&[][..], |(start, end)| &self.values[place(*start)..place(*end)]).iter().copied()
        })
    }

    /// Bytes of memory that it takes for a column.
    pub(crate) fn bytes(entities: usize, rows: usize) -> usize {
        (entities + rows) * size_of::<u32>()
    }
}

fn place(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entity_finds_its_values_again() {
        let docs = [1, 4, 2, 0, 1, 2];
        let by_entity = ByEntity::of(&[2, 3, 6], &docs, Some(4));
        let found = |docs: &[Doc]| by_entity.values_of(&docs.iter().copied().collect()).collect::<Vec<_>>();
        assert_eq!(found(&[1]), [0, 2]);
        assert_eq!(found(&[0, 2, 3, 4, 5, 700]), [2, 1, 2, 0]);
        assert_eq!(ByEntity::of(&[], &[], None).values_of(&DocSet::first(3)).count(), 0);
    }
}
