//! Rows of the log <-> what one item of it holds.
//!
//! Format 1, which is only read: a JSON array of rows as text. Format 2: the array compressed by zstd with its checksum,
//! beside it how long it is otherwise, by which rules the rows were made, and when. What is too long for an item even
//! so is in the bucket.

use serde::de::DeserializeOwned;

use crate::attributes::{self, Item};

/// What is written. A larger number is of a later build.
pub(crate) const FORMAT: u64 = 2;

/// JSON text of the rows of one item. A reader holds one item at a time as text.
const MAX_TEXT_BYTES: usize = 1024 * 1024;
/// DynamoDB takes items of 400 KB; what is compressed to more is halved, and a single row goes to the bucket.
pub(crate) const MAX_STORED_BYTES: usize = 350 * 1024;
/// JSON text of a single row. An entity has a few KB; this is for the one that lists a whole estate.
pub const MAX_ROW_BYTES: usize = 32 * 1024 * 1024;

/// Compresses as well as twice the level, at a third of the time.
const LEVEL: i32 = 3;

/// One item of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delta {
    pub seq: u64,
    /// When it was appended. `None` in the first format.
    pub at_ms: Option<u64>,
    /// Hash of the rules that made the rows. `None` in the first format.
    pub rules: Option<String>,
    pub(crate) text: String,
}

/// Where the log cannot be followed. What comes before is good; what comes after must not be served without it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LogDefect {
    #[error("item {seq} of the log cannot be read: {reason}")]
    Unreadable { seq: u64, reason: UnreadableDelta },
    #[error("the log goes on at {found} where {expected} should be")]
    Gap { expected: u64, found: u64 },
}

/// Why an item of the log cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnreadableDelta {
    #[error("it has format {format}, and this build knows formats up to {FORMAT}")]
    FutureFormat { format: u64 },
    #[error("it has no rows")]
    NoBody,
    #[error("it says that it has {bytes} bytes, and it may have {MAX_ROW_BYTES}")]
    TooLong { bytes: u64 },
    #[error("it is not compressed as it says")]
    Corrupt,
    #[error("its object in the bucket is missing, or has another content")]
    NoObject,
    #[error("its rows are not as this build knows them: {detail}")]
    Rows { detail: String },
}

impl Delta {
    /// # Errors
    /// [`UnreadableDelta::Rows`] if they are no array of `T`.
    pub fn rows<T: DeserializeOwned>(&self) -> Result<Vec<T>, LogDefect> {
        serde_json::from_str(&self.text).map_err(|error| LogDefect::Unreadable {
            seq: self.seq,
            reason: UnreadableDelta::Rows { detail: error.to_string() },
        })
    }

    /// JSON text of the rows in memory.
    pub fn text_bytes(&self) -> usize {
        self.text.len()
    }
}

/// Rows as one item has them.
#[derive(Debug)]
pub(crate) struct Packed {
    pub(crate) compressed: Vec<u8>,
    pub(crate) text_bytes: usize,
}

/// Rows, each a JSON text, in as few items as they fit in. One that holds a single row may be longer than
/// [`MAX_STORED_BYTES`].
pub(crate) fn pack(rows: &[String]) -> Vec<Packed> {
    let mut items = Vec::new();
    let mut rest = rows;
    while !rest.is_empty() {
        let mut count = fitting(rest);
        loop {
            let item = compress(&rest[..count]);
            if count == 1 || item.compressed.len() <= MAX_STORED_BYTES {
                items.push(item);
                rest = &rest[count..];
                break;
            }
            count = count.div_ceil(2);
        }
    }
    items
}

/// How many of the first rows make a text of [`MAX_TEXT_BYTES`]; one at least.
fn fitting(rows: &[String]) -> usize {
    let mut bytes = 0;
    let fits = |row: &&String| {
        bytes += row.len() + 1;
        bytes < MAX_TEXT_BYTES
    };
    rows.iter().take_while(fits).count().max(1)
}

fn compress(rows: &[String]) -> Packed {
    let text = format!("[{}]", rows.join(","));
    let compressed = zstd::bulk::Compressor::new(LEVEL).and_then(|mut compressor| {
        compressor.include_checksum(true)?;
        compressor.compress(text.as_bytes())
    });
    Packed { compressed: compressed.expect("a text in memory compresses"), text_bytes: text.len() }
}

/// Nothing is allocated for more bytes than an item may have.
pub(crate) fn decompress(compressed: &[u8], text_bytes: Option<u64>) -> Result<String, UnreadableDelta> {
    let text_bytes = text_bytes.ok_or(UnreadableDelta::Corrupt)?;
    let capacity = usize::try_from(text_bytes).unwrap_or(usize::MAX);
    if capacity > MAX_ROW_BYTES.max(MAX_TEXT_BYTES) + 2 {
        return Err(UnreadableDelta::TooLong { bytes: text_bytes });
    }
    let text = zstd::bulk::decompress(compressed, capacity).map_err(|_| UnreadableDelta::Corrupt)?;
    if text.len() != capacity {
        return Err(UnreadableDelta::Corrupt);
    }
    String::from_utf8(text).map_err(|_| UnreadableDelta::Corrupt)
}

/// The format that an item says it has.
pub(crate) fn format_of(item: &Item) -> Result<u64, UnreadableDelta> {
    let Some(said) = item.get(attributes::FORMAT) else { return Ok(1) };
    match said.as_n().ok().and_then(|number| number.parse().ok()) {
        Some(format @ 1..=FORMAT) => Ok(format),
        Some(format) => Err(UnreadableDelta::FutureFormat { format }),
        None => Err(UnreadableDelta::Corrupt),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unpack(item: &Packed) -> Vec<String> {
        let text = decompress(&item.compressed, Some(item.text_bytes as u64)).unwrap();
        let rows: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
        rows.iter().map(ToString::to_string).collect()
    }

    /// Hexadecimal digits that compress to half at best.
    fn noise(bytes: usize, seed: u64) -> String {
        let mut state = seed | 1;
        let digits = (0..bytes).map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            char::from_digit(u32::try_from(state >> 60).unwrap(), 16).unwrap()
        });
        format!("\"{}\"", digits.collect::<String>())
    }

    #[test]
    fn rows_come_back_in_their_order_from_items_that_fit() {
        let rows: Vec<String> = (0..40).map(|n| noise(60_000 + n * 5_000, n as u64)).collect();
        let items = pack(&rows);
        assert!(items.len() > 3, "{}", items.len());
        assert!(items.iter().all(|item| item.compressed.len() <= MAX_STORED_BYTES));
        assert_eq!(items.iter().flat_map(unpack).collect::<Vec<_>>(), rows);
        assert_eq!(pack(&[noise(2_000_000, 7), "1".to_owned()]).len(), 2);
        assert!(pack(&[]).is_empty());
    }

    #[test]
    fn what_is_cut_edited_or_longer_than_it_says_is_refused_before_memory_is_taken() {
        let item = compress(&[noise(1000, 3)]);
        let said = item.text_bytes as u64;
        for cut in 0..item.compressed.len() {
            assert!(decompress(&item.compressed[..cut], Some(said)).is_err(), "{cut}");
        }
        for at in 0..item.compressed.len() {
            let mut edited = item.compressed.clone();
            edited[at] ^= 1;
            let read = decompress(&edited, Some(said));
            assert!(read.is_err() || read == decompress(&item.compressed, Some(said)), "{at}");
        }
        for (said, reason) in [
            (None, UnreadableDelta::Corrupt),
            (Some(said - 1), UnreadableDelta::Corrupt),
            (Some(said + 1), UnreadableDelta::Corrupt),
            (Some(u64::MAX), UnreadableDelta::TooLong { bytes: u64::MAX }),
        ] {
            assert_eq!(decompress(&item.compressed, said), Err(reason));
        }
    }
}
