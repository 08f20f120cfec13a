use insta::assert_snapshot;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const STACK: &str = "arn:aws:cloudformation:eu-west-1:111122223333:stack/orders/466df9e0-0dff-08e3-8e2f-5088487c4896";
const OTHER: &str = "arn:aws:cloudformation:us-east-1:444455556666:stack/edge/566df9e0-0dff-08e3-8e2f-5088487c4896";

fn parameters(text: &str) -> Parameters {
    Parameters::parse(text.split_whitespace().filter_map(|pair| pair.split_once('='))).unwrap()
}

fn stack(id: &str, tags: &[(&str, &str)]) -> Value {
    let tags: Vec<Value> = tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect();
    json!({
        "StackId": id, "StackName": stack_name(id).unwrap_or("x"), "StackStatus": "UPDATE_COMPLETE", "Tags": tags,
        "Parameters": [{"ParameterKey": "DbPassword", "ParameterValue": "canary-parameter"}],
        "Outputs": [{"OutputKey": "Url", "OutputValue": "https://root:canary-output@db.internal/"}],
        "Description": "canary-description",
    })
}

fn resource(logical: &str, aws_type: &str, physical: &str) -> Value {
    json!({"LogicalResourceId": logical, "PhysicalResourceId": physical, "ResourceType": aws_type,
        "ResourceStatus": "CREATE_COMPLETE", "ResourceStatusReason": "canary-reason", "Metadata": "canary-metadata"})
}

fn summaries(resources: &[Value]) -> Value {
    json!({"StackResourceSummaries": resources})
}

fn told(documents: &[Value], given: &str) -> String {
    let body: String = documents.iter().map(|document| format!("{document:#}\n")).collect();
    match parse(body.as_bytes(), &parameters(given)) {
        Ok(parsed) => {
            let all = parsed.to_string();
            assert!(!all.contains("canary"), "{all}");
            all
        }
        Err(error) => {
            assert!(!error.to_string().contains("canary"), "{error}");
            format!("refused: {error}")
        }
    }
}

/// The verdicts alone.
fn verdicts(documents: &[Value], given: &str) -> String {
    let is_verdict = |line: &&str| !line.starts_with(' ') && !line.starts_with("e#") && !line.starts_with("a#");
    told(documents, given).lines().filter(is_verdict).map(|line| format!("{line}\n")).collect()
}

fn refusal(body: &[u8]) -> String {
    parse(body, &Parameters::default()).unwrap_err().to_string()
}

#[test]
fn a_stack_and_its_resources_are_told_with_their_component() {
    let stacks = json!({"Stacks": [stack(STACK, &[("Owner", "team-a"), ("system", "shop"), ("env", "prod")])]});
    let resources = summaries(&[
        resource("Jobs", "AWS::SQS::Queue", "https://sqs.eu-west-1.amazonaws.com/111122223333/jobs"),
        resource("Role", "AWS::IAM::Role", "orders-Role-1A2B"),
        resource("Policy", "AWS::IAM::Policy", "orders-Polic-1"),
        resource("Seed", "Custom::Seed", "canary-physical"),
    ]);
    assert_snapshot!(told(&[stacks, resources], "component=orders"), @r#"
    document 0 (stack orders) arn:aws:cloudformation:eu-west-1:111122223333:stack/orders/466df9e0-0dff-08e3-8e2f-5088487c4896: accepted
    document 1 (orders/Jobs) arn:aws:sqs:eu-west-1:111122223333:jobs: accepted
    document 2 (orders/Role): skipped, its ARN does not follow from its physical id; its component depends on whatever has that id
    document 3 (orders/Policy): skipped, it is part of another resource, or no rule says what resources of its type are
    document 4 (orders/Seed): skipped, it is no AWS resource
    e#arn:aws:cloudformation:eu-west-1:111122223333:stack/orders/466df9e0-0dff-08e3-8e2f-5088487c4896 Listed
      /apiVersion "backstage.io/v1alpha1"
      /kind "Resource"
      /metadata/annotations/aws.amazon.com~1account-id "111122223333"
      /metadata/annotations/aws.amazon.com~1arn "arn:aws:cloudformation:eu-west-1:111122223333:stack/orders/466df9e0-0dff-08e3-8e2f-5088487c4896"
      /metadata/annotations/aws.amazon.com~1name "orders"
      /metadata/annotations/aws.amazon.com~1region "eu-west-1"
      /metadata/annotations/aws.amazon.com~1resource-id "arn:aws:cloudformation:eu-west-1:111122223333:stack/orders/466df9e0-0dff-08e3-8e2f-5088487c4896"
      /metadata/annotations/aws.amazon.com~1resource-type "AWS::CloudFormation::Stack"
      /metadata/title "orders"
      /spec/aws/accountId "111122223333"
      /spec/aws/attributes/stackStatus "UPDATE_COMPLETE"
      /spec/aws/region "eu-west-1"
      /spec/aws/resourceType "AWS::CloudFormation::Stack"
      /spec/aws/tags/Owner "team-a"
      /spec/aws/tags/env "prod"
      /spec/aws/tags/system "shop"
      /spec/type "cloudformation-stack"
      dependencyOf -> component:default/orders
      key cloudformation:111122223333:eu-west-1:stack/orders
    e#arn:aws:sqs:eu-west-1:111122223333:jobs Listed
      /apiVersion "backstage.io/v1alpha1"
      /kind "Resource"
      /metadata/annotations/aws.amazon.com~1account-id "111122223333"
      /metadata/annotations/aws.amazon.com~1arn "arn:aws:sqs:eu-west-1:111122223333:jobs"
      /metadata/annotations/aws.amazon.com~1name "jobs"
      /metadata/annotations/aws.amazon.com~1region "eu-west-1"
      /metadata/annotations/aws.amazon.com~1resource-id "https://sqs.eu-west-1.amazonaws.com/111122223333/jobs"
      /metadata/annotations/aws.amazon.com~1resource-type "AWS::SQS::Queue"
      /metadata/title "jobs"
      /spec/aws/accountId "111122223333"
      /spec/aws/region "eu-west-1"
      /spec/aws/resourceType "AWS::SQS::Queue"
      /spec/type "sqs-queue"
      stack tag Owner "team-a"
      stack tag aws:cloudformation:stack-name "orders"
      stack tag env "prod"
      stack tag system "shop"
      dependencyOf -> component:default/orders
      partOf -> arn:aws:cloudformation:eu-west-1:111122223333:stack/orders/466df9e0-0dff-08e3-8e2f-5088487c4896
    a#cloudformation:111122223333:eu-west-1:stack/orders is arn:aws:cloudformation:eu-west-1:111122223333:stack/orders/466df9e0-0dff-08e3-8e2f-5088487c4896, by its ARN
    e#component:default/orders Stub
      /apiVersion "backstage.io/v1alpha1"
      /kind "Component"
      /metadata/name "orders"
      /metadata/namespace "default"
      dependsOn -> iam:111122223333:global:role/orders-Role-1A2B
    "#);
}

#[test]
fn what_belongs_together_is_told_by_the_file() {
    let table = |logical: &str| resource(logical, "AWS::DynamoDB::Table", logical);
    let mut described = table("described");
    described["StackId"] = json!(OTHER);
    let is_of = |told: &str, name: &str| {
        let wanted = format!(":table/{name} Listed");
        let from = told.lines().position(|line| line.ends_with(&wanted)).unwrap();
        let relation = told.lines().skip(from).find(|line| line.contains("partOf")).unwrap_or("of none");
        relation.rsplit_once(":stack/").map_or("none", |(_, rest)| rest.split('/').next().unwrap()).to_owned()
    };
    // One object with both.
    let mut both = summaries(&[table("a")]);
    both["Stacks"] = json!([stack(STACK, &[])]);
    let together = told(&[both, json!({"StackResources": [described]})], "component=x");
    assert_eq!((is_of(&together, "a"), is_of(&together, "described")), ("orders".to_owned(), "edge".to_owned()));
    assert!(together.contains("arn:aws:dynamodb:us-east-1:444455556666:table/described"), "{together}");
    // An array, and one after the other.
    let array = json!([{"Stacks": [stack(STACK, &[])]}, summaries(&[table("a")])]);
    assert_eq!(is_of(&told(&[array], "component=x"), "a"), "orders");
    let twice =
        [json!({"Stacks": [stack(STACK, &[])]}), summaries(&[table("a")]), json!({"Stacks": [stack(STACK, &[])]})];
    assert_eq!(is_of(&told(&twice, "component=x"), "a"), "orders");
    // Of two stacks nobody knows which; the caller says where they are.
    let two = [json!({"Stacks": [stack(STACK, &[]), stack(OTHER, &[])]}), summaries(&[table("a")])];
    assert_snapshot!(told(&two, "component=x"), @r"refused: parameters `account` and `region` are missing: the file does not say where a is; add `account=<12 digits>` and `region=<region>`");
    let placed = told(&two, "component=x account=111122223333 region=eu-west-1");
    assert!(placed.contains("note: 1 resources do not say which stack they are in"), "{placed}");
    assert!(placed.contains("e#arn:aws:dynamodb:eu-west-1:111122223333:table/a Listed"), "{placed}");
}

#[test]
fn a_list_of_resources_alone_needs_account_and_region() {
    let list = [summaries(&[resource("A", "AWS::SQS::Queue", "jobs"), resource("B", "AWS::S3::Bucket", "orders")])];
    assert_snapshot!(told(&list, "component=x"), @r"refused: parameters `account` and `region` are missing: the file does not say where A is; add `account=<12 digits>` and `region=<region>`");
    assert_snapshot!(told(&list, "component=x account=111122223333"), @r"refused: parameter `region` is missing: the file does not say where A is; add `region=<region>`");
    assert_snapshot!(verdicts(&list, "component=x account=111122223333 region=cn-north-1"), @r"
    document 0 (A) arn:aws-cn:sqs:cn-north-1:111122223333:jobs: accepted
    document 1 (B) arn:aws-cn:s3:::orders: accepted
    note: 2 resources do not say which stack they are in
    ");
    let bucket = [summaries(&[resource("B", "AWS::S3::Bucket", "orders")])];
    assert_snapshot!(verdicts(&bucket, ""), @r"
    document 0 (B) arn:aws:s3:::orders: accepted
    note: nothing in it says which component these resources belong to; add `component=<name>`, or a tag `component`, unless a rule of ownership, a catalog file or their stack says it
    note: 1 resources do not say which stack they are in
    ");
}

#[test]
fn what_is_deleted_or_not_made_is_not_listed() {
    let mut gone = stack(OTHER, &[]);
    gone["StackStatus"] = json!("DELETE_COMPLETE");
    let mut of_gone = resource("OfGone", "AWS::S3::Bucket", "of-gone");
    of_gone["StackId"] = json!(OTHER);
    let with_status = |logical: &str, status: &str| {
        let mut one = resource(logical, "AWS::S3::Bucket", logical);
        one["StackId"] = json!(STACK);
        one["ResourceStatus"] = json!(status);
        one
    };
    let mut pending = with_status("pending", "CREATE_IN_PROGRESS");
    pending["PhysicalResourceId"] = json!("");
    let mut file = json!({"StackResources": [
        of_gone, pending, with_status("deleted", "DELETE_COMPLETE"), with_status("left", "DELETE_SKIPPED"),
        with_status("failed", "CREATE_FAILED"), with_status("kept", "UPDATE_FAILED"), with_status("kept", "CREATE_COMPLETE"),
    ]});
    file["Stacks"] = json!([gone, stack(STACK, &[]), {"StackId": "canary", "StackStatus": "CREATE_COMPLETE"}]);
    assert_snapshot!(verdicts(&[file], "component=x"), @r"
    document 0 (stack edge) arn:aws:cloudformation:us-east-1:444455556666:stack/edge/566df9e0-0dff-08e3-8e2f-5088487c4896: skipped, it is deleted
    document 1 (stack orders) arn:aws:cloudformation:eu-west-1:111122223333:stack/orders/466df9e0-0dff-08e3-8e2f-5088487c4896: accepted
    document 2 (stack without a name): refused, its `StackId` is not the ARN of a stack
    document 3 (edge/OfGone): skipped, its stack is deleted
    document 4 (orders/pending): skipped, it has no physical id yet
    document 5 (orders/deleted): skipped, it is deleted
    document 6 (orders/left): skipped, it is no longer in the stack
    document 7 (orders/failed): skipped, it was not made
    document 8 (orders/kept) arn:aws:s3:::kept: accepted
    document 9 (orders/kept) arn:aws:s3:::kept: skipped, it is the same resource as orders/kept
    incomplete: nothing is deleted by omission
    ");
}

#[test]
fn nested_stacks_depend_on_their_parents() {
    let mut by_id = stack(OTHER, &[]);
    by_id["ParentId"] = json!(STACK);
    let by_tag = stack(OTHER, &[("aws:cloudformation:stack-id", STACK), ("component", "from-tag")]);
    for nested in [by_id, by_tag] {
        let told = told(&[json!({"Stacks": [nested]})], "");
        assert!(told.contains(&format!("  partOf -> {STACK}")), "{told}");
    }
}

#[test]
fn other_documents_are_refused_by_their_names_and_broken_ones_by_their_lines() {
    assert_snapshot!(refusal(b"{\"Resources\":{}}"), @r"this is a CloudFormation template, not what `aws cloudformation` prints; send it as format `cdk-outputs`, or send the stack that was made of it");
    assert_snapshot!(refusal(b"{\"StackSummaries\":[]}"), @r"this is a list of stacks or events, not what `aws cloudformation` prints; send what `describe-stacks` and `describe-stack-resources` print");
    assert_snapshot!(refusal(b"{\"canary\":1}"), @r"this is some other JSON document, not what `aws cloudformation` prints; it has none of `Stacks`, `StackResources` and `StackResourceSummaries`");
    assert_snapshot!(refusal(b""), @r"the file has no document; to retire the export, delete it");
    assert_snapshot!(refusal(b"Stacks:\n- x"), @r"the file does not have the shape of what `aws cloudformation` prints: expected an object or an array at line 1 column 1");
    assert_snapshot!(refusal(b"{\"Stacks\": [\n  {\"StackId\": \"canary\""), @r"the file is not valid JSON: EOF while parsing an object at line 2 column 22");
    assert_snapshot!(refusal(b"{\"Stacks\": []}\n{\"Stacks\": {\"x\": 1}}"), @r"the file does not have the shape of what `aws cloudformation` prints: expected a sequence at line 2 column 11");
    assert_snapshot!(refusal(b"{\"Stacks\": [{\"StackId\": {\"canary\": 1}}]}"), @r"the file does not have the shape of what `aws cloudformation` prints: expected a string at line 1 column 24");
    assert_snapshot!(refusal(b"{\"Stacks\": [{\"StackId\": \"canary\"}]}"), @r"no document of the file is usable: document 0 (stack without a name): refused, its `StackId` is not the ARN of a stack");
    assert_snapshot!(refusal("[".repeat(100_000).as_bytes()), @r"the file does not have the shape of what `aws cloudformation` prints: expected a string at line 1 column 4");
    let deep = format!("{{\"Stacks\":[],\"x\":{}", "[".repeat(100_000));
    assert_snapshot!(refusal(deep.as_bytes()), @r"the file is not valid JSON: EOF while parsing a list at line 1 column 100017");
    let empty = parse(b"{\"Stacks\": []}", &Parameters::default()).unwrap();
    assert!(empty.complete && empty.statements.is_empty());
    let page = parse(b"{\"Stacks\": [], \"NextToken\": \"canary\"}", &Parameters::default()).unwrap();
    assert!(!page.complete && !page.to_string().contains("canary"));
}

proptest! {
    #[test]
    fn cut_and_mixed_documents_never_panic(at in 0usize..1500, text in "[\\[\\]{},:\"0-9a-z]{0,8}", id in "arn:aws:cloudformation:.{0,30}|.{0,20}", aws_type in "AWS::[A-Z]{1,3}::[A-Z]{1,3}|.{0,9}|AWS::WAFv2::WebACL|AWS::Events::Rule") {
        let mut file = summaries(&[resource(&id, &aws_type, &id), resource("b", &aws_type, "a|b|c")]);
        file["Stacks"] = json!([stack(STACK, &[("component", &id)]), {"StackId": id}]);
        let whole = file.to_string();
        let _ = parse(whole.as_bytes(), &parameters("component=x"));
        let mut at = at.min(whole.len());
        while !whole.is_char_boundary(at) { at -= 1; }
        let _ = parse(format!("{}{text}{}", &whole[..at], &whole[at..]).as_bytes(), &parameters("component=x"));
        let _ = parse(&whole.as_bytes()[..at], &parameters("component=x"));
    }
}
