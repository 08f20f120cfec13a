use catalog_model::{Applied, EntityRef, Identity, RecordKey, Version};
use catalog_store::{KEEP_SIBLINGS_S, Read, Sibling, SiblingCursor, SiblingKind, StoreError};
use serde_json::json;

use crate::stack::{NOW, Stack, TABLE};

fn orders() -> Identity {
    Identity::of_entity(&EntityRef::component("orders"))
}

fn sibling(at_ms: u64, id: &str, serial: u64) -> Sibling {
    Sibling { at_ms, id: id.to_owned(), version: Version::of_serial(serial, 0), body: json!({"id": id, "n": serial}) }
}

async fn listed(stack: &Stack, kind: SiblingKind) -> Vec<String> {
    let page = stack.store.siblings(&orders(), kind, 0..u64::MAX, 100, None, Read::Consistent).await.unwrap();
    assert_eq!(page.next, None);
    page.siblings
        .iter()
        .map(|sibling| format!("{} {} {}", sibling.at_ms - NOW, sibling.id, sibling.body["n"]))
        .collect()
}

#[tokio::test]
async fn a_sibling_is_the_newest_that_was_said_of_it_whatever_came_last() {
    let stack = Stack::start().await;
    let put =
        async |sibling: Sibling| stack.store.put_sibling(&orders(), SiblingKind::Deployment, &sibling).await.unwrap();
    assert_eq!(put(sibling(NOW, "a", 2)).await, Applied::Applied);
    assert_eq!(put(sibling(NOW, "a", 1)).await, Applied::Stale);
    assert_eq!(put(sibling(NOW, "a", 2)).await, Applied::Duplicate);
    assert_eq!(put(sibling(NOW, "b", 1)).await, Applied::Applied);
    assert_eq!(put(sibling(NOW + 5, "a", 1)).await, Applied::Applied);
    assert_eq!(listed(&stack, SiblingKind::Deployment).await, ["5 a 1", "0 b 1", "0 a 2"]);
    assert_eq!(listed(&stack, SiblingKind::State).await, Vec::<String>::new());
    // Nothing of it is the record's.
    let record = stack.store.record(&RecordKey::Entity(orders()), Read::Consistent).await.unwrap();
    assert_eq!((record.rv, record.fragments.len()), (0, 0));
}

#[tokio::test]
async fn writing_and_listing_are_one_call_each() {
    let stack = Stack::start().await;
    let before = (stack.calls.of("UpdateItem"), stack.calls.of("Query"));
    stack.store.put_sibling(&orders(), SiblingKind::State, &sibling(NOW, "a", 1)).await.unwrap();
    stack.store.siblings(&orders(), SiblingKind::State, 0..NOW + 1, 10, None, Read::Eventual).await.unwrap();
    let after = (stack.calls.of("UpdateItem"), stack.calls.of("Query"));
    assert_eq!((after.0 - before.0, after.1 - before.1), (1, 1));
}

#[tokio::test]
async fn a_stretch_of_time_is_read_page_by_page_newest_first() {
    let stack = Stack::start().await;
    for at in 0..25 {
        stack.store.put_sibling(&orders(), SiblingKind::State, &sibling(NOW + at, "x", 1)).await.unwrap();
    }
    let mut times = Vec::new();
    let mut after: Option<SiblingCursor> = None;
    loop {
        let range = NOW + 3..NOW + 20;
        let page = stack
            .store
            .siblings(&orders(), SiblingKind::State, range, 7, after.as_ref(), Read::Consistent)
            .await
            .unwrap();
        assert!(page.siblings.len() <= 7);
        times.extend(page.siblings.iter().map(|sibling| sibling.at_ms - NOW));
        let Some(next) = page.next else { break };
        // As a caller gives it back.
        after = Some(next.to_string().parse().unwrap());
    }
    assert_eq!(times, (3..20).rev().collect::<Vec<_>>());
    let empty = stack.store.siblings(&orders(), SiblingKind::State, 9..9, 7, None, Read::Consistent).await.unwrap();
    assert_eq!(empty.siblings, []);
    let before_all: SiblingCursor = "0000000000000001#x".parse().unwrap();
    let range = NOW..NOW + 9;
    let none = stack.store.siblings(&orders(), SiblingKind::State, range, 7, Some(&before_all), Read::Consistent).await;
    assert_eq!(none.unwrap().siblings, []);
}

#[tokio::test]
async fn a_sibling_expires_after_its_time_and_what_is_none_is_refused() {
    let stack = Stack::start().await;
    stack.store.put_sibling(&orders(), SiblingKind::Deployment, &sibling(NOW, "a", 1)).await.unwrap();
    let items = stack.raw.scan().table_name(TABLE).send().await.unwrap().items.unwrap_or_default();
    let expiry = items.iter().find_map(|item| item.get("expires_at")).unwrap().as_n().unwrap();
    assert_eq!(expiry, &(NOW / 1_000 + KEEP_SIBLINGS_S).to_string());
    let long = Sibling { body: json!("x".repeat(20_000)), ..sibling(NOW, "a", 2) };
    let refused = stack.store.put_sibling(&orders(), SiblingKind::Deployment, &long).await.unwrap_err();
    assert!(matches!(refused, StoreError::SiblingTooLong { .. }));
    let named = stack.store.put_sibling(&orders(), SiblingKind::Deployment, &sibling(NOW, "a#b", 2)).await;
    assert!(matches!(named, Err(StoreError::WrongShape { .. })));
    for text in ["", "x", "0000000000000001", "0000000000000001#", "000000000000000G#x", "0000000000000001#x#y"] {
        assert!(text.parse::<SiblingCursor>().is_err(), "{text}");
    }
}
