//! `GET /api/costs/coverage`: how much of what runs for a scope its costs cover, and which of its resources the bill does not name.

use std::collections::BTreeSet;
use std::sync::Arc;

use aws_lambda_events::apigw::ApiGatewayProxyRequest;
use catalog_model::{EntityRef, Identity};
use cost_model::{Coverage, CoverageQuery, Metric, Month, Scope, Whose, accounts_of};
use delivery::api::ApiError;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Heads, invalid, parsed, span, stored_scopes, too_large};
use crate::answers::{self, Answer, unavailable};
use crate::catalog::find;
use crate::handler::Deps;
use crate::parameters::Parameters;

pub(crate) async fn coverage(
    request: &ApiGatewayProxyRequest,
    deps: &Deps,
    now: Timestamp,
) -> Result<Answer, ApiError> {
    let parameters = Parameters::check(request, &["scope", "from", "to", "metric"])?;
    let asked = parameters.required("scope")?;
    let scope: Scope = asked.parse().map_err(|error| invalid("scope", &error))?;
    let (from, to, months) = span(&parameters)?;
    let metric: Metric = parsed(&parameters, "metric")?.unwrap_or(Metric::Unblended);
    let heads = deps.rollups.heads(&deps.store, now).await?;
    let (scopes, is_known) = stored_scopes(&scope, deps, now).await?;
    let own = deps.rollups.of_all(&scopes, &months, &heads, &deps.store).await?;
    if own.is_empty() && !is_known {
        return Err(ApiError::not_found(format!(
            "scope `{asked}` is neither in the catalog nor in any cost report of these months"
        )));
    }
    let whose = whose(&scope);
    let accounts = match whose {
        Whose::All => BTreeSet::new(),
        Whose::Component | Whose::Owner => accounts_of(own.iter().map(Arc::as_ref)),
    };
    let accounts: Vec<Scope> = accounts.into_iter().map(Scope::Account).collect();
    let around = deps.rollups.of_all(&accounts, &months, &heads, &deps.store).await?;
    let query = CoverageQuery { from, to, metric, whose };
    let found = Coverage::of(own.iter().map(Arc::as_ref), around.iter().map(Arc::as_ref), &query).map_err(too_large)?;
    let mut body = json!({
        "scope": asked, "metric": metric.as_str(), "from": from.to_string(), "to": to.to_string(),
    });
    if let Scope::Entity(component) = &scope
        && component.kind() == "component"
    {
        body["resources"] = resources(component, &months, &heads, deps, now).await?;
    }
    answers::merged(&body, &found)
}

fn whose(scope: &Scope) -> Whose {
    match scope {
        Scope::All | Scope::Account(_) => Whose::All,
        Scope::Entity(entity) if matches!(entity.kind(), "group" | "user") => Whose::Owner,
        Scope::Entity(_) | Scope::Resource(_) => Whose::Component,
    }
}

/// The resources that the component depends on, with and without a line in the reports of these months.
async fn resources(
    component: &EntityRef,
    months: &[Month],
    heads: &Heads,
    deps: &Deps,
    now: Timestamp,
) -> Result<Value, ApiError> {
    let Some(found) = find(component, deps, now).await.map_err(unavailable)? else { return Ok(Value::Null) };
    let related = deps.live.ask(|catalog| catalog.related(&found.identity, &["dependsOn"])).await;
    let resources: Vec<(EntityRef, Identity)> =
        related.map_err(unavailable)?.into_iter().filter(|(entity, _)| entity.kind() == "resource").collect();
    let scopes = resources.iter().map(|(_, identity)| Scope::of_identity(identity));
    let without = deps.rollups.without_costs(scopes, months, heads, &deps.store).await?;
    let is_without = |identity: &Identity| without.contains(&Scope::of_identity(identity).to_string());
    let without_costs: Vec<String> =
        resources.iter().filter(|(_, identity)| is_without(identity)).map(|(entity, _)| entity.to_string()).collect();
    Ok(json!({
        "known": resources.len(),
        "withCosts": resources.len() - without_costs.len(),
        "withoutCosts": without_costs,
    }))
}
