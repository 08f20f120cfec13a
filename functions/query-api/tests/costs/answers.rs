//! What stands beside `/api/costs`: coverage, the unallocated, actions, statements. All of it adds up to the bill.

use catalog_model::Identity;
use cost_model::Dimension;
use serde_json::{Value, json};

use crate::bills::{SEPTEMBER, ask, ask_exactly, autumn, bill, company, sum, volume, works_for};
use crate::stack::Stack;

const OCTOBER: [(&str, &str); 2] = [("from", "2026-10-01"), ("to", "2026-11-01")];
const BILL: &str = "72.85";

fn in_october<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    [more, &OCTOBER].concat()
}

async fn usd_rows(stack: &mut Stack, parameters: &[(&str, &str)]) -> Vec<Value> {
    let answer = ask(stack, "/api/costs", &in_october(parameters)).await;
    answer["rows"].as_array().unwrap().iter().filter(|row| row["currency"] == "USD").cloned().collect()
}

#[tokio::test]
async fn every_combination_of_dimensions_adds_up_to_the_bill() {
    let mut stack = autumn().await;
    for combination in 0..1u32 << Dimension::ALL.len() {
        let by: Vec<&str> = Dimension::ALL
            .iter()
            .enumerate()
            .filter(|(at, _)| combination >> at & 1 == 1)
            .map(|(_, dimension)| dimension.as_str())
            .collect();
        let by = by.join(",");
        for granularity in ["daily", "monthly"] {
            let mut parameters = vec![("scope", "all"), ("granularity", granularity)];
            if !by.is_empty() {
                parameters.push(("by", &by));
            }
            let rows = usd_rows(&mut stack, &parameters).await;
            assert_eq!(sum(rows.iter().map(|row| &row["amount"])).to_string(), BILL, "{by} {granularity}");
        }
    }
}

#[tokio::test]
async fn what_is_allocated_and_what_is_not_is_the_bill_in_every_answer() {
    let mut stack = autumn().await;
    for metric in ["unblended", "amortized", "net_amortized"] {
        let rows = usd_rows(&mut stack, &[("scope", "all"), ("by", "component"), ("metric", metric)]).await;
        let of = |allocated: bool| {
            sum(rows.iter().filter(|row| row["component"].is_null() != allocated).map(|row| &row["amount"]))
        };
        let bill = sum(rows.iter().map(|row| &row["amount"]));
        assert_eq!(of(true).plus(of(false)).unwrap(), bill);

        let coverage =
            ask(&mut stack, "/api/costs/coverage", &in_october(&[("scope", "all"), ("metric", metric)])).await;
        let usd = &coverage["currencies"]["USD"];
        assert_eq!((sum([&usd["allocated"]]), sum([&usd["unallocated"]])), (of(true), of(false)));
        assert_eq!(sum([&usd["total"]]), bill);
        let reasons = coverage["reasons"].as_array().unwrap().iter();
        assert_eq!(sum(reasons.filter(|row| row["currency"] == "USD").map(|row| &row["amount"])), of(false));

        let missing = ask(&mut stack, "/api/costs/unallocated", &in_october(&[("metric", metric)])).await;
        let usd = &missing["totals"]["USD"];
        assert_eq!(sum([&usd["bill"]]), bill);
        let rows = missing["rows"].as_array().unwrap().iter().filter(|row| row["currency"] == "USD");
        assert_eq!(sum(rows.map(|row| &row["amount"]).chain([&usd["explained"]])), bill);

        let statement = ask(&mut stack, "/api/costs/statements/2026-10", &[]).await;
        let rows = statement["rows"].as_array().unwrap().iter().filter(|row| row["currency"] == "USD");
        assert_eq!(sum(rows.map(|row| &row[metric])), bill);
        assert_eq!(sum([&statement["totals"]["USD"][metric]]), bill);
    }
}

#[tokio::test]
async fn what_a_tag_would_explain_is_ranked_by_its_money() {
    let mut stack = autumn().await;
    let missing = ask(&mut stack, "/api/costs/unallocated", &in_october(&[("by", "account")])).await;
    let rows = missing["rows"].as_array().unwrap().iter();
    let rows: Vec<String> =
        rows.map(|row| format!("{} {} {}", row["amount"], row["missing"], row["unallocated"])).collect();
    assert_eq!(
        rows,
        [
            r#""10" "rule" "SavingsPlanFee""#,
            r#""6" "record" "UnknownResource""#,
            r#""4" "rule" "Tax""#,
            r#""2.25" "component" "NoComponent""#
        ]
    );
    assert_eq!(missing["totals"]["USD"], json!({"bill": BILL, "explained": "50.6", "unexplained": "22.25"}));
    assert!(missing["rows"][0]["remedy"].as_str().is_some_and(|remedy| !remedy.is_empty()));
    // Without `by`, by account and service.
    let missing = ask(&mut stack, "/api/costs/unallocated", &OCTOBER).await;
    assert_eq!(missing["rows"][1]["service"], "AmazonEC2");
}

#[tokio::test]
async fn coverage_says_how_much_of_what_runs_for_a_component_is_known() {
    let mut stack = autumn().await;
    let coverage =
        ask_exactly(&mut stack, "/api/costs/coverage", &in_october(&[("scope", "component:default/billing")])).await;
    // In staging, EC2: 20 of its own, and 2.25 and 6 that are on no component. All that is said there is its own.
    assert_eq!(
        coverage["currencies"]["USD"],
        json!({"total": "20.55", "allocated": "20.55", "unallocated": "0", "mayBelong": "8.25", "coverage": "0.71354166666666667"})
    );
    assert_eq!(coverage["resources"], json!({"known": "0", "withCosts": "0", "withoutCosts": []}));

    let scope = in_october(&[("scope", "component:default/orders")]);
    let coverage = ask_exactly(&mut stack, "/api/costs/coverage", &scope).await;
    assert_eq!((&coverage["resources"]["known"], &coverage["resources"]["withCosts"]), (&json!("2"), &json!("1")));
    let without = coverage["resources"]["withoutCosts"][0].as_str().unwrap();
    assert!(without.starts_with("resource:default/vol-1-"), "{without}");

    let group = ask_exactly(&mut stack, "/api/costs/coverage", &in_october(&[("scope", "group:default/team-a")])).await;
    // What it owns without a component is covered; the 6 that nobody knows are not.
    assert_eq!(group["currencies"]["USD"]["unallocated"], "2.25");
    assert_eq!(group["currencies"]["USD"]["mayBelong"], "6");
    let (status, _) = stack.get("/api/costs/coverage", &in_october(&[("scope", "component:default/nobody")])).await;
    assert_eq!(status, 404);
}

#[tokio::test]
async fn coverage_looks_up_every_resource_however_many_there_are() {
    let mut stack = autumn().await;
    for at in 0..230 {
        let bucket = Identity::of_canonical_arn(&format!("arn:aws:s3:::bucket-{at:03}"));
        works_for(&mut stack, bucket.clone(), "component:default/billing").await;
        if at < 225 {
            let month = if at % 2 == 0 { "2026-10" } else { "2026-09" };
            stack.store.put_rollup(bucket.as_str(), month, "g1", &json!({})).await.unwrap();
        }
    }
    stack.index_all().await;
    for (from, with_costs) in [("2026-10-01", 113), ("2026-09-01", 225)] {
        let asked = [("scope", "component:default/billing"), ("from", from), ("to", "2026-11-01")];
        let coverage = ask(&mut stack, "/api/costs/coverage", &asked).await;
        let resources = &coverage["resources"];
        assert_eq!((&resources["known"], &resources["withCosts"]), (&json!(230), &json!(with_costs)));
        let without = resources["withoutCosts"].as_array().unwrap();
        assert_eq!(without.len(), 230 - with_costs);
        assert!(without.last().unwrap().as_str().unwrap().starts_with("resource:default/bucket-229"), "{without:?}");
    }
}

#[tokio::test]
async fn actions_have_amount_evidence_and_target() {
    let mut stack = autumn().await;
    let evidence = json!({
        "v": 1, "month": "2026-10",
        "usage": [{
            "resource": volume().as_str(), "account": "111122223333", "region": "eu-west-1", "productCode": "AmazonEC2",
            "usageType": "EU-EBS:VolumeUsage.gp2", "unit": "GB-Mo", "usage": "100", "cost": "11", "currency": "USD",
            "component": "component:default/orders", "owner": "group:default/team-a",
        }],
        "prices": [],
    });
    stack.store.put_rollup("evidence", "2026-10", "g1", &evidence).await.unwrap();
    let rules = |answer: &Value| -> Vec<String> {
        let actions = answer["actions"].as_array().unwrap().iter();
        actions
            .map(|action| format!("{} {}", action["rule"].as_str().unwrap(), action["amount"].as_str().unwrap()))
            .collect()
    };
    let all = ask(&mut stack, "/api/costs/actions", &[("scope", "all")]).await;
    assert_eq!(
        rules(&all),
        [
            "project-growth-month 27.59999999999999999996",
            "project-growth-month 20.75",
            "unattached-volume 11",
            "unused-commitment 9",
            "untagged-spend 8.25",
        ]
    );
    let volume_action = &all["actions"][2];
    assert!(volume_action["target"]["entityRef"].as_str().unwrap().starts_with("resource:default/vol-1-"));
    assert_eq!(volume_action["evidence"]["state"], "available");
    assert_eq!((&volume_action["from"], &volume_action["to"]), (&json!("2026-10-01"), &json!("2026-11-01")));
    for scope in ["group:default/team-a", "component:default/orders", "system:default/checkout", volume().as_str()] {
        let of_scope = ask(&mut stack, "/api/costs/actions", &[("scope", scope)]).await;
        assert!(rules(&of_scope).contains(&"unattached-volume 11".to_owned()), "{scope}: {of_scope}");
    }
    for scope in ["component:default/billing", "account:444455556666"] {
        let of_scope = ask(&mut stack, "/api/costs/actions", &[("scope", scope)]).await;
        assert!(!rules(&of_scope).iter().any(|rule| rule.starts_with("unattached")), "{scope}: {of_scope}");
    }
}

#[tokio::test]
async fn thirteen_months_are_one_answer() {
    let mut stack = company().await;
    let months: Vec<String> = (0..13).map(|at| format!("{}-{:02}", 2025 + (at + 9) / 12, (at + 9) % 12 + 1)).collect();
    for month in &months {
        let last = format!("{month}-28");
        let days: Vec<(String, &str)> = SEPTEMBER
            .iter()
            .map(|line| (line.0.replace("2026-09-30", &last).replace("2026-09", month), line.1))
            .collect();
        let lines: Vec<_> = SEPTEMBER
            .iter()
            .zip(&days)
            .map(|(line, (day, _))| (day.as_str(), line.1, line.2, line.3, line.4))
            .collect();
        bill(&stack, month, &last, &lines).await;
    }
    let year = [
        ("scope", "component:default/orders"),
        ("from", "2025-10-01"),
        ("to", "2026-11-01"),
        ("granularity", "monthly"),
    ];
    let answer = ask(&mut stack, "/api/costs", &year).await;
    assert_eq!(answer["rows"].as_array().unwrap().len(), 13);
    assert_eq!(answer["totals"]["USD"], "169.00000000000000000039");
}
