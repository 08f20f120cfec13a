use std::collections::BTreeMap;

use callboard_tests::indexing::{World, component, owned_by};
use catalog_follow::WholeIndex;
use catalog_index::Deps;
use catalog_model::{Claim, EntityRef, Identity, Key, RecordKey, Said};
use catalog_store::IndexState;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::Value;

use crate::words::{index, now};

const CASES: u32 = 40;
const KEYS: usize = 4;

/// Which record says what: an owner, a claim of a name, or nothing any more.
type Write = (usize, Option<usize>);

fn resource(n: usize) -> Identity {
    Identity::of_canonical_arn(&format!("arn:aws:sqs:eu-west-1:111122223333:q-{n}"))
}

fn written((key, what): Write) -> (RecordKey, Said) {
    let key = match key {
        0 => component("a"),
        1 => RecordKey::Entity(resource(0)),
        2 => RecordKey::Entity(resource(1)),
        _ => RecordKey::Alias(Key::of_ref(&EntityRef::resource("name"))),
    };
    let said = match (&key, what) {
        (_, None) => Said::Gone,
        (RecordKey::Alias(_), Some(n)) => Said::Claim(Claim { identity: resource(n % 2), by_arn: true }),
        (RecordKey::Entity(_), Some(n)) => owned_by(&format!("team-{n}")),
    };
    (key, said)
}

/// The same changes in another order, where only those of one record keep theirs.
fn shuffled(records: &[Value], by: &[prop::sample::Index]) -> Vec<Value> {
    let mut of_key: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for record in records {
        of_key.entry(record["dynamodb"]["NewImage"]["pk"]["S"].to_string()).or_default().push(record.clone());
    }
    let mut queues: Vec<std::collections::VecDeque<Value>> = of_key.into_values().map(Into::into).collect();
    let mut order = Vec::new();
    let mut by = by.iter().cycle();
    while !queues.is_empty() {
        let at = by.next().unwrap().index(queues.len());
        order.extend(queues[at].pop_front());
        queues.retain(|queue| !queue.is_empty());
    }
    order
}

async fn content(world: &World) -> BTreeMap<String, String> {
    let whole = WholeIndex::read(&IndexState::default(), &world.store).await.unwrap();
    whole.frozen().unwrap().content()
}

async fn play(writes: &[Write], by: &[prop::sample::Index], size: usize) -> Result<(), TestCaseError> {
    let (mut one, mut other) = (World::start().await, World::start().await);
    for world in [&mut one, &mut other] {
        for write in writes {
            let (key, said) = written(*write);
            world.say(&key, "file", said).await;
        }
    }
    let deps = Deps::of_store(one.store.clone());
    index(&deps, &one.stream, now()).await;
    let deps = Deps::of_store(other.store.clone());
    let batches: Vec<Vec<Value>> = shuffled(&other.stream, by).chunks(size).map(<[_]>::to_vec).collect();
    for (batch, again) in batches.iter().zip(by.iter().cycle()) {
        // What Lambda repeats, it repeats from any change of the batch on.
        index(&deps, batch, now()).await;
        index(&deps, &batch[again.index(batch.len())..], now()).await;
    }
    prop_assert_eq!(content(&one).await, content(&other).await);
    one.stack.shutdown().await;
    other.stack.shutdown().await;
    Ok(())
}

#[test]
fn batches_that_are_shuffled_across_records_split_and_repeated_change_nothing() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let config = Config { cases: CASES, failure_persistence: None, max_shrink_iters: 30, ..Config::default() };
    let writes = prop::collection::vec((0..KEYS, prop::option::weighted(0.8, 0usize..3)), 1..16);
    let by = prop::collection::vec(any::<prop::sample::Index>(), 1..12);
    TestRunner::new(config)
        .run(&(writes, by, 1usize..6), |(writes, by, size)| runtime.block_on(play(&writes, &by, size)))
        .unwrap();
}
