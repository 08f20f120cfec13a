//! An entity -> its search rows `(key, value, original value)`: all that filters, facets, order and text search see.
//! Rules: those of Backstage's catalog 4.0.0, whose `<path>.<element> = true` rows for arrays of strings are not made
//! here: [`SearchValue::element`] marks where they come from, and the query is rewritten instead.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::js_text::{number_text, utf16_len};

/// Longest key that is indexed and longest value that can be compared, in UTF-16 units.
pub const MAX_INDEXED_UNITS: usize = 200;

/// Fields that are no part of the walk. The last three are rows all the same, under the name that the catalog gives.
const LEFT_OUT: [&str; 7] =
    ["attachments", "relations", "status", "metadata.etag", "metadata.name", "metadata.namespace", "metadata.uid"];

/// One search row of one entity.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SearchValue {
    /// Path of object keys joined by `.`, in lower case.
    #[serde(rename = "k")]
    pub key: String,
    /// As the source wrote it. `None`: null, or too long to be compared; the key exists all the same.
    #[serde(rename = "v", default, skip_serializing_if = "Option::is_none")]
    pub original: Option<String>,
    /// A string in an array: `<key>.<value> = true` holds as well.
    #[serde(rename = "e", default, skip_serializing_if = "std::ops::Not::not")]
    pub element: bool,
}

impl SearchValue {
    /// A row of a scalar text. `None` when the key is too long to be indexed.
    pub fn of_text(key: &str, text: &str) -> Option<Self> {
        let key = key.to_lowercase();
        if utf16_len(&key) > MAX_INDEXED_UNITS {
            return None;
        }
        let original = (utf16_len(&text.to_lowercase()) <= MAX_INDEXED_UNITS).then(|| text.to_owned());
        Some(Self { key, original, element: false })
    }

    /// What is compared: the value in lower case.
    pub fn value(&self) -> Option<String> {
        self.original.as_ref().map(|original| original.to_lowercase())
    }
}

/// The rows of an entity but for its name, namespace, uid and relations, in the order of the walk, each
/// `(key, value)` once.
pub fn search_values(entity: &Value) -> Vec<SearchValue> {
    let mut rows = Rows::default();
    if let Value::Object(fields) = entity {
        for (key, value) in fields {
            visit(key, value, false, &mut rows);
        }
    }
    rows.rows
}

#[derive(Default)]
struct Rows {
    rows: Vec<SearchValue>,
    at: HashMap<(String, Option<String>), usize>,
}

impl Rows {
    fn add(&mut self, row: SearchValue) {
        let place = (row.key.clone(), row.value());
        match self.at.get(&place) {
            Some(at) => self.rows[*at].element |= row.element,
            None => {
                self.at.insert(place, self.rows.len());
                self.rows.push(row);
            }
        }
    }
}

fn visit(path: &str, value: &Value, in_array: bool, rows: &mut Rows) {
    if LEFT_OUT.contains(&path) {
        return;
    }
    let text = match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                visit(&format!("{path}.{key}"), value, false, rows);
            }
            return;
        }
        Value::Array(items) => {
            for item in items {
                visit(path, item, true, rows);
            }
            return;
        }
        Value::Null => None,
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Number(number) => Some(number_text(number)),
        Value::String(text) => Some(text.clone()),
    };
    let Some(mut row) = SearchValue::of_text(path, text.as_deref().unwrap_or_default()) else { return };
    if text.is_none() {
        row.original = None;
    }
    row.element = in_array && value.is_string() && row.original.is_some();
    rows.add(row);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(entity: &Value) -> Vec<String> {
        search_values(entity)
            .into_iter()
            .map(|row| {
                let mark = if row.element { " *" } else { "" };
                format!("{} = {}{mark}", row.key, row.original.as_deref().unwrap_or("null"))
            })
            .collect()
    }

    #[test]
    fn an_entity_flattens_as_backstage_flattens_it() {
        let entity = json!({
            "kind": "Component",
            "metadata": {
                "name": "x", "namespace": "default", "uid": "u", "etag": "e",
                "annotations": {"a.b/C.d": "V"},
                "links": [{"url": "https://a"}, {"url": "https://b"}, {"url": "https://A"}],
                "tags": ["Java", "java", "go", 1, null, true],
            },
            "relations": [{"type": "ownedBy", "targetRef": "group:default/a"}],
            "status": {"items": []},
            "spec": {"emptyList": [], "emptyObject": {}, "": "empty key", "n": 1e21, "deep": {"a": [["b"]]}, "no": null},
        });
        let mut rows = shown(&entity);
        rows.sort();
        assert_eq!(
            rows,
            [
                "kind = Component",
                "metadata.annotations.a.b/c.d = V",
                "metadata.links.url = https://a",
                "metadata.links.url = https://b",
                "metadata.tags = 1",
                "metadata.tags = Java *",
                "metadata.tags = go *",
                "metadata.tags = null",
                "metadata.tags = true",
                "spec. = empty key",
                "spec.deep.a = b *",
                "spec.n = 1e+21",
                "spec.no = null",
            ]
        );
    }

    #[test]
    fn what_is_too_long_exists_without_a_value_and_a_long_key_does_not() {
        let entity = json!({"spec": {
            "fits": "😀".repeat(100),
            "long": "😀".repeat(101),
            "k".repeat(195): "fits",
            "k".repeat(196): "does not",
        }});
        let rows = search_values(&entity);
        let of = |key: &str| rows.iter().find(|row| row.key == key).map(|row| row.original.is_some());
        assert_eq!((of("spec.fits"), of("spec.long")), (Some(true), Some(false)));
        assert_eq!(of(&format!("spec.{}", "k".repeat(195))), Some(true));
        assert_eq!(of(&format!("spec.{}", "k".repeat(196))), None);
    }
}
