//! `/api/cost-insights`: the nine methods of Backstage's Cost Insights over HTTP, in its types.
//! docs/cost-insights.md says what each of them means here.

mod alerts;
mod daily;
mod groups;
mod product;

use aws_lambda_events::apigw::ApiGatewayProxyRequest;
use catalog_model::EntityRef;
use cost_model::insights::{Intervals, Known, Question};
use cost_model::{Metric, Month, Scope};
use delivery::api::ApiError;
use jiff::Timestamp;

use crate::answers::Answer;
use crate::costs::{Heads, invalid, parsed};
use crate::handler::Deps;
use crate::parameters::Parameters;

/// The group of everything that there is a bill for.
const ALL: &str = "all";

/// `parts` and `fixed`: the path below `/api/cost-insights`, as it is and in lower case. A reference with slashes may stand in
/// several parts.
pub(crate) async fn route(
    request: &ApiGatewayProxyRequest,
    parts: &[String],
    fixed: &[&str],
    deps: &Deps,
    now: Timestamp,
) -> Result<Answer, ApiError> {
    let middle = || parts[1..parts.len() - 1].join("/");
    match fixed {
        ["last-complete-billing-date"] => groups::last_complete_billing_date(request, deps, now).await,
        ["groups"] => groups::of_user(request, deps, now).await,
        ["groups", _, .., "projects"] => groups::projects(request, &group_scope(&middle())?, deps, now).await,
        ["groups", _, .., "alerts"] => alerts::of_group(request, &group_scope(&middle())?, deps, now).await,
        ["groups", _, .., "daily-cost"] => {
            daily::of_scope(request, &middle(), &group_scope(&middle())?, deps, now).await
        }
        ["projects", _, "daily-cost"] => {
            daily::of_scope(request, &middle(), &project_scope(&middle())?, deps, now).await
        }
        ["entities", _, _, _, "daily-cost"] => {
            let entity = EntityRef::new(&parts[1], &parts[2], &parts[3]);
            daily::of_scope(request, &entity.to_string(), &Scope::Entity(entity), deps, now).await
        }
        ["metrics", _, .., "daily"] => daily::of_metric(request, &middle(), deps, now).await,
        ["products", _, .., "insights"] => product::insights(request, &middle(), deps, now).await,
        _ => Err(ApiError::not_found(format!(
            "there is no {} {}; GET /openapi.json describes what there is",
            request.http_method,
            request.path.as_deref().unwrap_or("/")
        ))),
    }
}

/// `group:default/team-a`, `default/team-a` or `team-a`; a user, who may own things as well; or `all`.
fn group_scope(group: &str) -> Result<Scope, ApiError> {
    if group == ALL {
        return Ok(Scope::All);
    }
    let entity = EntityRef::parse_in(group, Some("group"), "default");
    let entity = entity.map_err(|error| ApiError::input(format!("request/params/group: {error}")))?;
    if !matches!(entity.kind(), "group" | "user") {
        return Err(ApiError::input(format!("request/params/group: `{entity}` is neither a group nor a user")));
    }
    Ok(Scope::Entity(entity))
}

/// An account's id, alone or behind `account:`.
fn project_scope(project: &str) -> Result<Scope, ApiError> {
    let id = project.strip_prefix("account:").unwrap_or(project);
    match format!("account:{id}").parse() {
        Ok(scope @ Scope::Account(_)) => Ok(scope),
        _ => Err(ApiError::input(format!("request/params/project: `{project}` is no account id of twelve digits"))),
    }
}

/// What is asked for, and the months that it is found in.
fn question(parameters: &Parameters<'_>, heads: &Heads, known: &Known) -> Result<(Question, Vec<Month>), ApiError> {
    let text = parameters.required("intervals")?;
    let intervals: Intervals = text.parse().map_err(|error| invalid("intervals", &error))?;
    let currency = match parsed(parameters, "currency")? {
        Some(currency) => currency,
        None => heads.main_currency().ok_or_else(ApiError::internal)?,
    };
    let question = Question {
        intervals,
        metric: parsed(parameters, "metric")?.unwrap_or(Metric::Unblended),
        currency,
        account: None,
    };
    let read = intervals.read(known.last_complete_day);
    Ok((question, Month::between(read.from, read.to)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_goes_by_its_name_or_its_reference() {
        for text in ["team-a", "default/team-a", "group:team-a", "group:default/team-a", "Group:Default/Team-A"] {
            assert_eq!(group_scope(text).unwrap().to_string(), "group:default/team-a", "{text}");
        }
        assert_eq!(group_scope("all").unwrap(), Scope::All);
        assert_eq!(group_scope("user:default/anna").unwrap().to_string(), "user:default/anna");
        for text in ["component:default/orders", "a/b/c", ""] {
            assert_eq!(group_scope(text).unwrap_err().status, 400, "{text}");
        }
    }

    #[test]
    fn a_project_is_an_account() {
        for text in ["111122223333", "account:111122223333"] {
            assert_eq!(project_scope(text).unwrap(), Scope::Account("111122223333".into()));
        }
        for text in ["11112222333", "all", "account:", "component:default/x"] {
            assert_eq!(project_scope(text).unwrap_err().status, 400, "{text}");
        }
    }
}
