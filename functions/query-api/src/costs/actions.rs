//! `GET /api/costs/actions`: what could be done about the costs of a scope.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use aws_lambda_events::apigw::ApiGatewayProxyRequest;
use catalog_model::{EntityRef, Identity};
use cost_model::actions::{Action, Evidence, Facts, MONTHS, OLD_SNAPSHOT_MONTHS, Usage, actions as found, volumes};
use cost_model::insights::Known;
use cost_model::{Month, Scope};
use delivery::api::ApiError;
use jiff::{Timestamp, ToSpan};
use serde::Serialize;
use serde_json::{Value, json};

use super::{Heads, invalid, stored_scopes, too_large};
use crate::answers::{self, Answer, unavailable};
use crate::catalog::find;
use crate::handler::Deps;
use crate::parameters::Parameters;

/// In one answer.
const MAX_ACTIONS: usize = 1_000;

/// Volumes whose state is looked up for one answer.
const MAX_VOLUMES: usize = 1_000;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Actions {
    actions: Vec<Action>,
    left_out: usize,
}

pub(crate) async fn actions(request: &ApiGatewayProxyRequest, deps: &Deps, now: Timestamp) -> Result<Answer, ApiError> {
    let parameters = Parameters::check(request, &["scope"])?;
    let asked = parameters.required("scope")?;
    let scope: Scope = asked.parse().map_err(|error| invalid("scope", &error))?;
    let heads = deps.rollups.heads(&deps.store, now).await?;
    let mut actions = actions_of(&scope, &heads, deps, now).await?;
    let left_out = actions.len().saturating_sub(MAX_ACTIONS);
    actions.truncate(MAX_ACTIONS);
    let body = json!({"scope": asked, "lastCompleteDay": heads.known().last_complete_day.map(|day| day.to_string())});
    answers::merged(&body, &Actions { actions, left_out })
}

/// Of a scope that the catalog or a report knows; 404 for another.
pub(crate) async fn actions_of(
    scope: &Scope,
    heads: &Heads,
    deps: &Deps,
    now: Timestamp,
) -> Result<Vec<Action>, ApiError> {
    let known = heads.known();
    deps.live.follow(now).await.map_err(unavailable)?;
    let (scopes, is_known) = stored_scopes(scope, deps, now).await?;
    let rollups = deps.rollups.of_all(&scopes, &months(&known), heads, &deps.store).await?;
    if rollups.is_empty() && !is_known {
        return Err(ApiError::not_found(format!(
            "scope `{scope}` is neither in the catalog nor in a recent cost report"
        )));
    }
    let carriers = carriers(scopes, deps, now).await?;
    let evidence = evidence(&known, heads, &carriers, deps).await?;
    let states = states(&evidence, deps).await?;
    let rollups: Vec<_> = rollups.iter().map(Arc::as_ref).collect();
    let facts = Facts { rollups: &rollups, known: &known, evidence: &evidence, states: &states };
    let mut actions = found(&facts).map_err(too_large)?;
    let resources: BTreeSet<Identity> =
        actions.iter().filter_map(|action| identity(action.target.resource.as_deref())).collect();
    let names: BTreeMap<Identity, EntityRef> = deps
        .live
        .ask(|catalog| {
            let named = resources.iter().map(|resource| Ok((resource.clone(), catalog.current_ref(resource)?)));
            named.collect::<Result<Vec<_>, _>>()
        })
        .await
        .map_err(unavailable)?
        .into_iter()
        .filter_map(|(resource, name)| Some((resource, name?)))
        .collect();
    for action in &mut actions {
        action.target.entity_ref =
            identity(action.target.resource.as_deref()).and_then(|resource| names.get(&resource).cloned());
    }
    Ok(actions)
}

fn identity(resource: Option<&str>) -> Option<Identity> {
    resource.map(Identity::of_canonical_arn)
}

/// Back from the last complete day, and the month after it.
fn months(known: &Known) -> Vec<Month> {
    let Some(last) = known.last_complete_day else { return known.months.iter().copied().collect() };
    let back = i64::try_from(MONTHS).unwrap_or_default() - 1;
    let from = last.first_of_month().checked_sub(back.months()).unwrap_or(last);
    known.months.range(Month::of(from)..).copied().collect()
}

/// Of a system: its components.
async fn carriers(scopes: Vec<Scope>, deps: &Deps, now: Timestamp) -> Result<BTreeSet<Scope>, ApiError> {
    let mut carriers = BTreeSet::new();
    for scope in scopes {
        if let Scope::Entity(entity) = &scope
            && entity.kind() == "system"
            && let Some(system) = find(entity, deps, now).await.map_err(unavailable)?
        {
            let parts = deps.live.ask(|catalog| catalog.related(&system.identity, &["hasPart"])).await;
            let parts = parts.map_err(unavailable)?.into_keys().filter(|part| part.kind() == "component");
            carriers.extend(parts.map(Scope::Entity));
        }
        carriers.insert(scope);
    }
    Ok(carriers)
}

/// What the newest complete month shows of resources of the scope, and the month that old snapshots are looked for in.
async fn evidence(
    known: &Known,
    heads: &Heads,
    carriers: &BTreeSet<Scope>,
    deps: &Deps,
) -> Result<Vec<Evidence>, ApiError> {
    let is_complete = |month: &&Month| known.last_complete_day.is_some_and(|day| month.last() <= day);
    let newest = known.months.iter().rev().find(is_complete).or_else(|| known.months.last());
    let Some(newest) = newest.copied() else { return Ok(Vec::new()) };
    let before = newest.first().checked_sub(OLD_SNAPSHOT_MONTHS.months()).map(Month::of);
    let months: Vec<Month> = [newest].into_iter().chain(before).collect();
    let all = deps.rollups.evidence(&months, heads, &deps.store).await?;
    let of_scope = |usage: &&Usage| {
        carriers.iter().any(|scope| match scope {
            Scope::All => true,
            Scope::Account(account) => *account == usage.account,
            Scope::Resource(identity) => identity.as_str() == usage.resource,
            Scope::Entity(entity) => [&usage.component, &usage.owner].into_iter().flatten().any(|of| of == entity),
        })
    };
    Ok(all
        .iter()
        .map(|evidence| Evidence {
            month: evidence.month,
            usage: evidence.usage.iter().filter(of_scope).cloned().collect(),
            prices: evidence.prices.clone(),
        })
        .collect())
}

/// States of volumes, as the catalog shows them.
async fn states(evidence: &[Evidence], deps: &Deps) -> Result<BTreeMap<String, String>, ApiError> {
    let volumes: Vec<&str> = volumes(evidence).into_iter().take(MAX_VOLUMES).collect();
    let identities: Vec<Identity> = volumes.iter().map(|volume| Identity::of_canonical_arn(volume)).collect();
    let entities = deps.documents.get(&identities, &deps.live, &deps.store).await.map_err(unavailable)?;
    let state = |(volume, entity): (&str, Option<&str>)| {
        let entity: Value = serde_json::from_str(entity?).ok()?;
        Some((volume.to_owned(), entity.pointer("/spec/aws/state")?.as_str()?.to_owned()))
    };
    Ok(volumes.into_iter().zip(entities.iter()).filter_map(state).collect())
}
