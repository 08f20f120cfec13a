//! The nine methods of Cost Insights: their types are checked by `tests/clients`; here is what they say.

use serde_json::{Value, json};

use crate::bills::{ask, ask_exactly, autumn, company, sum};
use crate::stack::Stack;

const MONTH: (&str, &str) = ("intervals", "R2/P30D/2026-11-01");

fn path(of: &str) -> String {
    format!("/api/cost-insights/{of}")
}

async fn insights(stack: &mut Stack, of: &str, parameters: &[(&str, &str)]) -> Value {
    ask_exactly(stack, &path(of), parameters).await
}

#[tokio::test]
async fn the_last_complete_day_comes_from_the_data() {
    let mut stack = company().await;
    assert_eq!(stack.get(&path("last-complete-billing-date"), &[]).await.0, 404);
    let mut stack = autumn().await;
    assert_eq!(insights(&mut stack, "last-complete-billing-date", &[]).await, "2026-10-31");
}

#[tokio::test]
async fn a_user_has_its_groups_and_those_above_them() {
    let mut stack = company().await;
    let groups = json!([
        {"id": "group:default/team-a", "name": "Team A"},
        {"id": "group:default/shop", "name": "The Shop"},
        {"id": "group:default/company", "name": "The Company"},
    ]);
    for user in
        ["user:default/anna", "anna", "default/anna", "User:Default/Anna", "anna@example.com", "Anna@Example.com"]
    {
        assert_eq!(insights(&mut stack, "groups", &[("userId", user)]).await, groups, "{user}");
    }
    for user in ["nobody", "nobody@example.com", "component:default/orders"] {
        assert_eq!(insights(&mut stack, "groups", &[("userId", user)]).await, json!([]), "{user}");
    }
    assert_eq!(stack.get(&path("groups"), &[]).await.0, 400);
}

#[tokio::test]
async fn the_projects_of_a_group_are_the_accounts_that_it_has_costs_in() {
    let mut stack = autumn().await;
    for group in ["group:default/team-a", "group%3Adefault%2Fteam-a", "team-a"] {
        let projects = insights(&mut stack, &format!("groups/{group}/projects"), &[]).await;
        assert_eq!(projects, json!([{"id": "111122223333"}, {"id": "444455556666"}]), "{group}");
    }
    assert_eq!(insights(&mut stack, "groups/company/projects", &[]).await, json!([]));
    assert_eq!(stack.get(&path("groups/nobody/projects"), &[]).await.0, 404);
}

/// The sum of a series, after its groups were found to add up to it and its periods to its change.
fn checked(cost: &Value) -> String {
    let of_series = |cost: &Value| sum(cost["aggregation"].as_array().unwrap().iter().map(|day| &day["amount"]));
    let total = of_series(cost);
    assert_eq!(cost["exact"]["total"], total.to_string());
    for (key, groups) in cost["groupedCosts"].as_object().into_iter().flatten() {
        let groups = groups.as_array().unwrap().iter();
        let sum = groups.fold(cost_model::Amount::ZERO, |sum, group| sum.plus(of_series(group)).unwrap());
        assert_eq!(sum, total, "{key}");
    }
    let periods: Vec<cost_model::Amount> =
        cost["exact"]["periods"].as_array().unwrap().iter().map(|period| sum([&period["amount"]])).collect();
    if let [.., previous, current] = periods.as_slice() {
        let change = cost_model::insights::Change::between(*previous, *current).unwrap();
        assert_eq!(cost["change"]["amount"], change.amount.as_str());
        assert_eq!(cost["change"]["ratio"].as_str(), change.ratio.as_ref().map(|ratio| ratio.as_str()));
    }
    total.to_string()
}

#[tokio::test]
async fn every_series_adds_up_to_what_the_costs_say_over_its_days() {
    let mut stack = autumn().await;
    for intervals in [
        "R2/P7D/2026-11-01",
        "R2/P30D/2026-11-01",
        "R2/P90D/2026-11-01",
        "R2/P3M/2026-10-01",
        "R2/P10D/2026-10-21",
        "R3/P1M/2026-11-01",
    ] {
        for (of, scope) in [
            ("groups/team-a/daily-cost", "group:default/team-a"),
            ("groups/all/daily-cost", "all"),
            ("projects/111122223333/daily-cost", "account:111122223333"),
            ("entities/component/default/orders/daily-cost", "component:default/orders"),
            ("entities/system/default/checkout/daily-cost", "system:default/checkout"),
            ("metrics/unblended/daily", "all"),
        ] {
            let cost = insights(&mut stack, of, &[("intervals", intervals)]).await;
            let total = checked(&cost);
            let span = |name: &str| cost["exact"][name].as_str().unwrap().to_owned();
            let (from, to) = (span("from"), span("to"));
            let costs = ask(&mut stack, "/api/costs", &[("scope", scope), ("from", &from), ("to", &to)]).await;
            assert_eq!(costs["totals"].get("USD").cloned().unwrap_or(json!("0")), total, "{of} {intervals}");
            for period in cost["exact"]["periods"].as_array().unwrap() {
                let (from, to) = (period["from"].as_str().unwrap(), period["to"].as_str().unwrap());
                let costs = ask(&mut stack, "/api/costs", &[("scope", scope), ("from", from), ("to", to)]).await;
                assert_eq!(
                    costs["totals"].get("USD").cloned().unwrap_or(json!("0")),
                    period["amount"],
                    "{of} {intervals}"
                );
            }
        }
    }
}

#[tokio::test]
async fn a_group_is_shown_with_what_is_on_no_component_and_without_other_currencies() {
    let mut stack = autumn().await;
    let cost = insights(&mut stack, "groups/team-a/daily-cost", &[MONTH]).await;
    let groups = |key: &str| -> Vec<String> {
        cost["groupedCosts"][key]
            .as_array()
            .unwrap()
            .iter()
            .map(|group| group["id"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(groups("component"), ["component:default/billing", "component:default/orders", "unallocated"]);
    assert_eq!(groups("product"), ["AmazonDynamoDB", "AmazonEC2"]);
    assert_eq!(groups("project"), ["111122223333", "444455556666"]);
    assert_eq!(cost["exact"]["otherCurrencies"], json!({"EUR": "5"}));
    assert_eq!(cost["id"], "team-a");
    // Every day from the day before the first period to the last complete one: all of it is known.
    let days = cost["aggregation"].as_array().unwrap();
    assert_eq!((days.len(), &days[0]["date"], &days[60]["date"]), (61, &json!("2026-09-01"), &json!("2026-10-31")));
    assert!(cost["trendline"]["slope"].is_string());

    let euros = insights(&mut stack, "groups/team-a/daily-cost", &[MONTH, ("currency", "EUR")]).await;
    assert_eq!(euros["exact"]["total"], "5");
    let amortized = insights(&mut stack, "groups/team-a/daily-cost", &[MONTH, ("metric", "amortized")]).await;
    assert_eq!(checked(&amortized), "66.01500000000000000004");
}

#[tokio::test]
async fn days_before_the_first_report_are_not_shown_as_zero() {
    let mut stack = autumn().await;
    let cost = insights(&mut stack, "groups/team-a/daily-cost", &[("intervals", "R2/P90D/2026-11-01")]).await;
    assert_eq!(cost["aggregation"][0]["date"], "2026-09-01");
    assert_eq!(cost["change"].get("ratio"), None);
    // Known, and nothing was spent: no series at all, which the portal shows as such.
    let nothing = insights(&mut stack, "groups/company/daily-cost", &[MONTH]).await;
    assert_eq!((&nothing["aggregation"], &nothing["change"]), (&json!([]), &json!({"amount": "0"})));
}

#[tokio::test]
async fn a_product_is_shown_by_component_of_the_group_and_project() {
    let mut stack = autumn().await;
    let asked = [("group", "team-a"), MONTH];
    let ec2 = insights(&mut stack, "products/AmazonEC2/insights", &asked).await;
    let ids: Vec<&Value> =
        ec2["entities"]["component"].as_array().unwrap().iter().map(|entity| &entity["id"]).collect();
    assert_eq!(ids, [&json!("component:default/billing"), &json!("component:default/orders"), &Value::Null]);
    assert_eq!(ec2["aggregation"], json!(["47.50000000000000000001", "21.75"]));
    let staging = [("group", "team-a"), MONTH, ("project", "444455556666")];
    let ec2 = insights(&mut stack, "products/ec2/insights", &staging).await;
    assert_eq!(ec2["aggregation"], json!(["7.5", "22.25"]));
    let none = insights(&mut stack, "products/AmazonRDS/insights", &asked).await;
    assert_eq!((&none["aggregation"], &none["entities"]), (&json!(["0", "0"]), &json!({})));
}

#[tokio::test]
async fn alerts_name_the_clients_classes() {
    let mut stack = autumn().await;
    let alerts = insights(&mut stack, "groups/team-a/alerts", &[]).await;
    let shown: Vec<String> = alerts
        .as_array()
        .unwrap()
        .iter()
        .map(|alert| format!("{} {}", alert["type"].as_str().unwrap(), alert["title"].as_str().unwrap()))
        .collect();
    assert_eq!(
        shown,
        [
            "ProjectGrowthAlert Investigate cost growth in project 111122223333",
            "ProjectGrowthAlert Investigate cost growth in project 444455556666",
            "UnlabeledDataflowAlert Say which component costs are of",
        ]
    );
    assert_eq!(alerts[2]["data"]["unlabeledCost"], "2.25");
    let all = insights(&mut stack, "groups/all/alerts", &[]).await;
    let commitment = all.as_array().unwrap().iter().find(|alert| alert["rule"] == "unused-commitment").unwrap();
    assert_eq!((&commitment["type"], &commitment["data"]["amount"]), (&json!("ActionAlert"), &json!("9")));
}

#[tokio::test]
async fn what_is_asked_wrongly_is_named() {
    let mut stack = autumn().await;
    for (of, parameters, status, complaint) in [
        ("groups/team-a/daily-cost", vec![], 400, "request/query must have required property 'intervals'"),
        (
            "groups/team-a/daily-cost",
            vec![("intervals", "P30D")],
            400,
            "request/query/intervals: `P30D` is not of the form",
        ),
        (
            "groups/team-a/daily-cost",
            vec![("intervals", "R99/P30D/2026-11-01")],
            400,
            "request/query/intervals: `R99/P30D",
        ),
        (
            "groups/team-a/daily-cost",
            vec![MONTH, ("metric", "blended")],
            400,
            "request/query/metric: metric `blended` is none of",
        ),
        (
            "groups/team-a/daily-cost",
            vec![MONTH, ("currency", "dollars")],
            400,
            "request/query/currency: `dollars` is not a currency",
        ),
        (
            "groups/component:default%2Forders/daily-cost",
            vec![MONTH],
            400,
            "request/params/group: `component:default/orders` is neither",
        ),
        ("groups/nobody/daily-cost", vec![MONTH], 404, "`group:default/nobody` is neither in the catalog nor"),
        ("projects/production/daily-cost", vec![MONTH], 400, "request/params/project: `production` is no account id"),
        ("entities/component/default/nobody/daily-cost", vec![MONTH], 404, "`component:default/nobody` is neither"),
        ("metrics/users/daily", vec![MONTH], 404, "there is no metric `users`; there are unblended,"),
        ("products/ec2/insights", vec![MONTH], 400, "request/query must have required property 'group'"),
        (
            "products/ec2/insights",
            vec![("group", "team-a"), MONTH, ("project", "x")],
            400,
            "request/params/project: `x`",
        ),
        ("groups/team-a/alerts", vec![MONTH], 400, "Unknown query parameter 'intervals'"),
        ("budgets", vec![], 404, "there is no GET /api/cost-insights/budgets"),
    ] {
        let (got, answer) = stack.get(&path(of), &parameters).await;
        let message = answer["error"]["message"].as_str().unwrap_or_default();
        assert!(got == status && message.starts_with(complaint), "{of} {parameters:?}: {got} {answer}");
    }
}
