//! Table stream -> function, as Lambda's stream event source does it: in order, one batch at a time, a failed batch
//! again and again until it succeeds. A record is gone only once its batch was accepted, so a restart skips nothing.
//! <https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html>

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use tokio::sync::watch;
use tracing::warn;

use crate::{
    MAX_PAYLOAD_BYTES,
    dynamodb::{StreamBatch, TableError, TableStream},
    functions::Functions,
    queues::Queues,
    wiring,
};

/// How often an empty stream is looked at.
const POLL_INTERVAL: Duration = Duration::from_millis(20);
const MAX_RETRY_DELAY: Duration = Duration::from_secs(2);
/// Room in the payload for what is around the images.
const MAX_IMAGE_BYTES: usize = MAX_PAYLOAD_BYTES / 2;

/// Delivers the stream until `stop` is set; the batch in hand is finished first.
pub(crate) async fn run(
    stream: Arc<TableStream>,
    functions: Functions,
    queues: Arc<Queues>,
    retry_delay: Duration,
    mut stop: watch::Receiver<bool>,
) {
    let mut failures: u32 = 0;
    while !*stop.borrow() {
        let wait = match deliver(&stream, &functions).await {
            Ok(Delivered::Nothing) => POLL_INTERVAL,
            Ok(Delivered::All) => {
                failures = 0;
                queues.note_change();
                continue;
            }
            Ok(Delivered::Part { accepted, reason }) => {
                failures = if accepted > 0 { 1 } else { failures.saturating_add(1) };
                warn!(failures, accepted, reason, "stream batch failed, trying again");
                retry_delay.saturating_mul(1 << failures.min(16)).min(MAX_RETRY_DELAY)
            }
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "could not follow the stream, trying again");
                MAX_RETRY_DELAY
            }
        };
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
    }
}

enum Delivered {
    Nothing,
    All,
    Part { accepted: usize, reason: String },
}

async fn deliver(stream: &TableStream, functions: &Functions) -> Result<Delivered, TableError> {
    let source = &wiring::TABLE_STREAM;
    let batch = stream.read(source.batch_size, MAX_IMAGE_BYTES)?;
    if batch.records.is_empty() {
        return Ok(Delivered::Nothing);
    }
    let answer = functions.invoke(source.function, json!({"Records": batch.records})).await;
    let (accepted, reason) = match answer {
        Ok(answer) => accepted(&batch, &answer),
        Err(error) => (0, error.to_string()),
    };
    stream.trim(&batch, accepted)?;
    Ok(if accepted == batch.records.len() { Delivered::All } else { Delivered::Part { accepted, reason } })
}

/// How many records from the front were accepted: up to the lowest one that is reported as failed. An identifier that
/// is not in the batch fails all of it.
fn accepted(batch: &StreamBatch, answer: &Value) -> (usize, String) {
    let all = batch.records.len();
    let failures = match answer.get("batchItemFailures") {
        None | Some(Value::Null) => return (all, String::new()),
        Some(Value::Array(failures)) => failures,
        Some(other) => return (0, format!("batchItemFailures is no list: {other}")),
    };
    let mut first = all;
    for failure in failures {
        let id = failure.get("itemIdentifier").and_then(Value::as_str).unwrap_or_default();
        let Some(index) = batch.records.iter().position(|record| record["dynamodb"]["SequenceNumber"] == id) else {
            return (0, format!("the answer names `{id}`, which is not in the batch"));
        };
        first = first.min(index);
    }
    (first, "reported as failed by the function".to_owned())
}
