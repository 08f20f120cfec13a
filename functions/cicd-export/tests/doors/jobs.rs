//! Jobs of a CodePipeline action: whatever happens, the pipeline is told.

use std::io::Write;

use cicd_export::Producers;
use serde_json::{Value, json};
use zip::write::SimpleFileOptions;

use crate::stack::{Stack, notification};

const CATALOG_INFO: &str = "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: orders}\n\
                            spec: {type: service, lifecycle: production, owner: shop}\n";

const SESSION_TOKEN: &str = "canary-session-token";

fn zipped(files: &[(&str, &str)]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (path, content) in files {
        zip.start_file(*path, SimpleFileOptions::default()).unwrap();
        zip.write_all(content.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// The embedded S3 takes any credentials.
fn job(id: &str, parameters: &Value, key: &str) -> Value {
    json!({"CodePipeline.job": {"id": id, "accountId": "111122223333", "data": {
        "actionConfiguration": {"configuration": {"FunctionName": "cicd-export", "UserParameters": parameters}},
        "inputArtifacts": [{"name": "BuildOutput", "revision": null, "location": {
            "type": "S3", "s3Location": {"bucketName": "callboard-drop", "objectKey": key}}}],
        "outputArtifacts": [],
        "artifactCredentials": {"accessKeyId": "key", "secretAccessKey": "secret", "sessionToken": SESSION_TOKEN},
        "encryptionKey": {"id": "arn:aws:kms:eu-west-1:111122223333:key/1", "type": "KMS"},
    }}})
}

fn id(n: u32) -> String {
    format!("11111111-abcd-1111-abcd-1111111{n:05}")
}

#[tokio::test]
async fn an_action_hands_over_a_file_of_its_artifact_and_names_the_entities() {
    let mut stack = Stack::start().await;
    stack.put("artifacts/one.zip", &zipped(&[("README.md", "no"), ("catalog/info.yaml", CATALOG_INFO)])).await;
    let written = "producer=acme.shop,format=catalog-info,name=main,file=catalog/info.yaml";
    let as_json =
        json!({"producer": "acme.shop", "format": "catalog-info", "name": "main", "file": "catalog/info.yaml"});
    for (n, parameters) in [(1, json!(written)), (2, json!(as_json.to_string()))] {
        stack.invoke(job(&id(n), &parameters, "artifacts/one.zip")).await;
        let told = stack.told.take();
        let [(operation, result)] = told.as_slice() else { panic!("{told:?}") };
        assert_eq!((operation.as_str(), result["jobId"].as_str()), ("PutJobSuccessResult", Some(id(n).as_str())));
        assert_eq!(result["outputVariables"]["entities"], "component:default/orders");
        assert_eq!(result["outputVariables"]["refused"], "0");
        assert!(result["executionDetails"]["summary"].as_str().unwrap().contains("acme.shop/catalog-info/main"));
    }
    let (status, receipt) = stack.request("GET", "/api/exports/acme.shop/catalog-info/main", "").await;
    assert_eq!(
        (status, &receipt["door"], &receipt["clock"]["kind"]),
        (200, &json!("code-pipeline"), &json!("artifact"))
    );
}

#[tokio::test]
async fn a_job_that_comes_again_changes_nothing_and_reporting_it_again_is_no_error() {
    let mut stack = Stack::start().await;
    stack.put("artifacts/one.yaml", CATALOG_INFO.as_bytes()).await;
    let parameters = json!("producer=acme.shop,format=catalog-info,name=main");
    for _ in 0..3 {
        stack.invoke(job(&id(1), &parameters, "artifacts/one.yaml")).await;
    }
    let (_, receipt) = stack.request("GET", "/api/exports/acme.shop/catalog-info/main", "").await;
    assert_eq!((&receipt["applied"], &receipt["duplicate"]), (&json!(0), &json!(1)), "{receipt}");
    assert_eq!(stack.told.take().len(), 3);
}

#[tokio::test]
async fn who_may_not_speak_for_a_producer_is_refused_at_every_door() {
    let mut stack = Stack::start().await;
    stack.deps.producers = Producers::parse("999988887777 = acme.*; 111122223333 = other.*").unwrap();
    stack.put("artifacts/one.yaml", CATALOG_INFO.as_bytes()).await;
    let parameters = json!("producer=acme.shop,format=catalog-info,name=main");
    stack.invoke(job(&id(1), &parameters, "artifacts/one.yaml")).await;
    let told = stack.told.take();
    assert_eq!(told[0].1["failureDetails"]["type"], "PermissionError", "{told:?}");

    let (status, answer) = stack.request("PUT", "/api/exports/acme.shop/catalog-info/main", CATALOG_INFO).await;
    assert_eq!((status, &answer["error"]["name"]), (403, &json!("NotAllowedError")), "{answer}");

    let etag = stack.put_object("exports/acme.shop/catalog-info/main.yaml", CATALOG_INFO, &[]).await;
    let event = notification("ObjectCreated:Put", "exports/acme.shop/catalog-info/main.yaml", Some(&etag), 1, "01");
    assert_eq!(stack.batch(&[("message-1", 3, event)]).await, ["message-1"]);
    assert!(!stack.exists("component:default/orders").await);
}

#[tokio::test]
async fn every_failure_is_reported_with_a_reason_and_without_a_secret() {
    let stack = Stack::start().await;
    stack.put("artifacts/two.zip", &zipped(&[("a.yaml", CATALOG_INFO), ("b.yaml", CATALOG_INFO)])).await;
    stack.put("artifacts/broken.yaml", b"kind: [").await;
    stack.put("artifacts/escape.zip", &zipped(&[("../a.yaml", CATALOG_INFO)])).await;
    let base = "producer=acme.shop,format=catalog-info,name=main";
    let cases = [
        (Value::Null, "artifacts/two.zip", "ConfigurationError", "UserParameters"),
        (json!("producer=acme.shop"), "artifacts/two.zip", "ConfigurationError", "format"),
        (json!("producer=a b,format=catalog-info,name=main"), "artifacts/two.zip", "ConfigurationError", "key=value"),
        (json!("producer=acme.shop,format=sbom,name=main"), "artifacts/two.zip", "JobFailed", "sbom"),
        (json!(format!("{base},componet=x")), "artifacts/two.zip", "ConfigurationError", "componet"),
        (json!(base), "artifacts/none.zip", "ConfigurationError", "not there"),
        (json!(base), "artifacts/two.zip", "JobFailed", "a.yaml"),
        (json!(base), "artifacts/broken.yaml", "JobFailed", "line 1"),
        (json!(format!("{base},file=a.yaml")), "artifacts/escape.zip", "JobFailed", "path"),
        (json!(format!("{base},artifact=Other")), "artifacts/two.zip", "ConfigurationError", "BuildOutput"),
    ];
    for (n, (parameters, key, kind, part)) in (10..).zip(cases) {
        stack.invoke(job(&id(n), &parameters, key)).await;
        let told = stack.told.take();
        let [(operation, result)] = told.as_slice() else { panic!("{parameters}: {told:?}") };
        assert_eq!(operation, "PutJobFailureResult", "{parameters}: {result}");
        let details = &result["failureDetails"];
        let message = details["message"].as_str().unwrap();
        assert_eq!(details["type"], kind, "{parameters}: {message}");
        assert!(message.contains(part), "{parameters}: {message}");
        assert!(!message.contains(SESSION_TOKEN), "{message}");
    }
}
