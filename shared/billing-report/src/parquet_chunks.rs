//! The column chunks of one row group, as the decoder asks for them: fetched together, and checked before they are decoded.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use arrow_schema::{DataType, Field, FieldRef, Fields, Schema};
use bytes::{Buf, Bytes};
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::reader::{ChunkReader, Length};

use crate::columns::{Column, Meaning};
use crate::error::ReportError;
use crate::pages::{Pages, check_pages};
use crate::parquet_file::{guarded, within};
use crate::report_file::ReportFile;

/// Most bytes of the columns that are read, in one row group. AWS's row groups have some 25 MB of them.
pub const MAX_ROW_GROUP_BYTES: u64 = 256 * 1024 * 1024;

/// Chunks that are nearer to each other than this are fetched as one range.
const GAP_BYTES: u64 = 64 * 1024;

/// What was fetched of a file, and what is known of its pages by leaf column.
#[derive(Debug, Clone)]
pub(crate) struct Chunks {
    file_bytes: u64,
    /// By where they begin.
    pieces: BTreeMap<u64, Bytes>,
    pages: BTreeMap<usize, Pages>,
}

impl Chunks {
    pub(crate) fn new(file_bytes: u64) -> Self {
        Self { file_bytes, pieces: BTreeMap::new(), pages: BTreeMap::new() }
    }

    /// Fetches the chunks of these columns of a row group.
    ///
    /// # Errors
    /// Fails on chunks that are not within the file, too large, or have pages that are none.
    pub(crate) fn load(
        &mut self,
        file: &impl ReportFile,
        metadata: &ParquetMetaData,
        group: usize,
        roots: &[usize],
    ) -> Result<(), ReportError> {
        let schema = metadata.file_metadata().schema_descr();
        let leaves = (0..schema.num_columns()).filter(|leaf| roots.contains(&schema.get_column_root_idx(*leaf)));
        let mut chunks: Vec<(Range<u64>, usize)> = Vec::new();
        for leaf in leaves {
            let column = guarded(0, || metadata.row_group(group).column(leaf).byte_range())?;
            let range = column.0..column.0.saturating_add(column.1);
            within("bytes up to the end of a column", range.end, self.file_bytes)?;
            chunks.push((range, leaf));
        }
        chunks.sort_unstable_by_key(|(range, _)| range.start);
        let total = chunks.iter().fold(0_u64, |sum, (range, _)| sum.saturating_add(range.end - range.start));
        within("bytes of a row group in the columns that are read", total, MAX_ROW_GROUP_BYTES)?;
        let mut fetched: Vec<Range<u64>> = Vec::new();
        for (range, _) in &chunks {
            match fetched.last_mut() {
                Some(last) if range.start <= last.end.saturating_add(GAP_BYTES) => last.end = last.end.max(range.end),
                _ => fetched.push(range.clone()),
            }
        }
        let pieces = file.read(&fetched).map_err(|source| ReportError::File { source })?;
        self.pieces.extend(fetched.into_iter().map(|range| range.start).zip(pieces));
        for (range, leaf) in chunks {
            let length = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
            let Ok(chunk) = self.get_bytes(range.start, length) else {
                return Err(ReportError::File { source: "the file is shorter than it was".into() });
            };
            self.pages.insert(leaf, check_pages(&chunk)?);
        }
        Ok(())
    }

    fn from(&self, start: u64) -> parquet::errors::Result<Bytes> {
        let beyond = || ParquetError::EOF(format!("nothing was fetched at byte {start}"));
        // Of pieces that overlap the one that reaches farthest: what is fetched later may lie within what was there.
        let reaching = |(at, piece): &(&u64, &Bytes)| **at + piece.len() as u64;
        let (at, piece) = self.pieces.range(..=start).max_by_key(reaching).ok_or_else(beyond)?;
        let offset = usize::try_from(start - at).map_err(|_| beyond())?;
        if offset > piece.len() { Err(beyond()) } else { Ok(piece.slice(offset..)) }
    }

    /// What is known of the pages of a leaf column.
    pub(crate) fn pages(&self, leaf: usize) -> Pages {
        self.pages.get(&leaf).copied().unwrap_or_default()
    }
}

impl Length for Chunks {
    fn len(&self) -> u64 {
        self.file_bytes
    }
}

impl ChunkReader for Chunks {
    type T = bytes::buf::Reader<Bytes>;

    fn get_read(&self, start: u64) -> parquet::errors::Result<Self::T> {
        self.from(start).map(Buf::reader)
    }

    fn get_bytes(&self, start: u64, length: usize) -> parquet::errors::Result<Bytes> {
        let rest = self.from(start)?;
        if rest.len() < length {
            return Err(ParquetError::EOF(format!("{length} bytes at byte {start} were not fetched")));
        }
        Ok(rest.slice(..length))
    }
}

/// The schema with the types in which texts are decoded fastest: as numbers of a dictionary where every page has them,
/// as views where not. A chunk that goes over to plain pages half way would have its dictionary made anew.
pub(crate) fn types_to_read(schema: &Schema, metadata: &ParquetMetaData, roots: &[usize], chunks: &Chunks) -> Schema {
    let described = metadata.file_metadata().schema_descr();
    let mut leaves: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for leaf in 0..described.num_columns() {
        leaves.entry(described.get_column_root_idx(leaf)).or_default().push(leaf);
    }
    let fields = schema.fields().iter().enumerate().map(|(at, field)| {
        let leaves = leaves.get(&at).filter(|_| roots.contains(&at));
        leaves.map_or_else(|| Arc::clone(field), |leaves| typed(field, leaves, chunks))
    });
    Schema::new(fields.collect::<Vec<_>>())
}

fn typed(field: &FieldRef, leaves: &[usize], chunks: &Chunks) -> FieldRef {
    let with = |data_type| Arc::new(field.as_ref().clone().with_data_type(data_type));
    let meaning = Column::of_name(field.name()).map_or(Meaning::Text, Column::meaning);
    match field.data_type() {
        DataType::Map(entries, sorted) => {
            let DataType::Struct(parts) = entries.data_type() else { return Arc::clone(field) };
            if parts.len() != leaves.len() {
                return Arc::clone(field);
            }
            let parts = parts.iter().zip(leaves).map(|(part, leaf)| -> FieldRef {
                let data_type = text_type(part.data_type(), chunks.pages(*leaf).all_in_dictionary);
                Arc::new(part.as_ref().clone().with_data_type(data_type))
            });
            let parts: Fields = parts.collect();
            let entries: Field = entries.as_ref().clone().with_data_type(DataType::Struct(parts));
            with(DataType::Map(Arc::new(entries), *sorted))
        }
        found => {
            let dictionary =
                meaning == Meaning::Text && leaves.iter().all(|leaf| chunks.pages(*leaf).all_in_dictionary);
            with(text_type(found, dictionary))
        }
    }
}

fn text_type(found: &DataType, dictionary: bool) -> DataType {
    match found {
        DataType::Utf8 | DataType::Binary if dictionary => {
            DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
        }
        DataType::Utf8 | DataType::Binary => DataType::Utf8View,
        other => other.clone(),
    }
}
