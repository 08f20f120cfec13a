//! Who may depend on whom, and what the code may not know.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fs;

use callboard_tests::checkout::{files, root};
use callboard_tests::company::Company;

/// Direct dependencies of a crate, development ones left out.
fn dependencies(manifest: &str) -> BTreeSet<String> {
    let text = fs::read_to_string(root().join(manifest)).unwrap();
    let mut inside = false;
    let mut found = BTreeSet::new();
    for line in text.lines() {
        if line.starts_with('[') {
            inside = line == "[dependencies]";
        } else if inside && let Some((name, _)) = line.split_once(['.', '=', ' ']) {
            found.insert(name.to_owned());
        }
    }
    found
}

const PARSERS: [&str; 4] =
    ["shared/config-item", "shared/export-formats", "shared/billing-report", "shared/pipeline-event"];

#[test]
fn parsers_know_no_aws_sdk_and_not_each_other() {
    for parser in PARSERS {
        for name in dependencies(&format!("{parser}/Cargo.toml")) {
            assert!(!name.starts_with("aws") && name != "lambda_runtime", "{parser} depends on {name}");
            assert!(!PARSERS.iter().any(|other| other.ends_with(&format!("/{name}"))), "{parser} depends on {name}");
        }
    }
}

#[test]
fn the_model_is_pure() {
    for name in dependencies("shared/catalog-model/Cargo.toml") {
        assert!(!["tokio", "jiff", "aws", "catalog-", "tracing"].iter().any(|no| name.starts_with(no)), "{name}");
    }
}

#[test]
fn functions_depend_on_shared_crates_and_not_on_each_other() {
    let functions: Vec<String> = fs::read_dir(root().join("functions"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(functions.len() >= 5);
    for function in &functions {
        for name in dependencies(&format!("functions/{function}/Cargo.toml")) {
            assert!(!functions.contains(&name), "{function} depends on {name}");
        }
    }
}

#[test]
fn only_the_store_calls_dynamodb() {
    for folder in ["functions", "shared"] {
        for manifest in files(folder, "toml") {
            let shown = manifest.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
            if !shown.starts_with("shared/catalog-store") {
                assert!(!dependencies(&shown).contains("aws-sdk-dynamodb"), "{shown}");
            }
        }
    }
}

#[test]
fn the_environment_is_read_in_settings_only() {
    for folder in ["functions", "shared", "local"] {
        for file in files(folder, "rs") {
            let text = fs::read_to_string(&file).unwrap();
            let is_test = file.to_string_lossy().contains("/tests/") || file.to_string_lossy().contains("_tests.rs");
            if text.contains("env::var") && !is_test {
                assert!(file.ends_with("settings.rs"), "{} reads the environment", file.display());
            }
        }
    }
}

#[test]
fn no_source_file_is_longer_than_500_lines() {
    for folder in ["functions", "shared", "local", "tests"] {
        for file in files(folder, "rs") {
            let lines = fs::read_to_string(&file).unwrap().lines().count();
            assert!(lines <= 500, "{} has {lines} lines", file.display());
        }
    }
}

/// The part of a source file before its unit tests, without documentation.
fn product_code(text: &str) -> String {
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_product_knows_no_name_of_the_sample_company() {
    let company = Company::theatre();
    for folder in ["functions", "shared", "local"] {
        for file in files(folder, "rs") {
            let path = file.to_string_lossy().into_owned();
            if path.contains("/tests/") || path.contains("_tests.rs") || path.ends_with("/tests.rs") {
                continue;
            }
            let code = product_code(&fs::read_to_string(&file).unwrap());
            for name in company.names() {
                let spoken = code
                    .split(|c: char| !c.is_ascii_alphanumeric() && c != '-')
                    .any(|word| word.eq_ignore_ascii_case(name));
                assert!(!spoken, "{path} names `{name}`");
            }
        }
    }
}
