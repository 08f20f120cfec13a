//! Reports that are too large for one function: what is asked of Athena, and what comes of its answers, its silence and its errors.

use std::env;
use std::path::PathBuf;
use std::process::Command;
use std::slice;

use billing_report::write::{ReportRow, manifest, parquet};
use serde_json::json;

use crate::generated::generated;
use crate::peer::{Dying, Query};
use crate::reports::{NO_FAILURES, line};
use crate::world::{BUCKET, MANIFEST, MAX_RECEIVE_COUNT, WORKGROUP, World};

const RESULTS: &str = "callboard-catalog";

fn key_of(execution: &str) -> String {
    format!("billing/acme/data/BILLING_PERIOD=2026-10/{execution}/acme-00001.snappy.parquet")
}

fn rows(cost: &str) -> Vec<ReportRow> {
    vec![line("AmazonEC2", "", cost), line("AmazonS3", "b", "1")]
}

/// The event of a query's state.
fn event(id: &str, state: &str, workgroup: &str) -> String {
    json!({
        "version": "0", "id": "abcdef00-1234-5678-9abc-def012345678", "detail-type": "Athena Query State Change",
        "source": "aws.athena", "account": "111122223333", "time": "2026-11-02T08:10:00Z", "region": "us-east-1", "resources": [],
        "detail": {"versionId": "0", "currentState": state, "previousState": "RUNNING", "statementType": "DML",
            "queryExecutionId": id, "workgroupName": workgroup, "sequenceNumber": "3"},
    })
    .to_string()
}

/// Every quoted text of the statement.
fn texts(statement: &str) -> Vec<&str> {
    statement.split('\'').skip(1).step_by(2).collect()
}

impl World {
    /// What Athena would unload if it rolled nothing up: the very files that the statement names, and no others.
    async fn unload_lines(&self, id: &str, query: &Query) {
        let files = texts(&query.statement);
        let files =
            files.into_iter().filter_map(|text| text.strip_prefix("s3://")?.strip_prefix(BUCKET)?.strip_prefix('/'));
        let mut bodies = Vec::new();
        for key in files {
            bodies.push(self.object(BUCKET, key).await);
        }
        self.unload(id, query, bodies).await;
    }

    async fn unload(&self, id: &str, query: &Query, bodies: Vec<Vec<u8>>) {
        let location = query.location.strip_prefix(&format!("s3://{RESULTS}/")).unwrap();
        let destination = texts(&query.statement).into_iter().find(|text| text.ends_with("/rows/")).unwrap();
        assert_eq!(destination, format!("s3://{RESULTS}/{location}rows/"));
        let mut list = String::new();
        for (at, body) in bodies.into_iter().enumerate() {
            self.put_in(RESULTS, &format!("{location}rows/20261102_{at}"), body).await;
            list.push_str(&format!("{destination}20261102_{at}\n"));
        }
        let key = format!("{location}{id}-manifest.csv");
        self.put_in(RESULTS, &key, list.into_bytes()).await;
        self.peer.succeed(id, &format!("s3://{RESULTS}/{key}"));
    }

    /// Hands the function the event of a query, and returns the reasons of what failed.
    async fn hear(&self, id: &str, state: &str) -> Vec<String> {
        self.take_bodies(&[event(id, state, WORKGROUP)], 1).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_over_the_limit_is_refused_where_there_is_no_athena_and_the_old_month_is_served() {
    let mut world = World::new().await;
    world.deliver("small", &rows("2")).await;
    assert_eq!(world.take().await, NO_FAILURES);
    let head = world.head().await;
    world.connect(1000, false, None);
    world.deliver("large", &rows("3")).await;
    let failures = world.take().await;
    assert!(
        failures[0].starts_with("the report has ")
            && failures[0].ends_with("more than the 1000 that one function reads"),
        "{failures:?}"
    );
    assert_eq!(world.head().await, head);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_over_the_limit_becomes_its_month_when_its_query_has_ended() {
    let world = World::with_athena().await;
    // A file of another delivery lies in the same folder, and one below it.
    world.put(&format!("{}.old.parquet", key_of("large")), parquet(&rows("100")).unwrap()).await;
    world.put(&key_of("large/older"), parquet(&rows("1000")).unwrap()).await;
    world.deliver("large", &rows("41.5")).await;
    assert_eq!(world.take().await, NO_FAILURES);
    assert_eq!(world.head().await, None);

    let (id, query) = world.peer.running();
    let folder = "billing/acme/data/BILLING_PERIOD=2026-10/large";
    assert!(query.statement.contains(&format!("folder = '{folder}'")), "{}", query.statement);
    let asked: Vec<&str> = texts(&query.statement).into_iter().filter(|text| text.contains("acme-0000")).collect();
    assert_eq!(asked, [format!("s3://{BUCKET}/{}", key_of("large"))]);

    // Nothing is done while it goes on, whatever an event says; the manifest's event may come again.
    for state in ["QUEUED", "RUNNING"] {
        assert_eq!(world.hear(&id, state).await, NO_FAILURES);
    }
    assert_eq!(world.hear(&id, "SUCCEEDED").await, [format!("query `{id}` has not ended")]);
    assert_eq!(world.take().await, NO_FAILURES);
    assert_eq!(world.head().await, None);
    assert_eq!(world.peer.queries().len(), 1);

    world.unload_lines(&id, &query).await;
    assert_eq!(world.hear(&id, "SUCCEEDED").await, NO_FAILURES);
    assert_eq!(world.cost_of("all").await.as_deref(), Some("42.5"));
    let head = world.head().await;
    // Again, late, and of others.
    for (id, state, workgroup) in [
        (id.as_str(), "SUCCEEDED", WORKGROUP),
        (id.as_str(), "RUNNING", WORKGROUP),
        (id.as_str(), "SUCCEEDED", "primary"),
        ("00000000-0000-0000-0000-000000000009", "SUCCEEDED", "primary"),
    ] {
        assert_eq!(world.take_bodies(&[event(id, state, workgroup)], 1).await, NO_FAILURES, "{state} {workgroup}");
    }
    assert_eq!(world.take().await, NO_FAILURES);
    assert_eq!((world.head().await, world.peer.queries().len()), (head, 1));
    let counts = world.counts().await;
    assert_eq!((&counts["published"], &counts["queriesAsked"]), (&json!(1), &json!(2)), "{counts}");
    assert_eq!(counts["reportsDuplicate"], json!(2), "{counts}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_fails_is_a_dead_letter_with_its_reason_and_the_old_month_is_served() {
    let world = World::with_athena().await;
    world.deliver("first", &rows("2")).await;
    assert_eq!(world.take().await, NO_FAILURES);
    let (id, query) = world.peer.running();
    world.unload_lines(&id, &query).await;
    assert_eq!(world.hear(&id, "SUCCEEDED").await, NO_FAILURES);
    let head = world.head().await;

    for (state, reason) in [
        ("FAILED", "HIVE_BAD_DATA: Field line_item_unblended_cost's type BINARY is incompatible with type double"),
        ("CANCELLED", "Query cancelled! : Bytes scanned limit was exceeded"),
    ] {
        world.deliver(state, &rows("3")).await;
        assert_eq!(world.take().await, NO_FAILURES);
        let (id, _) = world.peer.running();
        world.peer.end(&id, state, reason);
        let failures = world.take_bodies(&[event(&id, state, WORKGROUP)], MAX_RECEIVE_COUNT).await;
        assert!(failures[0].starts_with(&format!("query `{id}` has failed: {reason}")), "{failures:?}");
        assert_eq!(world.head().await, head);
        // It was asked, and is not asked again.
        assert_eq!(world.take().await, NO_FAILURES);
    }
    assert_eq!(world.peer.queries().len(), 3);

    // Lines got lost on the way.
    world.deliver("short", &rows("4")).await;
    assert_eq!(world.take().await, NO_FAILURES);
    let (id, query) = world.peer.running();
    world.unload(&id, &query, vec![parquet(&rows("4")[..1]).unwrap()]).await;
    let failures = world.hear(&id, "SUCCEEDED").await;
    assert_eq!(failures, [format!("query `{id}` has read 1 lines, but the report has 2; nothing is published")]);
    assert_eq!(world.head().await, head);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_of_files_that_were_replaced_is_not_taken_and_a_newer_delivery_has_the_last_word() {
    let world = World::with_athena().await;
    world.deliver("over", &rows("2")).await;
    assert_eq!(world.take().await, NO_FAILURES);
    let (old, query) = world.peer.running();
    world.unload_lines(&old, &query).await;
    // The same key, other bytes: an export that overwrites its files is about to announce them.
    world.put(&key_of("over"), parquet(&rows("7")).unwrap()).await;
    let failures = world.hear(&old, "SUCCEEDED").await;
    assert!(failures[0].contains("was replaced while the report was read"), "{failures:?}");
    assert_eq!(world.head().await, None);

    world.announce("next", &[key_of("over")]).await;
    assert_eq!(world.take().await, NO_FAILURES);
    let (new, query) = world.peer.running();
    assert_ne!(new, old);
    world.unload_lines(&new, &query).await;
    assert_eq!(world.hear(&new, "SUCCEEDED").await, NO_FAILURES);
    assert_eq!(world.cost_of("all").await.as_deref(), Some("8"));
    let head = world.head().await;
    // The old query's event again, when the newer delivery stands. The manifest was written in the same second, perhaps.
    world.hear(&old, "SUCCEEDED").await;
    assert_eq!(world.head().await, head);
}

/// What the old rules did not ask for is not in the result.
#[tokio::test(flavor = "multi_thread")]
async fn a_report_is_asked_for_again_when_the_rules_of_ownership_have_changed_meanwhile() {
    let mut world = World::with_athena().await;
    world.deliver("ruled", &rows("2")).await;
    assert_eq!(world.take().await, NO_FAILURES);
    let (old, query) = world.peer.running();
    world.unload_lines(&old, &query).await;
    let rules = "tags:\n  component: [component, awsApplication]\n";
    world.put_in(RESULTS, "config/ownership.yaml", rules.into()).await;
    world.connect(1000, true, None);
    for _ in 0..2 {
        assert_eq!(world.hear(&old, "SUCCEEDED").await, NO_FAILURES);
        assert_eq!(world.head().await, None);
    }
    let (new, query) = world.peer.running();
    assert!(query.statement.contains("awsapplication"), "{}", query.statement);
    world.unload_lines(&new, &query).await;
    assert_eq!(world.hear(&new, "SUCCEEDED").await, NO_FAILURES);
    assert_eq!(world.cost_of("all").await.as_deref(), Some("3"));
    assert_eq!(world.peer.queries().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_table_cannot_hold_is_refused_with_a_reason() {
    let world = World::with_athena().await;
    let columns = |names: &[&str]| names.iter().map(|name| json!({ "name": name })).collect::<Vec<_>>();
    let required = [
        "line_item_line_item_type",
        "line_item_usage_account_id",
        "line_item_usage_start_date",
        "line_item_product_code",
        "line_item_currency_code",
        "line_item_unblended_cost",
    ];
    let with_tag = [&required[..], &["resource_tags_user_component"]].concat();
    let large = "x".repeat(2000).into_bytes();
    for (execution, file, columns, reason) in [
        (
            "a",
            "a.csv.gz",
            columns(&required),
            "the file `a.csv.gz` is not Parquet; only Parquet can be read by the columns' names",
        ),
        (
            "b",
            "a.parquet",
            columns(&required[1..]),
            "the report has no column `line_item_line_item_type`; add it to the export's columns",
        ),
        (
            "c",
            "a.parquet",
            columns(&with_tag),
            "column `resource_tags_user_component` is a tag, and the table has tags in maps alone; deliver CUR 2.0",
        ),
        ("d", "a.parquet", Vec::new(), "the manifest does not say which columns the report has"),
    ] {
        world.put(file, large.clone()).await;
        let mut said = manifest(BUCKET, "arn", execution, &[file.to_owned()]);
        said["columns"] = columns.into();
        world.put(MANIFEST, said.to_string()).await;
        let failures = world.take().await;
        assert!(failures[0].ends_with(reason), "{failures:?}");
    }
    assert!(world.peer.queries().is_empty());
}

/// Dies at each call in turn, before and after it is sent, first when the report is announced and then when its query has ended;
/// the message comes again, as SQS has it.
#[tokio::test(flavor = "multi_thread")]
async fn a_machine_that_dies_at_any_call_asks_one_query_and_publishes_one_month() {
    let mut world = World::with_athena().await;
    let mut deaths = 0;
    for is_sent in [false, true] {
        for calls in 0.. {
            let execution = format!("die-{is_sent}-{calls}");
            let before = world.peer.queries().len();
            world.deliver(&execution, &rows(&format!("{}", calls + 2))).await;
            let dying = Dying::after_calls(calls, is_sent);
            world.connect(1000, true, Some(&dying));
            let announced = world.body(MANIFEST);
            world.handle_bodies(slice::from_ref(&announced), 1).await;
            let died_asking = dying.is_dead();
            world.connect(1000, true, None);
            assert!(world.handle_bodies(&[announced], 2).await.batch_item_failures.is_empty());
            assert_eq!(world.peer.queries().len(), before + 1, "{execution}");

            let (id, query) = world.peer.running();
            world.unload_lines(&id, &query).await;
            let ended = event(&id, "SUCCEEDED", WORKGROUP);
            let dying = Dying::after_calls(calls, is_sent);
            world.connect(1000, true, Some(&dying));
            world.handle_bodies(slice::from_ref(&ended), 1).await;
            let died_publishing = dying.is_dead();
            world.connect(1000, true, None);
            let failures = world.take_bodies(&[ended], 2).await;
            assert_eq!(failures, NO_FAILURES, "{execution}");
            assert!(world.head().await.unwrap().generation.contains(&execution), "{execution}");
            assert_eq!(world.cost_of("all").await, Some((calls + 3).to_string()), "{execution}");
            assert_eq!(world.peer.queries().len(), before + 1, "{execution}");
            deaths += usize::from(died_asking) + usize::from(died_publishing);
            if !died_asking && !died_publishing {
                break;
            }
        }
    }
    assert!(deaths > 40, "{deaths}");
}

/// The function's own reading of the bill and a real SQL engine's, whose answer it reads: the same rollups, byte for byte.
/// `CALLBOARD_SQL_ENGINE` names a Python with sqlglot and DuckDB; without it the test skips itself, and says so.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_sql_engine_rolls_up_is_what_the_function_reads_itself() {
    let Some(python) = env::var_os("CALLBOARD_SQL_ENGINE").filter(|python| !python.is_empty()) else {
        println!("skipped: CALLBOARD_SQL_ENGINE names no Python with sqlglot and duckdb");
        return;
    };
    for seed in 1..=5 {
        let rows = generated(seed, 1500);
        let (own, rolled_up) = (World::new().await, World::with_athena().await);
        for world in [&own, &rolled_up] {
            world.catalog().await;
            world.deliver("same", &rows).await;
            assert_eq!(world.take().await, NO_FAILURES);
        }
        // It must not be read.
        rolled_up.put(&format!("{}.old.parquet", key_of("same")), parquet(&rows[..7]).unwrap()).await;
        let (id, query) = rolled_up.peer.running();
        let result = run_engine(&PathBuf::from(&python), &query.statement, &rolled_up, &["", ".old.parquet"]).await;
        rolled_up.unload(&id, &query, vec![result]).await;
        assert_eq!(rolled_up.hear(&id, "SUCCEEDED").await, NO_FAILURES);
        let (own, rolled_up) = (own.published().await, rolled_up.published().await);
        assert!(own.len() > 8, "seed {seed}: {own:?}");
        for (key, body) in &own {
            assert_eq!(rolled_up.get(key), Some(body), "seed {seed}: {key}");
        }
        assert_eq!(own.len(), rolled_up.len());
        assert!(own["evidence"]["usage"].as_array().unwrap().len() > 3);
        assert_eq!(own["report"]["unknownTypes"].as_object().unwrap().len(), 1);
        assert_ne!(own["report"]["rounded"], json!(0));
    }
}

async fn run_engine(python: &std::path::Path, statement: &str, world: &World, endings: &[&str]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let (text, result, buckets) =
        (folder.path().join("statement.sql"), folder.path().join("result"), folder.path().join("buckets"));
    std::fs::write(&text, statement).unwrap();
    for ending in endings {
        let key = format!("{}{ending}", key_of("same"));
        let file = buckets.join(BUCKET).join(&key);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, world.object(BUCKET, &key).await).unwrap();
    }
    let root = callboard_tests::checkout::root();
    let engine = root.join("tests/engines/athena.py");
    let python = if python.components().count() > 1 { root.join(python) } else { python.to_owned() };
    let ran = Command::new(python).arg(engine).args([&text, &buckets, &result]).output().unwrap();
    assert!(ran.status.success(), "{statement}\n{}", String::from_utf8_lossy(&ran.stderr));
    std::fs::read(result).unwrap()
}
