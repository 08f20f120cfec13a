//! One item of each type that Config's table of attributes names, as `config-item` has them, in the messages in which they come.

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Value, json};

use super::aws::{Queue, sqs_batch, uuid_of};
use crate::checkout::{files, root};

/// Ten types that most estates have many of, each named by its ARN alone: a change of one is the typical change.
pub const TYPICAL: [&str; 10] = [
    "AWS::CloudWatch::Alarm",
    "AWS::DynamoDB::Table",
    "AWS::EC2::Instance",
    "AWS::EC2::SecurityGroup",
    "AWS::EC2::Subnet",
    "AWS::EC2::Volume",
    "AWS::Lambda::Function",
    "AWS::S3::Bucket",
    "AWS::SNS::Topic",
    "AWS::SQS::Queue",
];

const FOLDER: &str = "shared/config-item/tests/types";

/// 2026-11-01T00:00:00Z
const FIRST_MS: u64 = 1_793_491_200_000;

const DAY_SECONDS: u64 = 86_400;

/// Config's items by type.
///
/// # Panics
/// Panics when a fixture is no JSON.
pub fn items() -> BTreeMap<String, Value> {
    let read = |path| {
        let text = fs::read_to_string(root().join(path)).expect("a fixture can be read");
        let item: Value = serde_json::from_str(&text).expect("a fixture is JSON");
        (item["resourceType"].as_str().expect("an item has a type").to_owned(), item)
    };
    files(FOLDER, "json").into_iter().map(read).collect()
}

/// The capture time of second `second` of a month: as text and in ms.
///
/// # Panics
/// Panics on the 25th day.
pub fn captured(second: u64) -> (String, u64) {
    assert!(second < 24 * DAY_SECONDS, "the month is over");
    let [day, hour, minute] = [second / DAY_SECONDS + 1, second / 3600 % 24, second / 60 % 60];
    (format!("2026-11-{day:02}T{hour:02}:{minute:02}:{:02}.000Z", second % 60), FIRST_MS + second * 1000)
}

/// The event of EventBridge that an item changed, and was captured at this second.
pub fn change_of(item: &Value, second: u64) -> String {
    let (captured, captured_ms) = captured(second);
    let mut item = item.clone();
    item["configurationItemCaptureTime"] = json!(captured);
    item["configurationStateId"] = json!(captured_ms);
    json!({
        "version": "0",
        "id": uuid_of(&format!("{} {captured}", item["ARN"])),
        "detail-type": "Config Configuration Item Change",
        "source": "aws.config",
        "account": item["awsAccountId"],
        "time": captured,
        "region": item["awsRegion"],
        "resources": [item["ARN"]],
        "detail": {
            "recordVersion": "1.3",
            "messageType": "ConfigurationItemChangeNotification",
            "notificationCreationTime": captured,
            "configurationItemDiff": {"changedProperties": {}, "changeType": "UPDATE"},
            "configurationItem": item
        }
    })
    .to_string()
}

/// A batch of SQS with one change of each of the typical types, captured at this second.
///
/// # Panics
/// Panics when a type has no fixture.
pub fn typical_batch(items: &BTreeMap<String, Value>, second: u64) -> Value {
    let queue = Queue { account: "111122223333", region: "eu-west-1", name: "callboard-config" };
    let sent_ms = i64::try_from(captured(second).1).expect("a time of this century fits") + 4_000;
    let bodies = TYPICAL.map(|resource_type| change_of(&items[resource_type], second));
    sqs_batch(queue, sent_ms, &bodies)
}
