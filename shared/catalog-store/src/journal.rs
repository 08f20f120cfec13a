//! Our own journal of what exports said, as it was parsed and allow-listed: what a lost or damaged record is made from again.
//!
//! `journal/<source object's hash>/<version>/<hash of the content>`: listed, the publications of one source object come in the
//! order of their versions. An object is never changed, and none expires: a file that nobody sends again still counts.

use std::io::Read as _;

use bytes::Bytes;
use catalog_model::{Identity, RecordKey, Said, SourceObject, Version};
use serde::{Deserialize, Serialize, Serializer};
use sha2::{Digest, Sha256};

use crate::{CatalogStore, Clock, Publication, Sibling, SiblingKind, StoreError};

const FOLDER: &str = "journal/";

/// Fast, and a tenth of the text: names and keys repeat.
const LEVEL: i32 = 3;

/// Of one entry, unpacked: a state of a hundred thousand resources has 100 MB.
const MAX_ENTRY_BYTES: u64 = 512 * 1024 * 1024;

/// One publication and what it said beside records.
#[derive(Debug, Clone, PartialEq)]
pub struct JournalEntry {
    pub publication: Publication,
    pub siblings: Vec<(Identity, SiblingKind, Sibling)>,
}

/// The object's content as it is written: straight from the publication, since a copy of a large one has some hundred MB.
#[derive(Serialize)]
struct Told<'p> {
    source: &'p SourceObject,
    version: &'p Version,
    clock: &'p Clock,
    delivery: &'p str,
    complete: bool,
    #[serde(serialize_with = "by_text")]
    statements: &'p [(RecordKey, Said)],
    siblings: &'p [(Identity, SiblingKind, Sibling)],
}

fn by_text<S: Serializer>(statements: &[(RecordKey, Said)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(statements.iter().map(|(key, said)| (key.to_string(), said)))
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
    statements: Vec<(String, Said)>,
    siblings: Vec<(Identity, SiblingKind, Sibling)>,
}

/// Some entries of the journal, in their order.
#[derive(Debug, Clone, PartialEq)]
pub struct JournalPage {
    pub entries: Vec<JournalEntry>,
    /// The key after which the next page begins. `None`: this is the last one.
    pub next: Option<String>,
}

impl CatalogStore {
    /// Writes an entry, unless it is there: a publication that is repeated has one.
    ///
    /// # Errors
    /// Fails if the bucket cannot be written.
    pub async fn put_journal(&self, entry: &PackedJournalEntry) -> Result<(), StoreError> {
        self.put_if_absent(entry.key.clone(), entry.content.clone()).await
    }

    /// Reads entries whose keys come after `after`; empty for all. `limit` is at most 1,000.
    ///
    /// # Errors
    /// Fails on an object whose content is not the one that its key names, or that cannot be read: nothing is passed over.
    pub async fn journal(&self, after: &str, limit: i32) -> Result<JournalPage, StoreError> {
        let list = self.s3.list_objects_v2().bucket(&self.bucket).prefix(FOLDER).max_keys(limit.clamp(1, 1000));
        let list = if after.is_empty() { list } else { list.start_after(after) };
        let listed = list.send().await.map_err(StoreError::aws("ListObjectsV2"))?;
        let mut entries = Vec::new();
        let mut last = None;
        for key in listed.contents().iter().filter_map(|object| object.key()) {
            entries.push(self.journal_entry(key).await?);
            last = Some(key.to_owned());
        }
        let has_more = listed.is_truncated().unwrap_or_default();
        Ok(JournalPage { entries, next: last.filter(|_| has_more) })
    }

    async fn journal_entry(&self, key: &str) -> Result<JournalEntry, StoreError> {
        let object = self.s3.get_object().bucket(&self.bucket).key(key).send().await;
        let object = object.map_err(StoreError::aws("GetObject"))?;
        let content = object.body.collect().await.map_err(StoreError::aws("GetObject"))?.into_bytes();
        unpack(&content)
            .filter(|_| key.rsplit('/').next() == Some(hex::encode(Sha256::digest(&content)).as_str()))
            .ok_or_else(|| StoreError::CorruptObject { key: key.to_owned() })
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
        let told = Told { source, version, clock, delivery, complete: *complete, statements, siblings };
        let content = packed(&told).expect("texts and numbers always serialise, and memory can be written");
        let (of, hash) =
            (hex::encode(&Sha256::digest(source.to_string())[..16]), hex::encode(Sha256::digest(&content)));
        Self { key: format!("{FOLDER}{of}/{version}/{hash}"), content: content.into() }
    }
}

fn packed(told: &Told<'_>) -> std::io::Result<Vec<u8>> {
    let mut packer = zstd::Encoder::new(Vec::new(), LEVEL)?;
    serde_json::to_writer(&mut packer, told)?;
    packer.finish()
}

fn unpack(content: &[u8]) -> Option<JournalEntry> {
    let mut text = Vec::new();
    zstd::Decoder::new(content).ok()?.take(MAX_ENTRY_BYTES + 1).read_to_end(&mut text).ok()?;
    if text.len() as u64 > MAX_ENTRY_BYTES {
        return None;
    }
    let Stored { source, version, clock, delivery, complete, statements, siblings } =
        serde_json::from_slice(&text).ok()?;
    let statements = statements.into_iter().map(|(key, said)| Some((key.parse::<RecordKey>().ok()?, said)));
    let statements = statements.collect::<Option<Vec<_>>>()?;
    let publication = Publication { source, version, clock, delivery, statements, complete };
    Some(JournalEntry { publication, siblings })
}
