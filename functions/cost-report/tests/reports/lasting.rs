//! What stays when the catalog forgets, what is spread and split, and what late deliveries change.

use std::collections::BTreeSet;
use std::io::Write;

use billing_report::write::ReportRow;
use catalog_model::{EntityRef, Facts, Identity, Key, Relation, Role};
use cost_model::Statement;
use serde_json::{Value, json};

use crate::generated::generated;
use crate::reports::{NO_FAILURES, line, of_type};
use crate::world::{TABLE, World};

fn with(mut row: ReportRow, columns: &Value) -> ReportRow {
    for (name, value) in columns.as_object().unwrap() {
        row.insert(name.clone(), value.clone());
    }
    row
}

async fn statement(world: &World) -> Vec<String> {
    let all = world.rollup("all").await.unwrap();
    let rows = Statement::of([&all]).unwrap().rows;
    let owner = |row: &cost_model::StatementRow| row.owner.as_ref().map_or("-".to_owned(), ToString::to_string);
    rows.iter().map(|row| format!("{} {} {}", owner(row), row.attribution, row.amounts.amortized)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resource_that_is_forgotten_keeps_the_owner_that_its_cost_had() {
    let world = World::new().await;
    world.catalog().await;
    world.deliver("first", &[line("AmazonDynamoDB", TABLE, "0.1"), line("AmazonS3", "shared", "4")]).await;
    assert_eq!(world.take().await, NO_FAILURES);
    for arn in [TABLE, "arn:aws:s3:::shared"] {
        world.forget(&Identity::of_canonical_arn(arn)).await;
    }
    let later = [line("AmazonDynamoDB", TABLE, "0.3"), line("AmazonS3", "shared", "1"), line("AmazonS3", "new", "2")];
    world.deliver("second", &later).await;
    assert_eq!(world.take().await, NO_FAILURES);
    assert_eq!(
        statement(&world).await,
        [
            "- UnknownResource 2",
            "group:default/platform component:default/orders 0.5",
            "group:default/platform component:default/web 0.5",
            "group:default/shop component:default/orders 0.3",
        ]
    );
    assert_eq!(world.cost_of(TABLE).await.as_deref(), Some("0.3"));
    assert_eq!(world.cost_of("system:default/store").await.as_deref(), Some("0.8"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_a_stack_costs_the_stacks_component_where_it_names_none() {
    let world = World::new().await;
    world.catalog().await;
    let stack = Identity::of_canonical_arn(
        "arn:aws:cloudformation:eu-west-1:111122223333:stack/orders/0a1b2c3d-0000-11f0-8000-000000000001",
    );
    world.say(&stack, &[], &["orders"]).await;
    let in_stack = |components: &[&str]| {
        let mut facts = Facts::new(Role::Listed);
        facts.relations.insert(Relation::new("partOf", stack.key()));
        let names = components.iter().map(|name| Key::of_ref(&EntityRef::component(name)));
        facts.relations.extend(names.map(|component| Relation::new("dependencyOf", component)));
        facts
    };
    world.say_facts(&Identity::of_canonical_arn("arn:aws:s3:::quiet"), in_stack(&[])).await;
    world.say_facts(&Identity::of_canonical_arn("arn:aws:s3:::own"), in_stack(&["web"])).await;
    world.deliver("first", &[line("AmazonS3", "quiet", "3"), line("AmazonS3", "own", "4")]).await;
    assert_eq!(world.take().await, NO_FAILURES);
    assert_eq!(statement(&world).await, ["- component:default/web 4", "group:default/shop component:default/orders 3"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_and_cost_categories_say_whose_a_cost_is_where_no_record_does() {
    let world = World::new().await;
    world.catalog().await;
    let rows = [
        with(line("AmazonEC2", "", "1"), &json!({"resource_tags": {"user_component": "orders"}})),
        with(line("AmazonEC2", "i-0a1b2c3d4e5f60718", "2"), &json!({"cost_category": {"Component": "orders"}})),
        with(line("AmazonEC2", "", "4"), &json!({"tags": {"resourceTags/Team": "data"}})),
        // The record of the queue has the last word, and tax is nobody's.
        with(
            line("AWSQueueService", "arn:aws:sqs:eu-west-1:111122223333:jobs", "8"),
            &json!({"resource_tags": {"user_component": "orders"}}),
        ),
        with(of_type(line("AmazonEC2", "", "16"), "Tax"), &json!({"resource_tags": {"user_component": "orders"}})),
    ];
    world.deliver("first", &rows).await;
    assert_eq!(world.take().await, NO_FAILURES);
    assert_eq!(
        statement(&world).await,
        [
            "- Tax 16",
            "group:default/data NoResourceId 4",
            "group:default/platform NoComponent 8",
            "group:default/shop component:default/orders 3",
        ]
    );
}

pub(crate) fn csv(rows: &[ReportRow]) -> Vec<u8> {
    let columns: BTreeSet<&String> = rows.iter().flat_map(|row| row.keys()).collect();
    let mut text = columns.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(",") + "\r\n";
    for row in rows {
        let fields: Vec<&str> =
            columns.iter().map(|name| row.get(*name).and_then(Value::as_str).unwrap_or("")).collect();
        text += &(fields.join(",") + "\r\n");
    }
    text.into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_in_gzip_or_in_a_zip_file_says_what_it_says_in_parquet() {
    let rows = [line("AmazonDynamoDB", TABLE, "0.1"), line("AmazonEC2", "", "2"), line("AmazonS3", "shared", "1e-9")];
    let content = async |key: &str, body: Vec<u8>| {
        let world = World::new().await;
        world.catalog().await;
        world.put(key, body).await;
        world.announce("same", &[key.to_owned()]).await;
        assert_eq!(world.take().await, NO_FAILURES);
        world.head().await.unwrap().generation.rsplit('-').next().unwrap().to_owned()
    };
    let parquet = content("costs.snappy.parquet", billing_report::write::parquet(&rows).unwrap()).await;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(&csv(&rows)).unwrap();
    assert_eq!(content("costs 2026-10-28T13:14:37.728Z.csv.gz", gzip.finish().unwrap()).await, parquet);
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
    zip.start_file("costs-1.csv", options).unwrap();
    zip.write_all(&csv(&rows)).unwrap();
    assert_eq!(content("costs-1.csv.zip", zip.finish().unwrap().into_inner()).await, parquet);
}

#[tokio::test(flavor = "multi_thread")]
async fn evidence_and_what_was_odd_lie_beside_the_rollups_of_their_generation() {
    let world = World::new().await;
    world.catalog().await;
    let volume = with(
        line("AmazonEC2", "vol-0a1b2c3d4e5f60718", "0.8"),
        &json!({"line_item_usage_type": "EU-EBS:VolumeUsage.gp2", "line_item_usage_amount": "10", "pricing_unit": "GB-Mo",
            "line_item_unblended_rate": "0.08", "line_item_operation": "CreateVolume-Gp2", "bill_invoice_id": "1"}),
    );
    world.deliver("first", &[volume]).await;
    assert_eq!(world.take().await, NO_FAILURES);
    let generation = world.head().await.unwrap().generation;
    let evidence = world.store.rollups("evidence", "2026-10", &generation).await.unwrap().unwrap();
    assert_eq!(
        evidence,
        json!({
            "v": 1, "month": "2026-10", "leftOut": 0, "tooMuch": false,
            "usage": [{
                "resource": "arn:aws:ec2:eu-west-1:111122223333:volume/vol-0a1b2c3d4e5f60718", "account": "111122223333",
                "region": "eu-west-1", "productCode": "AmazonEC2", "usageType": "EU-EBS:VolumeUsage.gp2",
                "operation": "CreateVolume-Gp2", "unit": "GB-Mo", "usage": "10", "cost": "0.8", "currency": "USD",
                "lastDay": "2026-10-30",
            }],
            "prices": [{"region": "eu-west-1", "productCode": "AmazonEC2", "usageType": "EU-EBS:VolumeUsage.gp2",
                "operation": "CreateVolume-Gp2", "unit": "GB-Mo", "currency": "USD", "price": "0.08"}],
        })
    );
    let report = world.store.rollups("report", "2026-10", &generation).await.unwrap().unwrap();
    assert_eq!((&report["final"], &report["lines"], &report["rounded"]), (&json!(true), &json!(1), &json!(0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_delivery_that_comes_late_changes_nothing_and_its_rollups_go() {
    let world = World::new().await;
    world.deliver("new", &[line("AmazonEC2", "", "2")]).await;
    assert_eq!(world.take().await, NO_FAILURES);
    let head = world.head().await.unwrap();
    // The same manifest's time, and an event from before: as if the first message were handed out again last.
    world.announce("old", &["billing/acme/data/BILLING_PERIOD=2026-10/new/acme-00001.snappy.parquet".to_owned()]).await;
    let mut older = head.clone();
    older.generation = format!("{:016x}-{:016x}-old-0", 0, 0);
    let flipped = world.store.flip_head("billing/acme", "2026-10", &older).await.unwrap();
    assert_eq!(flipped.applied, catalog_model::Applied::Stale);
    assert_eq!(world.head().await.unwrap(), head);
}

/// Of equal shares in an instance, the ones that get the last digits are the same ones.
#[tokio::test(flavor = "multi_thread")]
async fn a_bill_of_every_kind_of_lines_is_the_same_in_every_order() {
    let mut rows = generated(2, 1500);
    let (forth, back) = (World::new().await, World::new().await);
    for world in [&forth, &back] {
        world.catalog().await;
        world.deliver("same", &rows).await;
        assert_eq!(world.take().await, NO_FAILURES);
        rows.reverse();
    }
    let (forth, back) = (forth.published().await, back.published().await);
    for (key, body) in &forth {
        assert_eq!(back.get(key), Some(body), "{key}");
    }
    assert_eq!(forth.len(), back.len());
}
