//! The bytes of one file of a report, wherever they are: what is read of it is asked for by range.

use std::error::Error;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;

use bytes::Bytes;

use crate::error::ReportError;

/// A file that can be read in pieces, and does not change while it is: an implementation fails when it did.
pub trait ReportFile: Send + Sync {
    fn bytes(&self) -> u64;

    /// Exactly the bytes of each range, in the order asked for.
    ///
    /// # Errors
    /// Fails if any of them cannot be had.
    fn read(&self, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, Box<dyn Error + Send + Sync>>;
}

/// A file in memory.
impl ReportFile for Bytes {
    fn bytes(&self) -> u64 {
        self.len() as u64
    }

    fn read(&self, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, Box<dyn Error + Send + Sync>> {
        let slice = |range: &Range<u64>| {
            let (start, end) = (usize::try_from(range.start)?, usize::try_from(range.end)?);
            if start > end || end > self.len() {
                return Err("the range is beyond the end of the file".into());
            }
            Ok(self.slice(start..end))
        };
        ranges.iter().map(slice).collect()
    }
}

pub(crate) fn read_one(file: &impl ReportFile, range: Range<u64>) -> Result<Bytes, ReportError> {
    let expected = range.end.saturating_sub(range.start);
    let mut pieces = file.read(&[range]).map_err(|source| ReportError::File { source })?;
    match pieces.pop() {
        Some(piece) if piece.len() as u64 == expected => Ok(piece),
        _ => Err(ReportError::File { source: "the file is shorter than it was".into() }),
    }
}

/// Bytes that are asked for at a time when a file is read from its beginning to its end.
const WINDOW_BYTES: u64 = 4 * 1024 * 1024;

/// A file as a stream. Holds one window.
pub(crate) struct Stream<'f, F> {
    file: &'f F,
    at: u64,
    window: Bytes,
    window_start: u64,
}

impl<'f, F: ReportFile> Stream<'f, F> {
    pub(crate) fn new(file: &'f F) -> Self {
        Self { file, at: 0, window: Bytes::new(), window_start: 0 }
    }
}

impl<F: ReportFile> Read for Stream<'_, F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let end = self.file.bytes();
        if self.at >= end || buffer.is_empty() {
            return Ok(0);
        }
        let inside = self.at.checked_sub(self.window_start).and_then(|offset| usize::try_from(offset).ok());
        let rest = match inside.and_then(|offset| self.window.get(offset..)).filter(|rest| !rest.is_empty()) {
            Some(rest) => rest,
            None => {
                self.window_start = self.at;
                self.window =
                    read_one(self.file, self.at..end.min(self.at + WINDOW_BYTES)).map_err(io::Error::other)?;
                &self.window[..]
            }
        };
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.at += count as u64;
        Ok(count)
    }
}

impl<F: ReportFile> Seek for Stream<'_, F> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(offset) => self.file.bytes().checked_add_signed(offset),
            SeekFrom::Current(offset) => self.at.checked_add_signed(offset),
        };
        self.at = target.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_gives_the_files_bytes_from_wherever_it_is() {
        let file = Bytes::from((0..=255_u8).cycle().take(9_000_000).collect::<Vec<u8>>());
        let mut all = Vec::new();
        Stream::new(&file).read_to_end(&mut all).unwrap();
        assert!(all == file);
        let mut stream = Stream::new(&file);
        let mut last = [0; 3];
        stream.seek(SeekFrom::End(-3)).unwrap();
        stream.read_exact(&mut last).unwrap();
        assert_eq!(last[..], file[file.len() - 3..]);
        assert!(stream.seek(SeekFrom::Current(-10_000_000)).is_err());
        assert!(file.read(std::slice::from_ref(&(0..9_000_001))).is_err());
    }
}
