//! Cost and Usage Reports: a manifest -> the files of one delivery, a file -> its line items.
//!
//! CUR 2.0 and legacy reports, Parquet and CSV, give the same [`LineItem`]s: columns are bound by name, in the form
//! `line_item_unblended_cost`, whatever order and set of columns a delivery has.
//! Columns: <https://docs.aws.amazon.com/cur/latest/userguide/table-dictionary-cur2.html>

mod columns;
mod csv_file;
mod error;
mod line_item;
mod manifest;
mod parquet_batch;
mod parquet_file;
mod row;
mod semantics;
#[cfg(feature = "write")]
pub mod write;

pub use columns::{COLUMNS, Column, Requirement};
pub use csv_file::{MAX_FIELD_BYTES, read_csv};
pub use error::ReportError;
pub use line_item::{LineItem, LineType, ReadCounts};
pub use manifest::{DataFile, FileFormat, MAX_FILES, Manifest, ManifestError, is_manifest_key};
pub use parquet_file::{MAX_FOOTER_BYTES, MAX_ROWS, read_parquet};

#[cfg(test)]
mod file_tests;
#[cfg(test)]
mod line_item_tests;
