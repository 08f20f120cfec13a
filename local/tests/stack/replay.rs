//! A folder of deliveries, handed to functions that write down what they get.

use std::{fs, path::Path, time::Duration};

use crate::support::{Recorder, accepting, s3};
use callboard::{
    functions::Functions,
    replay::{Delivery, Line, ReplayError, deliver, replay},
    stack::{Stack, StackOptions},
};
use serde_json::{Value, json};

fn batch(bodies: &[&str]) -> Value {
    let record = |body: &&str| json!({"messageId": "theirs", "eventSource": "aws:sqs", "body": body});
    json!({"Records": bodies.iter().map(record).collect::<Vec<_>>()})
}

fn write(folder: &Path, files: &[(&str, String)]) {
    for (name, text) in files {
        let file = folder.join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
}

/// Names and texts.
type Files<'a> = &'a [(&'a str, &'a str)];

/// Every invocation with the function's name; messages with the body `bad` fail, requests are accepted.
fn functions(recorder: &Recorder) -> Functions {
    let mut functions = accepting();
    for name in ["config-change", "cicd-export"] {
        let recorder = recorder.clone();
        functions = functions.with(name, move |event: Value| {
            let records = event["Records"].as_array().cloned().unwrap_or_default();
            let bodies: Vec<&Value> = records.iter().map(|record| &record["body"]).collect();
            recorder.note(json!([name, if bodies.is_empty() { &event } else { &Value::Null }, bodies]));
            let failed = records.iter().filter(|record| record["body"] == "bad");
            let failed: Vec<_> = failed.map(|record| json!({"itemIdentifier": record["messageId"]})).collect();
            let receipt = json!({"status": "accepted", "applied": 2, "counts": {"refused": 1}}).to_string();
            let answer = if records.is_empty() {
                json!({"statusCode": 200, "body": receipt})
            } else {
                json!({"batchItemFailures": failed})
            };
            async { Ok(answer) }
        });
    }
    functions
}

async fn stack(recorder: &Recorder) -> Stack {
    let options = StackOptions { retry_delay: Duration::from_millis(1), ..StackOptions::default() };
    Stack::start(options, |_| functions(recorder)).await.unwrap()
}

#[tokio::test]
async fn a_folder_is_replayed_in_the_order_of_its_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let request = json!({"httpMethod": "PUT", "path": "/api/exports/a/b/c"});
    write(
        folder.path(),
        &[
            ("README.md", "no part of it".to_owned()),
            ("config-change/101-last.json", batch(&["third"]).to_string()),
            ("config-change/01-first.json", batch(&["first", "bad", "second"]).to_string()),
            ("cicd-export/02-request.json", request.to_string()),
            ("objects/callboard-drop/exports/a/b/c d.json", "{}".to_owned()),
            ("objects/callboard-drop/exports/a/b/c d.json.metadata.json", "{\"component\": \"x\"}".to_owned()),
        ],
    );
    let recorder = Recorder::default();
    let stack = stack(&recorder).await;
    let mut seen = Vec::new();
    let lines = replay(&stack, folder.path(), |line| seen.push(line.clone())).await.unwrap();

    assert_eq!(seen, lines);
    let told: Vec<_> = lines.iter().map(|line| format!("{} {}: {line}", line.name, line.messages)).collect();
    assert_eq!(
        told,
        [
            "01-first 3: 1 dead: function-failed",
            "02-request 1: 200 accepted, 2 applied, 1 refused",
            "101-last 1: accepted",
        ]
    );
    let mut events = recorder.events();
    events.dedup();
    assert_eq!(
        events,
        [
            json!(["config-change", null, ["first"]]),
            json!(["config-change", null, ["bad"]]),
            json!(["config-change", null, ["second"]]),
            json!(["cicd-export", request, []]),
            json!(["config-change", null, ["third"]]),
        ]
    );
    assert_eq!(stack.dead_letters().unwrap().len(), 1);
    let object = s3(&stack.endpoints()).head_object().bucket("callboard-drop").key("exports/a/b/c d.json");
    assert_eq!(object.send().await.unwrap().metadata().unwrap()["component"], "x");
    stack.shutdown().await;
}

#[tokio::test]
async fn a_file_that_is_not_as_the_layout_has_it_is_named_and_nothing_is_delivered() {
    let good = batch(&["x"]).to_string();
    let cases: [(Files<'_>, &str, &str); 10] = [
        (&[("config-change/01-a.json", "{")], "01-a.json", "is no JSON"),
        (&[("config-change/1-a.json", &good)], "1-a.json", "two or three digits"),
        (&[("config-change/0001-a.json", &good)], "0001-a.json", "two or three digits"),
        (&[("config-change/a.json", &good)], "a.json", "two or three digits"),
        (&[("config-change/01-a.yaml", &good)], "01-a.yaml", "two or three digits"),
        (&[("config-change/01-a.json", &good), ("cost-report/01-b.json", &good)], "01-b.json", "same number"),
        (&[("config-chance/01-a.json", &good)], "config-chance", "named after no function"),
        (&[("objects/drop/a", "x")], "drop", "named after no bucket"),
        (
            &[("objects/callboard-drop/a", "x"), ("objects/callboard-drop/a.metadata.json", "[1]")],
            "a.metadata.json",
            "of strings",
        ),
        (&[("objects/callboard-drop/a.metadata.json", "{}")], "a.metadata.json", "no object beside it"),
    ];
    let recorder = Recorder::default();
    let stack = stack(&recorder).await;
    for (files, named, said) in cases {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &[("config-change/99-good.json", good.clone())]);
        write(folder.path(), &files.iter().map(|(name, text)| (*name, (*text).to_owned())).collect::<Vec<_>>());
        let error = replay(&stack, folder.path(), |_| {}).await.unwrap_err().to_string();
        assert!(error.contains(named) && error.contains(said), "{error}");
    }
    let missing = replay(&stack, Path::new("/nowhere/at/all"), |_| {}).await.unwrap_err();
    assert!(matches!(missing, ReplayError::Folder(_)));
    assert!(missing.to_string().contains("/nowhere/at/all") && missing.to_string().contains("--events"), "{missing}");
    assert!(recorder.events().is_empty());
    stack.shutdown().await;
}

#[tokio::test]
async fn a_delivery_in_memory_takes_the_same_way() {
    let recorder = Recorder::default();
    let stack = stack(&recorder).await;
    let delivery = |function: &str, payload: Value| Delivery {
        function: function.to_owned(),
        name: "made-up".to_owned(),
        payload,
    };
    let line = deliver(&stack, &delivery("config-change", batch(&["a", "b"]))).await.unwrap();
    assert_eq!((line.messages, line.dead.len(), line.number_and_name()), (2, 0, ("", "made-up")));
    // A batch of the table's stream is no SQS batch: it goes to the function as it is.
    let stream = json!({"Records": [{"eventSource": "aws:dynamodb"}]});
    let line: Line = deliver(&stack, &delivery("catalog-index", stream)).await.unwrap();
    assert_eq!(line.to_string(), "accepted");
    let no_queue = deliver(&stack, &delivery("query-api", batch(&["a"]))).await.unwrap_err();
    assert!(no_queue.to_string().contains("takes no messages"), "{no_queue}");
    let unknown = deliver(&stack, &delivery("nobody", json!({}))).await.unwrap_err();
    assert!(matches!(unknown, ReplayError::Invoke { .. }), "{unknown}");
    stack.shutdown().await;
}
