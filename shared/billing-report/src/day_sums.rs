//! Sums by place and day. A sum fills a line of the cache and never moves; its place leads to it without hashing.

use cost_model::Amounts;

/// The sum of one place on one day.
#[derive(Debug, Clone, Copy, Default)]
#[repr(align(64))]
pub(crate) struct DaySum {
    pub(crate) amounts: Amounts,
    pub(crate) place: u32,
    /// Of the month, from 1.
    pub(crate) day: u8,
}

/// Days that are found together.
const DAYS: usize = 4;

/// Sums that are held by one piece of memory.
const PIECE: usize = 4096;

/// Nothing yet.
const NONE: u32 = u32::MAX;

#[derive(Debug, Default)]
pub(crate) struct DaySums {
    /// By place: its stretches of four days, of 32.
    places: Vec<[u32; 32 / DAYS]>,
    /// The sums of four days of one place.
    stretches: Vec<[u32; DAYS]>,
    /// In pieces: growing copies nothing.
    pieces: Vec<Vec<DaySum>>,
}

impl DaySums {
    /// The number of a sum, a new one of zero if there is none. Days count from 1 to 31.
    pub(crate) fn number(&mut self, place: u32, day: u8) -> u32 {
        let (at, day_at) = (place as usize, usize::from(day) % 32);
        if self.places.len() <= at {
            self.places.resize(at + 1, [NONE; 32 / DAYS]);
        }
        let stretch = &mut self.places[at][day_at / DAYS];
        if *stretch == NONE {
            *stretch = number(self.stretches.len());
            self.stretches.push([NONE; DAYS]);
        }
        let found = &mut self.stretches[*stretch as usize][day_at % DAYS];
        if *found == NONE {
            if self.pieces.last().is_none_or(|piece| piece.len() == PIECE) {
                self.pieces.push(Vec::with_capacity(PIECE));
            }
            let before = (self.pieces.len() - 1) * PIECE;
            if let Some(piece) = self.pieces.last_mut() {
                *found = number(before + piece.len());
                piece.push(DaySum { amounts: Amounts::default(), place, day });
            }
        }
        *found
    }

    pub(crate) fn get(&self, number: u32) -> &DaySum {
        &self.pieces[number as usize / PIECE][number as usize % PIECE]
    }

    pub(crate) fn get_mut(&mut self, number: u32) -> &mut DaySum {
        &mut self.pieces[number as usize / PIECE][number as usize % PIECE]
    }

    pub(crate) fn len(&self) -> usize {
        let full = self.pieces.len().saturating_sub(1) * PIECE;
        full + self.pieces.last().map_or(0, Vec::len)
    }

    /// By their numbers.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &DaySum> {
        self.pieces.iter().flatten()
    }

    /// By place and day.
    pub(crate) fn in_order(&self) -> impl Iterator<Item = &DaySum> {
        let stretches = self.places.iter().flatten().filter(|stretch| **stretch != NONE);
        let numbers = stretches.flat_map(move |stretch| self.stretches[*stretch as usize]);
        numbers.filter(|number| *number != NONE).map(move |number| self.get(number))
    }
}

/// Bounded by [`crate::MAX_SUMS`], and what is added in one batch.
fn number(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(NONE)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use cost_model::Amount;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn sums_are_those_of_a_map(added in prop::collection::vec((0..50_u32, 1..=31_u8, 1..9_i128), 0..300)) {
            let (mut sums, mut expected) = (DaySums::default(), BTreeMap::<(u32, u8), i128>::new());
            for (place, day, raw) in added {
                let number = sums.number(place, day);
                let amount = Amount::from_raw(raw);
                let amounts = Amounts { unblended: amount, ..Amounts::default() };
                sums.get_mut(number).amounts.add(&amounts).unwrap();
                *expected.entry((place, day)).or_default() += raw;
            }
            prop_assert_eq!((sums.len(), sums.iter().count()), (expected.len(), expected.len()));
            let found: Vec<_> = sums.in_order().map(|sum| ((sum.place, sum.day), sum.amounts.unblended.raw())).collect();
            prop_assert_eq!(found, expected.into_iter().collect::<Vec<_>>());
        }
    }
}
