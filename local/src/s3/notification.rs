//! A change of an object -> the event notification that S3 sends to a queue.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html>

use jiff::Timestamp;
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::{ACCOUNT, REGION, wiring};

/// One change of one object.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Change<'a> {
    /// S3's event name without `s3:`, such as `ObjectCreated:Put`; none is announced to nobody.
    pub(crate) event: Option<&'static str>,
    pub(crate) bucket: &'a str,
    pub(crate) key: &'a str,
}

/// The queues that want to know of this change.
pub(crate) fn targets(change: &Change<'_>) -> Vec<&'static str> {
    let Some(event) = change.event else { return Vec::new() };
    let wanted = |notification: &&wiring::Notification| notification.matches(change.bucket, event, change.key);
    wiring::NOTIFICATIONS.iter().filter(wanted).map(|notification| notification.queue).collect()
}

/// The notification's body. `content` is size in bytes and entity tag; a removal has none.
pub(crate) fn event(change: &Change<'_>, content: Option<(u64, &str)>, sequence: u64, now: Timestamp) -> Value {
    let mut object = json!({
        "key": encode_key(change.key),
        "sequencer": format!("00{sequence:016X}"),
    });
    if let Some((size, etag)) = content {
        object["size"] = json!(size);
        object["eTag"] = json!(etag);
    }
    json!({"Records": [{
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": REGION,
        "eventTime": format!("{now:.3}"),
        "eventName": change.event,
        "userIdentity": {"principalId": format!("AWS:{ACCOUNT}")},
        "requestParameters": {"sourceIPAddress": "127.0.0.1"},
        "responseElements": {
            "x-amz-request-id": format!("{sequence:016X}"),
            "x-amz-id-2": format!("{sequence:016X}"),
        },
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "callboard-local",
            "bucket": {
                "name": change.bucket,
                "ownerIdentity": {"principalId": ACCOUNT},
                "arn": format!("arn:aws:s3:::{}", change.bucket),
            },
            "object": object,
        },
    }]})
}

/// S3 writes keys like a form field, but leaves the slashes: `a b/c=d` is `a+b/c%3Dd`.
fn encode_key(key: &str) -> String {
    let parts: Vec<String> =
        key.split('/').map(|part| form_urlencoded::byte_serialize(part.as_bytes()).collect()).collect();
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_encoded_as_in_a_form_but_for_its_slashes() {
        assert_eq!(
            encode_key("data/BILLING_PERIOD=2025-01/a b+é.json"),
            "data/BILLING_PERIOD%3D2025-01/a+b%2B%C3%A9.json"
        );
    }

    #[test]
    fn a_creation_has_size_and_tag_and_a_removal_has_neither() {
        let now = "2025-03-04T05:06:07.0891Z".parse().unwrap();
        let change = Change { event: Some("ObjectCreated:Put"), bucket: "callboard-drop", key: "exports/a" };
        let created = event(&change, Some((7, "abc")), 255, now);
        assert_eq!(created["Records"][0]["eventTime"], "2025-03-04T05:06:07.089Z");
        assert_eq!(
            created["Records"][0]["s3"]["object"],
            json!({"key": "exports/a", "sequencer": "0000000000000000FF", "size": 7, "eTag": "abc"})
        );
        let change = Change { event: Some("ObjectRemoved:Delete"), ..change };
        let removed = event(&change, None, 256, now);
        assert_eq!(
            removed["Records"][0]["s3"]["object"],
            json!({"key": "exports/a", "sequencer": "000000000000000100"})
        );
    }
}
