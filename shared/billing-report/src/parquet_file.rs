//! A Parquet file -> its line items. Holds the columns that are read of one row group, and one decoded batch.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder, RowSelection,
};
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};

use crate::columns::{Column, missing_required};
use crate::error::ReportError;
use crate::kinds::Kinds;
use crate::line_item::ReadCounts;
use crate::names::Name;
use crate::parquet_batch::{Batch, BatchRow};
use crate::parquet_chunks::{Chunks, types_to_read};
use crate::parquet_group::{Filling, Group};
use crate::report_file::{ReportFile, read_one};
use crate::sink::{Sink, Taking, locked};
use crate::tag_keys::TagKeys;

/// Longest footer. 125 columns in 40 row groups take about 1 MB; a footer decodes to many times its size.
pub const MAX_FOOTER_BYTES: u64 = 16 * 1024 * 1024;

/// Most rows in one file. AWS cuts its files long before.
pub const MAX_ROWS: u64 = 50_000_000;

/// Most columns, with one for each tag in legacy reports.
const MAX_COLUMNS: u64 = 10_000;

/// Most row groups.
const MAX_ROW_GROUPS: u64 = 10_000;

/// Rows decoded at a time: some hundred bytes of each in the columns that are read, which should stay in the caches.
pub(crate) const BATCH_ROWS: usize = 2048;

/// Hands every line item of the file to `sink`, and returns what was read. The sink is locked for a batch at a time.
///
/// # Errors
/// Fails on a file that cannot be read, is not Parquet, is broken, exceeds a limit, or lacks a required column; on a value
/// that is not what its column means; and on the first error of `sink`. Rows of split cost allocation are no error, and no
/// line items. What is wrong in a column that no line needs is not noticed.
pub fn read_parquet<F: ReportFile>(
    file: &F,
    keys: &TagKeys,
    sink: &Mutex<impl Sink>,
) -> Result<ReadCounts, ReportError> {
    let metadata = footer(file)?;
    let schema = metadata.file_metadata().schema_descr();
    let fields = schema.root_schema().get_fields();
    let roots: Vec<usize> = (0..fields.len()).filter(|at| is_read(fields[*at].name(), keys)).collect();
    let product = fields.iter().position(|field| Column::of_name(field.name()) == Some(Column::Product));
    let mut pass = Pass {
        batch: Batch::new(product.is_none()),
        scratch: Vec::new(),
        kinds: Kinds::default(),
        keys,
        sink,
        taking: Taking::default(),
    };
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let as_written = guarded(0, || ArrowReaderMetadata::try_new(Arc::clone(&metadata), options))?;
    let as_written = as_written.map_err(|source| ReportError::Parquet { row: 0, source })?;
    let mut first_row = 1;
    for group in 0..metadata.num_row_groups() {
        let mut chunks = Chunks::new(file.bytes());
        chunks.load(file, &metadata, group, &roots)?;
        let reader = |chunks: Chunks, roots: &[usize], selection: Option<RowSelection>| {
            open(chunks, &as_written, group, roots, selection)
        };
        let expected = u64::try_from(metadata.row_group(group).num_rows()).unwrap_or_default();
        let mut waiting: Vec<u64> = Vec::new();
        let shared = Arc::new(chunks.clone());
        match Group::open(&shared, &metadata, group, as_written.schema(), &roots, keys)? {
            Some(columns) => pass.run_pages(columns, expected, first_row, &mut waiting)?,
            None => {
                let rows = pass.run(reader(chunks.clone(), &roots, None)?, first_row, Some(&mut waiting))?;
                if rows != expected {
                    let (found, expected) = (first_row - 1 + rows, first_row - 1 + expected);
                    return Err(ReportError::RowCount { found, expected });
                }
            }
        }
        if let Some(product) = product.filter(|_| !waiting.is_empty()) {
            chunks.load(file, &metadata, group, &[product])?;
            let mut with_product = roots.clone();
            with_product.push(product);
            let selected = ranges_of(&waiting);
            let total = usize::try_from(expected).unwrap_or(usize::MAX);
            let selection = RowSelection::from_consecutive_ranges(selected.into_iter(), total);
            pass.run(reader(chunks, &with_product, Some(selection))?, first_row + waiting[0], None)?;
        }
        first_row += expected;
    }
    Ok(pass.taking.counts)
}

/// One way through a file.
struct Pass<'p, S> {
    batch: Batch,
    scratch: Vec<Name>,
    kinds: Kinds,
    keys: &'p TagKeys,
    sink: &'p Mutex<S>,
    taking: Taking,
}

impl<S: Sink> Pass<'_, S> {
    /// All rows of a row group, page by page. Those that cannot be read without the map `product` go to `waiting`, counted
    /// from the group's beginning.
    fn run_pages(
        &mut self,
        mut columns: Group,
        rows: u64,
        first_row: u64,
        waiting: &mut Vec<u64>,
    ) -> Result<(), ReportError> {
        let mut read = 0;
        while read < rows {
            let count = usize::try_from(rows - read).unwrap_or(usize::MAX).min(BATCH_ROWS);
            self.fill(&mut columns, count, first_row + read).map_err(|error| match error {
                ReportError::Parquet { source, .. } => ReportError::Parquet { row: first_row + read, source },
                other => other,
            })?;
            self.take(&mut locked(self.sink), first_row, read, Some(&mut *waiting))?;
            read += count as u64;
        }
        columns.check_end(self.sink)
    }

    /// The next `count` rows into the batch, and finds their kinds.
    fn fill(&mut self, columns: &mut Group, count: usize, first_row: u64) -> Result<(), ReportError> {
        let Self { batch, scratch, kinds, keys, sink, .. } = self;
        let mut filling = Filling { batch, keys, sink: *sink, scratch };
        columns.fill(count, first_row, &mut filling)?;
        kinds.look_up(filling.batch);
        columns.fill_rest(kinds.only(), count, first_row, &mut filling)
    }

    /// The number of rows that `reader` has.
    fn run(
        &mut self,
        mut reader: ParquetRecordBatchReader,
        first_row: u64,
        mut waiting: Option<&mut Vec<u64>>,
    ) -> Result<u64, ReportError> {
        let mut rows = 0_u64;
        while let Some(decoded) = guarded(first_row + rows, || reader.next())? {
            let decoded = decoded.map_err(|source| ReportError::Arrow { row: first_row + rows, source })?;
            let mut sink = locked(self.sink);
            self.batch.fill(&decoded, first_row + rows, self.keys, sink.names())?;
            self.kinds.look_up(&self.batch);
            self.take(&mut sink, first_row, rows, waiting.as_deref_mut())?;
            rows += self.batch.rows() as u64;
        }
        Ok(rows)
    }

    /// The rows of the batch, whose kinds were looked up; the first comes after `before` others of its group.
    fn take(
        &mut self,
        sink: &mut S,
        first_row: u64,
        before: u64,
        mut waiting: Option<&mut Vec<u64>>,
    ) -> Result<(), ReportError> {
        if let Some(column) = missing_required(|column| self.batch.has(column)) {
            return Err(ReportError::MissingColumn { column: column.name() });
        }
        for at in 0..self.batch.rows() {
            let row = BatchRow { batch: &self.batch, at };
            match (self.kinds.of_batch(&row, sink.names())?, &mut waiting) {
                (Some(kind), _) => self.taking.take(sink, &row, kind)?,
                (None, Some(waiting)) => waiting.push(before + at as u64),
                (None, None) => {}
            }
        }
        self.taking.hand_on(sink, first_row + before + self.batch.rows() as u64)
    }
}

fn is_read(name: &str, keys: &TagKeys) -> bool {
    match Column::of_name(name) {
        Some(column) => column != Column::Product,
        None => keys.of_name(name).is_some(),
    }
}

/// `0, 1, 2, 5` -> `0..3, 5..6`.
fn ranges_of(rows: &[u64]) -> Vec<Range<usize>> {
    let mut ranges: Vec<Range<usize>> = Vec::new();
    for row in rows.iter().filter_map(|row| usize::try_from(*row).ok()) {
        match ranges.last_mut() {
            Some(last) if last.end == row => last.end += 1,
            _ => ranges.push(row..row + 1),
        }
    }
    ranges
}

/// The footer's length and both magic numbers are looked at before anything is decoded or allocated by what the file says.
pub(crate) fn footer(file: &impl ReportFile) -> Result<Arc<ParquetMetaData>, ReportError> {
    let not = |reason| ReportError::NotParquet { reason };
    let bytes = file.bytes();
    if bytes < 12 {
        return Err(not("it is too short"));
    }
    if read_one(file, 0..4)? != b"PAR1".as_slice() {
        return Err(not("it does not begin with PAR1"));
    }
    let tail = read_one(file, bytes - 8..bytes)?;
    let (length, magic) = tail.split_at(4);
    if magic != b"PAR1" {
        return Err(not("it does not end with PAR1; it may be cut off, or encrypted"));
    }
    let length = length.iter().rev().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
    if length + 12 > bytes {
        return Err(not("its footer is longer than the file"));
    }
    within("footer bytes", length, MAX_FOOTER_BYTES)?;
    let footer = read_one(file, bytes - 8 - length..bytes - 8)?;
    let metadata = guarded(0, || ParquetMetaDataReader::decode_metadata(&footer))?;
    let metadata = metadata.map_err(|source| ReportError::Parquet { row: 0, source })?;
    check_limits(&metadata)?;
    Ok(Arc::new(metadata))
}

fn check_limits(metadata: &ParquetMetaData) -> Result<(), ReportError> {
    let size = |number: i64| u64::try_from(number).unwrap_or(u64::MAX);
    let rows = size(metadata.file_metadata().num_rows());
    within("rows", rows, MAX_ROWS)?;
    within("row groups", metadata.num_row_groups() as u64, MAX_ROW_GROUPS)?;
    within("columns", metadata.file_metadata().schema_descr().num_columns() as u64, MAX_COLUMNS)?;
    let in_groups = metadata.row_groups().iter().fold(0_u64, |sum, group| sum.saturating_add(size(group.num_rows())));
    if in_groups != rows {
        return Err(ReportError::RowCount { found: in_groups, expected: rows });
    }
    Ok(())
}

fn open(
    chunks: Chunks,
    as_written: &ArrowReaderMetadata,
    group: usize,
    roots: &[usize],
    selection: Option<RowSelection>,
) -> Result<ParquetRecordBatchReader, ReportError> {
    let broken = |source| ReportError::Parquet { row: 0, source };
    let metadata = as_written.metadata();
    let types = types_to_read(as_written.schema(), metadata, roots, &chunks);
    let hinted = ArrowReaderOptions::new().with_skip_arrow_metadata(true).with_schema(Arc::new(types));
    let hinted = guarded(0, || ArrowReaderMetadata::try_new(Arc::clone(metadata), hinted))?.map_err(broken)?;
    let mask = ProjectionMask::roots(metadata.file_metadata().schema_descr(), roots.iter().copied());
    let mut builder = ParquetRecordBatchReaderBuilder::new_with_metadata(chunks, hinted)
        .with_row_groups(vec![group])
        .with_projection(mask)
        .with_batch_size(BATCH_ROWS);
    if let Some(selection) = selection {
        builder = builder.with_row_selection(selection);
    }
    guarded(0, || builder.build())?.map_err(broken)
}

pub(crate) fn within(what: &'static str, found: u64, limit: u64) -> Result<(), ReportError> {
    if found > limit {
        return Err(ReportError::Limit { what, found, limit });
    }
    Ok(())
}

/// Runs the decoder. Some broken pages make it panic rather than fail; a report is input, and no input may end a function.
/// The decoder is dropped right after, so that nothing is seen half done. Needs unwinding: `panic = "abort"` would undo it.
pub(crate) fn guarded<T>(row: u64, decode: impl FnOnce() -> T) -> Result<T, ReportError> {
    catch_unwind(AssertUnwindSafe(decode)).map_err(|_| ReportError::Undecodable { row })
}
