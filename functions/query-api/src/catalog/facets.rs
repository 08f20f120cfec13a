//! `/entity-facets`: how many entities have each value of a field; by GET, and by POST with a predicate.

use aws_lambda_events::apigw::ApiGatewayProxyRequest;
use catalog_search::Filter;
use delivery::api::ApiError;
use jiff::Timestamp;
use serde_json::json;

use super::{filter, predicate};
use crate::answers::{self, Answer, check_length, unavailable};
use crate::body::{self, Fields, Form, Presence};
use crate::handler::Deps;
use crate::parameters::{Kind, Parameters, missing};

/// Each walks the values of its field.
const MAX_FACETS: usize = 100;

const BODY: Fields =
    Fields { required: &["facets"], known: &[("facets", Form::Texts), ("query", Form::Object)], is_closed: false };

pub(crate) async fn facets(request: &ApiGatewayProxyRequest, deps: &Deps, now: Timestamp) -> Result<Answer, ApiError> {
    let parameters = Parameters::typed(request, &[("facet", Kind::Texts), ("filter", Kind::Texts)])?;
    let asked = parameters.all("facet");
    if asked.is_empty() {
        return Err(missing("facet"));
    }
    let filter = filter(&parameters)?;
    if asked.iter().all(|facet| facet.is_empty()) {
        return Err(ApiError::input("Missing facet parameter"));
    }
    counted(asked, &filter, deps, now).await
}

pub(crate) async fn facets_body(
    request: &ApiGatewayProxyRequest,
    deps: &Deps,
    now: Timestamp,
) -> Result<Answer, ApiError> {
    Parameters::check(request, &[])?;
    let body = body::body(request, Presence::Required, &BODY)?.unwrap_or_default();
    let asked = body::texts(&body, "facets").unwrap_or_default();
    if asked.iter().all(|facet| facet.is_empty()) {
        return Err(ApiError::input("Missing or empty facets parameter"));
    }
    let filter = predicate(&body)?;
    counted(asked, &filter, deps, now).await
}

async fn counted(mut asked: Vec<&str>, filter: &Filter, deps: &Deps, now: Timestamp) -> Result<Answer, ApiError> {
    let mut seen = std::collections::BTreeSet::new();
    asked.retain(|facet| !facet.is_empty() && seen.insert(*facet));
    if asked.len() > MAX_FACETS {
        return Err(ApiError::input(format!("there are more than {MAX_FACETS} facets; ask in several requests")));
    }
    deps.live.follow(now).await.map_err(unavailable)?;
    let facets = deps.live.ask(|catalog| catalog.facets(asked.iter().copied(), filter)).await.map_err(unavailable)?;
    // By hand, for the order in which they were asked.
    let mut texts = Vec::with_capacity(facets.len());
    let mut bytes = 0;
    for (name, values) in &facets {
        let values = serde_json::to_string(values).expect("texts and numbers always serialise");
        bytes += values.len();
        check_length(bytes)?;
        texts.push(format!("{}:{values}", json!(name)));
    }
    Ok(answers::json_text(format!(r#"{{"facets":{{{}}}}}"#, texts.join(","))))
}
