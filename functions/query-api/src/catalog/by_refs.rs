//! `POST /entities/by-refs`: entities by reference, in the order asked for, `null` where there is none.

use aws_lambda_events::apigw::{ApiGatewayProxyRequest, ApiGatewayProxyResponse};
use catalog_model::{EntityRef, Identity, Key};
use delivery::api::{ApiError, body_bytes, header};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{filter, projection, rendered};
use crate::answers::{self, unavailable};
use crate::handler::Deps;
use crate::live::whole;
use crate::parameters::Parameters;

/// Backstage's client asks for at most a thousand at once.
const MAX_REFS: usize = 10_000;

pub(crate) async fn by_refs(
    request: &ApiGatewayProxyRequest,
    deps: &Deps,
    now: Timestamp,
) -> Result<ApiGatewayProxyResponse, ApiError> {
    let parameters = Parameters::check(request, &["filter"])?;
    let body = json_body(request)?;
    let refs = texts(&body, "entityRefs")?
        .ok_or_else(|| ApiError::input("request/body must have required property 'entityRefs'"))?;
    let fields = texts(&body, "fields")?.unwrap_or_default();
    if body.get("query").is_some() {
        return Err(ApiError::not_implemented("predicate queries are not answered; use the parameter `filter`"));
    }
    if refs.len() > MAX_REFS {
        return Err(ApiError::input(format!("request/body/entityRefs must NOT have more than {MAX_REFS} items")));
    }
    let filter = filter(&parameters)?;
    let projection = projection(fields)?;

    deps.live.follow(now).await.map_err(unavailable)?;
    let identities: Vec<Option<Identity>> = {
        let catalog = deps.live.read().await;
        let of = |text: &&str| whole(catalog.identity_of(&canonical(text)?));
        let mut identities: Vec<Option<Identity>> = refs.iter().map(of).collect();
        if !filter.is_empty() {
            let passing = whole(catalog.passing(&filter, identities.iter().flatten()));
            let mut passing = passing.into_iter();
            identities.iter_mut().filter(|identity| identity.is_some()).for_each(|identity| {
                if passing.next() != Some(true) {
                    *identity = None;
                }
            });
        }
        identities
    };
    let asked: Vec<Identity> = identities.iter().flatten().cloned().collect();
    let mut found = rendered(&asked, projection.as_ref(), deps).await?.into_iter();
    let items: Vec<String> = identities
        .iter()
        .map(|identity| identity.as_ref().and_then(|_| found.next().flatten()).unwrap_or_else(|| "null".to_owned()))
        .collect();
    answers::json_text(format!(r#"{{"items":[{}]}}"#, items.join(",")))
}

/// References are taken as they are: one that is not in its canonical form is nobody's.
fn canonical(text: &str) -> Option<Key> {
    let parsed: EntityRef = text.parse().ok()?;
    (parsed.to_string() == text).then(|| Key::of_ref(&parsed))
}

/// The body of a POST; an empty one is `{}`.
fn json_body(request: &ApiGatewayProxyRequest) -> Result<Value, ApiError> {
    let content_type = header(request, "content-type").unwrap_or_default();
    let bytes = body_bytes(request)?;
    if bytes.is_empty() {
        return Ok(json!({}));
    }
    if content_type.split(';').next().is_none_or(|kind| !kind.trim().eq_ignore_ascii_case("application/json")) {
        return Err(ApiError::input(format!("unsupported media type {content_type}")));
    }
    let body: Value =
        serde_json::from_slice(&bytes).map_err(|error| ApiError::input(format!("the body is not JSON: {error}")))?;
    if !body.is_object() {
        return Err(ApiError::input("request/body must be object"));
    }
    Ok(body)
}

fn texts<'a>(body: &'a Value, name: &str) -> Result<Option<Vec<&'a str>>, ApiError> {
    let Some(value) = body.get(name) else { return Ok(None) };
    let items = value.as_array().ok_or_else(|| ApiError::input(format!("request/body/{name} must be array")))?;
    let text = |(at, item): (usize, &'a Value)| {
        item.as_str().ok_or_else(|| ApiError::input(format!("request/body/{name}/{at} must be string")))
    };
    items.iter().enumerate().map(text).collect::<Result<_, _>>().map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn post(content_type: &str, body: &str) -> ApiGatewayProxyRequest {
        serde_json::from_value(json!({
            "httpMethod": "POST", "path": "/api/catalog/entities/by-refs", "headers": {"content-type": content_type},
            "requestContext": {"httpMethod": "POST"}, "body": body,
        }))
        .unwrap()
    }

    #[test]
    fn a_body_that_is_not_as_asked_is_named() {
        for (content_type, body, complaint) in [
            ("text/plain", "x", "unsupported media type text/plain"),
            ("application/json", "null", "request/body must be object"),
            ("application/json", "{", "the body is not JSON: EOF while parsing an object at line 1 column 1"),
        ] {
            assert_eq!(json_body(&post(content_type, body)).unwrap_err().message, complaint);
        }
        let body = json_body(&post("application/json; charset=utf-8", r#"{"a":"x","b":["y",1]}"#)).unwrap();
        assert_eq!(texts(&body, "a").unwrap_err().message, "request/body/a must be array");
        assert_eq!(texts(&body, "b").unwrap_err().message, "request/body/b/1 must be string");
        assert_eq!(texts(&body, "c"), Ok(None));
        assert_eq!(json_body(&post("", "")).unwrap(), json!({}));
    }

    #[test]
    fn a_reference_that_is_not_canonical_is_nobodys() {
        for text in ["Group:default/a", "group:a", "a", ""] {
            assert_eq!(canonical(text), None, "{text}");
        }
        assert!(canonical("group:default/a").is_some());
    }
}
