//! Why a document or an item is refused.

use catalog_model::VersionError;

/// Longest piece of a document that an error quotes, in characters.
const MAX_QUOTED_CHARS: usize = 80;

#[derive(Debug, thiserror::Error)]
pub enum ConfigItemError {
    #[error("{what} is not valid JSON")]
    MalformedJson { what: &'static str, source: serde_json::Error },
    #[error(
        "found {found} where a document of AWS Config was expected: an event, a notification, a configuration item, \
         or a list of items"
    )]
    NotAConfigDocument { found: &'static str },
    #[error("envelopes are nested more than {max} deep")]
    TooDeep { max: usize },
    #[error("the event is of source `{event_source}`, not of `aws.config`: check the rule that sends it here")]
    ForeignEvent { event_source: String },
    #[error("the SNS message is a `{kind}`, not a notification: confirm or remove the subscription of this queue")]
    SnsControlMessage { kind: &'static str },
    #[error("the {what} has no `{field}`")]
    Missing { what: &'static str, field: &'static str },
    #[error("`{field}` of the {what} is `{found}`, not {expected}")]
    Invalid { what: &'static str, field: &'static str, found: String, expected: &'static str },
    #[error("`{field}` of the configuration item has {bytes} bytes, and at most {max} are taken")]
    TooLong { field: &'static str, bytes: usize, max: usize },
    #[error("the capture time of the configuration item cannot be its version")]
    Version { source: VersionError },
}

impl ConfigItemError {
    /// A stable reason in kebab case, without any data of the document.
    pub fn code(&self) -> &'static str {
        match self {
            Self::MalformedJson { .. } => "malformed-json",
            Self::NotAConfigDocument { .. } => "not-a-config-document",
            Self::TooDeep { .. } => "too-deep",
            Self::ForeignEvent { .. } => "foreign-event",
            Self::SnsControlMessage { .. } => "sns-control-message",
            Self::Missing { .. } => "missing-field",
            Self::Invalid { .. } => "invalid-field",
            Self::TooLong { .. } => "too-long",
            Self::Version { .. } => "version-in-the-future",
        }
    }
}

/// What an error may show of a document.
pub(crate) fn quoted(text: &str) -> String {
    if text.chars().count() <= MAX_QUOTED_CHARS {
        return text.to_owned();
    }
    text.chars().take(MAX_QUOTED_CHARS - 1).chain(['…']).collect()
}
