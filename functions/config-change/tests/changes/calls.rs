//! What a change of a known resource costs: calls of DynamoDB, and the units that it says it consumed.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use callboard::ports::Endpoints;
use callboard_tests::between::{Calls, Spent};
use callboard_tests::deliveries::config_types::{TYPICAL, captured, change_of, items};
use config_item::TypeFilter;
use serde_json::{Value, json};

use crate::stack::{Stack, send};

/// Calls and half units by operation.
type Bill = BTreeMap<String, (u64, u64)>;

/// A stack of which every call is counted.
async fn counted() -> (Stack, Calls) {
    let calls = Calls::default();
    let between = calls.clone();
    let stack = Stack::start_between(move |dynamodb| {
        let endpoints = Endpoints { api: dynamodb, dynamodb, s3: dynamodb, invoke: dynamodb };
        between.between(&endpoints).dynamodb
    });
    (stack.await, calls)
}

/// What a batch of these seconds' changes of one item costs.
async fn bill(stack: &Stack, calls: &Calls, item: &Value, seconds: std::ops::Range<u64>) -> Bill {
    bill_of(stack, calls, seconds.map(|second| change_of(item, second))).await
}

async fn bill_of(stack: &Stack, calls: &Calls, bodies: impl Iterator<Item = String>) -> Bill {
    drop(calls.take());
    let messages: Vec<(String, String)> = bodies.enumerate().map(|(at, body)| (format!("m{at}"), body)).collect();
    let messages: Vec<(&str, u32, String)> = messages.iter().map(|(id, body)| (id.as_str(), 1, body.clone())).collect();
    assert!(send(&stack.deps, &messages).await.is_empty(), "{messages:?}");
    let mut bill = Bill::new();
    for (call, Spent { calls, half_units }) in calls.take() {
        let sum = bill.entry(call.action).or_default();
        *sum = (sum.0 + calls, sum.1 + half_units);
    }
    bill
}

/// What a change costs without the batch's own write, its counts. Seconds from `first` on: counts are one write as long as
/// the time of the last event rises.
async fn of_one_more(stack: &Stack, calls: &Calls, item: &Value, first: u64) -> Bill {
    // The resource, its second ids and its account are known from here on.
    bill(stack, calls, item, first..first + 1).await;
    let started = json!({
        "messageType": "ConfigurationSnapshotDeliveryStarted", "notificationCreationTime": captured(first + 1).0
    });
    let of_batch = bill_of(stack, calls, std::iter::once(started.to_string())).await;
    let more = |(action, (calls, half_units)): (String, (u64, u64))| {
        let (calls_of_batch, half_units_of_batch) = of_batch.get(&action).copied().unwrap_or_default();
        (action, (calls - calls_of_batch, half_units - half_units_of_batch))
    };
    let one = bill(stack, calls, item, first + 2..first + 3).await;
    one.into_iter().map(more).filter(|(_, (calls, _))| *calls > 0).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_a_typical_resource_is_one_write_of_one_unit() {
    let (stack, calls) = counted().await;
    let items = items();
    for (first, resource_type) in (0..).step_by(10).zip(TYPICAL) {
        let bill = of_one_more(&stack, &calls, &items[resource_type], first).await;
        assert_eq!(bill, Bill::from([("dynamodb:UpdateItem".to_owned(), (1, 2))]), "{resource_type}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_type_that_claims_second_ids_costs_more_than_one_call() {
    let (stack, calls) = counted().await;
    let mut told = String::new();
    let taken = items().into_iter().filter(|(resource_type, _)| TypeFilter::default().takes(resource_type));
    for (first, (resource_type, item)) in (0..).step_by(10).zip(taken) {
        let bill = of_one_more(&stack, &calls, &item, first).await;
        let (writes, half_units) = bill["dynamodb:UpdateItem"];
        assert_eq!(half_units, 2 * writes, "{resource_type}: a write is a unit, whatever the type");
        if matches!(bill.iter().collect::<Vec<_>>()[..], [(_, (1, _))]) {
            continue;
        }
        let told_calls: Vec<String> = bill.iter().map(|(action, (calls, _))| format!("{calls} {action}")).collect();
        writeln!(told, "{resource_type}: {}", told_calls.join(", ")).unwrap();
    }
    insta::assert_snapshot!(told, @r"
    AWS::AutoScaling::AutoScalingGroup: 2 dynamodb:UpdateItem
    AWS::CloudFormation::Stack: 2 dynamodb:UpdateItem
    AWS::CodeDeploy::Application: 1 dynamodb:Query, 2 dynamodb:UpdateItem
    AWS::EKS::Nodegroup: 1 dynamodb:Query, 2 dynamodb:UpdateItem
    AWS::ElasticBeanstalk::Environment: 1 dynamodb:Query, 2 dynamodb:UpdateItem
    AWS::ElasticLoadBalancingV2::LoadBalancer: 2 dynamodb:UpdateItem
    AWS::ElasticLoadBalancingV2::TargetGroup: 2 dynamodb:UpdateItem
    AWS::IAM::Group: 1 dynamodb:Query, 3 dynamodb:UpdateItem
    AWS::IAM::Policy: 1 dynamodb:Query, 3 dynamodb:UpdateItem
    AWS::IAM::Role: 1 dynamodb:Query, 3 dynamodb:UpdateItem
    AWS::IAM::User: 1 dynamodb:Query, 3 dynamodb:UpdateItem
    AWS::MSK::Cluster: 2 dynamodb:UpdateItem
    AWS::RDS::DBCluster: 1 dynamodb:Query, 2 dynamodb:UpdateItem
    AWS::RDS::DBInstance: 1 dynamodb:Query, 2 dynamodb:UpdateItem
    AWS::S3::AccountPublicAccessBlock: 1 dynamodb:Query, 2 dynamodb:UpdateItem
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_writes_its_counts_and_a_process_that_starts_the_account_and_its_lag() {
    let (stack, calls) = counted().await;
    let item = &items()[TYPICAL[0]];
    for (changes, more) in [(0..1, 3), (20..21, 1), (200..210, 1)] {
        let count = changes.end - changes.start;
        let bill = bill(&stack, &calls, item, changes).await;
        assert_eq!((bill.len(), bill["dynamodb:UpdateItem"].0), (1, count + more), "{bill:?}");
    }
}
