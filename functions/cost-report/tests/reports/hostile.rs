//! Reports that are made to harm: each is refused with a reason, and the month that stood still stands.

use std::io::Write;

use billing_report::write::{manifest, parquet};
use serde_json::json;

use crate::reports::{NO_FAILURES, line};
use crate::world::{BUCKET, MANIFEST, World};

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

const HEAD: &str = "line_item_line_item_type,line_item_usage_account_id,line_item_usage_start_date,\
    line_item_product_code,line_item_currency_code,line_item_unblended_cost\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_report_is_refused_with_a_reason_and_the_old_month_is_served() {
    let world = World::new().await;
    let rows = [line("AmazonEC2", "", "2"), line("AmazonS3", "b", "1")];
    world.deliver("good", &rows).await;
    assert_eq!(world.take().await, NO_FAILURES);
    let head = world.head().await.unwrap();
    let good = parquet(&rows).unwrap();

    let footer_of_two_gigabytes = [&good[..good.len() - 8], &[0xff, 0xff, 0xff, 0x7f], b"PAR1"].concat();
    let mut page_of_two_gigabytes = good.clone();
    // The first page's header begins behind the magic number: type, then the decompressed size as a varint.
    let claimed = [0x15, 0x00, 0x15, 0xfe, 0xff, 0xff, 0xff, 0x0f];
    page_of_two_gigabytes[4..12].copy_from_slice(&claimed);
    let text_as_cost = {
        let mut row = line("AmazonEC2", "", "2");
        row.insert("line_item_product_code".into(), json!("x".repeat(2_000_000)));
        parquet(&[row]).unwrap()
    };
    let long_field = format!("{HEAD}Usage,1,2026-10-01,\"{}\",USD,1\n", "x".repeat(10_000_000));
    let blank_lines = [HEAD.as_bytes(), &vec![b'\n'; 80_000_000]].concat();
    let open_quote = format!("{HEAD}Usage,1,2026-10-01,\"AmazonEC2,USD,1\n");
    for (at, (file, body, expected)) in [
        ("a.parquet", footer_of_two_gigabytes, "its footer is longer than the file"),
        ("b.parquet", page_of_two_gigabytes, "the file"),
        ("c.parquet", text_as_cost, "row 1 has a field of more than 1048576 bytes"),
        ("d.csv", long_field.into_bytes(), "has a field of more than 1048576 bytes"),
        ("e.csv.gz", gzip(&blank_lines), "times its size when decompressed, more than 250"),
        ("f.csv", open_quote.into_bytes(), "the CSV file is broken at row 0: unexpected end of file"),
        ("g.csv.gz", gzip(HEAD.as_bytes())[..30].to_vec(), "the CSV file is broken at row 0"),
        ("h.zip", b"PK\x03\x04 and nothing else".to_vec(), "the zip file cannot be opened"),
    ]
    .into_iter()
    .enumerate()
    {
        world.put(file, body).await;
        world.announce(&format!("bad-{at}"), &[file.to_owned()]).await;
        let failures = world.take().await;
        assert!(failures[0].contains(expected), "{file}: {failures:?}");
        assert_eq!(world.head().await.unwrap(), head, "{file}");
        assert_eq!(world.cost_of("all").await.as_deref(), Some("3"));
    }
    let many: Vec<String> = (0..20_000).map(|at| format!("{at}.parquet")).collect();
    world.put(MANIFEST, manifest(BUCKET, "arn", "many", &many).to_string()).await;
    assert!(world.take().await[0].contains("names 20000 files, more than 10000"));
    world.put(MANIFEST, manifest("elsewhere", "arn", "foreign", &many[..1]).to_string()).await;
    assert!(world.take().await[0].contains("which is not in its own bucket"));
    assert_eq!(world.head().await.unwrap(), head);
}
