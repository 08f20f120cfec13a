//! Sets of entities by their number in the catalog.

/// An entity's place in the catalog's list. Numbers are never given twice.
pub(crate) type Doc = u32;

const BITS: usize = 64;

/// One bit for each entity.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct DocSet {
    words: Vec<u64>,
}

impl DocSet {
    /// The first `count` entities.
    pub(crate) fn first(count: Doc) -> Self {
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let mut words = vec![u64::MAX; count / BITS];
        if count % BITS > 0 {
            words.push((1 << (count % BITS)) - 1);
        }
        Self { words }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Doc> {
        self.words.iter().enumerate().flat_map(|(at, word)| {
            let (first, mut rest) = (Doc::try_from(at * BITS).unwrap_or(Doc::MAX), *word);
            std::iter::from_fn(move || {
                let bit = rest.trailing_zeros();
                rest &= rest.checked_sub(1)?;
                Some(first + bit)
            })
        })
    }

    pub(crate) fn last(&self) -> Option<Doc> {
        let (at, word) = self.words.iter().enumerate().rfind(|(_, word)| **word != 0)?;
        Doc::try_from(at * BITS).ok().map(|first| first + word.ilog2())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    pub(crate) fn bytes(&self) -> usize {
        self.words.capacity() * size_of::<u64>()
    }

    /// How many are in both.
    pub(crate) fn len_of_both(&self, other: &Self) -> usize {
        let both = self.words.iter().zip(&other.words).map(|(one, other)| (one & other).count_ones());
        both.map(|ones| usize::try_from(ones).unwrap_or_default()).sum()
    }

    pub(crate) fn subtract(&mut self, other: &Self) {
        for (word, other) in self.words.iter_mut().zip(&other.words) {
            *word &= !other;
        }
    }

    pub(crate) fn insert(&mut self, doc: Doc) {
        let (word, bit) = place(doc);
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        self.words[word] |= bit;
    }

    pub(crate) fn remove(&mut self, doc: Doc) {
        let (word, bit) = place(doc);
        if let Some(word) = self.words.get_mut(word) {
            *word &= !bit;
        }
    }

    pub(crate) fn contains(&self, doc: Doc) -> bool {
        let (word, bit) = place(doc);
        self.words.get(word).is_some_and(|word| word & bit != 0)
    }

    pub(crate) fn len(&self) -> usize {
        self.words.iter().map(|word| usize::try_from(word.count_ones()).unwrap_or_default()).sum()
    }

    pub(crate) fn union_with(&mut self, other: &Self) {
        if other.words.len() > self.words.len() {
            self.words.resize(other.words.len(), 0);
        }
        for (word, other) in self.words.iter_mut().zip(&other.words) {
            *word |= other;
        }
    }

    pub(crate) fn intersect_with(&mut self, other: &Self) {
        self.words.truncate(other.words.len());
        for (word, other) in self.words.iter_mut().zip(&other.words) {
            *word &= other;
        }
    }
}

impl FromIterator<Doc> for DocSet {
    fn from_iter<T: IntoIterator<Item = Doc>>(docs: T) -> Self {
        let mut set = Self::default();
        for doc in docs {
            set.insert(doc);
        }
        set
    }
}

fn place(doc: Doc) -> (usize, u64) {
    let doc = usize::try_from(doc).unwrap_or(usize::MAX);
    (doc / BITS, 1 << (doc % BITS))
}
