//! A generated report -> its sums: rows, CPU time, memory and totals by line item type, which must be the generator's.
//!
//! `cargo bench -p billing-report --bench report -- THREADS FOLDER`: all files of the folder, and its `totals.json` with
//! exact sums in units of 1e-10 as `{"by_line_item_type": {"Usage": [rows, unblended, amortized, net_amortized]}}`.

#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

use std::collections::BTreeMap;
use std::error::Error;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Instant;

use billing_report::{
    Line, LineItem, LineSums, LineType, Names, ReadCounts, ReportFile, Sink, SplitItem, TagKeys, read_csv, read_parquet,
};
use bytes::Bytes;
use cost_model::{Amount, AmountError, Amounts};
use cpu_time::ProcessTime;
use serde_json::Value;

/// That of the function which reads reports.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A file that is read range by range, as one in S3 is.
struct OnDisk {
    file: Mutex<File>,
    bytes: u64,
}

impl ReportFile for OnDisk {
    fn bytes(&self) -> u64 {
        self.bytes
    }

    fn read(&self, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, Box<dyn Error + Send + Sync>> {
        let mut file = self.file.lock().map_err(|_| "another thread failed")?;
        let mut read = |range: &Range<u64>| {
            let length = range.end - range.start;
            let mut bytes = Vec::with_capacity(usize::try_from(length)?);
            file.seek(SeekFrom::Start(range.start))?;
            (&mut *file).take(length).read_to_end(&mut bytes)?;
            Ok(Bytes::from(bytes))
        };
        ranges.iter().map(&mut read).collect()
    }
}

/// The sums that a report becomes, and those that the generator tells.
struct ByType {
    sums: LineSums,
    /// By line type as a number: rows, those of lines in units of 1e-10, and those of others.
    by_type: [(u64, [i128; 3], Amounts); LineType::Other as usize + 1],
}

impl Sink for ByType {
    fn names(&mut self) -> &mut Names {
        self.sums.names()
    }

    fn add(&mut self, item: &LineItem) -> Result<(), AmountError> {
        let (rows, _, amounts) = &mut self.by_type[item.line_type as usize];
        *rows += 1;
        amounts.add(&item.amounts)?;
        self.sums.add(item)
    }

    fn add_lines(&mut self, lines: &[Line]) -> Result<(), AmountError> {
        for line in lines {
            let (rows, units, _) = &mut self.by_type[line.line_type(self.sums.names()) as usize];
            *rows += 1;
            units.iter_mut().zip(line.ten_places()).for_each(|(sum, units)| *sum += i128::from(units));
        }
        self.sums.add_lines(lines)
    }

    fn add_split(&mut self, split: &SplitItem) -> Result<(), AmountError> {
        self.sums.add_split(split)
    }

    fn is_full(&self) -> bool {
        self.sums.is_full()
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let [threads, folder] = &arguments[..] else {
        println!("usage: report THREADS FOLDER; without a folder there is nothing to measure");
        return Ok(());
    };
    let threads: usize = threads.parse()?;
    let folder = Path::new(folder);
    let mut files: Vec<PathBuf> = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
    files.retain(|path| path.extension().is_some_and(|end| end == "parquet" || end == "gz"));
    files.sort();
    let totals: Value = serde_json::from_slice(&fs::read(folder.join("totals.json"))?)?;
    let (began, cpu) = (Instant::now(), ProcessTime::try_now()?);
    let sink = Mutex::new(ByType { sums: LineSums::new("2026-10".parse()?), by_type: Default::default() });
    let next = Mutex::new(files.iter());
    std::thread::scope(|scope| {
        let work = || -> Result<(), String> {
            while let Some(path) = next.lock().map_err(|e| e.to_string())?.next() {
                let counts = read(path, &sink).map_err(|e| format!("{}: {e:?}", path.display()))?;
                sink.lock().map_err(|e| e.to_string())?.sums.count(&counts);
            }
            Ok(())
        };
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| worker.join().unwrap_or_else(|_| Err("a worker panicked".into())))
    })?;
    let read_cpu = cpu.try_elapsed()?;
    let ByType { mut sums, by_type } = sink.into_inner()?;
    let groups = sums.len();
    sums.settle(|_| true)?;
    let (cpu, wall) = (cpu.try_elapsed()?, began.elapsed());
    let rows = sums.counts().lines + sums.counts().split;
    compare(&totals, &by_type, sums.counts().split)?;
    let per_second = u128::from(rows) * 1_000_000 / cpu.as_micros().max(1);
    println!(
        "{{\"threads\": {threads}, \"rows\": {rows}, \"cpu_ms\": {}, \"of_that_reading_ms\": {}, \"wall_ms\": {}, \"rows_per_cpu_s\": {per_second}, \
         \"peak_rss_mib\": {}, \"sums\": {groups}, \"settled\": {}, \"bill\": {:?}}}",
        cpu.as_millis(),
        read_cpu.as_millis(),
        wall.as_millis(),
        peak_rss_mib()?,
        sums.len(),
        sums.bill()
    );
    Ok(())
}

fn read(path: &Path, sink: &Mutex<ByType>) -> Result<ReadCounts, Box<dyn Error>> {
    let file = File::open(path)?;
    let bytes = file.metadata()?.len();
    let file = OnDisk { file: Mutex::new(file), bytes };
    let keys = TagKeys::default();
    let is_parquet = path.extension().is_some_and(|end| end == "parquet");
    Ok(if is_parquet { read_parquet(&file, &keys, sink)? } else { read_csv(&file, &keys, sink)? })
}

/// Fails on the first sum that is not the generator's to the last digit. Its CSV has no net columns.
fn compare(totals: &Value, found: &[(u64, [i128; 3], Amounts)], split: u64) -> Result<(), Box<dyn Error>> {
    let mut expected: BTreeMap<LineType, [i64; 4]> = BTreeMap::new();
    let by_type = totals["by_line_item_type"].as_object().ok_or("totals.json has no sums")?;
    for (name, numbers) in by_type {
        let line_type = match name.as_str() {
            "split" => continue,
            "Usage" => LineType::Usage,
            "DiscountedUsage" => LineType::DiscountedUsage,
            "SavingsPlanCoveredUsage" => LineType::SavingsPlanCoveredUsage,
            "SavingsPlanNegation" => LineType::SavingsPlanNegation,
            "SavingsPlanRecurringFee" => LineType::SavingsPlanRecurringFee,
            "SavingsPlanUpfrontFee" => LineType::SavingsPlanUpfrontFee,
            "RIFee" => LineType::ReservationFee,
            "Fee" => LineType::Fee,
            "Tax" => LineType::Tax,
            "Credit" => LineType::Credit,
            "Refund" => LineType::Refund,
            _ => LineType::Discount,
        };
        let sums = expected.entry(line_type).or_default();
        for (sum, number) in sums.iter_mut().zip(numbers.as_array().into_iter().flatten()) {
            *sum += number.as_i64().ok_or("a sum is no whole number")?;
        }
    }
    for (line_type, [rows, unblended, amortized, net]) in expected {
        let (found_rows, units, mut amounts) = found[line_type as usize];
        let [unblended_units, amortized_units, net_units] =
            units.map(|units| Amount::from_raw(units * 10_i128.pow(10)));
        amounts.add(&Amounts { unblended: unblended_units, amortized: amortized_units, net_amortized: net_units })?;
        let found_rows = if line_type == LineType::Usage { found_rows + split } else { found_rows };
        let in_units = |units: i64| Amount::from_raw(i128::from(units) * 10_i128.pow(10));
        let without_net = amounts.net_amortized == amounts.amortized;
        let is_same = i64::try_from(found_rows)? == rows
            && amounts.unblended == in_units(unblended)
            && amounts.amortized == in_units(amortized)
            && (without_net || amounts.net_amortized == in_units(net));
        if !is_same {
            return Err(format!("{line_type:?}: {found_rows} rows, {amounts:?}, but the generator says {rows}, {unblended}, {amortized}, {net}").into());
        }
    }
    Ok(())
}

fn peak_rss_mib() -> Result<u64, Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").trim().parse::<u64>()? / 1024)
}
