//! The template and the local stack say the same about what consumes what.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;

use callboard_tests::checkout::{files, root};
use callboard_tests::template::{facts_of_local_stack, facts_of_template, read};
use serde_json::Value;

fn template() -> Value {
    read(&fs::read_to_string(root().join("infra/template.yaml")).unwrap())
}

#[test]
fn the_template_and_the_local_stack_agree() {
    assert_eq!(facts_of_template(&template()), facts_of_local_stack());
}

/// Paths of all scalars that say what consumes what.
fn wiring_leaves(template: &Value) -> Vec<Vec<String>> {
    fn walk(value: &Value, path: &mut Vec<String>, leaves: &mut Vec<Vec<String>>) {
        let children: Vec<(String, &Value)> = match value {
            Value::Object(map) => map.iter().map(|(key, child)| (key.clone(), child)).collect(),
            Value::Array(items) => items.iter().enumerate().map(|(at, child)| (at.to_string(), child)).collect(),
            _ => return leaves.push(path.clone()),
        };
        for (key, child) in children {
            path.push(key);
            walk(child, path, leaves);
            path.pop();
        }
    }
    let mut leaves = Vec::new();
    walk(&template["Resources"], &mut vec!["Resources".into()], &mut leaves);
    leaves.retain(|path| {
        let has = |key: &str| path.iter().any(|part| part == key);
        let says = has("RedrivePolicy")
            || has("NotificationConfiguration")
            || has("EventPattern")
            || (has("Targets") && path.last().is_some_and(|last| last == "Arn") && !has("DeadLetterConfig"))
            || (has("Events") && path.len() > 4)
            || has("MAX_RECEIVE_COUNT")
            || has("StreamSpecification");
        let beside = has("ScalingConfig")
            || has("RestApiId")
            || has("StartingPosition")
            || has("BisectBatchOnFunctionError")
            || has("RetryPolicy");
        says && !beside
    });
    leaves
}

#[test]
fn changing_any_queue_prefix_detail_type_or_route_in_the_template_alone_is_noticed() {
    let template = template();
    let ours = facts_of_local_stack();
    let leaves = wiring_leaves(&template);
    assert!(leaves.len() > 40, "{}", leaves.len());
    for path in leaves {
        let mut changed = template.clone();
        let pointer: String =
            path.iter().map(|part| format!("/{}", part.replace('~', "~0").replace('/', "~1"))).collect();
        let leaf = changed.pointer_mut(&pointer).unwrap();
        *leaf = match &*leaf {
            Value::Number(number) => Value::from(number.as_i64().unwrap() + 1),
            other => Value::from(format!("X{}", other.as_str().unwrap())),
        };
        assert_ne!(facts_of_template(&changed), ours, "{pointer} may change unnoticed");
    }
}

#[test]
fn no_role_may_scan_the_table_or_use_a_wildcard() {
    let text = fs::read_to_string(root().join("infra/template.yaml")).unwrap();
    assert!(!text.contains("dynamodb:Scan") && !text.contains("dynamodb:*"));
    for (name, resource) in template()["Resources"].as_object().unwrap() {
        if resource["Type"] != "AWS::IAM::Role" {
            continue;
        }
        for policy in resource["Properties"]["Policies"].as_array().unwrap() {
            for statement in policy["PolicyDocument"]["Statement"].as_array().unwrap() {
                assert_ne!(statement["Resource"], "*", "{name}");
                assert!(!statement["Action"].to_string().contains('*'), "{name}");
            }
        }
    }
}

#[test]
fn the_store_makes_no_call_that_no_role_allows() {
    let text = fs::read_to_string(root().join("infra/template.yaml")).unwrap();
    let sources: String =
        files("shared/catalog-store/src", "rs").iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    for (call, action) in [
        ("batch_get_item", "BatchGetItem"),
        ("batch_write_item", "BatchWriteItem"),
        ("delete_item", "DeleteItem"),
        ("get_item", "GetItem"),
        ("put_item", "PutItem"),
        ("query", "Query"),
        ("scan", "Scan"),
        ("transact_write_items", "TransactWriteItems"),
        ("update_item", "UpdateItem"),
    ] {
        let is_allowed = text.contains(&format!("dynamodb:{action}"));
        assert!(is_allowed || !sources.contains(&format!(".{call}()")), "{action}");
    }
}
