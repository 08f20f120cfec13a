//! What can be wrong with a report's file.

use cost_model::AmountError;

#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    #[error("the file is not Parquet: {reason}")]
    NotParquet { reason: &'static str },
    #[error("the file has {found} {what}, more than {limit}")]
    Limit { what: &'static str, found: u64, limit: u64 },
    #[error("the Parquet file is broken at row {row}")]
    Parquet {
        row: u64,
        #[source]
        source: parquet::errors::ParquetError,
    },
    #[error("the Parquet file is broken at row {row}")]
    Arrow {
        row: u64,
        #[source]
        source: arrow_schema::ArrowError,
    },
    /// The decoder itself gave up.
    #[error("the Parquet file is broken at row {row} in a way that its decoder cannot describe")]
    Undecodable { row: u64 },
    #[error("the Parquet file has {found} rows, but its footer says {expected}")]
    RowCount { found: u64, expected: u64 },
    /// The way to the file failed, not the file.
    #[error("the file cannot be read")]
    File {
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("the CSV file is broken at row {row}")]
    Csv {
        row: u64,
        #[source]
        source: std::io::Error,
    },
    #[error("the zip file cannot be opened")]
    Zip {
        #[source]
        source: zip::result::ZipError,
    },
    #[error("the zip file has {found} entries, and a report's has one")]
    ZipEntries { found: usize },
    #[error("row {row} has {found} fields, but the head line has {expected}")]
    FieldCount { row: u64, found: u64, expected: u64 },
    #[error("row {row} has a field of more than {limit} bytes")]
    FieldTooLong { row: u64, limit: usize },
    #[error("the report has no column `{column}`; add it to the export's columns")]
    MissingColumn { column: &'static str },
    #[error("column `{column}` has type {found}, which holds no {expected}")]
    WrongType { column: &'static str, found: String, expected: &'static str },
    #[error("row {row}: column `{column}` holds `{value}`, which is no {expected}")]
    Value { row: u64, column: &'static str, value: String, expected: &'static str },
    #[error("row {row}: column `{column}` holds no amount")]
    Amount {
        row: u64,
        column: &'static str,
        #[source]
        source: AmountError,
    },
    #[error("row {row} cannot be added up")]
    Sum {
        row: u64,
        #[source]
        source: AmountError,
    },
}
