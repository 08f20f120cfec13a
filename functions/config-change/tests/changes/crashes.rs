//! A process that dies at any call, before or after it took effect: the next try of the message ends in the same catalog.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::config::Intercept;
use catalog_model::{Format, Fragment, Identity, Key, RecordKey};
use catalog_store::{Read, RegisterKind};
use serde_json::{Value, json};

use crate::faults::{Calls, Fault, Watch, with_fault};
use crate::files::{file, snapshot_key};
use crate::oversized::{full, key, notice};
use crate::rules::{rule, service};
use crate::stack::{ACCOUNT, CONFIG, Stack, announced, queue_arn, queue_item, send};

/// What stands in the catalog, without what tells how often it was written.
async fn catalog(stack: &Stack) -> BTreeMap<String, Vec<(String, Fragment)>> {
    let entities = [
        Identity::of_canonical_arn(&queue_arn("jobs")),
        Identity::of_canonical_arn(&queue_arn("q1")),
        Identity::of_canonical_arn("arn:aws:apprunner:eu-west-1:111122223333:service/nightly/1"),
        Identity::of_account("aws", ACCOUNT),
    ];
    let alias = RecordKey::Alias(Key::from_stored("awsconfig:111122223333:eu-west-1:AWS::AppRunner::Service/nightly"));
    let mut catalog = BTreeMap::new();
    for key in entities.into_iter().map(RecordKey::Entity).chain([alias]) {
        let mut record = stack.deps.store.record(&key, Read::Consistent).await.unwrap();
        // A mark means nothing once the full item of its state is there: a try that could not read it leaves one behind.
        let full = record.fragments.values().find(|fragment| fragment.source.format == Format::Config);
        let full = full.map(|fragment| fragment.version.clock().to_owned());
        record.fragments.retain(|_, fragment| {
            fragment.source.format != Format::ConfigOversized
                || full.as_deref().is_none_or(|full| full < fragment.version.clock())
        });
        let mut fragments: Vec<(String, Fragment)> = Vec::new();
        for (name, mut fragment) in record.fragments {
            fragment.delivery = String::new();
            fragments.push((name.to_string(), fragment));
        }
        for register in stack.deps.store.registers(&key, RegisterKind::Compliance).await.unwrap() {
            assert!(register.body["rule"].is_string());
        }
        catalog.insert(key.to_string(), fragments);
    }
    catalog
}

/// What stood before the message, and the message.
fn messages() -> Vec<(&'static str, Vec<Value>, Value)> {
    let url = "https://sqs.eu-west-1.amazonaws.com/111122223333/jobs";
    let waiting = rule("AWS::AppRunner::Service", "nightly", "encrypted", "NON_COMPLIANT", 1);
    let delivery = json!({"messageType": "ConfigurationSnapshotDeliveryFailed", "notificationCreationTime": "2026-11-20T10:00:00Z", "errorCode": "x"});
    vec![
        ("item", vec![], queue_item("jobs", "OK", 5)),
        ("deletion", vec![queue_item("jobs", "OK", 5)], queue_item("jobs", "ResourceDeleted", 6)),
        ("not recorded", vec![queue_item("jobs", "OK", 5)], queue_item("jobs", "ResourceNotRecorded", 6)),
        ("item with second ids, and results that wait", vec![waiting.clone()], service("OK")),
        ("result that waits", vec![], waiting.clone()),
        (
            "result",
            vec![queue_item("jobs", "OK", 5), rule("AWS::SQS::Queue", url, "tagged", "COMPLIANT", 1)],
            rule("AWS::SQS::Queue", url, "encrypted", "NON_COMPLIANT", 2),
        ),
        (
            "result by second id",
            vec![service("OK"), waiting],
            rule("AWS::AppRunner::Service", "nightly", "encrypted", "COMPLIANT", 2),
        ),
        ("result of an account", vec![], rule("AWS::::Account", ACCOUNT, "trail", "COMPLIANT", 2)),
        ("oversized item", vec![], notice(Some(&format!("{CONFIG}/{}", key())), 5)),
        ("oversized item that is nowhere", vec![], notice(None, 5)),
        ("file", vec![], announced(CONFIG, &snapshot_key(), None)),
        ("delivery of a file", vec![], delivery),
    ]
}

async fn prepared(before: &[Value]) -> (Stack, Watch) {
    let watch = Watch(std::sync::Arc::new(Calls::default()));
    assert_eq!(watch.name(), "Watch");
    let stack = Stack::start_with(watch.clone(), "").await;
    stack.put(CONFIG, &key(), full(5)).await;
    stack
        .put(CONFIG, &snapshot_key(), file(&[queue_item("q1", "OK", 1), service("OK"), queue_item("jobs", "OK", 5)]))
        .await;
    for message in before {
        stack.take(message).await;
    }
    (stack, watch)
}

async fn survives(index: usize) {
    let (name, before, message) = messages().swap_remove(index);
    let body = message.to_string();
    let (stack, watch) = prepared(&before).await;
    watch.0.take();
    assert!(send(&stack.another_process_watched(), &[("m", 1, body.clone())]).await.is_empty(), "{name}");
    let expected = catalog(&stack).await;
    let calls: u64 = watch.0.take().values().sum();
    assert!(calls >= 2, "{name}: {calls}");
    for call in 0..u32::try_from(calls).unwrap() {
        for fault in [Fault::Before(call), Fault::After(call)] {
            let (stack, _) = prepared(&before).await;
            let deps = stack.another_process_watched();
            with_fault(fault, send(&deps, &[("m", 1, body.clone())])).await;
            let again = send(&stack.another_process_watched(), &[("m", 2, body.clone())]).await;
            assert!(again.is_empty(), "{name} after {fault:?}: {:?}", stack.status().await.failures);
            assert_eq!(catalog(&stack).await, expected, "{name} after {fault:?}");
        }
    }
}

/// One test for each message: they run side by side.
macro_rules! every_message {
    ($($index:literal $name:ident)*) => {
        $(
            #[tokio::test]
            async fn $name() {
                survives($index).await;
            }
        )*

        #[test]
        fn no_message_is_left_out() {
            assert_eq!(messages().len(), [$($index),*].len());
        }
    };
}

every_message! {
    0 an_item_survives_a_crash_at_every_call
    1 a_deletion_survives_a_crash_at_every_call
    2 a_notice_without_detail_survives_a_crash_at_every_call
    3 an_item_for_which_results_wait_survives_a_crash_at_every_call
    4 a_result_that_waits_survives_a_crash_at_every_call
    5 a_result_survives_a_crash_at_every_call
    6 a_result_by_second_id_survives_a_crash_at_every_call
    7 a_result_for_an_account_survives_a_crash_at_every_call
    8 an_oversized_item_survives_a_crash_at_every_call
    9 an_oversized_item_that_is_nowhere_survives_a_crash_at_every_call
    10 a_file_survives_a_crash_at_every_call
    11 the_delivery_of_a_file_survives_a_crash_at_every_call
}
