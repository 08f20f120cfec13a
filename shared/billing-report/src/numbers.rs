//! Keys -> numbers, in the order in which the keys are met. What is asked for is mostly what was asked for a moment ago.

use std::hash::{BuildHasher, Hash};

use hashbrown::{DefaultHashBuilder, HashTable};

/// Every key once.
#[derive(Debug)]
pub(crate) struct Numbers<K> {
    keys: Vec<K>,
    /// By hash, so that a key is only looked at when it is the one.
    numbers: HashTable<(u64, u32)>,
    /// The number that was found last, by what the asker remembers it by.
    last: Vec<u32>,
    hasher: DefaultHashBuilder,
}

impl<K> Default for Numbers<K> {
    fn default() -> Self {
        Self { keys: Vec::new(), numbers: HashTable::new(), last: Vec::new(), hasher: DefaultHashBuilder::default() }
    }
}

impl<K: Copy + Eq + Hash> Numbers<K> {
    /// The key's number, a new one if it has none. Keys of one `shelf` should mostly be one; shelves are numbered from zero.
    #[inline]
    pub(crate) fn of(&mut self, key: &K, shelf: usize) -> u32 {
        if let Some(number) = self.last.get(shelf)
            && self.keys.get(*number as usize).is_some_and(|last| last == key)
        {
            return *number;
        }
        self.find(key, shelf)
    }

    fn find(&mut self, key: &K, shelf: usize) -> u32 {
        let Self { keys, numbers, last, hasher } = self;
        let hash = hasher.hash_one(key);
        let known = numbers.find(hash, |(of, number)| *of == hash && keys[*number as usize] == *key);
        let number = match known {
            Some((_, number)) => *number,
            None => {
                // Bounded by the sums that are made of them.
                let number = u32::try_from(keys.len()).unwrap_or(u32::MAX);
                keys.push(*key);
                numbers.insert_unique(hash, (hash, number), |(hash, _)| *hash);
                number
            }
        };
        if last.len() <= shelf {
            last.resize(shelf + 1, u32::MAX);
        }
        last[shelf] = number;
        number
    }

    /// By their numbers.
    pub(crate) fn keys(&self) -> &[K] {
        &self.keys
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_key_has_one_number_wherever_it_was_remembered(asked in prop::collection::vec((0..40_u16, 0..9_usize), 0..200)) {
            let (mut numbers, mut expected) = (Numbers::default(), HashMap::new());
            for (key, shelf) in asked {
                let new = u32::try_from(expected.len()).unwrap();
                prop_assert_eq!(numbers.of(&key, shelf), *expected.entry(key).or_insert(new));
            }
            for (key, number) in expected {
                prop_assert_eq!(numbers.keys()[number as usize], key);
            }
        }
    }
}
