//! What a month costs to be rolled up: the files of a report are handed to `cost-report` on a local stack, and every SDK call is
//! counted with the units that DynamoDB says it consumed; then the rows are counted that were written.
//! `cargo run --release -p callboard-tests --bin measure-costs-month -- REPORT_FOLDER [RESOURCES]`
//!
//! `RESOURCES` is a file of lines `<identity><tab><component or nothing>`: what the catalog knows before the report comes.

#![expect(clippy::print_stdout, reason = "what was measured is for whoever asked")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use std::{fs, io};

use billing_report::write::manifest;
use callboard::stack::StackOptions;
use callboard_tests::between::{Calls, Spent};
use callboard_tests::deliveries::aws::{Queue, s3_created, sqs_batch};
use callboard_tests::running::Running;
use catalog_model::{
    Door, EntityRef, Facts, Format, Fragment, Identity, Key, RecordKey, Relation, Role, Said, SourceObject, Version,
};
use catalog_store::CatalogStore;
use serde_json::Value;

const BUCKET: &str = "callboard-reports";
const MONTH: &str = "2026-10";
const MANIFEST: &str = "billing/measured/metadata/BILLING_PERIOD=2026-10/measured-Manifest.json";
const ACCOUNT: &str = "111122223333";
const REGION: &str = "eu-west-1";

/// A rollup of more text goes to the bucket.
const MAX_INLINE_BYTES: usize = 300 * 1024;

async fn know(store: &CatalogStore, resources: &str) -> io::Result<()> {
    for line in resources.lines() {
        let (identity, component) = line.split_once('\t').unwrap_or((line, ""));
        let mut facts = Facts::new(Role::Listed);
        if !component.is_empty() {
            let component = Key::of_ref(&EntityRef::component(component));
            facts.relations.insert(Relation::new("dependencyOf", component));
        }
        let (producer, name) = ("measured".to_owned(), "main".to_owned());
        let source = SourceObject { door: Door::Http, producer, format: Format::TerraformState, name };
        let (version, said) = (Version::of_serial(1, 1), Said::Facts(facts));
        let fragment = Fragment { source, version, delivery: "measured".to_owned(), said };
        let key = RecordKey::Entity(Identity::of_canonical_arn(identity));
        store.apply(&key, &fragment, 1).await.map_err(io::Error::other)?;
    }
    Ok(())
}

async fn put_files(running: &Running, folder: &str) -> io::Result<Vec<String>> {
    let mut keys = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.ends_with(".parquet") || name.ends_with(".csv.gz") {
            let key = format!("billing/measured/data/BILLING_PERIOD={MONTH}/{name}");
            let put = running.stack.put_object_silently(BUCKET, &key, fs::read(path)?, []);
            put.await.map_err(io::Error::other)?;
            keys.push(key);
        }
    }
    keys.sort();
    Ok(keys)
}

async fn announce(running: &Running, execution: &str, keys: &[String], time: &str) -> io::Result<Value> {
    let body = manifest(BUCKET, "arn", execution, keys).to_string().into_bytes();
    let notification = s3_created(ACCOUNT, REGION, BUCKET, MANIFEST, &body, time);
    running.stack.put_object_silently(BUCKET, MANIFEST, body, []).await.map_err(io::Error::other)?;
    let queue = Queue { account: ACCOUNT, region: REGION, name: BUCKET };
    Ok(sqs_batch(queue, 1_793_678_706_789, &[notification.to_string()]))
}

/// By kind of scope: rows, bytes of their bodies, and write units as their lengths say; and how many bodies are in the bucket.
async fn rows(store: &CatalogStore) -> io::Result<BTreeMap<&'static str, [usize; 5]>> {
    let heads = store.heads().await.map_err(io::Error::other)?;
    let generation = &heads.first().ok_or_else(|| io::Error::other("nothing was published"))?.2.generation;
    let mut scopes = vec!["scopes".to_owned(), "evidence".to_owned(), "report".to_owned()];
    let mut rows: BTreeMap<&'static str, [usize; 5]> = BTreeMap::new();
    while let Some(scope) = scopes.pop() {
        let body = store.rollups(&scope, MONTH, generation).await.map_err(io::Error::other)?;
        let body = body.ok_or_else(|| io::Error::other(format!("`{scope}` has no row")))?;
        if scope == "scopes" {
            scopes.extend(body.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned));
        }
        let kind = match scope.split(':').next().unwrap_or_default() {
            "arn" => "a resource",
            "component" => "a component",
            "group" => "an owner",
            "account" => "an account",
            "all" => "all",
            _ => "beside the rollups",
        };
        let bytes = body.to_string().len();
        let cells = body["rows"].as_array().into_iter().flatten().map(|row| row["days"].as_array().map_or(0, Vec::len));
        let row = rows.entry(kind).or_default();
        row[0] += 1;
        row[1] += bytes;
        row[2] = row[2].max(bytes);
        row[3] += usize::from(bytes > MAX_INLINE_BYTES);
        row[4] += cells.sum::<usize>();
    }
    Ok(rows)
}

#[tokio::main]
async fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or_else(|| io::Error::other("the folder of a report is missing"))?;
    let calls = Calls::default();
    let took = Arc::new(Mutex::new(Duration::ZERO));
    let (between, told) = (calls.clone(), Arc::clone(&took));
    let observer = move |name: &str, took: Duration| {
        if name == "cost-report" {
            *told.lock().unwrap_or_else(PoisonError::into_inner) += took;
        }
    };
    let options = StackOptions::default();
    let running = Running::start_watched(options, move |endpoints| between.between(endpoints), observer).await;
    let store = running.stack.catalog().clone();
    if let Some(resources) = arguments.next() {
        know(&store, &fs::read_to_string(resources)?).await?;
    }
    let keys = put_files(&running, &folder).await?;
    // The second one also lets go what the first one wrote, as every delivery after the first does.
    for (execution, time) in [("first", "2026-11-03T04:05:06.789Z"), ("second", "2026-11-03T12:05:06.789Z")] {
        let event = announce(&running, execution, &keys, time).await?;
        drop(calls.take());
        *took.lock().unwrap_or_else(PoisonError::into_inner) = Duration::ZERO;
        let answer = running.stack.invoke("cost-report", event).await.map_err(io::Error::other)?;
        println!("\n{execution}: {answer}, {} ms\n", took.lock().unwrap_or_else(PoisonError::into_inner).as_millis());
        println!("| call | calls | units |\n|---|---:|---:|");
        for (call, Spent { calls, half_units }) in calls.take() {
            if call.caller == "cost-report" {
                println!("| {} {} | {calls} | {} |", call.action, call.on, half_units.div_ceil(2));
            }
        }
    }
    println!("\n| rows | how many | bytes | largest | in the bucket | cells |\n|---|---:|---:|---:|---:|---:|");
    for (kind, [count, bytes, largest, in_bucket, cells]) in rows(&store).await? {
        println!("| {kind} | {count} | {bytes} | {largest} | {in_bucket} | {cells} |");
    }
    Ok(())
}
