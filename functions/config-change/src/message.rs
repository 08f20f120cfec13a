//! The body of a message -> what each document in it says, or that a bucket tells of its objects. Pure.

use catalog_store::IngestLag;
use config_item::{
    Compliance, ConfigItemError, ConfigMessage, ConfigurationItem, FileDelivery, Oversized, RuleResult, Statements,
    Subject, TypeFilter, parse,
};
use serde_json::Value;

use crate::{ConfigChangeError, lag};

/// Longest id of a delivery that is kept with a fragment. EventBridge's and SNS's have 36 characters.
const MAX_DELIVERY_CHARS: usize = 128;

/// What a message is about.
#[derive(Debug)]
pub(crate) enum Body {
    Documents(Reading),
    /// A bucket tells of its objects.
    Objects,
}

/// What a message says.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    /// One for each document that could be read.
    pub(crate) parsed: Vec<Told>,
    /// Messages of a type that nothing is made of: they count as no documents.
    pub(crate) ignored: u64,
    /// Items of types that the setting leaves out: no documents either.
    pub(crate) left_out: u64,
    pub(crate) refused: u64,
    pub(crate) first_refusal: Option<ConfigItemError>,
    /// The latest capture time, ms.
    pub(crate) last_event_ms: u64,
    /// How long the item of the message was on its way, if it is about one.
    pub(crate) lag: Option<IngestLag>,
}

/// What one document says.
#[derive(Debug)]
pub(crate) enum Told {
    Item(ItemWords),
    Oversized { notice: Box<Oversized>, mark: ItemWords },
    Rule { compliance: Box<Compliance>, result: RuleResult, delivery: String },
    Delivery(FileDelivery),
}

/// The words of one item, and what they are kept with.
#[derive(Debug)]
pub(crate) struct ItemWords {
    pub(crate) statements: Statements,
    pub(crate) partition: String,
    pub(crate) account: String,
    /// Under which rules speak of the resource, if that is no ARN.
    pub(crate) subject: Option<Subject>,
    pub(crate) delivery: String,
}

impl ItemWords {
    /// # Errors
    /// Fails on a capture time more than five minutes ahead of `now_ms`.
    pub(crate) fn of(item: &ConfigurationItem, delivery: &str, now_ms: u64) -> Result<Self, ConfigItemError> {
        Ok(Self::with(item, item.statements(delivery, now_ms)?, delivery))
    }

    fn with(item: &ConfigurationItem, statements: Statements, delivery: &str) -> Self {
        Self {
            statements,
            partition: item.partition.clone(),
            account: item.subject_account(),
            subject: item.subject().filter(|subject| matches!(subject, Subject::Claimed(_))),
            delivery: delivery.to_owned(),
        }
    }

    /// The latest capture time, ms.
    pub(crate) fn captured_ms(&self) -> u64 {
        let captured = self.statements.fragments.iter().map(|(_, fragment)| fragment.version.major());
        captured.max().unwrap_or_default()
    }
}

impl Reading {
    pub(crate) fn documents(&self) -> u64 {
        self.parsed.len() as u64 + self.refused
    }
}

/// Reads a body: an EventBridge event, a notification of Config or one of S3, each alone or in an SNS envelope.
///
/// # Errors
/// Only a body that is no JSON is an error as a whole; documents are refused one by one.
pub(crate) fn read(body: &str, message_id: &str, types: &TypeFilter, now_ms: u64) -> Result<Body, ConfigChangeError> {
    let envelope: Value = serde_json::from_str(body).map_err(ConfigChangeError::MalformedJson)?;
    let delivery = delivery_id(&envelope, message_id);
    let published = published_in(&envelope);
    let document = published.as_ref().unwrap_or(&envelope);
    if tells_of_objects(document) {
        return Ok(Body::Objects);
    }
    let mut reading = Reading { lag: lag::of(document, now_ms), ..Reading::default() };
    for outcome in parse(document) {
        match outcome.and_then(|message| told(message, types, &delivery, now_ms)) {
            Ok(Words::Told(told)) => {
                let at_ms = match &told {
                    Told::Item(words) | Told::Oversized { mark: words, .. } => words.captured_ms(),
                    Told::Rule { compliance, .. } => compliance.ordered_ms,
                    Told::Delivery(delivery) => delivery.at_ms,
                };
                reading.last_event_ms = reading.last_event_ms.max(at_ms);
                reading.parsed.push(told);
            }
            Ok(Words::Ignored) => reading.ignored += 1,
            Ok(Words::LeftOut) => reading.left_out += 1,
            Err(refusal) => {
                reading.refused += 1;
                reading.first_refusal.get_or_insert(refusal);
            }
        }
    }
    Ok(Body::Documents(reading))
}

enum Words {
    Told(Told),
    Ignored,
    LeftOut,
}

fn told(message: ConfigMessage, types: &TypeFilter, delivery: &str, now_ms: u64) -> Result<Words, ConfigItemError> {
    let resource_type = match &message {
        ConfigMessage::Item(item) => Some(item.resource_type.as_str()),
        ConfigMessage::Oversized(oversized) => Some(oversized.item.resource_type.as_str()),
        ConfigMessage::Compliance(compliance) => Some(compliance.resource_type.as_str()),
        ConfigMessage::Delivery(_) | ConfigMessage::Ignored { .. } => None,
    };
    if resource_type.is_some_and(|resource_type| !types.takes(resource_type)) {
        return Ok(Words::LeftOut);
    }
    let statements = message.statements(delivery, now_ms)?;
    Ok(Words::Told(match message {
        ConfigMessage::Item(item) => Told::Item(ItemWords::with(&item, statements, delivery)),
        ConfigMessage::Oversized(notice) => {
            Told::Oversized { mark: ItemWords::with(&notice.item, statements, delivery), notice }
        }
        ConfigMessage::Compliance(compliance) => {
            Told::Rule { result: compliance.result(now_ms)?, compliance, delivery: delivery.to_owned() }
        }
        ConfigMessage::Delivery(delivery) => Told::Delivery(delivery),
        ConfigMessage::Ignored { .. } => return Ok(Words::Ignored),
    }))
}

/// What was published, if the document is an envelope of SNS around JSON.
fn published_in(document: &Value) -> Option<Value> {
    let message = document["Message"].as_str().filter(|_| document["Type"] == "Notification")?;
    serde_json::from_str(message).ok()
}

/// A notification of S3, its test event, or the same by EventBridge.
fn tells_of_objects(document: &Value) -> bool {
    document["Records"][0]["eventSource"] == "aws:s3"
        || document["Event"] == "s3:TestEvent"
        || document["source"] == "aws.s3"
}

/// The id that stays the same when AWS delivers the same once more: of the event, else of the notification, else of
/// the message.
fn delivery_id(document: &Value, message_id: &str) -> String {
    let of_event = document.get("detail-type").and_then(|_| document["id"].as_str());
    let of_notification = document.get("Message").and_then(|_| document["MessageId"].as_str());
    let id = of_event.or(of_notification).filter(|id| !id.is_empty()).unwrap_or(message_id);
    id.chars().take(MAX_DELIVERY_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW_MS: u64 = 1_800_000_000_000;

    fn documents(body: &Value) -> Reading {
        match read(&body.to_string(), "message-1", &TypeFilter::default(), NOW_MS).unwrap() {
            Body::Documents(reading) => reading,
            Body::Objects => panic!("it tells of objects"),
        }
    }

    fn notification() -> Value {
        json!({
            "messageType": "ConfigurationItemChangeNotification",
            "configurationItem": {
                "configurationItemCaptureTime": "2026-11-20T10:00:00.000Z", "configurationStateId": 1,
                "awsAccountId": "111122223333", "configurationItemStatus": "OK", "resourceType": "AWS::SQS::Queue",
                "resourceId": "https://sqs.eu-west-1.amazonaws.com/111122223333/jobs", "resourceName": "jobs",
                "ARN": "arn:aws:sqs:eu-west-1:111122223333:jobs", "awsRegion": "eu-west-1", "configuration": {}
            }
        })
    }

    fn event() -> Value {
        json!({"id": "event-1", "source": "aws.config", "detail-type": "Config Configuration Item Change", "detail": notification()})
    }

    fn in_sns(message: &Value) -> Value {
        json!({"Type": "Notification", "MessageId": "sns-1", "TopicArn": "arn:aws:sns:eu-west-1:111122223333:t", "Message": message.to_string()})
    }

    #[test]
    fn a_fragment_names_the_delivery_that_repeats_with_it() {
        for (body, delivery) in [
            (event(), "event-1"),
            (in_sns(&event()), "sns-1"),
            (in_sns(&notification()), "sns-1"),
            (notification(), "message-1"),
        ] {
            let reading = documents(&body);
            let [Told::Item(words)] = reading.parsed.as_slice() else { panic!("{reading:?}") };
            let (key, fragment) = &words.statements.fragments[0];
            assert_eq!(key.to_string(), "e#arn:aws:sqs:eu-west-1:111122223333:jobs");
            assert_eq!(fragment.delivery, delivery);
            assert_eq!(reading.last_event_ms, 1_795_168_800_000);
        }
    }

    #[test]
    fn each_document_is_read_ignored_or_refused() {
        let started = json!({"messageType": "ConfigRulesEvaluationStarted"});
        let reading = documents(&json!([event(), started, {"x": 1}, {"resourceType": 7}]));
        assert_eq!((reading.documents(), reading.parsed.len(), reading.ignored, reading.refused), (3, 1, 1, 2));
        assert_eq!(reading.first_refusal.unwrap().code(), "not-a-config-document");
    }

    #[test]
    fn a_body_that_is_no_json_is_refused_without_a_word_of_it() {
        let error = read("{\"password\": hunter2", "message-1", &TypeFilter::default(), NOW_MS).unwrap_err();
        let told = delivery::describe(&error);
        assert!(told.starts_with("the message is not valid JSON: expected value at line 1"), "{told}");
        assert!(!told.contains("hunter2"));
    }

    #[test]
    fn items_of_noisy_types_are_left_out_and_no_documents() {
        let mut interface = notification();
        interface["configurationItem"]["resourceType"] = json!("AWS::EC2::NetworkInterface");
        let reading = documents(&json!([interface, notification()]));
        assert_eq!((reading.documents(), reading.left_out), (1, 1));
    }

    #[test]
    fn what_a_bucket_tells_is_told_apart_whatever_it_comes_in() {
        let record = json!({"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put"}]});
        let by_event = json!({"source": "aws.s3", "detail-type": "Object Created", "detail": {}});
        for body in [record.clone(), in_sns(&record), by_event, json!({"Event": "s3:TestEvent"})] {
            let read = read(&body.to_string(), "message-1", &TypeFilter::default(), NOW_MS).unwrap();
            assert!(matches!(read, Body::Objects), "{body}");
        }
        assert_eq!(documents(&in_sns(&event())).documents(), 1);
    }
}
