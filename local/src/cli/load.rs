//! `callboard load FILE`: a file of entities -> a running stack or a deployed API, in parts by HTTP or whole by S3.
//!
//! What is loaded twice counts once, so a load that broke off is simply run again.

mod api;
mod drop;
mod parts;

use std::{
    error::Error,
    fs::File,
    path::PathBuf,
    time::{Duration, Instant},
};

use callboard::wiring;
use clap::{Args, ValueEnum, builder::NonEmptyStringValueParser};
use futures::{StreamExt, stream};
use serde_json::Value;

use self::{
    api::{Answer, Api},
    parts::{Part, Parts},
};
use super::terminal::say;

const PROGRESS_INTERVAL: Duration = Duration::from_secs(1);

/// Reasons that are told one by one.
const MAX_REASONS: usize = 100;

/// Load a file of Backstage entities into a running stack, or a deployed one
#[derive(Debug, Args)]
pub(crate) struct Load {
    /// Entities: YAML or JSON documents between `---`, or JSON with one entity a line
    file: PathBuf,
    /// Who speaks, by convention `org.repo`
    #[arg(long, value_parser = NonEmptyStringValueParser::new())]
    producer: String,
    /// Name of the source object [default: that of the file, without its extension]
    #[arg(long, value_parser = NonEmptyStringValueParser::new())]
    name: Option<String>,
    /// In parts of at most 4.5 MB by HTTP, or as one object in the local drop bucket
    #[arg(long, value_enum, default_value_t = Via::Http)]
    via: Via,
    /// Port of the local stack's API
    #[arg(long, value_name = "PORT", default_value_t = 7407)]
    port_base: u16,
    /// Address of a deployed API instead, up to and without `/api`
    #[arg(long, value_name = "URL", conflicts_with = "port_base")]
    url: Option<String>,
    /// Bearer token of the API. Requests are not signed: an API that wants IAM's signature takes a drop in its bucket
    #[arg(long, value_parser = NonEmptyStringValueParser::new())]
    token: Option<String>,
    /// Parts that are sent at once
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=32))]
    concurrency: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Via {
    Http,
    S3,
}

type Failure = Box<dyn Error>;

/// # Errors
/// Fails when the file cannot be read, when a part does not get through, and when anything was refused.
pub(crate) async fn load(options: Load) -> Result<(), Failure> {
    let stem = || options.file.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let name = options.name.clone().or_else(stem).ok_or("the file has no name; give one by --name")?;
    let url = options.url.clone().unwrap_or_else(|| format!("http://127.0.0.1:{}", options.port_base));
    let api = Api::new(&url, options.token.as_deref(), &options.producer)?;
    let file =
        File::open(&options.file).map_err(|error| format!("could not open `{}`: {error}", options.file.display()))?;
    let total_bytes = file.metadata()?.len();
    let parts = Parts::read(file)?;
    let mut loaded = Loaded::begin(total_bytes);
    match options.via {
        Via::Http => by_http(parts, &name, &api, usize::from(options.concurrency), &mut loaded).await?,
        Via::S3 if options.url.is_some() => {
            return Err(
                "`--via s3` is for the local stack; for a deployed one, `aws s3 cp` does it: see docs/exports.md"
                    .into(),
            );
        }
        Via::S3 => {
            let bucket = drop::LocalBucket::at(options.port_base, wiring::DROP_BUCKET.name)?;
            let answer = drop::drop_and_wait(parts, &bucket, &name, &api, &options.producer).await?;
            loaded.note(&answer, None);
        }
    }
    loaded.finish()
}

async fn by_http(
    parts: Parts<File>,
    name: &str,
    api: &Api,
    concurrency: usize,
    loaded: &mut Loaded,
) -> Result<(), Failure> {
    let numbered = parts.enumerate().map(|(at, part)| (at + 1, part));
    let sent = stream::iter(numbered).map(async |(number, part)| {
        let part = part?;
        let answer = api.put(&part_name(name, number), part.body.clone()).await?;
        Ok::<_, Failure>((part, answer))
    });
    let mut sent = std::pin::pin!(sent.buffer_unordered(concurrency));
    let mut parts = 0;
    while let Some(outcome) = sent.next().await {
        let (part, answer) = outcome?;
        parts += 1;
        loaded.bytes += part.file_bytes;
        loaded.note(&answer, Some(&part));
        loaded.tell(parts);
    }
    if loaded.whole_parts_refused == 0 {
        retire_behind(parts, name, api).await?;
    }
    Ok(())
}

/// An earlier load of the name may have had more parts.
async fn retire_behind(parts: usize, name: &str, api: &Api) -> Result<(), Failure> {
    let mut number = parts + 1;
    while let Answer::Receipt(receipt) = api.delete(&part_name(name, number)).await? {
        if receipt["counts"]["swept"] != 0 {
            say(format_args!("retired part {} of an earlier load", part_name(name, number)));
        }
        number += 1;
    }
    Ok(())
}

fn part_name(name: &str, number: usize) -> String {
    format!("{name}-{number:04}")
}

/// What became of the file so far.
struct Loaded {
    began: Instant,
    told: Instant,
    total_bytes: u64,
    bytes: u64,
    documents: u64,
    fragments: u64,
    refused: u64,
    whole_parts_refused: u64,
    reasons: Vec<String>,
}

impl Loaded {
    fn begin(total_bytes: u64) -> Self {
        let now = Instant::now();
        Self {
            began: now,
            told: now,
            total_bytes,
            bytes: 0,
            documents: 0,
            fragments: 0,
            refused: 0,
            whole_parts_refused: 0,
            reasons: Vec::new(),
        }
    }

    /// Counts an answer; `part` knows where in the file its lines are.
    fn note(&mut self, answer: &Answer, part: Option<&Part>) {
        let receipt = match answer {
            Answer::Receipt(receipt) => receipt,
            Answer::Refused { path, status, message } => {
                self.whole_parts_refused += 1;
                self.refused += 1;
                self.reason(format!("{path}: {status}, {message}"));
                return;
            }
        };
        let number = |pointer: &str| receipt.pointer(pointer).and_then(Value::as_u64).unwrap_or_default();
        self.documents += number("/counts/documents");
        self.fragments += number("/applied") + number("/stale") + number("/duplicate");
        self.refused += number("/counts/refused");
        if receipt["status"] == "refused" {
            self.refused = self.refused.max(1);
            self.reason(receipt["reason"].as_str().unwrap_or_default().to_owned());
        }
        for document in receipt["documents"].as_array().into_iter().flatten() {
            if document["verdict"] == "refused" {
                let text = |field: &str| document[field].as_str().unwrap_or_default().to_owned();
                let at = part.and_then(|part| part.line_in_file(&text("at"))).unwrap_or_else(|| text("at"));
                self.reason(format!("{at} {}: {}", text("entity"), text("reason")));
            }
        }
    }

    fn reason(&mut self, reason: String) {
        if self.reasons.len() < MAX_REASONS {
            self.reasons.push(reason);
        }
    }

    /// At most once a second.
    fn tell(&mut self, parts: usize) {
        if self.told.elapsed() < PROGRESS_INTERVAL {
            return;
        }
        self.told = Instant::now();
        let percent = (self.bytes * 100).checked_div(self.total_bytes).unwrap_or(100);
        say(format_args!("{percent:>3} %  {parts} parts, {}", self.figures()));
    }

    fn figures(&self) -> String {
        let elapsed_ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX).max(1);
        let per_second = self.documents * 1000 / elapsed_ms;
        format!(
            "{} documents, {} fragments, {} refused, {per_second} documents/s",
            self.documents, self.fragments, self.refused
        )
    }

    fn finish(self) -> Result<(), Failure> {
        say(format_args!("loaded {} in {} s", self.figures(), self.began.elapsed().as_secs()));
        if self.refused == 0 {
            return Ok(());
        }
        for reason in &self.reasons {
            say(format_args!("  refused: {reason}"));
        }
        let untold = self.refused.saturating_sub(u64::try_from(self.reasons.len()).unwrap_or(u64::MAX));
        if untold > 0 {
            say(format_args!("  and {untold} more"));
        }
        Err(format!("{} were refused; the rest is loaded", self.refused).into())
    }
}
