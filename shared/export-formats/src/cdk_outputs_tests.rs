use insta::assert_snapshot;
use proptest::prelude::*;
use serde_json::json;

use super::*;

fn parameters(text: &str) -> Parameters {
    Parameters::parse(text.split_whitespace().filter_map(|pair| pair.split_once('='))).unwrap()
}

fn told(name: &str, body: &str, given: &str) -> String {
    let told = match parse(name, body.as_bytes(), &parameters(given)) {
        Ok(parsed) => parsed.to_string(),
        Err(error) => format!("refused: {error}"),
    };
    assert!(!told.contains("canary"), "{told}");
    told
}

fn manifest(environment: &str) -> String {
    json!({
        "version": "52.0.0",
        "artifacts": {
            "orders-prod.assets": {"type": "cdk:asset-manifest", "properties": {"file": "canary"}},
            "OrdersProd": {
                "type": "aws:cloudformation:stack", "environment": environment,
                "properties": {"templateFile": "canary", "stackName": "orders-prod", "tags": {"component": "from-tag"},
                    "parameters": {"password": "canary"}},
                "metadata": {"/orders": [{"type": "aws:cdk:logicalId", "data": "canary"}]},
            },
            "assembly-Stage": {"type": "cdk:cloud-assembly", "properties": {"directoryName": "x"}},
        },
        "missing": [{"key": "canary"}],
    })
    .to_string()
}

#[test]
fn an_assembly_says_which_stacks_a_component_depends_on() {
    assert_snapshot!(told("cdk", &manifest("aws://111122223333/eu-west-1"), "component=orders"), @r#"
    document 0 (OrdersProd): accepted
    document 1 (assembly-Stage): skipped, it is an assembly inside: its stacks are in its own manifest
    document 2 (orders-prod.assets): skipped, it is no stack
    e#component:default/from-tag Mentioned
      /apiVersion "backstage.io/v1alpha1"
      /kind "Component"
      /metadata/name "from-tag"
      /metadata/namespace "default"
      dependsOn -> cloudformation:111122223333:eu-west-1:stack/orders-prod
    e#component:default/orders Stub
      /apiVersion "backstage.io/v1alpha1"
      /kind "Component"
      /metadata/name "orders"
      /metadata/namespace "default"
      dependsOn -> cloudformation:111122223333:eu-west-1:stack/orders-prod
    "#);
}

#[test]
fn an_unknown_environment_is_asked_for() {
    let unknown = manifest("aws://unknown-account/unknown-region");
    assert_snapshot!(told("cdk", &unknown, "component=orders"), @r"refused: parameters `account` and `region` are missing: the file does not say where OrdersProd is; add `account=<12 digits>` and `region=<region>`");
    assert_snapshot!(told("cdk", &unknown, "component=orders account=111122223333"), @r"refused: parameter `region` is missing: the file does not say where OrdersProd is; add `region=<region>`");
    let given = told("cdk", &unknown, "component=orders account=444455556666 region=cn-north-1");
    assert!(given.contains("dependsOn -> cloudformation:444455556666:cn-north-1:stack/orders-prod"), "{given}");
}

#[test]
fn of_outputs_only_arns_of_known_types_are_kept() {
    let outputs = json!({
        "orders-prod": {
            "QueueArn": "arn:aws:sqs:eu-west-1:111122223333:jobs",
            "FunctionArn": "arn:aws:lambda:eu-west-1:111122223333:function:resize:3",
            "SecretArn": "arn:aws:secretsmanager:eu-west-1:111122223333:secret:canary-AbCdEf",
            "Url": "https://root:canary@db.internal/",
            "Sentence": "arn:aws:s3:::orders?password=canary",
            "TwoArns": "arn:aws:s3:::orders,arn:aws:s3:::canary more",
            "Unknown": "arn:aws:nonsense:eu-west-1:111122223333:canary",
            "NoAccount": "arn:aws:sqs:eu-west-1:canary:jobs",
            "Number": 7,
            "Object": {"a": ["canary"]},
        },
        "edge": {},
    });
    assert_snapshot!(told("cdk", &outputs.to_string(), "component=orders account=111122223333 region=eu-west-1"), @r#"
    document 0 (orders-prod/FunctionArn) arn:aws:lambda:eu-west-1:111122223333:function:resize: accepted
    document 1 (orders-prod/NoAccount): skipped, its value is not kept: it is not the ARN of a resource of a known type
    document 2 (orders-prod/Number): skipped, its value is not kept: it is not the ARN of a resource of a known type
    document 3 (orders-prod/Object): skipped, its value is not kept: it is not the ARN of a resource of a known type
    document 4 (orders-prod/QueueArn) arn:aws:sqs:eu-west-1:111122223333:jobs: accepted
    document 5 (orders-prod/SecretArn): skipped, its value is not kept: it is not the ARN of a resource of a known type
    document 6 (orders-prod/Sentence): skipped, its value is not kept: it is not the ARN of a resource of a known type
    document 7 (orders-prod/TwoArns): skipped, its value is not kept: it is not the ARN of a resource of a known type
    document 8 (orders-prod/Unknown): skipped, its value is not kept: it is not the ARN of a resource of a known type
    document 9 (orders-prod/Url): skipped, its value is not kept: it is not the ARN of a resource of a known type
    e#arn:aws:lambda:eu-west-1:111122223333:function:resize Listed
      /apiVersion "backstage.io/v1alpha1"
      /kind "Resource"
      /metadata/annotations/aws.amazon.com~1account-id "111122223333"
      /metadata/annotations/aws.amazon.com~1arn "arn:aws:lambda:eu-west-1:111122223333:function:resize"
      /metadata/annotations/aws.amazon.com~1name "resize"
      /metadata/annotations/aws.amazon.com~1region "eu-west-1"
      /metadata/annotations/aws.amazon.com~1resource-type "AWS::Lambda::Function"
      /metadata/title "resize"
      /spec/aws/accountId "111122223333"
      /spec/aws/region "eu-west-1"
      /spec/aws/resourceType "AWS::Lambda::Function"
      /spec/type "lambda-function"
      dependencyOf -> component:default/orders
    e#arn:aws:sqs:eu-west-1:111122223333:jobs Listed
      /apiVersion "backstage.io/v1alpha1"
      /kind "Resource"
      /metadata/annotations/aws.amazon.com~1account-id "111122223333"
      /metadata/annotations/aws.amazon.com~1arn "arn:aws:sqs:eu-west-1:111122223333:jobs"
      /metadata/annotations/aws.amazon.com~1name "jobs"
      /metadata/annotations/aws.amazon.com~1region "eu-west-1"
      /metadata/annotations/aws.amazon.com~1resource-type "AWS::SQS::Queue"
      /metadata/title "jobs"
      /spec/aws/accountId "111122223333"
      /spec/aws/region "eu-west-1"
      /spec/aws/resourceType "AWS::SQS::Queue"
      /spec/type "sqs-queue"
      dependencyOf -> component:default/orders
    e#component:default/orders Stub
      /apiVersion "backstage.io/v1alpha1"
      /kind "Component"
      /metadata/name "orders"
      /metadata/namespace "default"
      dependsOn -> cloudformation:111122223333:eu-west-1:stack/edge
      dependsOn -> cloudformation:111122223333:eu-west-1:stack/orders-prod
    "#);
    assert!(told("cdk", &outputs.to_string(), "").contains("note: nothing in it says which component"));
}

#[test]
fn a_template_lists_nothing_and_may_name_its_stack() {
    let template = "\
Transform: AWS::Serverless-2016-10-31
Parameters: {Password: {Type: String, Default: canary}}
Globals: {Function: {Environment: {Variables: {TOKEN: canary}}}}
Resources:
  Resize:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: !Sub 's3://${Bucket}/canary'
      Role: !GetAtt Role.Arn
      Environment: {Variables: {PASSWORD: canary, TABLE: !Ref Table, LIST: !Join [',', [!Ref A, !If [B, c, !Ref 'AWS::NoValue']]]}}
      Layers: !Split [',', !ImportValue canary]
  Api:
    Type: AWS::Serverless::HttpApi
  Broken: {Properties: {}}
Outputs:
  Key: {Value: !Ref Password}
";
    assert_snapshot!(told("orders-prod", template, "component=orders account=111122223333 region=eu-west-1"), @r#"
    document 0 (Api): skipped, a template has no ids of what was made; send its definition as format `openapi`
    document 1 (Broken): refused, it has no `Type`
    document 2 (Resize): skipped, a template has no ids of what was made; send the stack as format `cloudformation`
    note: component:default/orders depends on the stack `orders-prod` of 111122223333 in eu-west-1
    e#component:default/orders Stub
      /apiVersion "backstage.io/v1alpha1"
      /kind "Component"
      /metadata/name "orders"
      /metadata/namespace "default"
      dependsOn -> cloudformation:111122223333:eu-west-1:stack/orders-prod
    incomplete: nothing is deleted by omission
    "#);
    let json = json!({"AWSTemplateFormatVersion": "2010-09-09", "Resources": {"A": {"Type": "AWS::S3::Bucket", "Properties": {"x": "canary"}}}});
    let told = told("orders_prod", &json.to_string(), "");
    assert!(told.contains("document 0 (A): skipped") && told.contains("incomplete"), "{told}");
}

#[test]
fn other_and_broken_files_are_refused_without_a_word_of_what_they_hold() {
    let refused = |body: &str| told("x", body, "component=x");
    assert_snapshot!(refused("{\"Stacks\": []}"), @r"refused: this is what `aws cloudformation` prints, not a file of the CDK, or a template of CloudFormation or SAM; send it as format `cloudformation`");
    assert_snapshot!(refused("{\"stack\": \"canary\"}"), @r"refused: the file does not have the shape of a file of the CDK, or a template of CloudFormation or SAM: expected a map at line 1 column 18");
    assert_snapshot!(refused("{\"artifacts\": {\n\"a\": \"canary\"}}"), @r"refused: the file does not have the shape of a file of the CDK, or a template of CloudFormation or SAM: expected an object at line 2 column 13");
    assert_snapshot!(refused("{\"orders\": {\"canary\": \"x\""), @r"refused: the file is not valid JSON: EOF while parsing an object at line 1 column 25");
    assert_snapshot!(refused("canary"), @r"refused: this is some other YAML document, not a file of the CDK, or a template of CloudFormation or SAM; a template is an object with `Resources`");
    assert_snapshot!(refused("a: canary\n"), @r"refused: this is some other YAML document, not a file of the CDK, or a template of CloudFormation or SAM; it has no object `Resources`");
    assert_snapshot!(refused(" "), @r"refused: the file has no document; to retire the export, delete it");
    assert_snapshot!(refused("Resources:\n  A:\n    Type: 'canary\n"), @r"refused: the file is not valid YAML: it cannot be read at line 3 column 11");
    assert_snapshot!(refused("Resources:\n  A: {Type: canary\nB: [canary\n"), @r"refused: the file is not valid YAML: it cannot be read at line 3 column 2");
    assert_snapshot!(refused("Resources:\n  A: 1\n  A: canary\n"), @r"refused: the file is not valid YAML: a key is there twice at line 3 column 3");
    assert_snapshot!(refused("Resources:\n  A: *canary\n"), @r"refused: the file is not valid YAML: an alias has no anchor at line 2 column 6");
    assert_snapshot!(refused(&format!("Resources: {}", "[".repeat(100_000))), @r"refused: the file is not valid YAML: it cannot be read at line 1 column 76");
    assert_snapshot!(refused(&format!("{{\"s\": {{\"o\": {}", "[".repeat(100_000))), @r"refused: the file is not valid JSON: EOF while parsing a list at line 1 column 100012");
    assert_snapshot!(refused(&"x".repeat(MAX_CDK_BYTES + 1)), @r"refused: the export has 4500001 bytes, more than the 4500000 that this format may have");
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
    }
    assert_snapshot!(refused(&bomb), @r"refused: the file is not valid YAML: it is nested too deep, or too large when its aliases are expanded at line 6 column 10");
}

proptest! {
    #[test]
    fn cut_and_mixed_files_never_panic(at in 0usize..1500, text in "[\\[\\]{},:\"0-9a-z!&*]{0,8}", id in "arn:aws:[a-z0-9]{2,9}:[a-z0-9-]{0,9}:[0-9]{0,12}:.{0,9}|.{0,20}", which in 0..3) {
        let whole = match which {
            0 => manifest(&id),
            1 => json!({"s": {"o": id, "p": "arn:aws:s3:::orders"}}).to_string(),
            _ => format!("Resources:\n  A:\n    Type: AWS::S3::Bucket\n    Properties: {{A: !Ref {id}}}\n"),
        };
        let _ = parse("x", whole.as_bytes(), &parameters("component=x account=111122223333 region=eu-west-1"));
        let mut at = at.min(whole.len());
        while !whole.is_char_boundary(at) { at -= 1; }
        let _ = parse("x", format!("{}{text}{}", &whole[..at], &whole[at..]).as_bytes(), &parameters("component=x"));
        let _ = parse(&id, &whole.as_bytes()[..at], &parameters("component=x"));
    }
}
