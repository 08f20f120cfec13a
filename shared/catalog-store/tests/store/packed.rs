//! Bodies that are packed, those that builds before left as texts, and those of builds to come.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use catalog_model::{Applied, Facts, Pointer, Role, Said};
use catalog_store::{PackedText, Read};

use crate::stack::{NOW, Stack, TABLE, component, file, fragment, serial};

/// What an item holds of a fragment.
type Stored = HashMap<String, AttributeValue>;

fn described(description: &str) -> Said {
    let mut facts = Facts::new(Role::Declared);
    facts.say(Pointer::metadata("description"), description.repeat(40));
    Said::Facts(facts)
}

async fn stored(stack: &Stack, name: &str) -> Stored {
    let get = stack.raw.get_item().table_name(TABLE).key("pk", AttributeValue::S(component(name).to_string()));
    let item = get.key("sk", AttributeValue::S("E".into())).send().await.unwrap().item.unwrap();
    item[&format!("f:{}", file("a").fragment_key())].as_m().unwrap().clone()
}

/// Stores the fragment of version 1 with this body.
async fn put(stack: &Stack, name: &str, body: AttributeValue) {
    let stored = Stored::from([
        ("v".to_owned(), AttributeValue::S(serial(1).to_string())),
        ("o".to_owned(), AttributeValue::S(file("a").to_string())),
        ("d".to_owned(), AttributeValue::S("request-1".into())),
        ("b".to_owned(), body),
    ]);
    let key = file("a").fragment_key();
    let put = stack.raw.put_item().table_name(TABLE).item("pk", AttributeValue::S(component(name).to_string()));
    let put = put.item("sk", AttributeValue::S("E".into())).item("rv", AttributeValue::N("1".into()));
    let put = put.item("fk", AttributeValue::Ss(vec![key.as_str().to_owned()]));
    put.item(format!("f:{key}"), AttributeValue::M(stored)).send().await.unwrap();
}

#[tokio::test]
async fn a_body_is_packed_and_short_ones_are_not() {
    let stack = Stack::start().await;
    let short = Said::Facts(Facts::new(Role::Declared));
    for (name, said) in [("long", described("some words ")), ("short", short)] {
        let written = fragment(&file("a"), serial(1), said);
        stack.store.apply(&component(name), &written, NOW).await.unwrap();
        let record = stack.store.record(&component(name), Read::Consistent).await.unwrap();
        assert_eq!(record.fragments[&file("a").fragment_key()], written);
        let text = written.said.canonical();
        match &stored(&stack, name).await["b"] {
            AttributeValue::B(bytes) => {
                assert_eq!(PackedText::from_stored(bytes.as_ref()).text(), Ok(text));
                assert_eq!(name, "long");
            }
            body => assert_eq!((name, body), ("short", &AttributeValue::S(text))),
        }
    }
}

#[tokio::test]
async fn a_body_that_was_stored_as_a_text_reads_as_one_and_is_packed_by_the_next_write() {
    let stack = Stack::start().await;
    let (old, new) = (described("an old body "), described("a new body "));
    put(&stack, "orders", AttributeValue::S(old.canonical())).await;
    let record = stack.store.record(&component("orders"), Read::Consistent).await.unwrap();
    assert_eq!(record.fragments[&file("a").fragment_key()], fragment(&file("a"), serial(1), old.clone()));

    let write = async |version, said: &Said| {
        let written = fragment(&file("a"), serial(version), said.clone());
        stack.store.apply(&component("orders"), &written, NOW).await.unwrap()
    };
    assert_eq!(write(1, &old).await, Applied::Duplicate);
    assert_eq!(write(2, &new).await, Applied::Applied);
    assert_eq!(write(1, &old).await, Applied::Stale);
    assert!(stored(&stack, "orders").await["b"].is_b());
    let record = stack.store.record(&component("orders"), Read::Consistent).await.unwrap();
    assert_eq!(record.fragments[&file("a").fragment_key()].said, new);
}

#[tokio::test]
async fn a_body_that_cannot_be_unpacked_is_an_alarm_and_no_deletion() {
    let stack = Stack::start().await;
    let packed = PackedText::of(&described("words ").canonical()).unwrap();
    let of_later_build = [&[9], &packed.as_bytes()[1..]].concat();
    let cut = packed.as_bytes()[..packed.as_bytes().len() - 1].to_vec();
    let no_said = PackedText::of(&"no JSON ".repeat(50)).unwrap().as_bytes().to_vec();
    for (name, body) in [
        ("later", AttributeValue::B(of_later_build.into())),
        ("cut", AttributeValue::B(cut.into())),
        ("no-said", AttributeValue::B(no_said.into())),
        ("number", AttributeValue::N("7".into())),
    ] {
        put(&stack, name, body).await;
        let unread = stack.store.record(&component(name), Read::Consistent).await.unwrap_err();
        assert_eq!((unread.code(), unread.is_retryable()), ("stored-wrong-shape", false), "{name}: {unread}");
    }
}
