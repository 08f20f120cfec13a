//! A JSON value -> its one canonical text: keys in byte order, no white space. What is hashed or compared is this text.

use serde::Serialize;
use serde_json::Value;

/// Sorts keys itself, so that the text does not depend on how `serde_json` was built.
pub fn canonical_json(value: &Value) -> String {
    let mut text = Vec::new();
    write(value, &mut text);
    String::from_utf8(text).expect("JSON is UTF-8")
}

fn write(value: &Value, text: &mut Vec<u8>) {
    match value {
        Value::Array(items) => {
            text.push(b'[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    text.push(b',');
                }
                write(item, text);
            }
            text.push(b']');
        }
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_unstable_by_key(|(key, _)| *key);
            text.push(b'{');
            for (at, (key, item)) in entries.into_iter().enumerate() {
                if at > 0 {
                    text.push(b',');
                }
                write_scalar(key, text);
                text.push(b':');
                write(item, text);
            }
            text.push(b'}');
        }
        scalar => write_scalar(scalar, text),
    }
}

fn write_scalar(scalar: &(impl Serialize + ?Sized), text: &mut Vec<u8>) {
    serde_json::to_writer(text, scalar).expect("texts and numbers always serialise");
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
