use catalog_model::{Door, Format, FragmentKey, Identity, RecordKey, Said, SourceObject};
use futures::TryStreamExt;
use serde_json::json;

use crate::stack::{NOW, Stack, component, facts, file, fragment, noise, serial};

fn queue(name: &str) -> RecordKey {
    RecordKey::Entity(Identity::of_canonical_arn(&format!("arn:aws:sqs:eu-west-1:111122223333:{name}")))
}

fn of_config(format: Format, name: &str) -> SourceObject {
    SourceObject { door: Door::Config, producer: "111122223333".into(), format, name: name.into() }
}

#[tokio::test]
async fn a_scan_for_fragments_gives_the_records_that_have_some_and_nothing_else_of_them() {
    let stack = Stack::start().await;
    let long = facts(&noise(10_000));
    for (key, source, said) in [
        (queue("a"), of_config(Format::Config, "a"), long.clone()),
        (queue("a"), file("a"), facts("of a file")),
        (queue("b"), of_config(Format::ConfigNotice, "b"), facts("exists")),
        (queue("c"), of_config(Format::Config, "c"), Said::Gone),
        (queue("c"), of_config(Format::ConfigNotice, "c"), facts("exists")),
        (component("d"), file("d"), facts("declared")),
    ] {
        stack.store.apply(&key, &fragment(&source, serial(1), said), NOW).await.unwrap();
    }
    let keys = ["config", "config-notice", "config-unheard-of"].map(FragmentKey::from_stored);
    let mut found = Vec::new();
    for part in 0..2 {
        let scanned: Vec<_> = stack.store.scan_fragments(&keys, part, 2).try_collect().await.unwrap();
        found.extend(scanned.into_iter().map(|scanned| scanned.record.unwrap()));
    }
    found.sort_by_key(|record| record.key.clone());
    let names: Vec<(&RecordKey, Vec<&str>)> =
        found.iter().map(|record| (&record.key, record.fragments.keys().map(FragmentKey::as_str).collect())).collect();
    assert_eq!(
        names,
        [
            (&queue("a"), vec!["config"]),
            (&queue("b"), vec!["config-notice"]),
            (&queue("c"), vec!["config", "config-notice"])
        ]
    );
    assert_eq!(found[0].fragments.values().next().unwrap().said, long, "read from the bucket");
    stack.calls.take();
}

#[tokio::test]
async fn a_state_is_replaced_by_who_has_read_it_and_by_nobody_else() {
    let stack = Stack::start().await;
    let store = &stack.store;
    assert_eq!(store.sweep_state().await.unwrap(), None);
    assert!(store.put_sweep_state(0, &json!({"n": 1})).await.unwrap());
    assert!(!store.put_sweep_state(0, &json!({"n": 2})).await.unwrap());
    let long = json!({"n": "x".repeat(100_000)});
    assert!(store.put_sweep_state(1, &long).await.unwrap());
    assert!(!store.put_sweep_state(1, &json!({"n": 3})).await.unwrap());
    let state = store.sweep_state().await.unwrap().unwrap();
    assert_eq!((state.revision, state.body), (2, Some(long)));
    assert_eq!(stack.objects("sweeps").len(), 1);
    assert!(store.put_sweep_state(2, &json!({"n": 4})).await.unwrap());
    assert_eq!(store.sweep_state().await.unwrap().unwrap().body, Some(json!({"n": 4})));
}

#[tokio::test]
async fn a_state_whose_object_expired_is_none_and_can_be_replaced() {
    let stack = Stack::start().await;
    let long = json!({"n": "x".repeat(100_000)});
    assert!(stack.store.put_sweep_state(0, &long).await.unwrap());
    std::fs::remove_file(stack.bucket.join("sweeps").join(&stack.objects("sweeps")[0])).unwrap();
    let state = stack.store.sweep_state().await.unwrap().unwrap();
    assert_eq!((state.revision, state.body), (1, None));
    assert!(stack.store.put_sweep_state(1, &json!({})).await.unwrap());
}

#[tokio::test]
async fn what_the_last_sweep_found_is_told_until_the_next_one() {
    let stack = Stack::start().await;
    assert_eq!(stack.store.drift().await.unwrap(), None);
    let key = stack.store.put_sweep_report(&json!({"whole": true})).await.unwrap();
    assert_eq!(key, format!("sweeps/{}", stack.objects("sweeps")[0]));
    for n in 0..2 {
        stack.store.put_drift(&json!({"n": n})).await.unwrap();
        assert_eq!(stack.store.drift().await.unwrap(), Some(json!({"n": n})));
    }
}
