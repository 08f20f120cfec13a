//! What large and hostile exports cost the function: the most memory that its process had, time on a processor, and time by the
//! clock. Each export goes to a process of its own, started as Lambda starts it, on the services of a local stack.
//! `cargo build --release --bin cicd-export`, then
//! `cargo run --release -p callboard-tests --bin measure-exports -- target/release/cicd-export`
//!
//! A second argument is the part of the names of the cases that are measured.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::time::{Duration, Instant};

use callboard::wiring;
use callboard_tests::deliveries::aws::{Queue, export_request, s3_created, sqs_batch};
use callboard_tests::indexing::World;
use callboard_tests::runtime_api::{RuntimeApi, command_on, cpu_ms, peak_kib};
use flate2::Compression;
use flate2::write::DeflateEncoder;
use serde_json::{Value, json};

const ACCOUNT: &str = "111122223333";
const SENT_MS: i64 = 1_795_000_000_000;

const BOUND: Duration = Duration::from_secs(900);

/// As a resource's attributes are in a state, beside those that are read.
const UNREAD_BYTES: usize = 1_700;

struct Case {
    name: &'static str,
    /// Format, and name with extension.
    path: &'static str,
    body: Vec<u8>,
    door: Door,
}

enum Door {
    Request,
    Drop,
    Job,
}

fn openapi() -> String {
    let mut text = "openapi: 3.0.3\ninfo: {title: Orders, version: '1'}\npaths:\n".to_owned();
    let mut number = 0;
    while text.len() < 500_000 {
        number += 1;
        let _infallible = writeln!(
            text,
            "  /orders/{number}:\n    get:\n      operationId: get{number}\n      summary: One of the orders, by its number\n      \
             parameters: [{{name: id, in: query, schema: {{type: string, maxLength: 64}}}}]\n      responses:\n        \
             '200': {{description: It is there, content: {{application/json: {{schema: {{$ref: '#/components/schemas/Order'}}}}}}}}"
        );
    }
    text
}

fn openapi_json() -> String {
    let mut paths = serde_json::Map::new();
    let operation =
        json!({"get": {"summary": "One of the orders", "responses": {"200": {"description": "It is there"}}}});
    while paths.len() * 120 < 500_000 {
        paths.insert(format!("/orders/{}/of/a/customer/with/a/long/path", paths.len()), operation.clone());
    }
    json!({"openapi": "3.1.0", "info": {"title": "Orders", "version": "1"}, "paths": paths}).to_string()
}

fn queue_arn(number: usize) -> String {
    format!("arn:aws:sqs:eu-west-1:111122223333:queue-{number}")
}

fn state(resources: usize) -> String {
    let unread = "x".repeat(UNREAD_BYTES);
    let all: Vec<Value> = (0..resources)
        .map(|number| {
            let (arn, name) = (queue_arn(number), format!("queue-{number}"));
            json!({"mode": "managed", "type": "aws_sqs_queue", "name": name, "provider": "aws", "instances": [{
                "schema_version": 0, "attributes": {"arn": arn, "id": arn, "name": name, "policy": unread,
                    "tags_all": {"component": "orders", "env": "production", "team": "shop"}}}]})
        })
        .collect();
    json!({"version": 4, "serial": 1, "lineage": "one", "outputs": {}, "resources": all}).to_string()
}

fn shown(resources: usize) -> String {
    let all: Vec<Value> = (0..resources)
        .map(|number| {
            let (arn, name) = (queue_arn(number), format!("queue-{number}"));
            json!({"address": format!("aws_sqs_queue.q{number}"), "mode": "managed", "type": "aws_sqs_queue", "name": name,
                "provider_name": "registry.terraform.io/hashicorp/aws", "schema_version": 0, "sensitive_values": {},
                "values": {"arn": arn, "id": arn, "name": name, "tags_all": {"env": "production", "team": "shop"}}})
        })
        .collect();
    json!({"format_version": "1.0", "values": {"root_module": {"resources": all}}}).to_string()
}

/// A zip of one file of zeros: 256 MB in a quarter of one.
fn bomb() -> io::Result<Vec<u8>> {
    let (name, bytes) = ("state.json", 256 * 1024 * 1024_u32);
    let mut packer = DeflateEncoder::new(Vec::new(), Compression::best());
    let zeros = vec![b'0'; 1024 * 1024];
    let mut checked = flate2::Crc::new();
    for _ in 0..bytes / 1024 / 1024 {
        packer.write_all(&zeros)?;
        checked.update(&zeros);
    }
    let packed = packer.finish()?;
    let length = |bytes: usize| u32::try_from(bytes).map_err(io::Error::other);
    let mut header = Vec::new();
    for half in [20_u16, 0, 8, 0, 0] {
        header.extend(half.to_le_bytes());
    }
    for word in [checked.sum(), length(packed.len())?, bytes] {
        header.extend(word.to_le_bytes());
    }
    header.extend(u16::try_from(name.len()).map_err(io::Error::other)?.to_le_bytes());
    header.extend(0_u16.to_le_bytes());
    let mut zip = [b"PK\x03\x04".as_slice(), &header, name.as_bytes(), &packed].concat();
    let directory = length(zip.len())?;
    zip.extend(b"PK\x01\x02\x14\0");
    zip.extend(&header);
    // Comment, disk and attributes: none; the file begins at 0.
    zip.extend([0; 14]);
    zip.extend(name.as_bytes());
    let directory_bytes = length(zip.len())? - directory;
    zip.extend(b"PK\x05\x06\0\0\0\0\x01\0\x01\0");
    zip.extend(directory_bytes.to_le_bytes());
    zip.extend(directory.to_le_bytes());
    zip.extend(0_u16.to_le_bytes());
    Ok(zip)
}

/// Nine levels of ten aliases each: a thousand million values.
fn aliases(head: &str) -> String {
    let mut text = format!("{head}\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..9 {
        let below = vec![format!("*a{}", level - 1); 10].join(", ");
        let _infallible = writeln!(text, "a{level}: &a{level} [{below}]");
    }
    text
}

fn cases() -> io::Result<Vec<Case>> {
    let case = |name, path, door, body: String| Case { name, path, door, body: body.into_bytes() };
    let deep = || "[".repeat(100_000);
    Ok(vec![
        case("OpenAPI, YAML, by HTTP", "openapi/orders.yaml", Door::Request, openapi()),
        case("OpenAPI, JSON, dropped", "openapi/orders.json", Door::Drop, openapi_json()),
        case("raw state of 25,000 resources, dropped", "terraform-state/all.tfstate", Door::Drop, state(25_000)),
        case("`terraform show` of 100,000 resources, dropped", "terraform-show/all.json", Door::Drop, shown(100_000)),
        Case { name: "hostile: zip bomb in a job", path: "terraform-state/bomb", door: Door::Job, body: bomb()? },
        case(
            "hostile: aliases in a catalog file",
            "catalog-info/flood.yaml",
            Door::Request,
            aliases("kind: Component"),
        ),
        case("hostile: aliases in a definition", "openapi/flood.yaml", Door::Request, aliases("openapi: 3.0.0")),
        case("hostile: depth in a catalog file", "catalog-info/deep.yaml", Door::Request, deep()),
        case("hostile: depth in a definition", "openapi/deep.json", Door::Request, format!("{{\"openapi\":{}", deep())),
        case(
            "hostile: depth in a state",
            "terraform-state/deep.json",
            Door::Drop,
            format!("{{\"version\":4,\"resources\":{}", deep()),
        ),
        case(
            "hostile: depth in a `terraform show`",
            "terraform-show/deep.json",
            Door::Drop,
            format!("{{\"format_version\":\"1.0\",\"values\":{{\"root_module\":{}", deep()),
        ),
    ])
}

/// The event that hands the export over; an object is put first.
async fn event(world: &World, case: &Case) -> Value {
    let put = async |key: &str| {
        let put = world.stack.put_object_silently(wiring::DROP_BUCKET.name, key, case.body.clone(), []);
        put.await.expect("the object is put");
    };
    let (format, file) = case.path.split_once('/').expect("a path has two parts");
    let name = file.split('.').next().unwrap_or(file);
    match case.door {
        Door::Request => {
            let body = String::from_utf8_lossy(&case.body);
            export_request(ACCOUNT, ["acme", format, name], &[], "text/plain", SENT_MS, &body)
        }
        Door::Drop => {
            let key = format!("exports/acme/{}", case.path);
            put(&key).await;
            let bucket = wiring::DROP_BUCKET.name;
            let created = s3_created(ACCOUNT, callboard::REGION, bucket, &key, &case.body, "2026-11-22T09:00:00.000Z");
            let queue = Queue { account: ACCOUNT, region: callboard::REGION, name: "exports" };
            sqs_batch(queue, SENT_MS, &[created.to_string()])
        }
        Door::Job => {
            put("artifacts/one").await;
            json!({"CodePipeline.job": {"id": "11111111-abcd-1111-abcd-111111abcdef", "accountId": ACCOUNT, "data": {
                "actionConfiguration": {"configuration": {
                    "UserParameters": format!("producer=acme,format={format},name={name}")}},
                "inputArtifacts": [{"name": "Source", "location": {"type": "S3", "s3Location": {
                    "bucketName": wiring::DROP_BUCKET.name, "objectKey": "artifacts/one"}}}],
                "artifactCredentials": {"accessKeyId": "test", "secretAccessKey": "test", "sessionToken": "test"}}}})
        }
    }
}

struct Measured {
    outcome: String,
    took: Duration,
    cpu_ms: u64,
    peak_kib: u64,
}

fn measure(binary: &str, world: &World, event: &Value) -> io::Result<Measured> {
    let api = RuntimeApi::serve(event)?;
    let mut function = command_on(binary, &api, &world.stack.endpoints()).spawn()?;
    let began = api.first_asked(BOUND).map_err(io::Error::other)?;
    let started_ms = cpu_ms(function.id())?;
    let answer = api.answer(BOUND).map_err(io::Error::other)?;
    let took = Instant::now().duration_since(began);
    let (cpu_ms, peak_kib) = (cpu_ms(function.id())? - started_ms, peak_kib(function.id())?);
    function.kill()?;
    function.wait()?;
    let response: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    let outcome = match (&response["statusCode"], &response["batchItemFailures"]) {
        (Value::Number(status), _) => status.to_string(),
        (_, Value::Array(failures)) if failures.is_empty() => "taken".to_owned(),
        (_, Value::Array(_)) => "refused".to_owned(),
        _ => answer.kind,
    };
    Ok(Measured { outcome, took, cpu_ms, peak_kib })
}

#[tokio::main]
async fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let binary = arguments.next().ok_or_else(|| io::Error::other("say which binary of the function is measured"))?;
    let part = arguments.next().unwrap_or_default();
    let mut out = io::stdout();
    writeln!(
        out,
        "| export | bytes | outcome | by the clock, ms | CPU, ms | peak memory, MiB |\n|---|---:|---|---:|---:|---:|"
    )?;
    for case in cases()?.into_iter().filter(|case| case.name.contains(&part)) {
        let world = World::start().await;
        let event = event(&world, &case).await;
        let binary = binary.clone();
        let measured = tokio::task::block_in_place(|| measure(&binary, &world, &event))?;
        let Measured { mut outcome, took, cpu_ms, peak_kib } = measured;
        let status = world.store.status().await.expect("the table answers");
        outcome.extend(status.failures.into_iter().map(|failure| format!(": {}", failure.code)));
        let (name, bytes) = (case.name, case.body.len());
        writeln!(
            out,
            "| {name} | {bytes} | {outcome} | {} | {cpu_ms} | {} |",
            took.as_millis(),
            peak_kib.div_ceil(1024)
        )?;
        out.flush()?;
        world.stack.shutdown().await;
    }
    Ok(())
}
