//! Keys -> numbers, in the order in which the keys are met. What is asked for is mostly what was asked for a moment ago.

use std::hash::{BuildHasher, Hash};

use hashbrown::{DefaultHashBuilder, HashTable};

/// Every key once, with what is kept of it.
#[derive(Debug)]
pub(crate) struct Numbers<K, V = ()> {
    entries: Vec<Entry<K, V>>,
    /// By hash, so that a key is only looked at when it is the one.
    numbers: HashTable<(u64, u32)>,
    /// The number that was found last, by what the asker remembers it by.
    last: Vec<u32>,
    hasher: DefaultHashBuilder,
}

/// Where a key is looked at, what is kept of it is read mostly next: both are in one line of the cache if they fit it.
#[derive(Debug)]
#[repr(align(64))]
struct Entry<K, V> {
    key: K,
    value: V,
}

impl<K, V> Default for Numbers<K, V> {
    fn default() -> Self {
        Self { entries: Vec::new(), numbers: HashTable::new(), last: Vec::new(), hasher: DefaultHashBuilder::default() }
    }
}

impl<K: Copy + Eq + Hash, V: Default> Numbers<K, V> {
    /// The key's number, a new one if it has none. Keys of one `shelf` should mostly be one; shelves are numbered from zero.
    #[inline]
    pub(crate) fn of(&mut self, key: &K, shelf: usize) -> u32 {
        if let Some(number) = self.last.get(shelf)
            && self.entries.get(*number as usize).is_some_and(|last| last.key == *key)
        {
            return *number;
        }
        self.find(key, shelf)
    }

    /// Of many keys and their shelves at once. Each step for all before the next: what one waits for, the others ask for
    /// meanwhile. `part` reads something of a key: all that are to be compared are brought near by it.
    pub(crate) fn of_all(&mut self, keys: &[(K, usize)], part: impl Fn(&K) -> u32, numbers: &mut Vec<u32>) {
        numbers.clear();
        numbers.extend(keys.iter().map(|(_, shelf)| self.last.get(*shelf).copied().unwrap_or(u32::MAX)));
        let part_of = |number: &u32| self.entries.get(*number as usize).map_or(0, |entry| part(&entry.key));
        std::hint::black_box(numbers.iter().fold(0, |all, number| all ^ part_of(number)));
        for ((key, shelf), number) in keys.iter().zip(numbers) {
            if self.entries.get(*number as usize).is_none_or(|last| last.key != *key) {
                *number = self.find(key, *shelf);
            }
        }
    }

    fn find(&mut self, key: &K, shelf: usize) -> u32 {
        let Self { entries, numbers, last, hasher } = self;
        let hash = hasher.hash_one(key);
        let known = numbers.find(hash, |(of, number)| *of == hash && entries[*number as usize].key == *key);
        let number = match known {
            Some((_, number)) => *number,
            None => {
                // Bounded by the sums that are made of them.
                let number = u32::try_from(entries.len()).unwrap_or(u32::MAX);
                entries.push(Entry { key: *key, value: V::default() });
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

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn key(&self, number: u32) -> &K {
        &self.entries[number as usize].key
    }

    pub(crate) fn value_mut(&mut self, number: u32) -> &mut V {
        &mut self.entries[number as usize].value
    }

    /// By their numbers.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.entries.iter().map(|entry| (&entry.key, &entry.value))
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
            let (mut numbers, mut expected) = (Numbers::<u16>::default(), HashMap::new());
            for (key, shelf) in asked {
                let new = u32::try_from(expected.len()).unwrap();
                prop_assert_eq!(numbers.of(&key, shelf), *expected.entry(key).or_insert(new));
            }
            for (key, number) in expected {
                prop_assert_eq!(*numbers.key(number), key);
            }
        }
    }
}
