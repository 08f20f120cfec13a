//! What an item of the log may hold, and what is refused.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use catalog_store::{Deltas, LogDefect, UnreadableDelta};
use serde_json::{Value, json};

use crate::log::{read, texts};
use crate::stack::{BUCKET, NOW, Stack, TABLE};

/// Puts an item as no appender would: texts and numbers of the JSON as they are.
pub(crate) async fn put_item(stack: &Stack, seq: u64, attributes: &str) {
    let attributes: HashMap<String, Value> = serde_json::from_str(attributes).unwrap();
    let value = |value: Value| match value {
        Value::String(text) => AttributeValue::S(text),
        other => AttributeValue::N(other.to_string()),
    };
    let item = attributes.into_iter().map(|(name, one)| (name, value(one))).collect();
    put(stack, seq, item).await;
}

async fn put(stack: &Stack, seq: u64, mut item: HashMap<String, AttributeValue>) {
    item.insert("pk".into(), AttributeValue::S("l#deltas".into()));
    item.insert("sk".into(), AttributeValue::S(format!("{seq:020}")));
    stack.raw.put_item().table_name(TABLE).set_item(Some(item)).send().await.unwrap();
}

pub(crate) async fn item(stack: &Stack, seq: u64) -> HashMap<String, AttributeValue> {
    let get = stack.raw.get_item().table_name(TABLE);
    let get = get.key("pk", AttributeValue::S("l#deltas".into())).key("sk", AttributeValue::S(format!("{seq:020}")));
    get.send().await.unwrap().item.unwrap()
}

async fn defect_at(stack: &Stack, seq: u64) -> UnreadableDelta {
    let Deltas { items, defect } = stack.store.deltas_after(0).await.unwrap();
    assert_eq!(items.len() as u64, seq - 1, "what comes before is good");
    match defect.unwrap() {
        LogDefect::Unreadable { seq: named, reason } if named == seq => reason,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn many_rows_are_one_item_and_one_that_does_not_compress_goes_to_the_bucket() {
    let stack = Stack::start().await;
    let append = async |rows: &[Value]| stack.store.append_deltas(&texts(rows), "rules", NOW).await.unwrap();
    let rows: Vec<Value> = (0..100).map(|n| json!({ "n": n, "text": "owner ".repeat(500) })).collect();
    assert_eq!(append(&rows).await, Some(1));
    assert!(item(&stack, 1).await["z"].as_b().unwrap().as_ref().len() < 10_000, "300 KB compress well");

    let noise: String = (0u32..150_000).map(|n| format!("{:08x}", n.wrapping_mul(2_654_435_761) ^ (n << 7))).collect();
    let long = json!({ "n": 100, "text": noise });
    assert_eq!(append(std::slice::from_ref(&long)).await, Some(2));
    let many: Vec<Value> = (0..5).map(|n| json!({ "n": n, "text": "x".repeat(700_000) })).collect();
    assert_eq!(append(&many).await, Some(7), "at most a megabyte of text in each");
    let all: Vec<Value> = read(&stack, 0).await.into_iter().flat_map(|(_, rows)| rows).collect();
    assert_eq!(all, rows.into_iter().chain([long]).chain(many).collect::<Vec<_>>());
    assert_eq!(stack.objects("bodies").len(), 1);
}

#[tokio::test]
async fn a_long_log_comes_in_parts() {
    let stack = Stack::start().await;
    for n in 0..12 {
        let row = json!({ "n": n, "text": "x".repeat(1_000_000) });
        stack.store.append_deltas(&[row.to_string()], "rules", NOW).await.unwrap();
    }
    let (mut seq, mut parts) = (0, 0);
    while let Some((last, _)) = read(&stack, seq).await.last() {
        (seq, parts) = (*last, parts + 1);
    }
    assert_eq!((seq, parts), (12, 2));
}

#[tokio::test]
async fn what_cannot_be_read_is_named_and_nothing_after_it_is_given() {
    let stack = Stack::start().await;
    let append = async || stack.store.append_deltas(&texts(&[json!({"n": 1})]), "rules", NOW).await.unwrap();
    append().await;
    append().await;
    append().await;
    let good = item(&stack, 2).await;
    let edit = |name: &str, value: Option<AttributeValue>| {
        let mut item = good.clone();
        match value {
            Some(value) => item.insert(name.to_owned(), value),
            None => item.remove(name),
        };
        item
    };
    let compressed = good["z"].as_b().unwrap().as_ref().to_vec();
    let binary = |bytes: &[u8]| Some(AttributeValue::B(bytes.to_vec().into()));
    let number = |text: &str| Some(AttributeValue::N(text.into()));
    let mut flipped = compressed.clone();
    flipped[compressed.len() / 2] ^= 0x10;
    for (item, reason) in [
        (edit("fmt", number("3")), UnreadableDelta::FutureFormat { format: 3 }),
        (edit("fmt", number("-1")), UnreadableDelta::Corrupt),
        (edit("fmt", Some(AttributeValue::S("2".into()))), UnreadableDelta::Corrupt),
        (edit("len", number("99999999999")), UnreadableDelta::TooLong { bytes: 99_999_999_999 }),
        (edit("len", number("3")), UnreadableDelta::Corrupt),
        (edit("len", None), UnreadableDelta::Corrupt),
        (edit("z", binary(&compressed[..compressed.len() - 1])), UnreadableDelta::Corrupt),
        (edit("z", binary(&flipped)), UnreadableDelta::Corrupt),
        (edit("z", None), UnreadableDelta::NoBody),
        (HashMap::from([("p".to_owned(), AttributeValue::S("0".repeat(64)))]), UnreadableDelta::NoObject),
    ] {
        put(&stack, 2, item).await;
        assert_eq!(defect_at(&stack, 2).await, reason);
    }
    put(&stack, 2, good).await;
    assert_eq!(read(&stack, 0).await.len(), 3);
    let rows = stack.store.deltas_after(0).await.unwrap().items[1].rows::<String>();
    assert!(matches!(rows, Err(LogDefect::Unreadable { seq: 2, reason: UnreadableDelta::Rows { .. } })), "{rows:?}");
}

#[tokio::test]
async fn an_old_item_with_its_rows_in_the_bucket_stays_readable() {
    let stack = Stack::start().await;
    let text = json!([{"n": 1}]).to_string();
    let hash = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(&text));
    let put = stack.raw_s3.put_object().bucket(BUCKET).key(format!("bodies/{hash}"));
    put.body(text.into_bytes().into()).send().await.unwrap();
    put_item(&stack, 1, &json!({ "p": hash }).to_string()).await;
    assert_eq!(read(&stack, 0).await, [(1, vec![json!({"n": 1})])]);
}
