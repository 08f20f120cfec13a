//! A stream of CSV -> its records, a block of bytes at a time: of a report's hundred fields some twenty are looked at.
//!
//! RFC 4180, with or without a carriage return, records of fewer fields included.

use std::borrow::Cow;
use std::io::{self, Read};

use crate::MAX_FIELD_BYTES;

/// Bytes that are read at a time.
const READ_BYTES: usize = 256 * 1024;

/// Bytes that are looked at in one step.
const BLOCK: usize = 64;

/// Holds one record and at least [`READ_BYTES`].
pub(crate) struct Records<R> {
    input: R,
    buffer: Vec<u8>,
    filled: usize,
    /// Up to where separators were looked for, and whether that is within quotes.
    indexed: usize,
    quoted: bool,
    /// Where commas and line ends are that are not within quotes.
    separators: Vec<usize>,
    /// Which of the separators are line ends.
    lines: Vec<usize>,
    /// Those before are of records that were handed out.
    next_separator: usize,
    next_line: usize,
    record_start: usize,
    at_end: bool,
}

/// One record: its text, and where each of its fields ends.
#[derive(Clone, Copy)]
pub(crate) struct Record<'r> {
    text: &'r [u8],
    /// Relative to the buffer that `text` begins in at `start`.
    ends: &'r [usize],
    start: usize,
}

impl<R: Read> Records<R> {
    pub(crate) fn new(input: R) -> Self {
        Self {
            input,
            buffer: vec![0; 2 * READ_BYTES],
            filled: 0,
            indexed: 0,
            quoted: false,
            separators: Vec::new(),
            lines: Vec::new(),
            next_separator: 0,
            next_line: 0,
            record_start: 0,
            at_end: false,
        }
    }

    /// The next record that is not blank. `None` at the end.
    ///
    /// # Errors
    /// Fails if the input does, with `FileTooLarge` on a record of more than [`MAX_FIELD_BYTES`], and with
    /// `UnexpectedEof` on quotes that are never closed.
    pub(crate) fn next(&mut self) -> io::Result<Option<Record<'_>>> {
        loop {
            match self.lines.get(self.next_line) {
                Some(last) => {
                    let (first, start, end) = (self.next_separator, self.record_start, self.separators[*last]);
                    self.next_line += 1;
                    self.next_separator = last + 1;
                    self.record_start = end + 1;
                    if self.buffer[start..end].iter().all(u8::is_ascii_whitespace) {
                        continue;
                    }
                    let text = &self.buffer[start..end];
                    return Ok(Some(Record { text, ends: &self.separators[first..=*last], start }));
                }
                None if self.at_end => return Ok(None),
                None => self.fill()?,
            }
        }
    }

    /// Reads on behind what is left of the last record.
    fn fill(&mut self) -> io::Result<()> {
        self.buffer.copy_within(self.record_start..self.filled, 0);
        self.separators.drain(..self.next_separator);
        self.lines.clear();
        for separator in &mut self.separators {
            *separator -= self.record_start;
        }
        self.filled -= self.record_start;
        self.indexed -= self.record_start;
        (self.record_start, self.next_separator, self.next_line) = (0, 0, 0);
        if self.filled > MAX_FIELD_BYTES {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.buffer.resize(self.buffer.len().max(self.filled + READ_BYTES + 1), 0);
        let end = self.filled + READ_BYTES;
        while self.filled < end && !self.at_end {
            let read = self.input.read(&mut self.buffer[self.filled..end])?;
            self.filled += read;
            self.at_end = read == 0;
        }
        if self.at_end && self.filled > 0 && self.buffer[self.filled - 1] != b'\n' {
            self.buffer[self.filled] = b'\n';
            self.filled += 1;
        }
        self.index();
        if self.at_end && self.quoted {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }

    fn index(&mut self) {
        let Self { buffer, filled, indexed, quoted, separators, lines, .. } = self;
        let (blocks, rest) = buffer[*indexed..*filled].as_chunks::<BLOCK>();
        let mut last = [0; BLOCK];
        last[..rest.len()].copy_from_slice(rest);
        for (block, start) in blocks.iter().chain([&last]).zip((*indexed..).step_by(BLOCK)) {
            let mut hits = places(block, |byte| matches!(byte, b',' | b'\n'));
            if *quoted || block.iter().fold(false, |any, byte| any | (*byte == b'"')) {
                let within = within_quotes(places(block, |byte| byte == b'"'), *quoted);
                *quoted = within >> (BLOCK - 1) == 1;
                hits &= !within;
            }
            separators.reserve(BLOCK);
            while hits != 0 {
                let at = hits.trailing_zeros() as usize;
                if block[at] == b'\n' {
                    lines.push(separators.len());
                }
                separators.push(start + at);
                hits &= hits - 1;
            }
        }
        *indexed = *filled;
    }
}

/// A bit for each byte from an opening quote to before its closing one. A doubled quote within quotes closes and opens them
/// again: nothing lies between.
fn within_quotes(quotes: u64, quoted: bool) -> u64 {
    let odd = [1, 2, 4, 8, 16, 32].iter().fold(quotes, |odd, by| odd ^ odd << by);
    if quoted { !odd } else { odd }
}

/// A bit for each byte of the block, set where it `is_it`: compared all at once, and then gathered.
fn places(block: &[u8; BLOCK], is_it: impl Fn(u8) -> bool) -> u64 {
    const GATHER: u64 = 0x0102_0408_1020_4080;
    let mut hits = [0_u8; BLOCK];
    for (hit, byte) in hits.iter_mut().zip(block) {
        *hit = u8::from(is_it(*byte));
    }
    let (words, _) = hits.as_chunks::<8>();
    words
        .iter()
        .enumerate()
        .fold(0, |bits, (at, word)| bits | (u64::from_le_bytes(*word).wrapping_mul(GATHER) >> 56) << (at * 8))
}

impl<'r> Record<'r> {
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Without the blanks around it, quotes and all. `None`: there is no such field.
    pub(crate) fn bytes(&self, at: usize) -> Option<&'r [u8]> {
        let start = if at == 0 { 0 } else { self.ends.get(at - 1)? + 1 - self.start };
        self.text.get(start..self.ends.get(at)? - self.start).map(<[u8]>::trim_ascii)
    }

    /// Without quotes and the blanks around it. `None`: it is not UTF-8, or there is no such field.
    pub(crate) fn field(&self, at: usize) -> Option<Cow<'r, str>> {
        let text = std::str::from_utf8(self.bytes(at)?).ok()?;
        match text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
            Some(inner) if inner.contains("\"\"") => Some(Cow::Owned(inner.replace("\"\"", "\"").trim().to_owned())),
            Some(inner) => Some(Cow::Borrowed(inner.trim())),
            None => Some(Cow::Borrowed(text)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &[u8]) -> Vec<Vec<String>> {
        let mut records = Records::new(text);
        let mut found = Vec::new();
        while let Some(record) = records.next().unwrap() {
            found.push((0..record.len()).map(|at| record.field(at).unwrap().into_owned()).collect());
        }
        found
    }

    #[test]
    fn quotes_line_ends_and_blank_lines_are_read_as_in_rfc_4180() {
        let text = b"a,b,c\r\n\r\n\"x, y\",\"say \"\"no\"\"\",\"two\nlines\"\n1,,3\n\n,\nlast,\"\",end";
        let expected = [
            vec!["a", "b", "c"],
            vec!["x, y", "say \"no\"", "two\nlines"],
            vec!["1", "", "3"],
            vec!["", ""],
            vec!["last", "", "end"],
        ];
        assert_eq!(read(text), expected);
        assert_eq!(read(b""), Vec::<Vec<String>>::new());
        assert_eq!(Records::new(&b"a,\"b\nc"[..]).next().err().map(|e| e.kind()), Some(io::ErrorKind::UnexpectedEof));
    }

    #[test]
    fn records_go_on_from_one_read_to_the_next() {
        let line = format!("{},\"{},\n\"\n", "x".repeat(1000), "y".repeat(77));
        let all = read(line.repeat(900).as_bytes());
        assert_eq!((all.len(), all[0].clone()), (900, all[899].clone()));
        assert_eq!(all[899][1], format!("{},", "y".repeat(77)));
    }

    proptest! {
        #[test]
        fn every_table_reads_back(table in prop::collection::vec(prop::collection::vec("[a-c \",\n€]{0,9}", 2..5), 1..9)) {
            let mut writer = csv::WriterBuilder::new().flexible(true).quote_style(csv::QuoteStyle::Always).from_writer(Vec::new());
            for record in &table {
                writer.write_record(record).unwrap();
            }
            let trimmed: Vec<Vec<String>> =
                table.iter().map(|record| record.iter().map(|field| field.trim().to_owned()).collect()).collect();
            prop_assert_eq!(read(&writer.into_inner().unwrap()), trimmed);
        }
    }
}
