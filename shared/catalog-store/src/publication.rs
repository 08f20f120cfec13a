//! One source object's whole content -> fragments, and tombstones for what it names no more.
//!
//! Deliveries of one source object come twice, late, at the same time, and stop half-way; all of them together must end
//! in what the newest one says. So each first registers itself in the root, and any of them that gets to its end
//! sweeps for all: what a registered publication names, and the head does not, is gone since the head.
//!
//! 1. The set of records goes to the bucket; one update registers it as open and, if it is newer, as the head.
//! 2. The fragments are written at the publication's version.
//! 3. The root is read; every record of an open set that the head's set lacks gets a tombstone at the head's version.
//! 4. Open publications older than the head are taken out, if the head is still the same; otherwise again from 3.
//!
//! A publication of a part is open and never the head. Parts newer than the head wait for the next one, as one entry.
//!
//! A failure at any point leaves a state from which the same call, or any later publication, completes the work.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::pin::pin;

use catalog_model::{Applied, Fragment, RecordKey, Said, SourceObject, Version};
use futures::{Stream, StreamExt, TryStreamExt, stream};
use tracing::{info, instrument};

use crate::bodies::{CONCURRENT_CALLS, Folder};
use crate::root::{Clock, Entry, Root};
use crate::{CatalogStore, StoreError};

/// Sets of records by their pointers.
type Sets<'a> = HashMap<&'a str, &'a BTreeSet<RecordKey>>;

/// How often a sweep starts again because a newer head came.
const MAX_SWEEPS: u32 = 8;

/// All that one source object says, at one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    pub source: SourceObject,
    pub version: Version,
    pub clock: Clock,
    /// Which delivery brought it, for `explain`.
    pub delivery: String,
    /// One statement for each record; of several, the first counts. None at all retires the source object.
    pub statements: Vec<(RecordKey, Said)>,
    /// `false`: the source object names more than could be read, so this publication deletes nothing by omission. What
    /// it says counts, and the next complete publication answers for it.
    pub complete: bool,
}

/// What a publication is, before what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heading {
    pub source: SourceObject,
    pub version: Version,
    pub clock: Clock,
    /// Which delivery brings it, for `explain`.
    pub delivery: String,
    /// As in [`Publication`].
    pub complete: bool,
}

/// What became of a publication. `applied + stale + duplicate` is the number of records it speaks of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Published {
    pub applied: u64,
    pub stale: u64,
    pub duplicate: u64,
    /// Records that this call wrote a tombstone on.
    pub swept: Vec<RecordKey>,
    /// Records of which the publication said two different things; the first counts.
    pub contradicted: Vec<RecordKey>,
    /// A newer publication of the source object is the head: what this one says does not count.
    pub superseded: bool,
}

impl CatalogStore {
    /// Publishes the whole content of a source object. Acknowledge the delivery only after this has returned.
    ///
    /// A record that cannot take its fragment for good ([`StoreError::TooManyFragments`] and the like) does not hold up
    /// the others: they are written and swept first, then the error is returned.
    ///
    /// # Errors
    /// [`StoreError::LineageConflict`] and [`StoreError::ClockMixed`] before anything is changed. After any other error
    /// the same call completes the work.
    pub async fn publish(&self, delivery: Publication, now_ms: u64) -> Result<Published, StoreError> {
        let Publication { source, version, clock, delivery, statements, complete } = delivery;
        let heading = Heading { source, version, clock, delivery, complete };
        let mut contradicted = Vec::new();
        let statements = one_for_each_record(statements, &mut contradicted);
        let set = statements.keys().cloned().collect();
        let statements = stream::iter(statements.into_iter().map(Ok::<_, StoreError>));
        let published = self.publish_streamed(heading, set, statements, |_| {}, now_ms).await?;
        Ok(Published { contradicted, ..published })
    }

    /// [`Self::publish`] for a source object that is not held in memory: `statements` are taken one by one while those
    /// before them are written, and must be one for each record of `set`. `wrote` is told how many are written so far.
    ///
    /// # Errors
    /// As [`Self::publish`], and the first error of `statements`. After any of them the same call completes the work.
    #[instrument(skip_all, fields(source.object = %heading.source, source.version = %heading.version))]
    pub async fn publish_streamed<E: From<StoreError>>(
        &self,
        heading: Heading,
        set: BTreeSet<RecordKey>,
        statements: impl Stream<Item = Result<(RecordKey, Said), E>>,
        mut wrote: impl FnMut(u64),
        now_ms: u64,
    ) -> Result<Published, E> {
        let Heading { source, version, clock, delivery, complete } = heading;
        let pointer = self.put_by_hash(Folder::Sets, set_text(set.iter())).await?;
        let me = Entry { version, pointer };
        if complete {
            self.register(&source, &me, &clock).await?;
        } else {
            self.register_part(&source, &me, &clock).await?;
        }

        let mut published = Published::default();
        let mut refused = None;
        let outcomes = statements
            .map(async |statement| {
                let (key, said) = statement?;
                if !set.contains(&key) {
                    return Err(E::from(StoreError::WrongShape {
                        item: format!("set of {source}"),
                        attribute: key.to_string(),
                        detail: "a record is spoken of that it does not name",
                    }));
                }
                let (source, version, delivery) = (source.clone(), me.version.clone(), delivery.clone());
                Ok(self.apply(&key, &Fragment { source, version, delivery, said }, now_ms).await)
            })
            .buffer_unordered(CONCURRENT_CALLS);
        let mut outcomes = pin!(outcomes);
        let mut written = 0;
        while let Some(outcome) = outcomes.next().await {
            match outcome? {
                Ok(Applied::Applied) => published.applied += 1,
                Ok(Applied::Stale) => published.stale += 1,
                Ok(Applied::Duplicate) => published.duplicate += 1,
                Err(error) if error.is_retryable() => return Err(error.into()),
                Err(error) => refused = refused.or(Some(error)),
            }
            written += 1;
            wrote(written);
        }

        let head = self.sweep(&source, &delivery, now_ms, (&me.pointer, &set), &mut published.swept).await?;
        published.superseded = head.is_some_and(|head| head > me.version);
        published.swept.sort_unstable();
        info!(
            applied = published.applied,
            stale = published.stale,
            duplicate = published.duplicate,
            swept = published.swept.len(),
            superseded = published.superseded,
            "published a source object"
        );
        refused.map_or(Ok(published), |error| Err(error.into()))
    }

    /// Publishes nothing, one version after the head: all that the source object said is gone. `None`: it never said
    /// anything.
    ///
    /// `requested` is the version that the door gave to the request. It counts where the clock is the time, so that a
    /// removal that comes late takes back nothing newer. A request knows no serial: under the other clocks it takes
    /// back whatever stands.
    pub async fn retire(
        &self,
        source: &SourceObject,
        requested: &Version,
        delivery: &str,
        now_ms: u64,
    ) -> Result<Option<Published>, StoreError> {
        let Some(root) = self.root(source).await? else { return Ok(None) };
        let version = match (&root.clock, root.newest()) {
            (Clock::Time, _) | (_, None) => requested.clone(),
            // The same call again completes what the first one began.
            (Clock::Serial | Clock::Commit | Clock::Terraform { .. }, Some(newest))
                if root.head.as_ref() == Some(newest) && self.set(&newest.pointer).await?.is_empty() =>
            {
                newest.version.clone()
            }
            (Clock::Serial | Clock::Commit | Clock::Terraform { .. }, Some(newest)) => successor(&newest.version),
        };
        let nothing = Publication {
            source: source.clone(),
            version,
            clock: root.clock,
            delivery: delivery.to_owned(),
            statements: Vec::new(),
            complete: true,
        };
        self.publish(nothing, now_ms).await.map(Some)
    }

    /// Steps 3 and 4. Returns the head that was swept for, if there is one. `mine` is a set that need not be read.
    async fn sweep(
        &self,
        source: &SourceObject,
        delivery: &str,
        now_ms: u64,
        mine: (&str, &BTreeSet<RecordKey>),
        swept: &mut Vec<RecordKey>,
    ) -> Result<Option<Version>, StoreError> {
        for _ in 0..MAX_SWEEPS {
            let Some(Root { head, open, .. }) = self.root(source).await? else {
                return Err(StoreError::WrongShape {
                    item: format!("root of {source}"),
                    attribute: String::new(),
                    detail: "it was registered and is not there",
                });
            };
            let mut pointers: BTreeSet<&str> = head.iter().chain(&open).map(|entry| entry.pointer.as_str()).collect();
            let is_mine_open = pointers.remove(mine.0);
            let read: HashMap<&str, BTreeSet<RecordKey>> = stream::iter(pointers)
                .map(async |pointer| Ok::<_, StoreError>((pointer, self.set(pointer).await?)))
                .buffer_unordered(CONCURRENT_CALLS)
                .try_collect()
                .await?;
            let sets: Sets<'_> =
                read.iter().map(|(pointer, set)| (*pointer, set)).chain(is_mine_open.then_some(mine)).collect();
            if let Some(head) = &head {
                let stays = sets[head.pointer.as_str()];
                let omitted = sets.values().copied().flatten().filter(|key| !stays.contains(key)).collect();
                self.take_back(omitted, source, &head.version, delivery, now_ms, swept).await?;
            }
            let head = head.as_ref().map(|head| head.version.clone());
            let open = open.iter().filter(|entry| Some(&entry.version) != head.as_ref()).cloned();
            let (mut done, parts): (Vec<Entry>, Vec<Entry>) =
                open.partition(|entry| Some(&entry.version) < head.as_ref());
            done.extend(self.merge(source, parts, &sets).await?);
            if done.is_empty() || self.close(source, head.as_ref(), &done).await? {
                return Ok(head);
            }
        }
        Err(StoreError::Contended { what: format!("the head of `{source}`"), tries: MAX_SWEEPS })
    }

    /// Writes a tombstone at the head's version on each of the records.
    async fn take_back(
        &self,
        omitted: BTreeSet<&RecordKey>,
        source: &SourceObject,
        head: &Version,
        delivery: &str,
        now_ms: u64,
        swept: &mut Vec<RecordKey>,
    ) -> Result<(), StoreError> {
        let gone =
            Fragment { source: source.clone(), version: head.clone(), delivery: delivery.to_owned(), said: Said::Gone };
        let mut tombstones = stream::iter(omitted)
            .map(async |key| (self.apply(key, &gone, now_ms).await, key))
            .buffer_unordered(CONCURRENT_CALLS);
        while let Some((outcome, key)) = tombstones.next().await {
            match outcome {
                Ok(Applied::Applied) => swept.push(key.clone()),
                // A record that never took a fragment of this source object has nothing to delete.
                Ok(Applied::Stale | Applied::Duplicate)
                | Err(StoreError::TooManyFragments { .. } | StoreError::KeyTooLong { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Registers one entry for all parts that are newer than the head, and returns those that it stands for: a source
    /// object of which nothing but parts ever comes keeps a small root. Whoever is the next head sweeps all that any
    /// of them named.
    async fn merge(
        &self,
        source: &SourceObject,
        mut parts: Vec<Entry>,
        sets: &Sets<'_>,
    ) -> Result<Vec<Entry>, StoreError> {
        let Some(newest) = parts.iter().max().filter(|_| parts.len() > 1) else { return Ok(Vec::new()) };
        let named: BTreeSet<&RecordKey> =
            parts.iter().filter_map(|part| sets.get(part.pointer.as_str())).copied().flatten().collect();
        let pointer = self.put_by_hash(Folder::Sets, set_text(named.into_iter())).await?;
        let all = Entry { version: newest.version.clone(), pointer };
        self.open(source, &all).await?;
        parts.retain(|part| *part != all);
        Ok(parts)
    }

    async fn set(&self, pointer: &str) -> Result<BTreeSet<RecordKey>, StoreError> {
        let text = self.get_by_hash(Folder::Sets, pointer).await?;
        let broken = || StoreError::CorruptObject { key: format!("sets/{pointer}") };
        let keys: Vec<String> = serde_json::from_str(&text).map_err(|_| broken())?;
        keys.iter().map(|key| key.parse().map_err(|_| broken())).collect()
    }
}

fn one_for_each_record(
    statements: Vec<(RecordKey, Said)>,
    contradicted: &mut Vec<RecordKey>,
) -> BTreeMap<RecordKey, Said> {
    let mut first: BTreeMap<RecordKey, Said> = BTreeMap::new();
    for (key, said) in statements {
        match first.get(&key) {
            None => {
                first.insert(key, said);
            }
            Some(standing) if *standing == said => {}
            Some(_) => contradicted.push(key),
        }
    }
    contradicted.sort_unstable();
    contradicted.dedup();
    first
}

/// Sorted and without spaces: equal sets are one object.
fn set_text<'a>(keys: impl Iterator<Item = &'a RecordKey>) -> String {
    let mut keys: Vec<String> = keys.map(ToString::to_string).collect();
    keys.sort_unstable();
    serde_json::Value::from(keys).to_string()
}

/// The smallest version above: all digits taken as one number, plus one. Any version of the next serial is newer.
fn successor(version: &Version) -> Version {
    let mut digits: Vec<u8> = version.as_str().bytes().collect();
    for digit in digits.iter_mut().rev() {
        match *digit {
            b'.' => continue,
            b'f' => *digit = b'0',
            b'9' => *digit = b'a',
            _ => *digit += 1,
        }
        if *digit != b'0' {
            break;
        }
    }
    String::from_utf8_lossy(&digits).parse().unwrap_or_else(|_| version.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_successor_lies_between_a_version_and_every_version_of_the_next_serial() {
        for tie in [0, 9, 0xf, 0x9f, 0xff, u64::MAX - 1] {
            let version = Version::of_terraform(2, 7, tie);
            assert_eq!(successor(&version), Version::of_terraform(2, 7, tie + 1));
            assert!(successor(&version) < Version::of_terraform(2, 8, 0));
        }
        assert_eq!(successor(&Version::of_serial(7, u64::MAX)), Version::of_serial(8, 0));
    }
}
