//! A Parquet file in memory -> its line items. Holds the file and one decoded batch.

use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;
use cost_model::AmountError;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};

use crate::columns::missing_required;
use crate::error::ReportError;
use crate::line_item::{LineItem, ReadCounts, line_item};
use crate::parquet_batch::{Batch, BatchRow, is_read};

/// Longest footer. 125 columns in 40 row groups take about 1 MB; a footer decodes to many times its size.
pub const MAX_FOOTER_BYTES: u64 = 32 * 1024 * 1024;

/// Most rows in one file. AWS cuts its files long before.
pub const MAX_ROWS: u64 = 50_000_000;

/// Most columns, with one for each tag in legacy reports.
const MAX_COLUMNS: u64 = 10_000;

/// Most row groups.
const MAX_ROW_GROUPS: u64 = 10_000;

/// Rows decoded at a time: some hundred bytes of each in the columns that are read.
const BATCH_ROWS: usize = 8192;

/// Hands every line item of the file to `visit`, in the file's order, and counts what was read.
///
/// # Errors
/// Fails on a file that is not Parquet, is broken, exceeds a limit, or lacks a required column; on a value that is not
/// what its column means; and on the first error of `visit`. Rows of split cost allocation are no error, and no line items.
pub fn read_parquet(
    file: Bytes,
    mut visit: impl FnMut(&LineItem<'_>) -> Result<(), AmountError>,
) -> Result<ReadCounts, ReportError> {
    check_footer(&file)?;
    let (mut reader, expected) = open(file)?;
    let mut counts = ReadCounts::default();
    let mut row = 0_u64;
    while let Some(batch) = guarded(row + 1, || reader.next())? {
        let batch = batch.map_err(|source| ReportError::Arrow { row: row + 1, source })?;
        let columns = Batch::new(&batch, row + 1)?;
        require_columns(&columns)?;
        for at in 0..batch.num_rows() {
            let current = BatchRow { batch: &columns, at };
            if let Some(item) = line_item(&current, &mut counts)? {
                visit(&item).map_err(|source| ReportError::Sum { row: row + 1 + at as u64, source })?;
            }
        }
        row += batch.num_rows() as u64;
    }
    if row != expected {
        return Err(ReportError::RowCount { found: row, expected });
    }
    Ok(counts)
}

/// The footer's length and both magic numbers, before anything is decoded or allocated by what the file says.
fn check_footer(file: &Bytes) -> Result<(), ReportError> {
    let not = |reason| ReportError::NotParquet { reason };
    let Some((_, tail)) = file.split_last_chunk::<8>() else { return Err(not("it is too short")) };
    if !file.starts_with(b"PAR1") {
        return Err(not("it does not begin with PAR1"));
    }
    let (length, magic) = tail.split_at(4);
    if magic != b"PAR1" {
        return Err(not("it does not end with PAR1; it may be cut off, or encrypted"));
    }
    let length = length.iter().rev().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
    if length + 12 > file.len() as u64 {
        return Err(not("its footer is longer than the file"));
    }
    within("footer bytes", length, MAX_FOOTER_BYTES)
}

fn open(file: Bytes) -> Result<(ParquetRecordBatchReader, u64), ReportError> {
    let bytes = file.len() as u64;
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let broken = |source| ReportError::Parquet { row: 0, source };
    let builder =
        guarded(0, || ParquetRecordBatchReaderBuilder::try_new_with_options(file, options))?.map_err(broken)?;
    let metadata = builder.metadata();
    let size = |number: i64| u64::try_from(number).unwrap_or(u64::MAX);
    let rows = size(metadata.file_metadata().num_rows());
    within("rows", rows, MAX_ROWS)?;
    within("row groups", metadata.num_row_groups() as u64, MAX_ROW_GROUPS)?;
    let schema = builder.parquet_schema();
    within("columns", schema.num_columns() as u64, MAX_COLUMNS)?;
    let mut in_groups = 0_u64;
    for group in metadata.row_groups() {
        in_groups = in_groups.saturating_add(size(group.num_rows()));
        for chunk in group.columns() {
            within("bytes in a column", size(chunk.compressed_size()), bytes)?;
        }
    }
    if in_groups != rows {
        return Err(ReportError::RowCount { found: in_groups, expected: rows });
    }
    let read = schema.root_schema().get_fields().iter().enumerate();
    let read: Vec<usize> = read.filter(|(_, field)| is_read(field.name())).map(|(at, _)| at).collect();
    let mask = ProjectionMask::roots(schema, read);
    let reader = builder.with_projection(mask).with_batch_size(BATCH_ROWS);
    let reader = guarded(0, || reader.build())?.map_err(broken)?;
    Ok((reader, rows))
}

fn require_columns(columns: &Batch) -> Result<(), ReportError> {
    match missing_required(|column| columns.has(column)) {
        Some(column) => Err(ReportError::MissingColumn { column: column.name() }),
        None => Ok(()),
    }
}

fn within(what: &'static str, found: u64, limit: u64) -> Result<(), ReportError> {
    if found > limit {
        return Err(ReportError::Limit { what, found, limit });
    }
    Ok(())
}

/// Runs the decoder. Some broken pages make it panic rather than fail; a report is input, and no input may end a function.
/// The decoder is dropped right after, so that nothing is seen half done. Needs unwinding: `panic = "abort"` would undo it.
fn guarded<T>(row: u64, decode: impl FnOnce() -> T) -> Result<T, ReportError> {
    catch_unwind(AssertUnwindSafe(decode)).map_err(|_| ReportError::Undecodable { row })
}
