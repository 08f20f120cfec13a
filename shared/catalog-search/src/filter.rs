//! Which entities are asked for, by `filter` parameters or by a predicate: both become a predicate, as in Backstage.
//! Grammar of the parameters: Backstage's `parseEntityFilterParams`.

use serde::{Deserialize, Serialize};

use crate::docs::DocSet;
use crate::js_text::trim;
use crate::predicate::{Condition, Predicate, Primitive};
use crate::reading::Reading;

/// Statements of one request at most: each costs a look-up.
pub const MAX_STATEMENTS: usize = 2_000;

/// No predicate: every entity passes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Filter {
    predicate: Option<Predicate>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    #[error("Invalid filter, '{0}' is not a valid statement (expected a string on the form a=b or a= or a)")]
    Statement(String),
    #[error("Invalid filter, more than {MAX_STATEMENTS} statements in one request; ask in several requests")]
    TooMany,
}

impl Filter {
    /// Reads all `filter` parameters of a request: an entity passes when it fulfils all statements of any of them.
    ///
    /// # Errors
    /// Fails on a statement without a key, and on too many statements. A parameter without statements counts for nothing.
    pub fn parse<'a>(parameters: impl IntoIterator<Item = &'a str>) -> Result<Self, FilterError> {
        let mut sets = Vec::new();
        let mut count = 0;
        for parameter in parameters {
            let mut set: Vec<Statement<'a>> = Vec::new();
            for text in parameter.split(',').map(trim).filter(|text| !text.is_empty()) {
                count += 1;
                if count > MAX_STATEMENTS {
                    return Err(FilterError::TooMany);
                }
                let (key, value) = match text.split_once('=') {
                    Some((key, value)) => (trim(key), Some(trim(value))),
                    None => (text, None),
                };
                if key.is_empty() {
                    return Err(FilterError::Statement(text.to_owned()));
                }
                add(&mut set, key, value);
            }
            if !set.is_empty() {
                let statements = set.into_iter().map(Statement::into_predicate).collect();
                sets.push(one_or(statements, Predicate::All));
            }
        }
        Ok(Self { predicate: (!sets.is_empty()).then(|| one_or(sets, Predicate::Any)) })
    }

    pub fn of(predicate: Predicate) -> Self {
        Self { predicate: Some(predicate) }
    }

    /// The conjunction of single values, for callers that need no text.
    pub fn of_values(pairs: &[(&str, &str)]) -> Self {
        let is = |(key, value): &(&str, &str)| {
            Predicate::Fields(vec![((*key).to_owned(), Condition::Is(Primitive::Text((*value).to_owned())))])
        };
        Self::of(Predicate::All(pairs.iter().map(is).collect()))
    }

    /// Both must hold.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self.predicate, other.predicate) {
            (Some(one), Some(other)) => Self::of(Predicate::All(vec![one, other])),
            (one, other) => Self { predicate: one.or(other) },
        }
    }

    pub fn predicate(&self) -> Option<&Predicate> {
        self.predicate.as_ref()
    }

    pub fn is_empty(&self) -> bool {
        self.predicate.is_none()
    }

    pub(crate) fn evaluate(&self, reading: &Reading<'_>) -> DocSet {
        self.predicate.as_ref().map_or_else(|| reading.catalog.all().clone(), |predicate| predicate.evaluate(reading))
    }
}

/// A key of one parameter. `values`: one of them must be the value of a row; none given: a row of the key exists.
struct Statement<'a> {
    key: &'a str,
    values: Vec<&'a str>,
}

impl Statement<'_> {
    fn into_predicate(self) -> Predicate {
        let mut values: Vec<Primitive> = self.values.into_iter().map(|text| Primitive::Text(text.to_owned())).collect();
        let condition = match values.len() {
            0 => Condition::Exists(true),
            1 => Condition::Is(values.remove(0)),
            _ => Condition::IsOneOf(values),
        };
        Predicate::Fields(vec![(self.key.to_owned(), condition)])
    }
}

/// A key that is repeated in the same spelling takes any of its values; with a value, its bare form counts for nothing.
fn add<'a>(set: &mut Vec<Statement<'a>>, key: &'a str, value: Option<&'a str>) {
    let at = set.iter().position(|statement| statement.key == key).unwrap_or_else(|| {
        set.push(Statement { key, values: Vec::new() });
        set.len() - 1
    });
    set[at].values.extend(value);
}

fn one_or(mut parts: Vec<Predicate>, several: fn(Vec<Predicate>) -> Predicate) -> Predicate {
    if parts.len() == 1 { parts.remove(0) } else { several(parts) }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn shown(parameters: &[&str]) -> Value {
        json!(Filter::parse(parameters.iter().copied()).unwrap())
    }

    #[test]
    fn parameters_are_alternatives_and_statements_must_all_hold() {
        assert_eq!(
            shown(&["kind=a, Kind=c ,kind=b,spec.type", "x= y=z ,,", " , "]),
            json!({"$any": [
                {"$all": [{"kind": {"$in": ["a", "b"]}}, {"Kind": "c"}, {"spec.type": {"$exists": true}}]},
                {"x": "y=z"},
            ]})
        );
        assert_eq!(shown(&["kind,kind=a", "e="]), json!({"$any": [{"kind": "a"}, {"e": ""}]}));
        assert_eq!(shown(&["kind=component"]), json!({"kind": "component"}));
        assert_eq!(shown(&[","]), Value::Null);
    }

    #[test]
    fn a_statement_without_a_key_is_refused_in_backstages_words() {
        assert_eq!(
            Filter::parse(["a=b, =x"]).unwrap_err().to_string(),
            "Invalid filter, '=x' is not a valid statement (expected a string on the form a=b or a= or a)"
        );
        let many = vec!["a"; MAX_STATEMENTS + 1].join(",");
        assert_eq!(Filter::parse([many.as_str()]), Err(FilterError::TooMany));
    }
}
