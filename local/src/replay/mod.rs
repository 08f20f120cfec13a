//! A folder of deliveries -> each handed over as AWS would, in order, and a line that says what it did.
//!
//! ```text
//! objects/<bucket>/<key>                   put before the first delivery, told to nobody
//! objects/<bucket>/<key>.metadata.json     user metadata of the object beside it
//! <function>/<number>-<name>.json          a payload of that function; numbers of two or three digits order all of them
//! ```

mod effect;
mod folder;

use std::{collections::BTreeMap, path::Path};

use catalog_store::StoreError;
use serde_json::Value;

pub use effect::{Dead, Line, Reply};
pub use folder::FolderError;

use crate::{
    SendError, Standing, StateError,
    functions::FunctionError,
    stack::{IdleError, PutError, Stack},
    wiring,
};

/// One invocation's payload, for one function.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    /// A name of [`wiring::FUNCTIONS`].
    pub function: String,
    pub name: String,
    pub payload: Value,
}

/// A replay that could not go on. A delivery that its function refuses is none: its line says so.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    #[error(transparent)]
    Folder(#[from] FolderError),
    #[error("could not put an object of the deliveries")]
    Put(#[from] PutError),
    #[error("delivery `{delivery}` is for `{function}`, which takes no messages from a queue")]
    NoQueue { delivery: String, function: String },
    #[error("could not send message {message} of delivery `{delivery}`")]
    Send {
        delivery: String,
        /// From 1.
        message: usize,
        #[source]
        source: SendError,
    },
    #[error("message {message} of delivery `{delivery}` has no text as its body")]
    Body { delivery: String, message: usize },
    #[error("`{function}` failed on delivery `{delivery}`")]
    Invoke {
        delivery: String,
        function: String,
        #[source]
        source: FunctionError,
    },
    #[error(transparent)]
    State(#[from] StateError),
    #[error("could not read what a delivery did")]
    Status(#[source] StoreError),
    #[error("could not wait for the end of the replay")]
    Idle(#[from] IdleError),
}

/// Replays a folder: puts its objects, hands over its deliveries one after the other, and waits until the table's
/// stream is consumed. `progress` sees each line as soon as it is known.
///
/// # Errors
/// Fails on a file that is not as the layout has it, before anything is put; and when the stack cannot be used.
pub async fn replay(stack: &Stack, folder: &Path, mut progress: impl FnMut(&Line)) -> Result<Vec<Line>, ReplayError> {
    let contents = folder::read(folder)?;
    for object in contents.objects {
        let body = folder::bytes(&object.file)?;
        stack.put_object_silently(&object.bucket, &object.key, body, object.metadata).await?;
    }
    let mut lines = Vec::with_capacity(contents.deliveries.len());
    for delivery in &contents.deliveries {
        let line = deliver(stack, delivery).await?;
        progress(&line);
        lines.push(line);
    }
    stack.idle().await?;
    Ok(lines)
}

/// Hands over one delivery and waits for what becomes of it. Messages of an SQS batch go into the function's queue, one
/// after the other, so that tries and dead letters are as in AWS; anything else is one invocation.
///
/// # Errors
/// Fails on a message that no queue takes, when the invocation fails as a whole, and when the stack cannot be used.
pub async fn deliver(stack: &Stack, delivery: &Delivery) -> Result<Line, ReplayError> {
    let line = Line::new(delivery);
    match messages(&delivery.payload) {
        Some(messages) => deliver_messages(stack, delivery, messages, line).await,
        None => invoke(stack, delivery, line).await,
    }
}

/// The records of an SQS batch.
fn messages(payload: &Value) -> Option<&[Value]> {
    let records = payload.get("Records")?.as_array()?;
    let is_message = |record: &Value| record.get("eventSource").and_then(Value::as_str) == Some("aws:sqs");
    (!records.is_empty() && records.iter().all(is_message)).then_some(records)
}

async fn deliver_messages(
    stack: &Stack,
    delivery: &Delivery,
    messages: &[Value],
    mut line: Line,
) -> Result<Line, ReplayError> {
    let Delivery { function, name, .. } = delivery;
    let queue = wiring::queue_of(function)
        .ok_or_else(|| ReplayError::NoQueue { delivery: name.clone(), function: function.clone() })?;
    line.messages = messages.len();
    let before = counts(stack, function).await?;
    for (at, message) in messages.iter().enumerate() {
        let message_number = at + 1;
        let body = message.get("body").and_then(Value::as_str);
        let body = body.ok_or_else(|| ReplayError::Body { delivery: name.clone(), message: message_number })?;
        let id = stack.send(queue.name, body).map_err(|source| ReplayError::Send {
            delivery: name.clone(),
            message: message_number,
            source,
        })?;
        if let Standing::Dead(letter) = stack.settled(&id).await? {
            let failures = stack.catalog().status().await.map_err(ReplayError::Status)?.failures;
            let recorded = failures.into_iter().find(|failure| failure.message_id == id);
            line.dead.push(recorded.map_or_else(
                || Dead { code: "function-failed".to_owned(), detail: letter.failure },
                |failure| Dead { code: failure.code, detail: failure.detail },
            ));
        }
    }
    let after = counts(stack, function).await?;
    line.counts = after
        .into_iter()
        .map(|(name, count)| (before.get(&name).map_or(count, |before| count.saturating_sub(*before)), name))
        .filter(|(count, _)| *count > 0)
        .map(|(count, name)| (name, count))
        .collect();
    Ok(line)
}

async fn invoke(stack: &Stack, delivery: &Delivery, mut line: Line) -> Result<Line, ReplayError> {
    let Delivery { function, name, payload } = delivery;
    let answer = stack.invoke(function, payload.clone()).await.map_err(|source| ReplayError::Invoke {
        delivery: name.clone(),
        function: function.clone(),
        source,
    })?;
    line.hear(&answer);
    Ok(line)
}

/// The conservation counts of a function.
async fn counts(stack: &Stack, function: &str) -> Result<BTreeMap<String, u64>, ReplayError> {
    let status = stack.catalog().status().await.map_err(ReplayError::Status)?;
    Ok(status
        .sources
        .into_iter()
        .find(|source| source.source == function)
        .map(|source| source.counts)
        .unwrap_or_default())
}
