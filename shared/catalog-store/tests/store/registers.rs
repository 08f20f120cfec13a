use catalog_model::{Applied, RecordKey, Version};
use catalog_store::{Read, Register, RegisterKind, StoreError};
use serde_json::json;

use crate::stack::{NOW, Stack, TABLE, alias, component};

fn register(id: &str, serial: u64) -> Register {
    Register { id: id.to_owned(), version: Version::of_serial(serial, 0), body: json!({"n": serial}) }
}

async fn listed(stack: &Stack, beside: &RecordKey) -> Vec<String> {
    let registers = stack.store.registers(beside, RegisterKind::Compliance).await.unwrap();
    registers.iter().map(|register| format!("{} {}", register.id, register.body["n"])).collect()
}

#[tokio::test]
async fn a_register_holds_the_newest_that_was_said_whatever_came_last() {
    let stack = Stack::start().await;
    let orders = component("orders");
    let put = async |register: Register| {
        stack.store.put_register(&orders, RegisterKind::Compliance, &register).await.unwrap()
    };
    assert_eq!(put(register("a", 2)).await, Applied::Applied);
    assert_eq!(put(register("a", 1)).await, Applied::Stale);
    assert_eq!(put(register("a", 2)).await, Applied::Duplicate);
    assert_eq!(put(register("b", 1)).await, Applied::Applied);
    assert_eq!(listed(&stack, &orders).await, ["a 2", "b 1"]);
    assert_eq!(listed(&stack, &alias("orders")).await, Vec::<String>::new());
    // Nothing of it is the record's, and none of it expires.
    assert_eq!(stack.store.record(&orders, Read::Consistent).await.unwrap().rv, 0);
    let items = stack.raw.scan().table_name(TABLE).send().await.unwrap().items.unwrap_or_default();
    assert!(items.iter().all(|item| !item.contains_key("expires_at")) && items.len() == 2);
}

#[tokio::test]
async fn registers_may_be_kept_for_whoever_claims_an_alias() {
    let stack = Stack::start().await;
    stack.store.put_register(&alias("orders"), RegisterKind::Compliance, &register("a", NOW)).await.unwrap();
    assert_eq!(listed(&stack, &alias("orders")).await, [format!("a {NOW}")]);
    let odd = stack.store.put_register(&alias("orders"), RegisterKind::Compliance, &register("a#b", 1)).await;
    assert!(matches!(odd, Err(StoreError::WrongShape { .. })));
}
