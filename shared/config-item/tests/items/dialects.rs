//! One item in every dialect, and what each kind of message says. The snapshots are the specification.

use catalog_model::Format;
use config_item::{ConfigMessage, Delivered, DeliveryOutcome, Statements, parse};
use serde_json::{Value, json};

const NOW_MS: u64 = 1_800_000_000_000;

fn told(document: &Value) -> Statements {
    let mut messages = parse(document);
    assert_eq!(messages.len(), 1, "{messages:?}");
    messages.remove(0).unwrap().statements("delivery-1", NOW_MS).unwrap()
}

fn refused(document: &Value) -> String {
    let outcome = parse(document).remove(0).and_then(|message| message.statements("delivery-1", NOW_MS));
    outcome.unwrap_err().to_string()
}

fn database() -> Value {
    json!({
        "configurationItemVersion": "1.3",
        "configurationItemCaptureTime": "2026-11-20T10:00:00.250Z",
        "configurationStateId": 1_795_168_800_250_u64,
        "awsAccountId": "111122223333",
        "configurationItemStatus": "OK",
        "resourceType": "AWS::RDS::DBInstance",
        "resourceId": "db-ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        "resourceName": "orders",
        "ARN": "arn:aws:rds:eu-west-1:111122223333:db:orders",
        "awsRegion": "eu-west-1",
        "availabilityZone": "eu-west-1b",
        "configurationStateMd5Hash": "",
        "resourceCreationTime": "2026-01-02T03:04:05.600Z",
        "tags": {"Owner": "team-a", "env": "prod", "component": "orders", "system": "shop"},
        "relatedEvents": [],
        "relationships": [
            {"resourceType": "AWS::EC2::SecurityGroup", "resourceId": "sg-0a1b2c3d", "name": "Is associated with SecurityGroup"},
            {"resourceType": "AWS::RDS::DBSubnetGroup", "resourceName": "private", "name": "Is associated with "},
            {"resourceType": "AWS::EC2::VPC", "resourceId": "vpc-0a1b2c3d", "name": "Is contained in "},
            {"resourceType": "AWS::IAM::Role", "resourceName": "rds-monitoring", "name": "Is associated with "},
            {"resourceType": "Example::New::Type", "resourceId": "x", "name": "Is attached to X"},
            {"resourceType": "Example::New::Type", "resourceName": "y", "name": "Is attached to X"}
        ],
        "configuration": {
            "dBInstanceIdentifier": "orders",
            "dBInstanceClass": "db.r6g.large",
            "dBInstanceStatus": "available",
            "engine": "postgres",
            "engineVersion": "16.4",
            "masterUsername": "canary-user",
            "masterUserPassword": "canary-password",
            "endpoint": {"address": "orders.abc.eu-west-1.rds.amazonaws.com", "port": 5432},
            "allocatedStorage": 100,
            "storageEncrypted": true,
            "multiAZ": true,
            "publiclyAccessible": false,
            "dbiResourceId": "db-ABCDEFGHIJKLMNOPQRSTUVWXYZ"
        },
        "supplementaryConfiguration": {"Tags": [{"key": "Owner", "value": "stale"}]}
    })
}

/// The item as the API and the CLI print it.
fn as_of_the_api(item: &Value) -> Value {
    let mut api = item.as_object().unwrap().clone();
    for (event, api_name) in [
        ("ARN", "arn"),
        ("awsAccountId", "accountId"),
        ("configurationItemVersion", "version"),
        ("configurationStateMd5Hash", "configurationItemMD5Hash"),
    ] {
        let value = api.remove(event).unwrap();
        api.insert(api_name.into(), value);
    }
    api["configurationStateId"] = json!(item["configurationStateId"].to_string());
    api["configurationItemCaptureTime"] = json!("2026-11-20T11:00:00.250000+01:00");
    api["resourceCreationTime"] = json!("2026-01-02T04:04:05.600000+01:00");
    api["configuration"] = json!(item["configuration"].to_string());
    for value in api["supplementaryConfiguration"].as_object_mut().unwrap().values_mut() {
        *value = json!(value.to_string());
    }
    for relationship in api["relationships"].as_array_mut().unwrap() {
        let name = relationship.as_object_mut().unwrap().remove("name").unwrap();
        relationship["relationshipName"] = name;
    }
    Value::Object(api)
}

#[test]
fn an_item_says_who_it_is_what_it_is_and_whose() {
    insta::assert_snapshot!(told(&database()), @r"
    e#arn:aws:rds:eu-west-1:111122223333:db:orders by config at 2026-11-20T10:00:00.250Z
      /apiVersion = backstage.io/v1alpha1
      /kind = Resource
      /metadata/annotations/aws.amazon.com~1account-id = 111122223333
      /metadata/annotations/aws.amazon.com~1arn = arn:aws:rds:eu-west-1:111122223333:db:orders
      /metadata/annotations/aws.amazon.com~1name = orders
      /metadata/annotations/aws.amazon.com~1region = eu-west-1
      /metadata/annotations/aws.amazon.com~1resource-id = db-ABCDEFGHIJKLMNOPQRSTUVWXYZ
      /metadata/annotations/aws.amazon.com~1resource-type = AWS::RDS::DBInstance
      /metadata/title = orders
      /spec/aws/accountId = 111122223333
      /spec/aws/attributes/allocatedStorage = 100
      /spec/aws/attributes/endpoint = orders.abc.eu-west-1.rds.amazonaws.com
      /spec/aws/attributes/engine = postgres
      /spec/aws/attributes/engineVersion = 16.4
      /spec/aws/attributes/instanceClass = db.r6g.large
      /spec/aws/attributes/multiAz = true
      /spec/aws/attributes/port = 5432
      /spec/aws/attributes/publiclyAccessible = false
      /spec/aws/attributes/storageEncrypted = true
      /spec/aws/availabilityZone = eu-west-1b
      /spec/aws/createdAt = 2026-01-02T03:04:05.600Z
      /spec/aws/region = eu-west-1
      /spec/aws/resourceType = AWS::RDS::DBInstance
      /spec/aws/state = available
      /spec/aws/tags/Owner = team-a
      /spec/aws/tags/component = orders
      /spec/aws/tags/env = prod
      /spec/aws/tags/system = shop
      /spec/type = rds-dbinstance
      key rds:111122223333:eu-west-1:db-ABCDEFGHIJKLMNOPQRSTUVWXYZ
      dependsOn arn:aws:ec2:eu-west-1:111122223333:security-group/sg-0a1b2c3d
      dependsOn arn:aws:rds:eu-west-1:111122223333:subgrp:private
      dependsOn awsconfig:111122223333:eu-west-1:Example::New::Type/x
      dependsOn iam:111122223333:global:role/rds-monitoring
      partOf arn:aws:ec2:eu-west-1:111122223333:vpc/vpc-0a1b2c3d
    a#rds:111122223333:eu-west-1:db-ABCDEFGHIJKLMNOPQRSTUVWXYZ by config-claim at 2026-11-20T10:00:00.250Z
      held by arn:aws:rds:eu-west-1:111122223333:db:orders (by ARN: true)
    unresolved relationships: 1
    ");
}

#[test]
fn one_item_says_the_same_in_every_dialect_and_envelope() {
    let item = database();
    let notification = json!({
        "configurationItemDiff": null, "configurationItem": item, "notificationCreationTime": "2026-11-20T10:00:01.000Z",
        "messageType": "ConfigurationItemChangeNotification", "recordVersion": "1.3"
    });
    let mut of_2014 = item.clone();
    of_2014["availibilityZone"] = of_2014.as_object_mut().unwrap().remove("availabilityZone").unwrap();
    of_2014["resourceType"] = json!("AWS::RDS::DBINSTANCE");
    let topic = "arn:aws:sns:eu-west-1:111122223333:config";
    let expected = told(&item);
    for document in [
        json!([item]),
        as_of_the_api(&item),
        json!({"configurationItems": [as_of_the_api(&item)], "nextToken": "x"}),
        json!({"fileVersion": "1.0", "configSnapshotId": "1", "configurationItems": [item]}),
        notification.clone(),
        json!({"source": "aws.config", "detail-type": "Config Configuration Item Change", "detail": notification}),
        json!({"Type": "Notification", "TopicArn": topic, "Message": notification.to_string()}),
        json!({"Type": "Notification", "TopicArn": topic, "Message": notification}),
        json!({"invokingEvent": notification.to_string(), "ruleParameters": "{}", "accountId": "111122223333"}),
        json!({"configurationItem": [of_2014], "messageType": "ConfigurationItemChangeNotification"}),
    ] {
        assert_eq!(told(&document), expected, "{document}");
    }
}

#[test]
fn what_is_not_on_the_list_is_never_told() {
    let text = format!("{:?} {:?}", told(&database()), parse(&database()));
    for secret in ["canary-user", "canary-password", "masterUser"] {
        assert!(!text.contains(secret), "{secret}");
    }
}

#[test]
fn a_deletion_takes_the_record_and_its_second_ids_away() {
    let mut item = database();
    for (field, value) in [
        ("configurationItemStatus", json!("ResourceDeleted")),
        ("configuration", Value::Null),
        ("supplementaryConfiguration", json!({})),
        ("tags", json!({})),
        ("relationships", json!([])),
        ("availabilityZone", Value::Null),
        ("resourceCreationTime", Value::Null),
    ] {
        item[field] = value;
    }
    insta::assert_snapshot!(told(&item), @r"
    e#arn:aws:rds:eu-west-1:111122223333:db:orders by config at 2026-11-20T10:00:00.250Z
      gone
    a#rds:111122223333:eu-west-1:db-ABCDEFGHIJKLMNOPQRSTUVWXYZ by config-claim at 2026-11-20T10:00:00.250Z
      gone
    ");
    let mut never_recorded = item.clone();
    never_recorded["configurationItemStatus"] = json!("ResourceDeletedNotRecorded");
    assert_eq!(told(&never_recorded), told(&item));
}

#[test]
fn a_resource_that_is_not_recorded_exists_and_no_more_is_said() {
    let mut item = database();
    item["configurationItemStatus"] = json!("ResourceNotRecorded");
    insta::assert_snapshot!(told(&item), @r"
    e#arn:aws:rds:eu-west-1:111122223333:db:orders by config-notice at 2026-11-20T10:00:00.250Z
      /apiVersion = backstage.io/v1alpha1
      /kind = Resource
      /metadata/annotations/aws.amazon.com~1account-id = 111122223333
      /metadata/annotations/aws.amazon.com~1arn = arn:aws:rds:eu-west-1:111122223333:db:orders
      /metadata/annotations/aws.amazon.com~1name = orders
      /metadata/annotations/aws.amazon.com~1region = eu-west-1
      /metadata/annotations/aws.amazon.com~1resource-id = db-ABCDEFGHIJKLMNOPQRSTUVWXYZ
      /metadata/annotations/aws.amazon.com~1resource-type = AWS::RDS::DBInstance
      /metadata/title = orders
      /spec/aws/accountId = 111122223333
      /spec/aws/region = eu-west-1
      /spec/aws/resourceType = AWS::RDS::DBInstance
      /spec/type = rds-dbinstance
      key rds:111122223333:eu-west-1:db-ABCDEFGHIJKLMNOPQRSTUVWXYZ
    a#rds:111122223333:eu-west-1:db-ABCDEFGHIJKLMNOPQRSTUVWXYZ by config-claim at 2026-11-20T10:00:00.250Z
      held by arn:aws:rds:eu-west-1:111122223333:db:orders (by ARN: true)
    ");
}

#[test]
fn an_oversized_item_exists_and_names_its_file() {
    let mut summary = database();
    for field in ["configuration", "supplementaryConfiguration", "tags", "relationships", "relatedEvents"] {
        summary.as_object_mut().unwrap().remove(field);
    }
    summary["changeType"] = json!("UPDATE");
    let mut notification = json!({
        "configurationItemSummary": summary,
        "s3DeliverySummary": {"s3BucketLocation": "callboard-config/AWSLogs/111122223333/x_AWS::RDS::DBInstance_1.json.gz", "errorCode": null},
        "messageType": "OversizedConfigurationItemChangeNotification"
    });
    let mut item = database();
    item["configurationItemStatus"] = json!("ResourceNotRecorded");
    let (mark, notice) = (told(&notification), told(&item));
    assert_eq!(mark.fragments[0].1.source.format, Format::ConfigOversized);
    // The same words as where nothing is recorded, at the same version: only what they are worth is another matter.
    assert_eq!(
        (&mark.fragments[0].1.said, &mark.fragments[0].1.version),
        (&notice.fragments[0].1.said, &notice.fragments[0].1.version)
    );
    assert_eq!(mark.fragments[1..], notice.fragments[1..]);

    let Ok(ConfigMessage::Oversized(oversized)) = parse(&notification).remove(0) else { panic!("not oversized") };
    let location = oversized.location.unwrap();
    assert_eq!(location.bucket, "callboard-config");
    assert_eq!(location.key, "AWSLogs/111122223333/x_AWS::RDS::DBInstance_1.json.gz");
    assert_eq!(oversized.delivery_error, None);

    notification["configurationItemSummary"]["configurationItemStatus"] = json!("ResourceDeleted");
    notification["s3DeliverySummary"] = json!({"errorCode": "NoSuchBucket", "errorMessage": "gone"});
    item["configurationItemStatus"] = json!("ResourceDeleted");
    assert_eq!(told(&notification), told(&item));
    let Ok(ConfigMessage::Oversized(oversized)) = parse(&notification).remove(0) else { panic!("not oversized") };
    assert_eq!((oversized.location, oversized.delivery_error.as_deref()), (None, Some("NoSuchBucket: gone")));
}

#[test]
fn messages_that_hold_no_item_are_ignored_by_name() {
    let event = |detail_type: &str, detail: Value| json!({"source": "aws.config", "detail-type": detail_type, "detail": detail});
    for (document, expected) in [
        (
            event("Config Rules Re-evaluation Status", json!({"messageType": "ConfigRulesEvaluationStarted"})),
            "ConfigRulesEvaluationStarted",
        ),
        (event("AWS API Call via CloudTrail", json!({"eventName": "PutConfigRule"})), "AWS API Call via CloudTrail"),
        (json!({"messageType": "SomethingNew"}), "SomethingNew"),
    ] {
        let messages = parse(&document);
        assert_eq!(messages.len(), 1);
        assert_eq!(messages[0].as_ref().unwrap(), &ConfigMessage::Ignored { message_type: expected.into() });
        assert_eq!(told(&document), Statements::default());
    }
}

#[test]
fn a_version_orders_by_capture_time_and_then_by_state_id() {
    let with = |captured: &str, state_id: Value| {
        let mut item = database();
        item["configurationItemCaptureTime"] = json!(captured);
        item["configurationStateId"] = state_id;
        told(&item).fragments[0].1.version.clone()
    };
    let versions = [
        with("2026-11-20T10:00:00.000Z", json!(9_007_199_254_740_993_u64)),
        with("2026-11-20T10:00:00.001Z", json!(0)),
        with("2026-11-20T10:00:00.001Z", json!("9007199254740992")),
        with("2026-11-20T10:00:00.001Z", json!("9007199254740993")),
        with("2026-11-20T10:00:00.001Z", json!("e74bf6b1-7b2a-4e3f-9d3e-0a1b2c3d4e5f")),
    ];
    assert!(versions.is_sorted() && versions[0] != versions[1] && versions[2] != versions[3], "{versions:?}");
}

#[test]
fn a_global_resource_is_one_whatever_region_reports_it() {
    let role = |region: &str| {
        json!({
            "configurationItemCaptureTime": "2026-11-20T10:00:00Z", "configurationStateId": "1", "awsAccountId": "111122223333",
            "configurationItemStatus": "OK", "resourceType": "AWS::IAM::Role", "resourceId": "AROAEXAMPLEEXAMPLE01",
            "resourceName": "deploy", "ARN": "arn:aws:iam::111122223333:role/ci/deploy", "awsRegion": region
        })
    };
    assert_eq!(told(&role("eu-west-1")), told(&role("global")));
    let keys: Vec<String> = told(&role("global")).fragments.iter().map(|(key, _)| key.to_string()).collect();
    assert_eq!(
        keys,
        [
            "e#arn:aws:iam::111122223333:role/ci/deploy",
            "a#iam:111122223333:global:AROAEXAMPLEEXAMPLE01",
            "a#iam:111122223333:global:role/deploy"
        ]
    );
}

#[test]
fn without_an_arn_the_identity_follows_from_the_type_or_names_account_region_type_and_id() {
    let identity = |resource_type: &str, id: &str, region: &str| {
        let mut item = database();
        item.as_object_mut().unwrap().remove("ARN");
        for (field, value) in [("resourceType", resource_type), ("resourceId", id), ("awsRegion", region)] {
            item[field] = json!(value);
        }
        told(&item).fragments[0].0.to_string()
    };
    for (resource_type, id, region, expected) in [
        ("AWS::SQS::Queue", "jobs", "eu-west-1", "e#arn:aws:sqs:eu-west-1:111122223333:jobs"),
        ("AWS::SQS::Queue", "jobs", "cn-north-1", "e#arn:aws-cn:sqs:cn-north-1:111122223333:jobs"),
        ("AWS::RDS::DBInstance", "db-ABCDEF", "eu-west-1", "e#arn:aws:rds:eu-west-1:111122223333:db:orders"),
        (
            "AWS::Glue::Classifier",
            "c",
            "us-gov-west-1",
            "e#config:aws-us-gov:111122223333:us-gov-west-1:AWS::Glue::Classifier/c",
        ),
    ] {
        assert_eq!(identity(resource_type, id, region), expected);
    }
}

#[test]
fn a_document_that_cannot_be_used_says_why() {
    let with = |field: &str, value: Value| {
        let mut item = database();
        item[field] = value;
        item
    };
    let cases = [
        (
            json!({"a": 1}),
            "found an object where a document of AWS Config was expected: an event, a notification, a configuration item, or a list of items",
        ),
        (
            json!("text"),
            "found a string where a document of AWS Config was expected: an event, a notification, a configuration item, or a list of items",
        ),
        (
            json!({"source": "aws.s3", "detail-type": "Object Created", "detail": {}}),
            "the event is of source `aws.s3`, not of `aws.config`: check the rule that sends it here",
        ),
        (
            json!({"source": "aws.config", "detail-type": "Config Configuration Item Change", "detail": {}}),
            "the detail of the event has no `messageType`",
        ),
        (json!({"messageType": "ConfigurationItemChangeNotification"}), "the notification has no `configurationItem`"),
        (
            json!({"messageType": "OversizedConfigurationItemChangeNotification"}),
            "the notification has no `configurationItemSummary`",
        ),
        (json!({"Type": "Notification", "Message": "{"}), "the SNS message is not valid JSON"),
        (
            json!({"Type": "SubscriptionConfirmation", "Message": "You have chosen to subscribe", "Token": "x"}),
            "the SNS message is a `SubscriptionConfirmation`, not a notification: confirm or remove the subscription of this queue",
        ),
        (json!([[[[[[[[1]]]]]]]]), "envelopes are nested more than 6 deep"),
        (
            with("awsAccountId", json!("1111222233334")),
            "`awsAccountId` of the configuration item is `1111222233334`, not an account id of 12 digits",
        ),
        (
            with("awsAccountId", json!("11112222333x")),
            "`awsAccountId` of the configuration item is `11112222333x`, not an account id of 12 digits",
        ),
        (
            with("resourceType", json!("bucket")),
            "`resourceType` of the configuration item is `bucket`, not a type such as `AWS::S3::Bucket`",
        ),
        (
            with("resourceId", json!("x".repeat(2_000))),
            "`resourceId` of the configuration item has 2000 bytes, and at most 1600 are taken",
        ),
        (
            with("resourceId", json!("a\u{0}b")),
            "`resourceId` of the configuration item is `a\\0b`, not free of control characters",
        ),
        (
            with("awsRegion", json!("eu west")),
            "`awsRegion` of the configuration item is `eu west`, not a region such as `eu-west-1`",
        ),
        (
            with("configurationItemStatus", json!("Lost")),
            "`configurationItemStatus` of the configuration item is `Lost`, not OK, ResourceDiscovered, ResourceNotRecorded, ResourceDeleted or ResourceDeletedNotRecorded",
        ),
        (
            with("configurationItemCaptureTime", json!("soon")),
            "`configurationItemCaptureTime` of the configuration item is `soon`, not a time such as `2026-11-20T10:00:00.000Z`",
        ),
        (
            with("configurationItemCaptureTime", Value::Null),
            "the configuration item has no `configurationItemCaptureTime`",
        ),
        (
            with("configurationItemCaptureTime", json!("2099-01-01T00:00:00Z")),
            "the capture time of the configuration item cannot be its version",
        ),
        (
            with("configurationStateId", json!("new")),
            "`configurationStateId` of the configuration item is `new`, not a number or a UUID",
        ),
        (with("configuration", json!("{")), "`configuration` of the configuration item is not valid JSON"),
    ];
    for (document, expected) in cases {
        assert_eq!(refused(&document), expected);
    }
}

#[test]
fn an_account_that_went_through_a_number_gets_its_zeros_back() {
    let mut item = database();
    item["ARN"] = json!("arn:aws:rds:eu-west-1:000000000042:db:orders");
    item["awsAccountId"] = json!(42);
    let as_number = told(&item);
    item["awsAccountId"] = json!("000000000042");
    assert_eq!(as_number, told(&item));
}

#[test]
fn one_bad_item_of_a_list_does_not_hide_the_others() {
    let outcomes: Vec<bool> = parse(&json!({"configurationItems": [database(), {"resourceType": 7}, database()]}))
        .iter()
        .map(Result::is_ok)
        .collect();
    assert_eq!(outcomes, [true, false, true]);
}

#[test]
fn the_delivery_of_a_file_says_where_and_when() {
    let key = "AWSLogs/111122223333/Config/eu-west-1/2026/9/7/ConfigSnapshot/111122223333_Config_eu-west-1_ConfigSnapshot_1.json.gz";
    let detail = |message_type: &str, fields: Value| {
        let mut detail = json!({"messageType": message_type, "notificationCreationTime": "2026-09-07T10:00:00.250Z"});
        detail.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        detail
    };
    let event = |detail: Value| {
        json!({"source": "aws.config", "detail-type": "Config Configuration Snapshot Delivery Status", "account": "444455556666",
               "region": "us-east-1", "detail": detail})
    };
    let failed =
        detail("ConfigurationSnapshotDeliveryFailed", json!({"errorCode": "NoSuchBucket", "errorMessage": "gone"}));
    let history = detail("ConfigurationHistoryDeliveryCompleted", json!({"s3ObjectKey": key}));
    let reason = "NoSuchBucket: gone".to_owned();
    for (document, delivered, outcome, account, region) in [
        (
            event(failed.clone()),
            Delivered::Snapshot,
            DeliveryOutcome::Failed { reason: reason.clone() },
            Some("444455556666"),
            Some("us-east-1"),
        ),
        (failed, Delivered::Snapshot, DeliveryOutcome::Failed { reason }, None, None),
        (history.clone(), Delivered::History, DeliveryOutcome::Completed, Some("111122223333"), Some("eu-west-1")),
        // The key knows better than who forwarded the event.
        (event(history), Delivered::History, DeliveryOutcome::Completed, Some("111122223333"), Some("eu-west-1")),
        (
            event(detail("ConfigurationSnapshotDeliveryStarted", json!({}))),
            Delivered::Snapshot,
            DeliveryOutcome::Started,
            Some("444455556666"),
            Some("us-east-1"),
        ),
    ] {
        let Ok(ConfigMessage::Delivery(delivery)) = parse(&document).remove(0) else { panic!("{document}") };
        assert_eq!((delivery.delivered, &delivery.outcome), (delivered, &outcome));
        assert_eq!((delivery.account.as_deref(), delivery.region.as_deref()), (account, region));
        assert_eq!(delivery.at_ms, 1_788_775_200_250);
        assert_eq!(told(&document), Statements::default());
    }
    let timeless = json!({"messageType": "ConfigurationSnapshotDeliveryFailed"});
    assert_eq!(refused(&timeless), "the delivery status has no `notificationCreationTime`");
}
