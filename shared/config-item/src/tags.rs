//! An item's tags, in whichever of their styles. What they say of ownership is worked out where records are stitched.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::fields::{decoded, pick};

/// AWS allows 50 on a resource, and some more of its own.
const MAX_TAGS: usize = 128;

/// AWS's limits: 128 and 256 characters. What is longer is no tag.
const MAX_KEY_CHARS: usize = 128;
const MAX_VALUE_CHARS: usize = 256;

/// The tags of an item. The map at the top wins as a whole; only where it is empty are the lists inside
/// `configuration` and `supplementaryConfiguration` asked: some types have their tags there alone.
pub(crate) fn of_item(top: Option<&Value>, configuration: &Value, supplementary: &Value) -> BTreeMap<String, String> {
    let top = top.map(read).unwrap_or_default();
    if !top.is_empty() {
        return top;
    }
    for object in [configuration, supplementary] {
        for name in ["tags", "tagList", "tagSet"] {
            let found = pick(object, &[name]).map(read).unwrap_or_default();
            if !found.is_empty() {
                return found;
            }
        }
    }
    // Buckets keep them as `{"tagSets":[{"tags":{..}}]}`.
    let sets = pick(supplementary, &["BucketTaggingConfiguration"]).map(decoded);
    let first = sets.as_deref().and_then(|sets| pick(sets, &["tagSets"])).and_then(|sets| sets.get(0));
    first.and_then(|set| pick(set, &["tags"])).map(read).unwrap_or_default()
}

/// `{k: v}`, `[{key, value}]`, `[{Key, Value}]`, `[{tagKey, tagValue}]`, or one of these as a JSON string.
fn read(value: &Value) -> BTreeMap<String, String> {
    let value = decoded(value);
    let mut tags = BTreeMap::new();
    let mut add = |key: &str, value: Option<&Value>| {
        let value = match value {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(scalar @ (Value::Number(_) | Value::Bool(_))) => scalar.to_string(),
            Some(Value::Array(_) | Value::Object(_)) => return,
        };
        let fits = key.chars().count() <= MAX_KEY_CHARS && value.chars().count() <= MAX_VALUE_CHARS;
        if !key.is_empty() && fits && tags.len() < MAX_TAGS {
            tags.entry(key.to_owned()).or_insert(value);
        }
    };
    match value.as_ref() {
        Value::Object(map) => {
            let mut sorted: Vec<_> = map.iter().collect();
            sorted.sort_unstable_by_key(|(key, _)| *key);
            for (key, value) in sorted {
                add(key, Some(value));
            }
        }
        Value::Array(list) => {
            for tag in list {
                if let Some(key) = pick(tag, &["key", "tagKey"]).and_then(Value::as_str) {
                    add(key, pick(tag, &["value", "tagValue"]));
                }
            }
        }
        _ => {}
    }
    tags
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn tags(text: &[(&str, &str)]) -> BTreeMap<String, String> {
        text.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn every_style_of_tags_is_read() {
        let expected = tags(&[("owner", "team-a"), ("tier", "")]);
        for styled in [
            json!({"owner": "team-a", "tier": null}),
            json!([{"key": "owner", "value": "team-a"}, {"key": "tier"}]),
            json!([{"Key": "owner", "Value": "team-a"}, {"Key": "tier", "Value": ""}]),
            json!([{"tag": "owner=team-a", "key": "owner", "value": "team-a"}, {"key": "tier"}]),
            json!([{"tagKey": "owner", "tagValue": "team-a"}, {"tagKey": "tier", "tagValue": ""}]),
            json!(r#"[{"key":"owner","value":"team-a"},{"key":"tier","value":""}]"#),
        ] {
            assert_eq!(of_item(Some(&styled), &Value::Null, &Value::Null), expected, "{styled}");
            assert_eq!(of_item(None, &json!({"tagList": styled}), &Value::Null), expected, "{styled}");
            assert_eq!(of_item(Some(&json!({})), &json!({"Tags": []}), &json!({"Tags": styled})), expected, "{styled}");
        }
    }

    #[test]
    fn the_map_at_the_top_wins_as_a_whole() {
        let inside = json!({"Tags": [{"Key": "Name", "Value": "old"}, {"Key": "gone", "Value": "x"}]});
        assert_eq!(of_item(Some(&json!({"Name": "new"})), &inside, &inside), tags(&[("Name", "new")]));
    }

    #[test]
    fn tags_of_a_bucket_are_found_in_its_tag_sets() {
        let supplementary = json!({"BucketTaggingConfiguration": r#"{"tagSets":[{"tags":{"owner":"team-a"}}]}"#});
        assert_eq!(of_item(None, &Value::Null, &supplementary), tags(&[("owner", "team-a")]));
    }

    #[test]
    fn what_is_longer_than_a_tag_can_be_is_none() {
        let long = json!({"a": "x".repeat(MAX_VALUE_CHARS + 1), "k".repeat(MAX_KEY_CHARS + 1): "x", "b": "y"});
        assert_eq!(of_item(Some(&long), &Value::Null, &Value::Null), tags(&[("b", "y")]));
    }
}
