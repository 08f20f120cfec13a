//! An SQS body -> an EventBridge event, also when it came through an SNS topic.
//! <https://docs.aws.amazon.com/eventbridge/latest/ref/overiew-event-structure.html>

use aws_lambda_events::eventbridge::EventBridgeEvent;
use serde_json::{Map, Value};

use crate::envelope_error::parse_object;
use crate::{EnvelopeError, sns};

const EVENT: &str = "the EventBridge event";

/// The event in `body`, with its `detail` untouched.
///
/// # Errors
/// Names the first field that is missing or unusable. `source`, `detail-type` and an object `detail`
/// are required; the rest may be absent.
pub fn parse(body: &str) -> Result<EventBridgeEvent<Value>, EnvelopeError> {
    from_object(parse_object(EVENT, &sns::unwrap(body)?)?)
}

pub(crate) fn from_object(mut object: Map<String, Value>) -> Result<EventBridgeEvent<Value>, EnvelopeError> {
    for field in ["source", "detail-type"] {
        match object.get(field) {
            Some(Value::String(text)) if !text.is_empty() => {}
            Some(_) => return Err(EnvelopeError::InvalidField { what: EVENT, field, expected: "a text" }),
            None => return Err(EnvelopeError::MissingField { what: EVENT, field }),
        }
    }
    // Taken out first, so that an error about another field can never quote it.
    let detail = match object.insert("detail".to_owned(), Value::Null) {
        Some(detail @ Value::Object(_)) => detail,
        Some(_) => return Err(EnvelopeError::InvalidField { what: EVENT, field: "detail", expected: "an object" }),
        None => return Err(EnvelopeError::MissingField { what: EVENT, field: "detail" }),
    };
    for (field, expected, usable) in [
        ("time", "a time such as 2026-11-20T10:00:00Z", usable_time(object.get("time"))),
        ("resources", "a list of texts", usable_resources(object.get("resources"))),
    ] {
        if !usable {
            return Err(EnvelopeError::InvalidField { what: EVENT, field, expected });
        }
    }
    let mut event: EventBridgeEvent<Value> = serde_json::from_value(Value::Object(object))
        .map_err(|source| EnvelopeError::InvalidRecord { what: EVENT, index: 0, source })?;
    event.detail = detail;
    Ok(event)
}

fn usable_time(time: Option<&Value>) -> bool {
    match time {
        None | Some(Value::Null) => true,
        Some(Value::String(text)) => text.parse::<jiff::Timestamp>().is_ok(),
        Some(_) => false,
    }
}

fn usable_resources(resources: Option<&Value>) -> bool {
    match resources {
        None | Some(Value::Null) => true,
        Some(Value::Array(resources)) => resources.iter().all(Value::is_string),
        Some(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Classify;

    #[test]
    fn an_event_is_read_directly_and_out_of_an_sns_envelope() {
        let event = json!({
            "version": "0", "id": "1", "source": "aws.config", "detail-type": "Config Configuration Item Change",
            "account": "111122223333", "time": "2026-11-20T10:00:00Z", "region": "eu-west-1", "resources": [],
            "detail": {"messageType": "ConfigurationItemChangeNotification"}
        });
        let envelope = json!({
            "Type": "Notification", "TopicArn": "arn:aws:sns:eu-west-1:111122223333:t", "Message": event.to_string()
        });
        for body in [event.to_string(), envelope.to_string()] {
            let parsed = parse(&body).unwrap();
            assert_eq!(parsed.source, "aws.config");
            assert_eq!(parsed.detail_type, "Config Configuration Item Change");
            assert_eq!(parsed.account.as_deref(), Some("111122223333"));
            assert_eq!(parsed.detail, event["detail"]);
        }
    }

    #[test]
    fn an_unusable_event_says_which_field_is_to_blame() {
        let cases = [
            ("{", "malformed-json", "the EventBridge event is not valid JSON"),
            ("[]", "not-an-object", "the EventBridge event is an array, not a JSON object"),
            (r#"{"detail-type":"x","detail":{}}"#, "missing-field", "the EventBridge event has no field `source`"),
            (r#"{"source":"x","detail":{}}"#, "missing-field", "the EventBridge event has no field `detail-type`"),
            (r#"{"source":"x","detail-type":"y"}"#, "missing-field", "the EventBridge event has no field `detail`"),
            (
                r#"{"source":"x","detail-type":"y","detail":"secret"}"#,
                "invalid-field",
                "field `detail` of the EventBridge event is not an object",
            ),
            (
                r#"{"source":"","detail-type":"y","detail":{}}"#,
                "invalid-field",
                "field `source` of the EventBridge event is not a text",
            ),
            (
                r#"{"source":"x","detail-type":"y","detail":{},"time":"yesterday"}"#,
                "invalid-field",
                "field `time` of the EventBridge event is not a time such as 2026-11-20T10:00:00Z",
            ),
            (
                r#"{"source":"x","detail-type":"y","detail":{},"account":7}"#,
                "invalid-record",
                "record 0 of the EventBridge event does not have the documented shape",
            ),
        ];
        for (body, code, text) in cases {
            let error = parse(body).unwrap_err();
            assert_eq!((error.code(), error.to_string().as_str()), (code, text), "{body}");
        }
    }
}
