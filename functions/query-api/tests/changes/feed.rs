use aws_sdk_dynamodb::types::AttributeValue;
use catalog_model::{EntityRef, Facts, Identity, Pointer, RecordKey, Role, Said};
use serde_json::{Value, json};

use crate::follower::Follower;
use crate::stack::{Stack, TABLE};

fn component(name: &str) -> RecordKey {
    RecordKey::Entity(Identity::of_entity(&EntityRef::component(name)))
}

fn owned_by(owner: &str) -> Said {
    let mut facts = Facts::new(Role::Declared);
    facts.say(Pointer::spec("owner"), owner);
    Said::Facts(facts)
}

async fn changed(stack: &mut Stack, n: usize) {
    for name in 0..n {
        stack.say(&component(&format!("c-{name}")), "file", owned_by("team")).await;
    }
    stack.index_all().await;
}

async fn feed(stack: &mut Stack, cursor: &str, limit: &str) -> Value {
    let (status, page) = stack.get("/api/changes", &[("after", cursor), ("limit", limit)]).await;
    assert_eq!(status, 200, "{page}");
    page
}

#[tokio::test]
async fn upserts_and_deletes_come_in_the_order_of_their_commits() {
    let mut stack = Stack::start().await;
    let cursor = Follower::start(&mut stack).await.cursor;
    let team: EntityRef = "group:default/team".parse().unwrap();
    stack.say(&RecordKey::Entity(Identity::of_entity(&team)), "file", Said::Facts(Facts::new(Role::Declared))).await;
    stack.index_all().await;
    stack.say(&component("a"), "file", owned_by("team")).await;
    stack.index_all().await;
    stack.say(&component("b"), "file", owned_by("team")).await;
    stack.say(&component("a"), "file", Said::Gone).await;
    stack.index_all().await;

    let page = feed(&mut stack, &cursor, "500").await;
    let items: Vec<Value> = page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| json!([item["type"], item["entityRef"], item["seq"], item["entity"]["relations"][0]["targetRef"]]))
        .collect();
    // The group changed with each of its components, and comes once, as it is now.
    assert_eq!(items.len(), 3);
    assert!(items.contains(&json!(["upsert", "component:default/b", 3, "group:default/team"])), "{items:?}");
    assert!(items.contains(&json!(["delete", "component:default/a", 3, null])), "{items:?}");
    assert!(items.contains(&json!(["upsert", "group:default/team", 3, "component:default/b"])), "{items:?}");
    assert_eq!(page["hasMore"], false);
    let end = feed(&mut stack, page["cursor"].as_str().unwrap(), "1").await;
    assert_eq!((&end["items"], &end["cursor"]), (&json!([]), &page["cursor"]));
}

#[tokio::test]
async fn a_page_ends_where_its_limit_says_also_inside_one_change() {
    let mut stack = Stack::start().await;
    let mut follower = Follower::start(&mut stack).await;
    changed(&mut stack, 7).await;
    let mut pages = 1;
    while follower.step(&mut stack, 2).await {
        pages += 1;
    }
    assert_eq!((pages, follower.entities.len()), (4, 7));
}

#[tokio::test]
async fn a_cursor_that_the_log_left_behind_gets_410_and_what_to_do() {
    let mut stack = Stack::start().await;
    let cursor = Follower::start(&mut stack).await.cursor;
    changed(&mut stack, 1).await;
    changed(&mut stack, 2).await;
    stack.get("/api/status", &[]).await;
    let key = |text: &str| AttributeValue::S(text.into());
    let delete = stack.raw.delete_item().table_name(TABLE).key("pk", key("l#deltas"));
    delete.key("sk", key("00000000000000000001")).send().await.unwrap();
    let (status, body) = stack.get("/api/changes", &[("after", &cursor)]).await;
    assert_eq!((status, &body["error"]["name"]), (410, &json!("GoneError")));
    assert!(body["error"]["message"].as_str().unwrap().contains("/api/catalog/entities/by-query"), "{body}");
    // From the new end it goes on.
    let mut follower = Follower::start(&mut stack).await;
    stack.say(&component("new"), "file", owned_by("team")).await;
    stack.index_all().await;
    follower.catch_up(&mut stack, 10).await;
    assert_eq!(follower.entities.len(), 3);
}

#[tokio::test]
async fn a_cursor_of_another_log_gets_410_and_one_that_is_none_400() {
    let mut stack = Stack::start().await;
    changed(&mut stack, 1).await;
    let mut other = Stack::start().await;
    for _ in 0..3 {
        other.say(&component("x"), "file", owned_by(&format!("team-{}", other.stream.len()))).await;
        other.index_all().await;
        other.say(&component("x"), "file", Said::Gone).await;
        other.index_all().await;
    }
    other.now_ms += 60_000;
    let cursor = Follower::start(&mut other).await.cursor;
    let (status, _) = stack.get("/api/changes", &[("after", &cursor)]).await;
    assert_eq!(status, 410, "it is ahead of this log");
    for (parameters, complaint) in [
        ([("after", "xyz")], "request/query/after is no cursor of this feed"),
        ([("limit", "0")], "request/query/limit must be between 1 and 1000"),
        ([("limit", "1001")], "request/query/limit must be between 1 and 1000"),
        ([("since", "1")], "Unknown query parameter 'since'"),
    ] {
        let (status, body) = stack.get("/api/changes", &parameters).await;
        assert_eq!((status, &body["error"]["message"]), (400, &json!(complaint)));
    }
}

#[tokio::test]
async fn who_begins_gets_what_another_reader_may_not_have_seen_yet_once_more() {
    let mut stack = Stack::start().await;
    changed(&mut stack, 1).await;
    let (_, first) = stack.get("/api/changes", &[]).await;
    let page = feed(&mut stack, first["cursor"].as_str().unwrap(), "10").await;
    assert_eq!(page["items"].as_array().unwrap().len(), 1, "it was appended less than five seconds ago");
    stack.now_ms += 10_000;
    let (_, later) = stack.get("/api/changes", &[]).await;
    let page = feed(&mut stack, later["cursor"].as_str().unwrap(), "10").await;
    assert_eq!(page["items"], json!([]));
}
