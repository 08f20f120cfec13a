//! `GET /api/costs` and what is below it: exact amounts from the rollups of the generations that count.

mod actions;
mod coverage;
mod missing;
mod rollups;

pub(crate) use actions::{actions, actions_of};
pub(crate) use coverage::coverage;
pub(crate) use missing::missing;
pub(crate) use rollups::{Heads, Rollups};

use std::collections::BTreeSet;
use std::str::FromStr;
use std::sync::Arc;

use aws_lambda_events::apigw::ApiGatewayProxyRequest;
use cost_model::{AmountError, CostQuery, Dimension, Granularity, Metric, Month, Scope, Statement, costs};
use delivery::api::{ApiError, header};
use http::header::{CONTENT_DISPOSITION, HeaderValue};
use jiff::Timestamp;
use jiff::civil::Date;
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
    let (from, to, months) = span(&parameters)?;
    let query = CostQuery {
        from,
        to,
        by: dimensions(&parameters)?,
        metric: parsed(&parameters, "metric")?.unwrap_or(Metric::Unblended),
        granularity: parsed(&parameters, "granularity")?.unwrap_or(Granularity::Daily),
    };
    let heads = deps.rollups.heads(&deps.store, now).await?;
    let (scopes, is_known) = stored_scopes(&scope, deps, now).await?;
    let grouped = deps.rollups.grouped(&scopes, &months, &query, &heads, &deps.store).await?;
    if grouped.is_empty() && !is_known {
        return Err(ApiError::not_found(format!(
            "scope `{asked}` is neither in the catalog nor in any cost report of these months"
        )));
    }
    let answer = costs(grouped.iter().map(Arc::as_ref), &query).map_err(too_large)?;
    answers::serialised(&answer.body(asked, &query))
}

pub(crate) async fn statement(
    request: &ApiGatewayProxyRequest,
    month: &str,
    deps: &Deps,
    now: Timestamp,
) -> Result<Answer, ApiError> {
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
    let heads = deps.rollups.heads(&deps.store, now).await?;
    let rollups = deps.rollups.of(&Scope::All, &[month], &heads, &deps.store).await?;
    if rollups.is_empty() {
        return Err(ApiError::not_found(format!(
            "there is no cost report of {month}; /api/status lists the months there are"
        )));
    }
    let statement = Statement::of(rollups.iter().map(Arc::as_ref)).map_err(too_large)?;
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
pub(crate) async fn stored_scopes(scope: &Scope, deps: &Deps, now: Timestamp) -> Result<(Vec<Scope>, bool), ApiError> {
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

/// `from`, `to` and the months that they touch.
fn span(parameters: &Parameters<'_>) -> Result<(Date, Date, Vec<Month>), ApiError> {
    let from: Date = parsed(parameters, "from")?.ok_or_else(|| crate::parameters::missing("from"))?;
    let to: Date = parsed(parameters, "to")?.ok_or_else(|| crate::parameters::missing("to"))?;
    if from >= to {
        return Err(ApiError::input("request/query/to must be after `from`: it is the first day that is left out"));
    }
    let months = Month::between(from, to);
    if months.len() > MAX_MONTHS {
        return Err(ApiError::input(format!(
            "from {from} to {to} are {} months, and one answer covers at most {MAX_MONTHS}; ask in several requests",
            months.len()
        )));
    }
    Ok((from, to, months))
}

/// `by` may repeat, and may list several separated by commas.
fn dimensions(parameters: &Parameters<'_>) -> Result<BTreeSet<Dimension>, ApiError> {
    let names = parameters.all("by").into_iter().flat_map(|list| list.split(',')).map(str::trim);
    names.filter(|name| !name.is_empty()).map(|name| name.parse().map_err(|error| invalid("by", &error))).collect()
}

pub(crate) fn parsed<T: FromStr<Err: std::fmt::Display>>(
    parameters: &Parameters<'_>,
    name: &str,
) -> Result<Option<T>, ApiError> {
    parameters.one(name)?.map(|text| text.parse().map_err(|error| invalid(name, &error))).transpose()
}

pub(crate) fn invalid(name: &str, error: &dyn std::fmt::Display) -> ApiError {
    ApiError::input(format!("request/query/{name}: {error}"))
}

#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
pub(crate) fn too_large(source: AmountError) -> ApiError {
    error!(error = %source, "amounts cannot be summed");
    ApiError::internal()
}
