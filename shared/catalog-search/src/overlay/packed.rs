//! The search rows of one entity in one allocation.

use std::collections::HashMap;

use crate::flatten::SearchValue;
use crate::overlay::FOLLOWING_KEYS;

const HAS_VALUE: u8 = 1;
const IS_ELEMENT: u8 = 2;

/// Keys by number: a catalog has few of them, and every entity names most.
#[derive(Debug)]
pub(crate) struct Words {
    texts: Vec<String>,
    numbers: HashMap<String, u32>,
}

/// With the keys that every entity has.
impl Default for Words {
    fn default() -> Self {
        let mut words = Self { texts: Vec::new(), numbers: HashMap::new() };
        FOLLOWING_KEYS.into_iter().for_each(|key| {
            words.number(key);
        });
        words
    }
}

impl Words {
    pub(crate) fn number(&mut self, text: &str) -> u32 {
        if let Some(number) = self.find(text) {
            return number;
        }
        let number = u32::try_from(self.texts.len()).expect("fewer than four thousand million keys");
        self.texts.push(text.to_owned());
        self.numbers.insert(text.to_owned(), number);
        number
    }

    pub(crate) fn find(&self, text: &str) -> Option<u32> {
        self.numbers.get(text).copied()
    }

    pub(crate) fn text(&self, number: u32) -> &str {
        self.texts.get(usize::try_from(number).unwrap_or(usize::MAX)).map_or("", String::as_str)
    }
}

/// Number of the key, marks, length of the value and value, row by row.
#[derive(Debug, Default)]
pub(crate) struct Packed(Box<[u8]>);

#[derive(Debug, Clone, Copy)]
pub(crate) struct PackedRow<'p> {
    pub(crate) word: u32,
    pub(crate) key: &'p str,
    pub(crate) original: Option<&'p str>,
    pub(crate) element: bool,
}

impl PackedRow<'_> {
    pub(crate) fn to_owned(self) -> SearchValue {
        SearchValue { key: self.key.to_owned(), original: self.original.map(str::to_owned), element: self.element }
    }
}

impl Packed {
    pub(crate) fn of(rows: &[SearchValue], words: &mut Words) -> Self {
        let mut bytes = Vec::new();
        for row in rows {
            let value = row.original.as_deref().unwrap_or_default();
            let marks = if row.original.is_some() { HAS_VALUE } else { 0 } | if row.element { IS_ELEMENT } else { 0 };
            bytes.extend_from_slice(&words.number(&row.key).to_le_bytes());
            bytes.push(marks);
            // A value that is compared has at most 200 UTF-16 units: 600 bytes.
            bytes.extend_from_slice(&u16::try_from(value.len()).unwrap_or(u16::MAX).to_le_bytes());
            bytes.extend_from_slice(value.as_bytes());
        }
        Self(bytes.into_boxed_slice())
    }

    pub(crate) fn iter<'p>(&'p self, words: &'p Words) -> impl Iterator<Item = PackedRow<'p>> {
        let mut left: &[u8] = &self.0;
        std::iter::from_fn(move || {
            let ([word @ .., marks], rest) = left.split_first_chunk::<5>()?;
            let (length, rest) = rest.split_first_chunk::<2>()?;
            let (value, rest) = rest.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
            left = rest;
            let word = u32::from_le_bytes([word[0], word[1], word[2], word[3]]);
            let original = (marks & HAS_VALUE != 0).then(|| std::str::from_utf8(value).unwrap_or_default());
            Some(PackedRow { word, key: words.text(word), original, element: marks & IS_ELEMENT != 0 })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_read_back() {
        let mut words = Words::default();
        let row = |key: &str, original: Option<&str>, element| SearchValue {
            key: key.into(),
            original: original.map(Into::into),
            element,
        };
        let rows = [
            row("kind", Some("Component"), false),
            row("metadata.tags", Some("ä"), true),
            row("kind", None, false),
            row("x", Some(""), false),
        ];
        let packed = Packed::of(&rows, &mut words);
        assert_eq!(packed.iter(&words).map(PackedRow::to_owned).collect::<Vec<_>>(), rows);
        let first = u32::try_from(FOLLOWING_KEYS.len()).unwrap();
        assert_eq!((words.find("x"), words.find("y"), words.text(first)), (Some(first + 2), None, "kind"));
    }
}
