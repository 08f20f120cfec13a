//! A long drop holds a bounded part of its object in memory, and so does its replay. In a process of its own: what is measured is all of it.
#![cfg(target_os = "linux")]

#[cfg(test)]
#[path = "doors/stack.rs"]
#[expect(dead_code, reason = "the other tests of the function use the rest of it")]
mod stack;

/// An object of 96 MB, and what the process may grow by while it is loaded and replayed: pieces and a part of the journal
/// of 4 MiB, 16 fragments that are written, and both emulators.
const DOCUMENTS: usize = 600;
const DOCUMENT_BYTES: usize = 160_000;
const MAX_GROWTH_KB: u64 = 80_000;

#[tokio::test]
async fn a_long_object_is_never_held_whole() {
    use aws_sdk_s3::primitives::ByteStream;
    use std::io::Write as _;

    let mut stack = stack::Stack::start().await;
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let text = noise(50 * DOCUMENT_BYTES);
    for (number, start) in (0..DOCUMENTS).zip((0..50).map(|nth| nth * DOCUMENT_BYTES).cycle()) {
        let description = &text[start..start + DOCUMENT_BYTES];
        writeln!(
            file,
            r#"---
{{"apiVersion":"backstage.io/v1alpha1","kind":"System","metadata":{{"name":"s{number}","description":"{number} {description}"}},"spec":{{"owner":"a"}}}}"#
        )
        .unwrap();
    }
    let key = "exports/acme/catalog-info/all.yaml";
    let body = ByteStream::from_path(file.path()).await.unwrap();
    stack.raw_s3.put_object().bucket(stack::DROP).key(key).body(body).send().await.unwrap();
    let etag = stack.etag(key).await;

    // From here on the high-water mark counts anew.
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    let before_kb = status_kb("VmRSS:");
    let created = stack::notification("ObjectCreated:Put", key, Some(&etag), 1, "01");
    assert!(stack.batch(&[("m1", 1, created)]).await.is_empty());
    stack.lose_table().await;
    let replayed = stack.invoke(serde_json::json!({"action": "replay"})).await;
    assert_eq!(replayed["applied"], DOCUMENTS);
    let grown_kb = status_kb("VmHWM:").saturating_sub(before_kb);
    assert!(stack.exists(&format!("system:default/s{}", DOCUMENTS - 1)).await);
    assert!(grown_kb < MAX_GROWTH_KB, "the process grew by {grown_kb} kB");
}

/// Letters that no packer makes much less of.
#[cfg(test)]
fn noise(bytes: usize) -> String {
    let mut state = 88_172_645_463_325_252_u64;
    let mut words = std::iter::from_fn(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        Some(format!("{state:016x}"))
    });
    words.by_ref().take(bytes.div_ceil(16)).collect()
}

#[cfg(test)]
fn status_kb(field: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(field)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
