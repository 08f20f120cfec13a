//! A snapshot or history file, compressed, piece by piece -> its items, one at a time.
//!
//! The file is `{"fileVersion": .., "configurationItems": [..]}`, mostly one line, and may be gigabytes. What is held of it
//! is one item and what a few kilobytes of it decompress to. An item that is too large or no JSON is passed over, and
//! costs none of the others: the ends of items are found by counting brackets outside of strings, before any is parsed.

use std::collections::VecDeque;
use std::io::{self, Write as _};

use flate2::write::MultiGzDecoder;
use memchr::memchr2;
use serde_json::Value;

use crate::error::ConfigItemError;
use crate::item::ConfigurationItem;

/// Longest item that is read. One that is longer is passed over: Config's own messages end at a quarter of it.
pub const MAX_ITEM_BYTES: usize = 1024 * 1024;

/// Largest file, decompressed. A modest account has 150 MB.
const MAX_FILE_BYTES: u64 = 64 * 1024 * 1024 * 1024;

/// JSON of Config compresses 10 to 40 times; a thousand times is what an attack does.
const MAX_RATIO: u64 = 200;

/// Below it no ratio counts: a small file of equal items is no attack.
const FREE_BYTES: u64 = 4 * 1024 * 1024;

/// What is decompressed at a time, so that no piece becomes more than some 16 MB, whatever is in it.
const STEP_BYTES: usize = 16 * 1024;

const ITEMS: &[u8] = b"configurationItems";

/// Why the rest of a file cannot be read. The items before are good.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    #[error("the file is no gzip file, or a broken one")]
    Gzip(#[source] io::Error),
    #[error("the file decompresses to more than {max} times its size")]
    Ratio { max: u64 },
    #[error("the file decompresses to more than {max} bytes")]
    TooLarge { max: u64 },
    #[error("the file is no JSON object with a list `configurationItems`")]
    NotItems,
    #[error("the file ends within its list of items")]
    Truncated,
}

/// One element of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StreamedItem {
    /// Its text.
    Text(Vec<u8>),
    TooLarge {
        bytes: u64,
    },
}

/// Reads one file. Push its bytes, take the items after each push.
#[derive(Debug)]
pub struct ItemStream {
    decoder: MultiGzDecoder<Splitter>,
    compressed: u64,
}

impl Default for ItemStream {
    fn default() -> Self {
        Self { decoder: MultiGzDecoder::new(Splitter::default()), compressed: 0 }
    }
}

impl ItemStream {
    /// Longest piece that [`Self::push`] is meant for: the items of a longer one pile up.
    pub const PIECE_BYTES: usize = STEP_BYTES;

    /// Takes the next bytes of the file.
    ///
    /// # Errors
    /// Fails on what is no gzip, on limits, and on a file of another form; then nothing more comes.
    pub fn push(&mut self, compressed: &[u8]) -> Result<(), FileError> {
        for step in compressed.chunks(STEP_BYTES) {
            self.compressed += step.len() as u64;
            let max_by_ratio = FREE_BYTES.max(self.compressed.saturating_mul(MAX_RATIO));
            self.decoder.get_mut().max_by_ratio = max_by_ratio;
            let written = self.decoder.write_all(step);
            self.verdict(written)?;
        }
        Ok(())
    }

    /// The next item of what was pushed.
    pub fn next_item(&mut self) -> Option<StreamedItem> {
        self.decoder.get_mut().items.pop_front()
    }

    /// Ends the file. The last items may only come now: take them once more.
    ///
    /// # Errors
    /// Fails if it is not at its end: the items that are missing are unknown.
    pub fn finish(&mut self) -> Result<(), FileError> {
        let finished = self.decoder.try_finish();
        self.verdict(finished)?;
        match self.decoder.get_ref().place {
            Place::After => Ok(()),
            Place::Before => Err(FileError::NotItems),
            Place::Items => Err(FileError::Truncated),
        }
    }

    /// Bytes that were decompressed so far.
    pub fn decoded_bytes(&self) -> u64 {
        self.decoder.get_ref().decoded
    }

    fn verdict(&mut self, done: io::Result<()>) -> Result<(), FileError> {
        match (self.decoder.get_mut().failed.take(), done) {
            (Some(error), _) => Err(error),
            (None, Err(error)) => Err(FileError::Gzip(error)),
            (None, Ok(())) => Ok(()),
        }
    }
}

/// Reads the text of an item of a file.
///
/// # Errors
/// As for an item of any other door; and for what is no JSON.
pub fn read_item(text: &[u8]) -> Result<ConfigurationItem, ConfigItemError> {
    let what = "the item";
    let value: Value =
        serde_json::from_slice(text).map_err(|source| ConfigItemError::MalformedJson { what, source })?;
    ConfigurationItem::read(&value)
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Before,
    Items,
    After,
}

/// Finds the elements of the list in the decompressed text.
#[derive(Debug, Default)]
struct Splitter {
    items: VecDeque<StreamedItem>,
    failed: Option<FileError>,
    decoded: u64,
    max_by_ratio: u64,
    place: Place,
    /// Open brackets.
    depth: u64,
    in_string: bool,
    is_escaped: bool,
    /// The last string directly in the outermost object, as far as it can be [`ITEMS`].
    word: Vec<u8>,
    /// What is read of the element so far, and how long it is.
    element: Vec<u8>,
    element_bytes: u64,
}

impl io::Write for Splitter {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.decoded += text.len() as u64;
        let outcome = if self.decoded > MAX_FILE_BYTES {
            Err(FileError::TooLarge { max: MAX_FILE_BYTES })
        } else if self.decoded > self.max_by_ratio {
            Err(FileError::Ratio { max: MAX_RATIO })
        } else {
            self.split(text)
        };
        outcome.map(|()| text.len()).map_err(|error| {
            self.failed = Some(error);
            io::Error::other("the file is given up")
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Splitter {
    fn split(&mut self, text: &[u8]) -> Result<(), FileError> {
        let mut at = 0;
        while at < text.len() {
            if self.in_string && !self.is_escaped {
                let end = memchr2(b'"', b'\\', &text[at..]).map_or(text.len(), |found| at + found);
                self.keep(&text[at..end]);
                at = end;
                let Some(&byte) = text.get(at) else { break };
                self.is_escaped = byte == b'\\';
                self.in_string = byte != b'"';
                self.keep(&[byte]);
            } else if self.is_escaped {
                self.is_escaped = false;
                self.keep(&[text[at]]);
            } else {
                self.outside(text[at])?;
            }
            at += 1;
        }
        Ok(())
    }

    /// A byte outside of strings.
    fn outside(&mut self, byte: u8) -> Result<(), FileError> {
        let is_between = self.place == Place::Items && self.depth == 2;
        match byte {
            b'"' => {
                self.in_string = true;
                if self.depth == 1 {
                    self.word.clear();
                } else {
                    self.keep(&[byte]);
                }
            }
            b'{' | b'[' => {
                if self.depth == 0 && byte != b'{' {
                    return Err(FileError::NotItems);
                }
                self.depth += 1;
                if self.depth == 2 && byte == b'[' && self.word == ITEMS && self.place == Place::Before {
                    self.place = Place::Items;
                } else {
                    self.keep(&[byte]);
                }
            }
            b']' | b'}' => {
                if is_between {
                    self.end_element();
                    self.place = Place::After;
                } else {
                    self.keep(&[byte]);
                }
                self.depth = self.depth.checked_sub(1).ok_or(FileError::NotItems)?;
            }
            b',' if is_between => self.end_element(),
            // The name before it is done with, unless it is the one that is looked for.
            b',' if self.depth == 1 => self.word.clear(),
            byte if self.depth == 0 && !byte.is_ascii_whitespace() => return Err(FileError::NotItems),
            byte if is_between && self.element_bytes == 0 && byte.is_ascii_whitespace() => {}
            byte => self.keep(&[byte]),
        }
        Ok(())
    }

    fn keep(&mut self, text: &[u8]) {
        if self.place == Place::Items && self.depth >= 2 {
            self.element_bytes += text.len() as u64;
            if self.element.len() + text.len() <= MAX_ITEM_BYTES {
                self.element.extend_from_slice(text);
            } else {
                self.element = Vec::new();
            }
        } else if self.in_string && self.depth == 1 && self.word.len() <= ITEMS.len() {
            let room = ITEMS.len() + 1 - self.word.len();
            self.word.extend_from_slice(&text[..text.len().min(room)]);
        }
    }

    fn end_element(&mut self) {
        let (text, bytes) = (std::mem::take(&mut self.element), std::mem::take(&mut self.element_bytes));
        if bytes > MAX_ITEM_BYTES as u64 {
            self.items.push_back(StreamedItem::TooLarge { bytes });
        } else if bytes > 0 {
            self.items.push_back(StreamedItem::Text(text));
        }
    }
}

#[cfg(test)]
#[path = "item_stream_tests.rs"]
mod tests;
