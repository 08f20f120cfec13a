//! `CodeDeploy Deployment State-change Notification`.

use super::event::{Event, StateError};
use super::observation::{Level, Observation, Source, State, Subject};

pub(super) const DEPLOYMENT: &str = "CodeDeploy Deployment State-change Notification";

pub(super) fn parse(event: &Event<'_>) -> Result<Observation, StateError> {
    let status = event.text("state")?;
    let state = match status {
        "CREATED" | "QUEUED" | "START" | "STARTED" | "IN_PROGRESS" | "READY" => State::Started,
        "SUCCESS" | "SUCCEEDED" => State::Succeeded,
        "FAILURE" | "FAILED" => State::Failed,
        "STOP" | "STOPPED" => State::Stopped,
        _ => return Err(StateError::Invalid { field: "state", expected: "a state of CodeDeploy" }),
    };
    let name = event.text("application")?;
    let arn = match event.resource("codedeploy", "application:")? {
        Some(arn) if arn.resource.strip_prefix("application:") != Some(name) => {
            return Err(StateError::Invalid { field: "application", expected: "the name in the ARN of the event" });
        }
        Some(arn) => arn.to_string(),
        None => {
            let (partition, region, account) = (event.partition(), event.region, event.account);
            format!("arn:{partition}:codedeploy:{region}:{account}:application:{name}")
        }
    };
    Ok(Observation {
        subject: Subject {
            source: Source::CodeDeploy,
            identity: event.identity("AWS::CodeDeploy::Application", &arn, "application")?,
            name: name.to_owned(),
        },
        level: Level::Stage,
        execution: event.text("deploymentId")?.to_owned(),
        stage: event.text_if_any("deploymentGroup").map(str::to_owned),
        action: None,
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
