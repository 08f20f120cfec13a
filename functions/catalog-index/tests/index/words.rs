use callboard_tests::indexing::World;
use catalog_follow::{LiveCatalog, WholeIndex};
use catalog_index::{Action, Answer, Compaction, Deps, Event, Outcome};
use catalog_store::{CatalogStore, IndexState};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

pub(crate) fn now() -> Timestamp {
    "2026-11-01T08:00:00Z".parse().unwrap()
}

/// When whatever was appended until now is old enough to be compacted.
pub(crate) fn later(hours: i64) -> Timestamp {
    now() + SignedDuration::from_hours(hours)
}

/// Hands a batch to the handler.
pub(crate) async fn index(deps: &Deps, records: &[Value], now: Timestamp) {
    let event: Event = serde_json::from_value(json!({ "Records": records })).unwrap();
    let answer = catalog_index::handle(event, deps, now).await.unwrap();
    assert_eq!(json!(answer), json!({"batchItemFailures": []}));
}

pub(crate) async fn index_all(world: &mut World, deps: &Deps) {
    let records = std::mem::take(&mut world.stream);
    index(deps, &records, now()).await;
}

pub(crate) async fn try_compact(store: &CatalogStore, now: Timestamp) -> Result<Compaction, lambda_runtime::Error> {
    match catalog_index::handle(Event::Asked(Action::Compact), &Deps::of_store(store.clone()), now).await? {
        Answer::Compacted(compaction) => Ok(compaction),
        Answer::Stream(_) => panic!("no batch was given"),
    }
}

pub(crate) async fn compact(store: &CatalogStore, now: Timestamp) -> Outcome {
    try_compact(store, now).await.unwrap().outcome
}

/// What the index says, in parts: read from the segment that counts, and from the log alone.
pub(crate) async fn assert_equal_to_the_log(store: &CatalogStore) -> usize {
    let state = store.index_state().await.unwrap();
    let of_segment = WholeIndex::read(&state, store).await.unwrap();
    let of_log = WholeIndex::read(&IndexState::default(), store).await.unwrap();
    assert_eq!(of_segment.progress().seq, of_log.progress().seq);
    assert_eq!((&of_segment.progress().defect, &of_log.progress().defect), (&None, &None));
    assert_eq!(of_segment.frozen().unwrap().content(), of_log.frozen().unwrap().content());
    of_log.catalog().len()
}

/// A reader that starts now.
pub(crate) async fn reader(store: &CatalogStore, now: Timestamp) -> LiveCatalog {
    let live = LiveCatalog::new(store.clone());
    live.follow(now).await.unwrap();
    live
}
