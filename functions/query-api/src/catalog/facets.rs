//! `GET /entity-facets`: how many entities have each value of a field.

use aws_lambda_events::apigw::{ApiGatewayProxyRequest, ApiGatewayProxyResponse};
use delivery::api::ApiError;
use jiff::Timestamp;
use serde_json::json;

use super::filter;
use crate::answers::{self, unavailable};
use crate::handler::Deps;
use crate::live::whole;
use crate::parameters::{Parameters, missing};

/// Each walks the values of its field.
const MAX_FACETS: usize = 100;

pub(crate) async fn facets(
    request: &ApiGatewayProxyRequest,
    deps: &Deps,
    now: Timestamp,
) -> Result<ApiGatewayProxyResponse, ApiError> {
    let parameters = Parameters::check(request, &["facet", "filter"])?;
    let mut asked = parameters.all("facet");
    if asked.is_empty() {
        return Err(missing("facet"));
    }
    if asked.len() > MAX_FACETS {
        return Err(ApiError::input(format!("request/query/facet must NOT have more than {MAX_FACETS} items")));
    }
    let filter = filter(&parameters)?;
    let mut seen = std::collections::BTreeSet::new();
    asked.retain(|facet| seen.insert(*facet));

    deps.live.follow(now).await.map_err(unavailable)?;
    let facets = whole(deps.live.read().await.facets(asked, &filter));
    // By hand, for the order in which they were asked.
    let mut texts = Vec::with_capacity(facets.len());
    for (name, values) in &facets {
        let values = serde_json::to_string(values).expect("texts and numbers always serialise");
        texts.push(format!("{}:{values}", json!(name)));
    }
    answers::json_text(format!(r#"{{"facets":{{{}}}}}"#, texts.join(",")))
}
