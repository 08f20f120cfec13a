//! The `cursor` of a by-query answer: base64 of JSON that carries the whole query and a place in its rows.
//!
//! The JSON has Backstage's keys, because its client reads cursors: one with a `query` goes on by POST, any other by GET.
//! It ends in a key of our own, the code that shows that the rest was written here.

use std::fmt;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use catalog_search::{Filter, Order, Position, Query, TextFilter};
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

/// A cursor holds a predicate, and a predicate came in a body.
pub const MAX_CURSOR_BYTES: usize = 256 * 1024;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

const CODE_BEGIN: &str = ",\"mac\":\"";
const CODE_END: &str = "\"}";

/// Hexadecimal digits of an HMAC-SHA256.
const CODE_CHARS: usize = 64;

/// What signs cursors. All instances of the function have the same.
#[derive(Clone, PartialEq, Eq)]
pub struct CursorKey(Vec<u8>);

impl CursorKey {
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    fn code(&self, json: &str) -> Hmac<Sha256> {
        let mut code = Hmac::<Sha256>::new_from_slice(&self.0).expect("a key of any length is taken");
        code.update(json.as_bytes());
        code
    }
}

impl fmt::Debug for CursorKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CursorKey(..)")
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CursorError {
    #[error("it has more than {MAX_CURSOR_BYTES} bytes")]
    TooLong,
    #[error("it is not the base64 of a text")]
    Encoding,
    #[error("it was not written by this catalog, or was changed since")]
    Foreign,
    #[error("it cannot be read: {0}")]
    Content(String),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Cursor {
    pub(crate) order_fields: Vec<OrderField>,
    pub(crate) is_previous: bool,
    #[serde(default, skip_serializing_if = "Filter::is_empty")]
    pub(crate) query: Filter,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) full_text_filter: Option<FullText>,
    /// The row that the page begins behind, or ends before: value and uid, or the uid alone without an order. None: the
    /// page begins with the first row.
    pub(crate) order_field_values: Vec<String>,
    /// The first row of the first page.
    pub(crate) first_sort_field_values: Vec<String>,
    pub(crate) total_items: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OrderField {
    pub(crate) field: String,
    pub(crate) order: Direction,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Direction {
    Asc,
    Desc,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FullText {
    pub(crate) term: String,
    /// `None`: the field that orders, else the uid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) fields: Option<Vec<String>>,
}

impl Cursor {
    pub fn encode(&self, key: &CursorKey) -> String {
        let mut json = serde_json::to_string(self).expect("texts and numbers always serialise");
        let code = hex::encode(key.code(&json).finalize().into_bytes());
        json.truncate(json.len() - 1);
        BASE64.encode(format!("{json}{CODE_BEGIN}{code}{CODE_END}"))
    }

    /// # Errors
    /// Fails on all that [`Self::encode`] did not write with this key.
    pub fn decode(text: &str, key: &CursorKey) -> Result<Self, CursorError> {
        if text.len() > MAX_CURSOR_BYTES {
            return Err(CursorError::TooLong);
        }
        let bytes = BASE64.decode(text).map_err(|_| CursorError::Encoding)?;
        let signed = String::from_utf8(bytes).map_err(|_| CursorError::Encoding)?;
        let split = || {
            let rest = signed.strip_suffix(CODE_END)?;
            let (rest, code) = rest.split_at_checked(rest.len().checked_sub(CODE_CHARS)?)?;
            Some((rest.strip_suffix(CODE_BEGIN)?, hex::decode(code).ok()?))
        };
        let (json, code) = split().ok_or(CursorError::Foreign)?;
        let json = format!("{json}}}");
        key.code(&json).verify_slice(&code).map_err(|_| CursorError::Foreign)?;
        serde_json::from_str(&json).map_err(|error| CursorError::Content(error.to_string()))
    }

    /// What is asked on every page.
    pub(crate) fn asked(&self) -> Query {
        // One field orders; further ones are only carried along, as in Backstage.
        let order = self.order_fields.first();
        let sort_key = order.map(|order| order.field.to_lowercase());
        let text = self.full_text_filter.as_ref().map(|text| TextFilter {
            term: text.term.clone(),
            fields: match &text.fields {
                // No field has no name.
                Some(fields) if fields.is_empty() => vec![String::new()],
                Some(fields) => fields.clone(),
                None => sort_key.into_iter().collect(),
            },
        });
        let order = order
            .map(|OrderField { field, order }| Order { field: field.clone(), descending: *order == Direction::Desc });
        Query { filter: self.query.clone(), order, text }
    }

    /// `None`: before the first row.
    pub(crate) fn position(&self) -> Option<Position> {
        match self.order_field_values.as_slice() {
            [uid] => Some(Position { value: uid.clone(), uid: uid.clone() }),
            [value, uid] => Some(Position { value: value.clone(), uid: uid.clone() }),
            _ => None,
        }
    }

    /// A row as the cursor holds it.
    pub(crate) fn values(&self, position: &Position) -> Vec<String> {
        if self.order_fields.is_empty() {
            return vec![position.uid.clone()];
        }
        vec![position.value.clone(), position.uid.clone()]
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn cursor() -> Cursor {
        Cursor {
            order_fields: vec![OrderField { field: "metadata.name".into(), order: Direction::Desc }],
            is_previous: false,
            query: Filter::parse(["kind=component"]).unwrap(),
            full_text_filter: Some(FullText { term: String::new(), fields: None }),
            order_field_values: vec!["ä".into(), "u".into()],
            first_sort_field_values: vec!["ö".into(), "v".into()],
            total_items: 7,
        }
    }

    #[test]
    fn a_cursor_reads_back_and_has_the_keys_that_backstages_client_reads() {
        let key = CursorKey::new("k");
        let text = cursor().encode(&key);
        assert_eq!(Cursor::decode(&text, &key), Ok(cursor()));
        assert_eq!(Cursor::decode(text.trim_end_matches('='), &key), Ok(cursor()));
        let mut json: Value = serde_json::from_slice(&BASE64.decode(&text).unwrap()).unwrap();
        json.as_object_mut().unwrap().remove("mac");
        assert_eq!(
            json,
            json!({
                "orderFields": [{"field": "metadata.name", "order": "desc"}], "isPrevious": false,
                "query": {"kind": "component"}, "fullTextFilter": {"term": ""}, "orderFieldValues": ["ä", "u"],
                "firstSortFieldValues": ["ö", "v"], "totalItems": 7,
            })
        );
        let plain = Cursor { query: Filter::default(), ..cursor() }.encode(&key);
        let plain: Value = serde_json::from_slice(&BASE64.decode(plain).unwrap()).unwrap();
        assert!(plain.get("query").is_none());
    }

    #[test]
    fn what_is_no_cursor_of_ours_is_refused() {
        let key = CursorKey::new("k");
        let text = cursor().encode(&key);
        let foreign = BASE64.encode(serde_json::to_string(&cursor()).unwrap());
        let edited = BASE64.encode(String::from_utf8(BASE64.decode(&text).unwrap()).unwrap().replace(":7", ":8"));
        let longer = BASE64.encode(format!("{} ", String::from_utf8(BASE64.decode(&text).unwrap()).unwrap()));
        for foreign in [foreign, edited, longer, BASE64.encode("{}"), BASE64.encode("null"), String::new()] {
            assert_eq!(Cursor::decode(&foreign, &key), Err(CursorError::Foreign));
        }
        for length in 0..text.len() {
            let cut = Cursor::decode(&text[..length], &key);
            // Padding may be cut.
            assert!(cut.is_err() || text[length..].bytes().all(|byte| byte == b'='), "{length}");
        }
        assert_eq!(Cursor::decode(&text, &CursorKey::new("other")), Err(CursorError::Foreign));
        assert_eq!(Cursor::decode("abc!", &key), Err(CursorError::Encoding));
        assert_eq!(Cursor::decode(&"a".repeat(MAX_CURSOR_BYTES + 1), &key), Err(CursorError::TooLong));
    }
}
