//! All rows of the entities that changed, by key and in the order of a segment's columns: what a compaction merges in.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::docs::Doc;
use crate::flatten::SearchValue;
use crate::overlay::packed::PackedRow;
use crate::overlay::{FOLLOWING_KEYS, Overlay};
use crate::segment::column::RankRef;
use crate::shape::Shape;

/// The rows of one key, each with the number that its entity gets.
#[derive(Debug, Default)]
pub(crate) struct ChangedColumn<'o> {
    values: Vec<Row<'o>>,
    nulls: Vec<Doc>,
}

/// In the order of a column.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Row<'o> {
    value: Cow<'o, str>,
    original: Cow<'o, str>,
    is_marked: bool,
    place: Doc,
}

impl Overlay {
    /// `following` gives the rows of `followers`, `place` the number that an entity gets.
    pub(crate) fn changed_columns(
        &self,
        following: impl Fn(Doc, &Shape) -> Vec<SearchValue>,
        place: impl Fn(Doc) -> Doc,
    ) -> HashMap<&str, ChangedColumn<'_>> {
        let mut columns: HashMap<u32, ChangedColumn<'_>> = HashMap::new();
        let add_following = |columns: &mut HashMap<_, ChangedColumn<'_>>, place, rows: Vec<SearchValue>| {
            for SearchValue { key, original, element } in rows.into_iter().filter(follows) {
                if let Some(word) = self.words.find(&key) {
                    columns.entry(word).or_default().add(original.map(Cow::Owned), element, place);
                }
            }
        };
        for (doc, live) in self.lives() {
            let place = place(doc);
            add_following(&mut columns, place, live.following_rows(&self.words));
            for PackedRow { word, key, original, element } in live.values.iter(&self.words) {
                if !FOLLOWING_KEYS.contains(&key) {
                    columns.entry(word).or_default().add(original.map(Cow::Borrowed), element, place);
                }
            }
        }
        for (doc, shape) in &self.followers {
            add_following(&mut columns, place(*doc), following(*doc, shape));
        }
        columns.into_iter().map(|(word, column)| (self.words.text(word), column.sorted())).collect()
    }
}

fn follows(row: &SearchValue) -> bool {
    FOLLOWING_KEYS.contains(&row.key.as_str())
}

impl<'o> ChangedColumn<'o> {
    fn add(&mut self, original: Option<Cow<'o, str>>, is_marked: bool, place: Doc) {
        match original {
            None => self.nulls.push(place),
            Some(original) => {
                let is_lower = original.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase());
                let value = if is_lower { original.clone() } else { Cow::Owned(original.to_lowercase()) };
                self.values.push(Row { value, original, is_marked, place });
            }
        }
    }

    fn sorted(mut self) -> Self {
        self.values.sort_unstable();
        self.values.dedup();
        self
    }

    /// Each row of a value, in order.
    pub(crate) fn values(&self) -> impl Iterator<Item = (RankRef<'_>, Doc)> {
        self.values.iter().map(|row| ((&*row.value, &*row.original, row.is_marked), row.place))
    }

    /// Entities with a row that has no value, in no order.
    pub(crate) fn nulls(&self) -> &[Doc] {
        &self.nulls
    }
}
