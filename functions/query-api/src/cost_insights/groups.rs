//! `getLastCompleteBillingDate`, `getUserGroups` and `getGroupProjects`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use aws_lambda_events::apigw::ApiGatewayProxyRequest;
use catalog_model::{EntityRef, Identity, Key};
use catalog_search::{Catalog, Filter, NotLoaded};
use cost_model::{Month, Scope, accounts_of};
use delivery::api::ApiError;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::answers::{self, Answer, unavailable};
use crate::costs::stored_scopes;
use crate::handler::Deps;
use crate::parameters::Parameters;

/// A hierarchy has no more levels; one that goes round in a circle ends by itself.
const MAX_LEVELS: usize = 32;

/// Of a group: everywhere it had costs in the last months that there are reports of.
const PROJECT_MONTHS: usize = 13;

/// A JSON string. 404 before the first report.
pub(super) async fn last_complete_billing_date(
    request: &ApiGatewayProxyRequest,
    deps: &Deps,
    now: Timestamp,
) -> Result<Answer, ApiError> {
    Parameters::check(request, &[])?;
    let heads = deps.rollups.heads(&deps.store, now).await?;
    let day = heads.known().last_complete_day.ok_or_else(|| {
        ApiError::not_found("no day of any cost report is complete yet; /api/status lists the reports that came")
    })?;
    Ok(answers::json(&json!(day.to_string())))
}

/// The groups that the user is a member of, then those above them. Nobody: none.
pub(super) async fn of_user(request: &ApiGatewayProxyRequest, deps: &Deps, now: Timestamp) -> Result<Answer, ApiError> {
    let parameters = Parameters::check(request, &["userId"])?;
    let user_id = parameters.required("userId")?;
    deps.live.follow(now).await.map_err(unavailable)?;
    let groups = deps.live.ask(|catalog| groups_of(user_id, catalog)).await.map_err(unavailable)?;
    let identities: Vec<Identity> = groups.iter().map(|(_, identity)| identity.clone()).collect();
    let entities = deps.documents.get(&identities, &deps.live, &deps.store).await.map_err(unavailable)?;
    let groups = groups.iter().zip(entities.iter()).map(|((reference, _), entity)| {
        let name = entity.and_then(|text| serde_json::from_str(text).ok()).and_then(|entity| name_of(&entity));
        json!({"id": reference.to_string(), "name": name.unwrap_or_else(|| reference.name().to_owned())})
    });
    Ok(answers::json(&Value::Array(groups.collect())))
}

fn groups_of(user_id: &str, catalog: &Catalog) -> Result<Vec<(EntityRef, Identity)>, NotLoaded> {
    let mut level: Vec<Identity> = users(user_id, catalog)?;
    let mut seen: BTreeSet<Identity> = BTreeSet::new();
    let mut groups = Vec::new();
    let mut relation = "memberOf";
    for _ in 0..MAX_LEVELS {
        let mut above: BTreeMap<EntityRef, Identity> = BTreeMap::new();
        for identity in &level {
            above.extend(catalog.related(identity, &[relation])?);
        }
        above.retain(|reference, identity| reference.kind() == "group" && seen.insert(identity.clone()));
        level = above.values().cloned().collect();
        groups.extend(above);
        relation = "childOf";
        if level.is_empty() {
            break;
        }
    }
    Ok(groups)
}

/// Who goes by the id: a reference, a name in the default namespace, or an address of mail.
fn users(user_id: &str, catalog: &Catalog) -> Result<Vec<Identity>, NotLoaded> {
    let reference = EntityRef::parse_in(user_id, Some("user"), "default").ok().filter(|user| user.kind() == "user");
    if let Some(user) = reference
        && let Some(identity) = catalog.identity_of(&Key::of_ref(&user))?
    {
        return Ok(vec![identity]);
    }
    if !user_id.contains('@') {
        return Ok(Vec::new());
    }
    let by_mail = Filter::of_values(&[("kind", "user"), ("spec.profile.email", user_id)]);
    Ok(catalog.listed(&by_mail, &[])?.unwrap_or_default())
}

fn name_of(entity: &Value) -> Option<String> {
    let places = ["/spec/profile/displayName", "/metadata/title", "/metadata/name"];
    places.into_iter().find_map(|place| entity.pointer(place)?.as_str()).map(str::to_owned)
}

/// The accounts that the group has costs in.
pub(super) async fn projects(
    request: &ApiGatewayProxyRequest,
    scope: &Scope,
    deps: &Deps,
    now: Timestamp,
) -> Result<Answer, ApiError> {
    Parameters::check(request, &[])?;
    let heads = deps.rollups.heads(&deps.store, now).await?;
    let months: Vec<Month> = heads.months().into_iter().rev().take(PROJECT_MONTHS).collect();
    let (scopes, is_known) = stored_scopes(scope, deps, now).await?;
    let rollups = deps.rollups.of_all(&scopes, &months, &heads, &deps.store).await?;
    if rollups.is_empty() && !is_known {
        return Err(unknown(scope));
    }
    let accounts = accounts_of(rollups.iter().map(Arc::as_ref));
    Ok(answers::json(&accounts.iter().map(|account| json!({"id": account})).collect()))
}

pub(super) fn unknown(scope: &Scope) -> ApiError {
    ApiError::not_found(format!("`{scope}` is neither in the catalog nor in any cost report"))
}
