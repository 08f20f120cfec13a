//! `getGroupDailyCost`, `getProjectDailyCost`, `getCatalogEntityDailyCost` and `getDailyMetricData`.

use std::sync::Arc;

use aws_lambda_events::apigw::ApiGatewayProxyRequest;
use cost_model::insights::{daily_cost, metric_data};
use cost_model::{Dimension, Metric, Scope};
use delivery::api::ApiError;
use jiff::Timestamp;

use super::groups::unknown;
use super::question;
use crate::answers::{self, Answer};
use crate::costs::{stored_scopes, too_large};
use crate::handler::Deps;
use crate::parameters::Parameters;

/// Tabs of the portal's chart.
const OF_GROUP: &[(&str, Dimension)] = &[
    ("product", Dimension::Service),
    ("project", Dimension::Account),
    ("component", Dimension::Component),
    ("environment", Dimension::Environment),
    ("region", Dimension::Region),
];

const OF_PROJECT: &[(&str, Dimension)] = &[
    ("product", Dimension::Service),
    ("component", Dimension::Component),
    ("owner", Dimension::Owner),
    ("environment", Dimension::Environment),
    ("region", Dimension::Region),
];

const OF_ENTITY: &[(&str, Dimension)] = &[
    ("product", Dimension::Service),
    ("project", Dimension::Account),
    ("environment", Dimension::Environment),
    ("region", Dimension::Region),
];

/// Names of metrics, and what they are of the whole bill. AWS's own names are others for the same.
const METRICS: [(&str, Metric); 6] = [
    ("unblended", Metric::Unblended),
    ("amortized", Metric::Amortized),
    ("net_amortized", Metric::NetAmortized),
    ("UnblendedCost", Metric::Unblended),
    ("AmortizedCost", Metric::Amortized),
    ("NetAmortizedCost", Metric::NetAmortized),
];

pub(super) async fn of_scope(
    request: &ApiGatewayProxyRequest,
    id: &str,
    scope: &Scope,
    deps: &Deps,
    now: Timestamp,
) -> Result<Answer, ApiError> {
    let parameters = Parameters::check(request, &["intervals", "metric", "currency"])?;
    let heads = deps.rollups.heads(&deps.store, now).await?;
    let known = heads.known();
    let (question, months) = question(&parameters, &heads, &known)?;
    let (scopes, is_known) = stored_scopes(scope, deps, now).await?;
    let rollups = deps.rollups.of_all(&scopes, &months, &heads, &deps.store).await?;
    if rollups.is_empty() && !is_known {
        return Err(unknown(scope));
    }
    let cost = daily_cost(id, rollups.iter().map(Arc::as_ref), &question, &known, breakdowns(scope));
    answers::serialised(&cost.map_err(too_large)?)
}

fn breakdowns(scope: &Scope) -> &'static [(&'static str, Dimension)] {
    match scope {
        Scope::Account(_) => OF_PROJECT,
        Scope::All => OF_GROUP,
        Scope::Resource(_) => OF_ENTITY,
        Scope::Entity(entity) => match entity.kind() {
            "group" | "user" | "system" | "domain" => OF_GROUP,
            _ => OF_ENTITY,
        },
    }
}

/// The whole bill, counted in one way: what other costs are compared with.
pub(super) async fn of_metric(
    request: &ApiGatewayProxyRequest,
    name: &str,
    deps: &Deps,
    now: Timestamp,
) -> Result<Answer, ApiError> {
    let parameters = Parameters::check(request, &["intervals", "currency"])?;
    let metric = METRICS.into_iter().find(|(known, _)| *known == name).map(|(_, metric)| metric);
    let metric = metric.ok_or_else(|| {
        let names = METRICS.map(|(name, _)| name).join(", ");
        ApiError::not_found(format!("there is no metric `{name}`; there are {names}"))
    })?;
    let heads = deps.rollups.heads(&deps.store, now).await?;
    let known = heads.known();
    let (mut question, months) = question(&parameters, &heads, &known)?;
    question.metric = metric;
    let rollups = deps.rollups.of(&Scope::All, &months, &heads, &deps.store).await?;
    let data = metric_data(name, rollups.iter().map(Arc::as_ref), &question, &known);
    answers::serialised(&data.map_err(too_large)?)
}
