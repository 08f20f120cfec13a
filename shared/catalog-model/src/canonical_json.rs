//! A JSON value -> its one canonical text: keys in byte order, no white space. What is hashed or compared is this text.

use serde::{Serialize, Serializer};
use serde_json::Value;

/// Sorts keys itself, so that the text does not depend on how `serde_json` was built.
pub fn canonical_json(value: &Value) -> String {
    serde_json::to_string(&Canonical(value)).expect("texts and numbers always serialise")
}

/// A value that serialises with its keys in byte order.
pub(crate) struct Canonical<'v>(pub(crate) &'v Value);

impl Serialize for Canonical<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Array(items) => serializer.collect_seq(items.iter().map(Canonical)),
            Value::Object(map) => {
                let mut entries: Vec<_> = map.iter().map(|(key, value)| (key, Canonical(value))).collect();
                entries.sort_unstable_by_key(|(key, _)| *key);
                serializer.collect_map(entries)
            }
            scalar => scalar.serialize(serializer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_does_not_depend_on_the_order_of_keys() {
        let value: Value = serde_json::from_str(r#"{"b":[1,{"y":null,"x":"\u00e9\""}],"a":1.5e300}"#).unwrap();
        assert_eq!(canonical_json(&value), r#"{"a":1.5e+300,"b":[1,{"x":"é\"","y":null}]}"#);
    }
}
