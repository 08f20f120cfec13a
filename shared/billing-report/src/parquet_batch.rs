//! A batch of decoded columns -> its rows. Every physical type that a column was seen in is read as what it means.

use std::borrow::Cow;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Float32Type, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
};
use arrow_array::{Array, ArrayRef, MapArray, RecordBatch};
use arrow_schema::{DataType, TimeUnit};
use cost_model::{Amount, AmountError, Reading};
use jiff::Timestamp;

use crate::columns::{COLUMNS, Column, environment_rank};
use crate::error::ReportError;
use crate::row::{Row, excerpt, parse_time};

/// What a column is read for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    Text,
    Amount,
    Time,
    Map,
}

/// The columns of one batch, by [`Column`].
pub(crate) struct Batch {
    columns: Vec<Option<ArrayRef>>,
    /// Columns of a legacy report that are the environment tag, the best first.
    environment: Vec<ArrayRef>,
    first_row: u64,
}

/// A row of a batch.
pub(crate) struct BatchRow<'b> {
    pub(crate) batch: &'b Batch,
    pub(crate) at: usize,
}

/// Whether the column of this name is read.
pub(crate) fn is_read(name: &str) -> bool {
    Column::of_name(name).is_some() || environment_rank(name).is_some()
}

impl Batch {
    /// # Errors
    /// Fails on a column whose type cannot mean what the column means.
    pub(crate) fn new(batch: &RecordBatch, first_row: u64) -> Result<Self, ReportError> {
        let mut columns: Vec<Option<ArrayRef>> = vec![None; COLUMNS.len()];
        let mut environment = Vec::new();
        for (field, array) in batch.schema().fields().iter().zip(batch.columns()) {
            if let Some(column) = Column::of_name(field.name()) {
                let place = &mut columns[column as usize];
                if place.is_none() && check_type(column, array.data_type())? {
                    *place = Some(array.clone());
                }
            } else if let Some(rank) = environment_rank(field.name()).filter(|_| is_text(array.data_type())) {
                environment.push((rank, array.clone()));
            }
        }
        environment.sort_by_key(|(rank, _)| *rank);
        Ok(Self { columns, environment: environment.into_iter().map(|(_, array)| array).collect(), first_row })
    }

    pub(crate) fn has(&self, column: Column) -> bool {
        self.columns[column as usize].is_some()
    }
}

pub(crate) fn meaning(column: Column) -> Meaning {
    match column {
        Column::UsageStart | Column::UsageEnd => Meaning::Time,
        Column::Product | Column::ResourceTags | Column::Tags => Meaning::Map,
        _ if column.name().ends_with("_cost") => Meaning::Amount,
        Column::SavingsPlanTotal
        | Column::SavingsPlanUsed
        | Column::SavingsPlanUpfront
        | Column::SavingsPlanNetUpfront
        | Column::SavingsPlanRecurring
        | Column::SavingsPlanNetRecurring
        | Column::ReservationUnusedUpfront
        | Column::ReservationNetUnusedUpfront
        | Column::ReservationUnusedRecurring
        | Column::ReservationNetUnusedRecurring => Meaning::Amount,
        _ => Meaning::Text,
    }
}

/// False for a column that is null throughout (written without a type): it is as good as missing.
fn check_type(column: Column, found: &DataType) -> Result<bool, ReportError> {
    let meaning = meaning(column);
    let (fits, expected) = match meaning {
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

fn is_text(found: &DataType) -> bool {
    matches!(found, DataType::Utf8 | DataType::LargeUtf8 | DataType::Binary)
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

/// Blank for null.
fn text_at(array: &dyn Array, at: usize) -> Result<&str, std::str::Utf8Error> {
    if array.is_null(at) {
        return Ok("");
    }
    match array.data_type() {
        DataType::Utf8 => Ok(array.as_string::<i32>().value(at)),
        DataType::LargeUtf8 => Ok(array.as_string::<i64>().value(at)),
        DataType::Binary => std::str::from_utf8(array.as_binary::<i32>().value(at)),
        _ => Ok(""),
    }
}

fn number_at(array: &dyn Array, at: usize) -> Result<Reading, AmountError> {
    match array.data_type() {
        DataType::Float64 => Amount::read_f64(array.as_primitive::<Float64Type>().value(at)),
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

fn time_at(array: &dyn Array, at: usize) -> Option<Timestamp> {
    match array.data_type() {
        DataType::Timestamp(TimeUnit::Second, _) => {
            Timestamp::from_second(array.as_primitive::<TimestampSecondType>().value(at)).ok()
        }
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            Timestamp::from_millisecond(array.as_primitive::<TimestampMillisecondType>().value(at)).ok()
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            Timestamp::from_microsecond(array.as_primitive::<TimestampMicrosecondType>().value(at)).ok()
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            Timestamp::from_nanosecond(i128::from(array.as_primitive::<TimestampNanosecondType>().value(at))).ok()
        }
        DataType::Date32 => {
            let days = array.as_primitive::<Date32Type>().value(at);
            Timestamp::from_second(i64::from(days) * 86_400).ok()
        }
        _ => text_at(array, at).ok().and_then(parse_time),
    }
}

impl BatchRow<'_> {
    fn array(&self, column: Column) -> Option<&ArrayRef> {
        self.batch.columns[column as usize].as_ref()
    }

    fn invalid_utf8(&self, column: &'static str) -> ReportError {
        ReportError::Value { row: self.number(), column, value: "bytes".into(), expected: "UTF-8 text" }
    }

    /// The value of the best key, if there is one: the smallest rank that `rank` gives.
    fn map_value(&self, column: Column, rank: impl Fn(&str) -> Option<u8>) -> Result<&str, ReportError> {
        let Some(map) = self.array(column).filter(|map| map.is_valid(self.at)) else { return Ok("") };
        let map: &MapArray = map.as_map();
        let offsets = map.value_offsets();
        let (Ok(start), Ok(end)) = (usize::try_from(offsets[self.at]), usize::try_from(offsets[self.at + 1])) else {
            return Ok("");
        };
        let invalid = |_| self.invalid_utf8(column.name());
        let mut best: Option<(u8, &str)> = None;
        for at in start..end {
            let Some(rank) = rank(text_at(map.keys().as_ref(), at).map_err(invalid)?) else { continue };
            let value = text_at(map.values().as_ref(), at).map_err(invalid)?;
            if !value.is_empty() && best.is_none_or(|(known, _)| rank < known) {
                best = Some((rank, value));
            }
        }
        Ok(best.map_or("", |(_, value)| value))
    }
}

impl Row for BatchRow<'_> {
    fn number(&self) -> u64 {
        self.batch.first_row + self.at as u64
    }

    fn has(&self, column: Column) -> bool {
        self.batch.has(column)
    }

    fn text(&self, column: Column) -> Result<&str, ReportError> {
        let Some(array) = self.array(column) else { return Ok("") };
        text_at(array.as_ref(), self.at).map_err(|_| self.invalid_utf8(column.name()))
    }

    fn amount(&self, column: Column) -> Result<Option<Reading>, ReportError> {
        let Some(array) = self.array(column).filter(|array| array.is_valid(self.at)) else { return Ok(None) };
        let reading = if is_text(array.data_type()) {
            match self.text(column)?.trim() {
                "" => return Ok(None),
                text => Amount::read(text),
            }
        } else {
            number_at(array.as_ref(), self.at)
        };
        reading.map(Some).map_err(|source| ReportError::Amount { row: self.number(), column: column.name(), source })
    }

    fn time(&self, column: Column) -> Result<Option<Timestamp>, ReportError> {
        let Some(array) = self.array(column).filter(|array| array.is_valid(self.at)) else { return Ok(None) };
        if is_text(array.data_type()) && self.text(column)?.trim().is_empty() {
            return Ok(None);
        }
        time_at(array.as_ref(), self.at).map(Some).ok_or_else(|| ReportError::Value {
            row: self.number(),
            column: column.name(),
            value: text_at(array.as_ref(), self.at).map(excerpt).unwrap_or_default(),
            expected: "time",
        })
    }

    fn product(&self, key: &str) -> Result<Cow<'_, str>, ReportError> {
        self.map_value(Column::Product, |known| (known == key).then_some(0)).map(Cow::Borrowed)
    }

    fn environment_tag(&self) -> Result<Cow<'_, str>, ReportError> {
        for column in [Column::ResourceTags, Column::Tags] {
            let value = self.map_value(column, environment_rank)?;
            if !value.is_empty() {
                return Ok(Cow::Borrowed(value));
            }
        }
        for array in &self.batch.environment {
            let value = text_at(array.as_ref(), self.at).map_err(|_| self.invalid_utf8("resource_tags"))?;
            if !value.is_empty() {
                return Ok(Cow::Borrowed(value));
            }
        }
        Ok(Cow::Borrowed(""))
    }
}
