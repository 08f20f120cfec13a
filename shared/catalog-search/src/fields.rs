//! `fields` -> the part of an entity that was asked for. Paths resolve as Backstage resolves them, in JavaScript.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use crate::js_text::{trim, utf16_len};

/// Paths of one request at most.
pub const MAX_FIELDS: usize = 500;

/// Index that a path may create in an array that it builds: entities have no longer arrays worth naming one by one.
const MAX_INDEX: usize = 10_000;

/// Which fields are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Projection {
    paths: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FieldsError {
    #[error("Invalid field \"{0}\", array type fields are not supported")]
    Array(String),
    #[error("Invalid fields, more than {MAX_FIELDS} in one request")]
    TooMany,
}

impl Projection {
    /// Reads `fields` parameters, each a list separated by commas. `None`: the whole entity.
    ///
    /// # Errors
    /// Fails on a path with a bracket, and on too many paths.
    pub fn parse<'a>(parameters: impl IntoIterator<Item = &'a str>) -> Result<Option<Self>, FieldsError> {
        let texts = parameters.into_iter().flat_map(|parameter| parameter.split(','));
        let paths: Vec<String> = texts.map(trim).filter(|path| !path.is_empty()).map(str::to_owned).collect();
        if let Some(path) = paths.iter().find(|path| path.contains('[')) {
            return Err(FieldsError::Array(path.clone()));
        }
        if paths.len() > MAX_FIELDS {
            return Err(FieldsError::TooMany);
        }
        Ok((!paths.is_empty()).then_some(Self { paths }))
    }

    pub fn apply(&self, entity: &Value) -> Value {
        let mut kept = Value::Object(Map::new());
        for path in &self.paths {
            if let Some((steps, value)) = find(entity, path) {
                put(&mut kept, &steps, value.into_owned());
            }
        }
        kept
    }
}

/// Follows a dotted path; where an object has no such key, the key is taken to go on behind the dot.
fn find<'v>(entity: &'v Value, path: &str) -> Option<(Vec<String>, Cow<'v, Value>)> {
    let mut steps = Vec::new();
    let mut place = Cow::Borrowed(entity);
    let mut key = String::new();
    for part in path.split('.') {
        key.push_str(part);
        let found = match &place {
            Cow::Borrowed(place) => child(place, &key),
            Cow::Owned(text @ Value::String(_)) => child(text, &key).map(|found| Cow::Owned(found.into_owned())),
            // A length, which has nothing below.
            Cow::Owned(_) => None,
        };
        match found {
            Some(found) => {
                steps.push(std::mem::take(&mut key));
                place = found;
            }
            None => key.push('.'),
        }
    }
    // What is left is a key that was not found.
    (key.is_empty() && !steps.is_empty()).then_some((steps, place))
}

fn child<'v>(value: &'v Value, key: &str) -> Option<Cow<'v, Value>> {
    match value {
        Value::Object(fields) => fields.get(key).map(Cow::Borrowed),
        Value::Array(items) if key == "length" => Some(Cow::Owned(json!(items.len()))),
        Value::Array(items) => items.get(index(key)?).map(Cow::Borrowed),
        Value::String(text) if key == "length" => Some(Cow::Owned(json!(utf16_len(text)))),
        // A unit that is half of a character alone has no text.
        Value::String(text) => {
            let unit = text.encode_utf16().nth(index(key)?)?;
            Some(Cow::Owned(json!(char::from_u32(unit.into()).unwrap_or(char::REPLACEMENT_CHARACTER))))
        }
        _ => None,
    }
}

fn put(kept: &mut Value, steps: &[String], value: Value) {
    let Some((step, rest)) = steps.split_first() else {
        *kept = value;
        return;
    };
    if let Value::Array(items) = kept
        && let Some(at) = index(step)
    {
        if items.len() <= at {
            items.resize(at + 1, Value::Null);
        }
        return put_below(&mut items[at], rest, value);
    }
    if let Value::Object(fields) = kept {
        put_below(fields.entry(step.clone()).or_insert(Value::Null), rest, value);
    }
}

fn put_below(place: &mut Value, rest: &[String], value: Value) {
    let is_container = place.is_object() || place.is_array();
    if let Some(next) = rest.first()
        && !is_container
    {
        *place = if index(next).is_some() { json!([]) } else { json!({}) };
    }
    put(place, rest, value);
}

/// An array index as JavaScript writes one.
fn index(text: &str) -> Option<usize> {
    let at: usize = text.parse().ok()?;
    (at.to_string() == text && at <= MAX_INDEX).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_resolve_as_they_do_in_backstage() {
        let entity = json!({
            "kind": "Component",
            "metadata": {"name": "orders", "tags": ["java", "go"], "annotations": {"a.b/c": "1", "a": "2"}},
            "spec": {"containers": [{"image": "x"}], "none": null},
        });
        for (fields, kept) in [
            ("kind,metadata.name", json!({"kind": "Component", "metadata": {"name": "orders"}})),
            ("metadata.annotations.a.b/c", json!({})),
            ("metadata.annotations.a", json!({"metadata": {"annotations": {"a": "2"}}})),
            ("metadata.name.length", json!({"metadata": {"name": {"length": 6}}})),
            ("metadata.name.1", json!({"metadata": {"name": [null, "r"]}})),
            ("metadata.tags.1", json!({"metadata": {"tags": [null, "go"]}})),
            (
                "metadata.tags.length,spec.containers.length",
                json!({"metadata": {"tags": {"length": 2}}, "spec": {"containers": {"length": 1}}}),
            ),
            ("spec.containers.0.image", json!({"spec": {"containers": [{"image": "x"}]}})),
            ("Kind, nothing.there", json!({})),
            ("spec.none", json!({"spec": {"none": null}})),
        ] {
            assert_eq!(Projection::parse([fields]).unwrap().unwrap().apply(&entity), kept, "{fields}");
        }
        let dotted = json!({"metadata": {"annotations": {"a.b/c": "1"}}});
        let projection = Projection::parse(["metadata.annotations.a.b/c"]).unwrap().unwrap();
        assert_eq!(projection.apply(&dotted), dotted);
    }

    #[test]
    fn brackets_are_refused_and_nothing_asked_is_the_whole() {
        assert_eq!(
            Projection::parse(["kind,a[0]"]).unwrap_err().to_string(),
            "Invalid field \"a[0]\", array type fields are not supported"
        );
        assert_eq!(Projection::parse([" , "]), Ok(None));
    }
}
