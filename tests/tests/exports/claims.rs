//! Two repositories that claim one component, and a better name for a resource: before, after and between Config's items.

use callboard::replay::{Delivery, deliver};
use callboard_tests::deliveries::aws::{Queue, sqs_batch};
use callboard_tests::deliveries::config::{Resource, item_change};
use callboard_tests::running::Running;
use serde_json::{Value, json};

fn component(owner: &str, description: &str) -> String {
    format!(
        "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: orders\n  description: {description}\nspec:\n  type: service\n  lifecycle: production\n  owner: {owner}\n"
    )
}

async fn declare(running: &Running, producer: &str, body: String) {
    let path = format!("/api/exports/{producer}/catalog-info/main");
    let (status, receipt) = running.put(&path, "application/yaml", body).await;
    assert_eq!(status, 200, "{receipt}");
}

/// Owner, description, and the types of its status items.
async fn seen(running: &Running) -> Value {
    running.settled().await;
    let (status, entity) = running.by_name("component:default/orders").await;
    assert_eq!(status, 200);
    let items = entity["status"]["items"].as_array().cloned().unwrap_or_default();
    let types: Vec<&Value> = items.iter().map(|item| &item["type"]).collect();
    json!([entity["spec"]["owner"], entity["metadata"]["description"], types])
}

#[tokio::test(flavor = "multi_thread")]
async fn two_repositories_that_declare_one_component_have_a_stable_winner_and_a_visible_conflict() {
    let mut ends = Vec::new();
    for order in [["acme.orders", "acme.monorepo"], ["acme.monorepo", "acme.orders"]] {
        let running = Running::start().await;
        for producer in order {
            declare(&running, producer, component(&format!("team-of-{producer}"), "one")).await;
        }
        let first = seen(&running).await;
        assert!(!first[2].as_array().unwrap().is_empty(), "the conflict is shown: {first}");
        // Each pipeline runs again and again, as they do: whoever came last does not win.
        for round in 0..3 {
            for producer in order {
                declare(&running, producer, component(&format!("team-of-{producer}"), &format!("round-{round}"))).await;
                let now = seen(&running).await;
                assert_eq!(now[0], first[0], "the winner alternates: {now}");
                assert!(!now[2].as_array().unwrap().is_empty());
            }
        }
        // The one that loses gives up.
        let loser = order.into_iter().find(|producer| first[0] != format!("team-of-{producer}")).unwrap();
        let (status, _) = running.delete(&format!("/api/exports/{loser}/catalog-info/main")).await;
        assert_eq!(status, 200);
        let alone = seen(&running).await;
        assert_eq!((&alone[0], &alone[2]), (&first[0], &json!([])), "no conflict is left");
        ends.push((first[0].clone(), alone));
        running.stack.shutdown().await;
    }
    assert_eq!(ends[0], ends[1], "whoever came first");
}

fn table() -> Resource {
    Resource {
        arn: "arn:aws:dynamodb:eu-west-1:400000000001:table/tbl-7f3a".into(),
        resource_type: "AWS::DynamoDB::Table",
        id: "tbl-7f3a".into(),
        name: Some("tbl-7f3a".into()),
        account: "400000000001".into(),
        region: "eu-west-1".into(),
        tags: Vec::new(),
        configuration: json!({"tableName": "tbl-7f3a", "tableStatus": "ACTIVE"}),
    }
}

async fn config_says(running: &Running, minute: i64) {
    let captured = format!("2026-11-01T08:{minute:02}:00.000Z");
    let body = item_change(&table(), "OK", &captured, 1_000 + minute).to_string();
    let queue = Queue { account: "777788889999", region: "eu-west-1", name: "callboard-config" };
    let payload = sqs_batch(queue, 1_793_520_000_000 + minute, &[body]);
    deliver(&running.stack, &Delivery { function: "config-change".into(), name: format!("table-{minute}"), payload })
        .await
        .unwrap();
}

fn named(name: &str) -> String {
    format!(
        "apiVersion: backstage.io/v1alpha1\nkind: Resource\nmetadata:\n  name: {name}\n  annotations:\n    aws.amazon.com/arn: {}\nspec:\n  type: database\n  owner: team-a\n",
        table().arn
    )
}

/// The names of all tables, and whether the answer to each of `asked` is the table.
async fn names(running: &Running, asked: &[&str]) -> (Vec<String>, Vec<bool>) {
    let resources = running.by_query("kind=resource,spec.aws.resourceType=AWS::DynamoDB::Table").await;
    let shown = resources.iter().map(|entity| entity["metadata"]["name"].as_str().unwrap().to_owned()).collect();
    let mut answers = Vec::new();
    for name in asked {
        let (status, entity) = running.by_name(&format!("resource:default/{name}")).await;
        let arn = &entity["metadata"]["annotations"]["aws.amazon.com/arn"];
        answers.push(status == 200 && *arn == table().arn);
    }
    (shown, answers)
}

/// The table is the one resource, under this name; these answer to it, and those do not.
async fn assert_named(running: &Running, name: &str, answering: &[&str], silent: &[&str]) {
    running.settled().await;
    let asked = [answering, silent].concat();
    let expected = (vec![name.to_owned()], asked.iter().map(|name| answering.contains(name)).collect::<Vec<_>>());
    running.until(async || (names(running, &asked).await == expected).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_better_name_holds_whenever_it_comes_moves_when_it_is_changed_and_ends_when_it_is_withdrawn() {
    // What happens, by step: `c` Config speaks, `n` the name is declared.
    for order in ["cn", "nc", "cnc", "ncc"] {
        let running = Running::start().await;
        for (minute, step) in (1..).zip(order.chars()) {
            match step {
                'c' => config_says(&running, minute).await,
                _ => declare(&running, "acme.orders", named("orders-db")).await,
            }
        }
        let derived = {
            running.settled().await;
            let (_, explained) = running.get("/api/explain/resource/default/orders-db", &[]).await;
            explained["name"]["derived"].as_str().unwrap().rsplit('/').next().unwrap().to_owned()
        };
        assert_named(&running, "orders-db", &["orders-db", &derived], &["orders-store"]).await;

        declare(&running, "acme.orders", named("orders-store")).await;
        assert_named(&running, "orders-store", &["orders-store", &derived], &["orders-db"]).await;

        let (status, _) = running.delete("/api/exports/acme.orders/catalog-info/main").await;
        assert_eq!(status, 200);
        assert_named(&running, &derived, &[&derived], &["orders-db", "orders-store"]).await;
        running.stack.shutdown().await;
    }
}
