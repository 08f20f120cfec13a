//! SQS as far as a Lambda event source sees it: send, receive with a count, settle, redrive to the dead-letter queue.
//! At least once; a message that was in flight when the process ended is delivered again.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use rusqlite::{Transaction, params};
use s3s::crypto::{Checksum as _, Md5};
use serde_json::{Value, json};
use tokio::sync::{Notify, watch};
use uuid::Uuid;

use crate::{
    ACCOUNT, REGION, hex,
    state::{State, StateError},
    wiring::{self, Queue},
};

/// SQS refuses longer bodies.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html>
pub(crate) const MAX_BODY_BYTES: usize = 1024 * 1024;

/// Until when a received message is invisible: for good, as only its own worker settles it. Opening the queues ends it.
const IN_FLIGHT_MS: i64 = i64::MAX;

/// A message was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    #[error("there is no queue `{name}`")]
    NoSuchQueue { name: String },
    #[error("the message has {bytes} bytes, a queue takes {MAX_BODY_BYTES}")]
    TooLong { bytes: usize },
    #[error("could not enqueue")]
    State(#[from] StateError),
}

/// A message that its function did not accept in as many tries as its queue allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    pub queue: String,
    pub message_id: String,
    pub body: String,
    pub receives: u32,
    /// What the last invocation answered: its error, or that it reported the message as failed.
    pub failure: String,
}

/// Where a message stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Waiting, in flight, or between two tries.
    Pending,
    /// Accepted by its function, or never sent.
    Gone,
    Dead(DeadLetter),
}

/// A received message.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    position: i64,
    pub(crate) id: String,
    body: String,
    sent_ms: i64,
    first_received_ms: i64,
    pub(crate) receives: u32,
}

/// All queues of one stack.
#[derive(Debug)]
pub(crate) struct Queues {
    state: Arc<State>,
    wake: BTreeMap<&'static str, Notify>,
    changed: watch::Sender<u64>,
}

impl Queues {
    /// Opens the queues; what was in flight is visible again.
    pub(crate) fn open(state: Arc<State>) -> Result<Self, StateError> {
        state.write(|tx| {
            tx.execute("UPDATE messages SET visible_ms = 0 WHERE visible_ms = ?1", [IN_FLIGHT_MS])?;
            Ok::<_, StateError>(())
        })?;
        let wake = wiring::QUEUES.iter().map(|queue| (queue.name, Notify::new())).collect();
        Ok(Self { state, wake, changed: watch::Sender::new(0) })
    }

    /// Says that something was sent or settled, to those who wait for the stack to be idle.
    pub(crate) fn note_change(&self) {
        self.changed.send_modify(|generation| *generation = generation.wrapping_add(1));
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Sends to a queue, or to a dead-letter queue's source queue by its name. Returns the message id.
    pub(crate) fn send(&self, queue: &str, body: &str, now: Timestamp) -> Result<String, SendError> {
        let id = self.state.write(|tx| enqueue(tx, queue, body, now))?;
        self.announce(queue);
        Ok(id)
    }

    /// Wakes a queue's workers, after a transaction that enqueued.
    pub(crate) fn announce(&self, queue: &str) {
        if let Some(wake) = self.wake.get(queue) {
            wake.notify_one();
        }
        self.note_change();
    }

    /// Resolves when the queue may have something, at the latest at `retry_at`.
    pub(crate) async fn arrival(&self, queue: &Queue, retry_in: Option<std::time::Duration>) {
        let Some(wake) = self.wake.get(queue.name) else { return };
        match retry_in {
            Some(delay) => {
                let _timeout = tokio::time::timeout(delay, wake.notified()).await;
            }
            None => wake.notified().await,
        }
    }

    /// Takes up to a batch of the oldest visible messages and counts one delivery for each.
    pub(crate) fn receive(&self, queue: &Queue, now: Timestamp) -> Result<Vec<Message>, StateError> {
        let now_ms = now.as_millisecond();
        self.state.write(|tx| {
            let mut statement = tx.prepare_cached(
                "UPDATE messages SET receives = receives + 1, visible_ms = ?4,
                    first_received_ms = COALESCE(first_received_ms, ?2)
                 WHERE position IN (
                    SELECT position FROM messages WHERE queue = ?1 AND visible_ms <= ?2 ORDER BY position LIMIT ?3)
                 RETURNING position, id, body, sent_ms, first_received_ms, receives",
            )?;
            let rows = statement.query_map(params![queue.name, now_ms, queue.batch_size, IN_FLIGHT_MS], |row| {
                Ok(Message {
                    position: row.get(0)?,
                    id: row.get(1)?,
                    body: row.get(2)?,
                    sent_ms: row.get(3)?,
                    first_received_ms: row.get(4)?,
                    receives: row.get(5)?,
                })
            })?;
            let mut messages = rows.collect::<rusqlite::Result<Vec<_>>>()?;
            messages.sort_by_key(|message| message.position);
            Ok(messages)
        })
    }

    /// When the next hidden message becomes visible, in Unix milliseconds.
    pub(crate) fn next_visible_ms(&self, queue: &Queue) -> Result<Option<i64>, StateError> {
        self.state.read(|connection| {
            connection.query_row(
                "SELECT MIN(visible_ms) FROM messages WHERE queue = ?1 AND visible_ms < ?2",
                params![queue.name, IN_FLIGHT_MS],
                |row| row.get(0),
            )
        })
    }

    /// Removes messages that their function accepted.
    pub(crate) fn accept(&self, messages: &[Message]) -> Result<(), StateError> {
        self.state.write(|tx| {
            for message in messages {
                tx.execute("DELETE FROM messages WHERE position = ?1", [message.position])?;
            }
            Ok::<_, StateError>(())
        })?;
        self.note_change();
        Ok(())
    }

    /// Gives a failed message back: visible again at `retry_ms`, or to the dead-letter queue after its last try.
    pub(crate) fn reject(
        &self,
        queue: &Queue,
        message: &Message,
        failure: &str,
        retry_ms: i64,
    ) -> Result<(), StateError> {
        let last = message.receives >= queue.max_receive_count;
        let target = if last { queue.dead_letters } else { queue.name };
        self.state.write(|tx| {
            tx.execute(
                "UPDATE messages SET queue = ?2, visible_ms = ?3, failure = ?4 WHERE position = ?1",
                params![message.position, target, retry_ms, failure],
            )?;
            Ok::<_, StateError>(())
        })?;
        self.announce(queue.name);
        Ok(())
    }

    /// Messages that are not settled yet, dead letters not counted.
    pub(crate) fn pending(&self) -> Result<u64, StateError> {
        let mut total = 0;
        for queue in wiring::QUEUES {
            total += self.state.read(|connection| {
                connection.query_row("SELECT COUNT(*) FROM messages WHERE queue = ?1", [queue.name], |row| {
                    row.get::<_, u64>(0)
                })
            })?;
        }
        Ok(total)
    }

    pub(crate) fn dead_letters(&self) -> Result<Vec<DeadLetter>, StateError> {
        self.state.read(|connection| {
            let mut statement = connection
                .prepare("SELECT queue, id, body, receives, COALESCE(failure, '') FROM messages ORDER BY position")?;
            let rows = statement.query_map([], dead_letter)?;
            let mut letters = rows.collect::<rusqlite::Result<Vec<_>>>()?;
            letters.retain(|letter| wiring::QUEUES.iter().any(|queue| queue.dead_letters == letter.queue));
            Ok(letters)
        })
    }

    pub(crate) fn standing(&self, message_id: &str) -> Result<Standing, StateError> {
        let found = self.state.read(|connection| {
            use rusqlite::OptionalExtension as _;
            connection
                .query_row(
                    "SELECT queue, id, body, receives, COALESCE(failure, '') FROM messages WHERE id = ?1",
                    [message_id],
                    dead_letter,
                )
                .optional()
        })?;
        Ok(match found {
            None => Standing::Gone,
            Some(letter) if wiring::queue(&letter.queue).is_none() => Standing::Dead(letter),
            Some(_) => Standing::Pending,
        })
    }
}

fn dead_letter(row: &rusqlite::Row<'_>) -> rusqlite::Result<DeadLetter> {
    Ok(DeadLetter {
        queue: row.get(0)?,
        message_id: row.get(1)?,
        body: row.get(2)?,
        receives: row.get(3)?,
        failure: row.get(4)?,
    })
}

/// Writes a message within the caller's transaction. The caller announces it after the commit.
pub(crate) fn enqueue(tx: &Transaction<'_>, queue: &str, body: &str, now: Timestamp) -> Result<String, SendError> {
    if wiring::queue(queue).is_none() {
        return Err(SendError::NoSuchQueue { name: queue.to_owned() });
    }
    if body.len() > MAX_BODY_BYTES {
        return Err(SendError::TooLong { bytes: body.len() });
    }
    let id = Uuid::new_v4().to_string();
    let now_ms = now.as_millisecond();
    tx.execute(
        "INSERT INTO messages (id, queue, body, sent_ms, visible_ms) VALUES (?1, ?2, ?3, ?4, 0)",
        params![id, queue, body, now_ms],
    )
    .map_err(StateError::from)?;
    Ok(id)
}

/// The event that Lambda's SQS event source makes of a batch.
/// <https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html>
pub(crate) fn batch_event(queue: &Queue, messages: &[Message]) -> Value {
    let records: Vec<Value> = messages
        .iter()
        .map(|message| {
            let mut md5 = Md5::new();
            md5.update(message.body.as_bytes());
            json!({
                "messageId": message.id,
                "receiptHandle": format!("{}.{}", message.id, message.receives),
                "body": message.body,
                "attributes": {
                    "ApproximateReceiveCount": message.receives.to_string(),
                    "SentTimestamp": message.sent_ms.to_string(),
                    "SenderId": ACCOUNT,
                    "ApproximateFirstReceiveTimestamp": message.first_received_ms.to_string(),
                },
                "messageAttributes": {},
                "md5OfBody": hex(&md5.finalize()),
                "eventSource": "aws:sqs",
                "eventSourceARN": format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{}", queue.name),
                "awsRegion": REGION,
            })
        })
        .collect();
    json!({ "Records": records })
}
