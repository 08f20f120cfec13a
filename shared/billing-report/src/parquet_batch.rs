//! A batch of decoded columns -> its rows. Every physical type that a column was seen in is read as what it means.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Float32Type, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
};
use arrow_array::{Array, ArrayRef, MapArray, RecordBatch};
use arrow_schema::{DataType, Field, SchemaRef, TimeUnit};
use cost_model::{Amount, AmountError, Reading};

use crate::columns::{COLUMN_COUNT, Column, Meaning};
use crate::error::ReportError;
use crate::names::{Name, Names};
use crate::parquet_texts::{Texts, is_text, text_at};
use crate::row::{Row, excerpt, parse_time};
use crate::tag_keys::{Rank, TagKeys, TagRole};

/// The columns of one batch, ready to be asked row by row. Kept from batch to batch: its memory is used again.
#[derive(Debug)]
pub(crate) struct Batch {
    /// By column; nothing for a column that is missing.
    pub(crate) names: [Vec<Name>; COLUMN_COUNT],
    pub(crate) seconds: [Vec<i64>; COLUMN_COUNT],
    /// The bits of doubles, which nearly all reports have for amounts.
    pub(crate) doubles: [Vec<u64>; COLUMN_COUNT],
    other_amounts: [Option<ArrayRef>; COLUMN_COUNT],
    product: Option<ArrayRef>,
    /// Of each row by role: the best value, and how good it is.
    pub(crate) tags: Vec<[(Rank, Name); TagRole::COUNT]>,
    pub(crate) has: [bool; COLUMN_COUNT],
    /// The file has no map `product`, so that there is nothing to wait for.
    has_no_product: bool,
    texts: Vec<Texts>,
    roles: Vec<KeyRoles>,
    /// Of the entries of a map, or of a tag's column.
    scratch: [Vec<Name>; 2],
    /// What the fields of a schema are: the next batch mostly has the same one.
    fields: Option<(SchemaRef, Vec<FieldKind>)>,
    rows: usize,
    first_row: u64,
}

/// What the keys of a map say, by their numbers.
#[derive(Debug, Default)]
pub(crate) struct KeyRoles {
    /// `None`: not looked up yet.
    roles: Vec<Option<Option<(TagRole, Rank)>>>,
}

/// A row of a batch.
pub(crate) struct BatchRow<'b> {
    pub(crate) batch: &'b Batch,
    pub(crate) at: usize,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum FieldKind {
    Column(Column),
    Tag(TagRole, Rank),
    /// Decoded for nothing, as it has no type that can be read.
    Neither,
}

impl FieldKind {
    pub(crate) fn of(field: &Field, keys: &TagKeys) -> Self {
        if let Some(column) = Column::of_name(field.name()) {
            return Self::Column(column);
        }
        let said = keys.of_name(field.name()).filter(|_| is_text(field.data_type()));
        said.map_or(Self::Neither, |(role, rank)| Self::Tag(role, rank))
    }
}

/// No time: before everything.
pub(crate) const NO_TIME: i64 = i64::MIN;
/// No amount: a number that is none, of which there are many.
pub(crate) const NO_AMOUNT: u64 = u64::MAX;
/// Worse than every rank.
const UNSAID: Rank = Rank::MAX;

impl KeyRoles {
    /// What the key says, looked up once.
    pub(crate) fn of(
        &mut self,
        key: Name,
        look_up: impl FnOnce() -> Option<(TagRole, Rank)>,
    ) -> Option<(TagRole, Rank)> {
        if self.roles.len() <= key as usize {
            self.roles.resize(key as usize + 1, None);
        }
        *self.roles[key as usize].get_or_insert_with(look_up)
    }
}

impl Batch {
    pub(crate) fn new(has_no_product: bool) -> Self {
        Self {
            names: [const { Vec::new() }; COLUMN_COUNT],
            seconds: [const { Vec::new() }; COLUMN_COUNT],
            doubles: [const { Vec::new() }; COLUMN_COUNT],
            other_amounts: [const { None }; COLUMN_COUNT],
            product: None,
            tags: Vec::new(),
            has: [false; COLUMN_COUNT],
            has_no_product,
            texts: Vec::new(),
            roles: Vec::new(),
            scratch: Default::default(),
            fields: None,
            rows: 0,
            first_row: 0,
        }
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    pub(crate) fn has(&self, column: Column) -> bool {
        self.has[column as usize]
    }

    /// Forgets what was there; the first row has the number `first_row` in its file.
    pub(crate) fn begin(&mut self, rows: usize, first_row: u64) {
        (self.rows, self.first_row) = (rows, first_row);
        self.has = [false; COLUMN_COUNT];
        self.product = None;
        self.names.iter_mut().for_each(Vec::clear);
        self.seconds.iter_mut().for_each(Vec::clear);
        self.doubles.iter_mut().for_each(Vec::clear);
        self.other_amounts.fill_with(|| None);
        self.tags.clear();
        self.tags.resize(rows, [(UNSAID, Names::BLANK); TagRole::COUNT]);
    }

    /// Takes the columns of `batch`, whose first row has the number `first_row` in its file.
    ///
    /// # Errors
    /// Fails on a column whose type cannot mean what the column means, and on a time or a text that is none.
    pub(crate) fn fill(
        &mut self,
        batch: &RecordBatch,
        first_row: u64,
        keys: &TagKeys,
        names: &mut Names,
    ) -> Result<(), ReportError> {
        self.begin(batch.num_rows(), first_row);
        let schema = batch.schema();
        let fields = match self.fields.take() {
            Some((known, fields)) if Arc::ptr_eq(&known, &schema) => fields,
            _ => schema.fields().iter().map(|field| FieldKind::of(field, keys)).collect(),
        };
        // A map has two columns of texts.
        self.texts.resize_with(2 * fields.len(), Texts::default);
        self.roles.resize_with(fields.len(), KeyRoles::default);
        for (at, (kind, array)) in fields.iter().zip(batch.columns()).enumerate() {
            match *kind {
                FieldKind::Column(column) if self.has[column as usize] => {}
                FieldKind::Column(column) => self.has[column as usize] = self.take(column, array, at, keys, names)?,
                FieldKind::Tag(role, rank) => {
                    let texts = &mut self.texts[2 * at];
                    texts.fill(array, first_row, names)?;
                    let [values, _] = &mut self.scratch;
                    texts.names_of(array, names, values);
                    for (best, value) in self.tags.iter_mut().zip(values) {
                        offer(&mut best[role as usize], rank, *value);
                    }
                }
                FieldKind::Neither => {}
            }
        }
        self.fields = Some((schema, fields));
        Ok(())
    }

    /// False for a column that is null throughout (written without a type): it is as good as missing.
    fn take(
        &mut self,
        column: Column,
        array: &ArrayRef,
        at: usize,
        keys: &TagKeys,
        names: &mut Names,
    ) -> Result<bool, ReportError> {
        if !check_type(column, array.data_type())? {
            return Ok(false);
        }
        match column.meaning() {
            Meaning::Text => {
                let texts = &mut self.texts[2 * at];
                texts.fill(array, self.first_row, names)?;
                texts.names_of(array, names, &mut self.names[column as usize]);
            }
            Meaning::Amount => match array.as_primitive_opt::<Float64Type>() {
                Some(doubles) => {
                    self.doubles[column as usize].extend(doubles.iter().map(|value| value.map_or(NO_AMOUNT, bits_of)));
                }
                None => self.other_amounts[column as usize] = Some(array.clone()),
            },
            Meaning::Time => seconds_of(column, array, self.first_row, &mut self.seconds[column as usize])?,
            Meaning::Map if column == Column::Product => self.product = Some(array.clone()),
            Meaning::Map => self.take_tags(column, array.as_map(), at, keys, names)?,
        }
        Ok(true)
    }

    fn take_tags(
        &mut self,
        column: Column,
        map: &MapArray,
        at: usize,
        tag_keys: &TagKeys,
        names: &mut Names,
    ) -> Result<(), ReportError> {
        let (keys, values) = (map.keys(), map.values());
        let [key_texts, value_texts, ..] = &mut self.texts[2 * at..] else { return Ok(()) };
        key_texts.fill(keys, self.first_row, names)?;
        value_texts.fill(values, self.first_row, names)?;
        let [entry_keys, entry_values] = &mut self.scratch;
        key_texts.names_of(keys, names, entry_keys);
        value_texts.names_of(values, names, entry_values);
        let roles = &mut self.roles[at];
        let offsets = map.value_offsets();
        for row in 0..map.len() {
            let (Ok(start), Ok(end)) = (usize::try_from(offsets[row]), usize::try_from(offsets[row + 1])) else {
                break;
            };
            let entries = entry_keys.get(start..end).into_iter().flatten();
            for (key, value) in entries.zip(entry_values.get(start..end).into_iter().flatten()) {
                let role = roles.of(*key, || tag_keys.of_map(column, names.text(*key)));
                if let Some((role, rank)) = role {
                    offer(&mut self.tags[row][role as usize], rank, *value);
                }
            }
        }
        Ok(())
    }
}

/// A double is not NaN in the way that stands for no amount.
pub(crate) fn bits_of(value: f64) -> u64 {
    let bits = value.to_bits();
    if bits == NO_AMOUNT { f64::NAN.to_bits() } else { bits }
}

/// The first of equally good tags counts: tags whose keys differ in case are columns of one rank.
pub(crate) fn offer(best: &mut (Rank, Name), rank: Rank, value: Name) {
    if value != Names::BLANK && rank < best.0 {
        *best = (rank, value);
    }
}

pub(crate) fn check_type(column: Column, found: &DataType) -> Result<bool, ReportError> {
    let (fits, expected) = match column.meaning() {
        Meaning::Text => (is_text(found), "text"),
        Meaning::Amount => (is_text(found) || is_number(found), "amount"),
        Meaning::Time => (is_text(found) || matches!(found, DataType::Timestamp(..) | DataType::Date32), "time"),
        // A report without maps may use the name for something else: nothing depends on it.
        Meaning::Map => return Ok(is_text_map(found)),
    };
    if !fits && *found != DataType::Null {
        return Err(ReportError::WrongType { column: column.name(), found: found.to_string(), expected });
    }
    Ok(fits)
}

fn is_number(found: &DataType) -> bool {
    matches!(
        found,
        DataType::Float64 | DataType::Float32 | DataType::Int32 | DataType::Int64 | DataType::Decimal128(..)
    )
}

fn is_text_map(found: &DataType) -> bool {
    let DataType::Map(entries, _) = found else { return false };
    let DataType::Struct(fields) = entries.data_type() else { return false };
    fields.len() == 2 && fields.iter().all(|field| is_text(field.data_type()))
}

fn number_at(array: &dyn Array, at: usize) -> Result<Reading, AmountError> {
    match array.data_type() {
        // At its own shortest decimal: as a double, 0.1 would be 0.10000000149.
        DataType::Float32 => Amount::read(&array.as_primitive::<Float32Type>().value(at).to_string()),
        DataType::Int32 => Amount::read(&array.as_primitive::<Int32Type>().value(at).to_string()),
        DataType::Int64 => Amount::read(&array.as_primitive::<Int64Type>().value(at).to_string()),
        DataType::Decimal128(_, scale) => {
            Amount::read(&format!("{}e{}", array.as_primitive::<Decimal128Type>().value(at), -i16::from(*scale)))
        }
        other => Err(AmountError::Form { text: other.to_string() }),
    }
}

fn seconds_of(column: Column, array: &ArrayRef, first_row: u64, seconds: &mut Vec<i64>) -> Result<(), ReportError> {
    seconds.clear();
    let mut per_second = |values: &[i64], parts: i64| {
        let second = |(at, value): (usize, &i64)| if array.is_null(at) { NO_TIME } else { value.div_euclid(parts) };
        seconds.extend(values.iter().enumerate().map(second));
    };
    match array.data_type() {
        DataType::Timestamp(TimeUnit::Second, _) => per_second(array.as_primitive::<TimestampSecondType>().values(), 1),
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            per_second(array.as_primitive::<TimestampMillisecondType>().values(), 1_000);
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            per_second(array.as_primitive::<TimestampMicrosecondType>().values(), 1_000_000);
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            per_second(array.as_primitive::<TimestampNanosecondType>().values(), 1_000_000_000);
        }
        DataType::Date32 => {
            let days = array.as_primitive::<Date32Type>().values().iter().enumerate();
            let second = |(at, day): (usize, &i32)| if array.is_null(at) { NO_TIME } else { i64::from(*day) * 86_400 };
            seconds.extend(days.map(second));
        }
        _ => {
            for at in 0..array.len() {
                let text = text_at(array, at).trim();
                let time = if text.is_empty() { Some(NO_TIME) } else { parse_time(text).map(|time| time.as_second()) };
                seconds.push(time.ok_or_else(|| ReportError::Value {
                    row: first_row + at as u64,
                    column: column.name(),
                    value: excerpt(text),
                    expected: "time",
                })?);
            }
        }
    }
    Ok(())
}

impl Row for BatchRow<'_> {
    fn number(&self) -> u64 {
        self.batch.first_row + self.at as u64
    }

    fn has(&self, column: Column) -> bool {
        self.batch.has(column)
    }

    #[inline]
    fn name(&self, column: Column, _: &mut Names) -> Result<Name, ReportError> {
        Ok(self.batch.names[column as usize].get(self.at).copied().unwrap_or(Names::BLANK))
    }

    #[inline]
    fn is_blank(&self, column: Column) -> Result<bool, ReportError> {
        Ok(self.batch.names[column as usize].get(self.at).is_none_or(|name| *name == Names::BLANK))
    }

    #[inline]
    fn amount(&self, column: Column) -> Result<Option<Reading>, ReportError> {
        let reading =
            match (self.batch.doubles[column as usize].get(self.at), &self.batch.other_amounts[column as usize]) {
                (Some(&NO_AMOUNT), _) | (None, None) => return Ok(None),
                (Some(bits), _) => Amount::read_f64(f64::from_bits(*bits)),
                (None, Some(array)) if array.is_null(self.at) => return Ok(None),
                (None, Some(array)) if is_text(array.data_type()) => match text_at(array, self.at).trim() {
                    "" => return Ok(None),
                    text => Amount::read(text),
                },
                (None, Some(array)) => number_at(array, self.at),
            };
        reading.map(Some).map_err(|source| ReportError::Amount { row: self.number(), column: column.name(), source })
    }

    #[inline]
    fn ten_places(&self, column: Column) -> Option<Option<i64>> {
        match (self.batch.doubles[column as usize].get(self.at), &self.batch.other_amounts[column as usize]) {
            (Some(&NO_AMOUNT), _) | (None, None) => Some(None),
            (Some(bits), _) => Amount::ten_places_of_f64(f64::from_bits(*bits)).map(Some),
            (None, Some(_)) => None,
        }
    }

    #[inline]
    fn seconds(&self, column: Column) -> Result<Option<i64>, ReportError> {
        Ok(self.batch.seconds[column as usize].get(self.at).copied().filter(|second| *second != NO_TIME))
    }

    fn product(&self, key: &str, names: &mut Names) -> Result<Option<Name>, ReportError> {
        let Some(map) = &self.batch.product else { return Ok(self.batch.has_no_product.then_some(Names::BLANK)) };
        let map: &MapArray = map.as_map();
        let offsets = map.value_offsets();
        let (Ok(start), Ok(end)) = (usize::try_from(offsets[self.at]), usize::try_from(offsets[self.at + 1])) else {
            return Ok(Some(Names::BLANK));
        };
        let entry = (start..end).find(|entry| text_at(map.keys(), *entry) == key);
        Ok(Some(entry.map_or(Names::BLANK, |entry| names.number(text_at(map.values(), entry).trim()))))
    }

    #[inline]
    fn tag(&self, role: TagRole, _: &mut Names) -> Result<Name, ReportError> {
        Ok(self.batch.tags[self.at][role as usize].1)
    }
}
