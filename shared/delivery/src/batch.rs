//! An SQS batch -> each message alone, and the partial batch response.
//! <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html>

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use futures::{StreamExt, stream};
use tracing::warn;

use crate::{Class, Classify, describe};

/// One message of a batch, with what every handler needs of it.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// SQS message id; the same at every receive of the same message.
    pub id: &'a str,
    /// The body as the sender wrote it.
    pub body: &'a str,
    /// How often SQS has handed this message out, this time included; from 1.
    pub receive_count: u32,
    /// SQS moves the message to the dead-letter queue if it fails now.
    pub last_try: bool,
}

/// What became of the messages of one batch: `received = acked + retried + dead`, always.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Messages in the batch.
    pub received: u64,
    /// Handled; SQS deletes them.
    pub acked: u64,
    /// Failed with a receive left; SQS hands them out again.
    pub retried: u64,
    /// Failed at the last permitted receive.
    pub dead: u64,
}

/// Why one message failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// SQS message id, or `#<position>` for a record that had none.
    pub message_id: String,
    /// Reason in kebab case.
    pub code: &'static str,
    /// The error and its causes, at most 500 characters, for people.
    pub detail: String,
    /// Whether another try could have helped.
    pub class: Class,
    /// Receives so far, this one included.
    pub receive_count: u32,
    /// There is no further receive: the message is a dead letter now.
    pub last_try: bool,
}

/// The answer to Lambda and the account of the batch.
#[derive(Debug)]
pub struct BatchOutcome<T = ()> {
    /// To be returned from the function as it is.
    pub response: SqsBatchResponse,
    /// Conservation counts.
    pub counts: Counts,
    /// One entry per failed message, in the order of the batch.
    pub failures: Vec<Failure>,
    /// What `apply` returned for each acknowledged message, in the order of the batch.
    pub applied: Vec<T>,
    /// Ids of the acknowledged messages that had been handed out before: whatever failed of them then is past.
    pub recovered: Vec<String>,
}

/// A record that SQS would not have sent.
#[derive(Debug, thiserror::Error)]
enum RecordError {
    #[error("the SQS record has no messageId: it cannot be retried")]
    MissingMessageId,
    #[error("the SQS record has no body")]
    MissingBody,
}

impl Classify for RecordError {
    fn class(&self) -> Class {
        Class::DeadLetter
    }

    fn code(&self) -> &'static str {
        match self {
            Self::MissingMessageId => "missing-message-id",
            Self::MissingBody => "missing-body",
        }
    }
}

/// Hands the messages of a batch to `apply`, one after the other; a failing one never holds back the rest.
///
/// `max_receive_count` is that of the queue's redrive policy (0 counts as 1). A failed message is always
/// reported back to SQS, also when retrying cannot help: it is the redrive policy that moves it to the
/// dead-letter queue, after its last receive.
///
/// The one exception is a record without a `messageId`, which SQS never sends: an empty identifier in the
/// response would make Lambda repeat the whole batch, so that such a record is counted dead at once and
/// is only in `failures`.
///
/// `apply` is an async closure that borrows what it needs; it hands results out by returning them, not by
/// writing to what it borrowed. (That is what `AsyncFnMut` would add, and with it the compiler cannot prove
/// that the future is `Send`: checked on Rust 1.95.)
///
/// A panic in `apply` is not caught: Lambda restarts the function, and SQS hands out the batch again.
pub async fn batch<'e, T, E, F, Applying>(event: &'e SqsEvent, max_receive_count: u32, apply: F) -> BatchOutcome<T>
where
    E: Classify + 'static,
    F: FnMut(Message<'e>) -> Applying,
    Applying: Future<Output = Result<T, E>>,
{
    concurrent_batch(event, max_receive_count, 1, apply).await
}

/// As [`batch`], with up to `at_once` messages under way: for messages that commute, and of which so many may be held.
pub async fn concurrent_batch<'e, T, E, F, Applying>(
    event: &'e SqsEvent,
    max_receive_count: u32,
    at_once: usize,
    mut apply: F,
) -> BatchOutcome<T>
where
    E: Classify + 'static,
    F: FnMut(Message<'e>) -> Applying,
    Applying: Future<Output = Result<T, E>>,
{
    // Gathered first: with a closure over the records inside, no future around it could be sent to another thread.
    let tries: Vec<_> = event
        .records
        .iter()
        .map(|record| {
            let applying = Message::of(record, max_receive_count).map(&mut apply);
            async {
                match applying {
                    Ok(applying) => Ok(applying.await),
                    Err(error) => Err(error),
                }
            }
        })
        .collect();
    let mut tried = stream::iter(tries).buffered(at_once);
    let mut outcome = BatchOutcome {
        response: SqsBatchResponse::default(),
        counts: Counts::default(),
        failures: Vec::new(),
        applied: Vec::new(),
        recovered: Vec::new(),
    };
    for (index, record) in event.records.iter().enumerate() {
        let Some(tried) = tried.next().await else { break };
        let (receive_count, last_try) = receives(record, max_receive_count);
        let id = record.message_id.as_deref().unwrap_or_default();
        match tried {
            Ok(Ok(applied)) => outcome.acknowledge(applied, id, receive_count),
            Ok(Err(error)) => {
                outcome.response.add_failure(id);
                outcome.fail(id.to_owned(), &error, receive_count, last_try);
            }
            Err(RecordError::MissingMessageId) => {
                outcome.fail(format!("#{index}"), &RecordError::MissingMessageId, receive_count, true);
            }
            Err(RecordError::MissingBody) => {
                outcome.response.add_failure(id);
                outcome.fail(id.to_owned(), &RecordError::MissingBody, receive_count, last_try);
            }
        }
    }
    outcome
}

impl<'e> Message<'e> {
    fn of(record: &'e SqsMessage, max_receive_count: u32) -> Result<Self, RecordError> {
        let id = record.message_id.as_deref().filter(|id| !id.is_empty()).ok_or(RecordError::MissingMessageId)?;
        let body = record.body.as_deref().ok_or(RecordError::MissingBody)?;
        let (receive_count, last_try) = receives(record, max_receive_count);
        Ok(Self { id, body, receive_count, last_try })
    }
}

impl<T> BatchOutcome<T> {
    fn acknowledge(&mut self, applied: T, message_id: &str, receive_count: u32) {
        self.applied.push(applied);
        // Only a message that came before can have failed before.
        if receive_count > 1 {
            self.recovered.push(message_id.to_owned());
        }
        self.counts.received += 1;
        self.counts.acked += 1;
    }

    fn fail<E: Classify + 'static>(&mut self, message_id: String, error: &E, receive_count: u32, last_try: bool) {
        self.counts.received += 1;
        if last_try {
            self.counts.dead += 1;
        } else {
            self.counts.retried += 1;
        }
        let (code, class, detail) = (error.code(), error.class(), describe(error));
        warn!(message.id = %message_id, code, class = class.as_str(), detail, receive_count, last_try, "message failed");
        self.failures.push(Failure { message_id, code, detail, class, receive_count, last_try });
    }
}

/// How often it was handed out, this time included, and whether there is no next time.
fn receives(record: &SqsMessage, max_receive_count: u32) -> (u32, bool) {
    // Absent or unreadable only in hand-made events: then this is the first time.
    let count = record.attributes.get("ApproximateReceiveCount");
    let receive_count = count.and_then(|count| count.parse().ok()).unwrap_or(1).max(1);
    (receive_count, receive_count >= max_receive_count)
}

#[cfg(test)]
#[path = "batch_tests.rs"]
mod tests;
