//! Cost and Usage Reports: a manifest -> the files of one delivery, a file -> its line items.
//!
//! CUR 2.0 and legacy reports, Parquet and CSV, give the same [`LineItem`]s: columns are bound by name, in the form
//! `line_item_unblended_cost`, whatever order and set of columns a delivery has.
//! Columns: <https://docs.aws.amazon.com/cur/latest/userguide/table-dictionary-cur2.html>

mod batch_kinds;
mod columns;
mod commitment;
mod csv_file;
mod csv_maps;
mod csv_records;
mod day_sums;
mod error;
mod evidence;
mod kinds;
mod line;
mod line_item;
mod manifest;
mod marks;
mod names;
mod numbers;
mod pages;
mod parquet_batch;
mod parquet_chunks;
mod parquet_file;
mod parquet_group;
mod parquet_leaf;
mod parquet_runs;
mod parquet_texts;
mod places;
mod report_file;
mod roll_up_statement;
mod rolled_up;
mod row;
mod semantics;
mod sink;
mod sums;
mod tag_keys;
#[cfg(feature = "write")]
pub mod write;

pub use columns::{COLUMNS, Column, Requirement};
pub use csv_file::{MAX_FIELD_BYTES, read_csv};
pub use error::ReportError;
pub use evidence::{EvidenceSums, PriceKey, UsageKey, UsageSum};
pub use line::Line;
pub use line_item::{LineItem, LineTags, LineType, Metered, ReadCounts, SplitItem};
pub use manifest::{DataFile, FileFormat, MAX_FILES, Manifest, ManifestError, is_manifest_key};
pub use names::{Name, Names};
pub use pages::MAX_PAGE_BYTES;
pub use parquet_chunks::MAX_ROW_GROUP_BYTES;
pub use parquet_file::{MAX_FOOTER_BYTES, MAX_ROWS, read_parquet};
pub use places::{Place, SeenResource};
pub use report_file::ReportFile;
pub use roll_up_statement::{StatementError, TableOfReport, roll_up_statement, table_columns, unload};
pub use rolled_up::rows_of;
pub use sink::Sink;
pub use sums::{LineSums, MAX_SUMS};
pub use tag_keys::{TagKeys, TagRole};

#[cfg(test)]
mod file_tests;
#[cfg(test)]
mod line_item_tests;
#[cfg(test)]
mod months_tests;
#[cfg(test)]
mod parquet_group_tests;
#[cfg(test)]
mod test_sink;
