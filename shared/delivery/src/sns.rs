//! An SQS body -> the message inside, whether or not it came through an SNS topic.
//! <https://docs.aws.amazon.com/sns/latest/dg/sns-sqs-as-subscriber.html>

use std::borrow::Cow;

use serde_json::Value;

use crate::EnvelopeError;
use crate::envelope_error::parse_object;

const SNS: &str = "the SNS message";

/// The published message, out of its SNS envelope.
///
/// A body without an envelope (the queue is no subscriber, or the subscription has raw message
/// delivery) comes back as it is, even if it is no JSON: what it must be is the next layer's business.
///
/// # Errors
/// An envelope without a `Message`, with a `Message` that is no string, or a subscription confirmation.
pub fn unwrap(body: &str) -> Result<Cow<'_, str>, EnvelopeError> {
    let Ok(envelope) = parse_object(SNS, body) else {
        return Ok(Cow::Borrowed(body));
    };
    // Both are in every envelope and nowhere else. FIFO topics send neither signature nor certificate.
    let (Some(kind), true) = (envelope.get("Type").and_then(Value::as_str), envelope.contains_key("TopicArn")) else {
        return Ok(Cow::Borrowed(body));
    };
    match kind {
        "Notification" => {}
        "SubscriptionConfirmation" => {
            return Err(EnvelopeError::SnsControlMessage { kind: "SubscriptionConfirmation" });
        }
        "UnsubscribeConfirmation" => {
            return Err(EnvelopeError::SnsControlMessage { kind: "UnsubscribeConfirmation" });
        }
        _ => {
            return Err(EnvelopeError::InvalidField { what: SNS, field: "Type", expected: "`Notification`" });
        }
    }
    match envelope.get("Message") {
        Some(Value::String(message)) => Ok(Cow::Owned(message.clone())),
        // Some documentation prints the message as an object; what SNS sends is always a string.
        Some(_) => Err(EnvelopeError::InvalidField { what: SNS, field: "Message", expected: "a string" }),
        None => Err(EnvelopeError::MissingField { what: SNS, field: "Message" }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Classify;

    #[test]
    fn an_envelope_is_opened_and_anything_else_is_left_alone() {
        let enveloped =
            r#"{"Type":"Notification","TopicArn":"arn:aws:sns:eu-west-1:111122223333:t","Message":"{\"a\":1}"}"#;
        let cases = [
            (enveloped, r#"{"a":1}"#),
            (r#"{"a":1}"#, r#"{"a":1}"#),
            (r#"{"Type":"Notification","Message":"no topic: somebody's own document"}"#, ""),
            ("plain text", "plain text"),
            ("", ""),
        ];
        for (body, expected) in cases {
            let expected = if expected.is_empty() { body } else { expected };
            assert_eq!(unwrap(body).unwrap(), expected);
        }
    }

    #[test]
    fn a_broken_envelope_says_what_is_wrong() {
        let topic = r#""TopicArn":"arn:aws:sns:eu-west-1:111122223333:t""#;
        let cases = [
            (r#""Type":"Notification""#, "missing-field", "the SNS message has no field `Message`"),
            (
                r#""Type":"Notification","Message":{}"#,
                "invalid-field",
                "field `Message` of the SNS message is not a string",
            ),
            (
                r#""Type":"Other","Message":"x""#,
                "invalid-field",
                "field `Type` of the SNS message is not `Notification`",
            ),
            (
                r#""Type":"SubscriptionConfirmation","Message":"x""#,
                "sns-control-message",
                "the SNS message is a `SubscriptionConfirmation`, not a notification: confirm or remove the subscription of this queue",
            ),
        ];
        for (fields, code, text) in cases {
            let error = unwrap(&format!("{{{topic},{fields}}}")).unwrap_err();
            assert_eq!((error.code(), error.to_string().as_str()), (code, text));
        }
    }
}
