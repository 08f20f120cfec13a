//! What the binary of `query-api` takes on the data of a local stack: the CPU time from its start to its first answer, by
//! what is asked first; its memory after many questions; and a list of everything.
//! `cargo build --release --bin query-api`, a stack that holds a catalog, then, with the ports of its DynamoDB and its S3,
//! `cargo run -p callboard-tests --bin measure-query -- target/release/query-api 7408 7409 [questions.txt]`
//!
//! `questions.txt` has one path with its query a line, below `/api/catalog`.

#![expect(clippy::print_stdout, reason = "what was measured is for whoever asked")]

use std::fs;
use std::io;
use std::process::Child;
use std::time::{Duration, Instant};

use callboard_tests::runtime_api::{Answer, RuntimeApi, cpu_ms, lambda_command};
use reqwest::Url;
use serde_json::{Map, json};

const ANSWER_BOUND: Duration = Duration::from_secs(300);

/// What is asked first, each of a process of its own.
const FIRST: [(&str, &str); 5] = [
    ("facet of kinds", "/entity-facets?facet=kind"),
    ("filter and count", "/entities/by-query?filter=kind=component,spec.type=service&limit=0"),
    (
        "ordered page of 20",
        "/entities/by-query?filter=kind=component,spec.type=service&limit=20&orderField=metadata.name,asc",
    ),
    (
        "text in name and title",
        "/entities/by-query?filter=kind=component&limit=20&orderField=metadata.name,asc&fullTextFilterTerm=pay&fullTextFilterFields=metadata.name,metadata.title",
    ),
    ("one entity by a name that nobody has", "/entities/by-name/component/default/no-such-name"),
];

/// API Gateway's event for a GET below `/api/catalog`.
fn event(target: &str) -> String {
    let url = Url::parse(&format!("http://localhost/api/catalog{target}")).expect("a path makes a URL");
    let mut query = Map::new();
    for (key, value) in url.query_pairs() {
        let values = query.entry(key.into_owned()).or_insert_with(|| json!([]));
        values.as_array_mut().expect("it was just made").push(value.into());
    }
    json!({
        "resource": "/{proxy+}", "path": url.path(), "httpMethod": "GET", "headers": {}, "multiValueHeaders": {},
        "queryStringParameters": null, "multiValueQueryStringParameters": query, "pathParameters": null,
        "stageVariables": null, "body": null, "isBase64Encoded": false,
        "requestContext": {"requestId": "1", "stage": "live", "path": url.path(), "httpMethod": "GET", "identity": {}}
    })
    .to_string()
}

struct Function {
    process: Child,
    api: RuntimeApi,
}

impl Function {
    fn start(binary: &str, [dynamodb, s3]: [&str; 2], targets: Vec<String>) -> io::Result<Self> {
        let api = RuntimeApi::serve_all(targets.into_iter().map(|target| event(&target)))?;
        let process = lambda_command(binary, &api)
            .env("AWS_ENDPOINT_URL_DYNAMODB", format!("http://127.0.0.1:{dynamodb}"))
            .env("AWS_ENDPOINT_URL_S3", format!("http://127.0.0.1:{s3}"))
            .spawn()?;
        Ok(Self { process, api })
    }

    fn answer(&self) -> io::Result<Answer> {
        self.api.answer(ANSWER_BOUND).map_err(io::Error::other)
    }

    fn cpu_ms(&self) -> io::Result<u64> {
        cpu_ms(self.process.id())
    }

    fn memory_mib(&self, what: &str) -> io::Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix(what)).unwrap_or_default();
        let kib =
            line.trim_matches([':', ' ', '\t']).split_whitespace().next().and_then(|text| text.parse::<u64>().ok());
        Ok(kib.unwrap_or_default() / 1024)
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        let _it_may_have_ended = self.process.kill();
        let _reaped = self.process.wait();
    }
}

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [binary, dynamodb, s3, questions @ ..] = arguments.as_slice() else {
        return Err(io::Error::other("usage: measure-query BINARY DYNAMODB_PORT S3_PORT [QUESTIONS]"));
    };
    let ports = [dynamodb.as_str(), s3.as_str()];
    println!("| asked first | CPU to the answer, ms | resident, MiB |\n|---|---:|---:|");
    for (name, target) in FIRST {
        let mut runs = Vec::new();
        for _ in 0..3 {
            let function = Function::start(binary, ports, vec![target.to_owned()])?;
            function.answer()?;
            runs.push((function.cpu_ms()?, function.memory_mib("VmRSS")?));
        }
        runs.sort_unstable();
        println!("| {name} | {} | {} |", runs[1].0, runs[1].1);
    }
    let all = Function::start(binary, ports, vec!["/entities".to_owned()])?;
    let began = Instant::now();
    let bytes = all.answer()?.body.len();
    println!(
        "\nevery entity, streamed: {bytes} bytes, {} ms of CPU in {} ms, at most {} MiB resident",
        all.cpu_ms()?,
        began.elapsed().as_millis(),
        all.memory_mib("VmHWM")?
    );
    let Some(questions) = questions.first() else { return Ok(()) };
    let targets: Vec<String> = fs::read_to_string(questions)?.lines().map(str::to_owned).collect();
    let asked = targets.len();
    let function = Function::start(binary, ports, targets)?;
    for _ in 0..asked {
        function.answer()?;
    }
    println!(
        "\n{asked} questions: {} ms of CPU, {} MiB resident afterwards, at most {}",
        function.cpu_ms()?,
        function.memory_mib("VmRSS")?,
        function.memory_mib("VmHWM")?
    );
    Ok(())
}
