//! Every public sample of what AWS Config sends, file by file: what is accepted, with which content, and what is refused.

use std::fmt::Write as _;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use config_item::{ConfigItemError, ConfigMessage, Statements, parse};
use flate2::read::GzDecoder;
use serde_json::Value;

const NOW_MS: u64 = 1_800_000_000_000;

fn samples() -> Option<Vec<PathBuf>> {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/samples/config"));
    let Ok(entries) = fs::read_dir(folder) else {
        println!("skipped: no samples at {}", folder.display());
        return None;
    };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    Some(files)
}

fn text_of(file: &Path) -> String {
    let bytes = fs::read(file).unwrap();
    if !is_snapshot(file) {
        return String::from_utf8(bytes).unwrap();
    }
    let mut text = String::new();
    GzDecoder::new(bytes.as_slice()).read_to_string(&mut text).unwrap();
    text
}

fn is_snapshot(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "gz")
}

fn statements(message: Result<ConfigMessage, ConfigItemError>) -> Result<Statements, ConfigItemError> {
    message?.statements("sample", NOW_MS)
}

/// What the library makes of a file; of a snapshot with its many items the records alone.
fn told(file: &Path) -> String {
    let document: Value = match serde_json::from_str(&text_of(file)) {
        Ok(document) => document,
        Err(error) => return format!("refused: not JSON: {error}\n"),
    };
    let mut told = String::new();
    for message in parse(&document) {
        match &message {
            Ok(ConfigMessage::Ignored { message_type }) => writeln!(told, "ignored: {message_type}").unwrap(),
            Ok(ConfigMessage::Compliance(compliance)) => {
                let result = compliance.result(NOW_MS).unwrap();
                writeln!(told, "rule for {}: {}", compliance.subject().unwrap().record_key(), result.body).unwrap();
            }
            Ok(ConfigMessage::Delivery(delivery)) => writeln!(told, "{delivery:?}").unwrap(),
            Ok(ConfigMessage::Item(_) | ConfigMessage::Oversized(_)) | Err(_) => {}
        }
        match statements(message) {
            Err(error) => writeln!(told, "refused: {error}").unwrap(),
            Ok(statements) if is_snapshot(file) => {
                let text = statements.to_string();
                text.lines().filter(|line| !line.starts_with(' ')).for_each(|line| writeln!(told, "{line}").unwrap());
            }
            Ok(statements) => write!(told, "{statements}").unwrap(),
        }
    }
    told
}

#[test]
fn every_valid_sample_is_accepted_with_its_content_and_every_invalid_one_is_refused() {
    let Some(files) = samples() else { return };
    let mut all = String::new();
    for file in &files {
        writeln!(all, "## {}\n{}", file.file_name().unwrap().to_string_lossy(), told(file)).unwrap();
    }
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("samples", all);
    });
}

/// The snapshot file holds the items of the single files in the other dialect: other names, numbers instead of strings.
#[test]
fn an_item_of_a_snapshot_file_says_the_same_as_that_of_the_api() {
    let Some(files) = samples() else { return };
    let items_of = |file: &PathBuf| -> Vec<Statements> {
        let document = serde_json::from_str(&text_of(file)).unwrap();
        parse(&document).into_iter().map(|message| statements(message).unwrap()).collect()
    };
    let snapshot = files.iter().find(|file| is_snapshot(file)).map(items_of).unwrap();
    let mut same = 0;
    for file in &files {
        let name = file.file_name().unwrap().to_string_lossy();
        if name.starts_with("ci-rdk-")
            && name != "ci-rdk-ec2-networkinterface.json"
            && name != "ci-rdk-ecs-taskdefinition.json"
        {
            let single = items_of(file);
            assert!(snapshot.contains(&single[0]), "{name}");
            same += 1;
        }
    }
    assert_eq!((same, snapshot.len()), (7, 12));
}
