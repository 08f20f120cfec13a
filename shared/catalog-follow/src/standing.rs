//! A segment in the bucket -> the catalog that stands on it, of which only what is asked for is read.

use catalog_search::{Block, Catalog, Directory, NotLoaded, SegmentHead};
use catalog_store::{CatalogStore, SegmentPointer, StoreError};
use futures::{StreamExt, TryStreamExt, stream};

/// Ranges that are read at once.
const CONCURRENT_RANGES: usize = 8;
/// Blocks that lie side by side are read as one range, up to this: a request costs as much as the wait for a megabyte.
const MAX_RANGE_BYTES: u64 = 4 * 1024 * 1024;

/// A catalog and the segment that it stands on.
#[derive(Debug, Default)]
pub(crate) struct Standing {
    pub(crate) catalog: Catalog,
    /// `None`: it was made of the log alone.
    pub(crate) pointer: Option<SegmentPointer>,
}

impl Standing {
    /// On the segment that a pointer names, with all loaded that rows of the log need, and what `like` has.
    ///
    /// # Errors
    /// [`StoreError::RebuildNeeded`] if the segment is lost, damaged, or of a later format.
    pub(crate) async fn on(pointer: SegmentPointer, like: &Catalog, store: &CatalogStore) -> Result<Self, StoreError> {
        let head = head_of(&pointer);
        let SegmentPointer { hash, directory_offset, directory_bytes, .. } = &pointer;
        let content = store.segment_range(hash, *directory_offset, *directory_bytes).await.map_err(lost)?;
        let directory = Directory::parse(&content, &head).map_err(StoreError::rebuild_needed)?;
        let catalog = Catalog::on(directory);
        let standing = Self { catalog, pointer: Some(pointer) };
        let mut blocks = standing.catalog.warm(like);
        if let Err(NotLoaded(missing)) = standing.catalog.ready() {
            blocks.extend(missing);
        }
        let ranges = standing.read(blocks, store).await?;
        standing.load(&ranges)?;
        Ok(standing)
    }

    /// Ranges of the segment that hold these blocks.
    ///
    /// # Errors
    /// As [`Self::on`].
    pub(crate) async fn read(&self, blocks: Vec<Block>, store: &CatalogStore) -> Result<Vec<Range>, StoreError> {
        match &self.pointer {
            Some(pointer) => read_ranges(&pointer.hash, blocks, store).await,
            None => Ok(Vec::new()),
        }
    }

    /// # Errors
    /// As [`Self::on`].
    pub(crate) fn load(&self, ranges: &[Range]) -> Result<(), StoreError> {
        for Range { blocks, offset, content } in ranges {
            for block in blocks {
                let from = usize::try_from(block.offset - offset).unwrap_or(usize::MAX);
                let length = usize::try_from(block.bytes).unwrap_or(usize::MAX);
                let bytes = content.get(from..from.saturating_add(length)).unwrap_or_default();
                self.catalog.load(block, bytes).map_err(StoreError::rebuild_needed)?;
            }
        }
        Ok(())
    }
}

/// Some blocks of a segment, side by side.
#[derive(Debug)]
pub(crate) struct Range {
    blocks: Vec<Block>,
    offset: u64,
    content: bytes::Bytes,
}

/// # Errors
/// As [`Standing::on`].
pub(crate) async fn read_ranges(
    hash: &str,
    mut blocks: Vec<Block>,
    store: &CatalogStore,
) -> Result<Vec<Range>, StoreError> {
    blocks.sort_by_key(|block| block.offset);
    blocks.dedup();
    let mut groups: Vec<Vec<Block>> = Vec::new();
    for block in blocks {
        match groups.last_mut() {
            Some(group) if is_next(group, &block) => group.push(block),
            _ => groups.push(vec![block]),
        }
    }
    stream::iter(groups.into_iter().map(|group| read_range(hash, group, store)))
        .buffer_unordered(CONCURRENT_RANGES)
        .try_collect()
        .await
}

fn is_next(group: &[Block], block: &Block) -> bool {
    let (Some(first), Some(last)) = (group.first(), group.last()) else { return false };
    last.offset + last.bytes == block.offset && block.offset + block.bytes - first.offset <= MAX_RANGE_BYTES
}

async fn read_range(hash: &str, blocks: Vec<Block>, store: &CatalogStore) -> Result<Range, StoreError> {
    let offset = blocks.first().map_or(0, |block| block.offset);
    let length = blocks.iter().map(|block| block.bytes).sum();
    let content = store.segment_range(hash, offset, length).await.map_err(lost)?;
    Ok(Range { blocks, offset, content })
}

pub(crate) fn head_of(pointer: &SegmentPointer) -> SegmentHead {
    SegmentHead {
        hash: pointer.hash.clone(),
        bytes: pointer.bytes,
        directory_offset: pointer.directory_offset,
        directory_bytes: pointer.directory_bytes,
        directory_hash: pointer.directory_hash.clone(),
    }
}

/// A segment that the pointer names and that is not there, or is another, comes back by a rebuild only.
pub(crate) fn lost(error: StoreError) -> StoreError {
    match error {
        StoreError::MissingObject { .. } | StoreError::CorruptObject { .. } => StoreError::rebuild_needed(error),
        other => other,
    }
}
