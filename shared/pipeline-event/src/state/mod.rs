//! State events of CodePipeline, CodeBuild, CodeDeploy and CloudFormation -> observations.
//!
//! Of each event an allow-list is kept: who, which execution, stage and action, what state, when, and the commit. No
//! environment variable, no summary, no reason, no comment, no user. Events come twice, late and in any order:
//! [`order`] says how they converge all the same.
//!
//! CodePipeline: <https://docs.aws.amazon.com/codepipeline/latest/userguide/detect-state-changes-cloudwatch-events.html>,
//! CodeBuild: <https://docs.aws.amazon.com/codebuild/latest/userguide/sample-build-notifications-ref.html>,
//! CodeDeploy: <https://docs.aws.amazon.com/codedeploy/latest/userguide/monitoring-cloudwatch-events.html>,
//! CloudFormation: <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/event-detail-stack-status-change.html>

mod cloudformation;
mod codebuild;
mod codedeploy;
mod codepipeline;
mod event;
mod fragment;
mod observation;
pub mod order;
mod url;

use serde_json::Value;

pub use event::StateError;
pub use observation::{ActionType, Level, Observation, Source, State, Subject};

use event::Event;
pub(crate) use event::{epoch_ms, revision};
pub(crate) use observation::shown_time;

/// `detail-type` of every event that is read here.
pub const DETAIL_TYPES: &[&str] = &[
    codepipeline::PIPELINE,
    codepipeline::STAGE,
    codepipeline::ACTION,
    codebuild::BUILD,
    codebuild::PHASE,
    codedeploy::DEPLOYMENT,
    cloudformation::STACK,
    cloudformation::RESOURCE,
];

/// What an event says. `None`: it is of these services, and says nothing that is kept: a phase of a build.
///
/// # Errors
/// Fails on an event of another kind, on one that lacks who, what, when or which, and on a name or id outside the
/// grammar of its service. No error holds a value of the event.
pub fn parse(event: &Value) -> Result<Option<Observation>, StateError> {
    let event = Event::of(event)?;
    match event.detail_type {
        codepipeline::PIPELINE | codepipeline::STAGE | codepipeline::ACTION => codepipeline::parse(&event).map(Some),
        codebuild::BUILD => codebuild::parse(&event).map(Some),
        codebuild::PHASE => Ok(None),
        codedeploy::DEPLOYMENT => codedeploy::parse(&event).map(Some),
        cloudformation::STACK => cloudformation::parse_stack(&event).map(Some),
        cloudformation::RESOURCE => cloudformation::parse_resource(&event).map(Some),
        _ => Err(StateError::ForeignEvent),
    }
}

#[cfg(test)]
#[path = "../state_tests.rs"]
mod tests;
