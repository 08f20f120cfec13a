//! What is published, what is refused, what never changes.

use billing_report::write::{ReportRow, manifest, parquet};
use catalog_model::EntityRef;
use catalog_store::RollupHead;
use cost_model::{Amount, Amounts, Metric, Rollup, Statement, Unallocated};
use serde_json::json;

use crate::world::{BUCKET, MANIFEST, MAX_RECEIVE_COUNT, TABLE, World};

pub(crate) const NO_FAILURES: [&str; 0] = [];

pub(crate) fn line(product: &str, resource: &str, cost: &str) -> ReportRow {
    let row = json!({
        "line_item_line_item_type": "Usage", "line_item_usage_account_id": "111122223333",
        "line_item_usage_start_date": "2026-10-30T23:00:00Z", "line_item_usage_end_date": "2026-10-31T00:00:00Z",
        "line_item_product_code": product, "line_item_currency_code": "USD", "line_item_unblended_cost": cost,
        "line_item_resource_id": resource, "product_region_code": "eu-west-1",
    });
    row.as_object().unwrap().clone()
}

pub(crate) fn of_type(mut row: ReportRow, line_type: &str) -> ReportRow {
    row.insert("line_item_line_item_type".into(), json!(line_type));
    row
}

fn october() -> Vec<ReportRow> {
    vec![
        line("AmazonDynamoDB", TABLE, "0.1"),
        line("AmazonDynamoDB", TABLE, "0.2"),
        line("AmazonS3", "shared", "0.0000000001"),
        line("AWSQueueService", "arn:aws:sqs:eu-west-1:111122223333:jobs", "0.0000004"),
        line("AmazonEC2", "i-0a1b2c3d4e5f60718", "42.5"),
        line("AmazonEC2", "what is this", "1"),
        line("AmazonEC2", "", "2"),
        of_type(line("AmazonEC2", "", "19"), "Tax"),
        of_type(
            line("ComputeSavingsPlans", "arn:aws:savingsplans::111122223333:savingsplan/1", "7"),
            "SavingsPlanUpfrontFee",
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_becomes_costs_of_resources_components_owners_and_named_rest_that_add_up_to_it() {
    let world = World::new().await;
    world.catalog().await;
    world.deliver("first", &october()).await;
    assert_eq!(world.take().await, NO_FAILURES);

    for (scope, cost) in [
        ("all", Some("71.8000004001")),
        ("account:111122223333", Some("71.8000004001")),
        (TABLE, Some("0.3")),
        ("arn:aws:s3:::shared", Some("0.0000000001")),
        ("component:default/orders", Some("0.30000000005")),
        ("component:default/web", Some("0.00000000005")),
        ("group:default/shop", Some("0.3")),
        ("group:default/platform", Some("0.0000004001")),
        ("system:default/store", Some("0.30000000005")),
        ("arn:aws:ec2:eu-west-1:111122223333:instance/i-0a1b2c3d4e5f60718", None),
    ] {
        assert_eq!(world.cost_of(scope).await.as_deref(), cost, "{scope}");
    }
    let all = world.rollup("all").await.unwrap();
    let statement = Statement::of([&all]).unwrap();
    let rows: Vec<String> = statement
        .rows
        .iter()
        .map(|row| {
            let owner = row.owner.as_ref().map_or("-".to_owned(), EntityRef::to_string);
            format!("{owner} {} {}", row.attribution, row.amounts.unblended)
        })
        .collect();
    assert_eq!(
        rows,
        [
            "- NoResourceId 2",
            "- UnknownResource 42.5",
            "- UnresolvedResource 1",
            "- Tax 19",
            "- SavingsPlanFee 7",
            "group:default/platform component:default/orders 0.00000000005",
            "group:default/platform component:default/web 0.00000000005",
            "group:default/platform NoComponent 0.0000004",
            "group:default/shop component:default/orders 0.3",
        ]
    );
    let bill = october().iter().fold(Amount::ZERO, |sum, row| {
        sum.plus(row["line_item_unblended_cost"].as_str().unwrap().parse().unwrap()).unwrap()
    });
    assert_eq!(statement.totals[&"USD".parse().unwrap()].unblended, bill);
    let head = world.head().await.unwrap();
    assert_eq!(
        head.totals,
        json!({"USD": {"unblended": "71.8000004001", "amortized": "64.8000004001", "net_amortized": "64.8000004001"}})
    );
    assert_eq!(head.last_complete_day.as_deref(), Some("2026-10-30"));
    let environments: Vec<_> = all.cells().filter_map(|(_, dimensions, _)| dimensions.environment.clone()).collect();
    assert_eq!(environments, ["prod"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_delivered_twice_counts_once_and_a_newer_one_replaces_the_month() {
    let world = World::new().await;
    world.deliver("first", &october()).await;
    assert_eq!(world.take().await, NO_FAILURES);
    let first = world.head().await.unwrap();
    world.catalog().await;
    assert_eq!(world.take().await, NO_FAILURES);
    assert_eq!(world.head().await.unwrap(), first);

    world.deliver("second", &[line("AmazonEC2", "", "3.5")]).await;
    assert_eq!(world.take().await, NO_FAILURES);
    assert!(world.head().await.unwrap().generation > first.generation);
    assert_eq!(world.cost_of("all").await.as_deref(), Some("3.5"));
    assert_eq!(world.cost_of(TABLE).await, None);
    // Who read the old head still finds the old month whole.
    let old = world.store.rollups("all", "2026-10", &first.generation).await.unwrap().unwrap();
    let old = Rollup::from_json(old).unwrap().totals().unwrap();
    assert_eq!(old[&"USD".parse().unwrap()].unblended.to_string(), "71.8000004001");
    assert_eq!(
        world.counts().await,
        json!({"messages": 3, "acked": 3, "documents": 3, "parsed": 3, "published": 2, "reportsDuplicate": 1})
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_a_reasoned_failure_and_the_month_stays_as_it_was() {
    let world = World::new().await;
    world.deliver("first", &october()).await;
    assert_eq!(world.take().await, NO_FAILURES);
    let first = world.head().await.unwrap();

    let data = "billing/acme/data/BILLING_PERIOD=2026-10/acme-00001.snappy.parquet".to_owned();
    let good = parquet(&october()).unwrap();
    let no_costs: Vec<u8> = b"a,b\n1,2\n".to_vec();
    for (at, (file, body, code)) in [
        ("missing.parquet", None, "missing-file"),
        (data.as_str(), Some(b"<html>".to_vec()), "bad-report"),
        (data.as_str(), Some(good[..good.len() / 2].to_vec()), "bad-report"),
        ("costs.csv", Some(no_costs), "bad-report"),
        ("costs.rar", None, "bad-manifest"),
        ("s3://elsewhere/costs.parquet", None, "bad-manifest"),
    ]
    .into_iter()
    .enumerate()
    {
        if let Some(body) = body {
            world.put(file, body).await;
        }
        let execution = format!("zz-{at}");
        let mut body = manifest(BUCKET, "arn", &execution, &[]);
        body["dataFiles"] = json!([file]);
        world.put(MANIFEST, body.to_string()).await;
        let response = world.handle(&["billing/acme/x.txt", MANIFEST], 1).await;
        let failed: Vec<&str> = response.batch_item_failures.iter().map(|item| item.item_identifier.as_str()).collect();
        assert_eq!(failed, ["m1"], "{file}");
        let failures = world.store.status().await.unwrap().failures;
        let failure = failures.iter().find(|failure| failure.message_id == "m1").unwrap();
        assert_eq!((failure.code.as_str(), failure.last_try), (code, false), "{failure:?}");
        assert_eq!(world.head().await.unwrap(), first, "{file}");
    }
    let response = world.handle(&[MANIFEST], MAX_RECEIVE_COUNT).await;
    assert_eq!(response.batch_item_failures.len(), 1);
    let counts = world.counts().await;
    assert_eq!(
        counts,
        json!({
            "messages": 14, "acked": 7, "retried": 6, "dead": 1, "documents": 7, "parsed": 1, "refused": 6,
            "published": 1, "ignored": 6
        })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_try_that_succeeds_clears_the_failure_before_it() {
    let world = World::new().await;
    let key = "billing/acme/data/late.parquet".to_owned();
    world.announce("late", std::slice::from_ref(&key)).await;
    assert_eq!(
        world.take().await,
        ["`billing/acme/data/late.parquet` is not in the reports bucket; the month stays as it was"]
    );
    world.put(&key, parquet(&october()).unwrap()).await;
    assert_eq!(
        world
            .handle(&["billing%2Facme/metadata/BILLING_PERIOD%3D2026-10/acme-Manifest.json"], 2)
            .await
            .batch_item_failures
            .len(),
        0
    );
    assert_eq!(world.store.status().await.unwrap().failures.len(), 0);
    assert_eq!(world.cost_of("all").await.as_deref(), Some("71.8000004001"));
}

#[tokio::test(flavor = "multi_thread")]
async fn files_and_order_of_lines_change_nothing() {
    let (one, other) = (World::new().await, World::new().await);
    one.catalog().await;
    other.catalog().await;
    one.deliver("same", &october()).await;
    let mut rows = october();
    rows.reverse();
    let keys: Vec<String> = (0..3).map(|at| format!("billing/acme/data/{at}.parquet")).collect();
    for (key, rows) in keys.iter().zip(rows.chunks(3)) {
        other.put(key, parquet(rows).unwrap()).await;
    }
    other.announce("same", &keys).await;
    assert_eq!(one.take().await, NO_FAILURES);
    assert_eq!(other.take().await, NO_FAILURES);
    let of_content = |head: RollupHead| head.generation.rsplit('-').next().unwrap().to_owned();
    assert_eq!(of_content(one.head().await.unwrap()), of_content(other.head().await.unwrap()));
    let reason = |rollup: Rollup| {
        let cells = rollup.cells().map(|(_, dimensions, amounts)| (dimensions.attribution.unallocated(), *amounts));
        let tax: Vec<Amounts> = cells.filter(|(reason, _)| *reason == Some(Unallocated::Tax)).map(|(_, a)| a).collect();
        tax[0].get(Metric::NetAmortized).to_string()
    };
    assert_eq!(reason(other.rollup("all").await.unwrap()), "19");
}
