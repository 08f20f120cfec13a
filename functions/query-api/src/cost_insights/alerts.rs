//! `getAlerts`: actions of a group in the contract's terms. A client makes a class of what has one by `type`, and shows the rest
//! by `title` and `subtitle`.

use std::collections::BTreeMap;

use aws_lambda_events::apigw::ApiGatewayProxyRequest;
use cost_model::actions::{Action, Alert, ProjectGrowth, RULES, Unlabeled};
use cost_model::insights::rounded_to_cents;
use cost_model::{Amount, Currency, Scope};
use delivery::api::ApiError;
use jiff::Timestamp;
use serde::Serialize;

use crate::answers::{self, Answer};
use crate::costs::{actions_of, too_large};
use crate::handler::Deps;
use crate::parameters::Parameters;

/// Actions that one alert lists; `actions` of `/api/costs/actions` has them all.
const MAX_LISTED: usize = 50;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    /// The class of the client.
    #[serde(rename = "type")]
    class: &'static str,
    rule: &'static str,
    title: String,
    subtitle: String,
    /// A page of the portal's plugin.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'static str>,
    data: Data<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Data<'a> {
    ProjectGrowth(&'a ProjectGrowth),
    Unlabeled(&'a Unlabeled),
    Actions(Listed<'a>),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Listed<'a> {
    amount: Amount,
    currency: Currency,
    saving: bool,
    count: usize,
    actions: Vec<&'a Action>,
}

pub(super) async fn of_group(
    request: &ApiGatewayProxyRequest,
    scope: &Scope,
    deps: &Deps,
    now: Timestamp,
) -> Result<Answer, ApiError> {
    Parameters::check(request, &[])?;
    let heads = deps.rollups.heads(&deps.store, now).await?;
    let actions = actions_of(scope, &heads, deps, now).await?;
    answers::serialised(&alerts(&actions)?)
}

fn alerts(actions: &[Action]) -> Result<Vec<Shown<'_>>, ApiError> {
    let mut alerts = Vec::new();
    for rule in &RULES {
        let mut lists: BTreeMap<Currency, Vec<&Action>> = BTreeMap::new();
        for action in actions.iter().filter(|action| action.rule == rule.name) {
            let shown = |class, url, data| Shown {
                class,
                rule: rule.name,
                title: rule.title.to_owned(),
                subtitle: rule.subtitle.to_owned(),
                url: Some(url),
                data,
            };
            match &action.alert {
                Some(Alert::ProjectGrowth(growth)) => alerts.push(Shown {
                    title: format!("Investigate cost growth in project {}", growth.project),
                    ..shown("ProjectGrowthAlert", "/cost-insights/investigating-growth", Data::ProjectGrowth(growth))
                }),
                Some(Alert::Unlabeled(unlabeled)) => alerts.push(shown(
                    "UnlabeledDataflowAlert",
                    "/cost-insights/labeling-jobs",
                    Data::Unlabeled(unlabeled),
                )),
                None => lists.entry(action.currency).or_default().push(action),
            }
        }
        for (currency, actions) in lists {
            let sum =
                actions.iter().try_fold(Amount::ZERO, |sum, action| sum.plus(action.amount)).map_err(too_large)?;
            let (count, first) = (actions.len(), actions[0]);
            let times = if count == 1 { "once".to_owned() } else { format!("{count} times") };
            alerts.push(Shown {
                class: "ActionAlert",
                rule: rule.name,
                title: rule.title.to_owned(),
                subtitle: format!(
                    "{} Found {times}: {} {currency} from {} until {}.",
                    rule.subtitle,
                    rounded_to_cents(sum),
                    first.from,
                    first.to
                ),
                url: None,
                data: Data::Actions(Listed {
                    amount: sum,
                    currency,
                    saving: first.saving,
                    count,
                    actions: actions.into_iter().take(MAX_LISTED).collect(),
                }),
            });
        }
    }
    Ok(alerts)
}
