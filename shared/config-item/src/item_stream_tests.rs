use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;

fn gz(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

/// Items and how the file ends, pushed in pieces of this many bytes.
fn read(file: &[u8], piece: usize) -> (Vec<String>, Result<(), FileError>) {
    let mut stream = ItemStream::default();
    let mut items = Vec::new();
    let pieces = file.chunks(piece).map(Some).chain([None]);
    for piece in pieces {
        let done = match piece {
            Some(piece) => stream.push(piece),
            None => stream.finish(),
        };
        while let Some(item) = stream.next_item() {
            items.push(match item {
                StreamedItem::Text(text) => String::from_utf8_lossy(&text).into_owned(),
                StreamedItem::TooLarge { bytes } => format!("too large: {bytes}"),
            });
        }
        if done.is_err() {
            return (items, done);
        }
    }
    (items, Ok(()))
}

#[test]
fn items_are_found_wherever_the_file_is_cut() {
    let text = r#" {"fileVersion": "1.0", "other": [{"configurationItems": [1]}, "configurationItems"], "configurationItems" :
        [ {"a": "}],{\"\\\\"}, {"b": [[], {}]} ,7,"x,]" ], "configSnapshotId": "y"} "#;
    let file = gz(text.as_bytes());
    for piece in 1..60 {
        let (items, end) = read(&file, piece);
        assert_eq!(items, [r#"{"a": "}],{\"\\\\"}"#, r#"{"b": [[], {}]} "#, "7", r#""x,]" "#], "pieces of {piece}");
        end.unwrap();
    }
}

#[test]
fn an_empty_list_is_a_file_and_what_has_none_is_not() {
    assert!(matches!(read(&gz(br#"{"configurationItems":[]}"#), 7), (items, Ok(())) if items.is_empty()));
    for text in ["{}", "[]", "", "null", r#"{"configurationItems": {}}"#, "}", r#"{"x":1}}"#, r#""configurationItems""#]
    {
        let (items, end) = read(&gz(text.as_bytes()), 5);
        assert!(items.is_empty() && matches!(end, Err(FileError::NotItems)), "{text}: {end:?}");
    }
}

#[test]
fn a_large_or_broken_item_costs_no_other() {
    let large = "x".repeat(MAX_ITEM_BYTES);
    let bomb = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let text = format!(r#"{{"configurationItems":[{{"a":1}},{{"b":"{large}"}},{bomb},{{"c" 2}},{{"d":4}}]}}"#);
    let (items, end) = read(&gz(text.as_bytes()), 4_096);
    end.unwrap();
    assert_eq!(items.len(), 5);
    assert_eq!(items[1], format!("too large: {}", MAX_ITEM_BYTES + 8));
    assert_eq!((items[0].as_str(), items[4].as_str()), (r#"{"a":1}"#, r#"{"d":4}"#));
    for broken in [&items[2], &items[3]] {
        assert_eq!(read_item(broken.as_bytes()).unwrap_err().code(), "malformed-json");
    }
    assert_eq!(read_item(b"{\"resourceType\": \"\xff\"}").unwrap_err().code(), "malformed-json");
}

#[test]
fn a_file_that_is_cut_or_no_gzip_is_noticed() {
    let file = gz(br#"{"configurationItems":[{"a":1},{"a":2}]}"#);
    let (_, end) = read(&file[..file.len() - 12], 4);
    assert!(end.is_err());
    assert!(matches!(read(&gz(br#"{"configurationItems":[{"a":1},{"a""#), 4).1, Err(FileError::Truncated)));
    assert!(matches!(read(b"{\"configurationItems\":[]}", 4).1, Err(FileError::Gzip(_))));
}

#[test]
fn a_file_that_decompresses_a_thousand_times_is_given_up() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(br#"{"configurationItems":[{"a":""#).unwrap();
    for _ in 0..64 {
        encoder.write_all(&vec![b'x'; 1024 * 1024]).unwrap();
    }
    encoder.write_all(br#""}]}"#).unwrap();
    let file = encoder.finish().unwrap();
    let mut stream = ItemStream::default();
    let error = stream.push(&file).unwrap_err();
    assert!(matches!(error, FileError::Ratio { max: MAX_RATIO }), "{error:?}");
    assert!(stream.decoded_bytes() < 32 * 1024 * 1024, "{}", stream.decoded_bytes());
    assert!(stream.next_item().is_none());
}
