//! Changes of resources, one message each.

use catalog_model::{Door, Format, Fragment, Identity, Key, RecordKey, Said, SourceObject, Version, existence};
use catalog_store::{CatalogStore, MAX_FRAGMENTS};
use config_change::{Deps, Settings};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::stack::{self, Stack};

const DATABASE: &str = "arn:aws:rds:eu-west-1:111122223333:db:orders";

async fn holder(stack: &Stack) -> Option<Identity> {
    let key = Key::secondary("rds", "111122223333", "eu-west-1", "db-ABCDEF");
    stack.deps.store.resolve(std::slice::from_ref(&key)).await.unwrap().remove(&key)
}

fn change(status: &str, captured: &str) -> String {
    let configuration = match status {
        "OK" => json!({"engine": "postgres", "masterUserPassword": "canary-password"}),
        _ => Value::Null,
    };
    json!({
        "version": "0", "id": format!("event-{captured}"), "source": "aws.config", "account": "111122223333",
        "detail-type": "Config Configuration Item Change", "region": "eu-west-1", "time": captured, "resources": [DATABASE],
        "detail": {
            "messageType": "ConfigurationItemChangeNotification",
            "configurationItem": {
                "configurationItemCaptureTime": captured, "configurationStateId": 1, "awsAccountId": "111122223333",
                "configurationItemStatus": status, "resourceType": "AWS::RDS::DBInstance", "resourceId": "db-ABCDEF",
                "resourceName": "orders", "ARN": DATABASE, "awsRegion": "eu-west-1", "configuration": configuration
            }
        }
    })
    .to_string()
}

#[tokio::test]
async fn a_change_becomes_a_record_that_its_second_id_leads_to_until_it_is_deleted() {
    let stack = Stack::start().await;
    assert!(stack.send(&[("1", 1, change("OK", "2026-11-20T10:00:00Z"))]).await.is_empty());
    let record = stack.record(DATABASE).await;
    assert!(existence(&record).exists());
    assert!(!format!("{record:?}").contains("canary"), "{record:?}");
    assert_eq!(holder(&stack).await, Some(Identity::of_canonical_arn(DATABASE)));

    assert!(stack.send(&[("2", 1, change("ResourceDeleted", "2026-11-20T11:00:00Z"))]).await.is_empty());
    assert!(!existence(&stack.record(DATABASE).await).exists());
    assert_eq!(holder(&stack).await, None);
}

#[tokio::test]
async fn a_late_change_does_not_bring_a_deleted_resource_back_and_every_fragment_is_counted() {
    let stack = Stack::start().await;
    let (changed, deleted) = (change("OK", "2026-11-20T10:00:00Z"), change("ResourceDeleted", "2026-11-20T11:00:00Z"));
    let batch = [("1", 1, deleted.clone()), ("2", 1, changed.clone()), ("3", 1, deleted)];
    assert!(stack.send(&batch).await.is_empty());
    assert!(!existence(&stack.record(DATABASE).await).exists());
    assert_eq!(
        stack.counts().await,
        json!({
            "messages": 3, "acked": 3, "documents": 3, "parsed": 3,
            "fragments": 7, "applied": 3, "stale": 2, "duplicate": 2
        })
    );
}

#[tokio::test]
async fn a_notice_without_detail_erases_nothing() {
    let stack = Stack::start().await;
    let notice = change("ResourceNotRecorded", "2026-11-20T12:00:00Z");
    assert!(stack.send(&[("1", 1, change("OK", "2026-11-20T10:00:00Z")), ("2", 1, notice)]).await.is_empty());
    let record = stack.record(DATABASE).await;
    let formats: Vec<Format> = record.fragments.values().map(|fragment| fragment.source.format).collect();
    assert_eq!(formats, [Format::Config, Format::ConfigNotice]);
    let Said::Facts(facts) = &record.fragments.values().next().unwrap().said else { panic!("{record:?}") };
    assert!(facts.fields.keys().any(|pointer| pointer.as_str() == "/spec/aws/attributes/engine"));
}

#[tokio::test]
async fn one_bad_message_of_three_is_reported_with_its_reason_and_forgotten_when_it_passes() {
    let stack = Stack::start().await;
    let good = |hour: u32| change("OK", &format!("2026-11-20T{hour}:00:00Z"));
    let bad = good(11).replace("111122223333", "1111222233334");
    let failed = stack.send(&[("1", 1, good(10)), ("2", 1, bad.clone()), ("3", 1, good(12))]).await;
    assert_eq!(failed, ["2"]);
    assert_eq!(stack.send(&[("2", 3, bad)]).await, ["2"]);

    let status = stack.deps.store.status().await.unwrap();
    let [failure] = status.failures.as_slice() else { panic!("{status:?}") };
    assert_eq!((failure.code.as_str(), failure.receive_count, failure.last_try), ("invalid-field", 3, true));
    assert_eq!(
        failure.detail,
        "1 of 1 documents in the message cannot be used, the first because: `awsAccountId` of the configuration item \
         is `1111222233334`, not an account id of 12 digits"
    );
    assert_eq!(
        stack.counts().await,
        json!({
            "messages": 4, "acked": 2, "retried": 1, "dead": 1, "documents": 4, "parsed": 2, "refused": 2,
            "fragments": 5, "applied": 5
        })
    );

    assert!(stack.send(&[("2", 4, good(13))]).await.is_empty());
    assert!(stack.deps.store.status().await.unwrap().failures.is_empty());
}

#[tokio::test]
async fn a_message_of_another_type_is_ignored_and_no_document() {
    let stack = Stack::start().await;
    let ignored = json!({"messageType": "ConfigRulesEvaluationStarted"}).to_string();
    assert!(stack.send(&[("1", 1, ignored)]).await.is_empty());
    assert_eq!(stack.counts().await, json!({"messages": 1, "acked": 1, "ignored": 1}));
}

#[tokio::test]
async fn good_items_of_a_message_are_written_though_another_of_it_is_refused() {
    let stack = Stack::start().await;
    let body = format!("[{{\"resourceType\":7}},{}]", change("OK", "2026-11-20T10:00:00Z"));
    assert_eq!(stack.send(&[("1", 1, body)]).await, ["1"]);
    assert!(existence(&stack.record(DATABASE).await).exists());
}

#[tokio::test]
async fn a_record_that_takes_no_more_fragments_holds_up_no_other_of_the_message() {
    let stack = Stack::start().await;
    for number in 0..MAX_FRAGMENTS {
        let source = SourceObject {
            door: Door::Http,
            producer: "shop".into(),
            format: Format::TerraformState,
            name: format!("state-{number}"),
        };
        let version = Version::of_serial(1, 0);
        let fragment = Fragment { source, version, delivery: "request".into(), said: Said::Gone };
        let key = RecordKey::Entity(Identity::of_canonical_arn(DATABASE));
        stack.deps.store.apply(&key, &fragment, 1).await.unwrap();
    }
    assert_eq!(stack.send(&[("1", 1, change("OK", "2026-11-20T10:00:00Z"))]).await, ["1"]);
    assert_eq!(stack.deps.store.status().await.unwrap().failures[0].code, "too-many-fragments");
    assert_eq!(holder(&stack).await, Some(Identity::of_canonical_arn(DATABASE)));
}

#[tokio::test]
async fn a_catalog_that_does_not_answer_makes_messages_come_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let credentials = aws_sdk_dynamodb::config::Credentials::new("key", "secret", None, None, "tests");
    let dynamodb = aws_sdk_dynamodb::Config::builder()
        .behavior_version(aws_sdk_dynamodb::config::BehaviorVersion::latest())
        .region(aws_sdk_dynamodb::config::Region::new("eu-west-1"))
        .credentials_provider(credentials)
        .retry_config(aws_sdk_dynamodb::config::retry::RetryConfig::disabled())
        .endpoint_url(endpoint);
    let s3 = aws_sdk_s3::Config::builder().behavior_version(aws_sdk_s3::config::BehaviorVersion::latest()).build();
    let clients = (aws_sdk_dynamodb::Client::from_conf(dynamodb.build()), aws_sdk_s3::Client::from_conf(s3));
    let store = CatalogStore::from_clients(clients.0, clients.1.clone(), "callboard", "callboard-catalog");
    let settings = Settings {
        table_name: String::new(),
        catalog_bucket: String::new(),
        config_buckets: Vec::new(),
        types: "".parse().unwrap(),
        aggregator: None,
        max_receive_count: 3,
    };
    let deps = Deps::from_clients(store, clients.1, &settings);
    let ignored = json!({"messageType": "ConfigRulesEvaluationStarted"}).to_string();
    let messages = [("1", 1, change("OK", "2026-11-20T10:00:00Z")), ("2", 1, ignored)];
    assert_eq!(stack::send(&deps, &messages).await, ["1"]);
}

#[tokio::test]
async fn what_a_setting_leaves_out_is_counted_and_makes_no_record() {
    let stack = Stack::start_with(stack::Nothing, "-AWS::RDS::*").await;
    stack.take(&serde_json::from_str(&change("OK", "2026-11-20T10:00:00Z")).unwrap()).await;
    assert!(stack.record(DATABASE).await.fragments.is_empty());
    assert_eq!(stack.counts().await, json!({"messages": 1, "acked": 1, "typesLeftOut": 1}));
}

#[tokio::test]
async fn the_account_of_a_resource_is_an_entity_that_is_written_once() {
    let stack = Stack::start().await;
    for hour in 10..13 {
        stack.take(&serde_json::from_str(&change("OK", &format!("2026-11-20T{hour}:00:00Z"))).unwrap()).await;
    }
    let account = Identity::of_account("aws", "111122223333");
    let entity = stack.entity(&account).await;
    assert!(entity.existence.exists());
    assert_eq!((&entity.entity()["kind"], &entity.entity()["spec"]["type"]), (&json!("Resource"), &json!("account")));
    assert_eq!(stack.counts().await["applied"], 7, "three states of two records, and the account");
}

#[tokio::test]
async fn the_delivery_of_a_file_is_counted_by_account_and_region_and_a_failure_stands_until_the_next() {
    let stack = Stack::start().await;
    let event = |message_type: &str, fields: Value| {
        let mut detail = json!({"messageType": message_type, "notificationCreationTime": "2026-11-20T10:00:00Z"});
        detail.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        json!({"source": "aws.config", "detail-type": "Config Configuration Snapshot Delivery Status", "id": "e",
               "account": "111122223333", "region": "eu-west-1", "detail": detail})
    };
    let failed = json!({"errorCode": "AccessDenied", "errorMessage": "no"});
    stack.take(&event("ConfigurationSnapshotDeliveryFailed", failed)).await;
    let status = stack.status().await;
    let [failure] = status.failures.as_slice() else { panic!("{status:?}") };
    assert_eq!(
        failure.detail,
        "AWS Config could not deliver the snapshot of 111122223333 in eu-west-1: AccessDenied: no"
    );
    // Whatever is told twice is counted once: by the same way, and by SNS too.
    let completed = event("ConfigurationSnapshotDeliveryCompleted", json!({}));
    for _ in 0..2 {
        stack.take(&completed).await;
    }
    let sns = json!({"Type": "Notification", "MessageId": "n", "Message": completed.to_string()});
    stack.take(&sns).await;
    stack.take(&event("ConfigurationSnapshotDeliveryStarted", json!({}))).await;
    let status = stack.status().await;
    assert!(status.failures.is_empty());
    let source = status.sources.iter().find(|source| source.source == "config-delivery/111122223333").unwrap();
    assert_eq!(json!(source.counts), json!({"eu-west-1.snapshotDelivered": 1, "eu-west-1.snapshotFailed": 1}));
    assert_eq!(source.last_event_ms, 1_795_168_800_000);
    let counts = stack.counts().await;
    assert_eq!(
        (&counts["filesDelivered"], &counts["filesFailed"], &counts["parsed"]),
        (&json!(3), &json!(1), &json!(5))
    );
}
