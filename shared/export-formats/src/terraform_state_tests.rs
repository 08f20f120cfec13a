use insta::assert_snapshot;
use proptest::prelude::*;
use serde_json::json;

use super::*;

fn parameters(text: &str) -> Parameters {
    Parameters::parse(text.split_whitespace().filter_map(|pair| pair.split_once('='))).unwrap()
}

fn state(resources: &serde_json::Value) -> Vec<u8> {
    let state = json!({
        "version": 4, "terraform_version": "1.9.8", "serial": 7, "lineage": "3f1c", "resources": resources,
        "outputs": {"password": {"value": "hunter2", "type": "string", "sensitive": true}},
    });
    state.to_string().into_bytes()
}

fn managed(terraform_type: &str, name: &str, attributes: &serde_json::Value) -> serde_json::Value {
    json!({"mode": "managed", "type": terraform_type, "name": name, "provider": "p",
        "instances": [{"schema_version": 0, "attributes": attributes, "private": "aHVudGVyMg=="}]})
}

fn refusal(body: &[u8]) -> String {
    parse(body, &Parameters::default()).unwrap_err().to_string()
}

#[test]
fn a_cluster_is_told_with_its_component_and_without_its_password() {
    let mut cluster = managed(
        "aws_rds_cluster",
        "main",
        &json!({
            "arn": "arn:aws:rds:eu-west-1:111122223333:cluster:orders", "id": "orders", "cluster_identifier": "orders",
            "cluster_resource_id": "cluster-ABC123", "engine": "aurora-postgresql", "engine_version": "16.4",
            "master_username": "root", "master_password": "hunter2", "port": 5432, "storage_encrypted": true,
            "tags": {"Name": "orders db"}, "tags_all": {"Name": "orders db", "Team": "team-a", "env": "prod", "a/b": "c"},
        }),
    );
    cluster["instances"][0]["dependencies"] = json!(["aws_security_group.db", "module.x.aws_vpc.y"]);
    let group = managed(
        "aws_security_group",
        "db",
        &json!({
            "arn": "arn:aws:ec2:eu-west-1:111122223333:security-group/sg-1", "id": "sg-1", "name": "db", "owner_id": "111122223333",
        }),
    );
    let data = json!({"mode": "data", "type": "aws_caller_identity", "name": "me", "instances": [{"attributes": {"id": "x"}}]});
    let body = state(&json!([cluster, group, data]));
    let parsed = parse(&body, &parameters("component=orders system=shop")).unwrap();
    assert!(!parsed.to_string().contains("hunter2"));
    assert_snapshot!(parsed, @r#"
    clock: lineage 3f1c, serial 7
    document 0 (aws_rds_cluster.main) arn:aws:rds:eu-west-1:111122223333:cluster:orders: accepted
    document 1 (aws_security_group.db) arn:aws:ec2:eu-west-1:111122223333:security-group/sg-1: accepted
    e#arn:aws:rds:eu-west-1:111122223333:cluster:orders Listed
      /apiVersion "backstage.io/v1alpha1"
      /kind "Resource"
      /metadata/annotations/aws.amazon.com~1account-id "111122223333"
      /metadata/annotations/aws.amazon.com~1arn "arn:aws:rds:eu-west-1:111122223333:cluster:orders"
      /metadata/annotations/aws.amazon.com~1name "orders"
      /metadata/annotations/aws.amazon.com~1region "eu-west-1"
      /metadata/annotations/aws.amazon.com~1resource-id "cluster-ABC123"
      /metadata/annotations/aws.amazon.com~1resource-type "AWS::RDS::DBCluster"
      /metadata/title "orders db"
      /spec/aws/accountId "111122223333"
      /spec/aws/attributes/engine "aurora-postgresql"
      /spec/aws/attributes/engineVersion "16.4"
      /spec/aws/attributes/storageEncrypted true
      /spec/aws/region "eu-west-1"
      /spec/aws/resourceType "AWS::RDS::DBCluster"
      /spec/aws/tags/Name "orders db"
      /spec/aws/tags/Team "team-a"
      /spec/aws/tags/a~1b "c"
      /spec/aws/tags/env "prod"
      /spec/system "shop"
      /spec/type "rds-dbcluster"
      dependencyOf -> component:default/orders
      dependsOn -> arn:aws:ec2:eu-west-1:111122223333:security-group/sg-1
      key rds:111122223333:eu-west-1:cluster-ABC123
    e#arn:aws:ec2:eu-west-1:111122223333:security-group/sg-1 Listed
      /apiVersion "backstage.io/v1alpha1"
      /kind "Resource"
      /metadata/annotations/aws.amazon.com~1account-id "111122223333"
      /metadata/annotations/aws.amazon.com~1arn "arn:aws:ec2:eu-west-1:111122223333:security-group/sg-1"
      /metadata/annotations/aws.amazon.com~1name "db"
      /metadata/annotations/aws.amazon.com~1region "eu-west-1"
      /metadata/annotations/aws.amazon.com~1resource-id "sg-1"
      /metadata/annotations/aws.amazon.com~1resource-type "AWS::EC2::SecurityGroup"
      /metadata/title "db"
      /spec/aws/accountId "111122223333"
      /spec/aws/region "eu-west-1"
      /spec/aws/resourceType "AWS::EC2::SecurityGroup"
      /spec/system "shop"
      /spec/type "ec2-securitygroup"
      dependencyOf -> component:default/orders
    a#rds:111122223333:eu-west-1:cluster-ABC123 is arn:aws:rds:eu-west-1:111122223333:cluster:orders, by its ARN
    e#component:default/orders Stub
      /apiVersion "backstage.io/v1alpha1"
      /kind "Component"
      /metadata/name "orders"
      /metadata/namespace "default"
      /spec/system "shop"
    "#);
}

#[test]
fn modules_and_indices_have_their_addresses() {
    let mut queue = managed(
        "aws_sqs_queue",
        "jobs",
        &json!({"arn": "arn:aws:sqs:eu-west-1:111122223333:jobs-a", "name": "jobs-a"}),
    );
    queue["module"] = json!("module.workers");
    queue["instances"][0]["index_key"] = json!("a");
    let second =
        json!({"index_key": 1, "attributes": {"arn": "arn:aws:sqs:eu-west-1:111122223333:jobs-b", "name": "jobs-b"}});
    queue["instances"].as_array_mut().unwrap().push(second);
    let mut topic =
        managed("aws_sns_topic", "done", &json!({"arn": "arn:aws:sns:eu-west-1:111122223333:done", "name": "done"}));
    topic["instances"][0]["dependencies"] = json!(["module.workers.aws_sqs_queue.jobs"]);
    let parsed = parse(&state(&json!([queue, topic])), &parameters("component=orders")).unwrap();
    assert_snapshot!(parsed, @r#"
    clock: lineage 3f1c, serial 7
    document 0 (module.workers.aws_sqs_queue.jobs["a"]) arn:aws:sqs:eu-west-1:111122223333:jobs-a: accepted
    document 1 (module.workers.aws_sqs_queue.jobs[1]) arn:aws:sqs:eu-west-1:111122223333:jobs-b: accepted
    document 2 (aws_sns_topic.done) arn:aws:sns:eu-west-1:111122223333:done: accepted
    e#arn:aws:sqs:eu-west-1:111122223333:jobs-a Listed
      /apiVersion "backstage.io/v1alpha1"
      /kind "Resource"
      /metadata/annotations/aws.amazon.com~1account-id "111122223333"
      /metadata/annotations/aws.amazon.com~1arn "arn:aws:sqs:eu-west-1:111122223333:jobs-a"
      /metadata/annotations/aws.amazon.com~1name "jobs-a"
      /metadata/annotations/aws.amazon.com~1region "eu-west-1"
      /metadata/annotations/aws.amazon.com~1resource-type "AWS::SQS::Queue"
      /metadata/title "jobs-a"
      /spec/aws/accountId "111122223333"
      /spec/aws/region "eu-west-1"
      /spec/aws/resourceType "AWS::SQS::Queue"
      /spec/type "sqs-queue"
      dependencyOf -> component:default/orders
    e#arn:aws:sqs:eu-west-1:111122223333:jobs-b Listed
      /apiVersion "backstage.io/v1alpha1"
      /kind "Resource"
      /metadata/annotations/aws.amazon.com~1account-id "111122223333"
      /metadata/annotations/aws.amazon.com~1arn "arn:aws:sqs:eu-west-1:111122223333:jobs-b"
      /metadata/annotations/aws.amazon.com~1name "jobs-b"
      /metadata/annotations/aws.amazon.com~1region "eu-west-1"
      /metadata/annotations/aws.amazon.com~1resource-type "AWS::SQS::Queue"
      /metadata/title "jobs-b"
      /spec/aws/accountId "111122223333"
      /spec/aws/region "eu-west-1"
      /spec/aws/resourceType "AWS::SQS::Queue"
      /spec/type "sqs-queue"
      dependencyOf -> component:default/orders
    e#arn:aws:sns:eu-west-1:111122223333:done Listed
      /apiVersion "backstage.io/v1alpha1"
      /kind "Resource"
      /metadata/annotations/aws.amazon.com~1account-id "111122223333"
      /metadata/annotations/aws.amazon.com~1arn "arn:aws:sns:eu-west-1:111122223333:done"
      /metadata/annotations/aws.amazon.com~1name "done"
      /metadata/annotations/aws.amazon.com~1region "eu-west-1"
      /metadata/annotations/aws.amazon.com~1resource-type "AWS::SNS::Topic"
      /metadata/title "done"
      /spec/aws/accountId "111122223333"
      /spec/aws/region "eu-west-1"
      /spec/aws/resourceType "AWS::SNS::Topic"
      /spec/type "sns-topic"
      dependencyOf -> component:default/orders
      dependsOn -> arn:aws:sqs:eu-west-1:111122223333:jobs-a
      dependsOn -> arn:aws:sqs:eu-west-1:111122223333:jobs-b
    e#component:default/orders Stub
      /apiVersion "backstage.io/v1alpha1"
      /kind "Component"
      /metadata/name "orders"
      /metadata/namespace "default"
    "#);
}

#[test]
fn what_a_resource_is_follows_from_arn_id_and_place() {
    let without_arn = managed("aws_lambda_function", "f", &json!({"id": "resize", "function_name": "resize"}));
    let bucket =
        managed("aws_s3_bucket", "b", &json!({"id": "orders-data", "bucket": "orders-data", "region": "eu-west-1"}));
    let policy = managed("aws_s3_bucket_policy", "p", &json!({"id": "orders-data"}));
    let random = managed("random_password", "r", &json!({"id": "none", "result": "hunter2"}));
    let secret = managed(
        "aws_secretsmanager_secret",
        "s",
        &json!({"arn": "arn:aws:secretsmanager:eu-west-1:111122223333:secret:db-AbCdEf"}),
    );
    let version = managed(
        "aws_secretsmanager_secret_version",
        "v",
        &json!({"arn": "arn:aws:secretsmanager:eu-west-1:111122223333:secret:db-AbCdEf", "secret_string": "hunter2"}),
    );
    let unknown = managed("aws_lambda_function", "f", &json!({"id": "resize"}));
    let verdicts = |resources: serde_json::Value, given: &str| {
        let parsed = parse(&state(&resources), &parameters(given)).unwrap();
        assert!(!parsed.to_string().contains("hunter2"));
        let mut text: Vec<String> = parsed.documents.iter().map(ToString::to_string).collect();
        text.push(format!("complete: {}", parsed.complete));
        text.join("\n")
    };
    assert_snapshot!(verdicts(json!([version, secret, without_arn, bucket, policy, random]), "component=x"), @r"
    document 0 (aws_secretsmanager_secret_version.v) arn:aws:secretsmanager:eu-west-1:111122223333:secret:db-AbCdEf: skipped, it is the same resource as aws_secretsmanager_secret.s
    document 1 (aws_secretsmanager_secret.s) arn:aws:secretsmanager:eu-west-1:111122223333:secret:db-AbCdEf: accepted
    document 2 (aws_lambda_function.f) arn:aws:lambda:eu-west-1:111122223333:function:resize: accepted
    document 3 (aws_s3_bucket.b) arn:aws:s3:::orders-data: accepted
    document 4 (aws_s3_bucket_policy.p): skipped, it is part of another resource: it has no ARN, and no rule says what resources of its type are
    document 5 (random_password.r): skipped, it is no AWS resource
    complete: true
    ");
    assert_snapshot!(verdicts(json!([unknown, bucket]), "component=x"), @r"
    document 0 (aws_lambda_function.f): skipped, unresolved subject: it has no ARN, and the state does not say its account; add `account=<12 digits>`
    document 1 (aws_s3_bucket.b) arn:aws:s3:::orders-data: accepted
    complete: false
    ");
    assert_snapshot!(verdicts(json!([unknown]), "component=x account=444455556666"), @r"
    document 0 (aws_lambda_function.f): skipped, unresolved subject: it has no ARN, and the state does not say its region; add `region=<region>`
    complete: false
    ");
    assert_snapshot!(verdicts(json!([unknown]), "component=x account=444455556666 region=cn-north-1"), @r"
    document 0 (aws_lambda_function.f) arn:aws-cn:lambda:cn-north-1:444455556666:function:resize: accepted
    complete: true
    ");
}

#[test]
fn an_empty_state_lists_nothing_and_is_complete() {
    let parsed = parse(&state(&json!([])), &Parameters::default()).unwrap();
    assert!(parsed.complete && parsed.statements.is_empty());
    assert_eq!(parsed.clock_hint, Some(ClockHint { lineage: "3f1c".into(), serial: 7 }));
}

#[test]
fn resources_without_a_component_are_kept_and_the_receipt_says_what_to_do() {
    let queue = |tags: serde_json::Value| {
        state(&json!([managed(
            "aws_sqs_queue",
            "q",
            &json!({"arn": "arn:aws:sqs:eu-west-1:111122223333:q", "tags": tags})
        )]))
    };
    let parsed = parse(&queue(json!({"Name": "q"})), &Parameters::default()).unwrap();
    assert_eq!((parsed.statements.len(), parsed.complete), (1, true));
    assert_snapshot!(parsed.notes.join("; "), @"nothing in it says which component these resources belong to; add `component=<name>`, or a tag `component`, unless a rule of ownership, a catalog file or their stack says it");
    let parsed = parse(&queue(json!({"Component": "orders"})), &Parameters::default()).unwrap();
    assert!(parsed.notes.is_empty(), "{parsed}");
    assert!(parsed.to_string().contains("/spec/aws/tags/Component \"orders\""), "{parsed}");
}

#[test]
fn other_documents_are_refused_by_their_names() {
    assert_snapshot!(refusal(br#"{"format_version":"1.0","values":{}}"#), @r"this is the output of `terraform show -json`, not a raw Terraform state; send it as format `terraform-show`, or send what `terraform state pull` prints");
    assert_snapshot!(refusal(br#"{"version":3,"deployment":{}}"#), @r"this is a Pulumi stack, not a raw Terraform state; send it as format `pulumi`");
    assert_snapshot!(refusal(br#"{"version":3,"serial":1,"modules":[]}"#), @r"the state has format version 3, and only version 4 is read; any `terraform apply` of Terraform 0.12 or later rewrites it");
    assert_snapshot!(refusal(br#"{"version":5}"#), @r"the state has format version 5, and only version 4 is read; any `terraform apply` of Terraform 0.12 or later rewrites it");
    assert_snapshot!(refusal(b"{}"), @r"this is some other JSON document, not a raw Terraform state; it has no field `version`; send what `terraform state pull` prints");
    assert_snapshot!(refusal(b"[]"), @r"the state does not have the shape of a Terraform state: expected an object at line 1 column 1");
    assert_snapshot!(refusal(b"\"hunter2\""), @r"the state does not have the shape of a Terraform state: expected an object at line 1 column 1");
    assert_snapshot!(refusal(b""), @r"the state is not valid JSON: EOF while parsing a value at line 1 column 0");
}

#[test]
fn wrong_or_truncated_json_names_line_and_column_and_no_value() {
    assert_snapshot!(refusal(b"{\n  \"version\": 4,\n  \"resources\": [\n"), @r"the state is not valid JSON: EOF while parsing a list at line 4 column 0");
    assert_snapshot!(refusal(b"{\"version\": \"hunter2\"}"), @r"the state does not have the shape of a Terraform state: expected u64 at line 1 column 21");
    assert_snapshot!(refusal(b"{\"version\": 4, \"resources\": [{\"mode\": \"managed\"}]}"), @r"the state does not have the shape of a Terraform state: missing field `type` at line 1 column 48");
    assert_snapshot!(refusal("[".repeat(100_000).as_bytes()), @r"the state does not have the shape of a Terraform state: expected an object at line 1 column 1");
    let deep = format!("{{\"version\":4,\"outputs\":{}", "[".repeat(100_000));
    assert_snapshot!(refusal(deep.as_bytes()), @r"the state is not valid JSON: EOF while parsing a list at line 1 column 100023");
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(body in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = parse(&body, &Parameters::default());
    }

    #[test]
    fn cut_and_mixed_states_never_panic(at in 0usize..2000, text in "[\\[\\]{},:\"0-9a-z]{0,8}", arn in "arn:aws:[a-z0-9]{0,8}:[a-z0-9-]{0,9}:[0-9]{0,12}:.{0,20}", id in ".{0,20}") {
        let body = state(&json!([
            managed("aws_sqs_queue", "q", &json!({"arn": arn, "id": id, "tags": {"component": id}})),
            managed("aws_db_instance", "q", &json!({"arn": id, "id": arn, "resource_id": id})),
            managed("aws_lb", "q", &json!({"id": id, "name": id})),
        ]));
        let whole = String::from_utf8(body).unwrap();
        let _ = parse(whole.as_bytes(), &parameters("component=x account=111122223333 region=eu-west-1"));
        let mut at = at.min(whole.len());
        while !whole.is_char_boundary(at) { at -= 1; }
        let _ = parse(format!("{}{text}{}", &whole[..at], &whole[at..]).as_bytes(), &parameters("component=x"));
        let _ = parse(&whole.as_bytes()[..at], &parameters("component=x"));
    }
}
