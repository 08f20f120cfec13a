//! `CodeBuild Build State Change`. The event carries the whole environment of the build: nothing of it is read.

use catalog_model::Arn;

use super::event::{Event, StateError, commit, epoch_ms};
use super::observation::{Level, Observation, Source, State, Subject};
use super::url::console_url;

pub(super) const BUILD: &str = "CodeBuild Build State Change";
/// Says how far a build is, and with which words it failed: of no use here.
pub(super) const PHASE: &str = "CodeBuild Build Phase Change";

pub(super) fn parse(event: &Event<'_>) -> Result<Observation, StateError> {
    let status = event.text("build-status")?;
    let state = match status {
        "IN_PROGRESS" => State::Started,
        "SUCCEEDED" => State::Succeeded,
        "FAILED" | "FAULT" | "TIMED_OUT" => State::Failed,
        "STOPPED" => State::Stopped,
        _ => return Err(StateError::Invalid { field: "build-status", expected: "a status of CodeBuild" }),
    };
    // `arn:aws:codebuild:us-west-2:111122223333:build/<project>:<uuid>`
    let build = event.text("build-id")?;
    let wrong = StateError::Invalid { field: "build-id", expected: "the ARN of a build" };
    let arn = event.own(Arn::parse(build).ok_or(wrong.clone())?, "build-id")?;
    let (project, id) = arn.resource.strip_prefix("build/").and_then(|rest| rest.rsplit_once(':')).ok_or(wrong)?;
    if event.text_if_any("project-name").is_some_and(|said| said != project) {
        return Err(StateError::Invalid { field: "project-name", expected: "the name in the ARN of the build" });
    }
    let information = &event.detail["additional-information"];
    let start = &information["build-start-time"];
    Ok(Observation {
        subject: Subject {
            source: Source::CodeBuild,
            identity: event.identity("AWS::CodeBuild::Project", project, "project-name")?,
            name: project.to_owned(),
        },
        level: Level::Execution,
        execution: id.to_owned(),
        stage: None,
        action: None,
        action_type: None,
        attempt: 1,
        state,
        status: status.to_owned(),
        time_ms: event.time_ms,
        started_ms: start.as_str().and_then(epoch_ms),
        commit: commit(&information["source-version"]).filter(|text| is_hex(text)),
        url: console_url(&information["logs"]["deep-link"]),
        trigger: None,
        error_code: None,
        external_id: None,
        definition: None,
    })
}

/// A source version may be a branch or an ARN as well.
fn is_hex(text: &str) -> bool {
    text.len() >= 7 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
