use std::collections::BTreeSet;

use catalog_model::Identity;
use proptest::prelude::*;

use super::*;
use crate::allocation::Share;
use crate::query::{CostQuery, Dimension, Granularity, costs};
use crate::rollup::Attribution;
use crate::unallocated::Unallocated;

fn amounts(unblended: &str, amortized: &str, net: &str) -> Amounts {
    Amounts {
        unblended: unblended.parse().unwrap(),
        amortized: amortized.parse().unwrap(),
        net_amortized: net.parse().unwrap(),
    }
}

fn cell(day: &str, service: &str, account: &str, currency: &str, amounts: Amounts) -> Cell {
    let dimensions = Dimensions {
        service: service.into(),
        region: "eu-west-1".into(),
        account: account.into(),
        environment: Some("tagged".into()),
        attribution: Attribution::Unallocated(Unallocated::NoResourceId),
        owner: None,
        currency: currency.parse().unwrap(),
    };
    Cell { day: day.parse().unwrap(), dimensions, amounts }
}

fn to_components(names: &[&str], owner: Option<&str>) -> Allocation {
    let share = |name: &&str| Share {
        attribution: Attribution::Component(EntityRef::component(name)),
        owner: owner.map(|owner| owner.parse().unwrap()),
        system: Some("system:default/shop".parse().unwrap()),
        weight: 1,
    };
    Allocation {
        entity: Some(Identity::of_canonical_arn("arn:aws:sqs:eu-west-1:111122223333:jobs")),
        environment: Some("prod".into()),
        shares: names.iter().map(share).collect(),
    }
}

fn october() -> ScopeRollups {
    let mut rollups = ScopeRollups::new("2026-10".parse().unwrap());
    let orders = to_components(&["orders"], Some("group:default/shop"));
    let both = to_components(&["orders", "web"], Some("group:default/shop"));
    let tax = Allocation::to_nobody(Unallocated::Tax);
    for (cell, allocation) in [
        (cell("2026-10-01", "AmazonEC2", "111122223333", "USD", amounts("0.096", "0.07", "0.065")), &orders),
        (cell("2026-10-02", "AmazonEC2", "111122223333", "USD", amounts("-0.096", "0", "0")), &orders),
        (
            cell("2026-10-02", "AWSQueueService", "111122223333", "USD", amounts("0.00000000000000000003", "1", "1")),
            &both,
        ),
        (cell("2026-11-01", "Tax", "444455556666", "USD", amounts("10", "10", "10")), &tax),
        (cell("2026-10-31", "Tax", "444455556666", "EUR", amounts("5.5", "5.5", "5.5")), &tax),
    ] {
        rollups.add(&cell, allocation).unwrap();
    }
    rollups
}

fn bill(rollups: &ScopeRollups) -> BTreeMap<Currency, Amounts> {
    rollups.get(&Scope::All).unwrap().unwrap().totals().unwrap()
}

#[test]
fn a_cost_is_in_every_scope_that_it_belongs_to_and_once_in_each() {
    let rollups = october();
    let shown: Vec<String> = rollups
        .scopes()
        .into_iter()
        .map(|scope| {
            let rollup = rollups.get(scope).unwrap().unwrap();
            let totals = rollup.totals().unwrap();
            let totals: Vec<String> = totals.iter().map(|(c, a)| format!("{} {c}", a.unblended)).collect();
            format!("{scope} {}", totals.join(" "))
        })
        .collect();
    assert_eq!(
        shown,
        [
            "all 5.5 EUR 10.00000000000000000003 USD",
            "account:111122223333 0.00000000000000000003 USD",
            "account:444455556666 5.5 EUR 10 USD",
            "arn:aws:sqs:eu-west-1:111122223333:jobs 0.00000000000000000003 USD",
            "component:default/orders 0.00000000000000000002 USD",
            "component:default/web 0.00000000000000000001 USD",
            "group:default/shop 0.00000000000000000003 USD",
            "system:default/shop 0.00000000000000000003 USD",
        ]
    );
    rollups.check(&bill(&rollups)).unwrap();
}

#[test]
fn rollups_that_do_not_add_up_are_noticed() {
    let rollups = october();
    let mut bill = bill(&rollups);
    bill.get_mut(&"USD".parse().unwrap()).unwrap().net_amortized = "11.065".parse().unwrap();
    rollups.check(&bill).unwrap();
    bill.insert("GBP".parse().unwrap(), amounts("0.01", "0", "0"));
    assert_eq!(
        rollups.check(&bill).unwrap_err().to_string(),
        "unblended GBP of the cells is 0, but the bill says 0.01"
    );
}

#[test]
fn a_line_dated_outside_its_month_counts_on_the_nearest_day() {
    let rollups = october();
    let all = rollups.get(&Scope::All).unwrap().unwrap();
    let query = CostQuery {
        from: "2026-10-31".parse().unwrap(),
        to: "2026-11-01".parse().unwrap(),
        by: BTreeSet::new(),
        metric: Metric::Unblended,
        granularity: Granularity::Daily,
    };
    assert_eq!(
        costs([&all.by(&query.by, query.granularity).unwrap()], &query).unwrap().to_json("all", &query),
        serde_json::json!({
            "scope": "all", "metric": "unblended", "from": "2026-10-31", "to": "2026-11-01", "granularity": "daily",
            "totals": {"EUR": "5.5", "USD": "10"},
            "rows": [
                {"date": "2026-10-31", "currency": "EUR", "amount": "5.5"},
                {"date": "2026-10-31", "currency": "USD", "amount": "10"},
            ],
        })
    );
}

#[test]
fn an_answer_groups_by_any_dimensions_and_names_why_there_is_no_component() {
    let rollups = october();
    let query = CostQuery {
        from: "2026-10-01".parse().unwrap(),
        to: "2026-11-01".parse().unwrap(),
        by: BTreeSet::from([Dimension::Component, Dimension::Environment]),
        metric: Metric::Amortized,
        granularity: Granularity::Monthly,
    };
    assert_eq!(
        costs([&rollups.get(&Scope::All).unwrap().unwrap().by(&query.by, query.granularity).unwrap()], &query)
            .unwrap()
            .to_json("all", &query)["rows"],
        serde_json::json!([
            {"date": "2026-10-01", "environment": "prod", "component": "component:default/orders", "currency": "USD", "amount": "0.57"},
            {"date": "2026-10-01", "environment": "prod", "component": "component:default/web", "currency": "USD", "amount": "0.5"},
            {"date": "2026-10-01", "environment": "tagged", "component": null, "unallocated": "Tax", "currency": "EUR", "amount": "5.5"},
            {"date": "2026-10-01", "environment": "tagged", "component": null, "unallocated": "Tax", "currency": "USD", "amount": "10"},
        ])
    );
}

#[test]
fn a_statement_has_a_row_for_every_owner_component_and_reason() {
    let rollups = october();
    let statement = Statement::of([&rollups.get(&Scope::All).unwrap().unwrap()]).unwrap();
    assert_eq!(
        statement.to_csv("2026-10").lines().collect::<Vec<_>>(),
        [
            "month,owner,component,unallocated,currency,unblended,amortized,net_amortized",
            "2026-10,,,Tax,EUR,5.5,5.5,5.5",
            "2026-10,,,Tax,USD,10,10,10",
            "2026-10,group:default/shop,component:default/orders,,USD,0.00000000000000000002,0.57,0.565",
            "2026-10,group:default/shop,component:default/web,,USD,0.00000000000000000001,0.5,0.5",
        ]
    );
    let json = statement.to_json("2026-10");
    assert_eq!(json["totals"]["USD"]["amortized"], "11.07");
    assert_eq!(
        json["rows"][0],
        serde_json::json!({"owner": null, "component": null, "unallocated": "Tax", "currency": "EUR",
            "unblended": "5.5", "amortized": "5.5", "net_amortized": "5.5"})
    );
}

#[test]
fn a_stored_rollup_reads_back() {
    let rollups = october();
    for scope in rollups.scopes() {
        let rollup = rollups.get(scope).unwrap().unwrap();
        let body = rollup.to_json();
        let back = Rollup::from_json(body.clone()).unwrap();
        assert_eq!(back.to_json(), body, "{scope}");
        assert_eq!(back.totals().unwrap(), rollup.totals().unwrap(), "{scope}");
    }
    let body = rollups.get(&"component:default/orders".parse().unwrap()).unwrap().unwrap().to_json();
    assert_eq!(body["rows"][1]["days"], serde_json::json!([[1, "0.096", "0.07", "0.065"], [2, "-0.096", "0"]]));
}

#[test]
fn a_broken_body_is_refused() {
    let good = october().get(&Scope::All).unwrap().unwrap().to_json();
    for (pointer, value) in [
        ("/v", serde_json::json!(2)),
        ("/month", serde_json::json!("2026-13")),
        ("/rows/0/days/0/0", serde_json::json!(32)),
        ("/rows/0/days/0/1", serde_json::json!(1.5)),
        ("/rows/0/days/0/1", serde_json::json!("1e-21")),
        ("/rows/0/days/0", serde_json::json!([1])),
        ("/rows/0/currency", serde_json::json!("dollars")),
        ("/rows/0/component", serde_json::json!("nonsense")),
        ("/rows", serde_json::json!({})),
    ] {
        let mut body = good.clone();
        if pointer == "/rows/0/component" {
            body["rows"][0]["component"] = value;
        } else {
            *body.pointer_mut(pointer).unwrap() = value;
        }
        assert!(Rollup::from_json(body).is_err(), "{pointer}");
    }
}

#[test]
fn scopes_read_back() {
    for text in ["all", "account:111122223333", "component:default/orders", "arn:aws:s3:::orders", "account:default/x"]
    {
        assert_eq!(text.parse::<Scope>().unwrap().to_string(), text);
    }
    assert_eq!("Component:Orders".parse::<Scope>().unwrap().to_string(), "component:default/orders");
    for text in ["", "account:", "account:12x", "account:1111222233334", "orders", "a:b:c"] {
        assert!(text.parse::<Scope>().is_err(), "{text}");
    }
}

proptest! {
    #[test]
    fn allocated_and_unallocated_add_up_to_the_bill_in_any_order(
        lines in prop::collection::vec((-5..40_i64, 0..3_u8, 0..6_u8, 0..2_u8, any::<i64>(), any::<i64>(), any::<i64>()), 0..60),
        shift in 0..60_usize,
    ) {
        let allocations = [
            to_components(&["orders"], None),
            to_components(&["orders", "web", "api"], Some("group:default/shop")),
            Allocation { shares: to_components(&["web"], Some("user:default/jo")).shares, entity: None, environment: None },
            Allocation::to_nobody(Unallocated::Tax),
            Allocation::to_nobody(Unallocated::NoResourceId),
            Allocation::to_nobody(Unallocated::Refund),
        ];
        let start: Date = "2026-10-01".parse().unwrap();
        let made: Vec<(Cell, &Allocation)> = lines.iter().map(|(day, service, allocation, currency, u, a, n)| {
            let day = start.checked_add(jiff::Span::new().days(*day)).unwrap().to_string();
            let amounts = Amounts {
                unblended: crate::Amount::from_raw(i128::from(*u)),
                amortized: crate::Amount::from_raw(i128::from(*a)),
                net_amortized: crate::Amount::from_raw(i128::from(*n)),
            };
            let cell = cell(&day, &format!("s{service}"), "111122223333", ["USD", "EUR"][usize::from(*currency)], amounts);
            (cell, &allocations[usize::from(*allocation)])
        }).collect();
        let mut bill: BTreeMap<Currency, Amounts> = BTreeMap::new();
        let mut rollups = ScopeRollups::new("2026-10".parse().unwrap());
        for (cell, allocation) in &made {
            bill.entry(cell.dimensions.currency).or_default().add(&cell.amounts).unwrap();
            rollups.add(cell, allocation).unwrap();
        }
        rollups.check(&bill).unwrap();
        let all = rollups.get(&Scope::All).unwrap().unwrap();
        for metric in Metric::ALL {
            for by in [vec![], vec![Dimension::Component], Dimension::ALL.to_vec()] {
                let query = CostQuery {
                    from: "2026-10-01".parse().unwrap(),
                    to: "2026-11-01".parse().unwrap(),
                    by: by.into_iter().collect(),
                    metric,
                    granularity: Granularity::Daily,
                };
                let answer = costs([&all.by(&query.by, query.granularity).unwrap()], &query).unwrap();
                for (currency, amounts) in &bill {
                    let rows = answer.rows.iter().filter(|row| row.currency == *currency);
                    let sum = rows.fold(0, |sum, row| sum + row.amount.raw());
                    prop_assert_eq!(sum, amounts.get(metric).raw());
                    prop_assert_eq!(answer.totals[currency], amounts.get(metric));
                }
            }
        }
        // Equal allocations in another order: sums of shared costs differ by no more than where the last units went.
        let mut turned = ScopeRollups::new("2026-10".parse().unwrap());
        let at = shift.min(made.len());
        for (cell, allocation) in made[at..].iter().chain(&made[..at]) {
            turned.add(cell, allocation).unwrap();
        }
        for scope in rollups.scopes() {
        let rollup = rollups.get(scope).unwrap().unwrap();
            prop_assert_eq!(turned.get(scope).unwrap().unwrap().to_json(), rollup.to_json());
        }
    }
}
