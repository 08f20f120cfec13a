//! An error -> what to do with the message that caused it.

use std::error::Error;

/// Longest error text that is kept with a dead letter, in characters.
/// A record of failures is for people: what does not fit on a screen is in the log.
const MAX_DETAIL_CHARS: usize = 500;

/// Whether trying again can help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// The world was in the way (throttling, a network, a conflict): the same message may pass later.
    Retry,
    /// The message itself is at fault: it fails in the same way every time until somebody changes it.
    DeadLetter,
}

impl Class {
    /// The class in kebab case, for logs and stored failures.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::DeadLetter => "dead-letter",
        }
    }
}

/// Implemented by every error that can end the handling of a message.
pub trait Classify: Error {
    /// Whether trying again can help.
    fn class(&self) -> Class;

    /// A stable reason in kebab case, such as `malformed-json`. It is a key in dashboards and in
    /// stored dead letters: it never contains data of the message.
    fn code(&self) -> &'static str;
}

/// The text of an error and of everything that caused it, joined by `: `, at most 500 characters.
///
/// An error of `serde_json` quotes the value that did not fit, which may be a secret: it is told without it.
#[must_use]
pub fn describe(error: &(dyn Error + 'static)) -> String {
    let mut text = told(error);
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&told(inner));
        cause = inner.source();
    }
    truncated(text)
}

fn told(error: &(dyn Error + 'static)) -> String {
    match error.downcast_ref::<serde_json::Error>() {
        Some(error) if error.is_data() => without_the_value(&error.to_string()),
        _ => error.to_string(),
    }
}

/// `invalid type: string "hunter2", expected u64 at line 1 column 9` -> `invalid type, expected u64 at line 1 column 9`.
fn without_the_value(text: &str) -> String {
    if ["missing field ", "duplicate field "].iter().any(|start| text.starts_with(start)) {
        return text.to_owned();
    }
    let kinds = ["invalid type", "invalid value", "invalid length", "unknown variant", "unknown field"];
    let kind = kinds.into_iter().find(|kind| text.starts_with(kind)).unwrap_or("a value that does not fit");
    // The last one: what comes before may be quoted data.
    let expected = text.rfind(", expected ").map_or("", |at| &text[at..]);
    format!("{kind}{expected}")
}

fn truncated(text: String) -> String {
    // Counting characters twice is cheap here and never cuts one in half.
    if text.chars().count() <= MAX_DETAIL_CHARS {
        return text;
    }
    text.chars().take(MAX_DETAIL_CHARS - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{text}")]
    struct Layer {
        text: String,
        source: Option<Box<Layer>>,
    }

    fn layer(text: &str, source: Option<Layer>) -> Layer {
        Layer { text: text.to_owned(), source: source.map(Box::new) }
    }

    #[test]
    fn the_detail_names_every_cause_in_order() {
        let error = layer("could not apply", Some(layer("could not write", Some(layer("throttled", None)))));
        assert_eq!(describe(&error), "could not apply: could not write: throttled");
    }

    #[test]
    fn the_value_that_did_not_fit_is_never_told() {
        #[derive(Debug, serde::Deserialize)]
        enum Kind {
            #[serde(rename = "known")]
            Known,
        }
        let number = serde_json::from_str::<u64>(r#""hunter2, expected much""#).unwrap_err();
        assert_eq!(describe(&number), "invalid type, expected u64 at line 1 column 24");
        let variant = serde_json::from_str::<Kind>(r#""hunter2""#).unwrap_err();
        assert_eq!(describe(&variant), "unknown variant, expected `known` at line 1 column 9");
        let own_words: serde_json::Error = serde::de::Error::custom("cannot use hunter2");
        assert_eq!(describe(&own_words), "a value that does not fit");
        let syntax = serde_json::from_str::<serde_json::Value>("{").unwrap_err();
        assert_eq!(describe(&syntax), "EOF while parsing an object at line 1 column 1");
        assert!(matches!(serde_json::from_str(r#""known""#), Ok(Kind::Known)));
    }

    #[test]
    fn a_long_detail_is_cut_at_a_character_and_says_so() {
        let detail = describe(&layer(&"ä".repeat(600), None));
        assert_eq!(detail.chars().count(), 500);
        assert!(detail.ends_with("ä…"));
    }

    #[test]
    fn a_detail_of_exactly_the_limit_is_whole() {
        let text = "x".repeat(500);
        assert_eq!(describe(&layer(&text, None)), text);
    }
}
