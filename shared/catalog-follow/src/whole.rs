//! The whole index at the end of the log, and the segment that says the same.

use std::collections::{BTreeMap, BTreeSet};

use catalog_model::{Identity, Rules};
use catalog_search::{Block, Catalog, Directory, IndexRow, NotLoaded, SegmentFile, SegmentHead, rules_hash};
use catalog_store::{CatalogStore, IndexState, SegmentPointer, StoreError};
use jiff::Timestamp;

use crate::progress::{Progress, Step, step};
use crate::standing::{head_of, lost};

/// Records that are other than in the segment, before [`WholeIndex::settle`] makes a segment of them: 4 KB each.
const MAX_CHANGED: usize = 20_000;

/// The index as who writes a segment has it: with the whole file of the segment that it begins at.
#[derive(Debug)]
pub struct WholeIndex {
    catalog: Catalog,
    file: Option<Vec<u8>>,
    progress: Progress,
}

impl WholeIndex {
    /// Reads the segment that counts, and the log behind it to its end, or to where it cannot be read.
    ///
    /// # Errors
    /// [`StoreError::RebuildNeeded`] if the segment is lost or damaged.
    pub async fn read(state: &IndexState, store: &CatalogStore) -> Result<Self, StoreError> {
        let rules = rules_hash(&*store.ownership().await?);
        let progress = Progress::at(state.pointer.clone(), state.log_end, rules);
        let mut whole = match &state.pointer {
            None => Self { catalog: Catalog::default(), file: None, progress },
            Some(pointer) => {
                let file = store.segment(&pointer.hash).await.map_err(lost)?;
                Self { catalog: catalog_of(&file, &head_of(pointer))?, file: Some(file), progress }
            }
        };
        whole.read_on(store).await?;
        Ok(whole)
    }

    /// Without a segment, at a place in the log that rows, added by [`Self::add`], are at least as new as.
    pub fn begun_at(seq: u64, ownership: &Rules) -> Self {
        Self { catalog: Catalog::default(), file: None, progress: Progress::behind(seq, rules_hash(ownership)) }
    }

    /// # Errors
    /// None for who began without a segment.
    pub fn add(&mut self, rows: impl IntoIterator<Item = IndexRow>) -> Result<(), StoreError> {
        self.catalog.apply(rows).map(drop).map_err(StoreError::rebuild_needed)
    }

    /// Reads the log to its end, or to where it cannot be read: [`Progress::defect`].
    ///
    /// # Errors
    /// Fails if it cannot be read now.
    pub async fn read_on(&mut self, store: &CatalogStore) -> Result<(), StoreError> {
        loop {
            let Step { rows, progress, is_end } = step(&self.progress, store).await?;
            self.add(rows)?;
            self.progress = progress;
            if is_end {
                return Ok(());
            }
            self.settle()?;
        }
    }

    /// Folds what was added into a segment in memory, once that is much: a segment takes a small part of the memory.
    ///
    /// # Errors
    /// None that a test has seen: the segment was just written.
    pub fn settle(&mut self) -> Result<(), StoreError> {
        if self.catalog.changed() < MAX_CHANGED {
            return Ok(());
        }
        let Frozen { catalog, file } = self.frozen()?;
        (self.catalog, self.file) = (catalog, Some(file));
        Ok(())
    }

    /// The same as a segment in memory.
    ///
    /// # Errors
    /// As [`Self::segment`].
    pub fn frozen(&self) -> Result<Frozen, StoreError> {
        let seq = self.progress.seq;
        let file = self.catalog.compact(self.file.as_deref(), seq, &self.progress.rules);
        let file = file.map_err(StoreError::rebuild_needed)?;
        let catalog = catalog_of(&file.content, &file.head)?;
        Ok(Frozen { catalog, file: file.content })
    }

    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// The segment of all this, and the pointer to it. A rebuild begins a generation of its own, named by its segment; a
    /// compaction goes on with the one that it read.
    ///
    /// # Errors
    /// [`StoreError::RebuildNeeded`] if a block of the segment that was read is damaged.
    pub fn segment(&self, begins: Begins, now: Timestamp) -> Result<(SegmentPointer, Vec<u8>), StoreError> {
        let seq = self.progress.seq;
        let file = self.catalog.compact(self.file.as_deref(), seq, &self.progress.rules);
        let SegmentFile { head, content } = file.map_err(StoreError::rebuild_needed)?;
        let standing = self.progress.pointer.as_ref().map(|pointer| pointer.generation.clone());
        let pointer = SegmentPointer {
            seq,
            generation: match begins {
                Begins::Generation => head.hash.clone(),
                Begins::Nothing => standing.unwrap_or_default(),
            },
            hash: head.hash,
            bytes: head.bytes,
            directory_offset: head.directory_offset,
            directory_bytes: head.directory_bytes,
            directory_hash: head.directory_hash,
            rules: self.progress.rules.clone(),
            format: catalog_search::FORMAT,
            entities: self.catalog.len() as u64,
            at_ms: u64::try_from(now.as_millisecond()).unwrap_or_default(),
            settled_seq: self.progress.settled_seq(now),
        };
        Ok((pointer, content))
    }
}

/// An index as a segment in memory.
#[derive(Debug)]
pub struct Frozen {
    catalog: Catalog,
    file: Vec<u8>,
}

impl Frozen {
    /// What two indexes have in common that say the same: a hash for each part.
    pub fn content(&self) -> BTreeMap<String, String> {
        let content = self.catalog.directory().map(Directory::content).unwrap_or_default();
        content.into_iter().map(|(name, hash)| (name.to_owned(), hash.to_owned())).collect()
    }

    /// All entities.
    ///
    /// # Errors
    /// [`StoreError::RebuildNeeded`] if a block is damaged.
    pub fn identities(&self) -> Result<BTreeSet<Identity>, StoreError> {
        Ok(self.ask(Catalog::identities)?.into_iter().collect())
    }

    /// All rows of a key.
    ///
    /// # Errors
    /// As [`Self::identities`].
    pub fn rows_of(&self, key: &str) -> Result<Vec<(Identity, String)>, StoreError> {
        self.ask(|catalog| catalog.rows_of(key))
    }

    fn ask<T>(&self, question: impl Fn(&Catalog) -> Result<T, NotLoaded>) -> Result<T, StoreError> {
        loop {
            match question(&self.catalog) {
                Ok(answer) => return Ok(answer),
                Err(NotLoaded(blocks)) => load(&self.catalog, &blocks, &self.file)?,
            }
        }
    }
}

fn load(catalog: &Catalog, blocks: &[Block], file: &[u8]) -> Result<(), StoreError> {
    for block in blocks {
        let part = part_of(file, block.offset, block.bytes);
        catalog.load(block, part).map_err(StoreError::rebuild_needed)?;
    }
    Ok(())
}

/// A range of a file; empty where it has none.
fn part_of(file: &[u8], offset: u64, length: u64) -> &[u8] {
    let from = usize::try_from(offset).unwrap_or(usize::MAX);
    let to = usize::try_from(offset.saturating_add(length)).unwrap_or(usize::MAX);
    file.get(from..to).unwrap_or_default()
}

/// What a new segment begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begins {
    /// It goes on from the one before.
    Nothing,
    /// It was made from the records, and replaces whatever was made before.
    Generation,
}

/// The catalog of a file, with all loaded that rows of the log need.
fn catalog_of(file: &[u8], head: &SegmentHead) -> Result<Catalog, StoreError> {
    let content = part_of(file, head.directory_offset, head.directory_bytes);
    let catalog = Catalog::on(Directory::parse(content, head).map_err(StoreError::rebuild_needed)?);
    if let Err(NotLoaded(blocks)) = catalog.ready() {
        load(&catalog, &blocks, file)?;
    }
    Ok(catalog)
}
