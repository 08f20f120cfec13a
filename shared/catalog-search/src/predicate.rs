//! Backstage's query predicates: which entities are asked for.
//!
//! `{"kind": "component", "spec.type": {"$in": ["service", "website"]}}`, combined by `$all`, `$any` and `$not`. Read
//! from JSON, and written back into it for cursors. Specification: `@backstage/filter-predicates` 0.1.5, and
//! `applyPredicateEntityFilterToQuery` of the catalog backend 4.0.0.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::{Map, Number, Value, json};

use crate::js_text::number_text;
use crate::predicate_schema;

/// Values, fields and operators of one predicate at most: each costs a look-up.
pub const MAX_TERMS: usize = 5_000;

/// What an entity must be like. Keys and values are compared whatever their case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Predicate {
    /// None at all: every entity passes.
    All(Vec<Predicate>),
    /// None at all: no entity passes.
    Any(Vec<Predicate>),
    Not(Box<Predicate>),
    /// All of them hold.
    Fields(Vec<(String, Condition)>),
}

/// What the rows of a key must be like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    Is(Primitive),
    IsOneOf(Vec<Primitive>),
    /// There is a row, or there is none.
    Exists(bool),
    HasPrefix(String),
    /// The same as [`Condition::Is`]: rows do not tell of arrays.
    Contains(Primitive),
    /// There is a relation of this type, to one of these targets if any are named.
    Related {
        relation_type: String,
        targets: Option<Vec<String>>,
    },
}

/// A JSON value that is no container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Primitive {
    Text(String),
    Number(Number),
    Bool(bool),
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PredicateError {
    /// It has not the form of a predicate; begins with `Validation error: `.
    #[error("{0}")]
    Form(String),
    /// It has the form, and a meaning that is not supported.
    #[error("{0}")]
    Meaning(String),
    #[error("the predicate has more than {MAX_TERMS} terms, or nests too deep; ask in several requests")]
    TooComplex,
}

impl Predicate {
    /// Checks the form alone: what is returned is without what the form does not know. `at` is where the predicate
    /// stands in what was sent, for the message.
    ///
    /// # Errors
    /// Fails on another form, and on one that is too deep.
    pub fn check(value: &Value, at: &[&str]) -> Result<Value, PredicateError> {
        predicate_schema::check(value, at)
    }

    /// Reads what [`Self::check`] returned.
    ///
    /// # Errors
    /// Fails on what has the form but is not supported, and on too many terms.
    pub fn of_checked(value: &Value) -> Result<Self, PredicateError> {
        read(value, &mut 0)
    }

    /// Checks and reads.
    ///
    /// # Errors
    /// As [`Self::check`] and [`Self::of_checked`].
    pub fn parse(value: &Value) -> Result<Self, PredicateError> {
        Self::of_checked(&Self::check(value, &[])?)
    }

    pub fn to_json(&self) -> Value {
        let list = |parts: &[Self]| parts.iter().map(Self::to_json).collect::<Value>();
        match self {
            Self::All(parts) => json!({"$all": list(parts)}),
            Self::Any(parts) => json!({"$any": list(parts)}),
            Self::Not(part) => json!({"$not": part.to_json()}),
            Self::Fields(fields) => fields.iter().map(|(key, condition)| (key.clone(), condition.to_json())).collect(),
        }
    }
}

impl Serialize for Predicate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_json().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Predicate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&Value::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

impl Condition {
    fn to_json(&self) -> Value {
        match self {
            Self::Is(value) => value.to_json(),
            Self::IsOneOf(values) => json!({"$in": values.iter().map(Primitive::to_json).collect::<Value>()}),
            Self::Exists(exists) => json!({"$exists": exists}),
            Self::HasPrefix(prefix) => json!({"$hasPrefix": prefix}),
            Self::Contains(value) => json!({"$contains": value.to_json()}),
            Self::Related { relation_type, targets } => match targets {
                None => json!({"$contains": {"type": relation_type}}),
                Some(targets) => json!({"$contains": {"type": relation_type, "targetRef": {"$in": targets}}}),
            },
        }
    }
}

impl Primitive {
    /// As rows hold it: JavaScript's text of it, in lower case.
    pub fn lower_case(&self) -> String {
        match self {
            Self::Text(text) => text.to_lowercase(),
            Self::Number(number) => number_text(number),
            Self::Bool(flag) => flag.to_string(),
        }
    }

    fn of(value: &Value) -> Option<Self> {
        match value {
            Value::String(text) => Some(Self::Text(text.clone())),
            Value::Number(number) => Some(Self::Number(number.clone())),
            Value::Bool(flag) => Some(Self::Bool(*flag)),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        }
    }

    fn to_json(&self) -> Value {
        match self {
            Self::Text(text) => json!(text),
            Self::Number(number) => Value::Number(number.clone()),
            Self::Bool(flag) => json!(flag),
        }
    }
}

fn meaning(message: String) -> PredicateError {
    PredicateError::Meaning(message)
}

fn count(terms: &mut usize, more: usize) -> Result<(), PredicateError> {
    *terms += more;
    if *terms > MAX_TERMS { Err(PredicateError::TooComplex) } else { Ok(()) }
}

fn read(value: &Value, terms: &mut usize) -> Result<Predicate, PredicateError> {
    count(terms, 1)?;
    let Value::Object(fields) = value else {
        return Err(meaning(format!(
            "Invalid filter predicate: top-level primitive values are not supported. Wrap the value in a field \
             expression, e.g. {{ \"kind\": {value} }}"
        )));
    };
    let mut all = |parts: &Value| -> Result<Vec<Predicate>, PredicateError> {
        parts.as_array().into_iter().flatten().map(|part| read(part, terms)).collect()
    };
    if let Some(part) = fields.get("$not") {
        return Ok(Predicate::Not(Box::new(read(part, terms)?)));
    }
    if let Some(parts) = fields.get("$all") {
        return all(parts).map(Predicate::All);
    }
    if let Some(parts) = fields.get("$any") {
        return all(parts).map(Predicate::Any);
    }
    let field = |(key, value): (&String, &Value)| Ok((key.clone(), condition(&key.to_lowercase(), value, terms)?));
    fields.iter().map(field).collect::<Result<_, _>>().map(Predicate::Fields)
}

fn condition(key: &str, value: &Value, terms: &mut usize) -> Result<Condition, PredicateError> {
    count(terms, 1)?;
    if let Some(primitive) = Primitive::of(value) {
        return Ok(Condition::Is(primitive));
    }
    if let Some(exists) = value["$exists"].as_bool() {
        return Ok(Condition::Exists(exists));
    }
    if let Some(values) = value["$in"].as_array() {
        count(terms, values.len())?;
        return Ok(Condition::IsOneOf(values.iter().filter_map(Primitive::of).collect()));
    }
    if let Some(prefix) = value["$hasPrefix"].as_str() {
        return Ok(Condition::HasPrefix(prefix.to_owned()));
    }
    match &value["$contains"] {
        Value::Object(target) if key == "relations" => related(target, terms),
        Value::Object(_) => Err(meaning(format!("Object form of $contains is not supported for field \"{key}\""))),
        target => Primitive::of(target).map(Condition::Contains).ok_or_else(|| {
            meaning(format!(
                "Invalid filter predicate value for field \"{key}\": expected a primitive value, $exists, $in, \
                 $hasPrefix, or $contains operator, but got {value}"
            ))
        }),
    }
}

fn related(target: &Map<String, Value>, terms: &mut usize) -> Result<Condition, PredicateError> {
    let no_type = || meaning("The $contains operator for \"relations\" requires a \"type\" string property".to_owned());
    let twice = |key: &str| meaning(format!("Duplicate key \"{key}\" in $contains for \"relations\""));
    let (mut relation_type, mut targets) = (None, None);
    for (key, value) in target {
        match key.to_lowercase().as_str() {
            "type" if relation_type.is_some() => return Err(twice(key)),
            "type" => relation_type = Some(value.as_str().ok_or_else(no_type)?.to_owned()),
            "targetref" if targets.is_some() => return Err(twice(key)),
            "targetref" => targets = Some(target_refs(value, terms)?),
            _ => {
                return Err(meaning(format!(
                    "Unsupported key \"{key}\" in $contains for \"relations\". Only \"type\" and \"targetRef\" are supported"
                )));
            }
        }
    }
    let relation_type = relation_type.filter(|relation_type| !relation_type.is_empty()).ok_or_else(no_type)?;
    Ok(Condition::Related { relation_type, targets })
}

fn target_refs(value: &Value, terms: &mut usize) -> Result<Vec<String>, PredicateError> {
    if let Some(text) = value.as_str() {
        return Ok(vec![text.to_lowercase()]);
    }
    let only_in = value.as_object().filter(|fields| fields.len() == 1).and_then(|fields| fields.get("$in"));
    let texts: Option<Vec<&str>> =
        only_in.and_then(Value::as_array).and_then(|in_| in_.iter().map(Value::as_str).collect());
    match texts {
        Some(texts) if texts.is_empty() => {
            Err(meaning("Empty \"$in\" array for $contains on \"relations\" is not allowed".to_owned()))
        }
        Some(texts) => {
            count(terms, texts.len())?;
            Ok(texts.into_iter().map(str::to_lowercase).collect())
        }
        None => Err(meaning(format!(
            "Unsupported value in $contains for \"relations\": expected a string or {{ \"$in\": [strings] }}, but got {value}"
        ))),
    }
}

#[cfg(test)]
#[path = "predicate_tests.rs"]
mod tests;
