//! The local stack as somebody uses it who knows nothing but AWS's own command line tool.
//!
//! `CALLBOARD_AWS_CLI` names the tool; without it the test skips itself, and says so.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use callboard_tests::checkout::root;
use callboard_tests::company::Company;
use callboard_tests::deliveries::{Plot, config};
use callboard_tests::running::Running;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

const CATALOG_INFO: &str = "\
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: dropped-by-cli}
spec: {type: service, lifecycle: production, owner: team-a}
";

/// The tool, in a folder of its own: no configuration of anybody's is read.
struct AwsCli {
    program: PathBuf,
    folder: tempfile::TempDir,
}

impl AwsCli {
    fn found() -> Option<Self> {
        let program = env::var_os("CALLBOARD_AWS_CLI").filter(|program| !program.is_empty())?;
        let program = PathBuf::from(program);
        // The tests run in another folder than the one that the path is relative to.
        let program = if program.components().count() > 1 { root().join(program) } else { program };
        Some(Self { program, folder: tempfile::tempdir().unwrap() })
    }

    fn try_run(&self, endpoint: &str, arguments: &[&str]) -> Output {
        let mut command = Command::new(&self.program);
        command.args(arguments).args(["--endpoint-url", endpoint, "--output", "json"]).current_dir(self.folder.path());
        for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("AWS_")) {
            command.env_remove(name);
        }
        command
            .env("AWS_CONFIG_FILE", self.folder.path().join("config"))
            .env("AWS_SHARED_CREDENTIALS_FILE", self.folder.path().join("credentials"))
            .env("AWS_ACCESS_KEY_ID", "local")
            .env("AWS_SECRET_ACCESS_KEY", "local")
            .env("AWS_DEFAULT_REGION", "eu-west-1")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_PAGER", "");
        command.output().unwrap()
    }

    /// Runs a command that must succeed; what it prints, `null` if that is no JSON.
    fn run(&self, endpoint: &str, arguments: &[&str]) -> Value {
        let output = self.try_run(endpoint, arguments);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "aws {}: {stderr}", arguments.join(" "));
        serde_json::from_slice(&output.stdout).unwrap_or_default()
    }

    fn file(&self, name: &str, content: &str) -> String {
        let path = self.folder.path().join(name);
        fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

/// The deliveries of `events/`, with the function that each is for.
fn deliveries() -> Vec<(String, PathBuf)> {
    let json_of = |folder: &Path| {
        let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.retain(|path| path.extension() == Some(OsStr::new("json")));
        files.sort();
        files
    };
    let functions = ["cicd-export", "config-change", "cost-report"];
    let of_function = |function: &str| {
        let files = json_of(&root().join("events").join(function));
        files.into_iter().map(|file| (function.to_owned(), file)).collect::<Vec<_>>()
    };
    functions.into_iter().flat_map(of_function).collect()
}

async fn an_object_changes_the_catalog(cli: &AwsCli, running: &Running) {
    let s3 = running.stack.endpoints().s3_url();
    let entity_ref = "component:default/dropped-by-cli";
    let file = cli.file("catalog-info.yaml", CATALOG_INFO);
    let object = "s3://callboard-drop/exports/acme.shop/catalog-info/main.yaml";
    assert_eq!(running.by_name(entity_ref).await.0, 404);
    cli.run(&s3, &["s3", "cp", "--quiet", &file, object, "--metadata", "component=orders,environment=production"]);
    running.settled().await;
    let (status, entity) = running.by_name(entity_ref).await;
    assert_eq!((status, &entity["spec"]["owner"]), (200, &Value::from("team-a")));
    let (_, receipt) = running.get("/api/exports/acme.shop/catalog-info/main", &[]).await;
    assert_eq!(receipt["component"], "component:default/orders", "the metadata came along: {receipt}");

    cli.run(&s3, &["s3", "rm", "--quiet", object]);
    running.settled().await;
    assert_eq!(running.by_name(entity_ref).await.0, 404);
}

/// The first load of an account: the file under the key that Config gives it.
async fn a_file_of_config_is_loaded(cli: &AwsCli, running: &Running) {
    let s3 = running.stack.endpoints().s3_url();
    let company = Company::theatre();
    let queue = config::queue(&company, "loaded-by-cli", Vec::new());
    let item = config::item_change(&queue, "OK", "2026-11-01T08:00:00.000Z", 1)["detail"]["configurationItem"].clone();
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(json!({"configurationItems": [item]}).to_string().as_bytes()).unwrap();
    let path = cli.folder.path().join("history.json.gz");
    fs::write(&path, encoder.finish().unwrap()).unwrap();
    let (account, region) = (&queue.account, &queue.region);
    let object = format!(
        "s3://callboard-config/AWSLogs/{account}/Config/{region}/2026/11/1/ConfigHistory/{account}_Config_{region}_\
         ConfigHistory_AWS::SQS::Queue_20261101T080000Z_20261101T140000Z_1.json.gz"
    );
    cli.run(&s3, &["s3", "cp", "--quiet", path.to_str().unwrap(), &object]);
    running.settled().await;
    assert_eq!(running.found("metadata.title=loaded-by-cli").await.len(), 1);
    let (_, status) = running.get("/api/status", &[]).await;
    let sources = status["sources"].as_array().unwrap();
    let counts = &sources.iter().find(|source| source["source"] == "config-change").unwrap()["counts"];
    assert_eq!((&counts["filesRead"], &counts["parsed"]), (&json!(1), &json!(1)), "{status}");
}

async fn every_delivery_is_answered(cli: &AwsCli, running: &Running) {
    let invoke = running.stack.endpoints().invoke_url();
    let deliveries = deliveries();
    assert!(deliveries.len() > 10, "{deliveries:?}");
    let answer = cli.file("answer.json", "");
    for (function, file) in &deliveries {
        let payload = format!("fileb://{}", file.display());
        let told = cli.run(&invoke, &["lambda", "invoke", "--function-name", function, "--payload", &payload, &answer]);
        assert_eq!((&told["StatusCode"], &told["FunctionError"]), (&Value::from(200), &Value::Null), "{payload}");
        let answer: Value = serde_json::from_slice(&fs::read(&answer).unwrap()).unwrap();
        let delivered: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
        if delivered["Records"].is_array() {
            let failed = answer["batchItemFailures"].as_array().map(Vec::len);
            assert_eq!(
                failed,
                Some(usize::from(file.ends_with("13-malformed-among-good.json"))),
                "{payload}: {answer}"
            );
        } else {
            assert_eq!(answer["statusCode"], 200, "{payload}: {answer}");
        }
    }
    running.settled().await;
    let pipelines =
        "kind=resource,spec.type=codepipeline-pipeline,relations.dependencyOf=component:default/catalog-api";
    assert_eq!(running.by_query(pipelines).await.len(), 2);
    let nobody = cli.try_run(&invoke, &["lambda", "invoke", "--function-name", "nobody", &answer]);
    let stderr = String::from_utf8_lossy(&nobody.stderr);
    assert!(!nobody.status.success() && stderr.contains("ResourceNotFoundException"), "{stderr}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_tool_of_aws_works_against_the_local_stack() {
    let Some(cli) = AwsCli::found() else {
        println!("skipped: CALLBOARD_AWS_CLI does not name the AWS CLI");
        return;
    };
    let running = Running::start().await;
    let dynamodb = running.stack.endpoints().dynamodb_url();
    let described = cli.run(&dynamodb, &["dynamodb", "describe-table", "--table-name", "callboard"]);
    assert_eq!(described["Table"]["StreamSpecification"]["StreamViewType"], "NEW_AND_OLD_IMAGES", "{described}");
    an_object_changes_the_catalog(&cli, &running).await;
    a_file_of_config_is_loaded(&cli, &running).await;
    // What lies in the buckets before the deliveries that announce it.
    running.put_objects(&Plot::of(&Company::theatre())).await;
    every_delivery_is_answered(&cli, &running).await;
    running.assert_conservation().await;
}
