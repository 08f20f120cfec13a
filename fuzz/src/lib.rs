//! One function for each thing that is parsed from outside: any bytes in, no panic out, and what was read reads back.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::sync::Mutex;

use billing_report::{LineSums, Manifest, TagKeys, read_csv, read_parquet};
use catalog_search::{Catalog, Filter, NotLoaded, Predicate, Projection, SegmentFile};
use catalog_store::PackedText;
use config_item::{ConfigMessage, FileKey, ItemStream, StreamedItem, TypeFilter};
use export_formats::{Parameters, parse};
use flate2::Compression;
use flate2::write::GzEncoder;
use query_api::{Cursor, CursorKey};
use serde_json::Value;

/// A target and the folder of its inputs.
pub type Target = (&'static str, fn(&[u8]));

pub const TARGETS: &[Target] = &[
    ("filter", filter),
    ("predicate", predicate),
    ("cursor", cursor),
    ("segment", segment),
    ("body", body),
    ("export", export),
    ("config", config),
    ("config-file", config_file),
    ("report", report),
];

/// Far from every capture time of the inputs.
const NOW_MS: u64 = 1_800_000_000_000;

/// A question may need blocks again that others drove out; never more often than there are blocks.
const MAX_ROUNDS: usize = 1_000;

/// `filter` and `fields` parameters, one a line.
pub fn filter(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let _read = Projection::parse(text.lines());
    let Ok(filter) = Filter::parse(text.lines()) else { return };
    let written = serde_json::to_value(&filter).expect("texts always serialise");
    // Predicates have no keys with `$` or a line break, as in Backstage: such a filter has no second page.
    if let Ok(read) = serde_json::from_value::<Filter>(written) {
        assert_eq!(read, filter);
    }
}

/// The `query` of a body.
pub fn predicate(input: &[u8]) {
    let Ok(value) = serde_json::from_slice::<Value>(input) else { return };
    let Ok(checked) = Predicate::check(&value, &["query"]) else { return };
    let Ok(predicate) = Predicate::of_checked(&checked) else { return };
    let again = Predicate::parse(&predicate.to_json()).expect("a predicate that was parsed reads back");
    assert_eq!(again, predicate);
    let _answer = Catalog::default().facets(["kind"], &Filter::of(predicate));
}

/// The `cursor` of a request: signed with our key, or by somebody else.
pub fn cursor(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let key = CursorKey::new([7; 32]);
    let Ok(cursor) = Cursor::decode(text, &key) else { return };
    let again = Cursor::decode(&cursor.encode(&key), &key).expect("a cursor that was read reads back");
    assert_eq!(again, cursor);
}

/// The file of a segment: what opens is asked for everything, and compacted.
pub fn segment(input: &[u8]) {
    let Ok((file, directory)) = SegmentFile::open(input.to_vec()) else { return };
    let columns: Vec<String> =
        directory.blocks().iter().filter_map(|block| block.name.strip_prefix("c:")).map(str::to_owned).collect();
    let catalog = Catalog::on(directory);
    let load = |NotLoaded(blocks): &NotLoaded| {
        blocks.iter().all(|block| {
            let from = usize::try_from(block.offset).unwrap_or(usize::MAX);
            let to = usize::try_from(block.offset.saturating_add(block.bytes)).unwrap_or(usize::MAX);
            file.content.get(from..to).is_some_and(|range| catalog.load(block, range).is_ok())
        })
    };
    for _ in 0..MAX_ROUNDS {
        let facets = catalog.facets(columns.iter().map(String::as_str), &Filter::default());
        match catalog.ready().and(facets.map(drop)) {
            Ok(()) => break,
            Err(missing) if load(&missing) => {}
            Err(_) => return,
        }
    }
    let _compacted = catalog.compact(Some(&file.content), 1, "rules");
}

/// What an item holds of a body; and a text that is packed.
pub fn body(input: &[u8]) {
    let read = PackedText::from_stored(input).text().ok();
    for text in read.iter().map(String::as_str).chain(std::str::from_utf8(input)) {
        if let Some(packed) = PackedText::of(text) {
            assert_eq!(packed.text().as_deref(), Ok(text));
        }
    }
}

/// A CI/CD export: the format and the parameters in the first line, as in `cloudformation component=orders`, and the
/// body behind it.
pub fn export(input: &[u8]) {
    let end = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
    let (head, body) = (&input[..end], input.get(end + 1..).unwrap_or_default());
    let Ok(head) = std::str::from_utf8(head) else { return };
    let mut words = head.split_whitespace();
    let format = words.next().unwrap_or_default();
    let Ok(parameters) = Parameters::parse(words.filter_map(|word| word.split_once('='))) else { return };
    let parsed = parse(format, "orders", body, &parameters);
    assert_eq!(parsed, parse(format, "orders", body, &parameters), "an export says the same whenever it is read");
    let Ok(parsed) = parsed else { return };
    let records: BTreeSet<_> = parsed.statements.iter().map(|(key, _)| key).collect();
    assert_eq!(records.len(), parsed.statements.len(), "each record is spoken of once");
}

/// What AWS Config says, in whatever envelope: a document; else the key of an object, or a setting of types.
pub fn config(input: &[u8]) {
    if let Ok(text) = std::str::from_utf8(input) {
        let _key = FileKey::parse(text.trim());
        let _filter = text.trim().parse::<TypeFilter>();
    }
    let Ok(document) = serde_json::from_slice::<Value>(input) else { return };
    for message in config_item::parse(&document).into_iter().flatten() {
        let statements = message.statements("delivery", NOW_MS);
        if let (Ok(one), Ok(other)) = (&statements, message.statements("delivery", NOW_MS)) {
            assert_eq!(*one, other, "an item says the same whenever it is read");
        }
        match message {
            ConfigMessage::Item(item) => drop(item.subject().map(|subject| subject.record_key())),
            ConfigMessage::Compliance(compliance) => drop(compliance.subject().map(|_| compliance.result(NOW_MS))),
            ConfigMessage::Oversized(_) | ConfigMessage::Delivery(_) | ConfigMessage::Ignored { .. } => {}
        }
    }
}

/// The text of a snapshot file: in whatever pieces it comes, its items are the same.
pub fn config_file(input: &[u8]) {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let Ok(()) = encoder.write_all(input) else { return };
    let Ok(file) = encoder.finish() else { return };
    let read = |piece: usize| {
        let mut stream = ItemStream::default();
        let mut items: Vec<StreamedItem> = Vec::new();
        let mut is_whole = true;
        for step in file.chunks(piece).map(Some).chain([None]) {
            let done = match step {
                Some(step) => stream.push(step),
                None => stream.finish(),
            };
            is_whole = done.is_ok();
            items.extend(std::iter::from_fn(|| stream.next_item()));
            if !is_whole {
                break;
            }
        }
        (items, is_whole)
    };
    let whole = read(file.len());
    assert_eq!(whole, read(7));
    for item in whole.0 {
        if let StreamedItem::Text(text) = item {
            let _read = config_item::read_item(&text);
        }
    }
}

/// A cost report's manifest, or one of its files: Parquet, CSV, gzip or zip, as its first bytes say. What is read adds up
/// to its bill however it is settled.
pub fn report(input: &[u8]) {
    if input.starts_with(b"{") {
        let key = "billing/acme/metadata/BILLING_PERIOD=2026-10/acme-Manifest.json";
        if let Ok(manifest) = Manifest::parse("reports", key, input) {
            assert!(!manifest.files.is_empty() && !manifest.export.is_empty());
        }
        return;
    }
    let Ok(month) = "2026-10".parse() else { return };
    let (sums, keys, file) =
        (Mutex::new(LineSums::new(month)), TagKeys::default(), bytes::Bytes::copy_from_slice(input));
    let read =
        if input.starts_with(b"PAR1") { read_parquet(&file, &keys, &sums) } else { read_csv(&file, &keys, &sums) };
    let Ok(mut sums) = sums.into_inner() else { return };
    // A sum that is too large is an error of its own.
    if read.is_err() || sums.settle(|place| place % 2 == 0).is_err() {
        return;
    }
    let mut settled = std::collections::BTreeMap::<_, cost_model::Amounts>::new();
    for (place, _, amounts) in sums.costs() {
        let currency = sums.place(place).currency;
        if settled.entry(currency).or_default().add(&amounts).is_err() {
            return;
        }
    }
    assert_eq!(settled, sums.bill(), "what is settled adds up to the bill");
}
