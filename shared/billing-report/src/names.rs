//! Texts that come again and again -> numbers. A report of ten million lines has some ten thousand different texts.

use std::hash::BuildHasher;
use std::ops::Range;

use hashbrown::{DefaultHashBuilder, HashTable};

use crate::kinds::Kind;
use crate::marks::Marks;
use crate::numbers::Numbers;

/// A text by its number in [`Names`]. Zero is the blank one.
pub type Name = u32;

/// Most bytes of all different texts. A report with more resources than that is for Athena.
pub(crate) const MAX_NAMES_BYTES: usize = 512 * 1024 * 1024;

/// Texts that are found without their whole hash, at the least: those of most columns.
const LEAST_SHELVES: usize = 16 * 1024;

/// Shelves for each text, or up to twice as many: few texts share one. And at the most.
const SHELVES_A_TEXT: usize = 2;
const MOST_SHELVES: usize = 512 * 1024;

/// Most kinds of lines that are numbered, at some 250 bytes each.
const MAX_KINDS: usize = 64 * 1024;

/// Every text once, one after the other, and every kind of line.
#[derive(Debug)]
pub struct Names {
    texts: String,
    /// Where each text ends.
    ends: Vec<u32>,
    marks: Vec<Marks>,
    /// A bit for each text: it is a commitment's, as a resource id. All of them fit the nearest caches.
    commitments: Vec<u64>,
    /// With a part of the hash, so that a text is only looked at when it is the one.
    numbers: HashTable<(u32, Name)>,
    /// The texts that were found last, by their shelf. There are a power of two of them.
    last: Vec<[Shelved; 2]>,
    hasher: DefaultHashBuilder,
    kinds: Numbers<Kind>,
}

/// A text, and where it is.
#[derive(Debug, Clone, Copy, Default)]
struct Shelved {
    number: Name,
    start: u32,
    end: u32,
}

/// The texts that are asked for by number have fixed ones: 1 is `KNOWN[0]`.
const KNOWN: [&str; 23] = [
    "AWS Marketplace",
    "global",
    "ECSTask-EC2",
    "EKSPod-EC2",
    "ComputeSavingsPlans",
    "Usage",
    "DiscountedUsage",
    "SavingsPlanCoveredUsage",
    "SavingsPlanNegation",
    "SavingsPlanRecurringFee",
    "SavingsPlanUpfrontFee",
    "RIFee",
    "Fee",
    "Tax",
    "Credit",
    "Refund",
    "FlatRateSubscription",
    "BundledDiscount",
    "Discount",
    "EdpDiscount",
    "PrivateRateDiscount",
    "RiVolumeDiscount",
    "SppDiscount",
];

impl Names {
    pub const BLANK: Name = 0;
    pub(crate) const MARKETPLACE: Name = 1;
    pub(crate) const GLOBAL: Name = 2;
    pub(crate) const ECS_TASK: Name = 3;
    pub(crate) const EKS_POD: Name = 4;
    pub(crate) const COMPUTE_SAVINGS_PLANS: Name = 5;
    pub(crate) const FIRST_LINE_TYPE: Name = 6;

    /// The types of lines that are known, by name.
    pub(crate) fn line_types() -> &'static [&'static str] {
        &KNOWN[Self::FIRST_LINE_TYPE as usize - 1..]
    }

    pub fn new() -> Self {
        let mut names = Self {
            texts: String::new(),
            ends: Vec::new(),
            marks: Vec::new(),
            commitments: Vec::new(),
            numbers: HashTable::new(),
            last: vec![Default::default(); LEAST_SHELVES],
            hasher: DefaultHashBuilder::default(),
            kinds: Numbers::default(),
        };
        names.find(scattered(b""), "");
        for known in KNOWN {
            names.number(known);
        }
        names
    }

    /// The number of a text, a new one if it has none. Texts beyond [`MAX_NAMES_BYTES`] are all one: see [`Self::is_full`].
    pub fn number(&mut self, text: &str) -> Name {
        let scattered = scattered(text.as_bytes());
        match self.on_shelf(self.shelf(scattered), text.as_bytes()) {
            Some(number) => number,
            None => self.find(scattered, text),
        }
    }

    /// The number of what may be a text. `None`: it is not UTF-8.
    pub(crate) fn number_of_bytes(&mut self, text: &[u8]) -> Option<Name> {
        let scattered = scattered(text);
        match self.on_shelf(self.shelf(scattered), text) {
            Some(number) => Some(number),
            None => std::str::from_utf8(text).ok().map(|text| self.find(scattered, text)),
        }
    }

    /// The numbers of what may be texts, without the blanks around them. `None`: one is not UTF-8.
    ///
    /// Each step for all before the next: what one waits for, the others ask for meanwhile.
    pub(crate) fn numbers_of(&mut self, texts: &[&[u8]], found: &mut Vec<Name>) -> Option<()> {
        let shelves: Vec<[Shelved; 2]> = texts.iter().map(|text| self.shelf(scattered(text))).collect();
        for (text, shelf) in texts.iter().zip(shelves) {
            let number = match self.on_shelf(shelf, text) {
                Some(number) => number,
                None => self.number(std::str::from_utf8(text).ok()?.trim()),
            };
            found.push(number);
        }
        Some(())
    }

    #[inline]
    fn shelf(&self, scattered: u64) -> [Shelved; 2] {
        self.last.get(at(scattered, self.last.len())).copied().unwrap_or_default()
    }

    #[inline]
    fn on_shelf(&self, shelf: [Shelved; 2], text: &[u8]) -> Option<Name> {
        let texts = self.texts.as_bytes();
        let is_it = |of: &Shelved| texts.get(of.start as usize..of.end as usize) == Some(text);
        shelf.iter().find(|of| is_it(of)).map(|of| of.number)
    }

    fn find(&mut self, scattered: u64, text: &str) -> Name {
        let hash = self.hasher.hash_one(text.as_bytes());
        let Self { texts, ends, marks, commitments, numbers, last, hasher, .. } = self;
        let known = numbers.find(hash, |(of, number)| *of == short(hash) && text_at(texts, ends, *number) == text);
        let number = match known {
            Some((_, number)) => *number,
            None if texts.len() + text.len() > MAX_NAMES_BYTES => return Self::BLANK,
            None => {
                let number = Name::try_from(ends.len()).unwrap_or(Name::MAX);
                texts.push_str(text);
                ends.push(u32::try_from(texts.len()).unwrap_or(u32::MAX));
                let mark = Marks::of(text);
                if marks.len() / 64 == commitments.len() {
                    commitments.push(0);
                }
                commitments[marks.len() / 64] |= u64::from(mark.commitment.is_some()) << (marks.len() % 64);
                marks.push(mark);
                let rehash = |(_, number): &(u32, Name)| hasher.hash_one(text_at(texts, ends, *number).as_bytes());
                numbers.insert_unique(hash, (short(hash), number), rehash);
                if last.len() < MOST_SHELVES.min(ends.len() * SHELVES_A_TEXT) {
                    // What was on them is found again as it is met.
                    *last = vec![Default::default(); last.len() * 2];
                }
                number
            }
        };
        let range = range_of(ends, number);
        let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let shelf = at(scattered, last.len());
        let found = Shelved { number, start: offset(range.start), end: offset(range.end) };
        last[shelf] = [found, last[shelf][0]];
        number
    }

    pub fn text(&self, name: Name) -> &str {
        text_at(&self.texts, &self.ends, name)
    }

    #[inline]
    pub(crate) fn marks(&self, name: Name) -> Marks {
        self.marks.get(name as usize).copied().unwrap_or_default()
    }

    #[inline]
    pub(crate) fn is_commitment(&self, name: Name) -> bool {
        self.commitments.get(name as usize / 64).is_some_and(|bits| bits >> (name % 64) & 1 == 1)
    }

    /// `None`: there are too many.
    pub(crate) fn kind_number(&mut self, kind: &Kind) -> Option<u32> {
        (self.kinds.len() < MAX_KINDS).then(|| self.kinds.of(kind, 0))
    }

    pub(crate) fn kind(&self, number: u32) -> &Kind {
        self.kinds.key(number)
    }

    pub fn len(&self) -> usize {
        self.ends.len()
    }

    pub fn is_empty(&self) -> bool {
        false
    }

    /// A longest name more would be too much: what is read from here on cannot be told apart.
    pub(crate) fn is_full(&self) -> bool {
        self.texts.len() + crate::MAX_FIELD_BYTES > MAX_NAMES_BYTES
    }
}

impl Default for Names {
    fn default() -> Self {
        Self::new()
    }
}

fn text_at<'t>(texts: &'t str, ends: &[u32], name: Name) -> &'t str {
    texts.get(range_of(ends, name)).unwrap_or_default()
}

/// Nothing for a number that no text has.
fn range_of(ends: &[u32], name: Name) -> Range<usize> {
    let number = name as usize;
    let start = number.checked_sub(1).and_then(|before| ends.get(before)).copied().unwrap_or_default();
    start as usize..ends.get(number).map_or(start, |end| *end) as usize
}

/// By a text's length and both ends: texts of one column differ in those.
#[inline]
fn scattered(text: &[u8]) -> u64 {
    let eight = |bytes: Option<&[u8; 8]>| bytes.map_or(0, |bytes| u64::from_le_bytes(*bytes));
    let ends = match text.first_chunk() {
        None => text.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)),
        first => eight(first).rotate_left(29) ^ eight(text.last_chunk()),
    };
    (ends ^ text.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// One of `shelves`, a power of two.
fn at(scattered: u64, shelves: usize) -> usize {
    usize::try_from(scattered >> 32).unwrap_or_default() & (shelves - 1)
}

fn short(hash: u64) -> u32 {
    u32::try_from(hash & 0xffff_ffff).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_one_number_and_reads_back() {
        let mut names = Names::new();
        let texts = ["i-0a1b", "", "AWS Marketplace", "i-0a1b", "ü"];
        let numbers = texts.map(|text| names.number(text));
        assert_eq!(numbers.map(|number| names.text(number).to_owned()), texts);
        assert_eq!((numbers[0], numbers[1], numbers[2]), (numbers[3], Names::BLANK, Names::MARKETPLACE));
        let known = ["AWS Marketplace", "global", "ECSTask-EC2", "EKSPod-EC2", "ComputeSavingsPlans", "Usage"];
        assert_eq!(known.map(|text| names.number(text)), [1, 2, 3, 4, 5, Names::FIRST_LINE_TYPE]);
    }
}
