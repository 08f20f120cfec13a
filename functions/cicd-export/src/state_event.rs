//! A state event of a pipeline, build, deployment or stack -> what its record says of the latest execution, and the history
//! beside it.

use account::Account;
use catalog_model::Applied;
use catalog_store::{Sibling, SiblingKind};
use delivery::sns;
use pipeline_event::state;
use serde_json::Value;
use tracing::{info, instrument};

use crate::beside::Written;
use crate::error::CicdExportError;
use crate::handler::Deps;

/// The services whose events are taken.
const SOURCES: &[&str] = &["aws.codepipeline", "aws.codebuild", "aws.codedeploy", "aws.cloudformation"];

/// The event of a message, out of its SNS envelope if it has one. `None`: the message is none of these.
pub(crate) fn of_message(body: &str) -> Option<Value> {
    let text = sns::unwrap(body).ok()?;
    // Notifications of S3 are most: they name none of the services.
    if !SOURCES.iter().any(|source| text.contains(source)) {
        return None;
    }
    let event: Value = serde_json::from_str(&text).ok()?;
    let is_one = event["source"].as_str().is_some_and(|source| SOURCES.contains(&source));
    is_one.then_some(event)
}

/// Writes what the event says, each with one call: again, or late, it changes nothing.
///
/// # Errors
/// Fails on an event that does not say who, what, when or which.
#[instrument(skip_all, fields(event.id = event["id"].as_str()))]
pub(crate) async fn handle(event: &Value, deps: &Deps, account: &Account, now_ms: u64) -> Result<(), CicdExportError> {
    let observed = match state::parse(event) {
        Ok(observed) => observed,
        Err(error) => {
            account.add(|counts| counts.refused += 1);
            return Err(CicdExportError::State(error));
        }
    };
    let Some(observation) = observed else {
        account.add(|counts| counts.parsed += 1);
        return Ok(());
    };
    let mut written = Written::default();
    if observation.is_history() {
        let sibling = Sibling {
            at_ms: observation.time_ms,
            id: observation.digest(),
            version: observation.version(now_ms).map_err(CicdExportError::Version)?,
            body: serde_json::to_value(&observation).expect("texts and numbers always serialise"),
        };
        let identity = &observation.subject.identity;
        written.add(deps.store.put_sibling(identity, SiblingKind::State, &sibling).await?);
    }
    let delivery = format!("event {}", event["id"].as_str().unwrap_or_default());
    let statement = observation.statement(&delivery, now_ms).map_err(CicdExportError::Version)?;
    if let Some((key, fragment)) = statement {
        let outcome: Applied = deps.store.apply(&key, &fragment, now_ms).await?;
        written.add(outcome);
    }
    account.add(|counts| {
        counts.parsed += 1;
        counts.applied += written.applied;
        counts.stale += written.stale;
        counts.duplicate += written.duplicate;
    });
    info!(applied = written.applied, stale = written.stale, duplicate = written.duplicate, "kept a state event");
    Ok(())
}
