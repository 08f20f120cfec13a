//! CI/CD exports, by HTTP and by S3 drop -> records, and a receipt for the sender.
//!
//! | door | what comes in | what goes out |
//! |---|---|---|
//! | `PUT`, `GET`, `DELETE /api/exports/{producer}/{format}/{name}` | API Gateway REST request | the receipt |
//! | `s3://<drop bucket>/exports/<producer>/<format>/<name>[.<extension>]` | S3 notifications in an SQS batch | the receipt, to be read by HTTP |
//!
//! | CodePipeline's Lambda invoke action | a job | its result, with the entities as output variables |
//!
//! All doors do the same; a file that comes by two is two source objects. State events of pipelines, builds, deployments and
//! stacks come through the queue too.

mod beside;
mod drop_door;
mod error;
mod event;
mod export;
mod handler;
mod http_door;
mod job_door;
mod long_export;
mod pinned_object;
mod preview;
mod producers;
mod progress;
mod receipt;
mod replay;
mod settings;
mod state_event;

pub use error::CicdExportError;
pub use event::Event;
pub use handler::{Deps, handle};
pub use producers::{NotAllowed, Producers, ProducersError};
pub use settings::Settings;
