//! What is secret in anything that is sent is found nowhere afterwards, but in the very object that its sender dropped.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod canaries;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use callboard::replay::{Delivery, deliver};
use callboard::stack::StackOptions;
use callboard_tests::checkout::reference;
use callboard_tests::company::Company;
use callboard_tests::deliveries::Plot;
use callboard_tests::deliveries::aws::{Queue, sqs_batch};
use callboard_tests::deliveries::config::{Resource, item_change};
use callboard_tests::running::Running;
use futures::TryStreamExt;
use serde_json::Value;
use tracing_subscriber::fmt::MakeWriter;

use crate::canaries::{Canaries, Sent};

/// Everything that is logged, at any level, by anyone.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

fn files_below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files_below(&path, found) } else { found.push(path) }
    }
}

/// Looks for each secret, and for what all canaries begin with in one go: a log at the finest level is long.
fn assert_silent(bytes: &[u8], secrets: &[(&'static str, String)], place: &str) {
    let others =
        secrets.iter().map(|(_, secret)| secret.as_str()).filter(|secret| !secret.starts_with(canaries::PREFIX));
    for needle in others.chain([canaries::PREFIX]) {
        if let Some(at) = memchr::memmem::find(bytes, needle.as_bytes()) {
            let found = String::from_utf8_lossy(&bytes[at.saturating_sub(200)..bytes.len().min(at + 100)]);
            let kind = secrets.iter().find(|(_, secret)| bytes[at..].starts_with(secret.as_bytes()));
            panic!("{place} holds {kind:?}: {found}");
        }
    }
}

/// All that the API tells: every entity with its explanation, receipts, and the state of things.
async fn answers(running: &Running, company: &Company, exports: &[String]) -> Vec<Value> {
    let (_, page) = running.get("/api/catalog/entities/by-query", &[("limit", "1000")]).await;
    let mut answers = vec![page.clone()];
    for entity in page["items"].as_array().unwrap() {
        let part = |pointer: &str| entity.pointer(pointer).and_then(Value::as_str).unwrap().to_lowercase();
        let path = format!("{}/{}/{}", part("/kind"), part("/metadata/namespace"), part("/metadata/name"));
        let (status, explained) = running.get(&format!("/api/explain/{path}"), &[]).await;
        assert_eq!(status, 200, "{path}: {explained}");
        answers.push(explained);
    }
    let org = &company.organisation;
    let theirs = [
        format!("/api/exports/{org}.infrastructure/terraform-state/production"),
        format!("/api/exports/{org}.delivery/terraform-state/website"),
    ];
    for receipt in theirs.iter().chain(exports) {
        let (status, receipt_of) = running.get(receipt, &[]).await;
        assert_eq!(status, 200, "{receipt}");
        answers.push(receipt_of);
    }
    for path in ["/api/deployments", "/api/dora"] {
        let (status, answer) = running.get(path, &[("entity", "component:default/canary")]).await;
        assert_eq!(status, 200, "{path}: {answer}");
        answers.push(answer);
    }
    answers.push(running.get("/api/status", &[]).await.1);
    answers
}

/// What every record says now. Items hold most of it packed, where no search for a secret finds anything.
async fn said(running: &Running) -> Vec<String> {
    let records: Vec<_> = running.stack.catalog().scan_records(0, 1).try_collect().await.unwrap();
    let fragments = records.into_iter().flat_map(|scanned| scanned.record.unwrap().fragments);
    fragments.map(|(_, fragment)| fragment.said.canonical()).collect()
}

/// States that carry a password where it must not get through.
fn states(company: &Company, secrets: &mut Vec<(&'static str, String)>) -> Vec<Sent> {
    let format = "terraform-state";
    let whole = callboard_tests::deliveries::exports::hero_state(company).to_string();
    let password_at = whole.find(&company.database_password).unwrap();
    let cut = whole[..password_at + company.database_password.len() + 1].to_owned();
    let mut states = vec![
        Sent { format, name: "whole", body: whole.into_bytes() },
        Sent { format, name: "half", body: cut.into_bytes() },
    ];
    if let Some(samples) = reference("samples/terraform") {
        secrets.push(("password of a sample", "foobarbaz".to_owned()));
        for (name, file) in [("sample", "tfstate-aws-db-instance.tfstate"), ("invalid", "tfstate-invalid.tfstate")] {
            states.push(Sent { format, name, body: fs::read(samples.join(file)).unwrap() });
        }
    }
    states
}

/// What comes by queue, and as a job: function, name, payload.
fn messages(canaries: &mut Canaries) -> Vec<(&'static str, &'static str, Value)> {
    let queue = |name| Queue { account: "777788889999", region: "eu-west-1", name };
    let sent_ms = 1_793_520_000_000;
    let events: Vec<String> = canaries::events(canaries).iter().map(Value::to_string).collect();
    let items: Vec<String> = canaries::items(canaries)
        .into_iter()
        .map(|(resource_type, arn, configuration)| {
            let id = arn.rsplit([':', '/']).next().unwrap().to_owned();
            let resource = Resource {
                arn: arn.to_owned(),
                resource_type,
                name: Some(id.clone()),
                id,
                account: "400000000001".into(),
                region: "eu-west-1".into(),
                tags: Vec::new(),
                configuration,
            };
            item_change(&resource, "OK", "2026-11-01T08:00:00.000Z", 1).to_string()
        })
        .collect();
    vec![
        ("cicd-export", "canary-events", sqs_batch(queue("callboard-export"), sent_ms, &events)),
        ("config-change", "canary-items", sqs_batch(queue("callboard-config"), sent_ms, &items)),
        ("cicd-export", "canary-job", canaries::job(canaries)),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_found_nowhere_but_in_what_its_sender_dropped() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(log.clone()).finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let data = tempfile::tempdir().unwrap();
    let options = StackOptions {
        data: Some(data.path().to_owned()),
        retry_delay: std::time::Duration::from_millis(5),
        ..StackOptions::default()
    };
    let running = Running::start_with(options).await;
    let company = Company::generated(11);
    let plot = Plot::of(&company);
    running.play(&plot).await;

    let mut secrets = vec![("password of the plot", company.database_password.clone())];
    let mut seen = Vec::new();
    let mut sent = states(&company, &mut secrets);
    let mut canaries = Canaries::default();
    sent.extend(canaries::exports(&mut canaries));
    let mut receipts = Vec::new();
    for Sent { format, name, body } in &sent {
        let hero = if *name == "canary" { "canary" } else { &company.hero().name };
        let path = format!("/api/exports/canary/{format}/{name}");
        let asked = format!("{path}?component={hero}&account=400000000001&region=eu-west-1");
        let (status, receipt) = running.put(&asked, "application/json", body.clone()).await;
        if status == 200 {
            receipts.push(path);
        }
        seen.push(receipt);
        let parameters = [("component", hero), ("account", "400000000001"), ("region", "eu-west-1")];
        running.drop_object(&format!("exports/dropped/{format}/{name}.txt"), body, &parameters).await;
    }
    assert!(receipts.len() >= 7, "one of each format was taken: {receipts:?}");
    let mut records = said(&running).await;
    for (function, name, payload) in messages(&mut canaries) {
        deliver(&running.stack, &Delivery { function: function.to_owned(), name: name.to_owned(), payload })
            .await
            .unwrap();
        records.extend(said(&running).await);
    }
    secrets.extend(canaries.all());
    assert!(secrets.len() > 90, "{}", secrets.len());
    running.settled().await;
    assert!(running.stack.dead_letters().unwrap().len() > 1, "cut states are dead letters");
    records.extend(said(&running).await);
    assert!(records.iter().any(|text| text.contains("component:default/canary")), "records of canaries are searched");
    seen.extend(answers(&running, &company, &receipts).await);
    running.stack.shutdown().await;

    let mut files = Vec::new();
    files_below(data.path(), &mut files);
    // What has not been handled yet is in the queues as it came: they stand for SQS.
    files.retain(|file| !file.file_name().unwrap().to_str().unwrap().starts_with("stack.sqlite"));
    let log = log.0.lock().unwrap();
    let contents: Vec<(&PathBuf, Vec<u8>)> = files.iter().map(|file| (file, fs::read(file).unwrap())).collect();
    let is_sent = |bytes: &[u8]| sent.iter().any(|one| one.body == bytes);
    let is_of_plot = |bytes: &[u8]| plot.objects.iter().any(|object| object.bytes == bytes);
    let (dropped, kept): (Vec<_>, Vec<_>) = contents.iter().partition(|(_, bytes)| is_sent(bytes));
    assert_eq!(
        dropped.len(),
        sent.len(),
        "the dropped objects themselves are there, so the search finds what is there"
    );
    for answer in &seen {
        assert_silent(answer.to_string().as_bytes(), &secrets, "an answer");
    }
    for text in &records {
        assert_silent(text.as_bytes(), &secrets, "a record");
    }
    assert_silent(&log, &secrets, "the log");
    for (file, bytes) in kept.iter().filter(|(_, bytes)| !is_of_plot(bytes)) {
        assert_silent(bytes, &secrets, &file.display().to_string());
    }
}
