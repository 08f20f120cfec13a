//! An export that says what it said before costs nothing downstream: nobody who follows hears of it.

use callboard_tests::running::Running;
use serde_json::{Value, json};

fn state(serial: u64, engine: &str) -> Value {
    let instances: Vec<Value> = (0..20)
        .map(|number| {
            let arn = format!("arn:aws:rds:eu-west-1:400000000001:db:orders-{number}");
            json!({"index_key": number, "schema_version": 0,
                   "attributes": {"arn": arn, "id": format!("orders-{number}"), "engine": engine, "tags_all": {}}})
        })
        .collect();
    json!({
        "version": 4, "terraform_version": "1.9.8", "serial": serial, "lineage": "00000000-0000-4000-8000-000000000001",
        "outputs": {},
        "resources": [{"mode": "managed", "type": "aws_db_instance", "name": "all", "instances": instances,
                       "provider": "provider[\"registry.terraform.io/hashicorp/aws\"]"}],
    })
}

async fn export(running: &Running, serial: u64, engine: &str) {
    let path = "/api/exports/acme.orders/terraform-state/main?component=orders";
    let (status, receipt) = running.put(path, "application/json", state(serial, engine).to_string()).await;
    assert_eq!((status, &receipt["superseded"]), (200, &json!(false)), "{receipt}");
    running.settled().await;
}

/// How many changes there are behind the cursor, and the next cursor: everything before a component that is declared now.
async fn followed(running: &Running, cursor: &str, marker: &str) -> (usize, String) {
    let body = format!(
        "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {{name: {marker}}}\nspec: {{type: service, lifecycle: production, owner: team-{marker}}}\n"
    );
    let (status, receipt) =
        running.put(&format!("/api/exports/acme.{marker}/catalog-info/main"), "application/yaml", body).await;
    assert_eq!(status, 200, "{receipt}");
    running.settled().await;
    let names_marker = |item: &Value| item["entityRef"] == format!("component:default/{marker}");
    let page = running
        .until(async || {
            let (status, page) = running.get("/api/changes", &[("after", cursor)]).await;
            assert_eq!((status, &page["hasMore"]), (200, &json!(false)), "{page}");
            Some(page).filter(|page| page["items"].as_array().unwrap().iter().any(names_marker))
        })
        .await;
    (page["items"].as_array().unwrap().len() - 1, page["cursor"].as_str().unwrap().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_equal_to_the_last_one_costs_no_row_of_the_index() {
    let running = Running::start().await;
    let (_, start) = running.get("/api/changes", &[]).await;
    export(&running, 1, "postgres").await;
    let (changes, mut cursor) = followed(&running, start["cursor"].as_str().unwrap(), "first").await;
    assert_eq!(changes, 21, "twenty databases and their component");

    for serial in 2..5 {
        export(&running, serial, "postgres").await;
        let (changes, next) = followed(&running, &cursor, &format!("marker-{serial}")).await;
        assert_eq!(changes, 0, "serial {serial}");
        cursor = next;
    }
    export(&running, 5, "aurora-postgresql").await;
    let (changes, _) = followed(&running, &cursor, "last").await;
    assert!(changes >= 20, "what differs is told of: {changes}");
    running.stack.shutdown().await;
}
