use proptest::prelude::*;
use sha2::{Digest, Sha256};

use super::*;

/// What Config says of a queue.
fn body() -> String {
    let field = |name: &str, value: &str| format!(r#""/spec/aws/{name}":"{value}""#);
    let fields = [
        field("accountId", "111122223333"),
        field("createdAt", "2026-03-01T08:00:00.000Z"),
        field("region", "eu-west-1"),
        field("resourceType", "AWS::SQS::Queue"),
        field("tags/component", "orders"),
    ];
    let head = r#""/apiVersion":"backstage.io/v1alpha1","/kind":"Resource""#;
    format!(r#"{{"facts":{{"fields":{{{head},{}}},"role":"observed"}}}}"#, fields.join(","))
}

#[test]
fn a_dictionary_never_changes() {
    let hash = hex::encode(Sha256::digest(DICTIONARY));
    assert_eq!((NUMBER, hash.as_str()), (1, "1020a9fd2fdcd6013ca111c3c6fae3de78088a76ca71cb8b22bc7a8c4df2e15a"));
}

#[test]
fn equal_texts_have_equal_bytes_whatever_was_packed_before() {
    let text = body();
    let packed = PackedText::of(&text).unwrap();
    assert!(packed.as_bytes().len() * 2 < text.len(), "{} of {}", packed.as_bytes().len(), text.len());
    PackedText::of(&"another ".repeat(5_000)).unwrap();
    assert_eq!(PackedText::of(&text), Some(packed.clone()));
    let elsewhere = std::thread::scope(|scope| scope.spawn(|| PackedText::of(&text)).join().unwrap());
    assert_eq!(elsewhere, Some(packed));
}

#[test]
fn what_is_short_or_long_or_gets_no_shorter_stays_a_text() {
    assert_eq!(PackedText::of(&"x".repeat(MIN_TEXT_BYTES - 1)), None);
    assert_eq!(PackedText::of(&"x".repeat(MAX_TEXT_BYTES + 1)), None);
    let mut state = 7_u64;
    let noise = std::iter::from_fn(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from_u32(u32::try_from(state >> 57).unwrap())
    });
    assert_eq!(PackedText::of(&noise.take(MIN_TEXT_BYTES).collect::<String>()), None);
    for bytes in [MIN_TEXT_BYTES, MAX_TEXT_BYTES] {
        let text = "x".repeat(bytes);
        assert_eq!(PackedText::of(&text).unwrap().text(), Ok(text));
    }
}

#[test]
fn what_is_cut_edited_or_of_another_build_is_refused() {
    let text = body();
    let packed = PackedText::of(&text).unwrap().into_bytes();
    for cut in 0..packed.len() {
        assert_eq!(PackedText::from_stored(&packed[..cut]).text(), Err(UnreadableText::Corrupt), "{cut}");
    }
    for at in 0..packed.len() {
        let mut edited = packed.clone();
        edited[at] ^= 1;
        let read = PackedText::from_stored(&edited).text();
        assert!(read.is_err() || read.as_ref() == Ok(&text), "{at}: {read:?}");
    }
    let later = [&[2], &packed[1..]].concat();
    assert_eq!(PackedText::from_stored(&later).text(), Err(UnreadableText::UnknownDictionary { number: 2 }));
}

#[test]
fn no_memory_is_taken_for_more_than_a_text_may_have() {
    let of_frame = |frame: &[u8]| PackedText::from_stored(&[&[NUMBER], frame].concat()).text();
    let long = zstd::bulk::compress(&vec![b'x'; MAX_TEXT_BYTES + 1], LEVEL).unwrap();
    assert_eq!(of_frame(&long), Err(UnreadableText::TooLong { bytes: MAX_TEXT_BYTES as u64 + 1 }));
    let mut without_length = Compressor::new(LEVEL).unwrap();
    without_length.include_contentsize(false).unwrap();
    assert_eq!(of_frame(&without_length.compress(&[b'x'; 1000]).unwrap()), Err(UnreadableText::Corrupt));
    let twice = zstd::bulk::compress(&[b'x'; 1000], LEVEL).unwrap().repeat(2);
    assert_eq!(of_frame(&twice), Err(UnreadableText::Corrupt));
    let no_text = zstd::bulk::compress(&[0xff; 1000], LEVEL).unwrap();
    assert_eq!(of_frame(&no_text), Err(UnreadableText::Corrupt));
}

proptest! {
    #[test]
    fn a_packed_text_reads_back(parts in prop::collection::vec("[a-z]{0,8}|\"/spec/aws/[a-zA-Z/]{0,9}\":|\\PC{0,20}", 20..200)) {
        let text = parts.concat();
        if let Some(packed) = PackedText::of(&text) {
            prop_assert!(packed.as_bytes().len() < text.len());
            prop_assert_eq!(packed.text(), Ok(text));
        }
    }
}
