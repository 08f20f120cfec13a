//! A row group whose columns are as nearly all writers make them -> its batches, page by page, without building arrays.
//! What is encoded otherwise is left to the decoder that knows every encoding: [`Group::open`] says which.

use std::sync::{Arc, Mutex};

use arrow_schema::{DataType, Schema, TimeUnit};
use parquet::basic::Type;
use parquet::file::metadata::ParquetMetaData;

use crate::MAX_FIELD_BYTES;
use crate::columns::{Column, Meaning, Only};
use crate::error::ReportError;
use crate::names::{Name, Names};
use crate::parquet_batch::{Batch, FieldKind, KeyRoles, NO_AMOUNT, NO_TIME, bits_of, check_type, offer};
use crate::parquet_chunks::Chunks;
use crate::parquet_file::within;
use crate::parquet_leaf::{Leaf, Plain, broken};
use crate::sink::{Sink, locked};
use crate::tag_keys::{Rank, TagKeys, TagRole};

/// Entries of a map that are read ahead of the rows.
const ENTRIES_AT_A_TIME: usize = 2048;

/// Texts whose numbers are found together.
const TEXTS_AT_A_TIME: usize = 512;

/// Most entries that one map has in the rows of a batch.
const MAX_ENTRIES: u64 = 4 * 1024 * 1024;

/// The columns that are read, in the order of the schema: it decides between equally good tags.
pub(crate) struct Group {
    parts: Vec<Part>,
}

enum Part {
    Text(Column, Leaf<Name>),
    Amount(Column, Leaf<u64>),
    /// With the parts of a second that it counts.
    Time(Column, i64, Leaf<i64>),
    Tag(TagRole, Rank, Leaf<Name>),
    Tags(Column, Box<MapLeaves>),
}

struct MapLeaves {
    keys: Leaf<Name>,
    values: Leaf<Name>,
    roles: KeyRoles,
    /// None of the keys is one that is asked for: entries need not be looked at. `None`: not known yet.
    says_nothing: Option<bool>,
    /// Entries that were read ahead: their keys, and whether they begin a row (zero).
    next_keys: Vec<Name>,
    next_repetitions: Vec<u32>,
}

/// What the columns of one batch have in common.
pub(crate) struct Filling<'f, S> {
    pub(crate) batch: &'f mut Batch,
    pub(crate) keys: &'f TagKeys,
    pub(crate) sink: &'f Mutex<S>,
    pub(crate) scratch: &'f mut Vec<Name>,
}

impl Group {
    /// `None`: some column has a type or an encoding that is not read here.
    ///
    /// # Errors
    /// Fails on a column whose type cannot mean what the column means.
    pub(crate) fn open(
        chunks: &Arc<Chunks>,
        metadata: &ParquetMetaData,
        group: usize,
        schema: &Schema,
        roots: &[usize],
        keys: &TagKeys,
    ) -> Result<Option<Self>, ReportError> {
        let described = metadata.file_metadata().schema_descr();
        let group = metadata.row_group(group);
        let rows = usize::try_from(group.num_rows()).unwrap_or_default();
        let (mut parts, mut seen) = (Vec::new(), Vec::new());
        for root in roots {
            let field = schema.field(*root);
            let leaves = (0..described.num_columns()).filter(|leaf| described.get_column_root_idx(*leaf) == *root);
            let leaves: Vec<usize> = leaves.collect();
            let is = |leaf: usize, physical: Type| {
                let column = described.column(leaf);
                let pages = chunks.pages(leaf);
                let repeats = column.max_rep_level() == 0 || pages.repeats_in_runs;
                column.physical_type() == physical && pages.is_common && pages.has_runs && repeats
            };
            let kind = FieldKind::of(field, keys);
            if let FieldKind::Column(column) = kind {
                if seen.contains(&column) || !check_type(column, field.data_type())? {
                    continue;
                }
                seen.push(column);
            }
            let part = match (kind, &leaves[..]) {
                (FieldKind::Neither, _) => continue,
                (FieldKind::Column(column), [leaf]) => match (column.meaning(), field.data_type()) {
                    (Meaning::Text, DataType::Utf8 | DataType::Binary) if is(*leaf, Type::BYTE_ARRAY) => {
                        Part::Text(column, Leaf::open(chunks, group.column(*leaf), rows)?)
                    }
                    (Meaning::Amount, DataType::Float64) if is(*leaf, Type::DOUBLE) => {
                        Part::Amount(column, Leaf::open(chunks, group.column(*leaf), rows)?)
                    }
                    (Meaning::Time, DataType::Timestamp(unit, _)) if is(*leaf, Type::INT64) => {
                        let parts = match unit {
                            TimeUnit::Second => 1,
                            TimeUnit::Millisecond => 1_000,
                            TimeUnit::Microsecond => 1_000_000,
                            TimeUnit::Nanosecond => 1_000_000_000,
                        };
                        Part::Time(column, parts, Leaf::open(chunks, group.column(*leaf), rows)?)
                    }
                    _ => return Ok(None),
                },
                (FieldKind::Tag(role, rank), [leaf]) if is(*leaf, Type::BYTE_ARRAY) => {
                    Part::Tag(role, rank, Leaf::open(chunks, group.column(*leaf), rows)?)
                }
                (FieldKind::Column(column), [key, value])
                    if column.meaning() == Meaning::Map
                        && [key, value].iter().all(|leaf| {
                            is(**leaf, Type::BYTE_ARRAY) && described.column(**leaf).max_rep_level() == 1
                        }) =>
                {
                    let open = |leaf| Leaf::open(chunks, group.column(leaf), rows);
                    Part::Tags(
                        column,
                        Box::new(MapLeaves::new(open(*key)?, open(*value)?, chunks.pages(*key).all_in_dictionary)),
                    )
                }
                _ => return Ok(None),
            };
            parts.push(part);
        }
        Ok(Some(Self { parts }))
    }

    /// Reads the next `rows` rows, of which the first has the number `first_row`, into the batch.
    ///
    /// # Errors
    /// Fails on pages that are broken or have fewer rows, and on text that is none or too long.
    pub(crate) fn fill(
        &mut self,
        rows: usize,
        first_row: u64,
        filling: &mut Filling<'_, impl Sink>,
    ) -> Result<(), ReportError> {
        filling.batch.begin(rows, first_row);
        for part in self.parts.iter_mut().filter(|part| part.only_for().is_none()) {
            part.fill(rows, first_row, filling)?;
        }
        // Whether a row needs the others is asked when its kind is known.
        for part in &self.parts {
            if let Some(column) = part.column() {
                filling.batch.has[column as usize] = true;
            }
        }
        Ok(())
    }

    /// Reads the columns of the same rows that only some lines need: bits of [`Only`].
    ///
    /// # Errors
    /// As [`Self::fill`].
    pub(crate) fn fill_rest(
        &mut self,
        only: u8,
        rows: usize,
        first_row: u64,
        filling: &mut Filling<'_, impl Sink>,
    ) -> Result<(), ReportError> {
        for part in &mut self.parts {
            match (part.only_for(), &mut *part) {
                (None, _) => {}
                (Some(lines), part) if only & lines as u8 != 0 => part.fill(rows, first_row, filling)?,
                (Some(_), Part::Text(_, leaf)) => leaf.pass_over(rows),
                (Some(_), Part::Amount(_, leaf)) => leaf.pass_over(rows),
                (Some(_), part) => part.fill(rows, first_row, filling)?,
            }
        }
        Ok(())
    }

    /// # Errors
    /// Fails if a column goes on behind the last row.
    pub(crate) fn check_end<S: Sink>(&mut self, sink: &Mutex<S>) -> Result<(), ReportError> {
        for part in &mut self.parts {
            let is_at_end = match part {
                Part::Text(_, leaf) | Part::Tag(_, _, leaf) => leaf.is_at_end(&mut texts(sink, 0))?,
                Part::Amount(_, leaf) => leaf.is_at_end(&mut doubles)?,
                Part::Time(_, parts, leaf) => leaf.is_at_end(&mut seconds(*parts))?,
                Part::Tags(_, map) => {
                    map.says_nothing == Some(true)
                        || map.next_keys.is_empty()
                            && map.keys.is_at_end(&mut texts(sink, 0))?
                            && map.values.is_at_end(&mut texts(sink, 0))?
                }
            };
            if !is_at_end {
                return Err(broken("a column goes on behind the last row"));
            }
        }
        Ok(())
    }
}

impl Part {
    fn column(&self) -> Option<Column> {
        match self {
            Self::Text(column, _) | Self::Amount(column, _) | Self::Time(column, ..) | Self::Tags(column, _) => {
                Some(*column)
            }
            Self::Tag(..) => None,
        }
    }

    fn only_for(&self) -> Option<Only> {
        self.column().and_then(Column::only_for)
    }

    fn fill(&mut self, rows: usize, first_row: u64, filling: &mut Filling<'_, impl Sink>) -> Result<(), ReportError> {
        let Filling { batch, keys, sink, scratch } = filling;
        match self {
            Self::Text(column, leaf) => {
                let found = &mut batch.names[*column as usize];
                leaf.fill(rows, Names::BLANK, &mut texts(sink, first_row), found)
            }
            Self::Amount(column, leaf) => {
                leaf.fill(rows, NO_AMOUNT, &mut doubles, &mut batch.doubles[*column as usize])
            }
            Self::Time(column, parts, leaf) => {
                leaf.fill(rows, NO_TIME, &mut seconds(*parts), &mut batch.seconds[*column as usize])
            }
            Self::Tag(role, rank, leaf) => {
                scratch.clear();
                leaf.fill(rows, Names::BLANK, &mut texts(sink, first_row), scratch)?;
                for (best, value) in batch.tags.iter_mut().zip(scratch.iter()) {
                    offer(&mut best[*role as usize], *rank, *value);
                }
                Ok(())
            }
            Self::Tags(column, map) => map.fill(rows, first_row, *column, scratch, batch, (*keys, *sink)),
        }
    }
}

impl MapLeaves {
    fn new(keys: Leaf<Name>, values: Leaf<Name>, all_in_dictionary: bool) -> Self {
        let says_nothing = if all_in_dictionary { None } else { Some(false) };
        let (next_keys, next_repetitions) = (Vec::new(), Vec::new());
        Self { keys, values, says_nothing, roles: KeyRoles::default(), next_keys, next_repetitions }
    }

    fn fill<S: Sink>(
        &mut self,
        rows: usize,
        first_row: u64,
        column: Column,
        entry_values: &mut Vec<Name>,
        batch: &mut Batch,
        (keys, sink): (&TagKeys, &Mutex<S>),
    ) -> Result<(), ReportError> {
        let mut texts = texts(sink, first_row);
        if self.says_nothing.is_none() {
            let roles = &mut self.roles;
            let mut role = |key: &Name| roles.of(*key, || keys.of_map(column, locked(sink).names().text(*key)));
            let keys = self.keys.dictionary(&mut texts)?;
            self.says_nothing = Some(keys.iter().all(|key| role(key).is_none()));
        }
        if self.says_nothing == Some(true) {
            return Ok(());
        }
        let entries = self.entries_of(rows, &mut texts)?;
        entry_values.clear();
        self.values.fill(entries, Names::BLANK, &mut texts, entry_values)?;
        let mut tags = batch.tags.iter_mut();
        let mut row = None;
        let said = self.next_keys.iter().zip(&self.next_repetitions).zip(entry_values.iter());
        for ((key, repetition), value) in said {
            if *repetition == 0 {
                row = tags.next();
            }
            let role = self.roles.of(*key, || keys.of_map(column, locked(sink).names().text(*key)));
            if let (Some((role, rank)), Some(row)) = (role, &mut row) {
                offer(&mut row[role as usize], rank, *value);
            }
        }
        self.next_keys.drain(..entries);
        self.next_repetitions.drain(..entries);
        Ok(())
    }

    /// How many of the next entries belong to the next `rows` rows; they are read then.
    fn entries_of(&mut self, rows: usize, texts: &mut Plain<'_, Name>) -> Result<usize, ReportError> {
        let (mut entries, mut begun) = (0, 0);
        loop {
            for repetition in &self.next_repetitions[entries..] {
                begun += usize::from(*repetition == 0);
                if begun > rows {
                    return Ok(entries);
                }
                entries += 1;
            }
            within("entries of a map in a few rows", entries as u64, MAX_ENTRIES)?;
            let Self { keys, next_keys, next_repetitions, .. } = self;
            keys.fill_repeated(ENTRIES_AT_A_TIME, Names::BLANK, texts, next_keys, next_repetitions)?;
            if next_keys.len() == entries {
                return if begun == rows { Ok(entries) } else { Err(broken("a map ends before the last row")) };
            }
        }
    }
}

/// The numbers of texts. The sink is locked once for some hundred of them.
fn texts<S: Sink>(
    sink: &Mutex<S>,
    first_row: u64,
) -> impl FnMut(&[u8], usize, &mut Vec<Name>) -> Result<usize, ReportError> {
    move |bytes, mut count, found| {
        let (mut texts, mut rest) = (Vec::with_capacity(TEXTS_AT_A_TIME), bytes);
        while count > 0 {
            texts.clear();
            for _ in 0..count.min(TEXTS_AT_A_TIME) {
                let too_short = || broken("a text is longer than its page");
                let (length, behind) = rest.split_first_chunk().ok_or_else(too_short)?;
                let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
                let (text, behind) = behind.split_at_checked(length).ok_or_else(too_short)?;
                if length > MAX_FIELD_BYTES {
                    return Err(ReportError::FieldTooLong { row: first_row, limit: MAX_FIELD_BYTES });
                }
                texts.push(text);
                rest = behind;
            }
            let known = locked(sink).names().numbers_of(&texts, found);
            known.ok_or_else(|| broken("a text is not UTF-8"))?;
            count -= texts.len();
        }
        Ok(bytes.len() - rest.len())
    }
}

fn doubles(bytes: &[u8], count: usize, found: &mut Vec<u64>) -> Result<usize, ReportError> {
    eight_bytes(bytes, count, |bytes| bits_of(f64::from_le_bytes(bytes)), found)
}

fn seconds(parts: i64) -> impl FnMut(&[u8], usize, &mut Vec<i64>) -> Result<usize, ReportError> {
    move |bytes, count, found| eight_bytes(bytes, count, |bytes| i64::from_le_bytes(bytes).div_euclid(parts), found)
}

fn eight_bytes<T>(
    bytes: &[u8],
    count: usize,
    value: impl Fn([u8; 8]) -> T,
    found: &mut Vec<T>,
) -> Result<usize, ReportError> {
    let (numbers, _) = bytes.as_chunks();
    let numbers = numbers.get(..count).ok_or_else(|| broken("a page has too few values"))?;
    found.extend(numbers.iter().map(|number| value(*number)));
    Ok(count * 8)
}
