//! Long files and the journal: killed at every call, taken again, and made again from it.

use aws_sdk_dynamodb::types::AttributeValue;
use callboard::wiring;
use callboard_tests::indexing::{Fault, World, with_fault};
use catalog_model::{Fragment, Identity, Record, RecordKey, Said};
use catalog_store::{CatalogStore, Read};
use cicd_export::{Deps, Event, handle};
use serde_json::{Value, json};

use crate::killed::deps;
use crate::replayed::replay;
use crate::requests::component;
use crate::stack::{DROP, NOW, Stack, notification};

const CREATED: &str = "ObjectCreated:Put";
const LONG_BYTES: usize = 4_500_000;
const COMMENT: &str = "# nothing, and more of it\n";

/// A file that is long, be it by what is between its documents. Those numbered below 3 are so large that together they
/// take more than a part of the journal.
fn systems(prefix: &str, numbers: std::ops::Range<u32>) -> String {
    let one = |number: u32| {
        let copies = if number < 3 { 1_500_000 / (prefix.len() + 2) } else { 1 };
        let entity = json!({
            "apiVersion": "backstage.io/v1alpha1", "kind": "System", "spec": {"owner": "a"},
            "metadata": {"name": format!("{prefix}{number}"), "description": format!("{prefix}{number} ").repeat(copies)},
        });
        format!("---\n{entity}\n")
    };
    let said: String = numbers.map(one).collect();
    let padding = LONG_BYTES.saturating_sub(said.len()) / COMMENT.len() + 1;
    said + &COMMENT.repeat(padding)
}

fn system(name: &str) -> RecordKey {
    RecordKey::Entity(Identity::of_entity(&format!("system:default/{name}").parse().unwrap()))
}

/// What stands of each record, without what a source took back.
async fn standing(store: &CatalogStore, names: &[String]) -> Vec<Vec<Fragment>> {
    let keys: Vec<RecordKey> = names.iter().map(|name| system(name)).collect();
    let records = store.records(&keys, Read::Consistent).await.unwrap();
    let live = |record: Record| record.fragments.into_values().filter(|fragment| fragment.said != Said::Gone).collect();
    records.into_iter().map(live).collect()
}

fn names(prefix: &str, numbers: std::ops::Range<u32>) -> Vec<String> {
    numbers.map(|number| format!("{prefix}{number}")).collect()
}

/// Drops an object of which nobody is told. The event that tells of it.
async fn dropped(world: &World, name: &str, body: String, second: u32) -> Value {
    let key = format!("exports/acme/catalog-info/{name}.yaml");
    world.stack.put_object_silently(DROP, &key, body.into_bytes(), []).await.unwrap();
    let head = world.s3.head_object().bucket(DROP).key(&key).send().await.unwrap();
    let etag = head.e_tag().unwrap().trim_matches('"').to_owned();
    let told = notification(CREATED, &key, Some(&etag), second, &format!("{second:02}"));
    json!({"Records": [
        {"messageId": "m", "body": told.to_string(), "attributes": {"ApproximateReceiveCount": "1"}},
    ]})
}

/// Whether the message was taken, and how many calls there were.
async fn taken(deps: &Deps, event: &Value, fault: Fault) -> (bool, u32) {
    let event: Event = serde_json::from_value(event.clone()).unwrap();
    let (answer, calls) = with_fault(fault, handle(event, deps, NOW.parse().unwrap())).await;
    (answer.unwrap()["batchItemFailures"] == json!([]), calls)
}

/// The answers of all pages, with a fault among the calls of each; or why one had none.
async fn replayed(deps: &Deps, fault: Fault) -> Result<Vec<Value>, String> {
    let (mut pages, mut after) = (Vec::new(), String::new());
    loop {
        let event: Event = serde_json::from_value(json!({"action": "replay", "after": after})).unwrap();
        let (page, _) = with_fault(fault, handle(event, deps, NOW.parse().unwrap())).await;
        let page = page.map_err(|error| error.to_string())?;
        let next = page["next"].as_str().map(str::to_owned);
        pages.push(page);
        match next {
            Some(next) => after = next,
            None => return Ok(pages),
        }
    }
}

/// The function on the same buckets and a table that has nothing.
async fn lost_table(world: &World, name: &str) -> Deps {
    let store = CatalogStore::from_clients(world.dynamodb.clone(), world.s3.clone(), name, wiring::CATALOG_BUCKET.name);
    store.create_table().await.unwrap();
    Deps { store, ..deps(world) }
}

fn sum(pages: &[Value], field: &str) -> u64 {
    pages.iter().map(|page| page[field].as_u64().unwrap()).sum()
}

#[tokio::test]
async fn killed_at_every_call_a_long_file_is_whole_in_the_journal_when_it_was_taken() {
    let world = World::start().await;
    let deps = deps(&world);
    let event = dropped(&world, "undisturbed", systems("u", 0..6), 1).await;
    let (is_taken, calls) = taken(&deps, &event, Fault::Never).await;
    assert!(is_taken && calls > 20, "{calls}");
    assert_eq!(world.objects("journal-parts").await.len(), 2);

    let mut all = names("u", 0..6);
    // An answer that is lost is as a death before the next call.
    let deaths: Vec<Fault> = (0..calls).map(Fault::Before).chain([Fault::After(calls - 1)]).collect();
    for (fault, number) in deaths.iter().zip(0..) {
        let prefix = format!("k{number}-");
        let event = dropped(&world, &prefix, systems(&prefix, 0..6), 1).await;
        taken(&deps, &event, *fault).await;
        assert!(taken(&deps, &event, Fault::Never).await.0, "{fault:?}");
        all.extend(names(&prefix, 0..6));
    }
    let files = deaths.len() + 1;
    assert_eq!(world.objects("journal").await.len(), files, "one entry for each file");
    let before = standing(&deps.store, &all).await;
    assert!(before.iter().all(|fragments| fragments.len() == 1));

    let lost = lost_table(&world, "lost").await;
    let pages = replayed(&lost, Fault::Never).await.unwrap();
    assert_eq!((pages.len(), sum(&pages, "applied")), (files, all.len() as u64), "a page for each file");
    assert!(standing(&lost.store, &all).await == before, "they differ");
    world.stack.shutdown().await;
}

#[tokio::test]
async fn a_replay_of_long_files_that_is_killed_at_any_call_is_completed_by_the_next() {
    let world = World::start().await;
    let first = deps(&world);
    for (second, numbers) in [(1, 0..6), (2, 2..8)] {
        let event = dropped(&world, "all", systems("x", numbers), second).await;
        assert!(taken(&first, &event, Fault::Never).await.0);
    }
    let all = names("x", 0..8);
    let before = standing(&first.store, &all).await;
    assert_eq!(before.iter().map(Vec::len).collect::<Vec<_>>(), [0, 0, 1, 1, 1, 1, 1, 1]);
    let undisturbed = replayed(&first, Fault::Never).await.unwrap();
    assert_eq!((undisturbed.len(), sum(&undisturbed, "applied"), sum(&undisturbed, "refused")), (2, 0, 0));
    assert!(standing(&first.store, &all).await == before, "what is newer stands");
    for name in ["x2", "x5"] {
        let delete =
            world.dynamodb.delete_item().table_name(wiring::TABLE.name).key("sk", AttributeValue::S("E".into()));
        delete.key("pk", AttributeValue::S(system(name).to_string())).send().await.unwrap();
    }
    assert!(standing(&first.store, &all).await != before);
    let pages = replayed(&first, Fault::Never).await.unwrap();
    assert_eq!((sum(&pages, "applied"), sum(&pages, "swept")), (4, 0), "at the older version, then at the newer");
    assert!(standing(&first.store, &all).await == before);

    let mut deaths = 0;
    loop {
        let lost = lost_table(&world, &format!("lost-{deaths}")).await;
        if replayed(&lost, Fault::Before(deaths)).await.is_ok() {
            break;
        }
        assert!(replayed(&lost, Fault::Never).await.is_ok());
        assert!(standing(&lost.store, &all).await == before, "{deaths}");
        deaths += 1;
    }
    assert!(deaths > 15, "{deaths}");
    world.stack.shutdown().await;
}

#[tokio::test]
async fn records_that_are_gone_come_back_byte_for_byte_and_those_that_stand_are_not_touched() {
    let mut stack = Stack::start().await;
    let key = "exports/acme/catalog-info/all.yaml";
    for (second, numbers) in [(1, 0..9), (2, 2..6)] {
        // One document is refused: the first file is no whole, and its entry says so.
        let refused = if second == 1 { "---\na: [\n" } else { "" };
        let body = systems("x", numbers) + refused;
        let etag = stack.put_object(key, &body, &[]).await;
        let created = notification(CREATED, key, Some(&etag), second, &format!("{second:02}"));
        assert!(stack.batch(&[("m", 1, created)]).await.is_empty());
        let short = format!("/api/exports/acme/catalog-info/short-{second}");
        assert_eq!(stack.request("PUT", &short, &component(&format!("short{second}"))).await.0, 200);
    }
    let all = names("x", 0..9);
    let before = standing(&stack.deps.store, &all).await;

    stack.lose_table().await;
    let pages = replay(&stack).await;
    assert_eq!(sum(&pages, "exports"), 4, "{pages:?}");
    assert!(pages.len() > 2 && pages.iter().all(|page| page["refused"] == 0), "{pages:?}");
    assert_eq!(standing(&stack.deps.store, &all).await, before);
    let rises = async |stack: &Stack| {
        let keys: Vec<RecordKey> = all.iter().map(|name| system(name)).collect();
        let records = stack.deps.store.records(&keys, Read::Consistent).await.unwrap();
        records.into_iter().map(|record| record.rv).collect::<Vec<_>>()
    };
    let rv = rises(&stack).await;
    assert_eq!(sum(&replay(&stack).await, "applied"), 0);
    assert_eq!(rises(&stack).await, rv);
}

#[tokio::test]
async fn a_replay_stops_at_a_missing_or_damaged_part_and_names_it() {
    let world = World::start().await;
    let deps = deps(&world);
    let event = dropped(&world, "all", systems("x", 0..6), 1).await;
    assert!(taken(&deps, &event, Fault::Never).await.0);
    let parts = world.objects("journal-parts").await;
    for part in &parts {
        let key = format!("journal-parts/{part}");
        let whole = world.s3.get_object().bucket(wiring::CATALOG_BUCKET.name).key(&key).send().await.unwrap();
        let whole = whole.body.collect().await.unwrap().to_vec();
        let half = whole[..whole.len() / 2].to_vec();
        let put = async |content: Vec<u8>| {
            let put = world.s3.put_object().bucket(wiring::CATALOG_BUCKET.name).key(&key).body(content.into());
            put.send().await.unwrap();
        };
        let lost = lost_table(&world, &format!("lost-{part:.20}")).await;
        put(half).await;
        let damaged = replayed(&lost, Fault::Never).await.unwrap_err();
        world.s3.delete_object().bucket(wiring::CATALOG_BUCKET.name).key(&key).send().await.unwrap();
        let missing = replayed(&lost, Fault::Never).await.unwrap_err();
        for error in [damaged, missing] {
            assert!(error.starts_with("entry `journal/") && error.contains(&key), "{error}");
        }
        assert!(standing(&lost.store, &names("x", 0..6)).await.iter().all(Vec::is_empty), "nothing is half there");
        put(whole).await;
        assert_eq!(sum(&replayed(&lost, Fault::Never).await.unwrap(), "applied"), 6);
    }
    world.stack.shutdown().await;
}
