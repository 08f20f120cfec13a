//! A password that a Terraform state or a Config item carries is found nowhere afterwards, but in the very object that
//! its sender dropped.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use callboard::stack::StackOptions;
use callboard_tests::checkout::reference;
use callboard_tests::company::Company;
use callboard_tests::deliveries::Plot;
use callboard_tests::running::Running;
use serde_json::Value;
use tracing_subscriber::fmt::MakeWriter;

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

fn holds(bytes: &[u8], secret: &str) -> bool {
    bytes.windows(secret.len()).any(|window| window == secret.as_bytes())
}

/// All that the API tells: every entity with its explanation, receipts, and the state of things.
async fn answers(running: &Running, company: &Company) -> Vec<Value> {
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
    for receipt in [
        format!("/api/exports/{org}.infrastructure/terraform-state/production"),
        format!("/api/exports/{org}.delivery/terraform-state/website"),
    ] {
        let (status, receipt) = running.get(&receipt, &[]).await;
        assert_eq!(status, 200, "{receipt}");
        answers.push(receipt);
    }
    answers.push(running.get("/api/status", &[]).await.1);
    answers
}

/// States that carry a password where it must not get through, and what they are named.
fn states(company: &Company, secrets: &mut Vec<String>) -> Vec<(String, Vec<u8>)> {
    let whole = callboard_tests::deliveries::exports::hero_state(company).to_string();
    let password_at = whole.find(&company.database_password).unwrap();
    let cut = whole[..password_at + company.database_password.len() + 1].to_owned();
    let mut states = vec![("whole".to_owned(), whole.into_bytes()), ("cut".to_owned(), cut.into_bytes())];
    if let Some(samples) = reference("samples/terraform") {
        secrets.push("foobarbaz".to_owned());
        for name in ["tfstate-aws-db-instance.tfstate", "tfstate-invalid.tfstate"] {
            states.push((name.replace('.', "-"), fs::read(samples.join(name)).unwrap()));
        }
    }
    states
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_found_nowhere_but_in_what_its_sender_dropped() {
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

    let mut secrets = vec![company.database_password.clone()];
    let states = states(&company, &mut secrets);
    let mut seen = Vec::new();
    for (name, state) in &states {
        let hero = &company.hero().name;
        let path = format!("/api/exports/canary/terraform-state/{name}?component={hero}");
        seen.push(running.put(&path, "application/json", state.clone()).await.1);
        running
            .drop_object(&format!("exports/canary/terraform-state/{name}.tfstate"), state, &[("component", hero)])
            .await;
    }
    running.settled().await;
    assert!(running.stack.dead_letters().unwrap().len() > 1, "cut states are dead letters");
    seen.extend(answers(&running, &company).await);
    running.stack.shutdown().await;

    let mut files = Vec::new();
    files_below(data.path(), &mut files);
    for secret in &secrets {
        for answer in &seen {
            assert!(!answer.to_string().contains(secret.as_str()), "an answer holds it: {answer}");
        }
        assert!(!holds(&log.0.lock().unwrap(), secret), "the log holds it");
        let mut dropped = 0;
        for file in &files {
            let bytes = fs::read(file).unwrap();
            if states.iter().any(|(_, state)| *state == bytes) {
                dropped += 1;
            } else if !plot.objects.iter().any(|object| object.bytes == bytes) {
                assert!(!holds(&bytes, secret), "{} holds it", file.display());
            }
        }
        assert_eq!(
            dropped,
            states.len(),
            "the dropped objects themselves are there, so the search finds what is there"
        );
    }
}
