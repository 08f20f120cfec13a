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
    let document = deployment::parse(&body, &deployment::Defaults::default(), u64::MAX).unwrap_err();
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

sample!(apigw_v2_iam_post, "apigw-v2-iam-post.json", @"
    as a state: the event is no state change of a pipeline, build, deployment or stack: check the rule that sends it here
    as a deployment: no deployment of the file is usable; the first reason is: deployment 0: it has no `id`
    ");
sample!(codedeploy_deployment, "codedeploy-deployment.json", @"
    codedeploy arn:aws:codedeploy:us-east-1:123456789012:application:myApplication
    execution d-123456789 stage myDeploymentGroup attempt 1
    succeeded (SUCCESS) at 2016-06-30T22:06:31Z
    ");
sample!(eb_action_failed_notification, "eb-action-failed-notification.json", @"
    codepipeline arn:aws:codepipeline:us-west-2:123456789012:myPipeline
    execution 12345678-1234-5678-abcd-12345678abcd stage Deploy action Deploy attempt 1
    failed (FAILED) at 2021-06-24T00:46:16Z
    type Deploy by AWS CodeDeploy
    error JobFailed
    definition 13
    ");
sample!(eb_action_succeeded_emitted, "eb-action-succeeded-emitted.json", @"
    codepipeline arn:aws:codepipeline:us-west-2:123456789012:myPipeline
    execution 12345678-1234-5678-abcd-12345678abcd stage Source action Source attempt 1
    succeeded (SUCCEEDED) at 2020-01-24T22:03:11Z
    type Source by AWS CodeCommit
    commit 8cf40fEXAMPLE
    url https://us-west-2.console.aws.amazon.com/codecommit/home#/repository/my-repo/commit/8cf40f2EXAMPLE
    definition 3
    ");
sample!(eb_pipeline_started_emitted, "eb-pipeline-started-emitted.json", @"
    codepipeline arn:aws:codepipeline:us-east-1:123456789012:myPipeline
    execution 12345678-1234-5678-abcd-12345678abcd attempt 1
    started (STARTED) at 2020-01-24T22:03:07Z
    trigger StartPipelineExecution
    definition 1
    ");
sample!(eb_stage_started_emitted, "eb-stage-started-emitted.json", @"
    codepipeline arn:aws:codepipeline:us-east-1:123456789012:myPipeline
    execution 12345678-1234-5678-abcd-12345678abcd stage Prod attempt 1
    started (STARTED) at 2020-01-24T22:03:07Z
    definition 1
    ");
sample!(get_job_details, "get-job-details.json", @"
    as a state: the event is no state change of a pipeline, build, deployment or stack: check the rule that sends it here
    as a deployment: no deployment of the file is usable; the first reason is: deployment 0: it has no `id`
    ");
sample!(github_deployment, "github-deployment.json", @"
    as a state: the event is no state change of a pipeline, build, deployment or stack: check the rule that sends it here
    as a deployment: no deployment of the file is usable; the first reason is: deployment 0: it has no `id`
    ");
sample!(github_workflow_run, "github-workflow-run.json", @"
    as a state: the event is no state change of a pipeline, build, deployment or stack: check the rule that sends it here
    as a deployment: no deployment of the file is usable; the first reason is: deployment 0: it has no `id`
    ");
sample!(job_event_json_userparams, "job-event-json-userparams.json", @"
    job c0d76431-b0e7-xmpl-97e3-e8ee786eb6f6
    account 123456789012
    input my-pipeline-SourceArtifact revision e0c7xmpl2308ca3071aa7bab414de234ab52eea at us-west-2-123456789012-my-pipeline | my-pipeline/test-api-2/TdOSFRV
    output invokeOutput revision - at us-west-2-123456789012-my-pipeline | my-pipeline/invokeOutp/D0YHsJn
    credentials yes
    continues no
    parameters yes
    refused: UserParameters lack `producer`: write for example `producer=my-org.my-repo,format=terraform-state,name=production,file=terraform.tfstate`
    ");
sample!(job_event, "job-event.json", @"
    job 11111111-abcd-1111-abcd-111111abcdef
    account 111111111111
    input ArtifactName revision - at the name of the bucket configured as the pipeline artifact store in Amazon S3, for example codepipeline-us-east-2-1234567890 | the name of the application, for example CodePipelineDemoApplication.zip
    credentials yes
    continues yes
    parameters yes
    refused: part 1 of UserParameters is not `key=value`: write for example `producer=my-org.my-repo,format=terraform-state,name=production,file=terraform.tfstate`, or a JSON object
    ");
sample!(list_pipeline_executions, "list-pipeline-executions.json", @"
    as a state: the event is no state change of a pipeline, build, deployment or stack: check the rule that sends it here
    as a deployment: no deployment of the file is usable; the first reason is: deployment 0: it has no `id`
    ");
