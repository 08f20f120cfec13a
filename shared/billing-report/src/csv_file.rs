//! A CSV file, compressed with gzip, in a zip file, or plain -> its line items. Holds one window of the file and one record.

use std::borrow::Cow;
use std::io::{self, BufReader, Read};
use std::sync::Mutex;

use cost_model::{Amount, AmountError, Reading};
use flate2::bufread::MultiGzDecoder;

use crate::columns::{COLUMN_COUNT, COLUMNS, Column, Requirement, missing_required};
use crate::csv_maps::Maps;
use crate::csv_records::{Record, Records};
use crate::error::ReportError;
use crate::kinds::Kinds;
use crate::line_item::ReadCounts;
use crate::names::{Name, Names};
use crate::parquet_file::{MAX_ROWS, within};
use crate::report_file::{ReportFile, Stream, read_one};
use crate::row::{Row, excerpt, parse_time};
use crate::sink::{Sink, Taking, locked};
use crate::tag_keys::{Rank, TagKeys, TagRole};

/// Longest record, in bytes of text. AWS's longest fields are tags and descriptions of a few thousand.
pub const MAX_FIELD_BYTES: usize = 1024 * 1024;

/// Most fields of the head line.
const MAX_FIELDS: u64 = 10_000;

/// Most that a file decompresses to, by byte of it: reports come to 25, and deflate ends at 1,032.
const MAX_RATIO: u64 = 250;

/// What a file may decompress to however short it is.
const FREE_BYTES: u64 = 64 * 1024 * 1024;

const GZIP_MAGIC: &[u8] = &[0x1f, 0x8b];
const ZIP_MAGIC: &[u8] = b"PK\x03\x04";

/// Records that are read before others may use the sink.
const RECORDS_AT_A_TIME: usize = 4096;

/// Hands every line item of the file to `sink`, in the file's order, and returns what was read.
/// Reads the head line of legacy reports (`lineItem/UnblendedCost`) and of CUR 2.0 (`line_item_unblended_cost`).
///
/// # Errors
/// Fails on a file that cannot be read, on text that is not CSV, gzip or a zip file of one entry, on too many rows, a record
/// that is longer than 1 MB, has more fields than the head line or ends before a required column (what else is left out at
/// its end is blank), a missing required column, a value that is not what its column means, and on the first error of
/// `sink`. Rows of split cost allocation are no error, and no line items.
pub fn read_csv<F: ReportFile>(file: &F, keys: &TagKeys, sink: &Mutex<impl Sink>) -> Result<ReadCounts, ReportError> {
    let magic = read_one(file, 0..file.bytes().min(4))?;
    let left = file.bytes().saturating_mul(MAX_RATIO).max(FREE_BYTES);
    if magic.starts_with(GZIP_MAGIC) {
        let plain = MultiGzDecoder::new(BufReader::with_capacity(64 * 1024, Stream::new(file)));
        return read_plain(Limited { inner: plain, left }, keys, sink);
    }
    if magic.starts_with(ZIP_MAGIC) {
        let zip = |source| ReportError::Zip { source };
        let mut archive = zip::ZipArchive::new(BufReader::with_capacity(64 * 1024, Stream::new(file))).map_err(zip)?;
        if archive.len() != 1 {
            return Err(ReportError::ZipEntries { found: archive.len() });
        }
        return read_plain(Limited { inner: archive.by_index(0).map_err(zip)?, left }, keys, sink);
    }
    read_plain(Limited { inner: Stream::new(file), left }, keys, sink)
}

fn read_plain(plain: impl Read, keys: &TagKeys, sink: &Mutex<impl Sink>) -> Result<ReadCounts, ReportError> {
    let mut records = Records::new(plain);
    let head = records.next().map_err(|source| broken(0, source))?;
    let columns = Columns::of_head(head, keys)?;
    if let Some(column) = missing_required(|column| columns.at[column as usize].is_some()) {
        return Err(ReportError::MissingColumn { column: column.name() });
    }
    let mut taking = Taking::default();
    let mut maps = Maps::default();
    let mut kinds = Kinds::default();
    let mut number = 0;
    loop {
        let mut sink = locked(sink);
        for _ in 0..RECORDS_AT_A_TIME {
            let record = records.next().map_err(|source| broken(number + 1, source))?;
            let Some(record) = record else {
                return taking.hand_on(&mut *sink, number).map(|()| taking.counts);
            };
            number += 1;
            within("rows", number, MAX_ROWS)?;
            if record.len() < columns.least_fields || record.len() > columns.fields {
                let (found, expected) = (record.len() as u64, columns.fields as u64);
                return Err(ReportError::FieldCount { row: number, found, expected });
            }
            let mut row = CsvRow { columns: &columns, record, number, tags: Default::default() };
            row.read_tags(keys, &mut maps, sink.names())?;
            // A CSV has its maps at hand.
            if let Some(kind) = kinds.of(&row, sink.names())? {
                taking.take(&mut *sink, &row, kind)?;
            }
        }
        taking.hand_on(&mut *sink, number)?;
    }
}

fn broken(row: u64, source: io::Error) -> ReportError {
    if source.kind() == io::ErrorKind::FileTooLarge {
        return ReportError::FieldTooLong { row, limit: MAX_FIELD_BYTES };
    }
    match source.downcast::<ReportError>() {
        Ok(inner) => inner,
        Err(source) => ReportError::Csv { row, source },
    }
}

/// Where each column is in a record.
struct Columns {
    at: [Option<usize>; COLUMN_COUNT],
    /// Columns that are tags or cost categories.
    tags: Vec<(usize, TagRole, Rank)>,
    /// Fields that a record needs for all required columns, and has at most.
    least_fields: usize,
    fields: usize,
}

impl Columns {
    fn of_head(head: Option<Record<'_>>, keys: &TagKeys) -> Result<Self, ReportError> {
        let fields = head.map_or(0, |head| head.len());
        within("fields in the head line", fields as u64, MAX_FIELDS)?;
        let mut columns = Self { at: [None; COLUMN_COUNT], tags: Vec::new(), least_fields: 0, fields };
        for at in 0..fields {
            let name = head.and_then(|head| head.field(at)).unwrap_or_default();
            let name = name.trim_start_matches('\u{feff}').trim_matches('"');
            if let Some(column) = Column::of_name(name) {
                columns.at[column as usize].get_or_insert(at);
            } else if let Some((role, rank)) = keys.of_name(name) {
                columns.tags.push((at, role, rank));
            }
        }
        let required = COLUMNS.iter().filter(|(_, _, requirement)| *requirement == Requirement::Required);
        let last = required.filter_map(|(column, _, _)| columns.at[*column as usize]).max();
        columns.least_fields = last.map_or(0, |at| at + 1);
        Ok(columns)
    }
}

struct CsvRow<'r> {
    columns: &'r Columns,
    record: Record<'r>,
    number: u64,
    tags: [(Rank, Name); TagRole::COUNT],
}

impl<'r> CsvRow<'r> {
    /// With its quotes. Empty where the column or the field is missing.
    fn bytes(&self, column: Column) -> &'r [u8] {
        self.columns.at[column as usize].and_then(|at| self.record.bytes(at)).unwrap_or_default()
    }

    /// The number of a field's text; what is not quoted is looked up as it stands. `None`: it is not UTF-8.
    fn name_at(&self, at: usize, names: &mut Names) -> Option<Name> {
        match self.record.bytes(at)? {
            b"" => Some(Names::BLANK),
            [b'"', ..] => self.record.field(at).map(|text| names.number(&text)),
            bytes => names.number_of_bytes(bytes),
        }
    }

    /// Blank where the column or the field is missing.
    fn field(&self, column: Column) -> Result<Cow<'r, str>, ReportError> {
        let Some(at) = self.columns.at[column as usize].filter(|at| *at < self.record.len()) else {
            return Ok(Cow::Borrowed(""));
        };
        self.record.field(at).ok_or_else(|| self.not_text(column))
    }

    fn not_text(&self, column: Column) -> ReportError {
        ReportError::Value { row: self.number, column: column.name(), value: "bytes".into(), expected: "UTF-8 text" }
    }

    fn read_tags(&mut self, keys: &TagKeys, maps: &mut Maps, names: &mut Names) -> Result<(), ReportError> {
        self.tags = [(Rank::MAX, Names::BLANK); TagRole::COUNT];
        for column in [Column::ResourceTags, Column::Tags, Column::CostCategory] {
            if self.columns.at[column as usize].is_some() {
                let said = maps.said(column, &self.field(column)?, keys, names);
                for (tag, (rank, value)) in self.tags.iter_mut().zip(said) {
                    if rank < tag.0 {
                        *tag = (rank, value);
                    }
                }
            }
        }
        for (at, role, rank) in &self.columns.tags {
            if *rank < self.tags[*role as usize].0
                && let Some(value) = self.name_at(*at, names).filter(|value| *value != Names::BLANK)
            {
                self.tags[*role as usize] = (*rank, value);
            }
        }
        Ok(())
    }
}

impl Row for CsvRow<'_> {
    fn number(&self) -> u64 {
        self.number
    }

    fn has(&self, column: Column) -> bool {
        self.columns.at[column as usize].is_some()
    }

    fn name(&self, column: Column, names: &mut Names) -> Result<Name, ReportError> {
        let Some(at) = self.columns.at[column as usize].filter(|at| *at < self.record.len()) else {
            return Ok(Names::BLANK);
        };
        self.name_at(at, names).ok_or_else(|| self.not_text(column))
    }

    fn is_blank(&self, column: Column) -> Result<bool, ReportError> {
        match self.bytes(column) {
            [b'"', ..] => Ok(self.field(column)?.is_empty()),
            bytes => Ok(bytes.is_empty()),
        }
    }

    fn amount(&self, column: Column) -> Result<Option<Reading>, ReportError> {
        let refused = |source: AmountError| ReportError::Amount { row: self.number, column: column.name(), source };
        match self.field(column)?.as_ref() {
            "" => Ok(None),
            text => Amount::read(text).map(Some).map_err(refused),
        }
    }

    fn ten_places(&self, column: Column) -> Option<Option<i64>> {
        match self.bytes(column) {
            b"" => Some(None),
            text => Amount::ten_places_of_text(text).map(Some),
        }
    }

    fn seconds(&self, column: Column) -> Result<Option<i64>, ReportError> {
        match self.field(column)?.as_ref() {
            "" => Ok(None),
            text => parse_time(text).map(|time| Some(time.as_second())).ok_or_else(|| ReportError::Value {
                row: self.number,
                column: column.name(),
                value: excerpt(text),
                expected: "time",
            }),
        }
    }

    fn product(&self, key: &str, names: &mut Names) -> Result<Option<Name>, ReportError> {
        let value = Maps::value(&self.field(Column::Product)?, key);
        Ok(Some(value.map_or(Names::BLANK, |value| names.number(value.trim()))))
    }

    fn tag(&self, role: TagRole, _: &mut Names) -> Result<Name, ReportError> {
        Ok(self.tags[role as usize].1)
    }
}

/// Fails once more came out than a report of the file's size has.
struct Limited<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        let Some(left) = self.left.checked_sub(read as u64) else {
            let (what, limit) = ("times its size when decompressed", MAX_RATIO);
            return Err(io::Error::other(ReportError::Limit { what, found: MAX_RATIO + 1, limit }));
        };
        self.left = left;
        Ok(read)
    }
}
