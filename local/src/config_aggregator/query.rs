//! The part of Config's query language that is spoken here: `SELECT a, b WHERE c = 'x' AND d = 'y'`.
//! <https://docs.aws.amazon.com/config/latest/developerguide/query-components.html>

use serde_json::{Map, Value};

/// What a query may name.
const FIELDS: &[&str] = &[
    "accountId",
    "arn",
    "availabilityZone",
    "awsRegion",
    "configuration",
    "configurationItemCaptureTime",
    "configurationItemStatus",
    "configurationStateId",
    "relationships",
    "resourceCreationTime",
    "resourceId",
    "resourceName",
    "resourceType",
    "supplementaryConfiguration",
    "tags",
    "version",
];

/// Config's limit.
const MAX_EXPRESSION_CHARS: usize = 4096;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Query {
    fields: Vec<String>,
    /// Field, value.
    conditions: Vec<(String, String)>,
}

impl Query {
    /// # Errors
    /// Says which part is not understood.
    pub(super) fn parse(expression: &str) -> Result<Self, String> {
        if expression.is_empty() || expression.chars().count() > MAX_EXPRESSION_CHARS {
            return Err(format!("an expression has 1 to {MAX_EXPRESSION_CHARS} characters"));
        }
        let rest = expression.trim().strip_prefix("SELECT ").ok_or("an expression begins with SELECT")?;
        let (fields, conditions) = match rest.split_once(" WHERE ") {
            Some((fields, conditions)) => (fields, conditions.split(" AND ").map(condition).collect::<Result<_, _>>()?),
            None => (rest, Vec::new()),
        };
        let fields = fields.split(',').map(|name| known(name.trim())).collect::<Result<_, _>>()?;
        Ok(Self { fields, conditions })
    }

    pub(super) fn matches(&self, item: &Value) -> bool {
        self.conditions.iter().all(|(field, value)| item.get(field).and_then(Value::as_str) == Some(value))
    }

    /// The fields that are named and there.
    pub(super) fn project(&self, item: &Value) -> Map<String, Value> {
        let named = self.fields.iter().filter_map(|name| Some((name.clone(), item.get(name)?.clone())));
        named.collect()
    }
}

fn known(name: &str) -> Result<String, String> {
    FIELDS
        .iter()
        .find(|field| **field == name)
        .map(|field| (*field).to_owned())
        .ok_or(format!("`{name}` is no property"))
}

fn condition(text: &str) -> Result<(String, String), String> {
    let (field, value) = text.split_once('=').ok_or(format!("`{text}` is no comparison"))?;
    let quoted = value.trim().strip_prefix('\'').and_then(|value| value.strip_suffix('\''));
    let value = quoted.filter(|value| !value.contains('\'')).ok_or(format!("{value} is no text in quotes"))?;
    Ok((known(field.trim())?, value.to_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_query_picks_items_and_fields() {
        let query =
            Query::parse("SELECT arn, tags WHERE accountId = '1' AND resourceType = 'AWS::S3::Bucket'").unwrap();
        let item = json!({"accountId": "1", "resourceType": "AWS::S3::Bucket", "arn": "a", "resourceId": "b"});
        assert!(query.matches(&item));
        assert!(!query.matches(&json!({"accountId": "2", "resourceType": "AWS::S3::Bucket"})));
        assert_eq!(Value::Object(query.project(&item)), json!({"arn": "a"}));
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        let long = format!("SELECT arn WHERE arn = '{}'", "x".repeat(4096));
        for expression in [
            "",
            "DELETE arn",
            "SELECT password",
            "SELECT arn WHERE arn LIKE 'x'",
            "SELECT arn WHERE arn = 'a' OR '1'",
            &long,
        ] {
            assert!(Query::parse(expression).is_err(), "{expression}");
        }
    }
}
