//! Deployments and executions of an entity -> the answer of `GET /api/deployments`.
//!
//! ```json
//! {"entity": "component:default/orders",
//!  "deployments": [{"id": "e1", "environment": "production", "outcome": "succeeded", "startedAt": "...", "finishedAt": "...",
//!                   "commit": "0c6d2cbd", "toldBy": "codepipeline", "pipeline": "arn:...", "stage": "DeployProd"}],
//!  "pipelines": [{"pipeline": "arn:...", "name": "orders", "source": "codepipeline",
//!                 "execution": {"id": "e1", "state": "succeeded", "status": "SUCCEEDED", "startedAt": "...", "at": "..."},
//!                 "stages": [{"stage": "DeployProd", "attempt": 1, "state": "succeeded", "status": "SUCCEEDED", "at": "..."}]}],
//!  "next": "000001a2055bbc86.0123456789abcdef"}
//! ```
//!
//! Deployments come newest first; of each pipeline its latest execution, by when it began. Where a pipeline itself is asked
//! for, `executions` has all of them, newest first. `next` is there if older ones follow, and `notes` if something was left
//! out.

use serde::Serialize;

use crate::deployment::Deployment;
use crate::state::order::{Execution, executions};
use crate::state::{Level, Observation, shown_time};

/// The answer of `GET /api/deployments?entity=`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeploymentsAnswer {
    pub entity: String,
    pub deployments: Vec<Deployment>,
    pub pipelines: Vec<PipelineState>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub executions: Vec<PipelineState>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// What one pipeline, project, application or stack is at, or was in one of its executions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PipelineState {
    /// Its ARN.
    pub pipeline: String,
    pub name: String,
    pub source: &'static str,
    pub execution: ExecutionState,
    /// The last attempt of each stage, in the order in which they were last heard of.
    pub stages: Vec<StageState>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExecutionState {
    pub id: String,
    pub state: &'static str,
    /// The word of the service.
    pub status: String,
    pub started_at: String,
    pub at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trigger: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StageState {
    pub stage: String,
    pub attempt: u64,
    pub state: &'static str,
    pub status: String,
    pub at: String,
}

impl DeploymentsAnswer {
    /// `deployments` as [`crate::deployment::once`] gives them, oldest first; observations of all pipelines of the entity.
    pub fn of(entity: &str, deployments: Vec<Deployment>, observations: &[Observation], next: Option<String>) -> Self {
        let mut pipelines: Vec<PipelineState> = Vec::new();
        for execution in executions(observations) {
            let pipeline = execution.subject.identity.as_str();
            if pipelines.iter().all(|known| known.pipeline != pipeline) {
                pipelines.push(PipelineState::of(&execution));
            }
        }
        pipelines.sort_by(|one, other| one.pipeline.cmp(&other.pipeline));
        let newest_first = deployments.into_iter().rev().collect();
        let (executions, notes) = (Vec::new(), Vec::new());
        Self { entity: entity.to_owned(), deployments: newest_first, pipelines, executions, next, notes }
    }
}

impl PipelineState {
    pub fn of(execution: &Execution<'_>) -> Self {
        let whole = execution.state;
        let mut stages: Vec<&Observation> = Vec::new();
        // Oldest first, so that what is later takes the place of what was before.
        for part in execution.parts.iter().copied().filter(|part| part.level == Level::Stage) {
            if let Some(at) = stages.iter().position(|stage| stage.stage == part.stage) {
                let before = stages.remove(at);
                stages.push(if before.attempt > part.attempt { before } else { part });
            } else {
                stages.push(part);
            }
        }
        Self {
            pipeline: execution.subject.identity.as_str().to_owned(),
            name: execution.subject.name.clone(),
            source: execution.subject.source.as_str(),
            execution: ExecutionState {
                id: execution.id.to_owned(),
                state: whole.state.as_str(),
                status: whole.status.clone(),
                started_at: shown_time(execution.started_ms),
                at: shown_time(whole.time_ms),
                commit: execution.commit.map(str::to_owned),
                trigger: execution.trigger.map(str::to_owned),
            },
            stages: stages.into_iter().map(StageState::of).collect(),
        }
    }
}

impl StageState {
    fn of(observation: &Observation) -> Self {
        Self {
            stage: observation.stage.clone().unwrap_or_default(),
            attempt: observation.attempt,
            state: observation.state.as_str(),
            status: observation.status.clone(),
            at: shown_time(observation.time_ms),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{deployment, state};

    fn event(level: &str, second: u64, detail: &Value) -> Observation {
        let mut event = json!({
            "detail-type": format!("CodePipeline {level} Execution State Change"), "source": "aws.codepipeline",
            "account": "111122223333", "time": format!("2026-11-20T10:00:{second:02}Z"), "region": "eu-west-1",
            "resources": ["arn:aws:codepipeline:eu-west-1:111122223333:orders"],
            "detail": {"pipeline": "orders", "execution-id": "e1", "state": "STARTED"}
        });
        for (name, value) in detail.as_object().unwrap() {
            event["detail"][name] = value.clone();
        }
        state::parse(&event).unwrap().unwrap()
    }

    #[test]
    fn the_answer_has_deployments_newest_first_and_the_latest_execution_of_each_pipeline() {
        let stage = |second, name: &str, state: &str, attempt: u64| {
            event("Stage", second, &json!({"stage": name, "state": state, "pipeline-execution-attempt": attempt}))
        };
        let observations = [
            event(
                "Pipeline",
                9,
                &json!({"execution-id": "e0", "state": "SUCCEEDED", "start-time": "2026-11-20T09:00:00Z"}),
            ),
            stage(8, "Prod", "SUCCEEDED", 2),
            stage(3, "Prod", "FAILED", 1),
            event("Pipeline", 1, &json!({"execution-trigger": {"trigger-type": "Webhook"}})),
            stage(2, "Build", "SUCCEEDED", 1),
        ];
        let (deployments, elsewhere) = deployment::derive(&observations, &[]);
        let once = deployment::once(deployments, &elsewhere);
        let answer = DeploymentsAnswer::of("component:default/orders", once, &observations, None);
        insta::assert_snapshot!(serde_json::to_string_pretty(&answer).unwrap(), @r#"
        {
          "entity": "component:default/orders",
          "deployments": [
            {
              "id": "e1",
              "environment": "production",
              "outcome": "succeeded",
              "startedAt": "2026-11-20T10:00:08Z",
              "finishedAt": "2026-11-20T10:00:08Z",
              "toldBy": "codepipeline",
              "pipeline": "arn:aws:codepipeline:eu-west-1:111122223333:orders",
              "stage": "Prod",
              "attempt": 2
            },
            {
              "id": "e1",
              "environment": "production",
              "outcome": "failed",
              "startedAt": "2026-11-20T10:00:03Z",
              "finishedAt": "2026-11-20T10:00:03Z",
              "toldBy": "codepipeline",
              "pipeline": "arn:aws:codepipeline:eu-west-1:111122223333:orders",
              "stage": "Prod"
            }
          ],
          "pipelines": [
            {
              "pipeline": "arn:aws:codepipeline:eu-west-1:111122223333:orders",
              "name": "orders",
              "source": "codepipeline",
              "execution": {
                "id": "e1",
                "state": "started",
                "status": "STARTED",
                "startedAt": "2026-11-20T10:00:01Z",
                "at": "2026-11-20T10:00:01Z",
                "trigger": "Webhook"
              },
              "stages": [
                {
                  "stage": "Build",
                  "attempt": 1,
                  "state": "succeeded",
                  "status": "SUCCEEDED",
                  "at": "2026-11-20T10:00:02Z"
                },
                {
                  "stage": "Prod",
                  "attempt": 2,
                  "state": "succeeded",
                  "status": "SUCCEEDED",
                  "at": "2026-11-20T10:00:08Z"
                }
              ]
            }
          ]
        }
        "#);
    }
}
