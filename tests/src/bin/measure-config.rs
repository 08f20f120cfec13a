//! What a change of AWS Config costs `config-change`, beside handlers in Python, Node and Rust that do the minimum of it: batches of
//! SQS with ten typical items through the Runtime API, into the local stack's DynamoDB, which runs in this process.
//! `cargo build --release --bin config-change`, the peers as `bench/README.md` says, then
//! `cargo run -p callboard-tests --bin measure-config -- target/release/config-change [BATCHES [PYTHON [NODE]]]`
//!
//! The table lies in the folder of temporary files and is synced: with `TMPDIR=/dev/shm` the disk plays no part.
//! CPU is user and system time of the function's process, after it is warm. Who cannot be started is left out, and said so.

#![expect(clippy::print_stdout, reason = "what was measured is for whoever asked")]

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::process::Child;
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use callboard::DynamoDb;
use callboard_tests::checkout::root;
use callboard_tests::deliveries::config_types::{TYPICAL, captured, items, typical_batch};
use callboard_tests::runtime_api::{RuntimeApi, cpu_ms, lambda_command};
use serde_json::Value;

/// Batches until connections are open, everything is known, and a just-in-time compiler has seen enough.
const WARM: u64 = 100;

const BATCHES: u64 = 300;

/// Each of the handlers by turns; the table shows medians.
const ROUNDS: usize = 3;

/// Without an answer for so long, a handler hangs.
const ANSWER_BOUND: Duration = Duration::from_secs(60);

/// How often it is looked whether a handler is still there.
const LOOK_EVERY: Duration = Duration::from_millis(500);

struct Handler {
    name: &'static str,
    program: String,
    source: Option<PathBuf>,
}

/// Of the batches after the warm ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Spent {
    cpu_ms: u64,
    wall_ms: u64,
}

struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _it_may_have_ended = self.0.kill();
        let _reaped = self.0.wait();
    }
}

impl Process {
    /// One answer, in which no message failed.
    fn answer(&mut self, api: &RuntimeApi) -> io::Result<()> {
        let began = Instant::now();
        loop {
            if let Ok(answer) = api.answer(LOOK_EVERY) {
                let response: Value = serde_json::from_str(&answer.body).unwrap_or_default();
                let failures = response["batchItemFailures"].as_array();
                if answer.kind != "response" || !failures.is_some_and(Vec::is_empty) {
                    return Err(io::Error::other(format!("it did not take a batch: {}", answer.body)));
                }
                return Ok(());
            }
            if let Some(status) = self.0.try_wait()? {
                return Err(io::Error::other(format!("it ended before it answered ({status})")));
            }
            if began.elapsed() > ANSWER_BOUND {
                return Err(io::Error::other("it does not answer"));
            }
        }
    }
}

fn feed(handler: &Handler, endpoint: &str, events: Vec<String>) -> io::Result<Spent> {
    let measured = events.len() as u64 - WARM;
    let api = RuntimeApi::serve_all(events.into_iter())?;
    let mut command = lambda_command(&handler.program, &api);
    command
        .args(&handler.source)
        // Where programs without a folder are looked for.
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("AWS_DEFAULT_REGION", callboard::REGION)
        .env("AWS_ENDPOINT_URL_DYNAMODB", endpoint)
        // A port that nobody listens at: a typical item needs no bucket.
        .env("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9");
    let mut process = Process(command.spawn()?);
    for _ in 0..WARM {
        process.answer(&api)?;
    }
    let (began, before_ms) = (Instant::now(), cpu_ms(process.0.id())?);
    for _ in 0..measured {
        process.answer(&api)?;
    }
    let wall_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(Spent { cpu_ms: cpu_ms(process.0.id())? - before_ms, wall_ms })
}

/// Fails unless an item of the table holds the last state of each resource.
async fn check(endpoint: &str, items: &BTreeMap<String, Value>, last: u64) -> io::Result<()> {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(callboard::REGION))
        .credentials_provider(Credentials::new("measure", "measure", None, None, "measure"))
        .endpoint_url(endpoint);
    let client = aws_sdk_dynamodb::Client::from_conf(config.build());
    let table = client.scan().table_name(callboard::wiring::TABLE.name).consistent_read(true).send().await;
    let held: Vec<String> = table.map_err(io::Error::other)?.items().iter().map(|item| format!("{item:?}")).collect();
    // A version begins with the time: a record's in hexadecimal ms, a peer's as Config says it.
    let (text, ms) = captured(last);
    let versions = [text, format!("{ms:016x}")];
    for resource_type in TYPICAL {
        let arn = items[resource_type]["ARN"].as_str().unwrap_or_default();
        let is_last = |item: &String| item.contains(arn) && versions.iter().any(|version| item.contains(version));
        if !held.iter().any(is_last) {
            return Err(io::Error::other(format!("the table does not hold the last state of {arn}")));
        }
    }
    Ok(())
}

/// One run of a handler on an empty table.
async fn run(handler: &Handler, batches: u64) -> io::Result<Spent> {
    let folder = std::env::temp_dir().join(format!("callboard-measure-config-{}", std::process::id()));
    let dynamodb = DynamoDb::start(0, &folder).await.map_err(io::Error::other)?;
    let endpoint = format!("http://{}", dynamodb.address());
    let items = items();
    let events = (0..WARM + batches).map(|second| typical_batch(&items, second).to_string()).collect();
    let mut spent = tokio::task::block_in_place(|| feed(handler, &endpoint, events));
    if spent.is_ok() {
        spent = check(&endpoint, &items, WARM + batches - 1).await.and(spent);
    }
    dynamodb.shutdown().await;
    std::fs::remove_dir_all(&folder)?;
    spent
}

/// Ours first. The minimum in Rust is built with this program.
fn handlers(binary: &str, python: Option<&String>, node: Option<&String>) -> io::Result<[Handler; 4]> {
    let peers = root().join("bench/peers/config");
    let venv = root().join("target/peers/bin/python3").to_string_lossy().into_owned();
    let minimum = std::env::current_exe()?.with_file_name("minimum-of-config");
    Ok([
        Handler { name: "config-change", program: binary.to_owned(), source: None },
        Handler { name: "Rust, aws-sdk-dynamodb", program: minimum.to_string_lossy().into_owned(), source: None },
        Handler {
            name: "Python, boto3",
            program: python.cloned().unwrap_or(venv),
            source: Some(peers.join("handler.py")),
        },
        Handler {
            name: "Node, @aws-sdk/client-dynamodb",
            program: node.cloned().unwrap_or_else(|| "node".to_owned()),
            source: Some(peers.join("handler.mjs")),
        },
    ])
}

#[tokio::main]
async fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [binary, rest @ ..] = arguments.as_slice() else {
        return Err(io::Error::other("usage: measure-config BINARY [BATCHES [PYTHON [NODE]]]"));
    };
    let batches = rest.first().map_or(Ok(BATCHES), |text| text.parse()).map_err(io::Error::other)?;
    if batches == 0 {
        return Err(io::Error::other("BATCHES must be at least 1"));
    }
    let handlers = handlers(binary, rest.get(1), rest.get(2))?;
    let mut runs: BTreeMap<&str, Vec<Spent>> = BTreeMap::new();
    for round in 0..ROUNDS {
        for handler in &handlers {
            if round > 0 && !runs.contains_key(handler.name) {
                continue;
            }
            match run(handler, batches).await {
                Ok(spent) => runs.entry(handler.name).or_default().push(spent),
                Err(error) => println!("{} is left out: {}: {error}", handler.name, handler.program),
            }
        }
    }
    let changes = batches * TYPICAL.len() as u64;
    let size = typical_batch(&items(), 0)["Records"].as_array().map_or(0, |records| {
        records.iter().map(|record| record["body"].as_str().map_or(0, str::len)).sum::<usize>() / records.len()
    });
    println!("{changes} changes after {} warm ones, {size} bytes each; medians of {ROUNDS} rounds\n", WARM * 10);
    println!("| handler | changes/s | CPU per change, us | our part of it |\n|---|---:|---:|---:|");
    let median = |spent: &Vec<Spent>| {
        let mut spent = spent.clone();
        spent.sort_unstable();
        spent[spent.len() / 2]
    };
    let ours = runs.get(handlers[0].name).map(median);
    for handler in &handlers {
        let Some(Spent { cpu_ms, wall_ms }) = runs.get(handler.name).map(median) else {
            println!("| {} | not measured | | |", handler.name);
            continue;
        };
        let part = ours.map(|ours| cpu_ms * 100 / ours.cpu_ms.max(1)).unwrap_or_default();
        println!(
            "| {} | {} | {} | 1/{}.{:02} |",
            handler.name,
            changes * 1000 / wall_ms.max(1),
            cpu_ms * 1000 / changes,
            part / 100,
            part % 100
        );
    }
    Ok(())
}
