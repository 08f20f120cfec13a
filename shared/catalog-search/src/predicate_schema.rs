//! JSON -> a predicate of the right form, or what is wrong with it in Backstage's words.
//!
//! Backstage describes predicates as unions of shapes, tried in order. A shape fits, or is flawed (its parts fit, a key
//! does not), or does not fit. The first that fits counts, else the first flawed one is complained about, else all.
//! Specification: `@backstage/filter-predicates` 0.1.5 as Zod 3 and `zod-validation-error` 5 run and word it.

use serde_json::{Map, Value};

use crate::predicate::PredicateError;

/// Looks at shapes and bytes of complaints together. A body of 100 kB that fits needs a tenth; one that nests operators
/// to be read in two ways at each level would need exponentially many.
const MAX_WORK: usize = 2_000_000;

/// Levels of operators. Backstage has no bound but its stack.
const MAX_DEPTH: usize = 64;

/// Complaints that one message lists, as in Backstage.
const MAX_COMPLAINTS: usize = 99;

/// Bytes of a message.
const MAX_MESSAGE_BYTES: usize = 16 * 1024;

/// The predicate without what its shapes do not know. `at` is where it stands in what was sent.
///
/// # Errors
/// Says what is wrong, beginning with `Validation error: `.
pub(crate) fn check(value: &Value, at: &[&str]) -> Result<Value, PredicateError> {
    let path = at.iter().map(|key| Step::Key((*key).to_owned())).collect();
    let mut checker = Checker { path, work: 0, depth: 0, is_exhausted: false };
    let mut complaints = Vec::new();
    let outcome = checker.predicate(Some(value), &mut complaints);
    if checker.is_exhausted {
        return Err(PredicateError::TooComplex);
    }
    if let Outcome::Fits(checked) = outcome {
        return Ok(checked);
    }
    let mut message = format!("Validation error: {}", complaints[..complaints.len().min(MAX_COMPLAINTS)].join("; "));
    if message.len() > MAX_MESSAGE_BYTES {
        let end = (0..=MAX_MESSAGE_BYTES).rev().find(|end| message.is_char_boundary(*end)).unwrap_or_default();
        message.truncate(end);
        message.push_str("...");
    }
    Err(PredicateError::Form(message))
}

enum Outcome {
    Fits(Value),
    Flawed,
    Unfit,
}

#[derive(Clone)]
enum Step {
    Key(String),
    Index(usize),
}

struct Checker {
    path: Vec<Step>,
    work: usize,
    depth: usize,
    is_exhausted: bool,
}

type Shape = fn(&mut Checker, Option<&Value>, &mut Vec<String>) -> Outcome;

impl Checker {
    fn predicate(&mut self, data: Option<&Value>, complaints: &mut Vec<String>) -> Outcome {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            self.is_exhausted = true;
        }
        let outcome = self.union(
            &[
                Self::expression,
                Self::primitive,
                |checker, data, complaints| checker.only_key("$all", Self::predicates, data, complaints),
                |checker, data, complaints| checker.only_key("$any", Self::predicates, data, complaints),
                |checker, data, complaints| checker.only_key("$not", Self::predicate, data, complaints),
            ],
            data,
            complaints,
        );
        self.depth -= 1;
        outcome
    }

    fn expression(&mut self, data: Option<&Value>, complaints: &mut Vec<String>) -> Outcome {
        self.union(
            &[
                |checker, data, complaints| checker.record(is_field, Self::condition, data, complaints),
                |checker, data, complaints| checker.record(is_operator, Self::never, data, complaints),
            ],
            data,
            complaints,
        )
    }

    fn condition(&mut self, data: Option<&Value>, complaints: &mut Vec<String>) -> Outcome {
        self.union(
            &[
                Self::primitive,
                |checker, data, complaints| checker.one_key("$exists", Self::boolean, data, complaints),
                |checker, data, complaints| checker.one_key("$in", Self::primitives, data, complaints),
                |checker, data, complaints| checker.one_key("$contains", Self::predicate, data, complaints),
                |checker, data, complaints| checker.one_key("$hasPrefix", Self::string, data, complaints),
            ],
            data,
            complaints,
        )
    }

    fn primitive(&mut self, data: Option<&Value>, complaints: &mut Vec<String>) -> Outcome {
        self.union(&[Self::string, Self::number, Self::boolean], data, complaints)
    }

    fn string(&mut self, data: Option<&Value>, complaints: &mut Vec<String>) -> Outcome {
        self.of_type("string", data, complaints)
    }

    fn number(&mut self, data: Option<&Value>, complaints: &mut Vec<String>) -> Outcome {
        self.of_type("number", data, complaints)
    }

    fn boolean(&mut self, data: Option<&Value>, complaints: &mut Vec<String>) -> Outcome {
        self.of_type("boolean", data, complaints)
    }

    fn never(&mut self, data: Option<&Value>, complaints: &mut Vec<String>) -> Outcome {
        self.of_type("never", data, complaints)
    }

    fn predicates(&mut self, data: Option<&Value>, complaints: &mut Vec<String>) -> Outcome {
        self.array(Self::predicate, data, complaints)
    }

    fn primitives(&mut self, data: Option<&Value>, complaints: &mut Vec<String>) -> Outcome {
        self.array(Self::primitive, data, complaints)
    }

    fn of_type(&mut self, expected: &str, data: Option<&Value>, complaints: &mut Vec<String>) -> Outcome {
        match data {
            Some(value) if type_of(value) == expected => Outcome::Fits(value.clone()),
            Some(value) => {
                self.complain(&format!("Expected {expected}, received {}", type_of(value)), complaints);
                Outcome::Unfit
            }
            None => {
                self.complain("Required", complaints);
                Outcome::Unfit
            }
        }
    }

    fn union(&mut self, shapes: &[Shape], data: Option<&Value>, complaints: &mut Vec<String>) -> Outcome {
        let mut flawed: Option<Vec<String>> = None;
        let mut alternatives: Vec<String> = Vec::new();
        for shape in shapes {
            self.work += 1;
            if self.is_exhausted || self.work > MAX_WORK {
                self.is_exhausted = true;
                return Outcome::Unfit;
            }
            let mut own = Vec::new();
            match shape(self, data, &mut own) {
                Outcome::Fits(value) => return Outcome::Fits(value),
                Outcome::Flawed if flawed.is_none() => flawed = Some(own.clone()),
                Outcome::Flawed | Outcome::Unfit => {}
            }
            let text = own.join("; ");
            self.work += text.len();
            if !own.is_empty() && !alternatives.contains(&text) {
                alternatives.push(text);
            }
        }
        match flawed {
            Some(flaws) => {
                complaints.extend(flaws);
                Outcome::Flawed
            }
            None => {
                complaints.push(alternatives.join(", or "));
                Outcome::Unfit
            }
        }
    }

    fn array(&mut self, item: Shape, data: Option<&Value>, complaints: &mut Vec<String>) -> Outcome {
        let Some(Value::Array(items)) = data else { return self.of_type("array", data, complaints) };
        let mut parts = Parts::default();
        for (index, value) in items.iter().enumerate() {
            self.path.push(Step::Index(index));
            let outcome = item(self, Some(value), complaints);
            self.path.pop();
            parts.add(outcome);
        }
        parts.into_outcome(Value::Array)
    }

    /// An object of any keys of one form.
    fn record(
        &mut self,
        is_key: fn(&str) -> bool,
        value_shape: Shape,
        data: Option<&Value>,
        complaints: &mut Vec<String>,
    ) -> Outcome {
        let Some(Value::Object(fields)) = data else { return self.of_type("object", data, complaints) };
        let mut parts = Parts::default();
        for (key, value) in fields {
            self.path.push(Step::Key(key.clone()));
            if !is_key(key) {
                self.complain("Invalid", complaints);
                parts.is_flawed = true;
            }
            let outcome = value_shape(self, Some(value), complaints);
            self.path.pop();
            parts.add(outcome);
        }
        parts.into_outcome(|values| Value::Object(fields.keys().cloned().zip(values).collect()))
    }

    /// An object with this key; others are left out.
    fn one_key(&mut self, key: &str, shape: Shape, data: Option<&Value>, complaints: &mut Vec<String>) -> Outcome {
        let Some(Value::Object(fields)) = data else { return self.of_type("object", data, complaints) };
        self.path.push(Step::Key(key.to_owned()));
        let outcome = shape(self, fields.get(key), complaints);
        self.path.pop();
        match outcome {
            Outcome::Fits(value) => Outcome::Fits(Value::Object(Map::from_iter([(key.to_owned(), value)]))),
            Outcome::Flawed | Outcome::Unfit => outcome,
        }
    }

    /// An object with this key and no other.
    fn only_key(&mut self, key: &str, shape: Shape, data: Option<&Value>, complaints: &mut Vec<String>) -> Outcome {
        let outcome = self.one_key(key, shape, data, complaints);
        let others = data.and_then(Value::as_object).into_iter().flat_map(Map::keys).filter(|other| *other != key);
        let others: Vec<String> = others.map(|other| format!("'{other}'")).collect();
        if others.is_empty() {
            return outcome;
        }
        self.complain(&format!("Unrecognized key(s) in object: {}", others.join(", ")), complaints);
        match outcome {
            Outcome::Fits(_) | Outcome::Flawed => Outcome::Flawed,
            Outcome::Unfit => Outcome::Unfit,
        }
    }

    fn complain(&mut self, message: &str, complaints: &mut Vec<String>) {
        let complaint = match self.path.as_slice() {
            [] => message.to_owned(),
            path => format!("{message} at \"{}\"", shown(path)),
        };
        self.work += complaint.len();
        complaints.push(complaint);
    }
}

/// Several parts fit together, each with its value, or not.
#[derive(Default)]
struct Parts {
    values: Vec<Value>,
    is_flawed: bool,
    is_unfit: bool,
}

impl Parts {
    fn add(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Fits(value) => self.values.push(value),
            Outcome::Flawed => self.is_flawed = true,
            Outcome::Unfit => self.is_unfit = true,
        }
    }

    fn into_outcome(self, whole: impl FnOnce(Vec<Value>) -> Value) -> Outcome {
        match self {
            Self { is_unfit: true, .. } => Outcome::Unfit,
            Self { is_flawed: true, .. } => Outcome::Flawed,
            Self { values, .. } => Outcome::Fits(whole(values)),
        }
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Nothing, or a text of one line that does not begin with `$`.
fn is_field(key: &str) -> bool {
    let mut chars = key.chars();
    chars.next().is_none_or(|first| !['$', '\n', '\r'].contains(&first))
        && chars.all(|c| !['\n', '\r', '\u{2028}', '\u{2029}'].contains(&c))
}

fn is_operator(key: &str) -> bool {
    key.starts_with('$')
}

fn shown(path: &[Step]) -> String {
    if let [Step::Key(key)] = path {
        return if key.is_empty() { "\"\"".to_owned() } else { key.clone() };
    }
    let mut text = String::new();
    for step in path {
        match step {
            Step::Index(index) => text.push_str(&format!("[{index}]")),
            Step::Key(key) if key.contains('"') => text.push_str(&format!("[\"{}\"]", key.replace('"', "\\\""))),
            Step::Key(key) if !key.chars().any(|c| c == '$' || c == '_' || c.is_alphabetic()) => {
                text.push_str(&format!("[\"{key}\"]"));
            }
            Step::Key(key) => {
                if !text.is_empty() {
                    text.push('.');
                }
                text.push_str(key);
            }
        }
    }
    text
}

#[cfg(test)]
#[path = "predicate_schema_tests.rs"]
mod tests;
