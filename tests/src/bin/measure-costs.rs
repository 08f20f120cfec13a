//! How long answers about costs take over HTTP, on a running local stack: 13 months of a made-up bill are stored, and asked for.
//! `cargo run --release -p callboard -- --no-samples`, then, with the port of its API,
//! `cargo run --release -p callboard-tests --bin measure-costs -- 7407 [COMPONENTS [PROCESS_OF_THE_STACK]]`

#![expect(clippy::print_stdout, reason = "what was measured is for whoever asked")]

use std::collections::BTreeMap;
use std::io;
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region, SharedCredentialsProvider};
use callboard::wiring;
use catalog_model::EntityRef;
use catalog_store::{CatalogStore, RollupHead};
use cost_model::{Amount, Amounts, Attribution, Dimensions, Month, Rollup, Scope};
use serde_json::json;

const MONTHS: [&str; 13] = [
    "2025-10", "2025-11", "2025-12", "2026-01", "2026-02", "2026-03", "2026-04", "2026-05", "2026-06", "2026-07",
    "2026-08", "2026-09", "2026-10",
];
const SERVICES: [&str; 5] = ["AmazonEC2", "AmazonS3", "AmazonRDS", "AWSLambda", "AmazonDynamoDB"];
const ACCOUNTS: [&str; 3] = ["111122223333", "444455556666", "777788889999"];
const DIMENSIONS: [&str; 6] = ["service", "region", "account", "environment", "component", "owner"];
const COMBINATIONS: usize = 1 << DIMENSIONS.len();
const ASKED: usize = 512;

/// Every component uses every service every day, in one account; each in one of 10 groups. Kept are the scopes that are asked for.
fn bill(month: Month, components: usize) -> Result<BTreeMap<Scope, Rollup>, io::Error> {
    let asked_for = ["component:default/component-7", "group:default/team-7"];
    let mut rollups: BTreeMap<Scope, Rollup> = BTreeMap::new();
    for component in 0..components {
        let reference = EntityRef::component(&format!("component-{component}"));
        let owner = EntityRef::new("group", "default", &format!("team-{}", component % 10));
        let entities = [&reference, &owner].map(|entity| Scope::Entity(entity.clone()));
        let mut scopes: Vec<Scope> =
            entities.into_iter().filter(|scope| asked_for.contains(&scope.to_string().as_str())).collect();
        scopes.push(Scope::All);
        for (at, service) in SERVICES.into_iter().enumerate() {
            let dimensions = Dimensions {
                service: service.to_owned(),
                region: "eu-west-1".to_owned(),
                account: ACCOUNTS[component % 3].to_owned(),
                environment: Some("production".to_owned()),
                attribution: Attribution::Component(reference.clone()),
                owner: Some(owner.clone()),
                currency: "USD".parse().map_err(io::Error::other)?,
            };
            let size = i128::try_from(component * 31 + at * 7 + 3).map_err(io::Error::other)?;
            for day in (1..=31).filter_map(|day| month.day(day)) {
                let cost = size * 10_i128.pow(12) * i128::from(day.day());
                let amounts = Amounts {
                    unblended: Amount::from_raw(cost * 1_000_003),
                    amortized: Amount::from_raw(cost * 900_007),
                    net_amortized: Amount::from_raw(cost * 900_007),
                };
                for scope in &scopes {
                    let rollup = rollups.entry(scope.clone()).or_insert_with(|| Rollup::new(month));
                    rollup.add(day, &dimensions, &amounts).map_err(io::Error::other)?;
                }
            }
        }
    }
    Ok(rollups)
}

fn store(port: u16) -> CatalogStore {
    let credentials = SharedCredentialsProvider::new(Credentials::new("local", "local", None, None, "measure"));
    let dynamodb = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(callboard::REGION))
        .credentials_provider(credentials.clone())
        .endpoint_url(format!("http://127.0.0.1:{}", port + 1))
        .build();
    let s3 = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(callboard::REGION))
        .credentials_provider(credentials)
        .endpoint_url(format!("http://127.0.0.1:{}", port + 2))
        .force_path_style(true)
        .build();
    CatalogStore::from_clients(
        aws_sdk_dynamodb::Client::from_conf(dynamodb),
        aws_sdk_s3::Client::from_conf(s3),
        wiring::TABLE.name,
        wiring::CATALOG_BUCKET.name,
    )
}

async fn fill(store: &CatalogStore, components: usize) -> io::Result<()> {
    for text in MONTHS {
        let month: Month = text.parse().map_err(io::Error::other)?;
        let rollups = bill(month, components)?;
        for (scope, rollup) in &rollups {
            store.put_rollup(&scope.to_string(), text, "g1", &rollup.to_json()).await.map_err(io::Error::other)?;
        }
        let head: RollupHead = serde_json::from_value(json!({
            "generation": "g1", "totals": {"USD": {}}, "lastCompleteDay": month.last().to_string(), "atMs": 1,
        }))?;
        store.flip_head("measured/daily", text, &head).await.map_err(io::Error::other)?;
    }
    Ok(())
}

#[tokio::main]
async fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let port: u16 = arguments.next().and_then(|port| port.parse().ok()).unwrap_or(7407);
    let components: usize = arguments.next().and_then(|count| count.parse().ok()).unwrap_or(100);
    let pid: Option<u32> = arguments.next().and_then(|pid| pid.parse().ok());
    fill(&store(port), components).await?;
    println!("| asked | first, ms | p50, ms | p99, ms | server's CPU, ms | bytes |\n|---|---:|---:|---:|---:|---:|");
    let span = "from=2025-10-01&to=2026-11-01";
    for asked in [
        format!("/api/costs?scope=component:default/component-7&{span}&by=service"),
        format!("/api/costs?scope=component:default/component-7&{span}&by=service&granularity=monthly"),
        format!("/api/costs?scope=group:default/team-7&{span}&by=component&granularity=monthly"),
        format!("/api/costs?scope=all&{span}&by=service&granularity=monthly"),
        format!("/api/costs?scope=all&{span}&by=service"),
        format!("/api/costs?scope=all&{span}&by=component&granularity=monthly"),
        format!("/api/costs?scope=all&{span}&granularity=monthly<each of the 64 combinations>"),
        "/api/cost-insights/groups/team-7/daily-cost?intervals=R2/P90D/2026-11-01".to_owned(),
        "/api/cost-insights/products/ec2/insights?group=team-7&intervals=R2/P90D/2026-11-01".to_owned(),
        "/api/cost-insights/groups/all/daily-cost?intervals=R2/P90D/2026-11-01".to_owned(),
    ] {
        let urls: Vec<String> = (0..COMBINATIONS).map(|combination| url(port, &asked, combination)).collect();
        let client = reqwest::Client::new();
        let mut times: Vec<Duration> = Vec::with_capacity(ASKED);
        let mut bytes = 0;
        let cpu_before = cpu_ms(pid)?;
        for url in urls.iter().cycle().take(ASKED) {
            let began = Instant::now();
            let answer = client.get(url).send().await.and_then(reqwest::Response::error_for_status);
            bytes += answer.map_err(io::Error::other)?.bytes().await.map_err(io::Error::other)?.len();
            times.push(began.elapsed());
        }
        let cpu_us = (cpu_ms(pid)? - cpu_before) * 1_000 / ASKED as u64;
        let first = times[0];
        times.sort_unstable();
        let ms = |time: Duration| format!("{}.{:01}", time.as_micros() / 1_000, time.as_micros() % 1_000 / 100);
        println!(
            "| `{asked}` | {} | {} | {} | {} | {} |",
            ms(first),
            ms(times[ASKED / 2]),
            ms(times[ASKED * 99 / 100]),
            ms(Duration::from_micros(cpu_us)),
            bytes / ASKED
        );
    }
    Ok(())
}

fn url(port: u16, asked: &str, combination: usize) -> String {
    let by = DIMENSIONS.iter().enumerate().filter(|(at, _)| combination >> at & 1 == 1);
    let by: String = by.map(|(_, dimension)| format!("&by={dimension}")).collect();
    format!("http://127.0.0.1:{port}{}", asked.replace("<each of the 64 combinations>", &by))
}

/// What the process has computed for since it began, in steps of ten milliseconds; zero without a process.
fn cpu_ms(pid: Option<u32>) -> io::Result<u64> {
    let Some(pid) = pid else { return Ok(0) };
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // In ticks of a hundredth of a second, behind the name in brackets: user and system.
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
    fields.map(|ticks| ticks.parse::<u64>().map(|ticks| ticks * 10).map_err(io::Error::other)).sum()
}
