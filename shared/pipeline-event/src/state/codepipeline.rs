//! `CodePipeline Pipeline|Stage|Action Execution State Change`, emitted or through a notification rule.

use catalog_model::Arn;
use serde_json::Value;

use super::event::{self, Event, StateError, code, commit, named, whole};
use super::observation::{ActionType, Level, Observation, Source, State, Subject};
use super::url::console_url;

pub(super) const PIPELINE: &str = "CodePipeline Pipeline Execution State Change";
pub(super) const STAGE: &str = "CodePipeline Stage Execution State Change";
pub(super) const ACTION: &str = "CodePipeline Action Execution State Change";

pub(super) fn parse(event: &Event<'_>) -> Result<Observation, StateError> {
    let status = event.text("state")?;
    let state = state(status).ok_or(StateError::Invalid { field: "state", expected: "a state of CodePipeline" })?;
    let (level, stage, action) = match event.detail_type {
        PIPELINE => (Level::Execution, None, None),
        STAGE => (Level::Stage, Some(event.text("stage")?), None),
        _ => (Level::Action, Some(event.text("stage")?), Some(event.text("action")?)),
    };
    let result = &event.detail["execution-result"];
    let action_type = action.and_then(|_| action_type(&event.detail["type"]));
    let is_source = action_type.as_ref().is_some_and(|kind| kind.category == "Source");
    let is_deploy = action_type.as_ref().is_some_and(|kind| kind.category == "Deploy");
    Ok(Observation {
        subject: subject(event)?,
        level,
        execution: event.text("execution-id")?.to_owned(),
        stage: stage.map(str::to_owned),
        action: action.map(str::to_owned),
        attempt: whole(&event.detail["pipeline-execution-attempt"]).unwrap_or(1).max(1),
        state,
        status: status.to_owned(),
        time_ms: event.time_ms,
        started_ms: event.detail["start-time"].as_str().and_then(event::epoch_ms),
        commit: if is_source { commit(&result["external-execution-id"]) } else { commit_of_notification(event) },
        url: console_url(&result["external-execution-url"]),
        trigger: code(&event.detail["execution-trigger"]["trigger-type"]),
        error_code: code(&result["error-code"]),
        external_id: is_deploy.then(|| deployment_id(&result["external-execution-id"])).flatten(),
        definition: whole(&event.detail["version"]),
        action_type,
    })
}

/// The ARN is `<region>:<account>:<name>`; one published example has `pipeline:` before the name.
fn subject(event: &Event<'_>) -> Result<Subject, StateError> {
    let arn = event.resource("codepipeline", "")?;
    let name = match arn {
        Some(Arn { resource, .. }) => {
            let name = resource.strip_prefix("pipeline:").unwrap_or(resource);
            // An action's ARN is `<pipeline>/<stage>/<action>`.
            name.split('/').next().unwrap_or(name)
        }
        None => event.text("pipeline")?,
    };
    if event.text_if_any("pipeline").is_some_and(|said| said != name) {
        return Err(StateError::Invalid { field: "pipeline", expected: "the name in the ARN of the event" });
    }
    if !is_name(name) {
        return Err(StateError::Invalid { field: "pipeline", expected: "a name of CodePipeline" });
    }
    let identity = event.identity("AWS::CodePipeline::Pipeline", name, "pipeline")?;
    Ok(Subject { source: Source::CodePipeline, identity, name: name.to_owned() })
}

fn is_name(text: &str) -> bool {
    (1..=100).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'@' | b'_' | b'-'))
}

fn state(status: &str) -> Option<State> {
    Some(match status {
        "STARTED" | "IN_PROGRESS" => State::Started,
        "RESUMED" => State::Resumed,
        "STOPPING" => State::Stopping,
        "SUPERSEDED" => State::Superseded,
        "CANCELED" | "CANCELLED" => State::Canceled,
        "ABANDONED" => State::Abandoned,
        "STOPPED" => State::Stopped,
        "FAILED" => State::Failed,
        "SUCCEEDED" => State::Succeeded,
        _ => return None,
    })
}

fn action_type(value: &Value) -> Option<ActionType> {
    Some(ActionType {
        category: code(&value["category"])?,
        owner: code(&value["owner"]).unwrap_or_default(),
        provider: code(&value["provider"]).unwrap_or_default(),
    })
}

/// `d-` and nine characters: a deployment of CodeDeploy, which tells of itself as well.
fn deployment_id(value: &Value) -> Option<String> {
    let id = named(value)?.strip_prefix("d-")?;
    let is_id = id.len() == 9 && id.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    is_id.then(|| format!("d-{id}"))
}

/// A notification rule adds what the source actions gave; the first one that has a commit counts.
fn commit_of_notification(event: &Event<'_>) -> Option<String> {
    let actions = event.additional["sourceActions"].as_array()?;
    actions.iter().find_map(|action| {
        let variables = &action["sourceActionVariables"];
        ["CommitId", "commitId"].iter().find_map(|name| commit(&variables[*name]))
    })
}
