//! Files that are replaced while a report is read: before any call in turn. What is published is of the old files or of the new
//! ones, and every ranged read of a file that was replaced is noticed.

use std::io::Write;
use std::slice;
use std::sync::Arc;

use billing_report::write::{ReportRow, parquet};

use crate::lasting::csv;
use crate::peer::Meanwhile;
use crate::reports::{NO_FAILURES, line};
use crate::world::{MANIFEST, World, hand_over};

/// As many bytes for each price: only the content differs.
fn rows(price: &str) -> Vec<ReportRow> {
    vec![line("AmazonS3", "shared", price); 1_000]
}

fn file(key: &str, price: &str) -> Vec<u8> {
    if key.ends_with(".parquet") {
        return parquet(&rows(price)).unwrap();
    }
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(&csv(&rows(price))).unwrap();
    gzip.finish().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_replaced_before_any_ranged_read_ends_the_try() {
    let world = Arc::new(World::new().await);
    let keys = ["acme-00001.snappy.parquet", "acme-00002.csv.gz"]
        .map(|name| format!("billing/acme/data/BILLING_PERIOD=2026-10/{name}"));
    let [old, new] = ["0.001", "0.002"].map(|price| keys.clone().map(|key| (file(&key, price), key)));
    let put = async |world: &World, files: &[(Vec<u8>, String)]| {
        for (body, key) in files {
            world.put(key, body.clone()).await;
        }
    };
    put(&world, &old).await;
    world.announce("before", &keys).await;
    assert_eq!(world.take().await, NO_FAILURES);

    let (mut taken, mut refused, mut ranged) = (0, 0, 0);
    for calls in 0.. {
        put(&world, &old).await;
        world.announce(&format!("{calls}"), &keys).await;
        let head = world.head().await;
        let replacer = (Arc::clone(&world), new.clone());
        let meanwhile = Meanwhile::after_calls(calls, move || {
            let (world, new) = replacer.clone();
            Box::pin(async move {
                for (body, key) in new {
                    world.put(&key, body).await;
                }
            })
        });
        let announced = world.body(MANIFEST);
        let done = hand_over(&world.instance(Some(meanwhile.clone())), slice::from_ref(&announced), 1).await;
        assert!(meanwhile.has_happened(), "{calls}");
        let is_refused = !done.batch_item_failures.is_empty();
        if let Some(range) = meanwhile.range() {
            assert!(is_refused, "{range} was read after it was replaced");
            ranged += 1;
        }
        if is_refused {
            let failures = world.store.status().await.unwrap().failures;
            assert!(failures.iter().any(|failure| failure.detail.contains("was replaced while")), "{failures:?}");
            assert_eq!(world.head().await, head, "{calls}");
            refused += 1;
        } else if world.cost_of("all").await.as_deref() == Some("4") {
            assert_ne!(world.head().await, head, "{calls}");
            taken += 1;
        } else {
            // Every file has been read and looked at once more: what comes later is another report's.
            assert_eq!(world.cost_of("all").await.as_deref(), Some("2"));
            break;
        }
    }
    // Beside the ranged reads, files are looked at once before and once after all of them.
    assert!(taken > 0 && ranged >= 2 * keys.len() && refused > ranged, "{taken} {ranged} {refused}");
}
