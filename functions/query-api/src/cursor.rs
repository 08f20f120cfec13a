//! The `cursor` of a by-query answer: base64 of JSON that carries the whole query and a place in its rows.
//!
//! Backstage's client reads cursors, and goes on by POST if one has a key `query`; ours has none, so it stays with GET.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use catalog_search::{Position, Query};
use delivery::api::ApiError;
use serde::{Deserialize, Serialize};

/// A cursor holds a filter, and a filter came in a URL: API Gateway takes no longer ones.
const MAX_CURSOR_BYTES: usize = 64 * 1024;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Cursor {
    #[serde(flatten)]
    pub(crate) asked: Query,
    /// The row that the page begins behind, or ends before.
    pub(crate) position: Position,
    #[serde(default)]
    pub(crate) is_previous: bool,
    /// The first row of the first page.
    pub(crate) first: Position,
    pub(crate) total_items: usize,
}

impl Cursor {
    pub(crate) fn encode(&self) -> String {
        let json = serde_json::to_vec(self).expect("texts and numbers always serialise");
        BASE64.encode(json)
    }

    /// # Errors
    /// 400 for what is no cursor of ours.
    pub(crate) fn decode(text: &str) -> Result<Self, ApiError> {
        let malformed = |reason: String| ApiError::input(format!("Malformed cursor: {reason}"));
        if text.len() > MAX_CURSOR_BYTES {
            return Err(malformed(format!("it has more than {MAX_CURSOR_BYTES} bytes")));
        }
        let json = BASE64.decode(text).map_err(|_| malformed("it is not base64".to_owned()))?;
        let cursor: Self = serde_json::from_slice(&json).map_err(|error| malformed(error.to_string()))?;
        if !cursor.asked.filter.is_within_limits() {
            return Err(malformed("its filter has too many statements".to_owned()));
        }
        Ok(cursor)
    }
}

#[cfg(test)]
mod tests {
    use catalog_search::{Filter, Order};

    use super::*;

    #[test]
    fn a_cursor_reads_back_and_what_is_none_is_refused() {
        let position = Position { value: "ä".into(), uid: "u".into() };
        let cursor = Cursor {
            asked: Query {
                filter: Filter::parse(["kind=a,b", "c=d"]).unwrap(),
                order: Some(Order { field: "metadata.name".into(), descending: true }),
                text: None,
            },
            position: position.clone(),
            is_previous: true,
            first: position,
            total_items: 7,
        };
        assert_eq!(Cursor::decode(&cursor.encode()).unwrap(), cursor);
        assert_eq!(Cursor::decode(cursor.encode().trim_end_matches('=')).unwrap(), cursor);
        for text in ["abc", "%%%", "bnVsbA==", "e30=", &"A".repeat(MAX_CURSOR_BYTES + 1)] {
            let error = Cursor::decode(text).unwrap_err();
            assert!(error.message.starts_with("Malformed cursor: "), "{error}");
            assert_eq!(error.status, 400);
        }
    }
}
