//! Texts of entities in one allocation: an answer of many copies each once.

use std::ops::Range;

/// Texts in the order asked for; `None` for what does not exist (any more).
#[derive(Debug, Default)]
pub(crate) struct Texts {
    /// One behind the other, in any order.
    all: String,
    places: Vec<Option<Range<usize>>>,
}

impl Texts {
    /// `places` are those of texts in `all`.
    pub(super) fn new(all: String, places: Vec<Option<Range<usize>>>) -> Self {
        Self { all, places }
    }

    pub(crate) fn push(&mut self, text: Option<&str>) {
        let start = self.all.len();
        self.all.push_str(text.unwrap_or_default());
        self.places.push(text.map(|_| start..self.all.len()));
    }

    pub(crate) fn append(&mut self, more: Self) {
        if self.places.is_empty() {
            *self = more;
        } else {
            more.iter().for_each(|text| self.push(text));
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Option<&str>> {
        self.places.iter().map(|place| self.all.get(place.clone()?))
    }

    /// Of those that exist.
    pub(crate) fn bytes(&self) -> usize {
        self.all.len()
    }

    pub(crate) fn existing(&self) -> usize {
        self.places.iter().flatten().count()
    }
}
