//! The text of a body <-> the bytes that its item holds: DynamoDB bills a write by the size of the whole item.
//!
//! packed = the number of a dictionary, 1 byte | a zstd frame of the text with its length and checksum
//!
//! A dictionary is a text of what bodies repeat: names of fields, types and tags. What was packed with one can only be read
//! with it, so it never changes: a better one gets the next number, and the old ones stay.

use std::cell::RefCell;
use std::sync::LazyLock;

use zstd::bulk::{Compressor, Decompressor};
use zstd::dict::{DecoderDictionary, EncoderDictionary};
use zstd::zstd_safe::get_frame_content_size;

const NUMBER: u8 = 1;
static DICTIONARY: &[u8] = include_bytes!("dictionary-1.txt");

/// Level 6 makes bodies a fifth shorter in more than twice the time: no write unit less.
const LEVEL: i32 = 3;

/// A shorter text stays one: with its key and its source it is within a write unit.
const MIN_TEXT_BYTES: usize = 256;
/// A longer text is for the bucket. Nothing is allocated for more.
const MAX_TEXT_BYTES: usize = 64 * 1024;

/// A text as an item holds it. Equal texts have equal bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackedText(Vec<u8>);

/// Why the bytes of a body are no text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnreadableText {
    #[error("it is packed with dictionary {number}, and this build knows those up to {NUMBER}")]
    UnknownDictionary { number: u8 },
    #[error("it says that it has {bytes} bytes, and it may have {MAX_TEXT_BYTES}")]
    TooLong { bytes: u64 },
    #[error("it is not packed as it says")]
    Corrupt,
}

impl PackedText {
    /// `None`: the text is better kept as it is, being shorter than 256 bytes, longer than 64 KB, or nothing that gets shorter.
    pub fn of(text: &str) -> Option<Self> {
        if !(MIN_TEXT_BYTES..=MAX_TEXT_BYTES).contains(&text.len()) {
            return None;
        }
        let frame = COMPRESSOR.with_borrow_mut(|compressor| compressor.compress(text.as_bytes()));
        let frame = frame.expect("a text in memory compresses");
        let packed = [&[NUMBER], frame.as_slice()].concat();
        (packed.len() < text.len()).then_some(Self(packed))
    }

    /// Takes bytes as they are stored: whatever they are, [`Self::text`] says.
    pub fn from_stored(bytes: &[u8]) -> Self {
        Self(bytes.to_owned())
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// # Errors
    /// Fails on a number that this build does not know, a text of more than 64 KB, and what is damaged.
    pub fn text(&self) -> Result<String, UnreadableText> {
        let (&number, frame) = self.0.split_first().ok_or(UnreadableText::Corrupt)?;
        if number != NUMBER {
            return Err(UnreadableText::UnknownDictionary { number });
        }
        let said = get_frame_content_size(frame).ok().flatten().ok_or(UnreadableText::Corrupt)?;
        let bytes = usize::try_from(said).ok().filter(|bytes| *bytes <= MAX_TEXT_BYTES);
        let bytes = bytes.ok_or(UnreadableText::TooLong { bytes: said })?;
        let text = DECOMPRESSOR.with_borrow_mut(|decompressor| decompressor.decompress(frame, bytes));
        String::from_utf8(text.map_err(|_| UnreadableText::Corrupt)?).map_err(|_| UnreadableText::Corrupt)
    }
}

// Made once: a dictionary is read into tables first.
static TO_PACK: LazyLock<EncoderDictionary<'static>> = LazyLock::new(|| EncoderDictionary::copy(DICTIONARY, LEVEL));
static TO_READ: LazyLock<DecoderDictionary<'static>> = LazyLock::new(|| DecoderDictionary::copy(DICTIONARY));

thread_local! {
    static COMPRESSOR: RefCell<Compressor<'static>> = RefCell::new(compressor().expect("there is memory for a context"));
    static DECOMPRESSOR: RefCell<Decompressor<'static>> =
        RefCell::new(Decompressor::with_prepared_dictionary(&TO_READ).expect("there is memory for a context"));
}

fn compressor() -> std::io::Result<Compressor<'static>> {
    let mut compressor = Compressor::with_prepared_dictionary(&TO_PACK)?;
    compressor.include_checksum(true)?;
    Ok(compressor)
}

#[cfg(test)]
#[path = "packing_tests.rs"]
mod tests;
