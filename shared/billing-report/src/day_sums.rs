//! Sums by place and day, which a place leads to without hashing. They are held in units of 1e-10, three to 24 bytes, and as
//! wide as amounts are only where they must be.

use cost_model::{Amount, AmountError, Amounts};
use hashbrown::HashMap;

/// Days that are found together.
const DAYS: usize = 4;

/// Stretches of days that are held by one piece of memory.
const PIECE: usize = 4096;

/// Nothing yet.
const NONE: u32 = u32::MAX;

/// In units of 1e-10: unblended, amortised, net amortised.
pub(crate) type Units = [i64; 3];

#[derive(Debug, Default)]
pub(crate) struct DaySums {
    /// The sums of four days of one place, in pieces: growing copies nothing.
    pieces: Vec<Vec<[Units; DAYS]>>,
    /// What does not fit in units, by the number of the sum that it belongs to.
    wide: HashMap<u32, Amounts>,
    count: usize,
}

/// Where the sums of one place are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Days {
    /// A bit for each day that has a sum.
    days: u32,
    stretches: [u32; 32 / DAYS],
}

impl Default for Days {
    fn default() -> Self {
        Self { days: 0, stretches: [NONE; 32 / DAYS] }
    }
}

impl Days {
    /// In their order: the days of the month that have a sum, and its number.
    pub(crate) fn sums(&self) -> impl Iterator<Item = (u8, u32)> {
        let days = (0..32_u8).filter(|day| self.days >> day & 1 == 1);
        days.map(|day| (day, number_of(self.stretches[usize::from(day) / DAYS], usize::from(day))))
    }
}

impl DaySums {
    /// The number of a sum, a new one of zero if there is none. Days count from 1 to 31.
    #[inline]
    pub(crate) fn number(&mut self, place: &mut Days, day: u8) -> u32 {
        let day_at = usize::from(day) % 32;
        let bit = 1 << day_at;
        if place.days & bit == 0 {
            place.days |= bit;
            self.count += 1;
        }
        let stretch = &mut place.stretches[day_at / DAYS];
        if *stretch == NONE {
            if self.pieces.last().is_none_or(|piece| piece.len() == PIECE) {
                self.pieces.push(Vec::with_capacity(PIECE));
            }
            let before = (self.pieces.len() - 1) * PIECE;
            if let Some(piece) = self.pieces.last_mut() {
                // Bounded by `MAX_SUMS`, and what is added in one batch.
                *stretch = u32::try_from(before + piece.len()).unwrap_or(NONE);
                piece.push([Units::default(); DAYS]);
            }
        }
        number_of(*stretch, day_at)
    }

    /// Has all of these sums brought near, at once: adding to them one by one would wait for nearly each.
    pub(crate) fn fetch(&self, numbers: &[u32]) {
        let first = |number: &u32| {
            let (piece, stretch, day) = place_of(*number);
            self.pieces[piece][stretch][day][0]
        };
        std::hint::black_box(numbers.iter().fold(0, |all, number| all ^ first(number)));
    }

    /// # Errors
    /// Fails beyond the largest amount.
    #[inline]
    pub(crate) fn add_units(&mut self, number: u32, units: &Units) -> Result<(), AmountError> {
        let sum = self.units_mut(number);
        if let Some(both) = plus(sum, units) {
            *sum = both;
            return Ok(());
        }
        self.add_wide(number, &Amounts::of_ten_places(*units))
    }

    /// # Errors
    /// Fails beyond the largest amount.
    pub(crate) fn add(&mut self, number: u32, amounts: &Amounts) -> Result<(), AmountError> {
        match amounts.ten_places() {
            Some(units) => self.add_units(number, &units),
            None => self.add_wide(number, amounts),
        }
    }

    /// What is wide and what is held in units can always be added.
    fn add_wide(&mut self, number: u32, amounts: &Amounts) -> Result<(), AmountError> {
        let mut sum = self.wide.get(&number).copied().unwrap_or_default();
        sum.add(amounts)?;
        for most in [i64::MAX, i64::MIN] {
            sum.clone().add(&Amounts::of_ten_places([most; 3]))?;
        }
        self.wide.insert(number, sum);
        Ok(())
    }

    pub(crate) fn get(&self, number: u32) -> Amounts {
        let (piece, stretch, day) = place_of(number);
        let units = self.pieces[piece][stretch][day];
        let plus = |wide: Amount, units: i64| Amount::from_raw(wide.raw() + Amount::of_ten_places(units).raw());
        let wide = self.wide.get(&number).copied().unwrap_or_default();
        Amounts {
            unblended: plus(wide.unblended, units[0]),
            amortized: plus(wide.amortized, units[1]),
            net_amortized: plus(wide.net_amortized, units[2]),
        }
    }

    /// # Errors
    /// Fails beyond the largest amount.
    pub(crate) fn set(&mut self, number: u32, amounts: &Amounts) -> Result<(), AmountError> {
        *self.units_mut(number) = Units::default();
        self.wide.remove(&number);
        self.add(number, amounts)
    }

    #[inline]
    fn units_mut(&mut self, number: u32) -> &mut Units {
        let (piece, stretch, day) = place_of(number);
        &mut self.pieces[piece][stretch][day]
    }

    pub(crate) fn len(&self) -> usize {
        self.count
    }
}

/// `None`: the sum does not fit.
#[inline]
pub(crate) fn plus([a, b, c]: &Units, [d, e, f]: &Units) -> Option<Units> {
    Some([a.checked_add(*d)?, b.checked_add(*e)?, c.checked_add(*f)?])
}

fn number_of(stretch: u32, day: usize) -> u32 {
    u32::try_from(stretch as usize * DAYS + day % DAYS).unwrap_or(NONE)
}

/// The piece, the stretch in it, and the day in that.
fn place_of(number: u32) -> (usize, usize, usize) {
    let (stretch, day) = (number as usize / DAYS, number as usize % DAYS);
    (stretch / PIECE, stretch % PIECE, day)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    /// Whole units and finer, small and nearly too large for 64 bits.
    fn raw() -> impl Strategy<Value = i128> {
        prop_oneof![
            1..9_i128,
            (-9..9_i128).prop_map(|units| units * 10_i128.pow(10)),
            (0..2_i128).prop_map(|sign| (1 - 2 * sign) * (i128::from(i64::MAX) - 1) * 10_i128.pow(10)),
        ]
    }

    proptest! {
        #[test]
        fn sums_are_those_of_a_map(added in prop::collection::vec((0..50_usize, 1..=31_u8, raw()), 0..300)) {
            let (mut sums, mut expected) = (DaySums::default(), BTreeMap::<(usize, u8), i128>::new());
            let mut places = [Days::default(); 50];
            for (place, day, raw) in added {
                let number = sums.number(&mut places[place], day);
                let amounts = Amounts { unblended: Amount::from_raw(raw), ..Amounts::default() };
                sums.add(number, &amounts).unwrap();
                *expected.entry((place, day)).or_default() += raw;
            }
            prop_assert_eq!(sums.len(), expected.len());
            let sum = |number| sums.get(number).unblended.raw();
            let found = places.iter().enumerate().flat_map(|(place, days)| days.sums().map(move |(day, number)| (place, day, number)));
            let found: Vec<_> = found.map(|(place, day, number)| ((place, day), sum(number))).collect();
            prop_assert_eq!(found, expected.into_iter().collect::<Vec<_>>());
        }
    }

    #[test]
    fn what_is_beyond_the_largest_amount_is_refused_and_changes_nothing() {
        let (mut sums, mut place) = (DaySums::default(), Days::default());
        let number = sums.number(&mut place, 7);
        let half = Amounts { net_amortized: Amount::from_raw(i128::MAX / 2), ..Amounts::default() };
        sums.add(number, &half).unwrap();
        assert!(sums.add(number, &half).is_err());
        assert_eq!(sums.get(number), half);
        sums.add_units(number, &[0, 0, i64::MIN]).unwrap();
        sums.add_units(number, &[0, 0, -1]).unwrap();
        assert_eq!(sums.get(number).net_amortized.raw(), half.net_amortized.raw() - 10_i128.pow(10) * ((1 << 63) + 1));
    }
}
