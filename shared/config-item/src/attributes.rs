//! An item's configuration -> the few values of it that are kept: an allow-list for each type.
//!
//! What no row names is never stored: environment variables, user data, parameters, master user names, policies.

mod compute;
mod data;
mod platform;

use std::borrow::Cow;

use serde_json::{Number, Value};

use crate::fields::{decoded, pick};

/// Longest text that is an attribute and not a document.
const MAX_TEXT_CHARS: usize = 512;

/// Longest text that is a state.
const MAX_STATE_CHARS: usize = 64;

/// Most values of a list.
const MAX_LIST: usize = 32;

/// Where a type without a row, or with a row that names no place, has its state.
const ANY_STATE: &[&str] = &["state", "status"];

/// What is kept of one type.
#[derive(Debug)]
pub(crate) struct TypeAttributes {
    pub(crate) resource_type: &'static str,
    /// Where its state is; several places are tried in turn.
    pub(crate) state: &'static [&'static str],
    pub(crate) attributes: &'static [Attribute],
}

/// One value that is kept.
#[derive(Debug)]
pub(crate) struct Attribute {
    /// What it is called in `spec.aws.attributes`, in camelCase; Terraform's table has the same names.
    pub(crate) name: &'static str,
    /// Names joined by `.`, in any case; a number is a position in a list. With `+` in front it starts in
    /// `supplementaryConfiguration`, else in `configuration`.
    pub(crate) path: &'static str,
    pub(crate) kind: Kind,
}

/// The type that the value gets: some dialects write numbers and truth values as strings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Number,
    Flag,
    /// A list of texts, sorted.
    List,
    /// `true` if the place holds anything at all: the value itself is not kept.
    Present,
}

macro_rules! types {
    ($($resource_type:literal [$($state:literal)*] { $($name:ident $kind:ident $path:literal)* })*) => {
        pub(super) static TYPES: &[super::TypeAttributes] = &[$(super::TypeAttributes {
            resource_type: $resource_type,
            state: &[$($state),*],
            attributes: &[$(super::Attribute { name: stringify!($name), path: $path, kind: super::Kind::$kind }),*],
        }),*];
    };
}
use types;

/// All rows.
#[cfg(test)]
pub(crate) fn all_types() -> impl Iterator<Item = &'static TypeAttributes> {
    [compute::TYPES, data::TYPES, platform::TYPES].into_iter().flatten()
}

/// The row of a type, whatever case it is written in.
pub(crate) fn attributes_of(resource_type: &str) -> Option<&'static TypeAttributes> {
    [compute::TYPES, data::TYPES, platform::TYPES]
        .into_iter()
        .flatten()
        .find(|row| row.resource_type.eq_ignore_ascii_case(resource_type))
}

pub(crate) struct Observed {
    pub(crate) state: Option<String>,
    pub(crate) attributes: Vec<(&'static str, Value)>,
}

pub(crate) fn observed(resource_type: &str, configuration: &Value, supplementary: &Value) -> Observed {
    let row = attributes_of(resource_type);
    let places = row.map(|row| row.state).filter(|places| !places.is_empty()).unwrap_or(ANY_STATE);
    let find = |path: &str| match path.strip_prefix('+') {
        Some(path) => at(supplementary, path),
        None => at(configuration, path),
    };
    let attributes = row.map(|row| row.attributes).unwrap_or_default();
    Observed {
        state: places.iter().find_map(|path| state_text(find(path)?.as_ref())),
        attributes: attributes
            .iter()
            .filter_map(|attribute| Some((attribute.name, attribute.kind.of(find(attribute.path)?.as_ref())?)))
            .collect(),
    }
}

/// Follows a path; JSON in strings is opened on the way.
fn at<'a>(value: &'a Value, path: &str) -> Option<Cow<'a, Value>> {
    let mut value = decoded(value);
    for name in path.split('.') {
        value = match value {
            Cow::Borrowed(value) => decoded(step(value, name)?),
            Cow::Owned(value) => Cow::Owned(decoded(step(&value, name)?).into_owned()),
        };
    }
    (!value.is_null()).then_some(value)
}

fn step<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    match value {
        Value::Array(list) => list.get(name.parse::<usize>().ok()?),
        _ => pick(value, &[name]),
    }
}

/// `running`, `{"name": "running", "code": 16.0}`, `{"code": "active"}`, or nothing.
fn state_text(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text,
        Value::Object(_) => ["name", "value", "code"].iter().find_map(|name| pick(value, &[name])?.as_str())?,
        _ => return None,
    };
    let text = text.trim();
    (!text.is_empty() && text.chars().count() <= MAX_STATE_CHARS).then(|| text.to_owned())
}

impl Kind {
    fn of(self, value: &Value) -> Option<Value> {
        match self {
            Self::Text => text(value).map(Value::from),
            Self::Number => number(value).map(Value::from),
            Self::Flag => flag(value).map(Value::from),
            Self::List => {
                let list = value.as_array()?;
                let mut texts: Vec<String> = list.iter().take(MAX_LIST).filter_map(text).collect();
                texts.sort_unstable();
                (!texts.is_empty()).then(|| Value::from(texts))
            }
            Self::Present => Some(Value::from(true)),
        }
    }
}

fn text(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(_) => number(value)?.to_string(),
        Value::Bool(flag) => flag.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => return None,
    };
    (!text.is_empty() && text.chars().count() <= MAX_TEXT_CHARS).then_some(text)
}

/// A whole number loses its fraction of zeros: `16.0` is 16.
fn number(value: &Value) -> Option<Number> {
    let digits = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.trim().to_owned(),
        _ => return None,
    };
    let whole = digits.split_once('.').filter(|(_, fraction)| fraction.bytes().all(|byte| byte == b'0'));
    whole.map_or(digits.as_str(), |(whole, _)| whole).parse().ok()
}

fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use serde_json::json;

    use super::*;

    #[test]
    fn every_common_type_has_one_row_and_every_attribute_one_name() {
        let mut types = HashSet::new();
        for row in all_types() {
            assert!(types.insert(row.resource_type), "{}", row.resource_type);
            let mut names = HashSet::new();
            for Attribute { name, path, .. } in row.attributes {
                assert!(names.insert(name), "{} {name}", row.resource_type);
                assert!(path.split('.').all(|name| !name.is_empty()), "{} {path}", row.resource_type);
            }
        }
        assert!(types.len() >= 60, "{}", types.len());
    }

    #[test]
    fn no_row_reads_from_where_secrets_are() {
        let forbidden = [
            "environment.variables",
            "environmentvariables",
            "userdata",
            "parameters",
            "masteruser",
            "password",
            "secret",
            "policy",
            "customergatewayconfiguration",
            "containerdefinitions",
            "stagevariables",
            "variables",
            "outputs",
            "token",
            "credential",
        ];
        for row in all_types() {
            for path in row.attributes.iter().map(|attribute| attribute.path).chain(row.state.iter().copied()) {
                // A flag that is called so, and no policy.
                let path = path.to_lowercase().replace("blockpublicpolicy", "");
                let found = forbidden.iter().find(|word| path.contains(**word));
                assert_eq!(found, None, "{} {path}", row.resource_type);
            }
        }
    }

    #[test]
    fn a_state_is_read_as_an_object_a_string_and_null() {
        for (state, expected) in [
            (json!("running"), Some("running")),
            (json!({"code": 16.0, "name": "running"}), Some("running")),
            (json!({"code": "active", "reason": null}), Some("active")),
            (json!(null), None),
            (json!({"code": 16}), None),
            (json!("x".repeat(MAX_STATE_CHARS + 1)), None),
        ] {
            let found = observed("Example::Any::Type", &json!({"State": state}), &Value::Null);
            assert_eq!(found.state.as_deref(), expected);
            assert!(found.attributes.is_empty());
        }
    }

    #[test]
    fn values_get_the_type_that_the_table_says() {
        for (kind, given, expected) in [
            (Kind::Number, json!("256"), Some(json!(256))),
            (Kind::Number, json!(16.0), Some(json!(16))),
            (Kind::Number, json!("16.50"), Some(json!(16.5))),
            (Kind::Number, json!("many"), None),
            (Kind::Flag, json!("True"), Some(json!(true))),
            (Kind::Flag, json!("yes"), None),
            (Kind::Text, json!(8), Some(json!("8"))),
            (Kind::Text, json!({"a": 1}), None),
            (Kind::List, json!(["b", {"c": 1}, "a"]), Some(json!(["a", "b"]))),
            (Kind::List, json!([]), None),
            (Kind::Present, json!({"a": 1}), Some(json!(true))),
        ] {
            assert_eq!(kind.of(&given), expected, "{kind:?} {given}");
        }
    }

    #[test]
    fn names_are_found_in_any_case_and_inside_json_strings() {
        for configuration in [
            json!({"dBInstanceClass": "db.t4g.micro", "Endpoint": {"address": "a.example"}}),
            json!({"DbInstanceClass": "db.t4g.micro", "endpoint": r#"{"Address":"a.example"}"#}),
        ] {
            let found = observed("aws::rds::dbinstance", &configuration, &Value::Null).attributes;
            assert_eq!(found, [("instanceClass", json!("db.t4g.micro")), ("endpoint", json!("a.example"))]);
        }
    }
}
