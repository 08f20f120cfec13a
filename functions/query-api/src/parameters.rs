//! Query parameters -> checked values, with the complaints of a Backstage backend (express-openapi-validator).

use aws_lambda_events::apigw::ApiGatewayProxyRequest;
use delivery::api::{ApiError, query_all, query_names};

/// The parameters of one request, all of them known to the route.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parameters<'r> {
    request: &'r ApiGatewayProxyRequest,
}

impl<'r> Parameters<'r> {
    /// # Errors
    /// 400 for a parameter that is not in `known`, and for one that is given once and empty.
    pub(crate) fn check(request: &'r ApiGatewayProxyRequest, known: &[&str]) -> Result<Self, ApiError> {
        for name in query_names(request) {
            if !known.contains(&name.strip_suffix("[]").unwrap_or(name)) {
                return Err(ApiError::input(format!("Unknown query parameter '{name}'")));
            }
            if query_all(request, name) == [""] {
                return Err(ApiError::input(format!("Empty value found for query parameter '{name}'")));
            }
        }
        Ok(Self { request })
    }

    /// All values; `name[]` is another spelling of `name`.
    pub(crate) fn all(&self, name: &str) -> Vec<&'r str> {
        let mut values = query_all(self.request, name);
        values.extend(query_all(self.request, &format!("{name}[]")));
        values
    }

    /// # Errors
    /// 400 if it is given more than once.
    pub(crate) fn one(&self, name: &str) -> Result<Option<&'r str>, ApiError> {
        match self.all(name).as_slice() {
            [] => Ok(None),
            [value] => Ok(Some(value)),
            _ => Err(ApiError::input(format!("request/query/{name} must be string"))),
        }
    }

    /// # Errors
    /// 400 if it is not there, or more than once.
    pub(crate) fn required(&self, name: &str) -> Result<&'r str, ApiError> {
        self.one(name)?.ok_or_else(|| missing(name))
    }

    /// A whole number, in decimal or in hexadecimal with `0x`.
    ///
    /// # Errors
    /// 400 for anything else, and for more than one value.
    pub(crate) fn integer(&self, name: &str) -> Result<Option<i64>, ApiError> {
        let values = self.all(name);
        let [value] = values.as_slice() else {
            return if values.is_empty() { Ok(None) } else { Err(not_an_integer(name)) };
        };
        integer(value).map(Some).ok_or_else(|| not_an_integer(name))
    }

    /// A number of rows, 0 or more.
    ///
    /// # Errors
    /// 400 for anything else.
    pub(crate) fn count(&self, name: &str) -> Result<Option<usize>, ApiError> {
        let negative = |_| ApiError::input(format!("request/query/{name} must be >= 0"));
        self.integer(name)?.map(usize::try_from).transpose().map_err(negative)
    }
}

pub(crate) fn missing(name: &str) -> ApiError {
    ApiError::input(format!("request/query must have required property '{name}'"))
}

fn not_an_integer(name: &str) -> ApiError {
    ApiError::input(format!("request/query/{name} must be integer"))
}

fn integer(text: &str) -> Option<i64> {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_hexdigit()) => i64::from_str_radix(digits, 16).ok(),
        Some(_) => None,
        None => text.parse().ok(),
    }
}
