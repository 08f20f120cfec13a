use std::collections::BTreeSet;

use catalog_model::Applied;
use catalog_store::{Flipped, RollupHead};
use serde_json::json;

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
async fn many_scopes_are_looked_up_at_once_and_those_that_have_nothing_are_not_found() {
    let stack = Stack::start().await;
    let scopes: BTreeSet<String> = (0..230).map(|at| format!("arn:aws:s3:::bucket-{at}")).collect();
    let stored: BTreeSet<String> = scopes.iter().step_by(3).cloned().collect();
    for scope in &stored {
        stack.store.put_rollup(scope, "2026-10", "0001", &json!({})).await.unwrap();
    }
    let found = async |month, generation| stack.store.scopes_with_rollups(&scopes, month, generation).await.unwrap();
    assert_eq!(found("2026-10", "0001").await, stored);
    assert!(found("2026-10", "0002").await.is_empty() && found("2026-09", "0001").await.is_empty());
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
