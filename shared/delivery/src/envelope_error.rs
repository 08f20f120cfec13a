//! Why an envelope could not be opened.

use crate::{Class, Classify};

/// A message whose envelope does not have the shape that AWS documents.
///
/// All of these are [`Class::DeadLetter`]: an envelope does not mend itself. The texts name fields and
/// positions, never the content of a body.
#[derive(Debug, thiserror::Error)]
pub enum EnvelopeError {
    /// The text is not JSON.
    #[error("{what} is not valid JSON")]
    MalformedJson {
        /// Which layer, such as `the SNS message`.
        what: &'static str,
        /// The syntax error with its line and column.
        source: serde_json::Error,
    },
    /// The JSON is an array, a string, a number or null.
    #[error("{what} is {found}, not a JSON object")]
    NotAnObject {
        /// Which layer.
        what: &'static str,
        /// The JSON type that was found instead.
        found: &'static str,
    },
    /// A field that AWS always sends is not there.
    #[error("{what} has no field `{field}`")]
    MissingField {
        /// Which layer.
        what: &'static str,
        /// Dotted path of the field.
        field: &'static str,
    },
    /// A field is there and cannot be used.
    #[error("field `{field}` of {what} is not {expected}")]
    InvalidField {
        /// Which layer.
        what: &'static str,
        /// Dotted path of the field.
        field: &'static str,
        /// What would have been accepted.
        expected: &'static str,
    },
    /// A record does not deserialise as the type that AWS documents.
    #[error("record {index} of {what} does not have the documented shape")]
    InvalidRecord {
        /// Which layer.
        what: &'static str,
        /// Position in `Records`, from 0.
        index: usize,
        /// The first mismatch.
        source: serde_json::Error,
    },
    /// An SNS control message instead of a notification.
    #[error("the SNS message is a `{kind}`, not a notification: confirm or remove the subscription of this queue")]
    SnsControlMessage {
        /// The `Type` of the message.
        kind: &'static str,
    },
    /// A well-formed message from a service that this queue is not for.
    #[error("expected an S3 notification, found {found}: check what is subscribed to this queue")]
    NotAnS3Notification {
        /// What the message seems to be.
        found: &'static str,
    },
}

impl Classify for EnvelopeError {
    fn class(&self) -> Class {
        Class::DeadLetter
    }

    fn code(&self) -> &'static str {
        match self {
            Self::MalformedJson { .. } => "malformed-json",
            Self::NotAnObject { .. } => "not-an-object",
            Self::MissingField { .. } => "missing-field",
            Self::InvalidField { .. } => "invalid-field",
            Self::InvalidRecord { .. } => "invalid-record",
            Self::SnsControlMessage { .. } => "sns-control-message",
            Self::NotAnS3Notification { .. } => "not-an-s3-notification",
        }
    }
}

/// The JSON object in `text`.
pub(crate) fn parse_object(
    what: &'static str,
    text: &str,
) -> Result<serde_json::Map<String, serde_json::Value>, EnvelopeError> {
    use serde_json::Value;
    let found = match serde_json::from_str(text).map_err(|source| EnvelopeError::MalformedJson { what, source })? {
        Value::Object(object) => return Ok(object),
        Value::Array(_) => "an array",
        Value::String(_) => "a string",
        Value::Number(_) => "a number",
        Value::Bool(_) => "a boolean",
        Value::Null => "null",
    };
    Err(EnvelopeError::NotAnObject { what, found })
}
