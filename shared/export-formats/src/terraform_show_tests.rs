use insta::assert_snapshot;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn parameters(text: &str) -> Parameters {
    Parameters::parse(text.split_whitespace().filter_map(|pair| pair.split_once('='))).unwrap()
}

fn shown(module: &Value) -> Vec<u8> {
    json!({
        "format_version": "1.0", "terraform_version": "1.9.8",
        "values": {"outputs": {"password": {"sensitive": true, "value": "hunter2"}}, "root_module": module},
    })
    .to_string()
    .into_bytes()
}

fn managed(terraform_type: &str, name: &str, values: &Value) -> Value {
    json!({"address": format!("{terraform_type}.{name}"), "mode": "managed", "type": terraform_type, "name": name,
        "provider_name": "p", "values": values, "sensitive_values": {}})
}

fn refusal(body: &[u8]) -> String {
    parse(body, &Parameters::default()).unwrap_err().to_string()
}

#[test]
fn resources_of_all_modules_are_told_as_those_of_a_raw_state_are() {
    let queue = |index: Value| {
        let arn = format!("arn:aws:sqs:eu-west-1:111122223333:jobs-{}", index.as_str().unwrap_or("0"));
        let mut queue =
            managed("aws_sqs_queue", "jobs", &json!({"arn": arn, "fifo_queue": false, "policy": "hunter2"}));
        queue["index"] = index;
        queue
    };
    let mut topic = managed("aws_sns_topic", "done", &json!({"arn": "arn:aws:sns:eu-west-1:111122223333:done"}));
    topic["depends_on"] = json!(["module.a.module.b.aws_sqs_queue.jobs"]);
    let data = json!({"mode": "data", "type": "aws_caller_identity", "name": "me", "values": {"id": "x"}});
    let body = shown(&json!({
        "resources": [topic, data],
        "child_modules": [{"address": "module.a[\"x.y]\"]", "child_modules": [
            {"address": "module.a[\"x.y]\"].module.b[0]", "resources": [queue(json!("one")), queue(json!(0))]},
        ]}],
    }));
    let parsed = parse(&body, &parameters("component=orders")).unwrap();
    assert!(!parsed.to_string().contains("hunter2"));
    assert_snapshot!(parsed, @r#"
    document 0 (aws_sns_topic.done) arn:aws:sns:eu-west-1:111122223333:done: accepted
    document 1 (module.a["x.y]"].module.b[0].aws_sqs_queue.jobs["one"]) arn:aws:sqs:eu-west-1:111122223333:jobs-one: accepted
    document 2 (module.a["x.y]"].module.b[0].aws_sqs_queue.jobs[0]) arn:aws:sqs:eu-west-1:111122223333:jobs-0: accepted
    e#arn:aws:sns:eu-west-1:111122223333:done Listed
      /apiVersion "backstage.io/v1alpha1"
      /kind "Resource"
      /metadata/annotations/aws.amazon.com~1account-id "111122223333"
      /metadata/annotations/aws.amazon.com~1arn "arn:aws:sns:eu-west-1:111122223333:done"
      /metadata/annotations/aws.amazon.com~1region "eu-west-1"
      /metadata/annotations/aws.amazon.com~1resource-type "AWS::SNS::Topic"
      /spec/aws/accountId "111122223333"
      /spec/aws/region "eu-west-1"
      /spec/aws/resourceType "AWS::SNS::Topic"
      /spec/type "sns-topic"
      dependencyOf -> component:default/orders
      dependsOn -> arn:aws:sqs:eu-west-1:111122223333:jobs-0
      dependsOn -> arn:aws:sqs:eu-west-1:111122223333:jobs-one
    e#arn:aws:sqs:eu-west-1:111122223333:jobs-one Listed
      /apiVersion "backstage.io/v1alpha1"
      /kind "Resource"
      /metadata/annotations/aws.amazon.com~1account-id "111122223333"
      /metadata/annotations/aws.amazon.com~1arn "arn:aws:sqs:eu-west-1:111122223333:jobs-one"
      /metadata/annotations/aws.amazon.com~1region "eu-west-1"
      /metadata/annotations/aws.amazon.com~1resource-type "AWS::SQS::Queue"
      /spec/aws/accountId "111122223333"
      /spec/aws/attributes/fifoQueue false
      /spec/aws/region "eu-west-1"
      /spec/aws/resourceType "AWS::SQS::Queue"
      /spec/type "sqs-queue"
      dependencyOf -> component:default/orders
    e#arn:aws:sqs:eu-west-1:111122223333:jobs-0 Listed
      /apiVersion "backstage.io/v1alpha1"
      /kind "Resource"
      /metadata/annotations/aws.amazon.com~1account-id "111122223333"
      /metadata/annotations/aws.amazon.com~1arn "arn:aws:sqs:eu-west-1:111122223333:jobs-0"
      /metadata/annotations/aws.amazon.com~1region "eu-west-1"
      /metadata/annotations/aws.amazon.com~1resource-type "AWS::SQS::Queue"
      /spec/aws/accountId "111122223333"
      /spec/aws/attributes/fifoQueue false
      /spec/aws/region "eu-west-1"
      /spec/aws/resourceType "AWS::SQS::Queue"
      /spec/type "sqs-queue"
      dependencyOf -> component:default/orders
    e#component:default/orders Stub
      /apiVersion "backstage.io/v1alpha1"
      /kind "Component"
      /metadata/name "orders"
      /metadata/namespace "default"
    "#);
}

#[test]
fn what_is_marked_as_sensitive_is_left_out() {
    let mut queue = managed(
        "aws_db_instance",
        "main",
        &json!({"arn": "arn:aws:rds:eu-west-1:111122223333:db:main", "engine": "canary-1", "engine_version": "16",
            "tags": {"a": "canary-2", "team": "team-a"}, "tags_all": {"a": "canary-2", "team": "team-a"},
            "identifier": "canary-3", "password": "canary-4"}),
    );
    queue["sensitive_values"] = json!({"engine": true, "engine_version": false, "tags": {"a": true}, "tags_all": {"a": true}, "identifier": {"x": [true]}});
    let parsed = parse(&shown(&json!({"resources": [queue]})), &parameters("component=x")).unwrap();
    assert!(!parsed.to_string().contains("canary"), "{parsed}");
    assert!(parsed.to_string().contains("/spec/aws/tags/team \"team-a\""), "{parsed}");
    assert!(parsed.to_string().contains("/spec/aws/attributes/engineVersion \"16\""), "{parsed}");

    queue["sensitive_values"] = json!(true);
    let parsed = parse(&shown(&json!({"resources": [queue]})), &parameters("component=x")).unwrap();
    assert!(!parsed.complete && !parsed.to_string().contains("canary"), "{parsed}");
}

#[test]
fn a_plan_says_what_its_prior_state_lists_and_deletes_nothing() {
    let queue = |name: &str| {
        managed("aws_sqs_queue", name, &json!({"arn": format!("arn:aws:sqs:eu-west-1:111122223333:{name}")}))
    };
    let plan = json!({
        "format_version": "1.2",
        "variables": {"password": {"value": "hunter2"}},
        "planned_values": {"root_module": {"resources": [queue("old"), queue("planned")]}},
        "resource_changes": [{"change": {"after": {"password": "hunter2"}}}],
        "prior_state": {"format_version": "1.0", "values": {"root_module": {"resources": [queue("old")]}}},
        "configuration": {},
    });
    let parsed = parse(plan.to_string().as_bytes(), &parameters("component=x")).unwrap();
    let told = parsed.to_string();
    assert!(!parsed.complete && !told.contains("hunter2") && !told.contains("planned\""), "{told}");
    assert!(told.contains("document 0 (aws_sqs_queue.old) arn:aws:sqs:eu-west-1:111122223333:old: accepted"), "{told}");
    assert!(told.contains("note: this is a plan"), "{told}");
}

#[test]
fn a_state_without_resources_is_a_whole_one_and_the_output_of_another_command_is_none() {
    for body in [r#"{"format_version":"1.0"}"#, r#"{"format_version":"0.1","values":{}}"#] {
        let parsed = parse(body.as_bytes(), &Parameters::default()).unwrap();
        assert!(parsed.complete && parsed.statements.is_empty() && parsed.clock_hint.is_none());
    }
    assert_snapshot!(refusal(br#"{"format_version":"1.0","valid":true,"diagnostics":[]}"#), @r"this is the output of another Terraform command, not the output of `terraform show -json`; it has neither `values` nor `planned_values`");
    assert_snapshot!(refusal(br#"{"format_version":"2.0","values":{}}"#), @r"the file has format version 2.0, and only 0 and 1 are read");
    assert_snapshot!(refusal(br#"{"format_version":"hunter2","values":{}}"#), @r"the file has format version (not a version), and only 0 and 1 are read");
    assert_snapshot!(refusal(br#"{"version":4,"serial":1,"lineage":"x","resources":[]}"#), @r"this is a raw Terraform state, not the output of `terraform show -json`; send it as format `terraform-state`");
    assert_snapshot!(refusal(br#"{"resources":[]}"#), @r"this is some other JSON document, not the output of `terraform show -json`; it has no field `format_version`");
    assert_snapshot!(refusal(b"[]"), @r"the file does not have the shape of the output of `terraform show -json`: expected an object at line 1 column 1");
    assert_snapshot!(refusal(br#"{"format_version":"1.0","values":{"root_module":{"resources":[{"mode":"hunter2"}]}}}"#), @r"the file does not have the shape of the output of `terraform show -json`: missing field `type` at line 1 column 80");
    assert_snapshot!(refusal(b"{\"format_version\":\"1.0\",\n\"values\":{\"root_module\":"), @r"the file is not valid JSON: EOF while parsing a value at line 2 column 24");
}

#[test]
fn depth_is_refused_wherever_it_is() {
    let deep =
        format!("{{\"format_version\":\"1.0\",\"values\":{{\"root_module\":{{\"resources\":{}", "[".repeat(100_000));
    assert!(refusal(deep.as_bytes()).contains("line 1 column"));
    let mut module = json!({"address": "module.last"});
    for _ in 0..50 {
        module = json!({"address": "module.m", "child_modules": [module]});
    }
    assert!(refusal(&shown(&module)).contains("nested more than 40 deep"));
    let values = format!(
        "{{\"format_version\":\"1.0\",\"values\":{{\"outputs\":{}{},\"root_module\":{{}}}}}}",
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    assert!(parse(values.as_bytes(), &Parameters::default()).unwrap().statements.is_empty());
}

proptest! {
    #[test]
    fn cut_and_mixed_states_never_panic(at in 0usize..1500, text in "[\\[\\]{},:\"0-9a-z]{0,8}", arn in "arn:aws:[a-z0-9]{0,8}:[a-z0-9-]{0,9}:[0-9]{0,12}:.{0,20}", id in ".{0,20}") {
        let body = shown(&json!({"resources": [
            managed("aws_sqs_queue", "q", &json!({"arn": arn, "id": id, "tags": {"component": id}})),
            managed("aws_db_instance", &id, &json!({"arn": id, "id": arn, "resource_id": id})),
        ], "child_modules": [{"address": id, "resources": []}]}));
        let whole = String::from_utf8(body).unwrap();
        let _ = parse(whole.as_bytes(), &parameters("component=x account=111122223333 region=eu-west-1"));
        let mut at = at.min(whole.len());
        while !whole.is_char_boundary(at) { at -= 1; }
        let _ = parse(format!("{}{text}{}", &whole[..at], &whole[at..]).as_bytes(), &parameters("component=x"));
        let _ = parse(&whole.as_bytes()[..at], &parameters("component=x"));
    }
}
