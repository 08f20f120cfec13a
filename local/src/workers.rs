//! Queue -> function, as Lambda's SQS event source does it: batches, partial batch responses, tries until dead letter.
//! <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html>

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::watch;
use tracing::{error, warn};

use crate::{
    functions::{FunctionError, Functions},
    queues::{self, Message, Queues},
    state::StateError,
    wiring::Queue,
};

/// Lambda polls a queue with several pollers; more than one shows a handler that needs to be alone.
pub(crate) const WORKERS_PER_QUEUE: usize = 2;

/// A retry waits at most this long, however many came before it.
const MAX_RETRY_DELAY: Duration = Duration::from_secs(2);

/// Delivers a queue's messages until `stop` is set; the batch in hand is finished first.
pub(crate) async fn run(
    queue: &'static Queue,
    queues: Arc<Queues>,
    functions: Functions,
    retry_delay: Duration,
    mut stop: watch::Receiver<bool>,
) {
    while !*stop.borrow() {
        let delivered = deliver_batch(queue, &queues, &functions, retry_delay).await;
        let wait = match delivered {
            Ok(0) => match queues.next_visible_ms(queue) {
                Ok(at) => at.map(|at_ms| until(at_ms, Timestamp::now())),
                Err(error) => Some(report(queue, &error)),
            },
            Ok(_) => continue,
            Err(error) => Some(report(queue, &error)),
        };
        tokio::select! {
            () = queues.arrival(queue, wait) => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
    }
}

fn report(queue: &Queue, error: &StateError) -> Duration {
    error!(queue = queue.name, error = error as &dyn std::error::Error, "could not serve the queue, trying again");
    MAX_RETRY_DELAY
}

fn until(at_ms: i64, now: Timestamp) -> Duration {
    Duration::from_millis(u64::try_from(at_ms - now.as_millisecond()).unwrap_or(0).max(1))
}

/// Delivers one batch and settles each of its messages. Returns how many there were.
async fn deliver_batch(
    queue: &'static Queue,
    queues: &Queues,
    functions: &Functions,
    retry_delay: Duration,
) -> Result<usize, StateError> {
    let messages = queues.receive(queue, Timestamp::now())?;
    if messages.is_empty() {
        return Ok(0);
    }
    let count = messages.len();
    let answer = functions.invoke(queue.function, queues::batch_event(queue, &messages)).await;
    let mut accepted = Vec::with_capacity(count);
    for (message, failure) in settle(messages, &answer) {
        let Some(failure) = failure else {
            accepted.push(message);
            continue;
        };
        warn!(
            queue = queue.name,
            message.id,
            receives = message.receives,
            last = message.receives >= queue.max_receive_count,
            failure,
            "message failed"
        );
        let delay = retry_delay.saturating_mul(1 << (message.receives - 1).min(16)).min(MAX_RETRY_DELAY);
        let retry_ms = (Timestamp::now() + delay).as_millisecond();
        queues.reject(queue, &message, &failure, retry_ms)?;
    }
    queues.accept(&accepted)?;
    Ok(count)
}

/// Each message of a batch with its failure, or none when the answer accepts it. An answer that Lambda cannot read,
/// or that names a message that was not in the batch, fails the whole batch.
fn settle(messages: Vec<Message>, answer: &Result<Value, FunctionError>) -> Vec<(Message, Option<String>)> {
    let failed = match answer {
        Ok(answer) => failed_ids(answer),
        Err(error) => Err(error.to_string()),
    };
    let failed = failed.and_then(|ids| match ids.iter().find(|id| messages.iter().all(|m| m.id != **id)) {
        Some(stranger) => Err(format!("the answer names `{stranger}`, which is not in the batch")),
        None => Ok(ids),
    });
    messages
        .into_iter()
        .map(|message| {
            let failure = match &failed {
                Err(whole) => Some(whole.clone()),
                Ok(ids) if ids.contains(&message.id) => Some("reported as failed by the function".to_owned()),
                Ok(_) => None,
            };
            (message, failure)
        })
        .collect()
}

fn failed_ids(answer: &Value) -> Result<Vec<String>, String> {
    let failures = match answer {
        Value::Null => return Ok(Vec::new()),
        Value::Object(fields) => fields.get("batchItemFailures").unwrap_or(&Value::Null),
        other => return Err(format!("the answer is no batch response: {other}")),
    };
    let failures = match failures {
        Value::Null => return Ok(Vec::new()),
        Value::Array(failures) => failures,
        other => return Err(format!("batchItemFailures is no list: {other}")),
    };
    let id = |failure: &Value| failure.get("itemIdentifier").and_then(Value::as_str).map(str::to_owned);
    let ids: Option<Vec<String>> = failures.iter().map(id).collect();
    ids.filter(|ids| ids.iter().all(|id| !id.is_empty()))
        .ok_or_else(|| "a batch item failure has no itemIdentifier".to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_answer_that_cannot_be_read_fails_the_batch() {
        for answer in [json!("text"), json!({"batchItemFailures": 1}), json!({"batchItemFailures": [{"id": "x"}]})] {
            assert!(failed_ids(&answer).is_err(), "{answer}");
        }
        for answer in [json!(null), json!({}), json!({"batchItemFailures": null}), json!({"batchItemFailures": []})] {
            assert_eq!(failed_ids(&answer), Ok(Vec::new()), "{answer}");
        }
    }
}
