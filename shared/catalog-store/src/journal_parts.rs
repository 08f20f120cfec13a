//! What a file too long to hold said -> objects `journal-parts/<SHA-256 of the content>`, and back, in bounded memory.
//!
//! A part is packed JSON, one statement a line: `["e#component:default/orders",{"facts":{..}}]`. An entry of the journal
//! lists its parts in their order and is written after them. The parts of a publication that broke off are those that
//! its next try finds there already; if there is none, they stay, and nothing reads them.

use std::collections::BTreeSet;
use std::fmt;
use std::io::{BufReader, Cursor, Read as _, Write as _};

use catalog_model::{RecordKey, Said};
use futures::{Stream, StreamExt, TryStreamExt, stream};
use serde::de::{DeserializeOwned, IgnoredAny};

use crate::bodies::Folder;
use crate::journal::{LEVEL, MAX_ENTRY_BYTES};
use crate::{CatalogStore, StoreError};

/// Unpacked, but for the statement that ends the part. As much as a piece of the file: the list of a file of 1 GiB stays
/// some ten KB.
const PART_BYTES: usize = 4 * 1024 * 1024;

/// Statements on their way into parts. Holds what is packed of one part.
pub struct JournalParts {
    store: CatalogStore,
    packer: Option<zstd::Encoder<'static, Vec<u8>>>,
    /// Unpacked, of the part that is begun.
    bytes: usize,
    hashes: Vec<String>,
}

impl fmt::Debug for JournalParts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("JournalParts").field("hashes", &self.hashes).finish_non_exhaustive()
    }
}

impl JournalParts {
    /// The next statement; writes the part that it fills, unless that is there.
    ///
    /// # Errors
    /// Fails if the bucket cannot be written.
    pub async fn push(&mut self, key: &RecordKey, said: &Said) -> Result<(), StoreError> {
        let mut line = serde_json::to_vec(&(key.to_string(), said)).expect("texts and numbers always serialise");
        line.push(b'\n');
        self.bytes += line.len();
        let packer = self.packer.get_or_insert_with(|| {
            zstd::Encoder::new(Vec::new(), LEVEL).expect("the level is one that the packer has")
        });
        packer.write_all(&line).expect("memory can be written");
        if self.bytes < PART_BYTES { Ok(()) } else { self.put().await }
    }

    /// Writes the last part. The names of all, for [`crate::PackedJournalEntry::in_parts`].
    ///
    /// # Errors
    /// Fails if the bucket cannot be written.
    pub async fn finish(mut self) -> Result<Vec<String>, StoreError> {
        self.put().await?;
        Ok(self.hashes)
    }

    async fn put(&mut self) -> Result<(), StoreError> {
        let Some(packer) = self.packer.take() else { return Ok(()) };
        self.bytes = 0;
        let content = packer.finish().expect("memory can be written");
        self.hashes.push(self.store.put_by_hash(Folder::JournalParts, content).await?);
        Ok(())
    }
}

impl CatalogStore {
    /// For the statements of one publication.
    pub fn journal_parts(&self) -> JournalParts {
        JournalParts { store: self.clone(), packer: None, bytes: 0, hashes: Vec::new() }
    }

    /// All that the parts speak of. Holds one part, packed, beside the answer.
    ///
    /// # Errors
    /// [`StoreError::MissingObject`] and [`StoreError::CorruptObject`] name the part: nothing is passed over.
    pub async fn journal_records(&self, parts: &[String]) -> Result<BTreeSet<RecordKey>, StoreError> {
        self.lines::<IgnoredAny>(parts).map_ok(|(key, _)| key).try_collect().await
    }

    /// What the parts say, in their order. Holds one part, packed.
    ///
    /// # Errors
    /// As [`Self::journal_records`].
    pub fn journal_statements(&self, parts: &[String]) -> impl Stream<Item = Result<(RecordKey, Said), StoreError>> {
        self.lines(parts)
    }

    fn lines<T: DeserializeOwned>(&self, parts: &[String]) -> impl Stream<Item = Result<(RecordKey, T), StoreError>> {
        stream::iter(parts).then(|hash| self.journal_part(hash)).map_ok(stream::iter).try_flatten()
    }

    async fn journal_part<T: DeserializeOwned>(
        &self,
        hash: &str,
    ) -> Result<impl Iterator<Item = Result<(RecordKey, T), StoreError>> + use<T>, StoreError> {
        let content = self.bytes_by_hash(Folder::JournalParts, hash).await?;
        let key = Folder::JournalParts.key(hash);
        let corrupt = move || StoreError::CorruptObject { key: key.clone() };
        let text = zstd::Decoder::new(Cursor::new(content)).map_err(|_| corrupt())?;
        let text = BufReader::new(text.take(MAX_ENTRY_BYTES));
        let lines = serde_json::Deserializer::from_reader(text).into_iter::<(String, T)>();
        Ok(lines.map(move |line| {
            let (key, said) = line.map_err(|_| corrupt())?;
            Ok((key.parse().map_err(|_| corrupt())?, said))
        }))
    }
}
