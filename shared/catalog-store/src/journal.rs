//! Our own journal of what exports said, as it was parsed and allow-listed: what a lost or damaged record is made from again.
//!
//! `journal/<source object's hash>/<version>/<hash of the content>`: listed, the publications of one source object come in the
//! order of their versions. An object is never changed, and none expires: a file that nobody sends again still counts.
//! What a file too long to hold said is in parts of its own (`journal_parts.rs`), and its entry lists them.

use std::io::Read as _;

use bytes::Bytes;
use catalog_model::{Identity, RecordKey, Said, SourceObject, Version};
use serde::{Deserialize, Serialize, Serializer};
use sha2::{Digest, Sha256};

use crate::{CatalogStore, Clock, Heading, Publication, Sibling, SiblingKind, StoreError};

const FOLDER: &str = "journal/";

/// Fast, and a tenth of the text: names and keys repeat.
pub(crate) const LEVEL: i32 = 3;

/// Of one entry or part, unpacked: a state of a hundred thousand resources has 100 MB.
pub(crate) const MAX_ENTRY_BYTES: u64 = 512 * 1024 * 1024;

/// One publication.
#[derive(Debug, Clone, PartialEq)]
pub enum JournalEntry {
    /// With what it said beside records.
    Whole { publication: Publication, siblings: Vec<(Identity, SiblingKind, Sibling)> },
    /// Of a file too long to hold: [`CatalogStore::journal_statements`] has what it said.
    InParts { heading: Heading, parts: Vec<String> },
}

/// The object's content as it is written: straight from the publication, since a copy of a large one has some hundred MB.
/// It has either statements or parts: who knows of no parts must not take a long file for an empty one.
#[derive(Serialize)]
struct Told<'p> {
    source: &'p SourceObject,
    version: &'p Version,
    clock: &'p Clock,
    delivery: &'p str,
    complete: bool,
    #[serde(serialize_with = "by_text", skip_serializing_if = "Option::is_none")]
    statements: Option<&'p [(RecordKey, Said)]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parts: Option<&'p [String]>,
    siblings: &'p [(Identity, SiblingKind, Sibling)],
}

fn by_text<S: Serializer>(statements: &Option<&[(RecordKey, Said)]>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(statements.iter().copied().flatten().map(|(key, said)| (key.to_string(), said)))
}

/// The object's content as it is read.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stored {
    source: SourceObject,
    version: Version,
    clock: Clock,
    delivery: String,
    complete: bool,
    statements: Option<Vec<(String, Said)>>,
    parts: Option<Vec<String>>,
    siblings: Vec<(Identity, SiblingKind, Sibling)>,
}

/// The keys of some entries of the journal, in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalPage {
    pub keys: Vec<String>,
    /// Whether others come after these.
    pub has_more: bool,
}

impl CatalogStore {
    /// Writes an entry, unless it is there: a publication that is repeated has one.
    ///
    /// # Errors
    /// Fails if the bucket cannot be written.
    pub async fn put_journal(&self, entry: &PackedJournalEntry) -> Result<(), StoreError> {
        self.put_if_absent(entry.key.clone(), entry.content.clone()).await
    }

    /// Lists the entries whose keys come after `after`; empty for all. `limit` is at most 1,000.
    ///
    /// # Errors
    /// Fails if the bucket cannot be listed.
    pub async fn journal(&self, after: &str, limit: i32) -> Result<JournalPage, StoreError> {
        let list = self.s3.list_objects_v2().bucket(&self.bucket).prefix(FOLDER).max_keys(limit.clamp(1, 1000));
        let list = if after.is_empty() { list } else { list.start_after(after) };
        let listed = list.send().await.map_err(StoreError::aws("ListObjectsV2"))?;
        let keys = listed.contents().iter().filter_map(|object| object.key().map(str::to_owned)).collect();
        Ok(JournalPage { keys, has_more: listed.is_truncated().unwrap_or_default() })
    }

    /// Reads an entry that was listed.
    ///
    /// # Errors
    /// Fails on an object whose content is not the one that its key names, or that cannot be read.
    pub async fn journal_entry(&self, key: &str) -> Result<JournalEntry, StoreError> {
        let object = self.s3.get_object().bucket(&self.bucket).key(key).send().await;
        let object = object.map_err(StoreError::aws("GetObject"))?;
        let content = object.body.collect().await.map_err(StoreError::aws("GetObject"))?.into_bytes();
        unpack(key, &content).ok_or_else(|| StoreError::CorruptObject { key: key.to_owned() })
    }
}

/// An entry as it is stored: made before its publication is consumed.
#[derive(Debug, Clone)]
pub struct PackedJournalEntry {
    key: String,
    content: Bytes,
}

impl PackedJournalEntry {
    pub fn of(publication: &Publication, siblings: &[(Identity, SiblingKind, Sibling)]) -> Self {
        let Publication { source, version, clock, delivery, statements, complete } = publication;
        let statements = Some(statements.as_slice());
        Self::pack(&Told { source, version, clock, delivery, complete: *complete, statements, parts: None, siblings })
    }

    /// `parts` as [`crate::JournalParts::finish`] names them.
    pub fn in_parts(heading: &Heading, parts: &[String]) -> Self {
        let Heading { source, version, clock, delivery, complete } = heading;
        let (parts, siblings) = (Some(parts), [].as_slice());
        Self::pack(&Told { source, version, clock, delivery, complete: *complete, statements: None, parts, siblings })
    }

    fn pack(told: &Told<'_>) -> Self {
        let content = packed(told).expect("texts and numbers always serialise, and memory can be written");
        let of = hex::encode(&Sha256::digest(told.source.to_string())[..16]);
        let hash = hex::encode(Sha256::digest(&content));
        Self { key: format!("{FOLDER}{of}/{}/{hash}", told.version), content: content.into() }
    }
}

fn packed(told: &Told<'_>) -> std::io::Result<Vec<u8>> {
    let mut packer = zstd::Encoder::new(Vec::new(), LEVEL)?;
    serde_json::to_writer(&mut packer, told)?;
    packer.finish()
}

fn unpack(key: &str, content: &[u8]) -> Option<JournalEntry> {
    if key.rsplit('/').next() != Some(hex::encode(Sha256::digest(content)).as_str()) {
        return None;
    }
    let mut text = Vec::new();
    zstd::Decoder::new(content).ok()?.take(MAX_ENTRY_BYTES + 1).read_to_end(&mut text).ok()?;
    if text.len() as u64 > MAX_ENTRY_BYTES {
        return None;
    }
    let Stored { source, version, clock, delivery, complete, statements, parts, siblings } =
        serde_json::from_slice(&text).ok()?;
    match (statements, parts) {
        (Some(statements), None) => {
            let statements = statements.into_iter().map(|(key, said)| Some((key.parse().ok()?, said)));
            let statements = statements.collect::<Option<_>>()?;
            let publication = Publication { source, version, clock, delivery, statements, complete };
            Some(JournalEntry::Whole { publication, siblings })
        }
        (None, Some(parts)) => {
            let heading = Heading { source, version, clock, delivery, complete };
            Some(JournalEntry::InParts { heading, parts })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use catalog_model::{Door, EntityRef, Format};
    use serde_json::{Value, json};

    use super::*;

    /// As it lies in the buckets of those who have one: its hash is part of its key.
    const WHOLE: &str = concat!(
        r#"{"source":{"door":"s3","producer":"acme","format":"catalog-info","name":"all"},"#,
        r#""version":"0000000000000000.00000000000000000000000000000007.0000000000000001","clock":"serial","#,
        r#""delivery":"request-7","complete":true,"statements":[["e#component:default/orders","gone"]],"#,
        r#""siblings":[["component:default/orders","deployment",{"at_ms":1700000000000,"id":"1","#,
        r#""version":"0000000000000000.00000000000000000000000000000007.0000000000000001","body":{}}]]}"#,
    );

    fn heading() -> Heading {
        let source =
            SourceObject { door: Door::S3, producer: "acme".into(), format: Format::CatalogInfo, name: "all".into() };
        Heading {
            source,
            version: Version::of_serial(7, 1),
            clock: Clock::Serial,
            delivery: "request-7".into(),
            complete: true,
        }
    }

    fn text(entry: &PackedJournalEntry) -> String {
        String::from_utf8(zstd::decode_all(&entry.content[..]).unwrap()).unwrap()
    }

    /// Under the key that its content asks for.
    fn of_text(text: &str) -> Option<JournalEntry> {
        let content = zstd::encode_all(text.as_bytes(), LEVEL).unwrap();
        unpack(&format!("journal/a/7/{}", hex::encode(Sha256::digest(&content))), &content)
    }

    #[test]
    fn an_entry_is_stored_as_it_always_was_and_read_back() {
        let Heading { source, version, clock, delivery, complete } = heading();
        let identity = Identity::of_entity(&EntityRef::component("orders"));
        let statements = vec![(RecordKey::Entity(identity.clone()), Said::Gone)];
        let sibling = Sibling { at_ms: 1_700_000_000_000, id: "1".into(), version: version.clone(), body: json!({}) };
        let publication = Publication { source, version, clock, delivery, statements, complete };
        let siblings = vec![(identity, SiblingKind::Deployment, sibling)];
        let packed = PackedJournalEntry::of(&publication, &siblings);
        assert_eq!(text(&packed), WHOLE);
        let entry = JournalEntry::Whole { publication, siblings };
        assert_eq!(unpack(&packed.key, &packed.content).as_ref(), Some(&entry));
        assert_eq!(of_text(WHOLE), Some(entry));
    }

    #[test]
    fn the_parts_of_many_gigabytes_fit_into_an_entry() {
        let parts: Vec<String> = (0..10_000_u32).map(|part| hex::encode(Sha256::digest(part.to_be_bytes()))).collect();
        let packed = PackedJournalEntry::in_parts(&heading(), &parts);
        let entry = JournalEntry::InParts { heading: heading(), parts };
        assert_eq!(unpack(&packed.key, &packed.content), Some(entry));
    }

    #[test]
    fn an_entry_of_another_content_than_its_key_says_or_of_no_content_is_damaged() {
        let packed = PackedJournalEntry::in_parts(&heading(), &["ab".to_owned()]);
        assert_eq!(unpack(&packed.key, &PackedJournalEntry::in_parts(&heading(), &[]).content), None);
        let mut stored: Value = serde_json::from_str(&text(&packed)).unwrap();
        assert!(of_text(&stored.to_string()).is_some());
        stored["statements"] = json!([]);
        assert_eq!(of_text(&stored.to_string()), None, "both statements and parts");
        stored.as_object_mut().unwrap().retain(|field, _| field != "statements" && field != "parts");
        assert_eq!(of_text(&stored.to_string()), None, "neither");
    }
}
