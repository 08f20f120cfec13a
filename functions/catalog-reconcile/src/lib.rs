//! The index made anew from a scan of all records, and what became of the comparison with the one that followed the log.

mod comparison;
mod handler;
mod report;
mod scan;
mod settings;

pub use handler::{Action, Deps, handle};
pub use report::{Difference, Keys, Report};
pub use settings::Settings;
