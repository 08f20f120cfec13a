//! Parquet's hybrid of runs and packed bits -> numbers: levels, and places in a dictionary.
//!
//! Format: <https://parquet.apache.org/docs/file-format/data-pages/encodings/#RLE>. A run is one step, however long it is.

use bytes::Bytes;

/// Widest numbers.
const MAX_WIDTH: u8 = 32;

#[derive(Debug)]
pub(crate) struct Runs {
    bytes: Bytes,
    /// Where the next run's head is.
    at: usize,
    width: usize,
    run: Run,
}

#[derive(Debug, Clone, Copy)]
enum Run {
    Same {
        value: u32,
        left: usize,
    },
    /// `bit` counts from the first of `bytes`.
    Packed {
        bit: usize,
        left: usize,
    },
}

impl Runs {
    /// `None` for a width that no number has.
    pub(crate) fn new(bytes: Bytes, width: u8) -> Option<Self> {
        // Numbers without bits are zeros, as many as are asked for.
        let left = if width == 0 { usize::MAX } else { 0 };
        let run = Run::Same { value: 0, left };
        (width <= MAX_WIDTH).then_some(Self { bytes, at: 0, width: usize::from(width), run })
    }

    /// The value of the next `count` numbers if one run has them all; only then are they taken.
    pub(crate) fn same(&mut self, count: usize) -> Option<u32> {
        self.begin_run()?;
        match &mut self.run {
            Run::Same { value, left } if *left >= count => {
                *left -= count;
                Some(*value)
            }
            _ => None,
        }
    }

    /// The next `count` numbers. `None`: there are fewer.
    pub(crate) fn take(&mut self, mut count: usize, numbers: &mut Vec<u32>) -> Option<()> {
        while count > 0 {
            self.begin_run()?;
            let taken = match &mut self.run {
                Run::Same { value, left } => {
                    let taken = count.min(*left);
                    numbers.resize(numbers.len() + taken, *value);
                    *left -= taken;
                    taken
                }
                Run::Packed { bit, left } => {
                    let taken = count.min(*left);
                    unpack(&self.bytes, *bit, self.width, taken, numbers);
                    *bit += taken * self.width;
                    *left -= taken;
                    taken
                }
            };
            count -= taken;
        }
        Some(())
    }

    /// Which of the next `count` numbers are `wanted`, counted from `first`. `None`: there are fewer.
    pub(crate) fn places_of(
        &mut self,
        wanted: u32,
        mut count: usize,
        mut first: u32,
        places: &mut Vec<u32>,
    ) -> Option<()> {
        while count > 0 {
            self.begin_run()?;
            let taken = match &mut self.run {
                Run::Same { value, left } => {
                    let taken = count.min(*left);
                    if *value == wanted {
                        places.extend((first..).take(taken));
                    }
                    *left -= taken;
                    taken
                }
                // Most columns of amounts are null but for a few rows: eight of them are one step.
                Run::Packed { bit, left } if self.width == 1 && wanted == 1 && bit.is_multiple_of(8) && count >= 8 => {
                    let taken = count.min(*left) / 8 * 8;
                    let bytes = self.bytes.get(*bit / 8..(*bit + taken) / 8)?;
                    for (byte, start) in bytes.iter().zip((first..).step_by(8)) {
                        let mut rest = *byte;
                        while rest != 0 {
                            places.push(start + rest.trailing_zeros());
                            rest &= rest - 1;
                        }
                    }
                    *bit += taken;
                    *left -= taken;
                    taken
                }
                Run::Packed { bit, left } => {
                    let taken = count.min(*left).min(8);
                    let mut numbers = Vec::with_capacity(8);
                    unpack(&self.bytes, *bit, self.width, taken, &mut numbers);
                    let found = (first..).zip(numbers).filter(|(_, number)| *number == wanted);
                    places.extend(found.map(|(place, _)| place));
                    *bit += taken * self.width;
                    *left -= taken;
                    taken
                }
            };
            count -= taken;
            first += u32::try_from(taken).ok()?;
        }
        Some(())
    }

    /// Reads the head of the next run if there is nothing left of this one. `None` at the end.
    fn begin_run(&mut self) -> Option<()> {
        while let Run::Same { left: 0, .. } | Run::Packed { left: 0, .. } = self.run {
            let head = self.head()?;
            if head & 1 == 1 {
                // The last run of a page may be cut where its numbers end.
                let rest = self.bytes.len() - self.at;
                let length = (head >> 1).checked_mul(self.width)?.min(rest);
                self.run = Run::Packed { bit: self.at * 8, left: length * 8 / self.width };
                self.at += length;
            } else {
                let end = self.at.checked_add(self.width.div_ceil(8))?;
                let bytes = self.bytes.get(self.at..end)?;
                let value = bytes.iter().rev().fold(0_u32, |sum, byte| sum << 8 | u32::from(*byte));
                self.run = Run::Same { value, left: head >> 1 };
                self.at = end;
            }
        }
        Some(())
    }

    fn head(&mut self) -> Option<usize> {
        let mut value = 0_usize;
        for shift in (0..35).step_by(7) {
            let byte = *self.bytes.get(self.at)?;
            self.at += 1;
            value |= usize::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }
}

/// Numbers of `width` bits each, the lowest bits first, from `bit` on; they are within `bytes`.
fn unpack(bytes: &[u8], mut bit: usize, width: usize, mut count: usize, numbers: &mut Vec<u32>) {
    let one = |bit: usize| {
        let rest = bytes.get(bit / 8..).unwrap_or_default();
        let word = match rest.first_chunk() {
            Some(eight) => u64::from_le_bytes(*eight),
            None => rest.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte)),
        };
        low_bits(word >> (bit % 8), width)
    };
    // Eight numbers are whole bytes: from the first on that begins with one, they are alike.
    let before =
        (0..8).find(|before| (bit + before * width).is_multiple_of(8)).map_or(count, |before| before.min(count));
    numbers.extend((0..before).map(|at| one(bit + at * width)));
    (bit, count) = (bit + before * width, count - before);
    let groups = unpack_groups(bytes.get(bit / 8..).unwrap_or_default(), width, count / 8, numbers);
    (bit, count) = (bit + groups * 8 * width, count - groups * 8);
    numbers.extend((0..count).map(|at| one(bit + at * width)));
}

fn low_bits(word: u64, width: usize) -> u32 {
    u32::try_from(word & (u64::MAX >> (64 - width))).unwrap_or_default()
}

/// Bytes that are looked at for eight numbers: more than they have.
const WINDOW: usize = 40;

/// Eight numbers at a time, up to `most` times, as long as there are so many bytes. Returns how often.
fn unpack_groups(bytes: &[u8], width: usize, most: usize, numbers: &mut Vec<u32>) -> usize {
    /// Where a number is depends on nothing but the width: one loop for each.
    fn each<const WIDTH: usize>(bytes: &[u8], most: usize, numbers: &mut Vec<u32>) -> usize {
        let before = numbers.len();
        let windows = (0..most).map_while(|group| bytes.get(group * WIDTH..)?.first_chunk::<WINDOW>());
        for window in windows {
            numbers.extend_from_slice(&std::array::from_fn::<u32, 8, _>(|at| {
                let (byte, bit) = (at * WIDTH / 8, at * WIDTH % 8);
                let eight = window[byte..byte + 8].first_chunk().copied().unwrap_or_default();
                low_bits(u64::from_le_bytes(eight) >> bit, WIDTH)
            }));
        }
        (numbers.len() - before) / 8
    }
    macro_rules! by_width {
        ($($width:literal)*) => {
            match width {
                $($width => each::<$width>(bytes, most, numbers),)*
                _ => 0,
            }
        };
    }
    by_width!(1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn head(value: usize, bytes: &mut Vec<u8>) {
        let mut rest = value;
        while rest > 0x7f {
            bytes.push(u8::try_from(rest & 0x7f).unwrap() | 0x80);
            rest >>= 7;
        }
        bytes.push(u8::try_from(rest).unwrap());
    }

    /// Runs as (is it packed, its numbers): one bit after the other.
    fn encode(runs: &[(bool, Vec<u32>)], width: usize) -> (Vec<u8>, Vec<u32>) {
        let (mut bytes, mut numbers) = (Vec::new(), Vec::new());
        for (is_packed, run) in runs {
            let run: Vec<u32> =
                run.iter().map(|number| number & u32::try_from((1_u64 << width) - 1).unwrap()).collect();
            if *is_packed {
                let groups = run.len().div_ceil(8);
                head(groups << 1 | 1, &mut bytes);
                let mut bits = vec![0_u8; groups * width];
                let padded = run.iter().copied().chain(std::iter::repeat(0)).take(groups * 8);
                for (at, number) in padded.enumerate() {
                    numbers.push(number);
                    for bit in 0..width {
                        let to = at * width + bit;
                        bits[to / 8] |= u8::try_from(number >> bit & 1).unwrap() << (to % 8);
                    }
                }
                bytes.extend(bits);
            } else {
                head(run.len() << 1, &mut bytes);
                bytes.extend(&run[0].to_le_bytes()[..width.div_ceil(8)]);
                numbers.extend(std::iter::repeat_n(run[0], run.len()));
            }
        }
        (bytes, numbers)
    }

    fn runs() -> impl Strategy<Value = (Vec<(bool, Vec<u32>)>, usize)> {
        (prop::collection::vec((any::<bool>(), prop::collection::vec(any::<u32>(), 1..70)), 0..9), 1..=32_usize)
    }

    proptest! {
        #[test]
        fn numbers_read_back_however_many_are_taken_at_a_time(
            (runs, width) in runs(), steps in prop::collection::vec(1..50_usize, 1..9),
        ) {
            let (bytes, expected) = encode(&runs, width);
            let mut read = Runs::new(bytes.into(), u8::try_from(width).unwrap()).unwrap();
            let (mut found, mut places, mut steps) = (Vec::new(), Vec::new(), steps.into_iter().cycle());
            let wanted = expected.first().copied().unwrap_or(1);
            let is_one_run = |rest: &[u32]| rest.iter().all(|number| *number == rest[0]);
            while found.len() < expected.len() {
                let (step, start) = (steps.next().unwrap().min(expected.len() - found.len()), found.len());
                match step % 3 {
                    0 => read.take(step, &mut found).unwrap(),
                    1 => match read.same(step) {
                        Some(value) => found.extend(std::iter::repeat_n(value, step)),
                        None => read.take(step, &mut found).unwrap(),
                    },
                    _ => {
                        let first = u32::try_from(start).unwrap();
                        let before = places.len();
                        read.places_of(wanted, step, first, &mut places).unwrap();
                        let here = (first..).zip(&expected[start..start + step]);
                        let here: Vec<u32> = here.filter(|(_, number)| **number == wanted).map(|(at, _)| at).collect();
                        prop_assert_eq!(&places[before..], here);
                        found.extend(&expected[start..start + step]);
                    }
                }
                prop_assert!(step % 3 != 1 || is_one_run(&expected[start..start + step]) || found[start..] == expected[start..start + step]);
            }
            prop_assert_eq!(found, expected);
            prop_assert_eq!(read.take(1, &mut Vec::new()), None);
        }

        #[test]
        fn bits_are_found_as_single_numbers_are(bits in prop::collection::vec(any::<bool>(), 1..300), steps in prop::collection::vec(1..40_usize, 1..9)) {
            let numbers: Vec<u32> = bits.iter().map(|bit| u32::from(*bit)).collect();
            let (bytes, numbers) = encode(&[(true, numbers)], 1);
            let mut read = Runs::new(bytes.into(), 1).unwrap();
            let (mut at, mut places, mut steps) = (0, Vec::new(), steps.into_iter().cycle());
            while at < numbers.len() {
                let step = steps.next().unwrap().min(numbers.len() - at);
                read.places_of(1, step, u32::try_from(at).unwrap(), &mut places).unwrap();
                at += step;
            }
            let expected: Vec<u32> = (0..).zip(&numbers).filter(|(_, number)| **number == 1).map(|(at, _)| at).collect();
            prop_assert_eq!(places, expected);
        }

        #[test]
        fn no_bytes_make_reading_panic(bytes in prop::collection::vec(any::<u8>(), 0..60), width in 0..=32_u8) {
            let mut read = Runs::new(bytes.into(), width).unwrap();
            let mut numbers = Vec::new();
            while numbers.len() < 10_000 && read.take(1, &mut numbers).is_some() {}
        }
    }

    #[test]
    fn numbers_without_bits_are_zeros() {
        assert_eq!(Runs::new(Bytes::new(), 0).unwrap().same(1_000_000), Some(0));
        assert!(Runs::new(Bytes::new(), 33).is_none());
    }
}
