//! Results of rules, the counts that they come to, and who wins.

use catalog_model::{Identity, Said, Version};
use config_item::{Compliance, ConfigMessage, RuleResult, Subject, counts, parse};
use proptest::prelude::*;
use serde_json::{Value, json};

const NOW_MS: u64 = 1_800_000_000_000;

fn notification(resource_type: &str, id: &str, rule: &str, compliance: &str, ordered: &str, recorded: &str) -> Value {
    json!({
        "messageType": "ComplianceChangeNotification", "awsAccountId": "111122223333", "awsRegion": "eu-west-1",
        "resourceType": resource_type, "resourceId": id, "configRuleName": rule,
        "configRuleARN": format!("arn:aws:config:eu-west-1:111122223333:config-rule/{rule}-id"),
        "notificationCreationTime": recorded,
        "newEvaluationResult": {
            "evaluationResultIdentifier": {
                "evaluationResultQualifier": {"configRuleName": rule, "resourceType": resource_type, "resourceId": id},
                "orderingTimestamp": ordered
            },
            "complianceType": compliance, "resultRecordedTime": recorded, "configRuleInvokedTime": ordered,
            "annotation": "canary-annotation", "resultToken": "canary-token"
        },
        "oldEvaluationResult": null
    })
}

fn read(document: &Value) -> Compliance {
    match parse(document).remove(0).unwrap() {
        ConfigMessage::Compliance(compliance) => *compliance,
        other => panic!("{other:?}"),
    }
}

fn result(rule: &str, compliance: &str, minute: u32, second: u32) -> RuleResult {
    let (ordered, recorded) = (format!("2026-11-20T10:{minute:02}:00Z"), format!("2026-11-20T11:00:{second:02}Z"));
    read(&notification("AWS::SQS::Queue", "jobs", rule, compliance, &ordered, &recorded)).result(NOW_MS).unwrap()
}

#[test]
fn a_resource_is_found_by_type_and_id_or_by_the_key_that_its_item_claims() {
    for (resource_type, id, expected) in [
        (
            "AWS::SQS::Queue",
            "https://sqs.eu-west-1.amazonaws.com/111122223333/jobs",
            "e#arn:aws:sqs:eu-west-1:111122223333:jobs",
        ),
        ("AWS::S3::Bucket", "orders", "e#arn:aws:s3:::orders"),
        (
            "AWS::EC2::Instance",
            "i-0a1b2c3d4e5f60718",
            "e#arn:aws:ec2:eu-west-1:111122223333:instance/i-0a1b2c3d4e5f60718",
        ),
        ("AWS::::Account", "111122223333", "e#config:aws:111122223333:global:AWS::::Account/111122223333"),
        ("AWS::RDS::DBInstance", "db-ABCDEF", "a#rds:111122223333:eu-west-1:db-ABCDEF"),
        ("AWS::IAM::Role", "AROAEXAMPLEEXAMPLE01", "a#iam:111122223333:global:AROAEXAMPLEEXAMPLE01"),
        ("AWS::Glue::Classifier", "c", "a#awsconfig:111122223333:eu-west-1:AWS::Glue::Classifier/c"),
        (
            "AWS::SecretsManager::Secret",
            "orders",
            "a#awsconfig:111122223333:eu-west-1:AWS::SecretsManager::Secret/orders",
        ),
    ] {
        let compliance =
            read(&notification(resource_type, id, "r", "COMPLIANT", "2026-11-20T10:00:00Z", "2026-11-20T10:00:01Z"));
        assert_eq!(compliance.subject().unwrap().record_key().to_string(), expected);
    }
}

#[test]
fn the_key_of_a_subject_is_one_that_the_item_claims() {
    for (resource_type, id, name, arn) in [
        ("AWS::RDS::DBInstance", "db-ABCDEF", "orders", Some("arn:aws:rds:eu-west-1:111122223333:db:orders")),
        ("AWS::IAM::Role", "AROAEXAMPLEEXAMPLE01", "deploy", Some("arn:aws:iam::111122223333:role/ci/deploy")),
        ("AWS::Glue::Classifier", "c", "c", None),
        ("Example::New::Type", "x/1", "x", Some("arn:aws:example:eu-west-1:111122223333:thing/x/1")),
        (
            "AWS::SecretsManager::Secret",
            "orders",
            "orders",
            Some("arn:aws:secretsmanager:eu-west-1:111122223333:secret:orders-AbCdEf"),
        ),
    ] {
        let item = json!({
            "configurationItemCaptureTime": "2026-11-20T10:00:00Z", "configurationStateId": 1, "awsAccountId": "111122223333",
            "configurationItemStatus": "OK", "resourceType": resource_type, "resourceId": id, "resourceName": name, "ARN": arn,
            "awsRegion": "eu-west-1"
        });
        let claimed = parse(&item).remove(0).unwrap().statements("d", NOW_MS).unwrap();
        let rule =
            read(&notification(resource_type, id, "r", "COMPLIANT", "2026-11-20T10:00:00Z", "2026-11-20T10:00:01Z"));
        let subject = rule.subject().unwrap().record_key();
        assert!(claimed.fragments.iter().any(|(key, _)| *key == subject), "{subject} {claimed}");
    }
}

#[test]
fn a_result_keeps_the_rule_and_the_verdict_and_nothing_else() {
    let RuleResult { id, version, body } = result("encrypted", "NON_COMPLIANT", 0, 1);
    assert_eq!(id.len(), 32);
    assert_eq!(version.major(), 1_795_168_800_000);
    assert_eq!(
        body,
        json!({"rule": "encrypted", "compliance": "NON_COMPLIANT", "evaluatedAt": "2026-11-20T10:00:00.000Z", "recordedAt": "2026-11-20T11:00:01.000Z"})
    );
    assert!(result("encrypted", "COMPLIANT", 0, 2).version > version, "recorded later");
    assert!(result("encrypted", "COMPLIANT", 1, 0).version > version, "evaluated later");
}

#[test]
fn a_message_that_lacks_something_says_what() {
    let good =
        notification("AWS::SQS::Queue", "jobs", "r", "COMPLIANT", "2026-11-20T10:00:00Z", "2026-11-20T10:00:01Z");
    for (pointer, value, expected) in [
        ("/newEvaluationResult", Value::Null, "the compliance notification has no `newEvaluationResult`"),
        (
            "/newEvaluationResult/complianceType",
            json!("GREEN"),
            "`complianceType` of the compliance notification is `GREEN`, not COMPLIANT, NON_COMPLIANT, NOT_APPLICABLE or INSUFFICIENT_DATA",
        ),
        (
            "/awsAccountId",
            json!("1111222233334"),
            "`awsAccountId` of the configuration item is `1111222233334`, not an account id of 12 digits",
        ),
        (
            "/resourceId",
            json!("x".repeat(2_000)),
            "`resourceId` of the configuration item has 2000 bytes, and at most 1600 are taken",
        ),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(pointer).unwrap() = value;
        assert_eq!(parse(&bad).remove(0).unwrap_err().to_string(), expected);
    }
    let future =
        notification("AWS::SQS::Queue", "jobs", "r", "COMPLIANT", "2099-01-01T00:00:00Z", "2099-01-01T00:00:01Z");
    assert_eq!(read(&future).result(NOW_MS).unwrap_err().code(), "version-in-the-future");
}

fn fragment_of(results: &[&RuleResult]) -> catalog_model::Fragment {
    let identity = Identity::of_canonical_arn("arn:aws:sqs:eu-west-1:111122223333:jobs");
    let subject = Subject::Record(identity.clone());
    counts(results.iter().map(|result| (&result.version, &result.body)), &identity, &subject, "111122223333", "d")
}

#[test]
fn the_counts_name_the_first_rules_that_are_not_met() {
    let results: Vec<RuleResult> = (0..7)
        .map(|number| result(&format!("rule-{number}"), "NON_COMPLIANT", 0, number))
        .chain([result("met", "COMPLIANT", 0, 0), result("other", "NOT_APPLICABLE", 0, 0)])
        .collect();
    let fragment = fragment_of(&results.iter().collect::<Vec<_>>());
    let Said::Facts(facts) = fragment.said else { panic!("no facts") };
    let told: Vec<String> = facts.fields.iter().map(|(pointer, value)| format!("{pointer} {value}")).collect();
    assert_eq!(
        told,
        [
            "/spec/aws/compliance/compliant 1",
            r#"/spec/aws/compliance/failing ["rule-0","rule-1","rule-2","rule-3","rule-4"]"#,
            "/spec/aws/compliance/insufficientData 0",
            "/spec/aws/compliance/nonCompliant 7",
            "/spec/aws/compliance/notApplicable 1"
        ]
    );
}

proptest! {
    /// Results of three rules come one by one; after each, somebody may count what stands. Whatever was counted before:
    /// the count of all that has come has the largest version.
    #[test]
    fn whoever_has_seen_most_wins(words in prop::collection::vec((0..3_u32, 0..3_u32, 0..3_u32, any::<bool>()), 1..12)) {
        let mut standing: [Option<RuleResult>; 3] = [None, None, None];
        let mut versions: Vec<Version> = Vec::new();
        for (rule, minute, second, is_met) in words {
            let verdict = if is_met { "COMPLIANT" } else { "NON_COMPLIANT" };
            let said = result(&format!("rule-{rule}"), verdict, minute, second);
            let place = &mut standing[usize::try_from(rule).unwrap()];
            let is_newer = place.as_ref().is_none_or(|standing| standing.version < said.version);
            if is_newer {
                *place = Some(said);
            }
            let version = fragment_of(&standing.iter().flatten().collect::<Vec<_>>()).version;
            if let Some(last) = versions.last() {
                prop_assert_eq!(*last < version, is_newer);
                prop_assert!(*last <= version);
            }
            versions.push(version);
        }
    }
}
