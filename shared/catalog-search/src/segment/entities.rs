//! The entities of a segment: uid, identity, counter, and the hash by which a derived name finds its resource.

use catalog_model::{Identity, derived_name};
use sha2::{Digest, Sha256};

use crate::docs::Doc;
use crate::segment::SegmentError;
use crate::segment::bytes::{Reader, Writer};
use crate::segment::texts::Texts;

pub(crate) type Uid = [u8; 16];

/// Hexadecimal digits at the end of a derived name.
const HASH_DIGITS: usize = 20;

/// In the order of uids.
#[derive(Debug, Default)]
pub(crate) struct Entities {
    uids: Vec<Uid>,
    identities: Texts,
    /// Of resources: the first eight bytes of the hash in the derived name, in their order.
    derived: Vec<(u64, Doc)>,
}

impl Entities {
    pub(crate) fn uid(&self, doc: Doc) -> Option<&Uid> {
        self.uids.get(usize::try_from(doc).ok()?)
    }

    pub(crate) fn identity(&self, doc: Doc) -> &str {
        self.identities.get(usize::try_from(doc).unwrap_or(usize::MAX))
    }

    pub(crate) fn of_uid(&self, uid: &Uid) -> Option<Doc> {
        self.uids.binary_search(uid).ok().and_then(|at| Doc::try_from(at).ok())
    }

    /// The first whose uid is not below this one.
    pub(crate) fn from(&self, uid: &Uid) -> Doc {
        Doc::try_from(self.uids.partition_point(|other| other < uid)).unwrap_or(Doc::MAX)
    }

    /// The first whose uid is above this one.
    pub(crate) fn behind(&self, uid: &Uid) -> Doc {
        Doc::try_from(self.uids.partition_point(|other| other <= uid)).unwrap_or(Doc::MAX)
    }

    pub(crate) fn of_identity(&self, identity: &Identity) -> Option<Doc> {
        if self.uids.is_empty() {
            return None;
        }
        self.of_uid(&identity.uid_bytes()).filter(|doc| self.identity(*doc) == identity.as_str())
    }

    /// The resource whose derived name this is.
    pub(crate) fn of_derived_name(&self, name: &str) -> Option<Doc> {
        let hash = hash_in_name(name)?;
        let first = self.derived.partition_point(|(other, _)| *other < hash);
        let same = self.derived[first..].iter().take_while(|(other, _)| *other == hash);
        same.map(|(_, doc)| *doc).find(|doc| derived_name(&Identity::of_canonical_arn(self.identity(*doc))) == name)
    }

    pub(crate) fn bytes(&self) -> usize {
        self.uids.capacity() * size_of::<Uid>()
            + self.identities.bytes()
            + self.derived.capacity() * size_of::<(u64, Doc)>()
    }

    pub(crate) fn read(content: &[u8], entities: u32) -> Result<Self, SegmentError> {
        let mut reader = Reader::new("entities", content);
        let mut uids = Vec::new();
        for _ in 0..entities {
            let mut uid = Uid::default();
            uid.copy_from_slice(reader.raw(size_of::<Uid>())?);
            uids.push(uid);
        }
        if !uids.is_sorted_by(|one, other| one < other) {
            return Err(reader.wrong("its uids do not rise"));
        }
        let identities = Texts::read(&mut reader)?;
        if identities.len() != uids.len() {
            return Err(reader.wrong("it has not as many identities as uids"));
        }
        let mut derived = Vec::new();
        for _ in 0..reader.count()? {
            let mut hash = [0; 8];
            hash.copy_from_slice(reader.raw(8)?);
            let doc = reader.small()?;
            if doc >= entities {
                return Err(reader.wrong("a derived name is of nobody"));
            }
            derived.push((u64::from_be_bytes(hash), doc));
        }
        if !derived.is_sorted() {
            return Err(reader.wrong("its derived names are not in order"));
        }
        reader.end()?;
        Ok(Self { uids, identities, derived })
    }

    /// `identities` in the order of their uids; of each, whether it has a derived name.
    pub(crate) fn write<'i>(all: impl Iterator<Item = (Uid, &'i str, bool)>) -> Vec<u8> {
        let mut writer = Writer::default();
        let (mut identities, mut derived) = (Texts::default(), Vec::new());
        for (doc, (uid, identity, has_derived_name)) in (0..).zip(all) {
            writer.raw(&uid);
            identities.push(identity);
            if has_derived_name {
                derived.push((hash_of_identity(identity), doc));
            }
        }
        identities.write(&mut writer);
        derived.sort_unstable();
        writer.number(derived.len());
        for (hash, doc) in derived {
            let doc: Doc = doc;
            writer.raw(&hash.to_be_bytes());
            writer.number(doc);
        }
        writer.into_bytes()
    }
}

/// `None`: it is no UUID as [`Identity::uid`] writes them.
pub(crate) fn uid_bytes(text: &str) -> Option<Uid> {
    let hyphens = [8, 13, 18, 23];
    if text.len() != 36 || !hyphens.iter().all(|at| text.as_bytes()[*at] == b'-') {
        return None;
    }
    let digits: String = text.chars().filter(|c| *c != '-').collect();
    if digits.bytes().any(|digit| digit.is_ascii_uppercase()) {
        return None;
    }
    let mut uid = Uid::default();
    hex::decode_to_slice(digits, &mut uid).ok()?;
    Some(uid)
}

pub(crate) fn uid_text(uid: &Uid) -> String {
    let digits = hex::encode(uid);
    [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-")
}

/// What a derived name made of this identity ends with, as far as it fits.
pub(crate) fn hash_of_identity(identity: &str) -> u64 {
    let digest = Sha256::digest(identity);
    let mut first = [0; 8];
    first.copy_from_slice(&digest[..8]);
    u64::from_be_bytes(first)
}

/// `None`: it is no derived name.
pub(crate) fn hash_in_name(name: &str) -> Option<u64> {
    let digits = name.len().checked_sub(HASH_DIGITS).and_then(|at| name.get(at..))?;
    if !digits.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f')) {
        return None;
    }
    u64::from_str_radix(&digits[..16], 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entity_is_found_by_uid_identity_and_derived_name() {
        let mut all: Vec<(Uid, String, bool)> = (0..100)
            .map(|n| format!("arn:aws:sqs:eu-west-1:111122223333:q-{n}"))
            .map(|arn| (Identity::of_canonical_arn(&arn).uid_bytes(), arn, true))
            .collect();
        all.sort();
        let block = Entities::write(all.iter().map(|(uid, arn, derived)| (*uid, arn.as_str(), *derived)));
        let entities = Entities::read(&block, 100).unwrap();
        for (doc, (uid, arn, _)) in (0..).zip(&all) {
            let identity = Identity::of_canonical_arn(arn);
            assert_eq!(entities.of_identity(&identity), Some(doc));
            assert_eq!(entities.of_derived_name(&derived_name(&identity)), Some(doc));
            assert_eq!((uid_text(uid), entities.uid(doc)), (identity.uid(), Some(uid)));
            assert_eq!(uid_bytes(&identity.uid()), Some(*uid));
        }
        assert_eq!(entities.of_identity(&Identity::of_canonical_arn("arn:aws:s3:::other")), None);
        assert_eq!(entities.of_derived_name("q-0"), None);
        assert!(Entities::read(&block, 99).is_err() && Entities::read(&block[..500], 100).is_err());
    }
}
