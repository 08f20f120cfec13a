//! The table's stream -> the delta log, which every copy of the index in memory follows; and the log -> the next segment.
//!
//! Stream batches: <https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-eventsourcemapping.html>

mod compaction;
mod event;
mod handler;
mod rows;
mod settings;
mod stream_batch;

pub use compaction::{Compaction, Outcome};
pub use event::{Action, Answer, Event};
pub use handler::{Deps, handle};
pub use settings::Settings;
