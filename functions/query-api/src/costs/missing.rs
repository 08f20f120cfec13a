//! `GET /api/costs/unallocated`: what is on no component or has no owner, ranked by the money that a tag or an owner would explain.

use std::collections::BTreeSet;
use std::sync::Arc;

use aws_lambda_events::apigw::ApiGatewayProxyRequest;
use cost_model::{Dimension, Metric, MissingQuery, MissingReport, Scope};
use delivery::api::ApiError;
use jiff::Timestamp;
use serde_json::json;

use super::{dimensions, parsed, span, too_large};
use crate::answers::{self, Answer};
use crate::handler::Deps;
use crate::parameters::Parameters;

pub(crate) async fn missing(request: &ApiGatewayProxyRequest, deps: &Deps, now: Timestamp) -> Result<Answer, ApiError> {
    let parameters = Parameters::check(request, &["from", "to", "by", "metric"])?;
    let (from, to, months) = span(&parameters)?;
    let by = Some(dimensions(&parameters)?).filter(|by| !by.is_empty());
    let query = MissingQuery {
        from,
        to,
        metric: parsed(&parameters, "metric")?.unwrap_or(Metric::Unblended),
        by: by.unwrap_or_else(|| BTreeSet::from([Dimension::Account, Dimension::Service])),
    };
    let heads = deps.rollups.heads(&deps.store, now).await?;
    let rollups = deps.rollups.of(&Scope::All, &months, &heads, &deps.store).await?;
    let report = MissingReport::of(rollups.iter().map(Arc::as_ref), &query).map_err(too_large)?;
    let body = json!({"metric": query.metric.as_str(), "from": from.to_string(), "to": to.to_string()});
    answers::merged(&body, &report)
}
