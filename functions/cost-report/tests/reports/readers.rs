//! Readers while generations are published: by several processes at once, some of which die at any call, out of messages that
//! come twice and in any order. Every answer is of one generation of each month, and no reader ever sees an older one again.
//! `CALLBOARD_READS` says how many answers are read.

use std::collections::BTreeMap;
use std::env;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use aws_lambda_events::apigw::ApiGatewayProxyRequest;
use billing_report::write::{ReportRow, manifest, parquet};
use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::peer::Dying;
use crate::reports::line;
use crate::world::{BUCKET, TABLE, World, hand_over};

const DEFAULT_READS: usize = 2_000;
const READERS: usize = 4;
const PUBLISHERS: usize = 3;
/// Messages that wait, at most: what is handed over next is any of them.
const WAITING: usize = 8;
/// Generations that every run publishes of each month.
const GENERATIONS: u64 = 6;
const MONTHS: [&str; 2] = ["2026-09", "2026-10"];

/// Service, resource, account, component, and what the line costs in the first delivery; it is the day of the month, too.
type Line = (&'static str, &'static str, &'static str, Option<&'static str>, u64);

const LINES: [Line; 5] = [
    ("AmazonDynamoDB", TABLE, "111122223333", Some("component:default/orders"), 3),
    ("AmazonS3", "", "111122223333", None, 5),
    ("AmazonEC2", "", "444455556666", None, 7),
    ("AmazonRDS", "", "111122223333", None, 11),
    ("AWSLambda", "", "444455556666", None, 13),
];

/// The lines of a delivery, in the order of days: each of the last two is missing from some.
fn lines_of(number: u64) -> impl Iterator<Item = &'static Line> {
    LINES.iter().filter(move |line| line.4 < 11 || !(number + line.4).is_multiple_of(3))
}

fn rows(month: &str, number: u64) -> Vec<ReportRow> {
    let row = |(service, resource, account, _, price): &Line| {
        let mut row = line(service, resource, &(number * price).to_string());
        row.insert("line_item_usage_account_id".into(), json!(account));
        row.insert("line_item_usage_start_date".into(), json!(format!("{month}-{price:02}T05:00:00Z")));
        row.insert("line_item_usage_end_date".into(), json!(format!("{month}-{price:02}T06:00:00Z")));
        row
    };
    lines_of(number).map(row).collect()
}

/// A question, and which lines it is about.
struct Question {
    scope: &'static str,
    by: &'static str,
    counts: fn(account: &str, component: Option<&str>) -> bool,
}

const QUESTIONS: [Question; 4] = [
    Question { scope: "all", by: "account,service,component", counts: |_, _| true },
    Question { scope: "all", by: "service", counts: |_, _| true },
    Question { scope: "account:444455556666", by: "service", counts: |account, _| account == "444455556666" },
    Question { scope: "component:default/orders", by: "service", counts: |_, component| component.is_some() },
];

impl Question {
    fn request(&self) -> ApiGatewayProxyRequest {
        let request = json!({
            "httpMethod": "GET", "path": "/api/costs", "headers": {}, "requestContext": {"httpMethod": "GET"},
            "multiValueQueryStringParameters": {
                "scope": [self.scope], "by": [self.by], "from": ["2026-09-01"], "to": ["2026-11-01"],
            },
        });
        serde_json::from_value(request).unwrap()
    }

    /// What the delivery comes to: amounts by day, account and component if they are asked for, and service.
    fn expected(&self, month: &str, number: u64) -> Vec<Value> {
        let lines = lines_of(number).filter(|line| (self.counts)(line.2, line.3));
        lines.map(|line| self.row(&format!("{month}-{:02}", line.4), line, &(number * line.4).to_string())).collect()
    }

    fn row(&self, date: &str, line: &Line, amount: &str) -> Value {
        let mut row = json!({"date": date, "service": line.0, "currency": "USD", "amount": amount});
        if self.by.contains("account") {
            row["account"] = json!(line.2);
            row["component"] = json!(line.3);
            if line.3.is_none() {
                row["unallocated"] = json!("NoResourceId");
            }
        }
        row
    }

    /// Which delivery of each month the answer is of.
    fn numbers(&self, answer: &Value) -> BTreeMap<&'static str, u64> {
        let of_month = |month: &'static str| {
            let rows = answer["rows"].as_array().unwrap().iter();
            let rows: Vec<&Value> = rows.filter(|row| row["date"].as_str().unwrap().starts_with(month)).collect();
            let first = rows.first().unwrap_or_else(|| panic!("nothing of {month}: {answer}"));
            let price = LINES.iter().find(|line| line.0 == first["service"]).unwrap().4;
            let number = first["amount"].as_str().unwrap().parse::<u64>().unwrap() / price;
            assert!(rows.into_iter().eq(&self.expected(month, number)), "of no delivery: {answer}");
            (month, number)
        };
        MONTHS.into_iter().map(of_month).collect()
    }
}

/// A series that is no more random than it must be.
struct Series(u64);

impl Series {
    fn below(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % below
    }
}

#[derive(Default)]
struct Run {
    /// Messages that wait, each as often as it comes.
    waiting: Mutex<Vec<String>>,
    announced: AtomicU64,
    reads: AtomicUsize,
    deaths: AtomicUsize,
    is_over: AtomicBool,
}

/// Puts the next delivery of a month; its event comes twice.
async fn announce(world: &World, run: &Run) {
    let at = run.announced.fetch_add(1, Ordering::SeqCst);
    let (month, number) = (MONTHS[usize::from(at % 2 == 1)], at / 2 + 1);
    // Ids of deliveries are in no order.
    let execution = format!("{:08x}", number.wrapping_mul(0x9e37_79b9) & 0xffff_ffff);
    let file = format!("billing/acme/data/BILLING_PERIOD={month}/{execution}/acme-00001.snappy.parquet");
    let key = format!("billing/acme/metadata/BILLING_PERIOD={month}/{execution}/acme-Manifest.json");
    world.put(&file, parquet(&rows(month, number)).unwrap()).await;
    world.put(&key, manifest(BUCKET, "arn", &execution, &[file]).to_string()).await;
    let body = world.body(&key);
    run.waiting.lock().unwrap().extend([body.clone(), body]);
}

async fn publish(world: &World, run: &Run, seed: u64) {
    let mut series = Series(seed);
    while !run.is_over.load(Ordering::SeqCst) {
        let body = {
            let mut waiting = run.waiting.lock().unwrap();
            let any = series.below(waiting.len().max(1));
            (!waiting.is_empty()).then(|| waiting.swap_remove(any))
        };
        let Some(body) = body else {
            tokio::task::yield_now().await;
            continue;
        };
        let dying = Dying::after_calls(i64::try_from(series.below(60)).unwrap(), series.below(2) == 0);
        let dying = (series.below(3) == 0).then_some(dying);
        let done = hand_over(&world.instance(dying.clone()), std::slice::from_ref(&body), 1).await;
        if dying.is_some_and(|dying| dying.is_dead()) {
            run.deaths.fetch_add(1, Ordering::SeqCst);
            run.waiting.lock().unwrap().push(body);
        } else {
            assert!(done.batch_item_failures.is_empty(), "{:?}", world.store.status().await.unwrap().failures);
        }
    }
}

/// Returns how many generations it saw.
async fn read(world: Arc<World>, run: Arc<Run>, seed: u64, reads: usize) -> usize {
    let (mut series, api) = (Series(seed), world.reader());
    let mut now: Timestamp = "2026-11-02T08:00:00Z".parse().unwrap();
    let (mut seen, mut generations) = (BTreeMap::new(), 0);
    while run.reads.fetch_add(1, Ordering::SeqCst) < reads || run.announced.load(Ordering::SeqCst) < 2 * GENERATIONS + 2
    {
        let question = &QUESTIONS[series.below(QUESTIONS.len())];
        // Heads are read anew after a second.
        now += SignedDuration::from_millis(i64::try_from(series.below(700)).unwrap());
        let answer = query_api::handle(question.request(), &api, now).await;
        let status = answer.status;
        let body: Value = serde_json::from_slice(&answer.body.collect().await.unwrap()).unwrap();
        assert_eq!(status, 200, "{body}");
        for (month, number) in question.numbers(&body) {
            let before = seen.insert(month, number).unwrap_or_default();
            assert!(before <= number, "{month} went back from {before} to {number}");
            generations += usize::from(before < number);
        }
    }
    generations
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reads_while_generations_follow_each_other_sees_one_of_them_whole_and_never_an_older_one_again() {
    let reads = env::var("CALLBOARD_READS").map_or(DEFAULT_READS, |reads| reads.parse().expect("a number"));
    let world = Arc::new(World::new().await);
    world.catalog().await;
    let run = Arc::new(Run::default());
    for _ in MONTHS {
        announce(&world, &run).await;
    }
    let first: Vec<String> = run.waiting.lock().unwrap().clone();
    assert!(hand_over(&world.instance(None::<Dying>), &first, 1).await.batch_item_failures.is_empty());

    let readers: Vec<_> = (101..=100 + READERS as u64)
        .map(|seed| tokio::spawn(read(Arc::clone(&world), Arc::clone(&run), seed, reads)))
        .collect();
    let announcing = async {
        while readers.iter().any(|reader| !reader.is_finished()) {
            if run.waiting.lock().unwrap().len() < WAITING {
                announce(&world, &run).await;
            }
            tokio::task::yield_now().await;
        }
        run.is_over.store(true, Ordering::SeqCst);
    };
    // The function's future cannot be sent to another thread: publishers take turns at every call.
    tokio::join!(announcing, join_all((1..=PUBLISHERS as u64).map(|seed| publish(&world, &run, seed))));
    let mut generations = Vec::new();
    for reader in readers {
        generations.push(reader.await.unwrap());
    }
    let counts = world.counts().await;
    println!(
        "{} answers of {} deliveries with {} deaths; generations seen by each reader: {generations:?}; {counts}",
        run.reads.load(Ordering::SeqCst),
        run.announced.load(Ordering::SeqCst),
        run.deaths.load(Ordering::SeqCst)
    );
    assert!(generations.iter().all(|seen| *seen >= MONTHS.len()), "{generations:?}");
    assert_ne!(run.deaths.load(Ordering::SeqCst), 0);
    // What was announced last counts, whatever came after it.
    let last: Vec<String> = run.waiting.lock().unwrap().drain(..).collect();
    for body in last {
        assert!(hand_over(&world.instance(None::<Dying>), &[body], 2).await.batch_item_failures.is_empty());
    }
    for (at, month) in MONTHS.into_iter().enumerate() {
        let newest = (run.announced.load(Ordering::SeqCst) + 1 - at as u64) / 2;
        let (api, now) = (world.reader(), "2026-11-03T08:00:00Z".parse().unwrap());
        let answer = query_api::handle(QUESTIONS[0].request(), &api, now).await;
        let answer = serde_json::from_slice(&answer.body.collect().await.unwrap()).unwrap();
        assert_eq!(QUESTIONS[0].numbers(&answer)[month], newest, "{month}");
    }
}
