//! Whatever JSON comes, it is read or refused: nothing panics, and nothing that is refused says anything.

use config_item::parse;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// Names that the parser looks for, so that arbitrary documents get past the door.
const NAMES: &[&str] = &[
    "source",
    "detail-type",
    "detail",
    "Type",
    "TopicArn",
    "Message",
    "invokingEvent",
    "messageType",
    "configurationItem",
    "configurationItems",
    "configurationItemSummary",
    "s3DeliverySummary",
    "s3BucketLocation",
    "resourceType",
    "resourceId",
    "resourceName",
    "ARN",
    "arn",
    "awsAccountId",
    "awsRegion",
    "configurationItemStatus",
    "configurationItemCaptureTime",
    "configurationStateId",
    "resourceCreationTime",
    "tags",
    "relationships",
    "configuration",
    "supplementaryConfiguration",
    "state",
    "Tags",
    "key",
    "value",
    "name",
    "BucketTaggingConfiguration",
    "tagSets",
    "availibilityZone",
];

const TEXTS: &[&str] = &[
    "aws.config",
    "Config Configuration Item Change",
    "Notification",
    "ConfigurationItemChangeNotification",
    "OK",
    "ResourceDeleted",
    "AWS::RDS::DBInstance",
    "AWS::S3::Bucket",
    "arn:aws:s3:::x",
    "arn:::::",
    "111122223333",
    "eu-west-1",
    "2026-11-20T10:00:00Z",
    "1e400",
    "1e-400",
    "9e39",
    ".",
    "é",
    "{\"a\":[1]}",
    "[{\"key\":\"a\"}]",
    "\"\\\"x\\\"\"",
];

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        proptest::sample::select(TEXTS).prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 64, 8, |inner| {
        let name = prop_oneof![4 => proptest::sample::select(NAMES).prop_map(str::to_owned), 1 => "\\PC{0,6}"];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::vec((name, inner), 0..8).prop_map(|fields| Value::from(Map::from_iter(fields))),
        ]
    })
}

fn item_with(field: &str, value: Value) -> Value {
    let mut item = json!({
        "configurationItemCaptureTime": "2026-11-20T10:00:00.250Z", "configurationStateId": 1, "awsAccountId": "111122223333",
        "configurationItemStatus": "OK", "resourceType": "AWS::RDS::DBInstance", "resourceId": "db-ABC", "resourceName": "orders",
        "ARN": "arn:aws:rds:eu-west-1:111122223333:db:orders", "awsRegion": "eu-west-1",
        "configuration": {"engine": "postgres"}, "tags": {"owner": "a"}
    });
    item[field] = value;
    item
}

proptest! {
    #[test]
    fn no_document_makes_the_parser_panic(document in any_json()) {
        for message in parse(&document).into_iter().flatten() {
            let _ = message.statements("d", u64::MAX / 2).map(|statements| statements.to_string());
        }
    }

    #[test]
    fn no_field_of_an_item_makes_the_parser_panic(field in proptest::sample::select(NAMES), value in any_json()) {
        for message in parse(&item_with(field, value)).into_iter().flatten() {
            let _ = message.statements("d", 1_800_000_000_000).map(|statements| statements.to_string());
        }
    }
}

#[test]
fn an_item_of_a_megabyte_and_one_of_a_thousand_brackets_are_taken_or_refused_with_a_reason() {
    let mut large = item_with("configuration", json!({"engine": "postgres", "blob": "x".repeat(1_000_000)}));
    large["tags"] = Value::from(Map::from_iter((0..1_000).map(|n| (format!("tag-{n}"), json!("x".repeat(300))))));
    let told = parse(&large).remove(0).unwrap().statements("d", 1_800_000_000_000).unwrap().to_string();
    assert!(told.contains("engine = postgres") && told.len() < 4_000, "{}", told.len());

    let deep = format!("{}{}", "{\"a\":[".repeat(1_000), "]}".repeat(1_000));
    let text = item_with("configuration", json!(deep));
    assert_eq!(parse(&text).remove(0).unwrap_err().code(), "malformed-json");
}
