//! Texts that come again and again -> numbers. A report of ten million lines has some ten thousand different texts.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

use crate::marks::Marks;

/// A text by its number in [`Names`]. Zero is the blank one.
pub type Name = u32;

/// Most bytes of all different texts. A report with more resources than that is for Athena.
pub(crate) const MAX_NAMES_BYTES: usize = 512 * 1024 * 1024;

/// Every text once, one after the other.
#[derive(Debug)]
pub struct Names {
    texts: String,
    /// Where each text ends.
    ends: Vec<u32>,
    marks: Vec<Marks>,
    numbers: HashTable<Name>,
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
            hasher: DefaultHashBuilder::default(),
        };
        names.number("");
        for known in KNOWN {
            names.number(known);
        }
        names
    }

    /// The number of a text, a new one if it has none. Texts beyond [`MAX_NAMES_BYTES`] are all one: see [`Self::is_full`].
    pub fn number(&mut self, text: &str) -> Name {
        let hash = self.hasher.hash_one(text.as_bytes());
        let Self { texts, ends, marks, numbers, hasher } = self;
        if let Some(number) = numbers.find(hash, |number| text_at(texts, ends, *number) == text) {
            return *number;
        }
        if texts.len() + text.len() > MAX_NAMES_BYTES {
            return Self::BLANK;
        }
        let number = Name::try_from(ends.len()).unwrap_or(Name::MAX);
        texts.push_str(text);
        ends.push(u32::try_from(texts.len()).unwrap_or(u32::MAX));
        marks.push(Marks::of(text));
        numbers.insert_unique(hash, number, |number| hasher.hash_one(text_at(texts, ends, *number).as_bytes()));
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
