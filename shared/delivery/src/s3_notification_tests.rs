use std::fs;
use std::path::PathBuf;

use serde_json::json;

use super::*;
use crate::Classify;

fn classic(name: &str, object: &Value) -> Value {
    json!({
        "eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "eu-west-1",
        "eventTime": "2026-11-20T10:00:00.250Z", "eventName": name,
        "userIdentity": {"principalId": "AWS:AIDAEXAMPLE"}, "requestParameters": {"sourceIPAddress": "192.0.2.1"},
        "s3": {"s3SchemaVersion": "1.0", "bucket": {"name": "drop"}, "object": object}
    })
}

fn eventbridge_form(detail_type: &str, detail: &Value) -> Value {
    json!({
        "version": "0", "id": "1", "source": "aws.s3", "detail-type": detail_type, "account": "111122223333",
        "time": "2026-11-20T10:00:00Z", "region": "eu-west-1", "resources": ["arn:aws:s3:::drop"], "detail": detail
    })
}

fn through_sns(message: &Value) -> String {
    let topic = "arn:aws:sns:eu-west-1:111122223333:t";
    json!({"Type": "Notification", "TopicArn": topic, "Message": message.to_string()}).to_string()
}

#[test]
fn a_classic_notification_tells_of_each_object() {
    let created =
        json!({"key": "exports/a/b/c.json", "size": 12, "eTag": "abc", "sequencer": "0055", "versionId": "v1"});
    let removed = json!({"key": "exports/a/b/d.json", "sequencer": "0056"});
    let body = json!({"Records": [
        classic("ObjectCreated:Put", &created),
        classic("ObjectRemoved:DeleteMarkerCreated", &removed),
        classic("LifecycleExpiration:Delete", &removed),
    ]});
    for body in [body.to_string(), through_sns(&body)] {
        let events = parse(&body).unwrap();
        let expected = ObjectEvent {
            bucket: "drop".to_owned(),
            key: "exports/a/b/c.json".to_owned(),
            size: Some(12),
            etag: Some("abc".to_owned()),
            version_id: Some("v1".to_owned()),
            sequencer: Some("0055".to_owned()),
            event_time: "2026-11-20T10:00:00.250Z".parse().unwrap(),
            kind: ObjectEventKind::Created,
            requester: Some("AWS:AIDAEXAMPLE".to_owned()),
        };
        assert_eq!(events[0], expected);
        assert_eq!(events[1].kind, ObjectEventKind::Removed { by_lifecycle: false });
        assert_eq!((events[1].size, events[1].etag.as_deref()), (None, None));
        assert_eq!(events[2].kind, ObjectEventKind::Removed { by_lifecycle: true });
    }
}

#[test]
fn a_classic_key_is_decoded_exactly_once_and_the_eventbridge_form_is_not() {
    let table = [
        ("exports/a+b/c%2Bd.json", "exports/a b/c+d.json"),
        ("a%252Fb", "a%2Fb"),
        ("AWSLogs/AWS%3A%3AEC2%3A%3AInstance", "AWSLogs/AWS::EC2::Instance"),
        ("gr%C3%BC%C3%9Fe", "grüße"),
        ("100%", "100%"),
    ];
    for (key, decoded) in table {
        let body = json!({"Records": [classic("ObjectCreated:Put", &json!({"key": key}))]});
        assert_eq!(parse(&body.to_string()).unwrap()[0].key, decoded);
        let body = eventbridge_form("Object Created", &json!({"bucket": {"name": "drop"}, "object": {"key": key}}));
        assert_eq!(parse(&body.to_string()).unwrap()[0].key, key);
    }
}

#[test]
fn the_eventbridge_form_tells_the_same() {
    let detail = json!({
        "bucket": {"name": "drop"}, "requester": "111122223333", "reason": "PutObject",
        "object": {"key": "exports/a/b/c+d.json", "size": 12, "etag": "abc", "version-id": "v1", "sequencer": "0055"}
    });
    let body = eventbridge_form("Object Created", &detail);
    for body in [body.to_string(), through_sns(&body)] {
        let expected = ObjectEvent {
            bucket: "drop".to_owned(),
            key: "exports/a/b/c+d.json".to_owned(),
            size: Some(12),
            etag: Some("abc".to_owned()),
            version_id: Some("v1".to_owned()),
            sequencer: Some("0055".to_owned()),
            event_time: "2026-11-20T10:00:00Z".parse().unwrap(),
            kind: ObjectEventKind::Created,
            requester: Some("111122223333".to_owned()),
        };
        assert_eq!(parse(&body).unwrap(), [expected]);
    }
}

#[test]
fn a_deletion_by_lifecycle_is_told_apart_from_one_that_was_meant() {
    for (reason, by_lifecycle) in [("DeleteObject", false), ("Lifecycle Expiration", true)] {
        let detail = json!({"bucket": {"name": "drop"}, "object": {"key": "k"}, "reason": reason});
        let events = parse(&eventbridge_form("Object Deleted", &detail).to_string()).unwrap();
        assert_eq!(events[0].kind, ObjectEventKind::Removed { by_lifecycle });
    }
}

#[test]
fn what_leaves_the_content_as_it_was_is_no_object_event() {
    let test =
        json!({"Service": "Amazon S3", "Event": "s3:TestEvent", "Time": "2026-11-20T10:00:00Z", "Bucket": "drop"});
    let tagged = json!({"Records": [classic("ObjectTagging:Put", &json!({"key": "k"}))]});
    let restored = eventbridge_form("Object Restore Completed", &json!({}));
    for body in
        [test.to_string(), through_sns(&test), tagged.to_string(), restored.to_string(), r#"{"Records":[]}"#.to_owned()]
    {
        assert_eq!(parse(&body).unwrap(), [], "{body}");
    }
}

#[test]
fn anything_else_is_refused_with_the_reason() {
    let with = |name: &str, object: &Value| json!({"Records": [classic(name, object)]}).to_string();
    let mut timeless = eventbridge_form("Object Created", &json!({"bucket": {"name": "b"}, "object": {"key": "k"}}));
    timeless.as_object_mut().unwrap().remove("time");
    let cases = [
        ("not json".to_owned(), "malformed-json", "the S3 notification is not valid JSON"),
        ("null".to_owned(), "not-an-object", "the S3 notification is null, not a JSON object"),
        (
            "{}".to_owned(),
            "not-an-s3-notification",
            "expected an S3 notification, found an object with neither `Records` nor `detail-type`: check what is subscribed to this queue",
        ),
        (
            r#"{"Records":[{"eventSource":"aws:dynamodb"}]}"#.to_owned(),
            "not-an-s3-notification",
            "expected an S3 notification, found records with another `eventSource`: check what is subscribed to this queue",
        ),
        (r#"{"Records":{}}"#.to_owned(), "invalid-field", "field `Records` of the S3 notification is not a list"),
        (
            r#"{"Records":[{"eventSource":"aws:s3"}]}"#.to_owned(),
            "invalid-record",
            "record 0 of the S3 notification does not have the documented shape",
        ),
        (
            with("ObjectEaten:Whole", &json!({"key": "k"})),
            "invalid-field",
            "field `Records.eventName` of the S3 notification is not the name of a documented S3 event",
        ),
        (
            with("ObjectCreated:Put", &json!({})),
            "missing-field",
            "the S3 notification has no field `Records.s3.object.key`",
        ),
        (
            with("ObjectCreated:Put", &json!({"key": "%ff"})),
            "invalid-field",
            "field `Records.s3.object.key` of the S3 notification is not percent-encoded UTF-8",
        ),
        (
            with("ObjectCreated:Put", &json!({"key": "k".repeat(1025)})),
            "invalid-field",
            "field `Records.s3.object.key` of the S3 notification is not at most 1024 bytes long",
        ),
        (
            with("ObjectCreated:Put", &json!({"key": "k", "size": -1})),
            "invalid-field",
            "field `Records.s3.object.size` of the S3 notification is not a number of bytes",
        ),
        (
            eventbridge_form("Object Created", &json!({"bucket": {"name": "b"}})).to_string(),
            "missing-field",
            "the S3 notification has no field `detail.object`",
        ),
        (timeless.to_string(), "missing-field", "the S3 notification has no field `time`"),
        (
            eventbridge_form("Object Created", &json!({})).to_string().replace("aws.s3", "aws.config"),
            "not-an-s3-notification",
            "expected an S3 notification, found an EventBridge event with another `source`: check what is subscribed to this queue",
        ),
    ];
    for (body, code, text) in cases {
        let error = parse(&body).unwrap_err();
        assert_eq!((error.code(), error.to_string().as_str()), (code, text), "{body}");
    }
}

#[test]
fn the_collected_samples_are_read_or_refused_with_the_right_reason() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/samples/s3-notifications");
    let Ok(entries) = fs::read_dir(&folder) else {
        println!("skipped: no samples at {}", folder.display());
        return;
    };
    let mut told: Vec<String> = Vec::new();
    for entry in entries {
        let entry = entry.unwrap();
        let mut body = fs::read_to_string(entry.path()).unwrap();
        let sample: Value = serde_json::from_str(&body).unwrap();
        // One sample is a whole SQS event: its message is what counts.
        if let Some(message) = sample.pointer("/Records/0/body").and_then(Value::as_str) {
            body = message.to_owned();
        }
        let name = entry.file_name().into_string().unwrap();
        told.push(match parse(&body) {
            Ok(events) => {
                let objects: Vec<String> =
                    events.iter().map(|e| format!("{}/{} {:?}", e.bucket, e.key, e.kind)).collect();
                format!("{name}: {}", objects.join(", "))
            }
            Err(error) => format!("{name}: {}", error.code()),
        });
    }
    told.sort();
    let object = "lambda-artifacts-deafc19498e3f2df/b21b84d653bb07b05b1e6b33684dc11b Created";
    let expected = [
        "dynamodb-stream.json: not-an-s3-notification".to_owned(),
        "eb-object-deleted.json: example-bucket/IMG_m7fzo3.jpg Removed { by_lifecycle: false }".to_owned(),
        format!("s3-event-glacier.json: {object}"),
        format!("s3-event.json: {object}"),
        "sns-in-sqs-fifo.json: not-an-s3-notification".to_owned(),
    ];
    assert_eq!(told, expected);
}
