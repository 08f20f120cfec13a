//! Texts that come again and again -> numbers. A report of ten million lines has some ten thousand different texts.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

use crate::marks::Marks;

/// A text by its number in [`Names`]. Zero is the blank one.
pub type Name = u32;

/// Most bytes of all different texts. A report with more resources than that is for Athena.
pub(crate) const MAX_NAMES_BYTES: usize = 512 * 1024 * 1024;

/// Texts that are found without their whole hash: those of most columns.
const SHELVES: usize = 16 * 1024;

/// Every text once, one after the other.
#[derive(Debug)]
pub struct Names {
    texts: String,
    /// Where each text ends.
    ends: Vec<u32>,
    marks: Vec<Marks>,
    /// With a part of the hash, so that a text is only looked at when it is the one.
    numbers: HashTable<(u32, Name)>,
    /// The text that was met last, by its shelf.
    last: Vec<Name>,
    hasher: DefaultHashBuilder,
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
            numbers: HashTable::new(),
            last: vec![Self::BLANK; SHELVES],
            hasher: DefaultHashBuilder::default(),
        };
        names.find(shelf_of(b""), "");
        for known in KNOWN {
            names.number(known);
        }
        names
    }

    /// The number of a text, a new one if it has none. Texts beyond [`MAX_NAMES_BYTES`] are all one: see [`Self::is_full`].
    pub fn number(&mut self, text: &str) -> Name {
        let shelf = shelf_of(text.as_bytes());
        match self.on_shelf(shelf, text.as_bytes()) {
            Some(number) => number,
            None => self.find(shelf, text),
        }
    }

    /// The number of what may be a text. `None`: it is not UTF-8.
    pub(crate) fn number_of_bytes(&mut self, text: &[u8]) -> Option<Name> {
        let shelf = shelf_of(text);
        match self.on_shelf(shelf, text) {
            Some(number) => Some(number),
            None => std::str::from_utf8(text).ok().map(|text| self.find(shelf, text)),
        }
    }

    #[inline]
    fn on_shelf(&self, shelf: usize, text: &[u8]) -> Option<Name> {
        let number = *self.last.get(shelf)?;
        (self.text(number).as_bytes() == text).then_some(number)
    }

    fn find(&mut self, shelf: usize, text: &str) -> Name {
        let hash = self.hasher.hash_one(text.as_bytes());
        let Self { texts, ends, marks, numbers, last, hasher } = self;
        let known = numbers.find(hash, |(of, number)| *of == short(hash) && text_at(texts, ends, *number) == text);
        let number = match known {
            Some((_, number)) => *number,
            None if texts.len() + text.len() > MAX_NAMES_BYTES => return Self::BLANK,
            None => {
                let number = Name::try_from(ends.len()).unwrap_or(Name::MAX);
                texts.push_str(text);
                ends.push(u32::try_from(texts.len()).unwrap_or(u32::MAX));
                marks.push(Marks::of(text));
                let rehash = |(_, number): &(u32, Name)| hasher.hash_one(text_at(texts, ends, *number).as_bytes());
                numbers.insert_unique(hash, (short(hash), number), rehash);
                number
            }
        };
        last[shelf] = number;
        number
    }

    pub fn text(&self, name: Name) -> &str {
        text_at(&self.texts, &self.ends, name)
    }

    #[inline]
    pub(crate) fn marks(&self, name: Name) -> Marks {
        self.marks.get(name as usize).copied().unwrap_or_default()
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
    let at = name as usize;
    let start = at.checked_sub(1).and_then(|before| ends.get(before)).copied().unwrap_or_default();
    ends.get(at).and_then(|end| texts.get(start as usize..*end as usize)).unwrap_or_default()
}

/// By its length and both ends: texts of one column differ in those.
fn shelf_of(text: &[u8]) -> usize {
    let eight = |bytes: Option<&[u8; 8]>| bytes.map_or(0, |bytes| u64::from_le_bytes(*bytes));
    let ends = match text.first_chunk() {
        None => text.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)),
        first => eight(first).rotate_left(29) ^ eight(text.last_chunk()),
    };
    let scattered = (ends ^ text.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    usize::try_from(scattered >> 40).unwrap_or_default() % SHELVES
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
