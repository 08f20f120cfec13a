//! `/locations` and `/analyze-location`. Nothing is registered here by hand: what there is came by exports and events, so
//! the list of locations is empty, and who wants to add one is told where to.

use std::sync::Arc;

use aws_lambda_events::apigw::ApiGatewayProxyRequest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use catalog_search::Predicate;
use delivery::api::ApiError;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use url::Url;

use super::{find, of_checked};
use crate::answers::{self, Answer, unavailable};
use crate::body::{self, Fields, Form, Presence};
use crate::handler::Deps;
use crate::parameters::{Kind, Parameters};

const INSTEAD: &str = "locations are not registered in this catalog; send the file itself: PUT /api/exports/{producer}/catalog-info/{name} \
     with its text as the body, or drop it at exports/{producer}/catalog-info/{name} in the drop bucket";

const MANAGED_BY: &str = "backstage.io/managed-by-location";

const LOCATION: Fields =
    Fields { required: &["target", "type"], known: &[("target", Form::Text), ("type", Form::Text)], is_closed: false };
const LOCATION_INPUT: Fields =
    Fields { required: &["type", "target"], known: &[("type", Form::Text), ("target", Form::Text)], is_closed: true };
const ANALYZE: Fields = Fields {
    required: &["location"],
    known: &[("catalogFileName", Form::Text), ("location", Form::Fields(&LOCATION_INPUT))],
    is_closed: false,
};
const QUERY: Fields = Fields {
    required: &[],
    known: &[("cursor", Form::Text), ("limit", Form::Number), ("query", Form::Object)],
    is_closed: false,
};

pub(crate) fn locations(request: &ApiGatewayProxyRequest) -> Result<Answer, ApiError> {
    Parameters::check(request, &[])?;
    Ok(answers::json_text("[]".to_owned()))
}

pub(crate) fn locations_by_query(request: &ApiGatewayProxyRequest) -> Result<Answer, ApiError> {
    Parameters::check(request, &[])?;
    let body = body::body(request, Presence::Optional, &QUERY)?.unwrap_or_default();
    match body.get("cursor").and_then(Value::as_str) {
        Some("") => return Err(ApiError::input("Cursor cannot be empty")),
        Some(cursor) => check_cursor(cursor)?,
        None if body.get("limit").is_some_and(|limit| !is_positive(limit)) => {
            return Err(ApiError::input("Limit must be a positive integer >= 1"));
        }
        None => {}
    }
    if let Some(query) = body.get("query") {
        let checked =
            Predicate::check(query, &[]).map_err(|error| ApiError::input(format!("Invalid query: {error}")))?;
        of_checked(&checked).map_err(|_| ApiError::input("Invalid filter predicate, expected an object"))?;
    }
    Ok(answers::json_text(r#"{"items":[],"totalItems":0,"pageInfo":{}}"#.to_owned()))
}

fn is_positive(limit: &Value) -> bool {
    let whole = limit.as_u64().or_else(|| limit.as_f64()?.to_string().parse().ok());
    whole.is_some_and(|limit| limit >= 1)
}

/// There is never a next page, so nobody has a cursor of ours; Backstage's are no secret, and lead nowhere.
fn check_cursor(cursor: &str) -> Result<(), ApiError> {
    let unknown = || ApiError::input("Malformed cursor, unknown encoding");
    let bytes = STANDARD_NO_PAD.decode(cursor.trim_end_matches('=')).map_err(|_| unknown())?;
    let cursor: Value = serde_json::from_slice(&bytes).map_err(|_| unknown())?;
    match cursor.get("limit") {
        Some(limit) if is_positive(limit) => Ok(()),
        Some(_) => Err(ApiError::input("Malformed cursor: Validation error: Expected a positive integer at \"limit\"")),
        None => Err(ApiError::input("Malformed cursor: Validation error: Required at \"limit\"")),
    }
}

/// GET, PUT and DELETE: there is no location, so none has this id.
pub(crate) fn location_by_id(request: &ApiGatewayProxyRequest, id: &str) -> Result<Answer, ApiError> {
    Parameters::check(request, &[])?;
    if request.http_method.as_str() == "PUT" {
        let _checked = body::body(request, Presence::Required, &LOCATION_INPUT)?;
    }
    if !is_uuid(id) {
        return Err(ApiError::input(format!("request/params/id must be a UUID, and `{id}` is none")));
    }
    Err(ApiError::not_found(format!("Found no location with ID {id}")))
}

pub(crate) async fn location_by_entity(
    request: &ApiGatewayProxyRequest,
    triplet: &[String; 3],
    deps: &Arc<Deps>,
    now: Timestamp,
) -> Result<Answer, ApiError> {
    Parameters::check(request, &[])?;
    let entity_ref = super::by_name::entity_ref(triplet);
    let found = find(&entity_ref, deps, now).await.map_err(unavailable)?;
    let entity = found.filter(|found| found.stitched.existence.exists()).map(|found| found.stitched.entity());
    let entity = entity.ok_or_else(|| ApiError::not_found(format!("found no entity for ref {entity_ref}")))?;
    let location = entity["metadata"]["annotations"][MANAGED_BY].as_str().and_then(|location| location.split_once(':'));
    Err(ApiError::not_found(match location {
        Some((location_type, target)) => format!("Found no location with type {location_type} and target {target}"),
        None => format!("entity {entity_ref} names no location"),
    }))
}

pub(crate) fn add_location(request: &ApiGatewayProxyRequest) -> Result<Answer, ApiError> {
    Parameters::typed(request, &[("dryRun", Kind::Text), ("onConflict", Kind::OneOf(&["refresh", "reject"]))])?;
    let body = body::body(request, Presence::Required, &LOCATION)?.unwrap_or_default();
    check_strictly(&body)?;
    if body["type"] != "url" {
        return Err(ApiError::input("Registered locations must be of an allowed type [\"url\"]"));
    }
    if body["target"] == "" {
        return Err(ApiError::input(
            "TypeError: Unable to parse location ref 'url:', expected '<type>:<target>', e.g. 'url:https://host/path'",
        ));
    }
    Err(ApiError::not_implemented(INSTEAD))
}

pub(crate) fn analyze_location(request: &ApiGatewayProxyRequest) -> Result<Answer, ApiError> {
    Parameters::check(request, &[])?;
    let body = body::body(request, Presence::Required, &ANALYZE)?.unwrap_or_default();
    if body.get("catalogFilename").is_some_and(|name| !name.is_string()) {
        return Err(ApiError::input("Malformed request: catalogFilename must be a text"));
    }
    let target = body["location"]["target"].as_str().unwrap_or_default();
    if Url::parse(target).is_err() {
        return Err(ApiError::input("The given location.target is not a URL"));
    }
    Err(ApiError::not_implemented(INSTEAD))
}

/// What Backstage's second look at a location refuses, in the words of Zod.
fn check_strictly(body: &Map<String, Value>) -> Result<(), ApiError> {
    let unknown: Vec<&String> =
        body.keys().filter(|key| !["type", "target", "presence"].contains(&key.as_str())).collect();
    if body.get("presence").is_some_and(|presence| presence != "required" && presence != "optional") {
        return Err(ApiError::input("Malformed request: presence must be \"required\" or \"optional\""));
    }
    if unknown.is_empty() {
        return Ok(());
    }
    let quoted: Vec<String> = unknown.iter().map(|key| format!("'{key}'")).collect();
    let keys: Vec<String> = unknown.iter().map(|key| format!("      {}", json!(key))).collect();
    let message = json!(format!("Unrecognized key(s) in object: {}", quoted.join(", ")));
    Err(ApiError::input(format!(
        "Malformed request: [\n  {{\n    \"code\": \"unrecognized_keys\",\n    \"keys\": [\n{}\n    ],\n    \"path\": [],\n    \
         \"message\": {message}\n  }}\n]",
        keys.join(",\n")
    )))
}

/// What PostgreSQL reads as a UUID: 32 digits, with or without hyphens between groups of four, with or without braces.
fn is_uuid(text: &str) -> bool {
    let inner = text.strip_prefix('{').map_or(Some(text), |rest| rest.strip_suffix('}'));
    let Some(inner) = inner else { return false };
    let mut digits = 0;
    let mut was_hyphen = true;
    for byte in inner.bytes() {
        match byte {
            b'-' if !was_hyphen && digits % 4 == 0 && digits < 32 => was_hyphen = true,
            _ if byte.is_ascii_hexdigit() => {
                digits += 1;
                was_hyphen = false;
            }
            _ => return false,
        }
    }
    digits == 32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_what_postgresql_takes_for_one() {
        for (text, is_one) in [
            ("11111111-1111-1111-1111-11111111111A", true),
            ("111111111111111111111111111111aa", true),
            ("{11111111-1111-1111-1111-111111111111}", true),
            ("1111-1111-1111-1111-1111-1111-1111-1111", true),
            ("11111111--1111-1111-1111-11111111111", false),
            ("11111111-1111-1111-1111-1111111111111", false),
            ("{11111111-1111-1111-1111-111111111111", false),
            ("by-query", false),
            ("", false),
        ] {
            assert_eq!(is_uuid(text), is_one, "{text}");
        }
    }
}
