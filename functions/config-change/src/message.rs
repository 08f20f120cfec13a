//! The body of a message -> what each document in it says. Pure: the handler writes it.

use config_item::{ConfigItemError, ConfigMessage, Statements, parse};
use serde_json::Value;

use crate::ConfigChangeError;

/// Longest id of a delivery that is kept with a fragment. EventBridge's and SNS's have 36 characters.
const MAX_DELIVERY_CHARS: usize = 128;

/// What a message says.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    /// One for each document that could be read, empty for those that say nothing of a record.
    pub(crate) parsed: Vec<Statements>,
    /// Messages of a type that no record is made of: they count as no documents.
    pub(crate) ignored: u64,
    pub(crate) refused: u64,
    pub(crate) first_refusal: Option<ConfigItemError>,
    /// The latest capture time, ms.
    pub(crate) last_event_ms: u64,
}

impl Reading {
    pub(crate) fn documents(&self) -> u64 {
        self.parsed.len() as u64 + self.refused
    }
}

/// Reads a body: an EventBridge event or a notification of Config, each alone or in an SNS envelope.
///
/// # Errors
/// Only a body that is no JSON is an error as a whole; documents are refused one by one.
pub(crate) fn read(body: &str, message_id: &str, now_ms: u64) -> Result<Reading, ConfigChangeError> {
    let document: Value = serde_json::from_str(body).map_err(ConfigChangeError::MalformedJson)?;
    let delivery = delivery_id(&document, message_id);
    let mut reading = Reading::default();
    for outcome in parse(&document) {
        let statements = outcome.and_then(|message| {
            let statements = message.statements(&delivery, now_ms)?;
            Ok((matches!(message, ConfigMessage::Ignored { .. }), statements))
        });
        match statements {
            Ok((true, _)) => reading.ignored += 1,
            Ok((false, statements)) => {
                let captured = statements.fragments.iter().map(|(_, fragment)| fragment.version.major());
                reading.last_event_ms = captured.max().unwrap_or_default().max(reading.last_event_ms);
                reading.parsed.push(statements);
            }
            Err(refusal) => {
                reading.refused += 1;
                reading.first_refusal.get_or_insert(refusal);
            }
        }
    }
    Ok(reading)
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
            let reading = read(&body.to_string(), "message-1", NOW_MS).unwrap();
            let [statements] = reading.parsed.as_slice() else { panic!("{reading:?}") };
            let (key, fragment) = &statements.fragments[0];
            assert_eq!(key.to_string(), "e#arn:aws:sqs:eu-west-1:111122223333:jobs");
            assert_eq!(fragment.delivery, delivery);
            assert_eq!(reading.last_event_ms, 1_795_168_800_000);
        }
    }

    #[test]
    fn each_document_is_read_ignored_or_refused() {
        let body = json!([event(), {"messageType": "ComplianceChangeNotification"}, {"x": 1}, {"resourceType": 7}]);
        let reading = read(&body.to_string(), "message-1", NOW_MS).unwrap();
        assert_eq!((reading.documents(), reading.parsed.len(), reading.ignored, reading.refused), (3, 1, 1, 2));
        assert_eq!(reading.first_refusal.unwrap().code(), "not-a-config-document");
    }

    #[test]
    fn a_body_that_is_no_json_is_refused_without_a_word_of_it() {
        let error = read("{\"password\": hunter2", "message-1", NOW_MS).unwrap_err();
        let told = delivery::describe(&error);
        assert!(told.starts_with("the message is not valid JSON: expected value at line 1"), "{told}");
        assert!(!told.contains("hunter2"));
    }
}
