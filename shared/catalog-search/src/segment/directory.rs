//! What blocks a segment has, and where.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::segment::file::{SegmentHead, decompress};
use crate::segment::{FORMAT, MAX_BLOCK_BYTES, MAX_DIRECTORY_BYTES, MAX_ENTITIES, SegmentError};

/// One byte range of a segment's file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Block {
    pub name: String,
    pub offset: u64,
    pub bytes: u64,
    /// When decompressed.
    pub(crate) raw_bytes: u64,
    /// SHA-256 of the range, in hex.
    pub(crate) hash: String,
    /// The column has values that are strings of an array.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) has_marks: bool,
}

/// The directory of a segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Directory {
    format: u32,
    /// Version hash of the rules that made it: [`crate::rules_hash`].
    rules: String,
    /// The last item of the delta log that is in it.
    seq: u64,
    entities: u32,
    blocks: Vec<Block>,
    #[serde(skip)]
    by_name: BTreeMap<String, usize>,
}

/// What any format says first.
#[derive(Deserialize)]
struct FormatOnly {
    format: u32,
}

impl Directory {
    pub(crate) fn new(rules: &str, seq: u64, entities: u32, blocks: Vec<Block>) -> Self {
        let by_name = by_name(&blocks);
        Self { format: FORMAT, rules: rules.to_owned(), seq, entities, blocks, by_name }
    }

    /// Reads the bytes that `head` says.
    ///
    /// # Errors
    /// Fails on bytes that are not those, on a later format, and on a directory that contradicts itself.
    pub fn parse(content: &[u8], head: &SegmentHead) -> Result<Self, SegmentError> {
        let wrong = |detail: &str| SegmentError::Directory { detail: detail.to_owned() };
        if hex::encode(Sha256::digest(content)) != head.directory_hash {
            return Err(wrong("its bytes are not those that were written"));
        }
        Self::read(content, head.directory_offset)
    }

    /// As [`Self::parse`], where nothing says what the bytes should be.
    pub(crate) fn read(content: &[u8], offset: u64) -> Result<Self, SegmentError> {
        let wrong = |detail: &str| SegmentError::Directory { detail: detail.to_owned() };
        let json =
            decompress(content, MAX_DIRECTORY_BYTES).ok_or_else(|| wrong("it is no zstd frame of a fit size"))?;
        let format: FormatOnly = serde_json::from_slice(&json).map_err(|error| wrong(&error.to_string()))?;
        if format.format > FORMAT {
            return Err(SegmentError::Future { found: format.format });
        }
        let mut directory: Self = serde_json::from_slice(&json).map_err(|error| wrong(&error.to_string()))?;
        if directory.entities > MAX_ENTITIES {
            return Err(wrong("it names too many entities"));
        }
        let mut expected = 8;
        for block in &directory.blocks {
            if block.offset != expected || block.raw_bytes > MAX_BLOCK_BYTES || block.bytes > offset {
                return Err(wrong("its blocks are not where they must be"));
            }
            expected += block.bytes;
        }
        if expected != offset {
            return Err(wrong("its blocks do not fill the file"));
        }
        directory.by_name = by_name(&directory.blocks);
        if directory.by_name.len() != directory.blocks.len() {
            return Err(wrong("it names a block twice"));
        }
        Ok(directory)
    }

    pub fn seq(&self) -> u64 {
        self.seq
    }

    pub fn rules(&self) -> &str {
        &self.rules
    }

    pub fn format(&self) -> u32 {
        self.format
    }

    /// How many entities it holds.
    pub fn entities(&self) -> u32 {
        self.entities
    }

    pub fn block(&self, name: &str) -> Option<&Block> {
        self.by_name.get(name).map(|at| &self.blocks[*at])
    }

    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// What two equal catalogs have in common: the hash of every block, without the counters, which say how new each
    /// record was, and without records that are no entity, which a table forgets and a log does not.
    pub fn content(&self) -> BTreeMap<&str, &str> {
        let compared = self.blocks.iter().filter(|block| !["counters", "absent"].contains(&block.name.as_str()));
        compared.map(|block| (block.name.as_str(), block.hash.as_str())).collect()
    }
}

fn by_name(blocks: &[Block]) -> BTreeMap<String, usize> {
    blocks.iter().enumerate().map(|(at, block)| (block.name.clone(), at)).collect()
}
