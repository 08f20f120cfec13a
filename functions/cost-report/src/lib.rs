//! A cost report's manifest in an SQS batch -> rollups of the month under a new generation, and the head that names it.
//!
//! ```text
//! manifest -> files, pinned by ETag, read range by range -> line items -> sums by day, resource and place (`billing_report`)
//!   -> the resource's record -> component, system, owner, environment (`allocations.rs`)
//!   -> a rollup for each scope, which add up to the bill (`cost_model::ScopeRollups::check`)
//!   -> the store, under a generation that nobody reads yet -> one conditional flip of the head (`publish.rs`)
//! ```
//!
//! A report that is too large for one function is rolled up by Athena first (`athena.rs`): the manifest starts a query, and the event
//! of its end goes on with the rows of the result as with a report's.
//!
//! A report replaces its whole month. Whatever fails on the way, the head that stood still stands.

mod allocations;
mod athena;
mod error;
mod evidence;
mod handler;
mod prior;
mod publish;
mod report;
mod reports_bucket;
mod settings;

pub use error::CostReportError;
pub use handler::{Deps, handle};
pub use settings::{AthenaSettings, DEFAULT_MAX_REPORT_BYTES, Settings};
