//! Bodies of fragments -> how long they are as texts and packed, and the CPU time of packing one and of reading it.
//!
//! `cargo bench -p catalog-store --bench packing [-- ROUNDS]`: what Config says of one resource of each type of
//! `config-item`'s tests.

#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

use std::error::Error;
use std::fs;
use std::hint::black_box;
use std::path::Path;

use catalog_store::PackedText;
use config_item::{ConfigMessage, parse};
use cpu_time::ThreadTime;
use serde_json::Value;

const ROUNDS: u32 = 300;

/// Behind the capture times of all items.
const NOW_MS: u64 = 1_900_000_000_000;

/// The bodies of one file's fragments.
fn bodies(file: &Path) -> Result<Vec<String>, Box<dyn Error>> {
    let document: Value = serde_json::from_slice(&fs::read(file)?)?;
    let told = |message: ConfigMessage| message.statements("bench", NOW_MS).ok();
    let statements = parse(&document).into_iter().flatten().filter_map(told);
    Ok(statements.flat_map(|statements| statements.fragments).map(|(_, fragment)| fragment.said.canonical()).collect())
}

/// CPU time of one round over `count` things, per thing, in nanoseconds.
fn nanoseconds(rounds: u32, count: usize, round: impl Fn()) -> Result<u128, Box<dyn Error>> {
    round();
    let began = ThreadTime::try_now()?;
    (0..rounds).for_each(|_| round());
    Ok(began.try_elapsed()?.as_nanos() / u128::from(rounds) / count as u128)
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let rounds = arguments.first().map_or(Ok(ROUNDS), |text| text.parse())?;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config-item/tests/types");
    let mut packed: Vec<(String, PackedText)> = Vec::new();
    let mut short = 0;
    for entry in fs::read_dir(folder)? {
        for text in bodies(&entry?.path())? {
            match PackedText::of(&text) {
                Some(body) => packed.push((text, body)),
                None => short += 1,
            }
        }
    }
    let count = packed.len();
    let bytes: Vec<usize> = packed.iter().map(|(_, body)| body.as_bytes().len()).collect();
    let pack = nanoseconds(rounds, count, || {
        for (text, _) in &packed {
            black_box(PackedText::of(black_box(text)));
        }
    })?;
    let read = nanoseconds(rounds, count, || {
        for (_, body) in &packed {
            black_box(black_box(body).text()).ok();
        }
    })?;
    let mean = |sum: usize| sum / count;
    println!("{count} bodies packed, {short} short ones left as texts");
    println!(
        "bytes each: {} as text, {} packed, {} at most",
        mean(packed.iter().map(|(text, _)| text.len()).sum()),
        mean(bytes.iter().sum()),
        bytes.iter().max().copied().unwrap_or_default()
    );
    println!("ns each: {pack} to pack, {read} to read");
    Ok(())
}
