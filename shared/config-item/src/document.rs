//! Any document that holds configuration items -> the messages in it.
//! Notifications: <https://docs.aws.amazon.com/config/latest/developerguide/notifications-for-AWS-Config.html>

use serde_json::Value;

use crate::compliance::Compliance;
use crate::error::{ConfigItemError, quoted};
use crate::fields::{pick, text};
use crate::file_delivery::FileDelivery;
use crate::item::ConfigurationItem;

/// SNS in an event in a list is 3; nobody needs twice as many.
const MAX_ENVELOPES: usize = 6;

const ITEM_CHANGE: &str = "ConfigurationItemChangeNotification";
const COMPLIANCE_CHANGE: &str = "ComplianceChangeNotification";
const OVERSIZED_CHANGE: &str = "OversizedConfigurationItemChangeNotification";

/// What Config said in one message.
#[derive(Debug, Clone, PartialEq)]
pub enum ConfigMessage {
    Item(Box<ConfigurationItem>),
    Oversized(Box<Oversized>),
    /// Whether a resource meets a rule.
    Compliance(Box<Compliance>),
    /// A snapshot or history that was put into Config's bucket, or not.
    Delivery(FileDelivery),
    /// Evaluations that begin, calls of Config's API: nothing that is kept.
    Ignored {
        message_type: String,
    },
}

/// An item too large for its notification: the resource exists, and its detail is in a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Oversized {
    /// Identity, status and clock; no configuration, tags or relationships.
    pub item: ConfigurationItem,
    /// Where Config put the whole item. The bucket is the sender's word: whoever reads it has a list of its own.
    pub location: Option<S3Location>,
    /// Why Config could not put it there.
    pub delivery_error: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Location {
    pub bucket: String,
    pub key: String,
}

/// Reads all messages of a document, in its order; one that cannot be read never hides the others.
///
/// Takes: an EventBridge event, an SNS envelope (`Message` as a string or an object), the event of a custom rule,
/// a notification, `{"configurationItems": [..]}` of the API or of a file, an item, and lists of all these.
///
/// # Errors
/// Each message that is refused has its own: what was found, and what a document of Config looks like.
pub fn parse(document: &Value) -> Vec<Result<ConfigMessage, ConfigItemError>> {
    let mut messages = Vec::new();
    open(document, 0, &mut messages);
    messages
}

fn open(document: &Value, depth: usize, messages: &mut Vec<Result<ConfigMessage, ConfigItemError>>) {
    if depth > MAX_ENVELOPES {
        messages.push(Err(ConfigItemError::TooDeep { max: MAX_ENVELOPES }));
        return;
    }
    if let Value::Array(list) = document {
        list.iter().for_each(|inner| open(inner, depth + 1, messages));
        return;
    }
    if let (Some(event_source), Some(detail_type)) = (text(document, &["source"]), text(document, &["detail-type"])) {
        open_event(document, &event_source, &detail_type, depth, messages);
        return;
    }
    let sns_type = text(document, &["Type"]).filter(|_| pick(document, &["Message"]).is_some());
    let control = ["SubscriptionConfirmation", "UnsubscribeConfirmation"]
        .into_iter()
        .find(|kind| sns_type.as_deref() == Some(kind));
    if let Some(kind) = control {
        messages.push(Err(ConfigItemError::SnsControlMessage { kind }));
    } else if let (Some(_), Some(message)) = (sns_type, pick(document, &["Message"])) {
        open_text(message, "the SNS message", depth, messages);
    } else if let Some(event) = pick(document, &["invokingEvent"]) {
        open_text(event, "the invoking event", depth, messages);
    } else if let Some(Value::Array(list)) = pick(document, &["configurationItems"]) {
        messages.extend(list.iter().map(read_item));
    } else if is_notification(document) {
        read_notification(document, messages);
    } else if pick(document, &["resourceType"]).is_some() {
        messages.push(read_item(document));
    } else {
        messages.push(Err(ConfigItemError::NotAConfigDocument { found: json_type(document) }));
    }
}

fn open_event(
    event: &Value,
    event_source: &str,
    detail_type: &str,
    depth: usize,
    messages: &mut Vec<Result<ConfigMessage, ConfigItemError>>,
) {
    if event_source != "aws.config" {
        messages.push(Err(ConfigItemError::ForeignEvent { event_source: quoted(event_source) }));
        return;
    }
    match pick(event, &["detail"]) {
        Some(detail) if is_notification(detail) => {
            let before = messages.len();
            open(detail, depth + 1, messages);
            for message in messages[before..].iter_mut().flatten() {
                if let ConfigMessage::Delivery(delivery) = message {
                    delivery.came_from(text(event, &["account"]), text(event, &["region"]));
                }
            }
        }
        // CloudTrail's word on calls of Config's API has the same source.
        Some(_) if !detail_type.starts_with("Config Configuration Item") => {
            messages.push(Ok(ConfigMessage::Ignored { message_type: quoted(detail_type) }));
        }
        Some(_) => messages.push(Err(ConfigItemError::Missing { what: "detail of the event", field: "messageType" })),
        None => messages.push(Err(ConfigItemError::Missing { what: "event", field: "detail" })),
    }
}

/// Opens a document that came as a JSON string; documentation prints some of them as objects.
fn open_text(
    value: &Value,
    what: &'static str,
    depth: usize,
    messages: &mut Vec<Result<ConfigMessage, ConfigItemError>>,
) {
    match value {
        Value::String(text) => match serde_json::from_str(text) {
            Ok(inner) => open(&inner, depth + 1, messages),
            Err(source) => messages.push(Err(ConfigItemError::MalformedJson { what, source })),
        },
        other => open(other, depth + 1, messages),
    }
}

fn is_notification(value: &Value) -> bool {
    ["messageType", "configurationItem", "configurationItemSummary"].iter().any(|field| pick(value, &[field]).is_some())
}

fn read_notification(notification: &Value, messages: &mut Vec<Result<ConfigMessage, ConfigItemError>>) {
    let is_summary = pick(notification, &["configurationItemSummary"]).is_some();
    let implied = if is_summary { OVERSIZED_CHANGE } else { ITEM_CHANGE };
    let message_type = text(notification, &["messageType"]).unwrap_or_else(|| implied.to_owned());
    match message_type.as_str() {
        ITEM_CHANGE => match pick(notification, &["configurationItem"]) {
            // SNS in 2014.
            Some(Value::Array(list)) => messages.extend(list.iter().map(read_item)),
            Some(item) => messages.push(read_item(item)),
            None => messages.push(Err(ConfigItemError::Missing { what: "notification", field: "configurationItem" })),
        },
        OVERSIZED_CHANGE => messages.push(read_oversized(notification)),
        COMPLIANCE_CHANGE => {
            messages.push(Compliance::read(notification).map(|read| ConfigMessage::Compliance(Box::new(read))));
        }
        other => messages.push(match FileDelivery::read(other, notification) {
            Some(delivery) => delivery.map(ConfigMessage::Delivery),
            None => Ok(ConfigMessage::Ignored { message_type: quoted(other) }),
        }),
    }
}

fn read_item(item: &Value) -> Result<ConfigMessage, ConfigItemError> {
    Ok(ConfigMessage::Item(Box::new(ConfigurationItem::read(item)?)))
}

fn read_oversized(notification: &Value) -> Result<ConfigMessage, ConfigItemError> {
    let no_summary = ConfigItemError::Missing { what: "notification", field: "configurationItemSummary" };
    let summary = pick(notification, &["configurationItemSummary"]).ok_or(no_summary)?;
    let delivery = pick(notification, &["s3DeliverySummary"]).unwrap_or(&Value::Null);
    let location = text(delivery, &["s3BucketLocation"]);
    let location = location.as_deref().and_then(|location| location.split_once('/'));
    let problem = [text(delivery, &["errorCode"]), text(delivery, &["errorMessage"])];
    let problem: Vec<String> = problem.into_iter().flatten().collect();
    Ok(ConfigMessage::Oversized(Box::new(Oversized {
        item: ConfigurationItem::read(summary)?,
        location: location.map(|(bucket, key)| S3Location { bucket: bucket.to_owned(), key: key.to_owned() }),
        delivery_error: (!problem.is_empty()).then(|| quoted(&problem.join(": "))),
    })))
}

pub(crate) fn json_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
