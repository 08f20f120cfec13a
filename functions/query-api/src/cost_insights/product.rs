//! `getProductInsights`: what a product cost a group, by component.

use std::sync::Arc;

use aws_lambda_events::apigw::ApiGatewayProxyRequest;
use cost_model::Scope;
use cost_model::insights::product_cost;
use delivery::api::ApiError;
use jiff::Timestamp;

use super::groups::unknown;
use super::{group_scope, project_scope, question};
use crate::answers::{self, Answer};
use crate::costs::{stored_scopes, too_large};
use crate::handler::Deps;
use crate::parameters::Parameters;

pub(super) async fn insights(
    request: &ApiGatewayProxyRequest,
    product: &str,
    deps: &Deps,
    now: Timestamp,
) -> Result<Answer, ApiError> {
    let parameters = Parameters::check(request, &["group", "intervals", "project", "metric", "currency"])?;
    let scope = group_scope(parameters.required("group")?)?;
    let heads = deps.rollups.heads(&deps.store, now).await?;
    let known = heads.known();
    let (mut question, months) = question(&parameters, &heads, &known)?;
    if let Some(project) = parameters.one("project")? {
        question.account = match project_scope(project)? {
            Scope::Account(account) => Some(account),
            _ => None,
        };
    }
    let (scopes, is_known) = stored_scopes(&scope, deps, now).await?;
    let rollups = deps.rollups.of_all(&scopes, &months, &heads, &deps.store).await?;
    if rollups.is_empty() && !is_known {
        return Err(unknown(&scope));
    }
    let cost = product_cost(product, rollups.iter().map(Arc::as_ref), &question).map_err(too_large)?;
    answers::serialised(&cost)
}
