//! One item of each type of the table, in Config's own shape: what is kept of it, and that nothing secret is.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use catalog_model::{Facts, Pointer, RecordKey, Said};

use crate::attributes::{TypeAttributes, all_types, attributes_of};
use crate::{Statements, parse};

const NOW_MS: u64 = 1_800_000_000_000;

/// Every secret of a fixture begins so.
const CANARY: &str = "canary-";

/// Texts of the fixtures by type: `Lambda-Function.json` is of `AWS::Lambda::Function`.
fn fixtures() -> BTreeMap<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/types");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let type_of = |file: &Path| format!("AWS::{}", file.file_stem().unwrap().to_str().unwrap().replace('-', "::"));
    files.map(|file| (type_of(&file), fs::read_to_string(&file).unwrap())).collect()
}

fn told(text: &str) -> Statements {
    let message = parse(&serde_json::from_str(text).unwrap()).remove(0).unwrap();
    assert!(!format!("{message:?}").contains(CANARY));
    message.statements("delivery", NOW_MS).unwrap()
}

fn facts(statements: &Statements) -> &Facts {
    match &statements.fragments[0].1.said {
        Said::Facts(facts) => facts,
        Said::Claim(_) | Said::Gone => panic!("{statements}"),
    }
}

#[test]
fn every_row_of_the_table_has_a_fixture_in_which_all_that_it_names_is_found() {
    let fixtures = fixtures();
    for TypeAttributes { resource_type, state, attributes } in all_types() {
        let text = fixtures.get(*resource_type).unwrap_or_else(|| panic!("{resource_type} has no fixture"));
        let told = told(text);
        let facts = facts(&told);
        for attribute in *attributes {
            let pointer = Pointer::to(["spec", "aws", "attributes", attribute.name]);
            assert!(facts.fields.contains_key(&pointer), "{resource_type}: {} is not found", attribute.name);
        }
        let has_state = facts.fields.contains_key(&Pointer::to(["spec", "aws", "state"]));
        assert!(has_state || state.is_empty(), "{resource_type}: no state is found");
    }
    for resource_type in fixtures.keys() {
        assert!(attributes_of(resource_type).is_some(), "{resource_type} has a fixture and no row");
    }
}

#[test]
fn what_is_kept_of_each_type() {
    let mut all = String::new();
    for (resource_type, text) in fixtures() {
        let told = told(&text);
        assert!(matches!(told.fragments[0].0, RecordKey::Entity(_)));
        writeln!(all, "## {resource_type}\n{told}").unwrap();
    }
    assert!(!all.contains(CANARY));
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("types", all);
    });
}

#[test]
fn no_secret_of_any_type_is_told_or_shown_and_all_hazards_are_in_the_fixtures() {
    let fixtures = fixtures();
    for text in fixtures.values() {
        let told = told(text);
        assert!(!format!("{told} {told:?}").contains(CANARY), "{told}");
    }
    let secrets: String = fixtures.into_values().filter(|text| text.contains(CANARY)).collect();
    for hazard in [
        "lambda-env",
        "container-env",
        "build-env",
        "user-data",
        "psk",
        "parameter",
        "output",
        "master",
        "key",
        "stage-variable",
        "policy",
        "auth-token",
        "mail",
    ] {
        assert!(secrets.contains(&format!("{CANARY}{hazard}")), "{hazard}");
    }
}

#[test]
fn of_a_type_without_a_row_the_identity_the_state_and_the_tags_are_kept() {
    let text = r#"{
        "configurationItemCaptureTime": "2026-11-20T10:00:00Z", "configurationStateId": 1, "awsAccountId": "111122223333",
        "configurationItemStatus": "OK", "resourceType": "AWS::AppRunner::Service", "resourceId": "shop/1", "resourceName": "shop",
        "ARN": "arn:aws:apprunner:eu-west-1:111122223333:service/shop/1", "awsRegion": "eu-west-1", "tags": {"component": "shop"},
        "configuration": {"Status": "RUNNING", "ServiceUrl": "canary-url", "SourceConfiguration": {"Password": "canary-password"}}
    }"#;
    insta::assert_snapshot!(told(text), @r"
    e#arn:aws:apprunner:eu-west-1:111122223333:service/shop/1 by config at 2026-11-20T10:00:00.000Z
      /apiVersion = backstage.io/v1alpha1
      /kind = Resource
      /metadata/annotations/aws.amazon.com~1account-id = 111122223333
      /metadata/annotations/aws.amazon.com~1arn = arn:aws:apprunner:eu-west-1:111122223333:service/shop/1
      /metadata/annotations/aws.amazon.com~1name = shop
      /metadata/annotations/aws.amazon.com~1region = eu-west-1
      /metadata/annotations/aws.amazon.com~1resource-id = shop/1
      /metadata/annotations/aws.amazon.com~1resource-type = AWS::AppRunner::Service
      /metadata/title = shop
      /spec/aws/accountId = 111122223333
      /spec/aws/region = eu-west-1
      /spec/aws/resourceType = AWS::AppRunner::Service
      /spec/aws/state = RUNNING
      /spec/aws/tags/component = shop
      /spec/type = apprunner-service
      key awsconfig:111122223333:eu-west-1:AWS::AppRunner::Service/shop/1
    a#awsconfig:111122223333:eu-west-1:AWS::AppRunner::Service/shop/1 by config-claim at 2026-11-20T10:00:00.000Z
      held by arn:aws:apprunner:eu-west-1:111122223333:service/shop/1 (by ARN: true)
    ");
}
