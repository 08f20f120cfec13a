//! Every sample file of pipelines: what it is read as.
//! The samples are no part of the repository; without them these tests say so and pass.

use std::path::PathBuf;

use insta::assert_snapshot;
use serde_json::Value;

use crate::job::Job;
use crate::{deployment, state};

/// What becomes of a file. `None`: the samples are not here.
fn verdict(name: &str) -> Option<String> {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "../../../shared/samples/codepipeline", name].iter().collect();
    let Ok(body) = std::fs::read(&path) else {
        println!("skipped: there is no {}", path.display());
        return None;
    };
    let value: Value = serde_json::from_slice(&body).unwrap();
    if crate::job::is_job(&value) {
        let job = Job::parse(&body).unwrap();
        let request = job.request().map_or_else(|error| format!("refused: {error}"), |request| format!("{request:?}"));
        return Some(format!("{job}{request}"));
    }
    let state = match state::parse(&value) {
        Ok(Some(observation)) => return Some(observation.to_string()),
        Ok(None) => "nothing is kept".to_owned(),
        Err(error) => format!("as a state: {error}"),
    };
    let document = deployment::parse(&body).unwrap_err();
    Some(format!("{state}\nas a deployment: {document}"))
}

macro_rules! sample {
    ($test:ident, $file:literal, @$snapshot:literal) => {
        #[test]
        fn $test() {
            if let Some(verdict) = verdict($file) {
                assert_snapshot!(verdict, @$snapshot);
            }
        }
    };
}

sample!(apigw_v2_iam_post, "apigw-v2-iam-post.json", @"");
sample!(codedeploy_deployment, "codedeploy-deployment.json", @"");
sample!(eb_action_failed_notification, "eb-action-failed-notification.json", @"");
sample!(eb_action_succeeded_emitted, "eb-action-succeeded-emitted.json", @"");
sample!(eb_pipeline_started_emitted, "eb-pipeline-started-emitted.json", @"");
sample!(eb_stage_started_emitted, "eb-stage-started-emitted.json", @"");
sample!(get_job_details, "get-job-details.json", @"");
sample!(github_deployment, "github-deployment.json", @"");
sample!(github_workflow_run, "github-workflow-run.json", @"");
sample!(job_event_json_userparams, "job-event-json-userparams.json", @"");
sample!(job_event, "job-event.json", @"");
sample!(list_pipeline_executions, "list-pipeline-executions.json", @"");
