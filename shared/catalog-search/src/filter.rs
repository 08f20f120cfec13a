//! `filter` parameters -> the entities that pass. Grammar: Backstage's `parseEntityFilterParams`.

use crate::docs::DocSet;
use crate::js_text::trim;
use crate::reading::Reading;
use serde::{Deserialize, Serialize};

/// Statements of one request at most: each costs a look-up.
pub const MAX_STATEMENTS: usize = 2_000;

/// Sets of statements: an entity passes when it fulfils all statements of any set. No set at all: every entity passes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Filter {
    sets: Vec<Vec<Statement>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    pub key: String,
    /// One of them must be the value of a row, whatever the case. `None`: a row of the key exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<Vec<String>>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    #[error("Invalid filter, '{0}' is not a valid statement (expected a string on the form a=b or a= or a)")]
    Statement(String),
    #[error("Invalid filter, more than {MAX_STATEMENTS} statements in one request; ask in several requests")]
    TooMany,
}

impl Filter {
    /// Reads all `filter` parameters of a request.
    ///
    /// # Errors
    /// Fails on a statement without a key, and on too many statements. A parameter without statements counts for nothing.
    pub fn parse<'a>(parameters: impl IntoIterator<Item = &'a str>) -> Result<Self, FilterError> {
        let mut sets = Vec::new();
        let mut count = 0;
        for parameter in parameters {
            let mut set: Vec<Statement> = Vec::new();
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
                sets.push(set);
            }
        }
        Ok(Self { sets })
    }

    /// The conjunction of single values, for callers that need no text.
    pub fn of_values(pairs: &[(&str, &str)]) -> Self {
        let mut set = Vec::new();
        for (key, value) in pairs {
            add(&mut set, key, Some(value));
        }
        Self { sets: vec![set] }
    }

    /// A filter that came from outside in another way than by [`Self::parse`].
    pub fn is_within_limits(&self) -> bool {
        let values = |statement: &Statement| statement.values.as_ref().map_or(1, |values| values.len().max(1));
        self.sets.len() <= MAX_STATEMENTS && self.sets.iter().flatten().map(values).sum::<usize>() <= MAX_STATEMENTS
    }

    pub fn is_empty(&self) -> bool {
        self.sets.is_empty()
    }

    pub(crate) fn evaluate(&self, reading: &Reading<'_>) -> DocSet {
        if self.sets.is_empty() {
            return reading.catalog.all().clone();
        }
        let mut passed = DocSet::default();
        for set in &self.sets {
            let mut all: Option<DocSet> = None;
            for statement in set {
                let fulfilled = statement.evaluate(reading);
                match &mut all {
                    Some(all) => all.intersect_with(&fulfilled),
                    None => all = Some(fulfilled),
                }
            }
            passed.union_with(&all.unwrap_or_default());
        }
        passed
    }
}

/// A key that is repeated in the same spelling takes any of its values; with a value, its bare form counts for nothing.
fn add(set: &mut Vec<Statement>, key: &str, value: Option<&str>) {
    let at = set.iter().position(|statement| statement.key == key).unwrap_or_else(|| {
        set.push(Statement { key: key.to_owned(), values: None });
        set.len() - 1
    });
    if let Some(value) = value {
        set[at].values.get_or_insert_default().push(value.to_owned());
    }
}

impl Statement {
    fn evaluate(&self, reading: &Reading<'_>) -> DocSet {
        let key = self.key.to_lowercase();
        let Some(values) = &self.values else { return reading.exists(&key) };
        let mut any = DocSet::default();
        for value in values {
            any.union_with(&reading.equal(&key, &value.to_lowercase()));
        }
        any
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(parameters: &[&str]) -> String {
        serde_json::to_string(&Filter::parse(parameters.iter().copied()).unwrap()).unwrap()
    }

    #[test]
    fn parameters_are_alternatives_and_statements_must_all_hold() {
        assert_eq!(
            shown(&["kind=a, Kind=c ,kind=b,spec.type", "x= y=z ,,", " , "]),
            concat!(
                r#"[[{"key":"kind","values":["a","b"]},{"key":"Kind","values":["c"]},{"key":"spec.type"}],"#,
                r#"[{"key":"x","values":["y=z"]}]]"#
            )
        );
        assert_eq!(shown(&["kind,kind=a", "e="]), r#"[[{"key":"kind","values":["a"]}],[{"key":"e","values":[""]}]]"#);
        assert_eq!(shown(&[","]), "[]");
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
