use catalog_model::Applied;
use catalog_store::{Flipped, RollupHead};
use serde_json::{Value, json};

use crate::faults::{Fault, with_fault};
use crate::stack::{NOW, Stack};

fn head(generation: &str) -> RollupHead {
    RollupHead {
        generation: generation.into(),
        totals: json!({ "USD": "12.5" }),
        last_complete_day: Some("2026-10-31".into()),
        at_ms: NOW,
    }
}

#[tokio::test]
async fn concurrent_appenders_leave_no_gap_and_lose_no_row() {
    let stack = Stack::start().await;
    let appends = (0..30).map(|n| {
        let rows = vec![json!({ "row": n, "part": 0 }), json!({ "row": n, "part": 1 })];
        let store = stack.store.clone();
        async move { store.append_deltas(&rows).await.unwrap() }
    });
    let mut last = futures::future::join_all(appends).await;
    last.sort_unstable();
    assert_eq!(last, (1..=30).collect::<Vec<u64>>());

    let log = stack.store.deltas_after(0).await.unwrap();
    assert_eq!(log.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), last);
    let mut rows: Vec<u64> = log.iter().map(|(_, rows)| rows[0]["row"].as_u64().unwrap()).collect();
    rows.sort_unstable();
    assert_eq!(rows, (0..30).collect::<Vec<u64>>());
    assert!(log.iter().all(|(_, rows)| rows.len() == 2 && rows[0]["row"] == rows[1]["row"]));

    assert_eq!(stack.store.deltas_after(28).await.unwrap().len(), 2);
    assert!(stack.store.deltas_after(30).await.unwrap().is_empty());
    assert!(stack.calls.take().keys().all(|operation| operation != "Query"), "the log is read consistently");
}

#[tokio::test]
async fn many_rows_become_several_items_and_a_long_row_goes_to_the_bucket() {
    let stack = Stack::start().await;
    assert_eq!(stack.store.append_deltas(&[]).await.unwrap(), 0);
    let rows: Vec<Value> = (0..150).map(|n| json!({ "n": n, "text": "x".repeat(10_000) })).collect();
    assert_eq!(stack.store.append_deltas(&rows).await.unwrap(), 6, "more than one page of a query");
    let long = json!({ "n": 150, "text": "x".repeat(700_000) });
    assert_eq!(stack.store.append_deltas(std::slice::from_ref(&long)).await.unwrap(), 7);
    assert_eq!(stack.store.last_delta().await.unwrap(), 7);

    let read: Vec<Value> = stack.store.deltas_after(0).await.unwrap().into_iter().flat_map(|(_, rows)| rows).collect();
    assert_eq!(read, rows.into_iter().chain([long]).collect::<Vec<_>>());
    assert_eq!(stack.objects("bodies").len(), 1);
}

#[tokio::test]
async fn an_append_that_breaks_off_leaves_a_dense_log() {
    let stack = Stack::start().await;
    for fault in [Fault::Before(0), Fault::After(0), Fault::Before(1), Fault::After(1)] {
        let rows = [json!({ "n": 1 })];
        with_fault(fault, stack.store.append_deltas(&rows)).await.unwrap_err();
        stack.store.append_deltas(&rows).await.unwrap();
    }
    let seqs: Vec<u64> = stack.store.deltas_after(0).await.unwrap().into_iter().map(|(seq, _)| seq).collect();
    assert_eq!(seqs, [1, 2, 3, 4, 5], "only a lost answer repeats rows");
}

#[tokio::test]
async fn a_head_only_moves_forward() {
    let stack = Stack::start().await;
    let flip = async |generation: &str| stack.store.flip_head("main#cur", "2026-10", &head(generation)).await.unwrap();
    let flipped = |applied, previous: Option<&str>| Flipped { applied, previous: previous.map(Into::into) };

    assert_eq!(flip("0005").await, flipped(Applied::Applied, None));
    assert_eq!(flip("0004").await, flipped(Applied::Stale, None));
    assert_eq!(flip("0007").await, flipped(Applied::Applied, Some("0005")));
    assert_eq!(flip("0007").await, flipped(Applied::Duplicate, Some("0005")), "a second call can still expire it");
    stack.store.flip_head("other", "2026-09", &head("0001")).await.unwrap();

    assert_eq!(
        stack.store.heads().await.unwrap(),
        [
            ("main#cur".to_owned(), "2026-10".to_owned(), head("0007")),
            ("other".to_owned(), "2026-09".to_owned(), head("0001"))
        ]
    );
}

#[tokio::test]
async fn concurrent_heads_end_at_the_newest() {
    let stack = Stack::start().await;
    let flips = (0..20).map(|n| {
        let store = stack.store.clone();
        async move { store.flip_head("main", "2026-10", &head(&format!("{:04}", n * 7 % 20))).await.unwrap() }
    });
    futures::future::join_all(flips).await;
    assert_eq!(stack.store.heads().await.unwrap()[0].2.generation, "0019");
}

#[tokio::test]
async fn a_rollup_comes_back_whatever_its_size() {
    let stack = Stack::start().await;
    let (scope, month) = ("component:default/orders", "2026-10");
    let large = json!({ "cells": vec!["1.00"; 50_000] });
    for (generation, body) in [("0001", json!({ "cells": [] })), ("0002", large)] {
        stack.store.put_rollup(scope, month, generation, &body).await.unwrap();
        stack.store.put_rollup(scope, month, generation, &body).await.unwrap();
        assert_eq!(stack.store.rollups(scope, month, generation).await.unwrap(), Some(body));
    }
    assert_eq!(stack.objects("rollups").len(), 1);
    assert_eq!(stack.store.rollups(scope, month, "0003").await.unwrap(), None);
    assert_eq!(stack.store.rollups("all", month, "0001").await.unwrap(), None);
}

#[tokio::test]
async fn an_old_generation_is_given_an_end_and_none_is_made() {
    let stack = Stack::start().await;
    stack.store.put_rollup("all", "2026-10", "0001", &json!({})).await.unwrap();
    for generation in ["0001", "0002"] {
        stack.store.expire_rollup("all", "2026-10", generation, 1_800_000_000).await.unwrap();
    }
    let table = stack.raw.query().table_name(crate::stack::TABLE).key_condition_expression("pk = :pk");
    let all = aws_sdk_dynamodb::types::AttributeValue::S("c#all".into());
    let items = table.expression_attribute_values(":pk", all).send().await.unwrap().items.unwrap();
    assert_eq!(items.len(), 1);
    assert_eq!(items[0]["expires_at"].as_n().unwrap(), "1800000000");
}
