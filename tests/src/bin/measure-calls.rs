//! What a million queries and a million changes cost: every SDK call that the functions make on a local stack is counted, with
//! the units that DynamoDB says it consumed, and every invocation timed.
//! `cargo run --release -p callboard-tests --bin measure-calls -- 2000`
//!
//! The argument is how many resources are changed and how many entities are in the catalog. Times are those of this machine and
//! of the emulated services; calls and units are what AWS would count.

#![expect(clippy::print_stdout, reason = "what was measured is for whoever asked")]

use std::collections::BTreeMap;
use std::fs;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use callboard::stack::StackOptions;
use callboard_tests::between::{Calls, Spent};
use callboard_tests::checkout::root;
use callboard_tests::company::Company;
use callboard_tests::deliveries::config::{item_change, queue};
use callboard_tests::running::Running;
use callboard_tests::template::read;
use serde_json::{Value, json};

/// List prices of us-east-1 in units of 10^-12 dollars, as `docs/price.md` has them.
mod price {
    pub(super) const READ_UNIT: u64 = 125_000;
    pub(super) const WRITE_UNIT: u64 = 625_000;
    pub(super) const S3_GET: u64 = 400_000;
    pub(super) const S3_PUT: u64 = 5_000_000;
    pub(super) const INVOCATION: u64 = 200_000;
    /// Of one GB of memory for one millisecond, arm64.
    pub(super) const GB_MS: u64 = 13_333;
    pub(super) const SQS_REQUEST: u64 = 400_000;
    pub(super) const API_REQUEST: u64 = 3_500_000;
}

/// Memory of each function in the template, in MB.
fn memory_mb() -> BTreeMap<String, u64> {
    let template = fs::read_to_string(root().join("infra/template.yaml")).expect("the template is there");
    let template = read(&template);
    let resources = template["Resources"].as_object().expect("a template has resources");
    let of = |resource: &Value| {
        let function = resource["Metadata"]["BuildProperties"]["Binary"].as_str()?.to_owned();
        Some((function, resource["Properties"]["MemorySize"].as_u64()?))
    };
    resources.values().filter_map(of).collect()
}

const MILLION: u64 = 1_000_000;

/// Time and number of a function's invocations.
type Invocations = Arc<Mutex<BTreeMap<String, (u64, Duration)>>>;

struct Meter {
    running: Running,
    calls: Calls,
    invocations: Invocations,
    memory_mb: BTreeMap<String, u64>,
}

impl Meter {
    async fn start() -> Self {
        let (calls, invocations) = (Calls::default(), Invocations::default());
        // Compaction is measured by itself, when it is asked for.
        let options = StackOptions { compact_every: Some(Duration::from_secs(86_400)), ..StackOptions::default() };
        let told = Arc::clone(&invocations);
        let observer = move |name: &str, took| {
            let mut invocations = told.lock().unwrap_or_else(PoisonError::into_inner);
            let (count, sum) = invocations.entry(name.to_owned()).or_default();
            *count += 1;
            *sum += took;
        };
        let between = calls.clone();
        let running = Running::start_watched(options, move |endpoints| between.between(endpoints), observer).await;
        Self { running, calls, invocations, memory_mb: memory_mb() }
    }

    fn forget(&self) {
        drop(self.calls.take());
        self.invocations.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// What was spent since the last time, for each million of `things`.
    fn tell(&self, title: &str, things: u64, extra: &[(&str, u64)]) {
        let per_million = |count: u64| (u128::from(count) * u128::from(MILLION)).div_ceil(u128::from(things));
        println!(
            "\n### {title}\n\n| who | what | per million | request units per million | dollars per million |\n|---|---|---:|---:|---:|"
        );
        let mut sum = 0;
        let mut row = |who: &str, what: &str, count: String, units: String, picodollars: u128| {
            sum += picodollars;
            println!("| {who} | {what} | {count} | {units} | {} |", dollars(picodollars));
        };
        for (call, Spent { calls, half_units }) in self.calls.take() {
            let is_write =
                ["UpdateItem", "PutItem", "DeleteItem", "BatchWriteItem"].iter().any(|w| call.action.ends_with(w));
            let unit = if is_write { price::WRITE_UNIT } else { price::READ_UNIT };
            let (units, picodollars) = match call.action.as_str() {
                "s3:GetObject" => (String::new(), per_million(calls) * u128::from(price::S3_GET)),
                "s3:PutObject" => (String::new(), per_million(calls) * u128::from(price::S3_PUT)),
                action if action.starts_with("dynamodb:") => {
                    let halves = per_million(half_units);
                    (halves.div_ceil(2).to_string(), halves * u128::from(unit) / 2)
                }
                _ => (String::new(), 0),
            };
            let what = if call.on == "Table" { call.action.clone() } else { format!("{} {}", call.action, call.on) };
            row(&call.caller, &what, per_million(calls).to_string(), units, picodollars);
        }
        let invocations = std::mem::take(&mut *self.invocations.lock().unwrap_or_else(PoisonError::into_inner));
        for (function, (count, took)) in invocations {
            let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
            let milliseconds = per_million(micros) / 1000;
            let memory = u128::from(self.memory_mb[&function]);
            let picodollars = per_million(count) * u128::from(price::INVOCATION)
                + milliseconds * memory * u128::from(price::GB_MS) / 1024;
            row(
                &function,
                &format!("invocations, {milliseconds} ms"),
                per_million(count).to_string(),
                String::new(),
                picodollars,
            );
        }
        for (what, each) in extra {
            row("", what, MILLION.to_string(), String::new(), u128::from(MILLION) * u128::from(*each));
        }
        println!("| **sum** | | | | **{}** |", dollars(sum));
    }
}

fn dollars(picodollars: u128) -> String {
    let cents = picodollars.div_ceil(10_000_000_000);
    format!("{}.{:02}", cents / 100, cents % 100)
}

/// One change of each of `count` queues; `round` makes it another change.
async fn change(meter: &Meter, company: &Company, count: u64, round: i64) {
    for n in 0..count {
        let mut resource =
            queue(company, &format!("queue-{n:06}"), vec![("component", company.components[0].name.clone())]);
        resource.configuration["VisibilityTimeout"] = json!((30 + round).to_string());
        let captured = format!("2026-11-01T08:{round:02}:00.000Z");
        let message = item_change(&resource, "OK", &captured, 1_793_520_000_000 + round * 60_000).to_string();
        meter.running.stack.send("ConfigQueue", &message).expect("a message is sent");
    }
    meter.running.settled().await;
}

/// Terraform states of 20 queues each.
const EXPORT_RESOURCES: u64 = 20;

/// One after the other, by HTTP; the index has heard of all of them at the end.
async fn export(meter: &Meter, company: &Company, numbers: std::ops::Range<u64>, serial: u64) {
    let (count, began) = (numbers.end - numbers.start, Instant::now());
    for number in numbers {
        let instances: Vec<Value> = (0..EXPORT_RESOURCES)
            .map(|n| {
                let resource = queue(company, &format!("state-{number:06}-{n}"), Vec::new());
                json!({"index_key": n, "schema_version": 0,
                       "attributes": {"arn": resource.arn, "id": resource.id, "name": resource.name, "tags_all": {}}})
            })
            .collect();
        let state = json!({
            "version": 4, "terraform_version": "1.9.8", "serial": serial, "outputs": {},
            "lineage": format!("00000000-0000-4000-8000-{number:012}"),
            "resources": [{"mode": "managed", "type": "aws_sqs_queue", "name": "all", "instances": instances,
                           "provider": "provider[\"registry.terraform.io/hashicorp/aws\"]"}],
        });
        // Each is of a component of its own: no more than 64 source objects may speak of one.
        let path = format!("/api/exports/acme.estate/terraform-state/s{number}?component=estate-{number}");
        let (status, receipt) = meter.running.put(&path, "application/json", state.to_string()).await;
        assert_eq!(status, 200, "{receipt}");
    }
    meter.running.settled().await;
    let milliseconds = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX).max(1);
    let tenths = count * 10_000 / milliseconds;
    println!("\n{count} exports, one at a time: {}.{} a second", tenths / 10, tenths % 10);
}

async fn ask(meter: &Meter, path: &str, query: &[(&str, &str)]) {
    let (status, answer) = meter.running.get(path, query).await;
    assert_eq!(status, 200, "{answer}");
}

#[tokio::main]
async fn main() {
    let count: u64 = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(2000);
    let company = Company::theatre();
    let meter = Meter::start().await;
    change(&meter, &company, count, 1).await;
    meter.tell(
        &format!("{count} resources that AWS Config sees for the first time"),
        count,
        &[("SQS requests, 3 each", 3 * price::SQS_REQUEST)],
    );
    change(&meter, &company, count, 2).await;
    meter.tell(
        &format!("a change of each of {count} resources"),
        count,
        &[("SQS requests, 3 each", 3 * price::SQS_REQUEST)],
    );
    change(&meter, &company, count, 2).await;
    meter.tell("the same changes again: duplicates", count, &[("SQS requests, 3 each", 3 * price::SQS_REQUEST)]);

    let compacted = meter.running.stack.invoke("catalog-index", json!({"action": "compact"})).await;
    println!("\ncompaction: {}", compacted.unwrap_or(Value::Null));
    meter.tell(&format!("a compaction of {count} rows"), count, &[]);

    let exports = count.div_ceil(2);
    let each = format!("exports of {EXPORT_RESOURCES} resources");
    for (numbers, which) in [(0..exports / 10, "the first tenth"), (exports / 10..exports, "all the others")] {
        let asked = numbers.end - numbers.start;
        export(&meter, &company, numbers, 1).await;
        meter.tell(&format!("{exports} {each}, {which}"), asked.max(1), &[("API Gateway", price::API_REQUEST)]);
    }
    export(&meter, &company, 0..exports, 2).await;
    meter.tell("the same exports again, with the next serial", exports, &[("API Gateway", price::API_REQUEST)]);

    // The first page loads what it needs of the segment.
    ask(&meter, "/api/catalog/entities/by-query", &[("filter", "kind=resource"), ("limit", "1")]).await;
    let listed = meter.running.by_query("kind=resource").await;
    meter.forget();
    let names: Vec<String> =
        listed.iter().filter_map(|entity| entity["metadata"]["name"].as_str()).map(str::to_owned).collect();
    let asked = count.min(2000);
    for n in 0..asked {
        let name = &names[usize::try_from(n).unwrap_or_default() % names.len()];
        ask(&meter, &format!("/api/catalog/entities/by-name/resource/default/{name}"), &[]).await;
    }
    meter.tell("by-name", asked, &[("API Gateway", price::API_REQUEST)]);
    for n in 0..asked {
        let offset = (n * 20 % count.saturating_sub(20).max(1)).to_string();
        let page =
            [("filter", "kind=resource"), ("limit", "20"), ("offset", &offset), ("orderField", "metadata.name,asc")];
        ask(&meter, "/api/catalog/entities/by-query", &page).await;
    }
    meter.tell("pages of 20 entities, each read once and then kept", asked, &[("API Gateway", price::API_REQUEST)]);
    for _ in 0..asked {
        ask(&meter, "/api/catalog/entity-facets", &[("facet", "spec.type")]).await;
    }
    meter.tell("facets", asked, &[("API Gateway", price::API_REQUEST)]);
}
