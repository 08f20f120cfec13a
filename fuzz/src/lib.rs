//! One function for each thing that is parsed from outside: any bytes in, no panic out, and what was read reads back.

use std::collections::BTreeSet;

use catalog_search::{Catalog, Filter, NotLoaded, Predicate, Projection, SegmentFile};
use export_formats::{Parameters, parse};
use query_api::{Cursor, CursorKey};
use serde_json::Value;

/// A target and the folder of its inputs.
pub type Target = (&'static str, fn(&[u8]));

pub const TARGETS: &[Target] =
    &[("filter", filter), ("predicate", predicate), ("cursor", cursor), ("segment", segment), ("export", export)];

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
