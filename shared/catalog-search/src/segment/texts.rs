//! Many texts in one: a single allocation, and one haystack to search.

use crate::segment::SegmentError;
use crate::segment::bytes::{Reader, Writer};

/// Texts one behind the other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Texts {
    all: String,
    /// Where each ends.
    ends: Vec<u32>,
}

impl Texts {
    pub(crate) fn push(&mut self, text: &str) {
        self.all.push_str(text);
        self.ends.push(u32::try_from(self.all.len()).expect("the texts of a block are far from 4 GiB"));
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(crate) fn get(&self, at: usize) -> &str {
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.all[place(start)..place(self.ends[at])]
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &str> {
        (0..self.len()).map(|at| self.get(at))
    }

    /// The first text for which this does not hold, of texts where it holds up to some place.
    pub(crate) fn partition_point(&self, holds: impl Fn(&str) -> bool) -> usize {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low + (high - low) / 2;
            if holds(self.get(middle)) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    /// The texts that contain another, in their order. One pass over all of them at once.
    pub(crate) fn containing<'t>(&'t self, needle: &'t memchr::memmem::Finder<'t>) -> impl Iterator<Item = usize> + 't {
        let mut from = 0;
        std::iter::from_fn(move || {
            loop {
                let found = from + needle.find(self.all.as_bytes().get(from..)?)?;
                let at = self.ends.partition_point(|end| place(*end) <= found);
                let end = place(*self.ends.get(at)?);
                if found + needle.needle().len() <= end {
                    from = end;
                    return Some(at);
                }
                // It lies across two texts.
                from = found + 1;
            }
        })
    }

    pub(crate) fn bytes(&self) -> usize {
        self.all.capacity() + self.ends.capacity() * size_of::<u32>()
    }

    pub(crate) fn write(&self, writer: &mut Writer) {
        writer.number(self.len());
        for text in self.iter() {
            writer.number(text.len());
        }
        writer.raw(self.all.as_bytes());
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, SegmentError> {
        let count = reader.count()?;
        let mut ends = Vec::with_capacity(count);
        let mut end: u32 = 0;
        for _ in 0..count {
            let length = reader.small()?;
            end = end.checked_add(length).ok_or_else(|| reader.wrong("its texts have more than 4 GiB"))?;
            ends.push(end);
        }
        let raw = reader.raw(place(end))?;
        let all = std::str::from_utf8(raw).map_err(|_| reader.wrong("a text is not UTF-8"))?;
        if !ends.iter().all(|end| all.is_char_boundary(place(*end))) {
            return Err(reader.wrong("a text ends inside a character"));
        }
        Ok(Self { all: all.to_owned(), ends })
    }
}

fn place(offset: u32) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

impl<'t> FromIterator<&'t str> for Texts {
    fn from_iter<T: IntoIterator<Item = &'t str>>(iter: T) -> Self {
        let mut texts = Self::default();
        iter.into_iter().for_each(|text| texts.push(text));
        texts
    }
}

#[cfg(test)]
mod tests {
    use memchr::memmem::Finder;

    use super::*;

    #[test]
    fn texts_read_back_and_are_searched_one_by_one() {
        let texts: Texts = ["", "abab", "ba", "", "xabx", "ä"].into_iter().collect();
        let mut writer = Writer::default();
        texts.write(&mut writer);
        let bytes = writer.into_bytes();
        let read = Texts::read(&mut Reader::new("test", &bytes)).unwrap();
        assert_eq!(read, texts);
        assert_eq!(read.containing(&Finder::new("ab")).collect::<Vec<_>>(), [1, 4]);
        assert_eq!(read.containing(&Finder::new("bb")).count(), 0, "across two texts");
        assert_eq!(read.containing(&Finder::new("ba")).collect::<Vec<_>>(), [1, 2]);
        assert!(Texts::read(&mut Reader::new("test", &bytes[..bytes.len() - 1])).is_err());
    }
}
