//! The door by HTTP.

use serde_json::{Value, json};

use crate::stack::Stack;

pub(crate) const BUCKET: &str = "arn:aws:s3:::orders-data";
pub(crate) const QUEUE: &str = "arn:aws:sqs:eu-west-1:111122223333:orders-jobs";

pub(crate) fn component(name: &str) -> String {
    format!(
        "---\napiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {{name: {name}}}\nspec: {{type: service, lifecycle: production, owner: team-a}}\n"
    )
}

pub(crate) fn state(lineage: &str, serial: u64, arns: &[&str]) -> String {
    let resources: Vec<Value> = arns
        .iter()
        .enumerate()
        .map(|(at, arn)| {
            let terraform_type = if arn.contains(":s3:") { "aws_s3_bucket" } else { "aws_sqs_queue" };
            json!({"mode": "managed", "type": terraform_type, "name": format!("r{at}"), "provider": "aws",
                "instances": [{"attributes": {"arn": arn, "password": "hunter2"}, "private": "aHVudGVyMg=="}]})
        })
        .collect();
    json!({"version": 4, "serial": serial, "lineage": lineage, "resources": resources,
        "outputs": {"url": {"value": "https://root:hunter2@db", "type": "string"}}})
    .to_string()
}

const FILE: &str = "/api/exports/acme.orders/catalog-info/main";
const STATE: &str = "/api/exports/acme.infra/terraform-state/prod";

#[tokio::test]
async fn an_export_is_published_and_its_receipt_can_be_read_again() {
    let mut stack = Stack::start().await;
    let (status, receipt) = stack.request("PUT", FILE, &(component("orders") + &component("billing"))).await;
    assert_eq!(status, 200, "{receipt}");
    assert_eq!(receipt["entities"], json!(["component:default/billing", "component:default/orders"]));
    assert_eq!(receipt["documents"][1]["verdict"], "accepted");
    assert_eq!((&receipt["applied"], &receipt["door"]), (&json!(2), &json!("http")));
    assert_eq!(receipt["clock"], json!({"kind": "request", "time": "2026-11-22T10:00:01Z"}));
    assert_eq!(receipt["caller"], "arn:aws:sts::111122223333:assumed-role/pipeline/build");
    assert!(stack.exists("component:default/orders").await);

    let (status, again) = stack.request("GET", FILE, "").await;
    assert_eq!((status, &again), (200, &receipt));

    let (_, second) = stack.request("PUT", FILE, &component("orders")).await;
    assert_eq!(second["swept"], json!(["component:default/billing"]));
    assert!(!stack.exists("component:default/billing").await);

    let (status, retired) = stack.request("DELETE", FILE, "").await;
    assert_eq!((status, &retired["status"]), (200, &json!("retired")));
    assert_eq!(retired["swept"], json!(["component:default/orders"]));
    assert!(!stack.exists("component:default/orders").await);
}

#[tokio::test]
async fn what_was_never_sent_is_not_found() {
    let mut stack = Stack::start().await;
    for method in ["GET", "DELETE"] {
        let (status, body) = stack.request(method, FILE, "").await;
        assert_eq!(status, 404);
        assert_eq!(body["error"]["message"], "no export `acme.orders/catalog-info/main` was ever accepted");
    }
    let status = stack.deps.store.status().await.unwrap();
    assert_eq!(status.sources[0].counts["messages"], status.sources[0].counts["acked"]);
}

#[tokio::test]
async fn a_state_is_ordered_by_its_own_clock_and_leaves_no_secret() {
    let mut stack = Stack::start().await;
    let path = format!("{STATE}?component=orders&system=shop");
    let (status, receipt) = stack.request("PUT", &path, &state("one", 7, &[BUCKET, QUEUE])).await;
    assert_eq!(status, 200, "{receipt}");
    assert_eq!(receipt["clock"], json!({"kind": "terraform", "lineage": "one", "epoch": 0, "serial": 7}));
    assert_eq!(
        (&receipt["component"], &receipt["system"]),
        (&json!("component:default/orders"), &json!("system:default/shop"))
    );
    assert!(stack.exists("component:default/orders").await && stack.exists(QUEUE).await);
    assert!(!format!("{:?} {receipt}", stack.record(QUEUE).await).contains("hunter2"));

    let (_, late) = stack.request("PUT", &path, &state("one", 6, &[QUEUE])).await;
    assert_eq!((&late["superseded"], &late["applied"]), (&json!(true), &json!(0)));
    assert!(late["notes"][0].as_str().unwrap().contains("larger `epoch`"), "{late}");
    let (_, same) = stack.request("PUT", &path, &state("one", 7, &[BUCKET, QUEUE])).await;
    assert_eq!((&same["duplicate"], &same["applied"]), (&json!(3), &json!(0)));

    let (status, conflict) = stack.request("PUT", &path, &state("two", 1, &[QUEUE])).await;
    assert_eq!((status, &conflict["error"]["name"]), (409, &json!("ConflictError")));
    assert!(conflict["error"]["message"].as_str().unwrap().contains("epoch=1"), "{conflict}");
    let (status, mixed) = stack.request("PUT", &format!("{path}&serial=9"), &state("one", 8, &[QUEUE])).await;
    assert_eq!((status, &mixed["error"]["name"]), (409, &json!("ConflictError")));
    assert!(stack.exists(BUCKET).await);

    let (status, epoch) = stack.request("PUT", &format!("{path}&epoch=1"), &state("two", 1, &[QUEUE])).await;
    assert_eq!((status, &epoch["swept"]), (200, &json!([BUCKET])));
    let (_, retired) = stack.request("DELETE", STATE, "").await;
    assert_eq!(retired["clock"], json!({"kind": "successor"}));
    assert_eq!(retired["swept"], json!([QUEUE, "component:default/orders"]));
}

#[tokio::test]
async fn one_bad_document_is_told_and_deletes_nothing() {
    let mut stack = Stack::start().await;
    stack.request("PUT", FILE, &(component("orders") + &component("billing"))).await;
    let broken = component("orders") + &component("billing").replace("lifecycle", "lifecicle");
    let (status, receipt) = stack.request("PUT", FILE, &broken).await;
    assert_eq!((status, &receipt["documents"][1]["verdict"]), (200, &json!("refused")));
    assert_eq!(receipt["counts"]["refused"], 1);
    assert!(stack.exists("component:default/billing").await, "it is still named");
    let unreadable = component("orders") + "---\na: [\n";
    let (status, receipt) = stack.request("PUT", FILE, &unreadable).await;
    assert_eq!((status, &receipt["swept"]), (200, &json!([])));
    assert!(stack.exists("component:default/billing").await, "it may be the unreadable one");
    let (_, receipt) = stack.request("PUT", FILE, &component("orders")).await;
    assert_eq!(receipt["swept"], json!(["component:default/billing"]));
}

#[tokio::test]
async fn what_is_wrong_is_said_and_changes_nothing() {
    let mut stack = Stack::start().await;
    let long = "x".repeat(4_500_001);
    for (method, path, body, status, message) in [
        (
            "PUT",
            "/api/exports/a/nonsense/c",
            "",
            400,
            "format `nonsense` is unknown; accepted are catalog-info, terraform-state",
        ),
        (
            "PUT",
            "/api/exports/a/pulumi/c",
            "",
            501,
            "format `pulumi` is not accepted yet; accepted are catalog-info, terraform-state",
        ),
        (
            "PUT",
            "/api/exports/a%20b/catalog-info/c",
            "",
            400,
            "producer `a%20b` is not of the form [A-Za-z0-9._-], 1 to 128 characters",
        ),
        (
            "PUT",
            "/api/exports/a/catalog-info",
            "",
            404,
            "`/api/exports/a/catalog-info` is not /api/exports/{producer}/{format}/{name}",
        ),
        ("POST", FILE, "", 405, "POST is not allowed; allowed are PUT, GET, DELETE"),
        ("PUT", FILE, "", 400, "the file has no document; to retire the export, delete it"),
        ("PUT", "/api/exports/a/catalog-info/c?componet=x", "a: 1", 400, "parameter `componet` is unknown"),
        ("PUT", "/api/exports/a/catalog-info/c?serial=1&serial=2", "a: 1", 400, "parameter `serial` is given twice"),
        ("PUT", STATE, "{", 400, "the state is not valid JSON: EOF while parsing an object at line 1 column 1"),
        ("PUT", STATE, r#"{"format_version":"1.0"}"#, 400, "send it as format `terraform-show`"),
        (
            "PUT",
            FILE,
            long.as_str(),
            413,
            "drop the file at s3://callboard-drop/exports/acme.orders/catalog-info/main instead",
        ),
    ] {
        let (found, answer) = stack.request(method, path, body).await;
        let text = answer["error"]["message"].as_str().unwrap();
        assert!(found == status && text.contains(message), "{method} {path}: {found} {text}");
        assert_eq!(answer["response"]["statusCode"], status);
    }
}

#[tokio::test]
async fn resources_that_are_in_no_component_are_kept_with_a_note_on_what_to_do() {
    let mut stack = Stack::start().await;
    let (status, receipt) = stack.request("PUT", STATE, &state("one", 1, &[QUEUE])).await;
    assert_eq!((status, &receipt["entities"]), (200, &json!([QUEUE])), "{receipt}");
    assert!(receipt["notes"][0].as_str().unwrap().contains("add `component=<name>`"), "{receipt}");
    assert!(stack.exists(QUEUE).await);
}

#[tokio::test]
async fn a_dry_run_says_what_would_change_and_changes_nothing() {
    let mut stack = Stack::start().await;
    let dry = format!("{FILE}?dryRun=true");
    let (status, preview) = stack.request("PUT", &dry, &component("orders")).await;
    assert_eq!((status, &preview["dryRun"], &preview["wouldSweep"]), (200, &json!(true), &json!([])));
    assert_eq!(preview["changes"], json!([{"entity": "component:default/orders", "change": "new"}]));
    assert!(!stack.exists("component:default/orders").await);
    assert_eq!(stack.request("GET", FILE, "").await.0, 404);

    stack.request("PUT", FILE, &(component("orders") + &component("billing"))).await;
    let (_, preview) = stack.request("PUT", &dry, &component("orders").replace("team-a", "team-b")).await;
    assert_eq!(preview["changes"], json!([{"entity": "component:default/orders", "change": "changed"}]));
    assert_eq!(preview["wouldSweep"], json!(["component:default/billing"]));
    let (_, preview) = stack.request("PUT", &dry, &component("orders")).await;
    assert_eq!(preview["changes"], json!([{"entity": "component:default/orders", "change": "unchanged"}]));
    assert!(stack.exists("component:default/billing").await);
}

#[tokio::test]
async fn an_owner_that_an_export_names_is_shown_by_its_dry_run_and_gives_way_to_a_catalog_file() {
    let mut stack = Stack::start().await;
    let path = |more: &str| format!("{STATE}?component=orders{more}");
    stack.request("PUT", &path(""), &state("one", 1, &[QUEUE])).await;
    let (_, preview) = stack.request("PUT", &path("&owner=team-b&dryRun=true"), &state("one", 2, &[QUEUE])).await;
    assert_eq!(preview["owner"], "group:default/team-b", "{preview}");
    let changed = |entity: &str| json!({"entity": entity, "change": "changed"});
    assert_eq!(preview["changes"], json!([changed(QUEUE), changed("component:default/orders")]));
    assert_eq!(stack.said(QUEUE, "owner").await, None);

    stack.request("PUT", &path("&owner=team-b"), &state("one", 2, &[QUEUE])).await;
    for entity in [QUEUE, "component:default/orders"] {
        assert_eq!(stack.said(entity, "owner").await.as_deref(), Some("team-b"), "{entity}");
    }
    stack.request("PUT", FILE, &component("orders")).await;
    assert_eq!(stack.said("component:default/orders", "owner").await.as_deref(), Some("team-a"));

    let (status, answer) = stack.request("PUT", &path("&owner=Jo%20Doe"), &state("one", 3, &[QUEUE])).await;
    assert_eq!(status, 400);
    assert!(answer["error"]["message"].as_str().unwrap().starts_with("parameter `owner` is not"), "{answer}");
}
