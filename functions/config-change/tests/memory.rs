//! A snapshot is read in bounded memory. In a process of its own: what is measured is all of it.
#![cfg(target_os = "linux")]

#[cfg(test)]
#[path = "changes/stack.rs"]
#[expect(dead_code, reason = "the other tests of the function use the rest of it")]
mod stack;

/// Text of the snapshot, and what the process may grow by while it is read: pieces of 4 MiB, what 16 KB decompress to,
/// 16 items that are written, and both emulators. `CALLBOARD_SNAPSHOT_MB` makes it larger, and the bound stays.
const SNAPSHOT_MB: usize = 96;
const MAX_GROWTH_KB: u64 = 100_000;

/// Text of one item, most of it what is never kept, and how many of them tell of one resource: the file is to be long, and
/// the catalog need not be.
const ITEM_BYTES: usize = 64_000;
const QUEUES: usize = 50;

#[tokio::test]
async fn a_snapshot_is_never_held_whole() {
    use aws_sdk_s3::primitives::ByteStream;
    use flate2::{Compression, write::GzEncoder};
    use std::io::Write as _;

    let megabytes =
        std::env::var("CALLBOARD_SNAPSHOT_MB").ok().and_then(|text| text.parse().ok()).unwrap_or(SNAPSHOT_MB);
    let items = megabytes * 1_000_000 / ITEM_BYTES;
    let stack = stack::Stack::start().await;
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut encoder = GzEncoder::new(file.reopen().unwrap(), Compression::fast());
    encoder.write_all(br#"{"fileVersion":"1.0","configurationItems":["#).unwrap();
    for number in 0..items {
        let mut item =
            stack::queue_item(&format!("q{}", number % QUEUES), "OK", u32::try_from(number % 3_000).unwrap());
        // As compressible as items are.
        let words: String = (0..ITEM_BYTES / 16).map(|word| format!("{:016x}", word * number)).collect();
        item["configuration"]["Policy"] = words.into();
        let comma = if number == 0 { "" } else { "," };
        write!(encoder, "{comma}{item}").unwrap();
    }
    encoder.write_all(b"]}").unwrap();
    encoder.finish().unwrap();
    let key = "AWSLogs/111122223333/Config/eu-west-1/2026/9/7/ConfigSnapshot/111122223333_Config_eu-west-1_ConfigSnapshot_1.json.gz";
    let body = ByteStream::from_path(file.path()).await.unwrap();
    stack.raw_s3.put_object().bucket(stack::CONFIG).key(key).body(body).send().await.unwrap();

    // From here on the high-water mark counts anew.
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    let before_kb = status_kb("VmRSS:");
    stack.take(&stack::announced(stack::CONFIG, key, None)).await;
    let grown_kb = status_kb("VmHWM:").saturating_sub(before_kb);
    assert_eq!(stack.counts().await["parsed"], items);
    assert!(stack.exists(&stack::queue_arn("q1")).await);
    assert!(grown_kb < MAX_GROWTH_KB, "the process grew by {grown_kb} kB");
}

#[cfg(test)]
fn status_kb(field: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(field)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
