//! A CSV file, compressed with gzip or not -> its line items. Holds one record.

use std::borrow::Cow;
use std::io::{BufRead, BufReader, Read};

use cost_model::{Amount, AmountError, Reading};
use flate2::bufread::MultiGzDecoder;
use jiff::Timestamp;
use serde_json::Value;

use crate::columns::{COLUMNS, Column, Requirement, environment_rank, missing_required};
use crate::error::ReportError;
use crate::line_item::{LineItem, ReadCounts, line_item};
use crate::parquet_file::MAX_ROWS;
use crate::row::{Row, excerpt, parse_time};

/// Longest record, in bytes of text. AWS's longest fields are tags and descriptions of a few thousand.
pub const MAX_FIELD_BYTES: usize = 1024 * 1024;

const GZIP_MAGIC: &[u8] = &[0x1f, 0x8b];

/// Hands every line item of the file to `visit`, in the file's order, and counts what was read.
/// Reads the head line of legacy reports (`lineItem/UnblendedCost`) and of CUR 2.0 (`line_item_unblended_cost`).
///
/// # Errors
/// Fails on text that is not CSV or not gzip, too many rows, a record that is longer than 1 MB, has more fields than the head line or
/// ends before a required column (what else is left out at its end is blank), a missing required column, a value that is not what its column means, and on the first error of `visit`.
/// Rows of split cost allocation are no error, and no line items.
pub fn read_csv(
    file: &[u8],
    mut visit: impl FnMut(&LineItem<'_>) -> Result<(), AmountError>,
) -> Result<ReadCounts, ReportError> {
    let plain: Box<dyn BufRead + '_> =
        if file.starts_with(GZIP_MAGIC) { Box::new(BufReader::new(MultiGzDecoder::new(file))) } else { Box::new(file) };
    let mut reader =
        csv::ReaderBuilder::new().flexible(true).from_reader(LineLimit { inner: plain, since_line_end: 0 });
    let head = reader.headers().map_err(|source| broken(0, source))?;
    let (columns, fields) = (Columns::of_head(head), head.len());
    if let Some(column) = missing_required(|column| columns.at[column as usize].is_some()) {
        return Err(ReportError::MissingColumn { column: column.name() });
    }
    let mut counts = ReadCounts::default();
    let mut record = csv::StringRecord::new();
    let mut number = 0;
    while reader.read_record(&mut record).map_err(|source| broken(number + 1, source))? {
        number += 1;
        if number > MAX_ROWS {
            return Err(ReportError::Limit { what: "rows", found: number, limit: MAX_ROWS });
        }
        if record.len() < columns.least_fields || record.len() > fields {
            return Err(ReportError::FieldCount { row: number, found: record.len() as u64, expected: fields as u64 });
        }
        let row = CsvRow { columns: &columns, record: &record, number };
        if let Some(item) = line_item(&row, &mut counts)? {
            visit(&item).map_err(|source| ReportError::Sum { row: number, source })?;
        }
    }
    Ok(counts)
}

fn broken(row: u64, source: csv::Error) -> ReportError {
    match source.kind() {
        csv::ErrorKind::Io(error) if error.kind() == std::io::ErrorKind::FileTooLarge => {
            ReportError::FieldTooLong { row, limit: MAX_FIELD_BYTES }
        }
        _ => ReportError::Csv { row, source },
    }
}

/// Where each column is in a record.
struct Columns {
    at: Vec<Option<usize>>,
    /// Columns that are the environment tag, the best first.
    environment: Vec<usize>,
    /// Fields that a record needs for all required columns.
    least_fields: usize,
}

impl Columns {
    fn of_head(head: &csv::StringRecord) -> Self {
        let mut columns = vec![None; COLUMNS.len()];
        let mut environment = Vec::new();
        for (at, name) in head.iter().enumerate() {
            if let Some(column) = Column::of_name(name.trim_start_matches('\u{feff}')) {
                columns[column as usize].get_or_insert(at);
            } else if let Some(rank) = environment_rank(name) {
                environment.push((rank, at));
            }
        }
        environment.sort_unstable();
        let required = COLUMNS.iter().filter(|(_, _, requirement)| *requirement == Requirement::Required);
        let last = required.filter_map(|(column, _, _)| columns[*column as usize]).max();
        Self {
            environment: environment.into_iter().map(|(_, at)| at).collect(),
            least_fields: last.map_or(0, |at| at + 1),
            at: columns,
        }
    }
}

struct CsvRow<'r> {
    columns: &'r Columns,
    record: &'r csv::StringRecord,
    number: u64,
}

impl CsvRow<'_> {
    fn field(&self, column: Column) -> &str {
        self.columns.at[column as usize].and_then(|at| self.record.get(at)).unwrap_or_default().trim()
    }

    /// CUR 2.0 writes a map as a JSON object.
    fn map_value(&self, column: Column, rank: impl Fn(&str) -> Option<u8>) -> String {
        let field = self.field(column);
        if !field.starts_with('{') {
            return String::new();
        }
        let Ok(Value::Object(map)) = serde_json::from_str(field) else { return String::new() };
        let texts = map.iter().filter_map(|(key, value)| Some((rank(key)?, value.as_str()?)));
        let best = texts.filter(|(_, value)| !value.is_empty()).min_by_key(|(rank, _)| *rank);
        best.map(|(_, value)| value.to_owned()).unwrap_or_default()
    }
}

impl Row for CsvRow<'_> {
    fn number(&self) -> u64 {
        self.number
    }

    fn has(&self, column: Column) -> bool {
        self.columns.at[column as usize].is_some()
    }

    fn text(&self, column: Column) -> Result<&str, ReportError> {
        Ok(self.field(column))
    }

    fn amount(&self, column: Column) -> Result<Option<Reading>, ReportError> {
        match self.field(column) {
            "" => Ok(None),
            text => Amount::read(text).map(Some).map_err(|source| ReportError::Amount {
                row: self.number,
                column: column.name(),
                source,
            }),
        }
    }

    fn time(&self, column: Column) -> Result<Option<Timestamp>, ReportError> {
        match self.field(column) {
            "" => Ok(None),
            text => parse_time(text).map(Some).ok_or_else(|| ReportError::Value {
                row: self.number,
                column: column.name(),
                value: excerpt(text),
                expected: "time",
            }),
        }
    }

    fn product(&self, key: &str) -> Result<Cow<'_, str>, ReportError> {
        Ok(Cow::Owned(self.map_value(Column::Product, |known| (known == key).then_some(0))))
    }

    fn environment_tag(&self) -> Result<Cow<'_, str>, ReportError> {
        for column in [Column::ResourceTags, Column::Tags] {
            let value = self.map_value(column, environment_rank);
            if !value.is_empty() {
                return Ok(Cow::Owned(value));
            }
        }
        let tags = self.columns.environment.iter().filter_map(|at| self.record.get(*at)).map(str::trim);
        Ok(Cow::Borrowed(tags.into_iter().find(|tag| !tag.is_empty()).unwrap_or_default()))
    }
}

/// Fails once so many bytes came without a line end: a reader that waits for one would fill the memory.
struct LineLimit<R> {
    inner: R,
    since_line_end: usize,
}

impl<R: Read> Read for LineLimit<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        match buffer[..read].iter().rposition(|byte| *byte == b'\n') {
            Some(at) => self.since_line_end = read - at,
            None => self.since_line_end += read,
        }
        if self.since_line_end > MAX_FIELD_BYTES {
            return Err(std::io::ErrorKind::FileTooLarge.into());
        }
        Ok(read)
    }
}
