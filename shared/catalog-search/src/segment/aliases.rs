//! Alias records of a segment that somebody claims: names and secondary ids, and whose they are.

use std::collections::BTreeSet;

use catalog_model::{Claim, Identity, Key};

use crate::segment::SegmentError;
use crate::segment::bytes::{Reader, Writer};
use crate::segment::texts::Texts;

/// In the order of their keys.
#[derive(Debug, Default)]
pub(crate) struct Aliases {
    keys: Texts,
    /// Claims `starts[n]..starts[n + 1]` are of key `n`.
    starts: Vec<u32>,
    identities: Texts,
    by_arn: Vec<bool>,
    /// Numbers of claims, in the order of their identities.
    by_identity: Vec<u32>,
}

impl Aliases {
    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    pub(crate) fn key(&self, at: usize) -> &str {
        self.keys.get(at)
    }

    pub(crate) fn place_of(&self, key: &Key) -> Option<usize> {
        let at = self.keys.partition_point(|other| other < key.as_str());
        (at < self.len() && self.keys.get(at) == key.as_str()).then_some(at)
    }

    pub(crate) fn claims(&self, at: usize) -> BTreeSet<Claim> {
        let claims = place(self.starts[at])..place(self.starts[at + 1]);
        claims.map(|claim| Claim { identity: self.identity(claim), by_arn: self.by_arn[claim] }).collect()
    }

    /// Numbers of the keys that an identity claims.
    pub(crate) fn claimed_by(&self, identity: &Identity) -> impl Iterator<Item = usize> {
        let first = self.by_identity.partition_point(|claim| self.identities.get(place(*claim)) < identity.as_str());
        let same = self.by_identity[first..]
            .iter()
            .copied()
            .take_while(|claim| self.identities.get(place(*claim)) == identity.as_str());
        same.map(|claim| self.starts.partition_point(|start| *start <= claim).saturating_sub(1))
    }

    fn identity(&self, claim: usize) -> Identity {
        Identity::of_canonical_arn(self.identities.get(claim))
    }

    pub(crate) fn bytes(&self) -> usize {
        let numbers = (self.starts.capacity() + self.by_identity.capacity()) * size_of::<u32>();
        self.keys.bytes() + self.identities.bytes() + numbers + self.by_arn.capacity()
    }

    pub(crate) fn read(content: &[u8]) -> Result<Self, SegmentError> {
        let mut reader = Reader::new("aliases", content);
        let keys = Texts::read(&mut reader)?;
        if !(1..keys.len()).all(|at| keys.get(at - 1) < keys.get(at)) {
            return Err(reader.wrong("its keys do not rise"));
        }
        let (mut starts, mut by_arn) = (vec![0], Vec::new());
        for _ in 0..keys.len() {
            for _ in 0..reader.count()? {
                by_arn.push(reader.number()? == 1);
            }
            starts.push(u32::try_from(by_arn.len()).map_err(|_| reader.wrong("it has too many claims"))?);
        }
        let identities = Texts::read(&mut reader)?;
        if identities.len() != by_arn.len() {
            return Err(reader.wrong("it has not as many identities as claims"));
        }
        reader.end()?;
        let count = starts.last().copied().unwrap_or_default();
        let mut by_identity: Vec<u32> = (0..count).collect();
        by_identity.sort_by_key(|claim| identities.get(place(*claim)));
        Ok(Self { keys, starts, identities, by_arn, by_identity })
    }

    /// In the order of keys. Those that nobody claims are left out.
    pub(crate) fn write<'a>(all: impl Iterator<Item = (&'a str, BTreeSet<Claim>)>) -> Vec<u8> {
        let (mut keys, mut identities) = (Texts::default(), Texts::default());
        let mut claims = Writer::default();
        for (key, claimed) in all {
            keys.push(key);
            claims.number(claimed.len());
            for claim in claimed {
                claims.number(u8::from(claim.by_arn));
                identities.push(claim.identity.as_str());
            }
        }
        let mut writer = Writer::default();
        keys.write(&mut writer);
        writer.raw(&claims.into_bytes());
        identities.write(&mut writer);
        writer.into_bytes()
    }
}

fn place(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
