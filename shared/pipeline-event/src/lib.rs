//! What AWS's pipelines say -> what it means for the catalog. No I/O, no clock, no AWS SDK.
//!
//! | module | in -> out |
//! |---|---|
//! | [`job`] | the event of a Lambda invoke action -> where the export lies, and whose credentials may read it |
//! | [`export_request`] | the action's `UserParameters` -> which file is which export |
//! | [`artifact`] | the bytes of an input artifact -> the one file |
//! | [`report`] | what became of a job -> what the pipeline is told |
//! | [`deployment`] | the export format `deployment`, or observations -> deployments |
//! | [`answer`] | deployments and executions of an entity -> the answer of the API |
//! | [`dora`] | deployments -> the four figures of an entity |
//! | [`state`] | state events of pipelines, builds, deployments and stacks -> observations, and their order |

pub mod answer;
pub mod artifact;
pub mod deployment;
pub mod dora;
pub mod export_request;
pub mod job;
pub mod report;
mod secret;
pub mod state;

pub use secret::Secret;

#[cfg(test)]
mod sample_tests;
