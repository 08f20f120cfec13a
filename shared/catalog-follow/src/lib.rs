//! The delta log -> the catalog in memory, as every reader of it has it: the query API, who compacts, who compares.

mod live;
mod log_row;

pub use live::{LiveCatalog, Progress, rules};
pub use log_row::LogRow;
