//! Counters of all records, and the records of a segment that are no entity and no claim: what is gone, or broken. They
//! are kept for their counters: a row of the log that comes late must not bring back what was deleted after it.

use catalog_model::RecordKey;

use crate::docs::Doc;
use crate::segment::SegmentError;
use crate::segment::bytes::{Reader, Writer};
use crate::segment::texts::Texts;

/// In the order of their keys as texts.
#[derive(Debug, Default)]
pub(crate) struct Absent {
    keys: Texts,
    counters: Vec<u64>,
    /// Why a record cannot be read, by number.
    broken: Vec<(u32, String)>,
}

impl Absent {
    pub(crate) fn counter(&self, key: &RecordKey) -> Option<u64> {
        let text = key.to_string();
        let at = self.keys.partition_point(|other| other < text.as_str());
        (at < self.keys.len() && self.keys.get(at) == text).then(|| self.counters[at])
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, u64, Option<&str>)> {
        self.keys.iter().zip(&self.counters).enumerate().map(|(at, (key, counter))| {
            let broken =
                self.broken.binary_search_by_key(&at, |(number, _)| usize::try_from(*number).unwrap_or(usize::MAX));
            (key, *counter, broken.ok().map(|at| self.broken[at].1.as_str()))
        })
    }

    pub(crate) fn bytes(&self) -> usize {
        self.keys.bytes()
            + self.counters.capacity() * size_of::<u64>()
            + self.broken.capacity() * size_of::<(u32, String)>()
    }

    pub(crate) fn read(content: &[u8]) -> Result<Self, SegmentError> {
        let mut reader = Reader::new("absent records", content);
        let keys = Texts::read(&mut reader)?;
        if !(1..keys.len()).all(|at| keys.get(at - 1) < keys.get(at)) {
            return Err(reader.wrong("its keys do not rise"));
        }
        if keys.iter().any(|key| key.parse::<RecordKey>().is_err()) {
            return Err(reader.wrong("a key is of no record"));
        }
        let counters = (0..keys.len()).map(|_| reader.number()).collect::<Result<_, _>>()?;
        let count = u32::try_from(keys.len()).map_err(|_| reader.wrong("it has too many records"))?;
        let numbers = reader.rising(count)?;
        let mut broken = Vec::new();
        for number in numbers {
            broken.push((number, reader.text()?.to_owned()));
        }
        reader.end()?;
        Ok(Self { keys, counters, broken })
    }

    /// In the order of keys.
    pub(crate) fn write<'a>(all: impl Iterator<Item = (&'a str, u64, Option<&'a str>)>) -> Vec<u8> {
        let (mut keys, mut counters, mut broken) = (Texts::default(), Vec::new(), Vec::new());
        for (number, (key, counter, reason)) in (0..).zip(all) {
            keys.push(key);
            counters.push(counter);
            broken.extend(reason.map(|reason| (number, reason)));
        }
        let mut writer = Writer::default();
        keys.write(&mut writer);
        counters.into_iter().for_each(|counter| writer.number(counter));
        writer.rising(&broken.iter().map(|(number, _)| *number).collect::<Vec<u32>>());
        broken.iter().for_each(|(_, reason)| writer.text(reason));
        writer.into_bytes()
    }
}

/// Counters of entities, then of claimed aliases, in the order of their blocks.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    entities: Vec<u64>,
    aliases: Vec<u64>,
}

impl Counters {
    pub(crate) fn entity(&self, doc: Doc) -> u64 {
        self.entities.get(usize::try_from(doc).unwrap_or(usize::MAX)).copied().unwrap_or_default()
    }

    pub(crate) fn alias(&self, at: usize) -> u64 {
        self.aliases.get(at).copied().unwrap_or_default()
    }

    pub(crate) fn bytes(&self) -> usize {
        (self.entities.capacity() + self.aliases.capacity()) * size_of::<u64>()
    }

    pub(crate) fn read(content: &[u8], entities: u32) -> Result<Self, SegmentError> {
        let mut reader = Reader::new("counters", content);
        let entities = (0..entities).map(|_| reader.number()).collect::<Result<_, _>>()?;
        let aliases = (0..reader.count()?).map(|_| reader.number()).collect::<Result<_, _>>()?;
        reader.end()?;
        Ok(Self { entities, aliases })
    }

    pub(crate) fn write(entities: impl Iterator<Item = u64>, aliases: &[u64]) -> Vec<u8> {
        let mut writer = Writer::default();
        entities.for_each(|counter| writer.number(counter));
        writer.number(aliases.len());
        aliases.iter().for_each(|counter| writer.number(*counter));
        writer.into_bytes()
    }
}
