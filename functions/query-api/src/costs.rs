//! `GET /api/costs` and `GET /api/costs/statements/{yyyy-mm}`: exact amounts from the rollups of the generations that count.

use std::collections::BTreeSet;
use std::str::FromStr;

use aws_lambda_events::apigw::ApiGatewayProxyRequest;
use cost_model::{AmountError, CostQuery, Dimension, Granularity, Metric, Month, Rollup, Scope, Statement, costs};
use delivery::api::{ApiError, header};
use futures::future::try_join_all;
use http::header::{CONTENT_DISPOSITION, HeaderValue};
use jiff::Timestamp;
use tracing::error;

use crate::answers::{self, Answer, unavailable};
use crate::catalog::find;
use crate::handler::Deps;
use crate::parameters::Parameters;

/// Months that one answer covers at most.
const MAX_MONTHS: usize = 36;

pub(crate) async fn of_scope(
    request: &ApiGatewayProxyRequest,
    deps: &Deps,
    now: Timestamp,
) -> Result<Answer, ApiError> {
    let parameters = Parameters::check(request, &["scope", "from", "to", "by", "metric", "granularity"])?;
    let asked = parameters.required("scope")?;
    let scope: Scope = asked.parse().map_err(|error| invalid("scope", &error))?;
    let query = CostQuery {
        from: parsed(&parameters, "from")?.ok_or_else(|| crate::parameters::missing("from"))?,
        to: parsed(&parameters, "to")?.ok_or_else(|| crate::parameters::missing("to"))?,
        by: dimensions(&parameters)?,
        metric: parsed(&parameters, "metric")?.unwrap_or(Metric::Unblended),
        granularity: parsed(&parameters, "granularity")?.unwrap_or(Granularity::Daily),
    };
    if query.from >= query.to {
        return Err(ApiError::input("request/query/to must be after `from`: it is the first day that is left out"));
    }
    let months = Month::between(query.from, query.to);
    if months.len() > MAX_MONTHS {
        return Err(ApiError::input(format!(
            "from {} to {} are {} months, and one answer covers at most {MAX_MONTHS}; ask in several requests",
            query.from,
            query.to,
            months.len()
        )));
    }
    let (scopes, is_known) = stored_scopes(&scope, deps, now).await?;
    let mut rollups = Vec::new();
    for scope in &scopes {
        rollups.extend(read(scope, &months, deps).await?);
    }
    if rollups.is_empty() && !is_known {
        return Err(ApiError::not_found(format!(
            "scope `{asked}` is neither in the catalog nor in any cost report of these months"
        )));
    }
    let answer = costs(&rollups, &query).map_err(too_large)?;
    Ok(answers::json(&answer.to_json(asked, &query)))
}

pub(crate) async fn statement(request: &ApiGatewayProxyRequest, month: &str, deps: &Deps) -> Result<Answer, ApiError> {
    let parameters = Parameters::check(request, &["format"])?;
    let month: Month = month.parse().map_err(|error| ApiError::input(format!("request/params/month: {error}")))?;
    let as_csv = match parameters.one("format")? {
        Some("csv") => true,
        Some("json") => false,
        Some(other) => {
            return Err(ApiError::input(format!("request/query/format: `{other}` is none of json, csv")));
        }
        None => header(request, "accept").is_some_and(|accept| accept.to_ascii_lowercase().contains("text/csv")),
    };
    let rollups = read(&Scope::All, &[month], deps).await?;
    if rollups.is_empty() {
        return Err(ApiError::not_found(format!(
            "there is no cost report of {month}; /api/status lists the months there are"
        )));
    }
    let statement = Statement::of(&rollups).map_err(too_large)?;
    if !as_csv {
        return Ok(answers::json(&statement.to_json(&month.to_string())));
    }
    let mut response = answers::text("text/csv; charset=utf-8", statement.to_csv(&month.to_string()));
    if let Ok(name) = HeaderValue::from_str(&format!("attachment; filename=\"statement-{month}.csv\"")) {
        response.headers.insert(CONTENT_DISPOSITION, name);
    }
    Ok(response)
}

/// Under which scopes the costs of the scope are kept, and whether the catalog knows it. A resource's costs are kept by
/// identity, whatever it is called.
async fn stored_scopes(scope: &Scope, deps: &Deps, now: Timestamp) -> Result<(Vec<Scope>, bool), ApiError> {
    match scope {
        Scope::All | Scope::Account(_) => Ok((vec![scope.clone()], true)),
        Scope::Resource(identity) => {
            deps.live.follow(now).await.map_err(unavailable)?;
            let is_known =
                deps.live.ask(|catalog| catalog.identity_of(&identity.key())).await.map_err(unavailable)?.is_some();
            Ok((vec![scope.clone()], is_known))
        }
        Scope::Entity(entity_ref) => {
            let found = find(entity_ref, deps, now).await.map_err(unavailable)?;
            // What was declared without an ARN, or costs what its owner costs, is kept under the name.
            let of_record = found.as_ref().map(|found| Scope::of_identity(&found.identity));
            let scopes: BTreeSet<Scope> = of_record.into_iter().chain([scope.clone()]).collect();
            Ok((scopes.into_iter().collect(), found.is_some()))
        }
    }
}

/// The rollups of one scope, of every report of these months: each of the generation that counts.
async fn read(scope: &Scope, months: &[Month], deps: &Deps) -> Result<Vec<Rollup>, ApiError> {
    let wanted: BTreeSet<String> = months.iter().map(Month::to_string).collect();
    let scope = scope.to_string();
    let heads = deps.store.heads().await.map_err(unavailable)?;
    let generations: BTreeSet<(String, String)> = heads
        .into_iter()
        .filter(|(_, month, _)| wanted.contains(month))
        .map(|(_, month, head)| (month, head.generation))
        .collect();
    let bodies = generations.iter().map(|(month, generation)| deps.store.rollups(&scope, month, generation));
    let bodies = try_join_all(bodies).await.map_err(unavailable)?;
    let rollup = |body| {
        Rollup::from_json(body).map_err(|source| {
            error!(error = %delivery::describe(&source), scope, "a stored rollup cannot be read");
            ApiError::internal()
        })
    };
    bodies.into_iter().flatten().map(rollup).collect()
}

/// `by` may repeat, and may list several separated by commas.
fn dimensions(parameters: &Parameters<'_>) -> Result<BTreeSet<Dimension>, ApiError> {
    let names = parameters.all("by").into_iter().flat_map(|list| list.split(',')).map(str::trim);
    names.filter(|name| !name.is_empty()).map(|name| name.parse().map_err(|error| invalid("by", &error))).collect()
}

fn parsed<T: FromStr<Err: std::fmt::Display>>(parameters: &Parameters<'_>, name: &str) -> Result<Option<T>, ApiError> {
    parameters.one(name)?.map(|text| text.parse().map_err(|error| invalid(name, &error))).transpose()
}

fn invalid(name: &str, error: &dyn std::fmt::Display) -> ApiError {
    ApiError::input(format!("request/query/{name}: {error}"))
}

#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn too_large(source: AmountError) -> ApiError {
    error!(error = %source, "amounts cannot be summed");
    ApiError::internal()
}
