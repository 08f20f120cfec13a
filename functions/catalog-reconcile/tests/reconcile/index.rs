//! The index against the records, on the local stack's table and bucket.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use callboard_tests::indexing::{Fault, World, component, owned_by, with_fault};
use catalog_follow::LiveCatalog;
use catalog_index::Event;
use catalog_model::{Identity, RecordKey, Said};
use catalog_reconcile::{Action, Deps, Report, handle};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

const TABLE: &str = "callboard";

fn now() -> Timestamp {
    "2026-11-01T08:00:00Z".parse().unwrap()
}

async fn index(world: &mut World) {
    let records = std::mem::take(&mut world.stream);
    let event: Event = serde_json::from_value(json!({ "Records": records })).unwrap();
    let deps = catalog_index::Deps::of_store(world.store.clone());
    catalog_index::handle(event, &deps, now()).await.unwrap();
}

async fn declare(world: &mut World, names: &[&str]) {
    for name in names {
        world.say(&component(name), "file", owned_by("team")).await;
    }
}

async fn run(world: &World, action: Action) -> Report {
    handle(action, &Deps::of_store(world.store.clone(), Duration::from_millis(1)), now()).await.unwrap()
}

fn identity(name: &str) -> Identity {
    let RecordKey::Entity(identity) = component(name) else { unreachable!("it is an entity") };
    identity
}

async fn entities(world: &World) -> usize {
    let live = LiveCatalog::new(world.store.clone());
    live.follow(now()).await.unwrap();
    live.ask(|catalog| Ok(catalog.len())).await.unwrap()
}

async fn remove_from_log(world: &World, seq: u64) {
    let key = |text: String| AttributeValue::S(text);
    let delete = world.dynamodb.delete_item().table_name(TABLE);
    delete.key("pk", key("l#deltas".into())).key("sk", key(format!("{seq:020}"))).send().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_says_what_the_records_say_is_left_as_it_is() {
    let mut world = World::start().await;
    declare(&mut world, &["a", "b", "c"]).await;
    world.say(&component("b"), "file", Said::Gone).await;
    index(&mut world).await;
    let report = run(&world, Action::Compare).await;
    assert_eq!(report, Report { records: 3, entities: 2, seq: 1, ..Report::default() });
    assert_eq!(world.store.index_state().await.unwrap().pointer, None);
    assert_eq!(run(&world, Action::RebuildIfNeeded).await, Report::default());
    world.stack.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_index_has_wrong_is_named_and_replaced() {
    let mut world = World::start().await;
    declare(&mut world, &["same", "lost", "gone", "other"]).await;
    world.say(&component("lost"), "file", Said::Gone).await;
    index(&mut world).await;
    // The stream never tells of these.
    world.say(&component("lost"), "file", owned_by("team")).await;
    world.say(&component("gone"), "file", Said::Gone).await;
    world.say(&component("other"), "file", owned_by("another-team")).await;
    world.stream.clear();
    assert_eq!(entities(&world).await, 3);

    let report = run(&world, Action::Compare).await;
    let difference = report.difference.unwrap();
    assert!(report.rebuilt);
    assert_eq!((difference.missing.count, &difference.missing.first), (1, &vec![identity("lost")]));
    assert_eq!((difference.extra.count, &difference.extra.first), (1, &vec![identity("gone")]));
    assert_eq!((difference.different.count, &difference.different.first), (1, &vec![identity("other")]));
    assert!(difference.blocks.contains(&"c:spec.owner".to_owned()), "{:?}", difference.blocks);
    assert_eq!(entities(&world).await, 3);
    assert_eq!(run(&world, Action::Compare).await.difference, None);
    let counts = world.store.status().await.unwrap().sources;
    let own = counts.iter().find(|source| source.source == "catalog-reconcile").unwrap();
    assert_eq!((own.counts["differences"], own.counts["rebuilds"]), (3, 1));

    // The log goes on behind the rebuilt segment.
    declare(&mut world, &["new"]).await;
    index(&mut world).await;
    assert_eq!(entities(&world).await, 4);
    assert_eq!(run(&world, Action::Compare).await.difference, None);
    world.stack.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_is_ahead_of_the_log_is_no_difference() {
    let mut world = World::start().await;
    declare(&mut world, &["a"]).await;
    index(&mut world).await;
    declare(&mut world, &["late"]).await;
    // The stream tells of it while the comparison waits.
    let deps = Deps::of_store(world.store.clone(), Duration::from_secs(1));
    let compared = handle(Action::Compare, &deps, now());
    let (report, ()) = tokio::join!(compared, async {
        tokio::time::sleep(Duration::from_millis(400)).await;
        index(&mut world).await;
    });
    let report = report.unwrap();
    assert_eq!((report.entities, report.rebuilt, report.difference), (2, false, None));
    world.stack.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_is_broken_or_gone_is_rebuilt_and_no_other() {
    let mut world = World::start().await;
    for name in ["a", "b", "c"] {
        declare(&mut world, &[name]).await;
        index(&mut world).await;
    }
    remove_from_log(&world, 1).await;
    let live = LiveCatalog::new(world.store.clone());
    assert_eq!(live.follow(now()).await.unwrap_err().code(), "rebuild-needed");
    let report = run(&world, Action::RebuildIfNeeded).await;
    assert_eq!(report.reason.unwrap(), "the log goes on at 2 where 1 should be");
    assert_eq!((report.entities, report.seq, report.rebuilt), (3, 3, true));
    assert_eq!(entities(&world).await, 3);
    assert!(!run(&world, Action::RebuildIfNeeded).await.rebuilt);

    // Behind the segment, in the middle: what comes before is served until the rebuild.
    for name in ["d", "e", "f"] {
        declare(&mut world, &[name]).await;
        index(&mut world).await;
    }
    remove_from_log(&world, 5).await;
    let live = LiveCatalog::new(world.store.clone());
    live.follow(now()).await.unwrap();
    assert!(live.progress().await.defect.is_some());
    assert_eq!(live.ask(|catalog| Ok(catalog.len())).await.unwrap(), 4);
    assert!(run(&world, Action::RebuildIfNeeded).await.rebuilt);
    // The reader that stood before the gap moves to the rebuilt segment by itself.
    live.follow(now() + SignedDuration::from_mins(2)).await.unwrap();
    assert_eq!(live.progress().await.defect, None);
    assert_eq!(live.ask(|catalog| Ok(catalog.len())).await.unwrap(), 6);
    world.stack.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_of_the_first_format_is_rebuilt_for_its_rules_are_unknown() {
    let mut world = World::start().await;
    declare(&mut world, &["a"]).await;
    world.stream.clear();
    let item = [("pk", "l#deltas"), ("sk", "00000000000000000001"), ("b", "[]")];
    let item = item.into_iter().map(|(name, text)| (name.to_owned(), AttributeValue::S(text.to_owned()))).collect();
    world.dynamodb.put_item().table_name(TABLE).set_item(Some(item)).send().await.unwrap();
    let report = run(&world, Action::RebuildIfNeeded).await;
    assert_eq!((report.rebuilt, report.entities), (true, 1));
    assert!(!run(&world, Action::RebuildIfNeeded).await.rebuilt);
    world.stack.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_that_breaks_off_anywhere_is_done_by_the_next() {
    let mut world = World::start().await;
    declare(&mut world, &["a", "b"]).await;
    index(&mut world).await;
    let deps = Deps::of_store(world.store.clone(), Duration::from_millis(1));
    let (done, calls) = with_fault(Fault::Never, handle(Action::Rebuild, &deps, now())).await;
    assert!(done.unwrap().rebuilt);
    for n in 0..calls {
        for fault in [Fault::Before(n), Fault::After(n)] {
            declare(&mut world, &[&format!("c-{n}"), &format!("d-{n}")]).await;
            index(&mut world).await;
            drop(with_fault(fault, handle(Action::Rebuild, &deps, now())).await);
            assert!(run(&world, Action::Rebuild).await.rebuilt);
            assert_eq!(run(&world, Action::Compare).await.difference, None);
        }
    }
    world.stack.shutdown().await;
}
