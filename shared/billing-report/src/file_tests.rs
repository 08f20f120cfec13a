//! Whole files: real and generated reports, and damaged ones.

use std::collections::BTreeMap;
use std::path::Path;

use cost_model::{Amount, Amounts, Metric};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::line_item_tests::row;
use crate::test_sink::{Shown, read_csv, read_parquet};
use crate::write::{self, ReportRow};
use crate::{MAX_FIELD_BYTES, ReadCounts};

/// Sums by line item type: rows with those of split cost allocation, and the three metrics in units of 1e-10.
fn totals(
    read: impl FnOnce(&mut (dyn FnMut(&Shown) + Send)) -> ReadCounts,
) -> (BTreeMap<String, (u64, Amounts)>, ReadCounts) {
    let mut by_type: BTreeMap<String, (u64, Amounts)> = BTreeMap::new();
    let counts = read(&mut |item: &Shown| {
        let (rows, amounts) = by_type.entry(format!("{:?}", item.line_type)).or_default();
        *rows += 1;
        amounts.add(&item.amounts).unwrap();
    });
    (by_type, counts)
}

fn samples(folder: &str) -> Option<std::path::PathBuf> {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/samples"));
    if !root.is_dir() {
        println!("skipped: the collection of sample reports is not beside this checkout");
        return None;
    }
    Some(root.join("cost").join(folder))
}

fn files(folder: &Path, ending: &str) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<(String, Vec<u8>)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().ends_with(ending))
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(path).unwrap()))
        .collect();
    files.sort();
    files
}

fn expect_totals(folder: &Path, found: &BTreeMap<String, (u64, Amounts)>, split: u64, with_net: bool) {
    let oracle: Value = serde_json::from_slice(&std::fs::read(folder.join("totals.json")).unwrap()).unwrap();
    for (line_type, expected) in oracle["by_line_item_type"].as_object().unwrap() {
        if line_type == "split" {
            assert_eq!(expected[0], split);
            continue;
        }
        let name = match line_type.as_str() {
            "RIFee" => "ReservationFee".to_owned(),
            // None of them in the samples: their sums are one.
            "EdpDiscount" | "BundledDiscount" => "Discount".to_owned(),
            other => other.to_owned(),
        };
        let (rows, amounts) = found.get(&name).copied().unwrap_or_default();
        let rows = if name == "Usage" { rows + split } else { rows };
        let in_units = |at: usize| Amount::from_raw(i128::from(expected[at].as_i64().unwrap()) * 10_i128.pow(10));
        let net = if with_net { in_units(3) } else { in_units(2) };
        let expected = Amounts { unblended: in_units(1), amortized: in_units(2), net_amortized: net };
        assert_eq!(
            (rows, amounts),
            (oracle["by_line_item_type"][line_type][0].as_u64().unwrap(), expected),
            "{line_type}"
        );
    }
}

#[test]
fn generated_reports_add_up_to_the_generators_totals() {
    if let Some(folder) = samples("cur2-generated") {
        let (found, counts) = totals(|visit| {
            let mut counts = ReadCounts::default();
            for (_, file) in files(&folder, ".parquet") {
                let read = read_parquet(file.into(), |item| {
                    visit(item);
                    Ok(())
                });
                counts.split += read.unwrap().split;
            }
            counts
        });
        expect_totals(&folder, &found, counts.split, true);
    }
    if let Some(folder) = samples("legacy-generated") {
        let (found, counts) = totals(|visit| {
            let (_, file) = &files(&folder, ".csv.gz")[0];
            read_csv(file, |item| {
                visit(item);
                Ok(())
            })
            .unwrap()
        });
        expect_totals(&folder, &found, counts.split, false);
    }
}

#[test]
fn real_legacy_reports_are_read() {
    let Some(folder) = samples("legacy-cur-parquet") else { return };
    let mut shown = Vec::new();
    let mut show = |name: &str, by_type: &BTreeMap<String, (u64, Amounts)>, counts: &ReadCounts| {
        for (line_type, (rows, amounts)) in by_type {
            let amounts = Metric::ALL.map(|metric| amounts.get(metric).to_string()).join(" ");
            shown.push(format!("{name} {line_type} {rows}: {amounts}"));
        }
        assert_eq!(counts.unknown_types, BTreeMap::new());
    };
    for (name, file) in files(&folder, ".parquet") {
        let (by_type, counts) = totals(|visit| {
            read_parquet(file.into(), |item| {
                visit(item);
                Ok(())
            })
            .unwrap()
        });
        show(&name[name.len() - 20..], &by_type, &counts);
    }
    for (name, file) in files(&folder.with_file_name("legacy-cur-csv"), ".csv.gz") {
        let (by_type, counts) = totals(|visit| {
            read_csv(&file, |item| {
                visit(item);
                Ok(())
            })
            .unwrap()
        });
        show(&name, &by_type, &counts);
    }
    // The sums were confirmed by an independent reader.
    insta::assert_snapshot!(shown.join("\n"), @r"
    10e3bc2ac7a6.parquet Usage 153: 0 0 0
    5a63ff447fa4.parquet Usage 712: 0 0 0
    e54380ec03b0.parquet Usage 779: 0 0 0
    e30ff784b7fc.parquet Usage 591: 0 0 0
    koku_test_cur.csv.gz Usage 19: 0.0827499841274349353 0.0827499841274349353 0.0827499841274349353
    ");
}

fn good_file() -> Vec<u8> {
    let rows: Vec<ReportRow> = (0..50)
        .map(|at| row(&json!({"line_item_unblended_cost": format!("0.{at}"), "resource_tags": {"user_env": format!("e{at}")}})))
        .collect();
    write::parquet(&rows).unwrap()
}

#[test]
fn what_is_no_parquet_is_refused() {
    let good = good_file();
    for (file, expected) in [
        (b"".to_vec(), "the file is not Parquet: it is too short"),
        (b"<html>no such bucket</html>".to_vec(), "the file is not Parquet: it does not begin with PAR1"),
        (
            good[..good.len() - 9].to_vec(),
            "the file is not Parquet: it does not end with PAR1; it may be cut off, or encrypted",
        ),
        (b"PAR1\xff\xff\xff\x7fPAR1".to_vec(), "the file is not Parquet: its footer is longer than the file"),
    ] {
        assert_eq!(read_parquet(file.into(), |_| Ok(())).unwrap_err().to_string(), expected);
    }
    let mut rows = row(&json!({}));
    rows.insert("line_item_line_item_type".into(), Value::Null);
    assert!(read_parquet(write::parquet(&[rows]).unwrap().into(), |_| Ok(())).is_ok());
}

#[test]
fn a_csv_that_is_none_is_refused() {
    let head = "line_item_line_item_type,line_item_usage_account_id,line_item_usage_start_date,line_item_product_code,line_item_currency_code,line_item_unblended_cost\n";
    let with = |row: &str| format!("{head}{row}\n");
    for (file, expected) in [
        (String::new(), "the report has no column `line_item_line_item_type`; add it to the export's columns"),
        (with("Usage,1,2026-10-01,AmazonEC2,USD"), "row 1 has 5 fields, but the head line has 6"),
        (with("Usage,1,2026-10-01,AmazonEC2,USD,1,1"), "row 1 has 7 fields, but the head line has 6"),
        (with("Usage,1,2026-10-01,AmazonEC2,USD,1.5x"), "row 1: column `line_item_unblended_cost` holds no amount"),
        (
            with("Usage,1,October,AmazonEC2,USD,1"),
            "row 1: column `line_item_usage_start_date` holds `October`, which is no time",
        ),
        (
            with("Usage,1,2026-10-01,AmazonEC2,dollars,1"),
            "row 1: column `line_item_currency_code` holds `dollars`, which is no currency code of three letters",
        ),
        (with(&"x".repeat(3 * MAX_FIELD_BYTES)), "row 1 has a field of more than 1048576 bytes"),
        (
            "\u{1f}\u{8b}".to_owned(),
            "the report has no column `line_item_line_item_type`; add it to the export's columns",
        ),
    ] {
        assert_eq!(read_csv(file.as_bytes(), |_| Ok(())).unwrap_err().to_string(), expected);
    }
    assert!(read_csv(&[0x1f, 0x8b, 8, 0, 1], |_| Ok(())).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn a_damaged_file_is_an_error_or_is_read_and_never_ends_the_process(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
    ) {
        static GOOD: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(good_file);
        let mut file = GOOD.clone();
        for (at, byte) in damage {
            let at = at.index(file.len());
            file[at] = byte;
        }
        let mut lines = 0;
        if let Ok(counts) = read_parquet(file.into(), |_| { lines += 1; Ok(()) }) {
            prop_assert_eq!(counts.lines, lines);
        }
    }
}

#[test]
fn a_row_that_needs_the_product_still_has_the_columns_behind_it() {
    // In other reports than AWS's of today the product is not the last column. A tag's column is written behind it here.
    let mut rows: Vec<ReportRow> = (0..200)
        .map(|at| row(&json!({"resource_tags_user_environment": format!("environment-{at}"), "product_region_code": "eu-west-1"})))
        .collect();
    let of_product = json!({"resource_tags_user_environment": "last", "product": {"region": "eu-north-1"}});
    rows.push(row(&of_product));
    let mut seen = Vec::new();
    let counts = read_parquet(write::parquet(&rows).unwrap().into(), |item| {
        seen.push((item.region.clone(), item.environment.clone()));
        Ok(())
    });
    assert_eq!(counts.unwrap().lines, 201);
    assert_eq!(seen.len(), 201);
    assert_eq!(seen[0], ("eu-west-1".to_owned(), Some("environment-0".to_owned())));
    assert_eq!(seen[200], ("eu-north-1".to_owned(), Some("last".to_owned())));
}
