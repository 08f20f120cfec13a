//! An SQS body -> the objects that came or went in a bucket.
//!
//! Reads the classic notification
//! (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html>) and the
//! EventBridge form (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html>), each directly
//! or through an SNS topic.

use aws_lambda_events::s3::S3EventRecord;
use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::envelope_error::parse_object;
use crate::{EnvelopeError, eventbridge, sns};

const NOTIFICATION: &str = "the S3 notification";

/// Longest object key that S3 accepts, in bytes of UTF-8.
const MAX_KEY_BYTES: usize = 1024;

/// Events about an object that is there before and after with the same content.
const UNCHANGED: [&str; 6] =
    ["ObjectRestore:", "ObjectTagging:", "ObjectAcl:", "Replication:", "LifecycleTransition", "IntelligentTiering"];

/// The same, as EventBridge calls them.
const UNCHANGED_DETAIL_TYPES: [&str; 8] = [
    "Object Restore Initiated",
    "Object Restore Completed",
    "Object Restore Expired",
    "Object Storage Class Changed",
    "Object Access Tier Changed",
    "Object ACL Updated",
    "Object Tags Added",
    "Object Tags Deleted",
];

/// One object that came or went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectEvent {
    /// Bucket name.
    pub bucket: String,
    /// Object key as the sender named it: already decoded.
    pub key: String,
    /// Bytes; absent when the object went.
    pub size: Option<u64>,
    /// Without quotes; absent when the object went.
    pub etag: Option<String>,
    /// Only in a bucket with versioning.
    pub version_id: Option<String>,
    /// Orders the events of one key: hexadecimal, to be padded on the right to equal length before comparing.
    pub sequencer: Option<String>,
    /// When S3 finished the request.
    pub event_time: Timestamp,
    /// Whether it came or went.
    pub kind: ObjectEventKind,
    /// Who did it: a principal id (classic form), an account id or a service (EventBridge form).
    pub requester: Option<String>,
}

/// Whether an object came or went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ObjectEventKind {
    /// Written or overwritten by any kind of upload or copy.
    Created,
    /// Deleted, or hidden by a delete marker.
    Removed {
        /// A lifecycle rule did it, not somebody who meant this object.
        by_lifecycle: bool,
    },
}

/// The objects that `body` tells of, in its order.
///
/// Empty for the `s3:TestEvent` that S3 sends when a notification is set up, and for events that leave the
/// content as it was (tags, ACL, storage class, restore, replication).
///
/// # Errors
/// Fails as a whole, since S3 writes all records of one notification alike: on anything that is not an S3
/// notification, an event name that S3 does not document, or a record without bucket, key or time.
pub fn parse(body: &str) -> Result<Vec<ObjectEvent>, EnvelopeError> {
    let mut object = parse_object(NOTIFICATION, &sns::unwrap(body)?)?;
    if object.get("Event").and_then(Value::as_str) == Some("s3:TestEvent") {
        return Ok(Vec::new());
    }
    if object.contains_key("detail-type") {
        return from_eventbridge(object);
    }
    match object.remove("Records") {
        Some(Value::Array(records)) => from_records(records),
        Some(_) => Err(EnvelopeError::InvalidField { what: NOTIFICATION, field: "Records", expected: "a list" }),
        None => Err(EnvelopeError::NotAnS3Notification { found: "an object with neither `Records` nor `detail-type`" }),
    }
}

fn from_records(records: Vec<Value>) -> Result<Vec<ObjectEvent>, EnvelopeError> {
    let mut events = Vec::with_capacity(records.len());
    for (index, record) in records.into_iter().enumerate() {
        match record.get("eventSource").and_then(Value::as_str) {
            Some("aws:s3") => {}
            Some(_) => return Err(EnvelopeError::NotAnS3Notification { found: "records with another `eventSource`" }),
            None => return Err(EnvelopeError::MissingField { what: NOTIFICATION, field: "Records.eventSource" }),
        }
        let record: S3EventRecord = serde_json::from_value(record).map_err(|source| EnvelopeError::InvalidRecord {
            what: NOTIFICATION,
            index,
            source,
        })?;
        let name = record.event_name.as_deref();
        let name = name.ok_or(EnvelopeError::MissingField { what: NOTIFICATION, field: "Records.eventName" })?;
        if let Some(kind) = kind_by_event_name(name)? {
            events.push(from_record(record, kind)?);
        }
    }
    Ok(events)
}

fn kind_by_event_name(name: &str) -> Result<Option<ObjectEventKind>, EnvelopeError> {
    // AWS leaves `s3:` out in events, and other makers of S3 servers do not.
    let name = name.strip_prefix("s3:").unwrap_or(name);
    if name.starts_with("ObjectCreated:") {
        return Ok(Some(ObjectEventKind::Created));
    }
    if name.starts_with("ObjectRemoved:") {
        return Ok(Some(ObjectEventKind::Removed { by_lifecycle: false }));
    }
    if name.starts_with("LifecycleExpiration:") {
        return Ok(Some(ObjectEventKind::Removed { by_lifecycle: true }));
    }
    if UNCHANGED.iter().any(|prefix| name.starts_with(prefix)) {
        return Ok(None);
    }
    Err(EnvelopeError::InvalidField {
        what: NOTIFICATION,
        field: "Records.eventName",
        expected: "the name of a documented S3 event",
    })
}

fn from_record(record: S3EventRecord, kind: ObjectEventKind) -> Result<ObjectEvent, EnvelopeError> {
    let object = record.s3.object;
    let encoded = required(object.key, "Records.s3.object.key")?;
    let spaced = encoded.replace('+', " ");
    let key = percent_decode_str(&spaced).decode_utf8().map_err(|_| EnvelopeError::InvalidField {
        what: NOTIFICATION,
        field: "Records.s3.object.key",
        expected: "percent-encoded UTF-8",
    })?;
    let size = match object.size {
        None => None,
        Some(size) => Some(u64::try_from(size).map_err(|_| EnvelopeError::InvalidField {
            what: NOTIFICATION,
            field: "Records.s3.object.size",
            expected: "a number of bytes",
        })?),
    };
    let time = record.event_time;
    let event_time = timestamp(time.timestamp(), time.timestamp_subsec_nanos(), "Records.eventTime")?;
    Ok(ObjectEvent {
        bucket: required(record.s3.bucket.name, "Records.s3.bucket.name")?,
        key: checked_key(key.into_owned(), "Records.s3.object.key")?,
        size,
        etag: object.e_tag,
        version_id: object.version_id,
        sequencer: object.sequencer,
        event_time,
        kind,
        requester: record.principal_id.principal_id,
    })
}

/// `detail` of the EventBridge form. The keys are in kebab case, and the object key is not encoded.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Detail {
    bucket: Option<DetailBucket>,
    object: Option<DetailObject>,
    requester: Option<String>,
    reason: Option<String>,
}

#[derive(Deserialize)]
struct DetailBucket {
    name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct DetailObject {
    key: Option<String>,
    size: Option<u64>,
    etag: Option<String>,
    version_id: Option<String>,
    sequencer: Option<String>,
}

fn from_eventbridge(object: Map<String, Value>) -> Result<Vec<ObjectEvent>, EnvelopeError> {
    let event = eventbridge::from_object(object)?;
    if event.source != "aws.s3" {
        return Err(EnvelopeError::NotAnS3Notification { found: "an EventBridge event with another `source`" });
    }
    let detail: Detail = serde_json::from_value(event.detail).map_err(|source| EnvelopeError::InvalidRecord {
        what: NOTIFICATION,
        index: 0,
        source,
    })?;
    let kind = match event.detail_type.as_str() {
        "Object Created" => ObjectEventKind::Created,
        "Object Deleted" => {
            ObjectEventKind::Removed { by_lifecycle: detail.reason.as_deref() == Some("Lifecycle Expiration") }
        }
        other if UNCHANGED_DETAIL_TYPES.contains(&other) => return Ok(Vec::new()),
        _ => {
            return Err(EnvelopeError::InvalidField {
                what: NOTIFICATION,
                field: "detail-type",
                expected: "a documented S3 event",
            });
        }
    };
    let object = detail.object.ok_or(EnvelopeError::MissingField { what: NOTIFICATION, field: "detail.object" })?;
    let time = event.time.ok_or(EnvelopeError::MissingField { what: NOTIFICATION, field: "time" })?;
    let event_time = timestamp(time.timestamp(), time.timestamp_subsec_nanos(), "time")?;
    Ok(vec![ObjectEvent {
        bucket: required(detail.bucket.and_then(|bucket| bucket.name), "detail.bucket.name")?,
        key: checked_key(required(object.key, "detail.object.key")?, "detail.object.key")?,
        size: object.size,
        etag: object.etag,
        version_id: object.version_id,
        sequencer: object.sequencer,
        event_time,
        kind,
        requester: detail.requester,
    }])
}

fn required(text: Option<String>, field: &'static str) -> Result<String, EnvelopeError> {
    text.filter(|text| !text.is_empty()).ok_or(EnvelopeError::MissingField { what: NOTIFICATION, field })
}

fn timestamp(seconds: i64, nanoseconds: u32, field: &'static str) -> Result<Timestamp, EnvelopeError> {
    let nanoseconds = i32::try_from(nanoseconds).ok();
    let time = nanoseconds.and_then(|nanoseconds| Timestamp::new(seconds, nanoseconds).ok());
    let expected = "a time between the years -9999 and 9999";
    time.ok_or(EnvelopeError::InvalidField { what: NOTIFICATION, field, expected })
}

fn checked_key(key: String, field: &'static str) -> Result<String, EnvelopeError> {
    if key.len() > MAX_KEY_BYTES {
        return Err(EnvelopeError::InvalidField { what: NOTIFICATION, field, expected: "at most 1024 bytes long" });
    }
    Ok(key)
}

#[cfg(test)]
#[path = "s3_notification_tests.rs"]
mod tests;
