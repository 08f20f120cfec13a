//! Every input that is kept, and a few thousand that are a byte or two off: no panic, whatever they are.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;

use callboard_fuzz::TARGETS;
use catalog_model::{
    Claim, Door, EntityRef, Facts, Format, Fragment, Identity, Key, Pointer, Record, RecordKey, Role, Said,
    SourceObject, Version,
};
use catalog_search::{Catalog, Directory, SegmentFile, SegmentHead, row_of};
use catalog_store::PackedText;
use serde_json::json;

const MUTATIONS: u64 = 400;

/// A small generator of its own: the inputs are the same at every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % below.max(1)
    }
}

fn mutated(input: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = input.to_vec();
    for _ in 0..=dice.roll(3) {
        let at = dice.roll(bytes.len());
        match dice.roll(5) {
            0 if !bytes.is_empty() => bytes[at] ^= 1 << dice.roll(8),
            1 if !bytes.is_empty() => drop(bytes.remove(at)),
            2 => bytes.insert(at, u8::try_from(dice.roll(256)).unwrap()),
            3 => bytes.truncate(at),
            _ => {
                let piece = bytes[at..(at + dice.roll(40)).min(bytes.len())].to_vec();
                bytes.extend(piece);
            }
        }
    }
    bytes
}

#[test]
fn no_kept_input_and_none_that_is_close_to_one_makes_a_target_panic() {
    for (name, target) in TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
        let mut inputs: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        inputs.sort();
        assert!(!inputs.is_empty(), "{name} has no inputs");
        let mut dice = Dice(1);
        for input in inputs {
            let bytes = fs::read(&input).unwrap();
            target(&bytes);
            (0..MUTATIONS).for_each(|_| target(&mutated(&bytes, &mut dice)));
        }
    }
}

/// A file of the current format that holds something of everything: kept, so that every later build reads it.
fn segment() -> Vec<u8> {
    let said = |key: RecordKey, said: Said| {
        let source =
            SourceObject { door: Door::Http, producer: "p".into(), format: Format::CatalogInfo, name: "n".into() };
        let mut record = Record::empty(key);
        record.apply(Fragment { source, version: Version::of_serial(1, 0), delivery: "d".into(), said });
        row_of(&record, &catalog_model::Rules::default())
    };
    let database = Identity::of_canonical_arn("arn:aws:rds:eu-west-1:111122223333:cluster:orders");
    let mut component = Facts::new(Role::Declared);
    component.say(Pointer::metadata("tags"), json!(["Java", "go"]));
    component.say(Pointer::spec("owner"), json!("team-a"));
    component.say(Pointer::spec("dependsOn"), json!(["resource:default/orders"]));
    component.say(Pointer::spec("note"), json!([null, 1e21, true, "x".repeat(201)]));
    let mut named = Facts::new(Role::Declared);
    named.say(Pointer::metadata("name"), json!("orders"));
    let name = Key::of_ref(&EntityRef::resource("orders"));
    let mut catalog = Catalog::default();
    catalog
        .apply([
            said(RecordKey::Entity(Identity::of_entity(&EntityRef::component("orders"))), Said::Facts(component)),
            said(RecordKey::Entity(database.clone()), Said::Facts(named)),
            said(RecordKey::Alias(name), Said::Claim(Claim { identity: database, by_arn: true })),
            said(RecordKey::Entity(Identity::of_entity(&EntityRef::component("gone"))), Said::Gone),
        ])
        .unwrap();
    catalog.compact(None, 3, "rules").unwrap().content
}

#[test]
fn a_segment_of_the_first_format_reads_as_it_did() {
    let kept = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/segment/format-1")).unwrap();
    let (file, directory) = SegmentFile::open(kept).unwrap();
    assert_eq!((directory.format(), directory.seq(), directory.entities()), (1, 3, 2));
    let now = SegmentFile::open(segment()).unwrap().1;
    assert_eq!(directory.content().keys().collect::<Vec<_>>(), now.content().keys().collect::<Vec<_>>());
    let catalog = Catalog::on(directory);
    for block in catalog.directory().unwrap().blocks() {
        let from = usize::try_from(block.offset).unwrap();
        catalog.load(block, &file.content[from..from + usize::try_from(block.bytes).unwrap()]).unwrap();
    }
    let facets =
        catalog.facets(["metadata.name", "spec.owner", "relations.dependsOn"], &catalog_search::Filter::default());
    assert_eq!(
        serde_json::to_value(facets.unwrap()).unwrap(),
        json!([
            ["metadata.name", [{"value": "orders", "count": 2}]],
            ["spec.owner", [{"value": "team-a", "count": 2}]],
            ["relations.dependsOn", [{"value": "resource:default/orders", "count": 1}]],
        ])
    );
}

#[test]
fn a_body_packed_with_the_first_dictionary_reads_as_it_did() {
    let kept = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/body/dictionary-1")).unwrap();
    let text = PackedText::from_stored(&kept).text().unwrap();
    let said: Said = serde_json::from_str(&text).unwrap();
    assert_eq!(said.canonical(), text);
    let Said::Facts(facts) = said else { panic!("{said:?}") };
    assert_eq!((facts.role, facts.fields.len(), facts.relations.len()), (Role::Observed, 28, 4));
    assert_eq!(facts.fields[&Pointer::to(["spec", "aws", "attributes", "instanceType"])], "m7g.large");
}

#[test]
fn every_cut_and_every_changed_byte_of_a_segment_is_noticed() {
    let good = SegmentFile::open(segment()).unwrap().0;
    assert!(is_sound(&good.content, &good.head));
    // All that a reader who knows the head reads: the blocks and the directory.
    for at in 8..usize::try_from(good.head.directory_offset + good.head.directory_bytes).unwrap() {
        assert!(!is_sound(&good.content[..at], &good.head), "cut at {at}");
        let mut bad = good.content.clone();
        bad[at] ^= 0x10;
        assert!(!is_sound(&bad, &good.head), "changed at {at}");
    }
}

fn is_sound(content: &[u8], head: &SegmentHead) -> bool {
    let range = usize::try_from(head.directory_offset).unwrap()..;
    let bytes = usize::try_from(head.directory_bytes).unwrap();
    let directory = content.get(range).and_then(|rest| rest.get(..bytes));
    let Some(Ok(directory)) = directory.map(|directory| Directory::parse(directory, head)) else { return false };
    let catalog = Catalog::on(directory);
    catalog.directory().unwrap().blocks().iter().all(|block| {
        let range = usize::try_from(block.offset).unwrap()..usize::try_from(block.offset + block.bytes).unwrap();
        content.get(range).is_some_and(|range| catalog.load(block, range).is_ok())
    })
}
