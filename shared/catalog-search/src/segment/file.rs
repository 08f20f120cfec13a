//! Blocks -> one file that is named by its content, and back.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::segment::directory::{Block, Directory};
use crate::segment::{MAGIC, SegmentError};

/// Fast, and four times smaller than the text. A higher level takes several times as long for a tenth.
const ZSTD_LEVEL: i32 = 3;

const TRAILER_BYTES: u64 = 24;

/// What a reader must know of a segment before it reads any of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentHead {
    /// SHA-256 of the whole file, in hex: its name.
    pub hash: String,
    pub bytes: u64,
    pub directory_offset: u64,
    pub directory_bytes: u64,
    /// SHA-256 of the directory's bytes, in hex.
    pub directory_hash: String,
}

/// A whole segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentFile {
    pub head: SegmentHead,
    pub content: Vec<u8>,
}

impl SegmentFile {
    /// The head of a file that came without one.
    ///
    /// # Errors
    /// Fails on a file whose frame is broken. Blocks are checked when they are read.
    pub fn open(content: Vec<u8>) -> Result<(Self, Directory), SegmentError> {
        let wrong = |detail| SegmentError::File { detail };
        let bytes = content.len() as u64;
        let body = bytes.checked_sub(TRAILER_BYTES).ok_or_else(|| wrong("it is too short"))?;
        let (front, trailer) = content.split_at(usize::try_from(body).map_err(|_| wrong("it is too long"))?);
        if !front.starts_with(MAGIC) || !trailer.ends_with(MAGIC) {
            return Err(wrong("it does not begin and end as one"));
        }
        let number = |from: usize| {
            let mut eight = [0; 8];
            eight.copy_from_slice(&trailer[from..from + 8]);
            u64::from_le_bytes(eight)
        };
        let (offset, length) = (number(0), number(8));
        if offset.checked_add(length) != Some(body) || offset < MAGIC.len() as u64 {
            return Err(wrong("its directory is not where the trailer says"));
        }
        let at = usize::try_from(offset).map_err(|_| wrong("it is too long"))?;
        let directory = Directory::read(&front[at..], offset)?;
        let head = SegmentHead {
            hash: hex::encode(Sha256::digest(&content)),
            bytes,
            directory_offset: offset,
            directory_bytes: length,
            directory_hash: hex::encode(Sha256::digest(&front[at..])),
        };
        Ok((Self { head, content }, directory))
    }
}

/// A file that is being written, block by block.
#[derive(Debug)]
pub(crate) struct FileWriter {
    content: Vec<u8>,
    blocks: Vec<Block>,
}

impl FileWriter {
    pub(crate) fn new() -> Self {
        Self { content: MAGIC.to_vec(), blocks: Vec::new() }
    }

    pub(crate) fn block(&mut self, name: String, raw: &[u8], has_marks: bool) {
        let compressed = compress(raw);
        self.blocks.push(Block {
            name,
            offset: self.content.len() as u64,
            bytes: compressed.len() as u64,
            raw_bytes: raw.len() as u64,
            hash: hex::encode(Sha256::digest(&compressed)),
            has_marks,
        });
        self.content.extend_from_slice(&compressed);
    }

    pub(crate) fn finish(self, rules: &str, seq: u64, entities: u32) -> SegmentFile {
        let Self { mut content, blocks } = self;
        let directory = Directory::new(rules, seq, entities, blocks);
        let json = serde_json::to_vec(&directory).expect("texts and numbers always serialise");
        let compressed = compress(&json);
        let offset = content.len() as u64;
        content.extend_from_slice(&compressed);
        content.extend_from_slice(&offset.to_le_bytes());
        content.extend_from_slice(&(compressed.len() as u64).to_le_bytes());
        content.extend_from_slice(MAGIC);
        let head = SegmentHead {
            hash: hex::encode(Sha256::digest(&content)),
            bytes: content.len() as u64,
            directory_offset: offset,
            directory_bytes: compressed.len() as u64,
            directory_hash: hex::encode(Sha256::digest(&compressed)),
        };
        SegmentFile { head, content }
    }
}

/// The content of a block from its range of the file.
pub(crate) fn block_content(block: &Block, range: &[u8]) -> Result<Vec<u8>, SegmentError> {
    let damaged = |detail| SegmentError::Damaged { name: block.name.clone(), detail };
    if range.len() as u64 != block.bytes || hex::encode(Sha256::digest(range)) != block.hash {
        return Err(damaged("its bytes are not those that were written"));
    }
    let content = decompress(range, block.raw_bytes).ok_or_else(|| damaged("it cannot be decompressed"))?;
    if content.len() as u64 != block.raw_bytes {
        return Err(damaged("it has another length than the directory says"));
    }
    Ok(content)
}

fn compress(raw: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(raw, ZSTD_LEVEL).expect("compressing into memory does not fail")
}

/// `None`: it is no frame, or longer than it may be. No more than `max_bytes` are allocated, and no more than the frame says.
pub(crate) fn decompress(frame: &[u8], max_bytes: u64) -> Option<Vec<u8>> {
    let said = zstd::zstd_safe::get_frame_content_size(frame).ok()??;
    if said > max_bytes {
        return None;
    }
    let content = zstd::bulk::decompress(frame, usize::try_from(said).ok()?).ok()?;
    (content.len() as u64 == said).then_some(content)
}
