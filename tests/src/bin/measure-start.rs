//! How large each function's binary is, and what its start takes until it asks for its first event: the part of a cold
//! start that is ours. `cargo build --release` first, then
//! `cargo run -p callboard-tests --bin measure-start -- target/release/{config-change,cicd-export,cost-report,catalog-index,query-api}`

use std::fs;
use std::io::{self, Write};
use std::time::{Duration, Instant};

use callboard_tests::runtime_api::{RuntimeApi, lambda_command, peak_kib};
use serde_json::Value;

const STARTS: usize = 21;

const START_BOUND: Duration = Duration::from_secs(30);

#[derive(Debug, Clone, Copy)]
struct Start {
    wall_us: u128,
    cpu_us: u128,
    peak_kib: u128,
}

fn start(binary: &str) -> io::Result<Start> {
    let api = RuntimeApi::serve(&Value::Null)?;
    let began = Instant::now();
    let mut function = lambda_command(binary, &api).spawn()?;
    let asked = api.first_asked(START_BOUND).map_err(io::Error::other)?;
    let pid = function.id();
    let mut cpu_ns = 0;
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        // The first field: nanoseconds on a processor.
        let schedule = fs::read_to_string(task?.path().join("schedstat"))?;
        cpu_ns += schedule.split_whitespace().next().unwrap_or_default().parse::<u128>().map_err(io::Error::other)?;
    }
    let peak = peak_kib(pid)?;
    function.kill()?;
    function.wait()?;
    Ok(Start { wall_us: asked.duration_since(began).as_micros(), cpu_us: cpu_ns / 1000, peak_kib: u128::from(peak) })
}

fn median(starts: &[Start], of: impl Fn(&Start) -> u128) -> u128 {
    let mut values: Vec<u128> = starts.iter().map(of).collect();
    values.sort_unstable();
    values[values.len() / 2]
}

/// Microseconds as milliseconds with one decimal.
fn ms(us: u128) -> String {
    format!("{}.{}", us / 1000, us / 100 % 10)
}

fn main() -> io::Result<()> {
    let mut out = io::stdout();
    writeln!(out, "| binary | size, KiB | start, ms | CPU of it, ms | peak memory, KiB |\n|---|---|---|---|---|")?;
    for binary in std::env::args().skip(1) {
        let size = fs::metadata(&binary)?.len() / 1024;
        let starts: Vec<Start> = (0..STARTS).map(|_| start(&binary)).collect::<io::Result<_>>()?;
        let wall = median(&starts, |start| start.wall_us);
        let (cpu, peak) = (median(&starts, |start| start.cpu_us), median(&starts, |start| start.peak_kib));
        let name = binary.rsplit('/').next().unwrap_or(&binary);
        writeln!(out, "| {name} | {size} | {} | {} | {peak} |", ms(wall), ms(cpu))?;
    }
    Ok(())
}
