//! Results of Config's rules, before and after the resource is known.

use catalog_model::{Identity, Pointer};
use serde_json::{Value, json};

use crate::stack::{ACCOUNT, Stack, queue_arn, queue_item};

pub(crate) fn rule(resource_type: &str, id: &str, rule: &str, compliance: &str, minute: u32) -> Value {
    let time = format!("2026-11-20T10:{minute:02}:00Z");
    json!({
        "id": format!("rule-{rule}-{minute}"), "source": "aws.config", "detail-type": "Config Rules Compliance Change",
        "account": ACCOUNT, "region": "eu-west-1", "detail": {
            "messageType": "ComplianceChangeNotification", "awsAccountId": ACCOUNT, "awsRegion": "eu-west-1",
            "resourceType": resource_type, "resourceId": id, "configRuleName": rule, "notificationCreationTime": time,
            "newEvaluationResult": {
                "evaluationResultIdentifier": {
                    "evaluationResultQualifier": {"configRuleName": rule, "resourceType": resource_type, "resourceId": id},
                    "orderingTimestamp": time
                },
                "complianceType": compliance, "resultRecordedTime": time
            }
        }
    })
}

pub(crate) fn service(status: &str) -> Value {
    json!({
        "configurationItemCaptureTime": "2026-11-20T10:00:00Z", "configurationStateId": 1, "awsAccountId": ACCOUNT,
        "configurationItemStatus": status, "resourceType": "AWS::AppRunner::Service", "resourceId": "nightly", "resourceName": "nightly",
        "ARN": "arn:aws:apprunner:eu-west-1:111122223333:service/nightly/1", "awsRegion": "eu-west-1", "configuration": {}
    })
}

async fn told(stack: &Stack, identity: &Identity) -> Vec<String> {
    let entity = stack.entity(identity).await;
    entity.status.iter().map(|item| format!("{}: {}", item.level, item.message)).collect()
}

const URL: &str = "https://sqs.eu-west-1.amazonaws.com/111122223333/jobs";

#[tokio::test]
async fn results_of_rules_are_counted_on_the_resource_and_make_none_exist() {
    let stack = Stack::start().await;
    let queue = Identity::of_canonical_arn(&queue_arn("jobs"));
    stack.take(&rule("AWS::SQS::Queue", URL, "encrypted", "NON_COMPLIANT", 1)).await;
    assert!(!stack.entity(&queue).await.existence.exists());
    stack.take(&queue_item("jobs", "OK", 0)).await;
    stack.take(&rule("AWS::SQS::Queue", URL, "tagged", "COMPLIANT", 1)).await;
    stack.take(&rule("AWS::SQS::Queue", URL, "named", "NON_COMPLIANT", 1)).await;
    assert_eq!(told(&stack, &queue).await, ["warning: does not meet 2 of 3 rules of AWS Config: encrypted, named"]);
    // A late word of before changes nothing, a newer one does.
    stack.take(&rule("AWS::SQS::Queue", URL, "encrypted", "COMPLIANT", 0)).await;
    assert_eq!(told(&stack, &queue).await.len(), 1);
    stack.take(&rule("AWS::SQS::Queue", URL, "encrypted", "COMPLIANT", 2)).await;
    stack.take(&rule("AWS::SQS::Queue", URL, "named", "NOT_APPLICABLE", 3)).await;
    assert_eq!(told(&stack, &queue).await, ["info: meets all 2 rules of AWS Config that apply to it"]);
    assert!(stack.status().await.parked.is_empty());
}

#[tokio::test]
async fn results_for_a_resource_that_nobody_knows_wait_until_its_item_comes() {
    let stack = Stack::start().await;
    let job = Identity::of_canonical_arn("arn:aws:apprunner:eu-west-1:111122223333:service/nightly/1");
    stack.take(&rule("AWS::AppRunner::Service", "nightly", "encrypted", "NON_COMPLIANT", 1)).await;
    stack.take(&rule("AWS::AppRunner::Service", "nightly", "tagged", "COMPLIANT", 1)).await;
    let parked = stack.status().await.parked;
    let [waiting] = parked.as_slice() else { panic!("{parked:?}") };
    assert_eq!(waiting.subject, "a#awsconfig:111122223333:eu-west-1:AWS::AppRunner::Service/nightly");
    assert_eq!(waiting.reason, "unresolved subject");
    stack.take(&service("OK")).await;
    assert_eq!(told(&stack, &job).await, ["warning: does not meet 1 of 2 rules of AWS Config: encrypted"]);
    assert!(stack.status().await.parked.is_empty());
    stack.take(&rule("AWS::AppRunner::Service", "nightly", "encrypted", "COMPLIANT", 2)).await;
    assert_eq!(told(&stack, &job).await, ["info: meets all 2 rules of AWS Config that apply to it"]);
}

#[tokio::test]
async fn rules_of_an_account_are_told_on_the_account() {
    let stack = Stack::start().await;
    stack.take(&rule("AWS::::Account", ACCOUNT, "cloudtrail-enabled", "NON_COMPLIANT", 1)).await;
    let account = Identity::of_account("aws", ACCOUNT);
    let entity = stack.entity(&account).await;
    assert!(entity.existence.exists());
    let failing = entity.field(&Pointer::to(["spec", "aws", "compliance", "failing"]));
    assert_eq!(failing, Some(&json!(["cloudtrail-enabled"])));
}

#[tokio::test]
async fn results_that_come_at_once_are_all_counted() {
    let stack = Stack::start().await;
    stack.take(&queue_item("jobs", "OK", 0)).await;
    let messages: Vec<Value> = (0..12)
        .map(|number| rule("AWS::SQS::Queue", URL, &format!("rule-{number}"), "NON_COMPLIANT", number % 3))
        .collect();
    let all = messages.iter().map(|message| async {
        assert_eq!(crate::stack::send(&stack.another_process(), &[("m", 1, message.to_string())]).await, [""; 0]);
    });
    futures::future::join_all(all).await;
    let queue = stack.entity(&Identity::of_canonical_arn(&queue_arn("jobs"))).await;
    assert_eq!(queue.field(&Pointer::to(["spec", "aws", "compliance", "nonCompliant"])), Some(&json!(12)));
}
