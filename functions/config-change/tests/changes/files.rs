//! Snapshots and histories in Config's bucket.

use std::io::Write as _;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::stack::{ACCOUNT, CONFIG, OTHER, Stack, announced, gz, queue_arn, queue_item, send};

/// Shorter than Config's: the embedded S3 makes file names of keys.
pub(crate) fn snapshot_key() -> String {
    format!(
        "AWSLogs/{ACCOUNT}/Config/eu-west-1/2026/9/7/ConfigSnapshot/{ACCOUNT}_Config_eu-west-1_ConfigSnapshot_1.json.gz"
    )
}

fn history_key() -> String {
    format!(
        "AWSLogs/{ACCOUNT}/Config/eu-west-1/2026/9/7/ConfigHistory/{ACCOUNT}_Config_eu-west-1_ConfigHistory_AWS::SQS::Queue_1.json.gz"
    )
}

pub(crate) fn file(items: &[Value]) -> Vec<u8> {
    gz(json!({"fileVersion": "1.0", "configSnapshotId": "1", "configurationItems": items}).to_string().as_bytes())
}

#[tokio::test]
async fn all_items_of_a_snapshot_are_written_and_nothing_that_it_lacks_is_deleted() {
    let stack = Stack::start().await;
    stack.take(&queue_item("old", "OK", 1)).await;
    let items: Vec<Value> = (0..120).map(|number| queue_item(&format!("q{number}"), "OK", number)).collect();
    stack.put(CONFIG, &snapshot_key(), file(&items)).await;
    let told = announced(CONFIG, &snapshot_key(), None);
    stack.take(&told).await;
    stack.take(&told).await;
    assert!(stack.exists(&queue_arn("q0")).await && stack.exists(&queue_arn("q119")).await);
    assert!(stack.exists(&queue_arn("old")).await);
    let counts = stack.counts().await;
    assert_eq!((&counts["filesRead"], &counts["parsed"]), (&json!(2), &json!(241)));
    assert_eq!((&counts["applied"], &counts["duplicate"]), (&json!(122), &json!(120)));
}

#[tokio::test]
async fn several_states_of_a_resource_end_in_the_last_whatever_their_order() {
    let stack = Stack::start().await;
    let mut items: Vec<Value> = (0..40).map(|second| queue_item("jobs", "OK", second)).collect();
    items.push(queue_item("gone", "ResourceDeleted", 9));
    items.push(queue_item("gone", "OK", 8));
    items.reverse();
    stack.put(CONFIG, &history_key(), file(&items)).await;
    stack.take(&announced(CONFIG, &history_key(), None)).await;
    let record = stack.record(&queue_arn("jobs")).await;
    assert_eq!(record.fragments.values().next().unwrap().version.minor(), 39);
    assert!(!stack.exists(&queue_arn("gone")).await);
}

#[tokio::test]
async fn what_cannot_be_used_of_a_file_costs_none_of_the_rest_and_is_told() {
    let stack = Stack::start().await;
    let mut large = queue_item("large", "OK", 1);
    large["configuration"]["Policy"] = json!("x".repeat(1_100_000));
    let mut interface = queue_item("eni", "OK", 1);
    interface["resourceType"] = json!("AWS::EC2::NetworkInterface");
    let broken = queue_item("broken", "Lost", 1);
    let good = [queue_item("a", "OK", 1), queue_item("b", "OK", 1)];
    let [a, b] = good.map(|item| item.to_string());
    let bomb = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
    let text = format!(r#"{{"configurationItems":[{a},{large},{interface},{broken},{bomb},{{"bad" 1}},7,{b}]}}"#);
    let mut text = text.into_bytes();
    // One that is no UTF-8.
    let at = text.windows(5).position(|five| five == b"\"bad\"").unwrap();
    text[at + 1] = 0xff;
    stack.put(CONFIG, &snapshot_key(), gz(&text)).await;
    stack.take(&announced(CONFIG, &snapshot_key(), None)).await;
    assert!(stack.exists(&queue_arn("a")).await && stack.exists(&queue_arn("b")).await);
    let counts = stack.counts().await;
    assert_eq!((&counts["parsed"], &counts["refused"], &counts["typesLeftOut"]), (&json!(2), &json!(5), &json!(1)));
    let status = stack.status().await;
    let [failure] = status.failures.as_slice() else { panic!("{status:?}") };
    assert_eq!((failure.code.as_str(), failure.last_try), ("items-refused", false));
    let size = large.to_string().len();
    let expected = format!(
        "5 of 8 items of `{}` cannot be used, the first, number 2, because it has {size} bytes, and 1048576 are taken",
        snapshot_key().chars().take(120).collect::<String>()
    );
    assert_eq!(failure.detail, expected);
}

#[tokio::test]
async fn a_file_that_is_none_is_a_dead_letter_with_its_reason_and_keeps_what_came_before() {
    let good = queue_item("a", "OK", 1).to_string();
    let ratio = {
        let mut text = format!(r#"{{"configurationItems":[{good},{{"x":""#).into_bytes();
        text.extend(vec![b'x'; 64 * 1024 * 1024]);
        text.extend(br#""}]}"#);
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&text).unwrap();
        encoder.finish().unwrap()
    };
    let cut = gz(format!(r#"{{"configurationItems":[{good},{{"x""#).as_bytes());
    for (content, code, keeps) in [
        (ratio, "file-ratio", true),
        (cut, "file-truncated", true),
        (gz(b"[]"), "file-no-items", false),
        (b"no gzip".to_vec(), "file-no-gzip", false),
        (Vec::new(), "file-no-gzip", false),
    ] {
        let stack = Stack::start().await;
        stack.put(CONFIG, &snapshot_key(), content).await;
        let told = announced(CONFIG, &snapshot_key(), None).to_string();
        assert_eq!(stack.send(&[("m", 3, told)]).await, ["m"], "{code}");
        assert_eq!(stack.status().await.failures[0].code, code);
        assert_eq!(stack.exists(&queue_arn("a")).await, keeps, "{code}");
        assert_eq!(stack.counts().await["refused"], 1);
    }
}

#[tokio::test]
async fn only_files_of_items_in_config_s_bucket_are_read() {
    let stack = Stack::start().await;
    stack.put(OTHER, &snapshot_key(), file(&[queue_item("a", "OK", 1)])).await;
    let foreign = announced(OTHER, &snapshot_key(), None).to_string();
    assert_eq!(stack.send(&[("m", 3, foreign)]).await, ["m"]);
    assert_eq!(stack.status().await.failures[0].code, "foreign-bucket");
    let check = format!("AWSLogs/{ACCOUNT}/Config/ConfigWritabilityCheckFile");
    for key in [check, snapshot_key().replace("AWSLogs/", "AWSLogs/../AWSLogs/"), crate::oversized::key()] {
        stack.take(&announced(CONFIG, &key, None)).await;
    }
    stack
        .take(
            &json!({"Service": "Amazon S3", "Event": "s3:TestEvent", "Time": "2026-11-20T10:00:00Z", "Bucket": CONFIG}),
        )
        .await;
    assert_eq!(stack.asked.take(), [""; 0]);
    assert_eq!(stack.counts().await["ignored"], 3);
}

#[tokio::test]
async fn a_file_that_was_replaced_or_removed_is_left_to_the_event_of_what_came_instead() {
    let stack = Stack::start().await;
    stack.take(&announced(CONFIG, &snapshot_key(), Some("0123456789abcdef0123456789abcdef"))).await;
    stack.put(CONFIG, &snapshot_key(), file(&[queue_item("a", "OK", 1)])).await;
    stack.take(&announced(CONFIG, &snapshot_key(), Some("0123456789abcdef0123456789abcdef"))).await;
    assert!(!stack.exists(&queue_arn("a")).await);
    assert_eq!(stack.counts().await["ignored"], 2);
}

#[tokio::test]
async fn a_file_that_takes_longer_than_an_invocation_goes_on_with_the_next_try() {
    let mut stack = Stack::start().await;
    stack.deps.reading_time = Duration::ZERO;
    // Random letters: the file is several steps long.
    let noise = |seed: u32| -> String {
        let mut state = u64::from(seed) + 1;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            char::from(b'a' + u8::try_from((state >> 33) % 26).unwrap())
        };
        (0..2_000).map(|_| next()).collect()
    };
    let items: Vec<Value> = (0..120)
        .map(|number| {
            let mut item = queue_item(&format!("q{number}"), "OK", number);
            item["configuration"]["Policy"] = json!(noise(number));
            item
        })
        .collect();
    let content = file(&items);
    assert!(content.len() > 64 * 1024, "{}", content.len());
    stack.put(CONFIG, &snapshot_key(), content).await;
    let told = announced(CONFIG, &snapshot_key(), None).to_string();
    let mut tries = 0;
    loop {
        tries += 1;
        assert!(tries < 100);
        if send(&stack.another_process(), &[("m", 1, told.clone())]).await.is_empty() {
            break;
        }
        assert_eq!(stack.status().await.failures[0].code, "file-goes-on");
    }
    assert!(tries > 4, "{tries}");
    for number in [0, 60, 119] {
        assert!(stack.exists(&queue_arn(&format!("q{number}"))).await);
    }
    let counts = stack.counts().await;
    assert_eq!((&counts["parsed"], &counts["filesRead"]), (&json!(120), &json!(1)), "no item was read twice");
}
