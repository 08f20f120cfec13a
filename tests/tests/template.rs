//! The template and the local stack say the same about what consumes what.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;

use callboard_tests::checkout::{files, root};
use callboard_tests::template::{facts_of_local_stack, facts_of_template, read};
use delivery::cors;
use serde_json::{Value, json};

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
            || (has("paths") && ["uri", "responseTransferMode", "timeoutInMillis"].iter().any(|key| has(key)))
            || has("StreamSpecification");
        let beside = has("ScalingConfig")
            || has("RestApiId")
            || has("StartingPosition")
            || has("BisectBatchOnFunctionError")
            || has("RetryPolicy")
            || (has("Events") && (has("DeadLetterConfig") || has("State")));
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

/// Operations of the API with their paths and methods.
fn operations(template: &Value) -> Vec<(String, String, Value)> {
    let paths = template["Resources"]["Api"]["Properties"]["DefinitionBody"]["paths"].as_object().unwrap();
    let all = paths.iter().flat_map(|(path, operations)| {
        let operations = operations.as_object().unwrap().iter();
        operations.map(|(method, operation)| (path.clone(), method.clone(), operation.clone()))
    });
    all.collect()
}

#[test]
fn every_operation_takes_tokens_or_signatures_and_only_preflights_take_anybody() {
    let template = template();
    let either = |condition: &str| json!([condition, [{"bearer": []}], [{"sigv4": []}]]);
    for (path, method, operation) in operations(&template) {
        if method == "options" {
            let [condition, preflight, otherwise] = operation.as_array().unwrap().as_slice() else { panic!("{path}") };
            assert_eq!((condition, otherwise), (&json!("HasCors"), &json!("AWS::NoValue")), "{path}");
            assert_eq!(preflight["security"], json!([]));
            assert_eq!(preflight["x-amazon-apigateway-integration"]["type"], "mock", "{path} reaches a function");
            continue;
        }
        let condition = if path.starts_with("/api/exports/") { "ExportsTakeTokens" } else { "ReadsTakeTokens" };
        assert_eq!(operation["security"], either(condition), "{method} {path}");
    }
    let schemes = &template["Resources"]["Api"]["Properties"]["DefinitionBody"]["components"]["securitySchemes"];
    assert_eq!(schemes["sigv4"]["x-amazon-apigateway-authtype"], "awsSigv4");
    assert_eq!(schemes["bearer"][0], "ReadsTakeTokens");
    let authorizer = &schemes["bearer"][1]["x-amazon-apigateway-authorizer"];
    assert!(authorizer["authorizerUri"].as_str().unwrap().contains("${AuthorizerFunction.Arn}"));
    assert!(authorizer["authorizerResultTtlInSeconds"].as_u64().unwrap() <= 60);
    // Without it, a changed parameter would change the API and not what is deployed of it.
    assert_eq!(template["Resources"]["Api"]["Properties"]["AlwaysDeploy"], json!(true));
}

#[test]
fn a_preflight_says_in_the_template_what_it_says_here() {
    let quoted = |text: &str| json!(format!("'{text}'"));
    let preflights: Vec<Value> = operations(&template())
        .into_iter()
        .filter(|(_, method, _)| method == "options")
        .map(|(_, _, operation)| operation[1]["x-amazon-apigateway-integration"].clone())
        .collect();
    assert_eq!(preflights.len(), 3);
    for preflight in preflights {
        let said = &preflight["responses"]["default"]["responseParameters"];
        for (name, value) in [("Headers", cors::ALLOW_HEADERS), ("Methods", cors::ALLOW_METHODS)] {
            assert_eq!(said[format!("method.response.header.Access-Control-Allow-{name}")], quoted(value));
        }
        assert_eq!(said["method.response.header.Access-Control-Max-Age"], quoted(cors::MAX_AGE_SECONDS));
    }
}

#[test]
fn refusals_of_the_gateway_are_json_in_the_shape_of_all_errors() {
    let template = template();
    let responses =
        &template["Resources"]["Api"]["Properties"]["DefinitionBody"]["x-amazon-apigateway-gateway-responses"];
    for (name, response) in responses.as_object().unwrap() {
        let text = response["responseTemplates"]["application/json"].as_str().unwrap();
        let filled = text.replace("$context.error.messageString", "\"no\"").replace("$context.", "");
        let body: Value = serde_json::from_str(&filled).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(body["error"]["name"].is_string() && body["request"]["url"].is_string(), "{name}");
        assert_eq!(body["response"]["statusCode"], response["statusCode"], "{name}");
        assert_eq!(response["responseParameters"][0], "HasCors", "{name}");
    }
    assert_eq!(responses["UNAUTHORIZED"]["statusCode"], 401);
}

#[test]
fn the_table_of_athena_has_the_columns_that_are_read_of_a_report() {
    let template = template();
    let table = &template["Resources"]["AthenaTable"]["Properties"]["TableInput"];
    let columns = table["StorageDescriptor"]["Columns"].as_array().unwrap();
    let columns: Vec<(&str, &str)> =
        columns.iter().map(|column| (column["Name"].as_str().unwrap(), column["Type"].as_str().unwrap())).collect();
    assert_eq!(columns, billing_report::table_columns().collect::<Vec<_>>());
    assert_eq!(table["PartitionKeys"], json!([{"Name": "folder", "Type": "string"}]));
    let variables = &template["Resources"]["CostReportFunction"]["Properties"]["Environment"]["Variables"];
    assert_eq!((&variables["ATHENA_TABLE"], &table["Name"]), (&json!("reports"), &json!("reports")));
}

/// The two calls of Athena that the function makes, and those that Athena makes in its name.
#[test]
fn who_asks_athena_may_ask_one_workgroup_and_write_to_one_folder() {
    let template = template();
    let policy = &template["Resources"]["CostReportAthenaPolicy"]["Properties"]["PolicyDocument"]["Statement"];
    let on = |action: &str| -> Vec<&Value> {
        let statements = policy.as_array().unwrap().iter();
        let of = statements.filter(|statement| statement["Action"].as_array().unwrap().contains(&json!(action)));
        of.map(|statement| &statement["Resource"]).collect()
    };
    for action in ["athena:StartQueryExecution", "athena:GetQueryExecution"] {
        let [workgroup] = on(action)[..] else { panic!("{action}") };
        assert!(workgroup.as_str().unwrap().ends_with(":workgroup/${AthenaWorkgroup}"), "{action}");
    }
    for action in ["s3:GetObject", "s3:PutObject"] {
        assert_eq!(on(action), [&json!("${CatalogBucket.Arn}/athena/*")], "{action}");
    }
}

#[test]
fn only_reconcile_may_scan_the_table_and_no_role_uses_a_wildcard() {
    for (name, resource) in template()["Resources"].as_object().unwrap() {
        let properties = &resource["Properties"];
        let policies = match resource["Type"].as_str().unwrap() {
            "AWS::IAM::Role" => properties["Policies"].as_array().unwrap().as_slice(),
            "AWS::IAM::RolePolicy" => std::slice::from_ref(properties),
            _ => continue,
        };
        for policy in policies {
            for statement in policy["PolicyDocument"]["Statement"].as_array().unwrap() {
                // Jobs of pipelines have no ARN.
                let of_jobs = statement["Action"].to_string().contains("codepipeline:PutJob");
                assert!(statement["Resource"] != "*" || of_jobs, "{name}");
                assert!(!statement["Action"].to_string().contains('*'), "{name}");
                let scans = statement["Action"].to_string().contains("dynamodb:Scan");
                assert!(!scans || name == "CatalogReconcileRole", "{name}");
                let deletes = statement["Action"].to_string().contains("Delete");
                let of_segments = statement["Resource"] == "${CatalogBucket.Arn}/segments/*";
                assert!(!deletes || of_segments || statement["Action"].to_string().contains("sqs:"), "{name}");
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
