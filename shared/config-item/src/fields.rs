//! A JSON object -> its fields, however the dialect spells their names and types.

use std::borrow::Cow;

use serde_json::Value;

/// JSON in a string in a string is what the API makes of some supplementary configuration; more was never seen.
const MAX_NESTED_STRINGS: usize = 2;

/// The first of `names` that is there and not null. The exact spelling goes before one in other case
/// (`ARN`, `arn`; `configurationStateID`); of several such, the first in byte order.
pub(crate) fn pick<'a>(object: &'a Value, names: &[&str]) -> Option<&'a Value> {
    let object = object.as_object()?;
    names.iter().find_map(|name| {
        let found = object.get(*name).or_else(|| {
            let others = object.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name));
            others.min_by_key(|(key, _)| *key).map(|(_, value)| value)
        });
        found.filter(|value| !value.is_null())
    })
}

/// The field as text: not empty, without white space around it. A number counts as its digits.
pub(crate) fn text(object: &Value, names: &[&str]) -> Option<String> {
    pick(object, names).and_then(scalar_text)
}

pub(crate) fn scalar_text(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}

/// The value inside, where the dialect writes JSON into a string; anything else as it is.
pub(crate) fn decoded(value: &Value) -> Cow<'_, Value> {
    let mut value = Cow::Borrowed(value);
    for _ in 0..MAX_NESTED_STRINGS {
        let Value::String(text) = value.as_ref() else { break };
        if !text.trim_start().starts_with(['{', '[', '"']) {
            break;
        }
        match serde_json::from_str(text) {
            Ok(inner) => value = Cow::Owned(inner),
            Err(_) => break,
        }
    }
    value
}
