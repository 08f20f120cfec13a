//! Texts of messages -> statements: what a message costs, of that JSON alone, and how much one core reads in a second.
//!
//! `cargo bench -p config-item --bench parse [-- ROUNDS]`: one item of each type of `tests/types`, and the messages of
//! `../shared/samples/config` where they are.

#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

use std::error::Error;
use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

use config_item::parse;
use cpu_time::ProcessTime;
use serde_json::Value;

const ROUNDS: u32 = 300;

/// Behind the capture times of all messages.
const NOW_MS: u64 = 1_900_000_000_000;

/// The texts of a folder's files, without spaces between the words of JSON: as they are sent.
fn texts(folder: &Path) -> Result<Vec<String>, Box<dyn Error>> {
    let mut paths: Vec<_> =
        fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    let mut texts = Vec::new();
    for path in paths {
        // A sample may be broken on purpose.
        if let Ok(document) = serde_json::from_slice::<Value>(&fs::read(path)?) {
            texts.push(document.to_string());
        }
    }
    Ok(texts)
}

/// Statements that a text becomes.
fn statements(text: &str) -> Result<usize, serde_json::Error> {
    let document: Value = serde_json::from_str(text)?;
    let told = parse(&document).into_iter().flatten().filter_map(|message| message.statements("bench", NOW_MS).ok());
    Ok(told.map(|statements| black_box(statements).fragments.len()).sum())
}

/// CPU time of `work` on every text, `rounds` times, after one that is not counted; and what it returned of one round.
fn measure(
    texts: &[String],
    rounds: u32,
    work: impl Fn(&str) -> Result<usize, serde_json::Error>,
) -> Result<(Duration, usize), Box<dyn Error>> {
    let mut sum = 0;
    for text in texts {
        sum += work(text)?;
    }
    let began = ProcessTime::try_now()?;
    for _ in 0..rounds {
        for text in texts {
            black_box(work(black_box(text))?);
        }
    }
    Ok((began.try_elapsed()?, sum))
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let rounds = arguments.first().map_or(Ok(ROUNDS), |text| text.parse())?;
    let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    println!("| messages | bytes each | us each | of that JSON | MB/s of a core |\n|---|---:|---:|---:|---:|");
    for (name, folder) in [("types", "tests/types"), ("samples", "../../../shared/samples/config")] {
        let folder = crate_folder.join(folder);
        if !folder.is_dir() {
            println!("| {name}: not here | | | | |");
            continue;
        }
        let texts = texts(&folder)?;
        let (took, told) = measure(&texts, rounds, statements)?;
        if told < texts.len() / 2 {
            return Err(format!("{} {name} said only {told} statements", texts.len()).into());
        }
        let (json, _) = measure(&texts, rounds, |text| serde_json::from_str::<Value>(text).map(|_| 0))?;
        let bytes = texts.iter().map(String::len).sum::<usize>();
        let each = |took: Duration| took.as_nanos() / (u128::from(rounds) * texts.len() as u128);
        // Bytes in a microsecond are megabytes in a second.
        let megabytes = bytes as u128 * u128::from(rounds) / took.as_micros().max(1);
        println!(
            "| {} {name} | {} | {}.{} | {}.{} | {megabytes} |",
            texts.len(),
            bytes / texts.len(),
            each(took) / 1000,
            each(took) / 100 % 10,
            each(json) / 1000,
            each(json) / 100 % 10,
        );
    }
    Ok(())
}
