//! The pages of one column chunk -> its values, a batch at a time. A value of a dictionary is worked out once, not once a row.

use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::Encoding;
use parquet::column::page::{Page, PageReader};
use parquet::errors::ParquetError;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::serialized_reader::SerializedPageReader;

use crate::error::ReportError;
use crate::parquet_chunks::Chunks;
use crate::parquet_file::{BATCH_ROWS, guarded};
use crate::parquet_runs::Runs;

/// A leaf of the schema in one row group, read from its beginning to its end.
pub(crate) struct Leaf<T> {
    pages: SerializedPageReader<Chunks>,
    /// The level of a value that is there, and bits of the levels.
    level: u32,
    level_bits: u8,
    repetition_bits: u8,
    dictionary: Vec<T>,
    page: Option<OnePage>,
    /// Entries that were not asked for.
    behind: usize,
    /// Of the next stretch: places in the dictionary, and which of its entries are there.
    ids: Vec<u32>,
    places: Vec<u32>,
}

struct OnePage {
    /// Entries that were not read yet, nulls among them.
    left: usize,
    repetitions: Option<Runs>,
    levels: Option<Runs>,
    values: Values,
}

enum Values {
    InDictionary(Runs),
    Plain { bytes: Bytes, at: usize },
}

/// Reads that many values, plainly encoded, from the beginning of the bytes, and says how many bytes they took.
pub(crate) type Plain<'p, T> = dyn FnMut(&[u8], usize, &mut Vec<T>) -> Result<usize, ReportError> + 'p;

pub(crate) fn broken(reason: &str) -> ReportError {
    ReportError::Parquet { row: 0, source: ParquetError::General(reason.to_owned()) }
}

impl<T: Copy> Leaf<T> {
    pub(crate) fn open(chunks: &Arc<Chunks>, column: &ColumnChunkMetaData, rows: usize) -> Result<Self, ReportError> {
        let parquet = |source| ReportError::Parquet { row: 0, source };
        let pages = guarded(0, || SerializedPageReader::new(Arc::clone(chunks), column, rows, None))?;
        let described = column.column_descr();
        let level = |level: i16| u32::try_from(level).unwrap_or_default();
        let bits = |level: u32| u8::try_from(u32::BITS - level.leading_zeros()).unwrap_or_default();
        let (definition, repetition) = (level(described.max_def_level()), level(described.max_rep_level()));
        Ok(Self {
            pages: pages.map_err(parquet)?,
            level: definition,
            level_bits: bits(definition),
            repetition_bits: bits(repetition),
            dictionary: Vec::new(),
            page: None,
            behind: 0,
            ids: Vec::new(),
            places: Vec::new(),
        })
    }

    /// Leaves out `count` entries. They are read when a later one is: a chunk of which none is stays packed.
    pub(crate) fn pass_over(&mut self, count: usize) {
        self.behind += count;
    }

    /// What the dictionary says, if there is one.
    pub(crate) fn dictionary(&mut self, plain: &mut Plain<'_, T>) -> Result<&[T], ReportError> {
        self.stretch(1, plain)?;
        Ok(&self.dictionary)
    }

    /// Reads `count` entries; `null` stands for those that have no value.
    ///
    /// # Errors
    /// Fails if there are fewer, on pages that are broken, and if `plain` does.
    pub(crate) fn fill(
        &mut self,
        count: usize,
        null: T,
        plain: &mut Plain<'_, T>,
        found: &mut Vec<T>,
    ) -> Result<(), ReportError> {
        let before = found.len();
        while self.behind > 0 {
            let entries = self.behind.min(BATCH_ROWS);
            self.fill_next(entries, null, plain, found)?;
            found.truncate(before);
            self.behind -= entries;
        }
        self.fill_next(count, null, plain, found)
    }

    fn fill_next(
        &mut self,
        mut count: usize,
        null: T,
        plain: &mut Plain<'_, T>,
        found: &mut Vec<T>,
    ) -> Result<(), ReportError> {
        while count > 0 {
            let stretch = self.stretch(count, plain)?;
            if stretch == 0 {
                return Err(broken("a column ends before the last row"));
            }
            self.fill_stretch(stretch, null, plain, found)?;
            count -= stretch;
        }
        Ok(())
    }

    /// As [`Self::fill`] does for one stretch of a page, with how often each entry's parents were repeated. No entries at
    /// the chunk's end.
    pub(crate) fn fill_repeated(
        &mut self,
        most: usize,
        null: T,
        plain: &mut Plain<'_, T>,
        found: &mut Vec<T>,
        repetitions: &mut Vec<u32>,
    ) -> Result<(), ReportError> {
        let stretch = self.stretch(most, plain)?;
        if stretch == 0 {
            return Ok(());
        }
        if let Some(runs) = self.page.as_mut().and_then(|page| page.repetitions.as_mut()) {
            runs.take(stretch, repetitions).ok_or_else(|| broken("a page has too few levels"))?;
        }
        self.fill_stretch(stretch, null, plain, found)
    }

    /// No entries beyond the last row, or nobody asked for the last row's.
    pub(crate) fn is_at_end(&mut self, plain: &mut Plain<'_, T>) -> Result<bool, ReportError> {
        Ok(self.behind > 0 || self.stretch(1, plain)? == 0)
    }

    /// How many of the next entries are within one page. Zero at the end.
    fn stretch(&mut self, most: usize, plain: &mut Plain<'_, T>) -> Result<usize, ReportError> {
        while self.page.as_ref().is_none_or(|page| page.left == 0) {
            let page = guarded(0, || self.pages.get_next_page())?;
            match page.map_err(|source| ReportError::Parquet { row: 0, source })? {
                None => return Ok(0),
                Some(Page::DictionaryPage { buf, num_values, .. }) => {
                    self.dictionary.clear();
                    let values = usize::try_from(num_values).unwrap_or(usize::MAX);
                    plain(&buf, values, &mut self.dictionary)?;
                }
                Some(page) => self.page = Some(self.open_page(page)?),
            }
        }
        Ok(self.page.as_ref().map_or(0, |page| page.left.min(most)))
    }

    fn open_page(&self, page: Page) -> Result<OnePage, ReportError> {
        let too_short = || broken("a page is shorter than its parts");
        let levels = |bits: u8, bytes: Bytes| {
            if bits == 0 { Ok(None) } else { Runs::new(bytes, bits).map(Some).ok_or_else(too_short) }
        };
        let (left, encoding, mut rest, repetitions, definitions) = match page {
            Page::DataPage { buf, num_values, encoding, .. } => {
                let mut rest = buf;
                let mut prefixed = |bits: u8| {
                    if bits == 0 {
                        return Ok(None);
                    }
                    let length = rest.first_chunk().map(|length| u32::from_le_bytes(*length)).ok_or_else(too_short)?;
                    let end = usize::try_from(length).ok().and_then(|length| length.checked_add(4));
                    let end = end.filter(|end| *end <= rest.len()).ok_or_else(too_short)?;
                    let bytes = rest.slice(4..end);
                    rest = rest.slice(end..);
                    levels(bits, bytes)
                };
                let (repetitions, definitions) = (prefixed(self.repetition_bits)?, prefixed(self.level_bits)?);
                (num_values, encoding, rest, repetitions, definitions)
            }
            Page::DataPageV2 { buf, num_values, encoding, def_levels_byte_len, rep_levels_byte_len, .. } => {
                let size = |bytes: u32| usize::try_from(bytes).unwrap_or(usize::MAX);
                let repeated = size(rep_levels_byte_len);
                let end = repeated.saturating_add(size(def_levels_byte_len));
                if end > buf.len() {
                    return Err(too_short());
                }
                let repetitions = levels(self.repetition_bits, buf.slice(..repeated))?;
                let definitions = levels(self.level_bits, buf.slice(repeated..end))?;
                (num_values, encoding, buf.slice(end..), repetitions, definitions)
            }
            Page::DictionaryPage { .. } => return Err(broken("a dictionary stands between the pages of a column")),
        };
        let values = match encoding {
            Encoding::PLAIN => Values::Plain { bytes: rest, at: 0 },
            Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY => {
                // A page of nulls may have no values, and then no width either.
                let width = if rest.is_empty() { 0 } else { rest.split_to(1)[0] };
                Values::InDictionary(Runs::new(rest, width).ok_or_else(too_short)?)
            }
            _ => return Err(broken("a page is encoded otherwise than its head said")),
        };
        let left = usize::try_from(left).unwrap_or(usize::MAX);
        Ok(OnePage { left, repetitions, levels: definitions, values })
    }

    /// `count` entries of this page.
    fn fill_stretch(
        &mut self,
        count: usize,
        null: T,
        plain: &mut Plain<'_, T>,
        found: &mut Vec<T>,
    ) -> Result<(), ReportError> {
        let Self { page: Some(page), level, dictionary, ids, places, .. } = self else { return Ok(()) };
        page.left -= count;
        let Some(levels) = &mut page.levels else { return page.values.read(count, dictionary, ids, plain, found) };
        match levels.same(count) {
            Some(of_all) if of_all == *level => page.values.read(count, dictionary, ids, plain, found),
            Some(_) => {
                found.resize(found.len() + count, null);
                Ok(())
            }
            None => {
                places.clear();
                levels.places_of(*level, count, 0, places).ok_or_else(|| broken("a page has too few levels"))?;
                let start = found.len();
                page.values.read(places.len(), dictionary, ids, plain, found)?;
                spread(found, start, count, places, null);
                Ok(())
            }
        }
    }
}

impl Values {
    fn read<T: Copy>(
        &mut self,
        count: usize,
        dictionary: &[T],
        ids: &mut Vec<u32>,
        plain: &mut Plain<'_, T>,
        found: &mut Vec<T>,
    ) -> Result<(), ReportError> {
        let beyond = || broken("a value is not in its dictionary");
        match self {
            _ if count == 0 => {}
            Self::Plain { bytes, at } => *at += plain(bytes.get(*at..).unwrap_or_default(), count, found)?,
            Self::InDictionary(runs) => match runs.same(count) {
                Some(id) => {
                    let value = dictionary.get(id as usize).ok_or_else(beyond)?;
                    found.resize(found.len() + count, *value);
                }
                None => {
                    ids.clear();
                    runs.take(count, ids).ok_or_else(|| broken("a page has too few values"))?;
                    let Some(first) = dictionary.first() else { return Err(beyond()) };
                    let mut all_known = true;
                    found.extend(ids.iter().map(|id| {
                        let value = dictionary.get(*id as usize);
                        all_known &= value.is_some();
                        *value.unwrap_or(first)
                    }));
                    if !all_known {
                        return Err(beyond());
                    }
                }
            },
        }
        Ok(())
    }
}

/// Moves the values from `start` on to their places among `count` entries, from behind.
fn spread<T: Copy>(found: &mut Vec<T>, start: usize, count: usize, places: &[u32], null: T) {
    found.resize(start + count, null);
    let spread = &mut found[start..];
    for (from, to) in places.iter().enumerate().rev() {
        let value = spread[from];
        spread[from] = null;
        spread[*to as usize] = value;
    }
}
