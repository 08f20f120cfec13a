//! The headers of a column chunk's pages, read before any page is: what they claim is checked, and nothing allocated by it.
//!
//! Format: <https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift>, in Thrift's compact
//! protocol: <https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md>

use crate::error::ReportError;

/// Most bytes of one page, decompressed. Writers cut pages at 1 MB; a snappy page of 1 MB may claim two gigabytes.
pub const MAX_PAGE_BYTES: u64 = 64 * 1024 * 1024;

/// Most pages in one column chunk.
const MAX_PAGES: u64 = 100_000;

/// What the pages of a chunk have in common.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pages {
    /// There is a dictionary, and every page of values uses it.
    pub(crate) all_in_dictionary: bool,
    /// Values are in a dictionary or plain, as nearly all writers have them.
    pub(crate) is_common: bool,
    /// Levels of definition, and of repetition, are runs: packed bits alone are of old, or of what has no levels.
    pub(crate) has_runs: bool,
    pub(crate) repeats_in_runs: bool,
}

/// `PageType`
const DICTIONARY_PAGE: i64 = 2;
/// `Encoding`: `PLAIN_DICTIONARY` and `RLE_DICTIONARY`.
const DICTIONARY_ENCODINGS: [i64; 2] = [2, 8];
const PLAIN: i64 = 0;
const RLE: i64 = 3;

/// Nesting of a header is two deep; what is deeper is no header.
const MAX_DEPTH: u8 = 8;

/// Walks the pages of the chunk, of which `bytes` are all the bytes.
///
/// # Errors
/// Fails on headers that are none, on pages beyond the chunk's end, and on pages that claim too much.
pub(crate) fn check_pages(bytes: &[u8]) -> Result<Pages, ReportError> {
    let broken = || ReportError::NotParquet { reason: "a page's header cannot be read" };
    let mut input = Input { rest: bytes };
    let (mut pages, mut dictionary, mut values_elsewhere) = (0_u64, false, false);
    let (mut is_common, mut has_runs, mut repeats_in_runs) = (true, true, true);
    while !input.rest.is_empty() {
        pages += 1;
        within("pages in a column", pages, MAX_PAGES)?;
        let header = input.header().ok_or_else(broken)?;
        let uncompressed = u64::try_from(header.uncompressed).map_err(|_| broken())?;
        within("bytes in a page", uncompressed, MAX_PAGE_BYTES)?;
        if header.kind == DICTIONARY_PAGE {
            dictionary = true;
            // Each entry takes a bit at least; of texts four bytes.
            let values = u64::try_from(header.values).map_err(|_| broken())?;
            within("entries in a dictionary", values, uncompressed.saturating_mul(8))?;
        } else {
            let in_dictionary = DICTIONARY_ENCODINGS.contains(&header.encoding);
            values_elsewhere |= !in_dictionary;
            is_common &= in_dictionary || header.encoding == PLAIN;
            has_runs &= header.levels == RLE;
            repeats_in_runs &= header.repetitions == RLE;
        }
        let compressed = usize::try_from(header.compressed).map_err(|_| broken())?;
        input.skip(compressed).ok_or_else(broken)?;
    }
    Ok(Pages { all_in_dictionary: dictionary && !values_elsewhere, is_common, has_runs, repeats_in_runs })
}

fn within(what: &'static str, found: u64, limit: u64) -> Result<(), ReportError> {
    if found > limit { Err(ReportError::Limit { what, found, limit }) } else { Ok(()) }
}

#[derive(Default)]
struct Header {
    kind: i64,
    uncompressed: i64,
    compressed: i64,
    values: i64,
    encoding: i64,
    /// Encodings; in the second format of pages they are runs.
    levels: i64,
    repetitions: i64,
}

/// `None` from any method: the bytes are not what they should be.
struct Input<'b> {
    rest: &'b [u8],
}

impl Input<'_> {
    fn header(&mut self) -> Option<Header> {
        let mut header = Header { levels: RLE, repetitions: RLE, ..Header::default() };
        let mut field = 0_i64;
        while let Some((id, kind)) = self.field(field)? {
            field = id;
            match (id, kind) {
                (1, 5) => header.kind = self.number()?,
                (2, 5) => header.uncompressed = self.number()?,
                (3, 5) => header.compressed = self.number()?,
                (5 | 7 | 8, 12) => self.values_of(id, &mut header)?,
                _ => self.skip_value(kind, 0)?,
            }
        }
        Some(header)
    }

    /// `DataPageHeader`, `DictionaryPageHeader`, `DataPageHeaderV2`
    fn values_of(&mut self, of: i64, header: &mut Header) -> Option<()> {
        let encoding = if of == 8 { 4 } else { 2 };
        let mut field = 0_i64;
        while let Some((id, kind)) = self.field(field)? {
            field = id;
            match (id, kind) {
                (1, 5) => header.values = self.number()?,
                (id, 5) if id == encoding => header.encoding = self.number()?,
                (3, 5) if of == 5 => header.levels = self.number()?,
                (4, 5) if of == 5 => header.repetitions = self.number()?,
                _ => self.skip_value(kind, 0)?,
            }
        }
        Some(())
    }

    /// Id and type of the next field; none at the end of the struct.
    fn field(&mut self, last: i64) -> Option<Option<(i64, u8)>> {
        let byte = self.byte()?;
        if byte == 0 {
            return Some(None);
        }
        let id = match byte >> 4 {
            0 => self.number()?,
            step => last.checked_add(i64::from(step))?,
        };
        Some(Some((id, byte & 0xf)))
    }

    fn skip_value(&mut self, kind: u8, depth: u8) -> Option<()> {
        if depth > MAX_DEPTH {
            return None;
        }
        match kind {
            1 | 2 => Some(()),
            3 => self.skip(1),
            4..=6 => self.number().map(drop),
            7 => self.skip(8),
            8 => {
                let length = usize::try_from(self.unsigned()?).ok()?;
                self.skip(length)
            }
            9 | 10 => {
                let head = self.byte()?;
                let count = if head >> 4 == 15 { self.unsigned()? } else { u64::from(head >> 4) };
                if count > self.rest.len() as u64 {
                    return None;
                }
                // A boolean in a list is a byte.
                let kind = if matches!(head & 0xf, 1 | 2) { 3 } else { head & 0xf };
                (0..count).try_for_each(|_| self.skip_value(kind, depth + 1))
            }
            12 => {
                let mut field = 0_i64;
                while let Some((id, kind)) = self.field(field)? {
                    field = id;
                    self.skip_value(kind, depth + 1)?;
                }
                Some(())
            }
            _ => None,
        }
    }

    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    fn skip(&mut self, bytes: usize) -> Option<()> {
        self.rest = self.rest.get(bytes..)?;
        Some(())
    }

    fn unsigned(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..63).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    /// Zigzag: 0, -1, 1, -2 ...
    fn number(&mut self) -> Option<i64> {
        let value = self.unsigned()?;
        Some((value >> 1).cast_signed() ^ -((value & 1).cast_signed()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A page of `payload` bytes that claims `uncompressed`: i32 fields 1 to 3, then a header with values and encoding.
    fn page(kind: u8, uncompressed: u32, payload: u8, of: u8, values: u32, encoding: u8) -> Vec<u8> {
        let varint = |mut value: u64| {
            let mut bytes = Vec::new();
            value <<= 1;
            while value > 0x7f {
                bytes.push(value.to_le_bytes()[0] | 0x80);
                value >>= 7;
            }
            bytes.push(value.to_le_bytes()[0]);
            bytes
        };
        let mut bytes = vec![0x15, kind << 1, 0x15];
        bytes.extend(varint(u64::from(uncompressed)));
        bytes.extend([0x15, payload << 1, (of - 3) << 4 | 12, 0x15]);
        bytes.extend(varint(u64::from(values)));
        bytes.extend([0x15, encoding << 1, 0, 0]);
        bytes.extend(vec![7; payload.into()]);
        bytes
    }

    #[test]
    fn pages_are_told_apart_by_their_encoding() {
        let dictionary = page(2, 100, 9, 7, 3, 0);
        let coded = page(0, 100, 20, 5, 50, 8);
        let plain = page(0, 100, 20, 5, 50, 0);
        for (pages, expected) in [
            (vec![&dictionary, &coded, &coded], true),
            (vec![&dictionary, &coded, &plain], false),
            (vec![&plain], false),
            (vec![], false),
        ] {
            let bytes: Vec<u8> = pages.into_iter().flatten().copied().collect();
            assert_eq!(check_pages(&bytes).unwrap().all_in_dictionary, expected);
        }
    }

    #[test]
    fn a_page_that_claims_too_much_is_refused_before_it_is_read() {
        for (bytes, expected) in [
            (page(0, 2_000_000_000, 20, 5, 50, 0), "the file has 2000000000 bytes in a page, more than 67108864"),
            (page(2, 10, 5, 7, 1_000_000, 0), "the file has 1000000 entries in a dictionary, more than 80"),
            (page(0, 10, 5, 5, 1, 0)[..9].to_vec(), "the file is not Parquet: a page's header cannot be read"),
            // A statistic of more bytes than there are.
            (vec![0x18, 0xff, 0xff, 0xff, 0x7f, 1], "the file is not Parquet: a page's header cannot be read"),
            (vec![0x1c; 100], "the file is not Parquet: a page's header cannot be read"),
        ] {
            assert_eq!(check_pages(&bytes).unwrap_err().to_string(), expected);
        }
    }
}
