//! Jobs as CodePipeline sends them, and what must never come out of one.

use serde_json::{Value, json};

use super::*;

const CANARIES: [&str; 4] = ["AKIACANARY", "secret-CANARY", "token-CANARY", "continue-CANARY"];

fn event() -> Value {
    json!({"CodePipeline.job": {
        "id": "11111111-abcd-1111-abcd-111111abcdef",
        "accountId": "111122223333",
        "data": {
            "actionConfiguration": {"configuration": {
                "FunctionName": "callboard-cicd-export",
                "UserParameters": "producer=org.repo,format=terraform-state,name=prod,password=hunter-CANARY"
            }},
            "inputArtifacts": [{
                "name": "BuildOutput", "revision": null,
                "location": {"type": "S3", "s3Location": {"bucketName": "artifacts", "objectKey": "p/Build/x y.zip"}}
            }],
            "outputArtifacts": [],
            "artifactCredentials": {
                "accessKeyId": CANARIES[0], "secretAccessKey": CANARIES[1], "sessionToken": CANARIES[2],
                "expirationTime": 1_575_493_418_000_u64
            },
            "continuationToken": CANARIES[3],
            "encryptionKey": {"id": "arn:aws:kms:eu-west-1:111122223333:key/1", "type": "KMS"}
        }
    }})
}

#[test]
fn a_job_keeps_its_key_its_token_and_its_credentials() {
    let job = Job::parse(event().to_string().as_bytes()).unwrap();
    insta::assert_snapshot!(job, @r"
    job 11111111-abcd-1111-abcd-111111abcdef
    account 111122223333
    input BuildOutput revision - at artifacts | p/Build/x y.zip
    key KMS arn:aws:kms:eu-west-1:111122223333:key/1
    credentials yes
    continues yes
    parameters yes
    ");
    assert_eq!(job, Job::from_value(event()).unwrap());
    let credentials = job.credentials().unwrap();
    assert_eq!(credentials.access_key_id.expose(), CANARIES[0]);
    assert_eq!(credentials.secret_access_key.expose(), CANARIES[1]);
    assert_eq!(credentials.session_token.as_ref().unwrap().expose(), CANARIES[2]);
    assert_eq!(job.continuation_token.as_ref().unwrap().expose(), CANARIES[3]);
    assert_eq!(job.request().unwrap().name, "prod");
    assert!(is_job(&event()) && !is_job(&json!({"Records": []})));
}

#[test]
fn nothing_secret_is_shown() {
    let job = Job::from_value(event()).unwrap();
    for shown in [format!("{job:?} {job:#?}"), job.to_string(), format!("{:?}", job.request())] {
        assert!(!shown.contains("CANARY"), "{shown}");
    }
}

#[test]
fn whatever_is_missing_is_found_when_it_is_asked_for() {
    let bare = Job::parse(br#"{"CodePipeline.job": {"id": "1-a", "data": null}}"#).unwrap();
    assert_eq!(bare.input_artifact(None), Err(JobError::NoInputArtifact));
    assert_eq!(bare.credentials(), Err(JobError::NoCredentials));
    assert_eq!(bare.request(), Err(RequestError::Absent));
    let mut odd = event();
    odd["CodePipeline.job"]["data"]["artifactCredentials"]["secretAccessKey"] = json!({"CANARY": 1});
    odd["CodePipeline.job"]["data"]["encryptionKey"] = json!(7);
    odd["CodePipeline.job"]["data"]["inputArtifacts"] = json!([{"name": "A", "location": null}]);
    let job = Job::from_value(odd).unwrap();
    assert_eq!((job.credentials.as_ref(), job.encryption_key.as_ref()), (None, None));
    assert_eq!(job.input_artifact(None), Err(JobError::NoLocation { index: 0 }));
}

#[test]
fn the_artifact_is_the_named_one_or_the_only_one() {
    let mut several = event();
    let one = several["CodePipeline.job"]["data"]["inputArtifacts"][0].clone();
    let mut other = one.clone();
    other["name"] = json!("Source");
    several["CodePipeline.job"]["data"]["inputArtifacts"] = json!([one, other]);
    let job = Job::from_value(several).unwrap();
    assert_eq!(job.input_artifact(Some("Source")).unwrap().0.name, "Source");
    let error = job.input_artifact(None).unwrap_err().to_string();
    assert_eq!(error, "the action has 2 input artifacts: say `artifact=` with one of `BuildOutput`, `Source`");
    let error = job.input_artifact(Some("CANARY")).unwrap_err().to_string();
    assert_eq!(error, "the action has no input artifact of the name in `artifact`; it has `BuildOutput`, `Source`");
}

#[test]
fn what_is_no_job_is_refused_without_a_word_of_it() {
    for (text, expected) in [
        ("", "the event is not valid JSON (line 1, column 0)"),
        ("{\"CANARY", "the event is not valid JSON (line 1, column 8)"),
        ("\"CANARY\"", "the event has no `CodePipeline.job` with an `id`"),
        (r#"{"Records": ["CANARY"]}"#, "the event has no `CodePipeline.job` with an `id`"),
        (r#"{"CodePipeline.job": "CANARY"}"#, "the event has no `CodePipeline.job` with an `id`"),
        (r#"{"CodePipeline.job": {"id": {"CANARY": 1}}}"#, "the event has no `CodePipeline.job` with an `id`"),
        (r#"{"CodePipeline.job": {"id": "CANARY/../x"}}"#, "the id of the job is not of the form"),
    ] {
        let error = Job::parse(text.as_bytes()).unwrap_err();
        assert!(error.to_string().starts_with(expected), "{error}");
        assert!(!format!("{error:?} {error}").contains("CANARY"));
    }
    let deep = format!(r#"{{"CodePipeline.job": {{"id": {}"#, "[".repeat(100_000));
    assert!(Job::parse(deep.as_bytes()).is_err());
}
