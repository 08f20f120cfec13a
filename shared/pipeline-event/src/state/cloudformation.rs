//! `CloudFormation Stack|Resource Status Change`. Reasons are not read: they quote parameters.

use catalog_model::Arn;

use super::event::{Event, StateError, named};
use super::observation::{Level, Observation, Source, State, Subject};

pub(super) const STACK: &str = "CloudFormation Stack Status Change";
pub(super) const RESOURCE: &str = "CloudFormation Resource Status Change";

/// The operation on a stack that has no client request token: all of them are one then, and its state is the stack's.
const UNNAMED_OPERATION: &str = "stack";

pub(super) fn parse_stack(event: &Event<'_>) -> Result<Observation, StateError> {
    let (state, status) = status(event)?;
    observation(event, Level::Execution, None, state, status)
}

pub(super) fn parse_resource(event: &Event<'_>) -> Result<Observation, StateError> {
    let (state, status) = status(event)?;
    let resource = event.text("logical-resource-id")?;
    observation(event, Level::Action, Some(resource), state, status)
}

fn observation(
    event: &Event<'_>,
    level: Level,
    action: Option<&str>,
    state: State,
    status: &str,
) -> Result<Observation, StateError> {
    let id = event.text("stack-id")?;
    let wrong = StateError::Invalid { field: "stack-id", expected: "the ARN of a stack" };
    let arn = event.own(Arn::parse(id).ok_or(wrong.clone())?, "stack-id")?;
    let name = arn.resource.strip_prefix("stack/").and_then(|rest| rest.split('/').next()).ok_or(wrong)?;
    Ok(Observation {
        subject: Subject {
            source: Source::CloudFormation,
            identity: event.identity("AWS::CloudFormation::Stack", id, "stack-id")?,
            name: name.to_owned(),
        },
        level,
        execution: event.text_if_any("client-request-token").unwrap_or(UNNAMED_OPERATION).to_owned(),
        stage: None,
        action: action.map(str::to_owned),
        action_type: None,
        attempt: 1,
        state,
        status: status.to_owned(),
        time_ms: event.time_ms,
        started_ms: None,
        commit: None,
        url: None,
        trigger: None,
        error_code: None,
        external_id: None,
        definition: None,
    })
}

/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html>: all codes end alike.
fn status<'a>(event: &Event<'a>) -> Result<(State, &'a str), StateError> {
    let wrong = StateError::Invalid { field: "status-details", expected: "a status of CloudFormation" };
    let status = named(&event.detail["status-details"]["status"]);
    let status = status.ok_or(StateError::Missing { field: "status-details" })?;
    if !status.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_') {
        return Err(wrong);
    }
    let is_rollback = status.contains("ROLLBACK");
    let state = if status.ends_with("_IN_PROGRESS") {
        if is_rollback { State::RollingBack } else { State::Started }
    } else if status.ends_with("_FAILED") {
        State::Failed
    } else if status.ends_with("_COMPLETE") || status == "DELETE_SKIPPED" {
        if is_rollback { State::RolledBack } else { State::Succeeded }
    } else {
        return Err(wrong);
    };
    Ok((state, status))
}
