//! Rows as JSON objects -> a small CUR 2.0 report in Parquet with its manifest, as AWS delivers it.
//! For tests and for generated samples: everything is in memory, in one row group.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow_array::builder::{Float64Builder, MapBuilder, MapFieldNames, StringBuilder, TimestampMillisecondBuilder};
use arrow_array::{ArrayRef, RecordBatch};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use serde_json::{Map, Value, json};

use crate::columns::{COLUMNS, Column, Meaning};
use crate::row::parse_time;

/// A row: CUR 2.0's column names, and texts or numbers as values; for maps (`resource_tags`, `product`) objects of texts.
/// What is left out is null. Amounts should be texts: `"0.096"`.
pub type ReportRow = Map<String, Value>;

#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    #[error("row {row}: `{value}` cannot be written to column `{column}`")]
    Value { row: usize, column: String, value: String },
    #[error("the report cannot be encoded")]
    Encode {
        #[source]
        source: parquet::errors::ParquetError,
    },
    #[error("the columns do not fit together")]
    Columns {
        #[source]
        source: arrow_schema::ArrowError,
    },
}

/// A Parquet file with all columns that are read and whatever other columns `rows` have: amounts as doubles, times in
/// milliseconds, the rest texts, as in CUR 2.0.
///
/// # Errors
/// Fails on a value that its column cannot hold.
pub fn parquet(rows: &[ReportRow]) -> Result<Vec<u8>, WriteError> {
    parquet_as(rows, WriterProperties::builder().set_compression(Compression::SNAPPY).build())
}

pub(crate) fn parquet_as(rows: &[ReportRow], properties: WriterProperties) -> Result<Vec<u8>, WriteError> {
    let mut columns: Vec<(String, ArrayRef)> = Vec::new();
    // What stands for several lines is no report's.
    for (column, name, _) in COLUMNS.iter().filter(|(column, _, _)| !is_own(*column)) {
        let array = match column.meaning() {
            Meaning::Text => texts(rows, name)?,
            Meaning::Amount => amounts(rows, name)?,
            Meaning::Time => times(rows, name)?,
            Meaning::Map => maps(rows, name)?,
        };
        columns.push(((*name).to_owned(), array));
    }
    let others: BTreeSet<&String> = rows.iter().flat_map(Map::keys).filter(|k| Column::of_name(k).is_none()).collect();
    for name in others {
        columns.push((name.clone(), texts(rows, name)?));
    }
    let columns = columns.into_iter().map(|(name, array)| (name, array, true));
    let batch = RecordBatch::try_from_iter_with_nullable(columns).map_err(|source| WriteError::Columns { source })?;
    let encode = |source| WriteError::Encode { source };
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).map_err(encode)?;
    writer.write(&batch).map_err(encode)?;
    writer.into_inner().map_err(encode)
}

/// The manifest that announces the files `keys` of one delivery; `month` as in `2026-10`.
/// It belongs at `<prefix>/<export>/metadata/BILLING_PERIOD=<month>/<export>-Manifest.json`.
pub fn manifest(bucket: &str, export_arn: &str, execution: &str, keys: &[String]) -> Value {
    let columns: Vec<Value> = COLUMNS
        .iter()
        .filter(|(column, _, _)| !is_own(*column))
        .map(|(column, name, _)| {
            let kind = match column.meaning() {
                Meaning::Text => "string",
                Meaning::Amount => "double",
                Meaning::Time => "timestamp",
                Meaning::Map => "map",
            };
            json!({ "name": name, "type": kind })
        })
        .collect();
    let files: Vec<String> = keys.iter().map(|key| format!("s3://{bucket}/{key}")).collect();
    json!({ "executionId": execution, "exportArn": export_arn, "columns": columns, "dataFiles": files })
}

fn is_own(column: Column) -> bool {
    matches!(column, Column::Copies | Column::Lines)
}

fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn value_error(row: usize, column: &str, value: &Value) -> WriteError {
    WriteError::Value { row, column: column.to_owned(), value: value.to_string() }
}

/// The text of a column in every row; `None` for null.
fn column_texts<'a>(
    rows: &'a [ReportRow],
    name: &'a str,
) -> impl Iterator<Item = Result<(usize, Option<String>), WriteError>> + 'a {
    rows.iter().enumerate().map(move |(at, row)| match row.get(name) {
        None | Some(Value::Null) => Ok((at, None)),
        Some(value) => text_of(value).map(|text| (at, Some(text))).ok_or_else(|| value_error(at, name, value)),
    })
}

fn texts(rows: &[ReportRow], name: &str) -> Result<ArrayRef, WriteError> {
    let mut builder = StringBuilder::new();
    for cell in column_texts(rows, name) {
        builder.append_option(cell?.1);
    }
    Ok(Arc::new(builder.finish()))
}

fn amounts(rows: &[ReportRow], name: &str) -> Result<ArrayRef, WriteError> {
    let mut builder = Float64Builder::new();
    for cell in column_texts(rows, name) {
        let (at, text) = cell?;
        let number = text.map(|text| text.parse().map_err(|_| value_error(at, name, &json!(text)))).transpose()?;
        builder.append_option(number);
    }
    Ok(Arc::new(builder.finish()))
}

fn times(rows: &[ReportRow], name: &str) -> Result<ArrayRef, WriteError> {
    let mut builder = TimestampMillisecondBuilder::new();
    for cell in column_texts(rows, name) {
        let (at, text) = cell?;
        let time = text.map(|text| parse_time(&text).ok_or_else(|| value_error(at, name, &json!(text)))).transpose()?;
        builder.append_option(time.map(jiff::Timestamp::as_millisecond));
    }
    Ok(Arc::new(builder.finish()))
}

fn maps(rows: &[ReportRow], name: &str) -> Result<ArrayRef, WriteError> {
    let names = MapFieldNames { entry: "key_value".into(), key: "key".into(), value: "value".into() };
    let mut builder = MapBuilder::new(Some(names), StringBuilder::new(), StringBuilder::new());
    for (at, row) in rows.iter().enumerate() {
        let entries = match row.get(name) {
            None | Some(Value::Null) => None,
            Some(Value::Object(entries)) => Some(entries),
            Some(other) => return Err(value_error(at, name, other)),
        };
        for (key, value) in entries.into_iter().flatten() {
            builder.keys().append_value(key);
            builder.values().append_value(text_of(value).ok_or_else(|| value_error(at, name, value))?);
        }
        builder.append(entries.is_some()).map_err(|source| WriteError::Columns { source })?;
    }
    Ok(Arc::new(builder.finish()))
}
