//! What is asked for -> an expression of Config's query language.

use crate::AggregatorError;

/// All that an item is made of. `SELECT *` would give the scalars alone.
const FIELDS: &str = "accountId, arn, availabilityZone, awsRegion, configurationItemCaptureTime, \
     configurationItemStatus, configurationStateId, resourceCreationTime, resourceId, resourceName, resourceType, \
     version, configuration, relationships, supplementaryConfiguration, tags";

/// Longest type that CloudFormation registers.
const MAX_TYPE_CHARS: usize = 204;

/// The items of an account, of all types or of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scope<'a> {
    /// Up to 12 digits.
    pub account: &'a str,
    /// `AWS::S3::Bucket`
    pub resource_type: Option<&'a str>,
}

impl Scope<'_> {
    /// Below the 4,096 characters that Config takes.
    ///
    /// # Errors
    /// [`AggregatorError::Scope`] for an account or a type outside its grammar: nothing is ever quoted into a query.
    pub(crate) fn expression(&self) -> Result<String, AggregatorError> {
        let Self { account, resource_type } = self;
        check_account(account)?;
        let mut expression = format!("SELECT {FIELDS} WHERE accountId = '{account}'");
        if let Some(resource_type) = resource_type {
            check_type(resource_type)?;
            expression.push_str(&format!(" AND resourceType = '{resource_type}'"));
        }
        Ok(expression)
    }
}

pub(crate) fn check_account(account: &str) -> Result<(), AggregatorError> {
    let is_account = (1..=12).contains(&account.len()) && account.bytes().all(|byte| byte.is_ascii_digit());
    is_account.then_some(()).ok_or_else(|| AggregatorError::Scope { what: "account", found: account.to_owned() })
}

fn check_type(resource_type: &str) -> Result<(), AggregatorError> {
    let is_type = (1..=MAX_TYPE_CHARS).contains(&resource_type.len())
        && resource_type.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b':');
    is_type.then_some(()).ok_or_else(|| AggregatorError::Scope { what: "type", found: resource_type.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_of_an_item_is_named_in_an_expression_that_fits() {
        let scope = Scope { account: "111122223333", resource_type: Some("AWS::S3::Bucket") };
        let expression = scope.expression().unwrap();
        assert!(expression.len() < 4096);
        assert!(expression.ends_with(" WHERE accountId = '111122223333' AND resourceType = 'AWS::S3::Bucket'"));
        for field in ["configuration,", "supplementaryConfiguration,", "relationships,", "tags WHERE"] {
            assert!(expression.contains(field), "{field}");
        }
    }

    #[test]
    fn what_is_no_account_or_type_is_not_put_into_a_query() {
        for (account, resource_type) in [
            ("", None),
            ("1111222233334", None),
            ("1' OR accountId = '2", None),
            ("111122223333", Some("AWS::S3::Bucket' OR resourceId LIKE '%")),
            ("111122223333", Some("")),
        ] {
            assert!(Scope { account, resource_type }.expression().is_err(), "{account} {resource_type:?}");
        }
    }
}
