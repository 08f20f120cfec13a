//! `POST /entities/by-refs`: entities by reference, in the order asked for, `null` where there is none.

use std::sync::Arc;

use aws_lambda_events::apigw::ApiGatewayProxyRequest;
use bytes::Bytes;
use catalog_model::{EntityRef, Identity, Key};
use catalog_search::{Catalog, Filter, Known, NotLoaded, Predicate};
use delivery::api::ApiError;
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::listing::whole_known;
use super::{filter, of_checked, projection};
use crate::answers::{self, Answer, AnswerBody, unavailable};
use crate::body::{self, Fields, Form, Presence};
use crate::handler::Deps;
use crate::parameters::{Kind, Parameters};

/// What fits into a body.
const MAX_REFS: usize = 10_000;

const BODY: Fields = Fields {
    required: &["entityRefs"],
    known: &[("entityRefs", Form::Texts), ("fields", Form::Texts), ("query", Form::Object)],
    is_closed: false,
};

const MALFORMED: &str = "Malformed request body (did you remember to specify an application/json content type?), ";

pub(crate) async fn by_refs(
    request: &ApiGatewayProxyRequest,
    deps: &Arc<Deps>,
    now: Timestamp,
) -> Result<Answer, ApiError> {
    let parameters = Parameters::typed(request, &[("filter", Kind::Texts)])?;
    let body = body::body(request, Presence::Optional, &BODY)?
        .ok_or_else(|| ApiError::input(format!("{MALFORMED}Validation error: Required at \"entityRefs\"")))?;
    let checked = checked_query(&body)?;
    let filter = filter(&parameters)?;
    let projection = projection(body::texts(&body, "fields").unwrap_or_default())?;
    let refs = body::texts(&body, "entityRefs").unwrap_or_default();
    if refs.len() > MAX_REFS {
        return Err(ApiError::input(format!("request/body/entityRefs must NOT have more than {MAX_REFS} items")));
    }
    // Without a reference, Backstage asks for nothing.
    let query =
        checked.filter(|_| !refs.is_empty()).map_or_else(|| Ok(Filter::default()), |query| of_checked(&query))?;

    deps.live.follow(now).await.map_err(unavailable)?;
    let filter = filter.and(query);
    let answering = deps.live.ask(|catalog| answering(&refs, &filter, catalog)).await.map_err(unavailable)?;
    let exist: Vec<bool> = answering.iter().map(Option::is_some).collect();
    let (identities, known): (Vec<Identity>, Vec<Known>) = answering.into_iter().flatten().unzip();
    let found = whole_known(&identities, &known, projection.as_ref(), deps).await?;
    let mut text = String::with_capacity(found.bytes() + "null,".len() * (exist.len() + 2));
    text.push_str(r#"{"items":["#);
    let mut found = found.iter();
    for (at, exists) in exist.into_iter().enumerate() {
        if at > 0 {
            text.push(',');
        }
        let entity = exists.then(|| found.next().flatten()).flatten();
        text.push_str(entity.unwrap_or("null"));
    }
    text.push_str("]}");
    Ok(match projection {
        Some(_) => answers::json_text(text),
        None => answers::raw_json(AnswerBody::Full(Bytes::from(text))),
    })
}

fn checked_query(body: &Map<String, Value>) -> Result<Option<Value>, ApiError> {
    let Some(query) = body.get("query") else { return Ok(None) };
    Predicate::check(query, &["query"]).map(Some).map_err(|error| ApiError::input(format!("{MALFORMED}{error}")))
}

/// Who answers to each reference and passes.
fn answering(refs: &[&str], filter: &Filter, catalog: &Catalog) -> Result<Vec<Option<(Identity, Known)>>, NotLoaded> {
    let of = |text: &&str| canonical(text).map_or(Ok(None), |key| catalog.known_by(&key));
    let mut answering: Vec<_> = refs.iter().map(of).collect::<Result<_, _>>()?;
    if filter.is_empty() {
        return Ok(answering);
    }
    let identities = answering.iter().flatten().map(|(identity, _)| identity);
    let mut passing = catalog.passing(filter, identities)?.into_iter();
    for answering in answering.iter_mut().filter(|answering| answering.is_some()) {
        if passing.next() != Some(true) {
            *answering = None;
        }
    }
    Ok(answering)
}

/// References are taken as they are: one that is not in its canonical form is nobody's.
fn canonical(text: &str) -> Option<Key> {
    let parsed: EntityRef = text.parse().ok()?;
    (parsed.to_string() == text).then(|| Key::of_ref(&parsed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_that_is_not_canonical_is_nobodys() {
        for text in ["Group:default/a", "group:a", "a", ""] {
            assert_eq!(canonical(text), None, "{text}");
        }
        assert!(canonical("group:default/a").is_some());
    }
}
