//! The whole system on one machine: the AWS services that it uses as small working models, and all functions on them.
//! Deliveries in, catalog out, over the real protocols on loopback.

mod apart;
mod api;
mod beside;
mod codepipeline;
pub mod config_aggregator;
pub mod connected;
mod door;
mod dynamodb;
pub mod functions;
mod gateway;
mod invoke;
pub mod ports;
mod queues;
pub mod replay;
mod s3;
mod schedules;
pub mod stack;
mod state;
mod stream;
mod streaming;
mod tasks;
pub mod wiring;
mod workers;

pub use apart::{DynamoDb, TableFolderError};
pub use dynamodb::TableError;
pub use ports::PortError;
pub use queues::{DeadLetter, SendError, Standing};
pub use schedules::ScheduleError;
pub use state::StateError;

/// Account of everything on this machine.
pub const ACCOUNT: &str = "000000000000";
/// Region of everything on this machine.
pub const REGION: &str = "us-east-1";

/// What Lambda takes and gives in one synchronous invocation.
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
pub const MAX_PAYLOAD_BYTES: usize = 6 * 1024 * 1024;

fn stream_arn() -> String {
    format!("arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{}/stream/2025-01-01T00:00:00.000", wiring::TABLE.name)
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}
