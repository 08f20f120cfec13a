use catalog_store::{IndexState, SegmentPointer, StoreError, Superseded};
use sha2::{Digest, Sha256};

use crate::faults::{Fault, with_fault};
use crate::stack::{BUCKET, NOW, Stack};

const HOUR_MS: u64 = 60 * 60 * 1000;

fn pointer(seq: u64, rules: &str, generation: &str) -> SegmentPointer {
    SegmentPointer {
        seq,
        hash: hex::encode(Sha256::digest(format!("{seq} {rules} {generation}"))),
        bytes: 100,
        directory_offset: 90,
        directory_bytes: 10,
        directory_hash: "d".into(),
        rules: rules.into(),
        format: 1,
        entities: 7,
        at_ms: NOW + seq,
        generation: generation.into(),
        settled_seq: 0,
    }
}

async fn standing(stack: &Stack) -> Option<SegmentPointer> {
    stack.store.index_state().await.unwrap().pointer
}

#[tokio::test]
async fn a_compaction_goes_on_from_its_generation_and_only_forward() {
    let stack = Stack::start().await;
    assert_eq!(stack.store.index_state().await.unwrap(), IndexState::default());
    let compact = async |pointer: &SegmentPointer| stack.store.flip_to_compacted(pointer).await.unwrap();
    assert!(compact(&pointer(10, "a", "")).await);
    assert!(!compact(&pointer(10, "a", "")).await);
    assert!(!compact(&pointer(9, "a", "")).await);
    assert!(!compact(&pointer(11, "b", "")).await, "rows by other rules are for a rebuild");
    assert!(!compact(&pointer(11, "a", "x")).await);
    assert!(compact(&pointer(12, "a", "")).await);
    assert_eq!(standing(&stack).await, Some(pointer(12, "a", "")));
}

#[tokio::test]
async fn a_rebuild_begins_a_generation_and_a_compaction_from_before_it_is_lost() {
    let stack = Stack::start().await;
    stack.store.note_log_end(4).await.unwrap();
    assert_eq!(stack.store.index_state().await.unwrap(), IndexState { log_end: 4, ..IndexState::default() });
    let rebuild = async |pointer: &SegmentPointer| stack.store.flip_to_rebuilt(pointer).await.unwrap();
    assert!(stack.store.flip_to_compacted(&pointer(10, "a", "")).await.unwrap());
    assert!(!rebuild(&pointer(9, "a", "x")).await, "it knows less of the log");
    assert!(rebuild(&pointer(10, "a", "x")).await);
    assert!(!stack.store.flip_to_compacted(&pointer(20, "a", "")).await.unwrap());
    assert!(rebuild(&pointer(3, "b", "y")).await, "other rules make every row anew");
    assert_eq!(standing(&stack).await, Some(pointer(3, "b", "y")));
    assert_eq!(stack.store.index_state().await.unwrap().log_end, 4);
}

#[tokio::test]
async fn of_flips_at_once_the_furthest_stands_whatever_breaks_off() {
    let stack = Stack::start().await;
    let flips = (1..=24).map(|n| {
        let (store, seq) = (stack.store.clone(), n * 7 % 25);
        let fault = [Fault::Never, Fault::Before(0), Fault::After(0)][usize::try_from(n % 3).unwrap()];
        with_fault(if seq == 24 { Fault::Never } else { fault }, async move {
            // Who is broken off does not know; others go on.
            drop(store.flip_to_compacted(&pointer(seq, "a", "")).await);
        })
    });
    futures::future::join_all(flips).await;
    assert_eq!(standing(&stack).await, Some(pointer(24, "a", "")));
}

#[tokio::test]
async fn a_segment_is_read_in_ranges_and_one_that_is_lost_or_edited_is_told() {
    let stack = Stack::start().await;
    let content: Vec<u8> = (0..=255).collect();
    let hash = hex::encode(Sha256::digest(&content));
    for _ in 0..2 {
        stack.store.put_segment(&hash, content.clone()).await.unwrap();
    }
    assert_eq!(stack.objects("segments"), std::slice::from_ref(&hash));
    assert_eq!(stack.store.segment(&hash).await.unwrap(), content);
    assert_eq!(stack.store.segment_range(&hash, 16, 4).await.unwrap().as_ref(), [16, 17, 18, 19]);
    assert!(stack.store.segment_range(&hash, 16, 0).await.unwrap().is_empty());
    for (offset, length) in [(250, 10), (256, 1), (1 << 60, 1)] {
        let error = stack.store.segment_range(&hash, offset, length).await.unwrap_err();
        assert!(matches!(error, StoreError::CorruptObject { .. }), "{offset}: {error:?}");
    }
    let missing = stack.store.segment_range(&"0".repeat(64), 0, 1).await.unwrap_err();
    assert!(matches!(missing, StoreError::MissingObject { .. }), "{missing:?}");

    let edited = stack.raw_s3.put_object().bucket(BUCKET).key(format!("segments/{hash}"));
    edited.body(vec![0; 256].into()).send().await.unwrap();
    assert!(matches!(stack.store.segment(&hash).await, Err(StoreError::CorruptObject { .. })));
}

#[tokio::test]
async fn a_segment_goes_an_hour_after_it_was_superseded() {
    let stack = Stack::start().await;
    let mut pointers: Vec<SegmentPointer> = (1..=4).map(|n| pointer(n, "a", "")).collect();
    for (n, pointer) in (0..).zip(&mut pointers) {
        pointer.at_ms = NOW + n * HOUR_MS;
        stack.store.put_segment(&pointer.hash, vec![1]).await.unwrap();
        assert!(stack.store.flip_to_compacted(pointer).await.unwrap());
    }
    let state = stack.store.index_state().await.unwrap();
    let superseded = |n: usize| Superseded { hash: pointers[n].hash.clone(), at_ms: pointers[n + 1].at_ms };
    assert_eq!(state.superseded, [superseded(0), superseded(1), superseded(2)]);

    // Three hours after the first, two who clean up at once, one of whom breaks off.
    let before = NOW + 2 * HOUR_MS + 1;
    let (broken_off, done) = futures::future::join(
        with_fault(Fault::After(0), stack.store.delete_superseded(&state, before)),
        stack.store.delete_superseded(&state, before),
    )
    .await;
    broken_off.unwrap_err();
    assert_eq!(done.unwrap(), 2);
    let left = stack.store.index_state().await.unwrap();
    assert_eq!(left.superseded, [superseded(2)]);
    let mut kept = vec![pointers[2].hash.clone(), pointers[3].hash.clone()];
    kept.sort();
    assert_eq!(stack.objects("segments"), kept);
}

#[tokio::test]
async fn a_segment_that_counts_again_is_not_deleted() {
    let stack = Stack::start().await;
    let (a, b) = (pointer(1, "a", "g"), pointer(1, "b", "h"));
    stack.store.put_segment(&a.hash, vec![1]).await.unwrap();
    for pointer in [&a, &b, &a] {
        assert!(stack.store.flip_to_rebuilt(pointer).await.unwrap());
    }
    let state = stack.store.index_state().await.unwrap();
    assert_eq!(stack.store.delete_superseded(&state, u64::MAX).await.unwrap(), 2);
    assert_eq!(stack.objects("segments"), std::slice::from_ref(&a.hash));
    assert_eq!(stack.store.index_state().await.unwrap().superseded, []);
}

#[tokio::test]
async fn the_key_of_cursors_is_made_once() {
    let stack = Stack::start().await;
    assert_eq!(stack.store.cursor_key().await.unwrap(), None);
    let makers = (0..8).map(|_| stack.store.make_cursor_key());
    futures::future::try_join_all(makers).await.unwrap();
    let key = stack.store.cursor_key().await.unwrap().unwrap();
    stack.store.make_cursor_key().await.unwrap();
    assert_eq!(stack.store.cursor_key().await.unwrap(), Some(key));
    assert_ne!(key, [0; 32]);
}
