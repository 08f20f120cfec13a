//! The body of a POST or PUT -> JSON of the right form, with the complaints of a Backstage backend: express reads it, and
//! express-openapi-validator (Ajv) checks it.

use aws_lambda_events::apigw::ApiGatewayProxyRequest;
use delivery::api::{ApiError, body_bytes, header};
use serde_json::{Map, Value};

/// Express's default; Backstage's client asks in several requests to stay below.
const MAX_BODY_BYTES: usize = 100 * 1024;

/// What a value must be. Unknown keys of an object are no matter unless it is closed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Form {
    Text,
    Number,
    Texts,
    OneOf(&'static [&'static str]),
    /// Any object.
    Object,
    Fields(&'static Fields),
    List(&'static Fields),
}

/// An object by its keys, in the order in which Backstage's document has them: the first wrong one is complained about.
#[derive(Debug)]
pub(crate) struct Fields {
    pub(crate) required: &'static [&'static str],
    pub(crate) known: &'static [(&'static str, Form)],
    pub(crate) is_closed: bool,
}

/// Whether a request must have a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Presence {
    Required,
    /// Without a content type, nothing is read.
    Optional,
}

/// The object that was sent. An empty body is an empty object. `None`: there is no content type, so no body is read.
///
/// # Errors
/// 400 for another content type, for what is no JSON object, and for one of another form.
pub(crate) fn body(
    request: &ApiGatewayProxyRequest,
    presence: Presence,
    fields: &'static Fields,
) -> Result<Option<Map<String, Value>>, ApiError> {
    let bytes = body_bytes(request)?;
    let content_type = header(request, "content-type").filter(|content_type| !content_type.is_empty());
    if bytes.len() > MAX_BODY_BYTES {
        return Err(ApiError::input("request entity too large"));
    }
    let Some(content_type) = content_type else {
        return match presence {
            Presence::Optional => Ok(None),
            Presence::Required => Err(ApiError::input("unsupported media type undefined")),
        };
    };
    let mut parts = content_type.split(';').map(str::trim);
    if !parts.next().unwrap_or_default().eq_ignore_ascii_case("application/json") {
        return Err(ApiError::input(format!("unsupported media type {content_type}")));
    }
    let charset =
        parts.find_map(|part| part.split_once('=').filter(|(name, _)| name.trim().eq_ignore_ascii_case("charset")));
    if let Some((_, charset)) = charset {
        let charset = charset.trim().trim_matches('"').to_ascii_uppercase();
        if charset != "UTF-8" {
            return Err(ApiError::input(format!("unsupported charset \"{charset}\"")));
        }
    }
    if let Some(coding) = header(request, "content-encoding").filter(|coding| !coding.eq_ignore_ascii_case("identity"))
    {
        return Err(ApiError::input(format!("unsupported content encoding \"{coding}\"")));
    }
    let object = object(&bytes)?;
    check_fields(&object, fields, "request/body")?;
    Ok(Some(object))
}

fn object(bytes: &[u8]) -> Result<Map<String, Value>, ApiError> {
    if bytes.is_empty() {
        return Ok(Map::new());
    }
    let text = std::str::from_utf8(bytes).map_err(|_| ApiError::input("the body is not UTF-8"))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let first = text.trim_start_matches([' ', '\t', '\n', '\r']).chars().next();
    if let Some(first) = first.filter(|first| !['{', '['].contains(first)) {
        let shown: String = text.chars().take(40).collect();
        return Err(ApiError::input(format!("Unexpected token '{first}', \"{shown}\" is not valid JSON")));
    }
    let value: Value =
        serde_json::from_str(text).map_err(|error| ApiError::input(format!("the body is not JSON: {error}")))?;
    if has_nul(&value) {
        return Err(ApiError::input("request/body must not hold the character NUL"));
    }
    match value {
        Value::Object(object) => Ok(object),
        _ => Err(ApiError::input("request/body must be object")),
    }
}

fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(has_nul),
        Value::Object(fields) => fields.iter().any(|(key, value)| key.contains('\0') || has_nul(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

fn check_fields(object: &Map<String, Value>, fields: &Fields, at: &str) -> Result<(), ApiError> {
    if let Some(missing) = fields.required.iter().find(|key| !object.contains_key(**key)) {
        return Err(ApiError::input(format!("{at} must have required property '{missing}'")));
    }
    let is_known = |key: &String| fields.known.iter().any(|(known, _)| known == key);
    if fields.is_closed && !object.keys().all(is_known) {
        return Err(ApiError::input(format!("{at} must NOT have additional properties")));
    }
    for (key, form) in fields.known {
        if let Some(value) = object.get(*key) {
            check(value, *form, &format!("{at}/{key}"))?;
        }
    }
    Ok(())
}

fn check(value: &Value, form: Form, at: &str) -> Result<(), ApiError> {
    let must_be = |what: &str| Err(ApiError::input(format!("{at} must be {what}")));
    match (form, value) {
        (Form::Text, Value::String(_)) | (Form::Number, Value::Number(_)) | (Form::Object, Value::Object(_)) => Ok(()),
        (Form::OneOf(allowed), Value::String(text)) => {
            if allowed.contains(&text.as_str()) {
                return Ok(());
            }
            must_be(&format!("equal to one of the allowed values: {}", allowed.join(", ")))
        }
        (Form::Fields(fields), Value::Object(object)) => check_fields(object, fields, at),
        (Form::Texts, Value::Array(items)) => {
            items.iter().enumerate().try_for_each(|(index, item)| check(item, Form::Text, &format!("{at}/{index}")))
        }
        (Form::List(fields), Value::Array(items)) => items
            .iter()
            .enumerate()
            .try_for_each(|(index, item)| check(item, Form::Fields(fields), &format!("{at}/{index}"))),
        (Form::Text | Form::OneOf(_), _) => must_be("string"),
        (Form::Number, _) => must_be("number"),
        (Form::Texts | Form::List(_), _) => must_be("array"),
        (Form::Object | Form::Fields(_), _) => must_be("object"),
    }
}

/// The texts of a list that was checked to have nothing else.
pub(crate) fn texts<'b>(body: &'b Map<String, Value>, key: &str) -> Option<Vec<&'b str>> {
    body.get(key)?.as_array().map(|items| items.iter().filter_map(Value::as_str).collect())
}

/// A number of rows that was checked to be a number. Backstage counts the whole ones of a broken one.
///
/// # Errors
/// 400 for one below zero, and for one beyond what Backstage's database counts.
pub(crate) fn count(body: &Map<String, Value>, key: &str) -> Result<Option<usize>, ApiError> {
    let Some(number) = body.get(key).and_then(Value::as_f64) else { return Ok(None) };
    crate::parameters::rows(number)
        .map(Some)
        .map_err(|complaint| ApiError::input(format!("request/body/{key} {complaint}")))
}

#[cfg(test)]
#[path = "body_tests.rs"]
mod tests;
