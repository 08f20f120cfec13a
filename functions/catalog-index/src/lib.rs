//! The table's stream -> the delta log, which every copy of the index in memory follows.
//!
//! Stream batches: <https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-eventsourcemapping.html>

mod handler;
mod rows;
mod settings;

pub use handler::{Deps, handle};
pub use settings::Settings;
