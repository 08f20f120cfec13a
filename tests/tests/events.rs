//! The files of `events/` are the plot of the sample company, and look as AWS sends them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use callboard_tests::checkout::root;
use callboard_tests::company::Company;
use callboard_tests::deliveries::Plot;
use callboard_tests::files::files_of;

fn on_disk(folder: &Path, below: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(folder.join(below)).unwrap() {
        let path = below.join(entry.unwrap().file_name());
        if folder.join(&path).is_dir() {
            on_disk(folder, &path, found);
        } else {
            found.insert(path.clone(), fs::read(folder.join(&path)).unwrap());
        }
    }
}

#[test]
fn the_files_are_those_of_the_sample_company() {
    let mut disk = BTreeMap::new();
    on_disk(&root().join("events"), Path::new(""), &mut disk);
    let plot = files_of(&Plot::of(&Company::theatre()));
    let names = |files: &BTreeMap<PathBuf, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&disk), names(&plot));
    for (path, bytes) in plot {
        // Another version of the Parquet writer, or of the compressor, may lay out the same content differently.
        if path.extension().is_none_or(|extension| extension != "parquet" && extension != "gz") {
            let (ours, theirs) = (String::from_utf8(bytes).unwrap(), String::from_utf8_lossy(&disk[&path]));
            assert!(
                ours == theirs,
                "{} differs; run `cargo run -p callboard-tests --bin write-events`",
                path.display()
            );
        }
    }
}

#[test]
fn every_delivery_is_an_event_that_its_function_takes() {
    let plot = Plot::of(&Company::theatre());
    for function in ["cicd-export", "config-change", "cost-report"] {
        assert!(plot.deliveries.iter().any(|delivery| delivery.function == function));
    }
    for delivery in plot.deliveries {
        let payload = delivery.payload.clone();
        if payload.get("Records").is_some() {
            let event: aws_lambda_events::sqs::SqsEvent = serde_json::from_value(payload).unwrap();
            assert!(event.records.iter().all(|record| record.body.is_some() && record.message_id.is_some()));
        } else {
            let request: aws_lambda_events::apigw::ApiGatewayProxyRequest = serde_json::from_value(payload).unwrap();
            assert!(request.path.is_some_and(|path| path.starts_with("/api/exports/")));
        }
    }
}
