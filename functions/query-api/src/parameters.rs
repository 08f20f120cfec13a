//! Query parameters -> checked values, with the complaints of a Backstage backend (express-openapi-validator).

use aws_lambda_events::apigw::ApiGatewayProxyRequest;
use delivery::api::{ApiError, query_all, query_names};

/// Rows that a number can ask for: what Backstage's database takes.
const MAX_ROWS: f64 = 9_223_372_036_854_775_807.0;

/// What a parameter must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    /// May repeat.
    Texts,
    /// A number of rows.
    Count,
    OneOf(&'static [&'static str]),
}

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
            let base = base_name(name);
            if !known.contains(&base) {
                return Err(ApiError::input(format!("Unknown query parameter '{base}'")));
            }
            let values = query_all(request, name);
            if name == base && values == [""] {
                return Err(ApiError::input(format!("Empty value found for query parameter '{name}'")));
            }
            if values.iter().any(|value| value.contains('\0')) {
                return Err(ApiError::input(format!("request/query/{base} must not hold the character NUL")));
            }
        }
        Ok(Self { request })
    }

    /// Checks the kinds as well, in the order of `known`.
    ///
    /// # Errors
    /// As [`Self::check`], and 400 for a value of another kind.
    pub(crate) fn typed(request: &'r ApiGatewayProxyRequest, known: &[(&str, Kind)]) -> Result<Self, ApiError> {
        let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
        let parameters = Self::check(request, &names)?;
        for (name, kind) in known {
            match kind {
                Kind::Text => drop(parameters.one(name)?),
                Kind::Texts => parameters.check_texts(name)?,
                Kind::Count => drop(parameters.count(name)?),
                Kind::OneOf(allowed) => {
                    if parameters.one(name)?.is_some_and(|value| !allowed.contains(&value)) {
                        return Err(ApiError::input(format!(
                            "request/query/{name} must be equal to one of the allowed values: {}",
                            allowed.join(", ")
                        )));
                    }
                }
            }
        }
        Ok(parameters)
    }

    /// All values; `name[]` and `name[0]` are other spellings of `name`.
    pub(crate) fn all(&self, name: &str) -> Vec<&'r str> {
        let mut values = Vec::new();
        let (plain, spelled): (Vec<&str>, Vec<&str>) = query_names(self.request)
            .into_iter()
            .filter(|spelled| base_name(spelled) == name)
            .partition(|spelled| *spelled == name);
        for spelled in spelled.into_iter().chain(plain) {
            values.extend(query_all(self.request, spelled));
        }
        values
    }

    /// # Errors
    /// 400 if it is given more than once.
    pub(crate) fn one(&self, name: &str) -> Result<Option<&'r str>, ApiError> {
        match self.all(name).as_slice() {
            [] => Ok(None),
            [value] if !self.is_list(name) => Ok(Some(value)),
            _ => Err(ApiError::input(format!("request/query/{name} must be string"))),
        }
    }

    /// # Errors
    /// 400 if it is not there, or more than once.
    pub(crate) fn required(&self, name: &str) -> Result<&'r str, ApiError> {
        self.one(name)?.ok_or_else(|| missing(name))
    }

    /// A number of rows, 0 or more, in any spelling that JavaScript reads as a whole number.
    ///
    /// # Errors
    /// 400 for anything else.
    pub(crate) fn count(&self, name: &str) -> Result<Option<usize>, ApiError> {
        let not_integer = || ApiError::input(format!("request/query/{name} must be integer"));
        let values = self.all(name);
        let [value] = values.as_slice() else {
            return if values.is_empty() { Ok(None) } else { Err(not_integer()) };
        };
        let number = number(value).filter(|number| number.is_infinite() || number.trunc() == *number);
        let number = number.filter(|_| !self.is_list(name)).ok_or_else(not_integer)?;
        rows(number).map(Some).map_err(|complaint| ApiError::input(format!("request/query/{name} {complaint}")))
    }

    fn is_list(&self, name: &str) -> bool {
        query_names(self.request).into_iter().any(|spelled| spelled != name && base_name(spelled) == name)
    }

    fn check_texts(&self, name: &str) -> Result<(), ApiError> {
        let is_object = |spelled: &str| {
            spelled.strip_prefix(name).is_some_and(|index| {
                !index.is_empty() && !index[1..].trim_end_matches(']').bytes().all(|byte| byte.is_ascii_digit())
            })
        };
        let mut names = query_names(self.request).into_iter().filter(|spelled| base_name(spelled) == name);
        if names.any(is_object) {
            return Err(ApiError::input(format!("request/query/{name}/0 must be string")));
        }
        Ok(())
    }
}

pub(crate) fn missing(name: &str) -> ApiError {
    ApiError::input(format!("request/query must have required property '{name}'"))
}

/// `filter[]` and `filter[a]` are values of `filter`.
fn base_name(name: &str) -> &str {
    match name.find('[') {
        Some(at) if at > 0 && name.ends_with(']') => &name[..at],
        _ => name,
    }
}

/// A number that JSON or JavaScript read, as a number of rows.
pub(crate) fn rows(number: f64) -> Result<usize, &'static str> {
    if number < 0.0 {
        return Err("must be >= 0");
    }
    if number.is_finite() && number >= MAX_ROWS {
        return Err("must be <= 9223372036854775807");
    }
    // More than any catalog has is all of it.
    Ok(format!("{:.0}", number.trunc()).parse().unwrap_or(usize::MAX))
}

/// JavaScript's `Number(text)`. `None`: not a number.
fn number(text: &str) -> Option<f64> {
    let text = text.trim();
    let digits = |base: u32, digits: &str| {
        let only_digits = !digits.is_empty() && digits.chars().all(|c| c.is_digit(base));
        only_digits.then(|| {
            u64::from_str_radix(digits, base).map_or(f64::MAX, |value| value.to_string().parse().unwrap_or(f64::MAX))
        })
    };
    match text.get(..2).map(str::to_ascii_lowercase).as_deref() {
        Some("0x") => return digits(16, &text[2..]),
        Some("0o") => return digits(8, &text[2..]),
        Some("0b") => return digits(2, &text[2..]),
        _ => {}
    }
    match text {
        "" => Some(0.0),
        "Infinity" | "+Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        // Rust reads some words that JavaScript does not.
        _ if text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte)) => text.parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn request(parameters: &Value) -> ApiGatewayProxyRequest {
        serde_json::from_value(json!({
            "httpMethod": "GET", "path": "/", "headers": {}, "requestContext": {"httpMethod": "GET"},
            "multiValueQueryStringParameters": parameters,
        }))
        .unwrap()
    }

    const KNOWN: &[(&str, Kind)] =
        &[("limit", Kind::Count), ("filter", Kind::Texts), ("cursor", Kind::Text), ("mode", Kind::OneOf(&["a", "b"]))];

    #[test]
    fn a_count_is_any_whole_number_of_javascript() {
        for (text, rows) in [
            ("10", Some(10)),
            ("0x10", Some(16)),
            ("1e1", Some(10)),
            (" 1", Some(1)),
            (" ", Some(0)),
            ("1.0", Some(1)),
            ("1e400", Some(usize::MAX)),
            ("1.5", None),
            ("abc", None),
            ("inf", None),
            ("NaN", None),
            ("1:2", None),
            ("-1", None),
            ("99999999999999999999", None),
        ] {
            let request = request(&json!({"limit": [text]}));
            let read = Parameters::check(&request, &["limit"]).unwrap().count("limit");
            assert_eq!(read.ok().flatten(), rows, "{text}");
        }
    }

    #[test]
    fn the_first_wrong_parameter_is_named_in_backstages_words() {
        for (parameters, complaint) in [
            (json!({"limit": ["x"], "zz": ["1"]}), "Unknown query parameter 'zz'"),
            (json!({"zz[a]": ["1"]}), "Unknown query parameter 'zz'"),
            (json!({"cursor": [""]}), "Empty value found for query parameter 'cursor'"),
            (json!({"cursor": ["a", "b"], "limit": ["x"]}), "request/query/limit must be integer"),
            (json!({"limit": ["1", "2"]}), "request/query/limit must be integer"),
            (json!({"limit": ["-1"]}), "request/query/limit must be >= 0"),
            (json!({"cursor": ["a", "b"]}), "request/query/cursor must be string"),
            (json!({"filter[a]": ["b"]}), "request/query/filter/0 must be string"),
            (json!({"mode": ["c"]}), "request/query/mode must be equal to one of the allowed values: a, b"),
            (json!({"mode": ["a", "b"]}), "request/query/mode must be string"),
            (json!({"filter": ["a\u{0}"]}), "request/query/filter must not hold the character NUL"),
        ] {
            assert_eq!(Parameters::typed(&request(&parameters), KNOWN).unwrap_err().message, complaint);
        }
        let request = request(&json!({"filter[]": ["a"], "filter[0]": ["b"], "filter": ["c", ""]}));
        let parameters = Parameters::typed(&request, KNOWN).unwrap();
        assert_eq!(parameters.all("filter"), ["b", "a", "c", ""]);
    }
}
