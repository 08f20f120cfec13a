use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use catalog_model::{Record, RecordKey};
use futures::TryStreamExt;
use serde_json::json;

use crate::stack::{NOW, Stack, TABLE, alias, claim, component, facts, file, fragment, noise, serial};

async fn scan(stack: &Stack, total: u16) -> BTreeMap<RecordKey, (u64, Result<Record, String>)> {
    let mut all = BTreeMap::new();
    for segment in 0..total {
        let part: Vec<_> = stack.store.scan_records(segment, total).try_collect().await.unwrap();
        for scanned in part {
            let record = scanned.record.map_err(|error| error.code().to_owned());
            assert!(all.insert(scanned.key, (scanned.rv, record)).is_none(), "each record comes once");
        }
    }
    all
}

#[tokio::test]
async fn a_scan_gives_every_record_once_in_however_many_parts() {
    let stack = Stack::start().await;
    let apply = async |key: &RecordKey, said| {
        stack.store.apply(key, &fragment(&file("a"), serial(1), said), NOW).await.unwrap();
    };
    for n in 0..60 {
        // Some have their text in the bucket, and all of them are more than a page.
        apply(&component(&format!("c-{n}")), facts(&noise(n * 500))).await;
    }
    apply(&alias("orders"), claim("arn:aws:sqs:eu-west-1:111122223333:orders")).await;
    stack.store.put_receipt(&file("a"), &serial(1), &json!({})).await.unwrap();
    stack.store.append_deltas(&[json!("e#component:default/c-1").to_string()], "rules", NOW).await.unwrap();

    let one = scan(&stack, 1).await;
    assert_eq!(one.len(), 61);
    assert_eq!(one, scan(&stack, 4).await);
    for (key, (rv, record)) in &one {
        let read = stack.store.record(key, catalog_store::Read::Consistent).await.unwrap();
        assert_eq!((*rv, record.as_ref()), (read.rv, Ok(&read)));
    }
    let calls = stack.calls.take();
    assert_eq!(calls.get("Scan"), None, "{calls:?}");
    assert!(calls["Scan consistent"] >= 5);
}

#[tokio::test]
async fn a_record_that_cannot_be_read_is_one_of_them() {
    let stack = Stack::start().await;
    stack.store.apply(&component("good"), &fragment(&file("a"), serial(1), facts("x")), NOW).await.unwrap();
    let item = [
        ("pk", AttributeValue::S(component("bad").to_string())),
        ("sk", AttributeValue::S("E".into())),
        ("rv", AttributeValue::N("5".into())),
        ("f:config", AttributeValue::M([("v".to_owned(), AttributeValue::S("?".into()))].into())),
    ];
    let item = item.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    stack.raw.put_item().table_name(TABLE).set_item(Some(item)).send().await.unwrap();
    let all = scan(&stack, 2).await;
    assert_eq!(all.len(), 2);
    assert_eq!(all[&component("bad")], (5, Err("stored-wrong-shape".to_owned())));
    stack.calls.take();
}
