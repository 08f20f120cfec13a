//! What is read page by page is what the decoder of every encoding reads, however a writer lays it out.

use std::sync::Arc;

use bytes::Bytes;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::basic::{Compression, Encoding};
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder, WriterVersion};
use parquet::schema::types::ColumnPath;
use serde_json::json;

use crate::line_item_tests::row;
use crate::months_tests::{Dice, line, pod};
use crate::parquet_chunks::Chunks;
use crate::parquet_file::footer;
use crate::parquet_group::Group;
use crate::test_sink::{Shown, read_parquet};
use crate::write::{self, ReportRow};
use crate::{LineType, ReadCounts, TagKeys};

/// In pages and row groups of all sizes, with dictionaries that are given up after a few values.
fn layout(dice: &mut Dice) -> WriterPropertiesBuilder {
    let size = |dice: &mut Dice| usize::try_from(dice.pick(&[1, 7, 60, 700, 100_000]) + dice.roll(9)).unwrap();
    WriterProperties::builder()
        .set_compression(dice.pick(&[Compression::SNAPPY, Compression::UNCOMPRESSED]))
        .set_writer_version(dice.pick(&[WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0]))
        .set_dictionary_enabled(dice.roll(4) > 0)
        .set_encoding(Encoding::PLAIN)
        .set_dictionary_page_size_limit(size(dice))
        .set_data_page_row_count_limit(size(dice))
        .set_data_page_size_limit(size(dice) + 16)
        .set_write_batch_size(size(dice).min(100))
        .set_max_row_group_row_count(Some(size(dice) + 40))
}

/// A column that is read, but in an encoding that only the other way knows.
fn otherwise(layout: WriterPropertiesBuilder) -> WriterProperties {
    let column = ColumnPath::from("pricing_unit");
    layout
        .set_column_dictionary_enabled(column.clone(), false)
        .set_column_encoding(column, Encoding::DELTA_BYTE_ARRAY)
        .build()
}

fn rows(dice: &mut Dice, count: u64) -> Vec<ReportRow> {
    (0..count)
        .map(|_| {
            let mut row = if dice.roll(9) == 0 { pod(dice, 10, 31) } else { line(dice, 10, 31).0 };
            let said = |dice: &mut Dice| dice.pick(&["", " ", "a", "b", "some text that is longer than the others", "ü"]);
            for column in ["pricing_unit", "line_item_operation", "user_owner", "bill_invoice_id"] {
                if dice.roll(3) == 0 {
                    row.insert(column.into(), said(dice).into());
                }
            }
            if dice.roll(3) == 0 {
                row.insert("tags".into(), json!({"resourceTags/owner": said(dice), "x": "y", "resourceTags/env": said(dice)}));
            }
            if dice.roll(4) == 0 {
                row.insert("cost_category".into(), json!({"team": said(dice), "component": said(dice)}));
            }
            if dice.roll(9) == 0 {
                row.insert("bill_billing_entity".into(), "AWS Marketplace".into());
                row.insert("product".into(), json!({"product_name": said(dice), "region": "eu-north-1"}));
            }
            let rates = json!({"line_item_unblended_rate": "0.0960000000", "line_item_usage_amount": dice.roll(50).to_string()});
            row.extend(rates.as_object().unwrap().clone());
            row
        })
        .collect()
}

fn shown(file: Vec<u8>) -> (Vec<Shown>, ReadCounts) {
    let mut lines = Vec::new();
    let counts = read_parquet(file.into(), |item| {
        lines.push(item.clone());
        Ok(())
    });
    (lines, counts.unwrap())
}

#[test]
fn pages_say_what_the_decoder_of_every_encoding_says() {
    for seed in 0..120 {
        let mut dice = Dice(seed * 1_000_003 + 17);
        let count = dice.pick(&[1, 3, 40, 200]) + dice.roll(5);
        let rows = rows(&mut dice, count);
        let layout = layout(&mut dice);
        let pages = write::parquet_as(&rows, layout.clone().build()).unwrap();
        assert_eq!(shown(pages), shown(write::parquet_as(&rows, otherwise(layout)).unwrap()), "seed {seed}");
    }
}

#[test]
fn rows_of_many_batches_are_read_in_their_order() {
    let mut dice = Dice(3);
    let rows = rows(&mut dice, 5_000);
    let plain = WriterProperties::builder().build();
    let pages = write::parquet_as(&rows, plain).unwrap();
    let expected = shown(write::parquet_as(&rows, otherwise(WriterProperties::builder())).unwrap());
    assert_eq!(shown(pages), expected);
}

#[test]
fn a_column_that_few_lines_need_is_read_where_they_are() {
    let covered = [5, 2_047, 6_200, 6_201, 12_999];
    let rows: Vec<ReportRow> = (0..13_000)
        .map(|at| {
            let line_type = if covered.contains(&at) { "SavingsPlanCoveredUsage" } else { "Usage" };
            let mut row = row(&json!({"line_item_line_item_type": line_type, "line_item_unblended_cost": "0.5"}));
            // Others have it too, but for a few.
            if at % 7 > 0 || covered.contains(&at) {
                row.insert("savings_plan_savings_plan_effective_cost".into(), at.to_string().into());
            }
            row
        })
        .collect();
    let layout =
        || WriterProperties::builder().set_data_page_row_count_limit(900).set_dictionary_page_size_limit(20_000);
    for properties in [layout().build(), otherwise(layout())] {
        let (lines, _) = shown(write::parquet_as(&rows, properties).unwrap());
        let found: Vec<(usize, String)> = (0..)
            .zip(&lines)
            .filter(|(_, line)| line.line_type == LineType::SavingsPlanCoveredUsage)
            .map(|(at, line)| (at, line.amounts.amortized.to_string()))
            .collect();
        assert_eq!(found, covered.map(|at| (at, at.to_string())));
    }
}

#[test]
fn a_common_file_is_read_page_by_page() {
    let mut dice = Dice(5);
    let rows = rows(&mut dice, 20);
    let is_common = |properties| {
        let (file, keys) = (Bytes::from(write::parquet_as(&rows, properties).unwrap()), TagKeys::default());
        let metadata = footer(&file).unwrap();
        let schema = ArrowReaderMetadata::try_new(metadata.clone(), ArrowReaderOptions::new()).unwrap();
        let roots: Vec<usize> = (0..schema.schema().fields().len()).collect();
        let mut chunks = Chunks::new(file.len() as u64);
        chunks.load(&file, &metadata, 0, &roots).unwrap();
        Group::open(&Arc::new(chunks), &metadata, 0, schema.schema(), &roots, &keys).unwrap().is_some()
    };
    assert!(is_common(WriterProperties::builder().build()));
    assert!(!is_common(otherwise(WriterProperties::builder())));
}
