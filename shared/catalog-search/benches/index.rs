//! What one question costs the index, without HTTP and without DynamoDB, at the sizes that the arguments name.
//!
//! ```sh
//! cargo bench -p catalog-search -- 225000 1000000
//! ```
//!
//! Entities are made here, shaped like those of a large portal: 57 % components, 30 % resources, 10 % APIs, 2 % users, and
//! systems, groups and domains for the rest, some 36 search rows and 4 outgoing relations each. Every question is asked
//! with other words each time. Times are CPU time of the thread that asks, medians of all that were asked.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark prints what it measured")]

use std::time::Duration;

use catalog_model::{
    Door, EntityRef, Facts, Format, Fragment, Identity, Pointer, Record, RecordKey, Role, Said, SourceObject, Version,
};
use catalog_search::{Catalog, Filter, IndexRow, NotLoaded, Order, Query, SegmentFile, Start, TextFilter, row_of};
use cpu_time::ThreadTime;
use serde_json::{Value, json};

const DEFAULT_SIZE: usize = 45_000;
/// Rows that are applied before the next segment is made, as the log is compacted while a catalog is loaded.
const ROWS_PER_SEGMENT: usize = 25_000;
const QUESTIONS: usize = 1_000;

const WORDS: &[&str] = &[
    "atlas", "beacon", "cobalt", "delta", "ember", "falcon", "granite", "harbor", "indigo", "juniper", "krypton",
    "lumen", "meridian", "nimbus", "onyx", "prism", "quartz", "raven", "sierra", "tundra", "umber", "vertex", "willow",
    "xenon",
];
const TYPES: &[&str] = &["service", "library", "website", "pipeline"];
const TAGS: &[&str] =
    &["java", "go", "rust", "python", "grpc", "rest", "kafka", "batch", "pci", "gdpr", "tier-1", "tier-2"];

fn main() {
    let sizes: Vec<usize> = std::env::args().skip(1).filter_map(|size| size.parse().ok()).collect();
    tell_memory_of_changes();
    for size in if sizes.is_empty() { vec![DEFAULT_SIZE] } else { sizes } {
        measure(size);
    }
}

/// Rows that are in no segment yet, applied as a reader of the log does: a few at a time.
fn tell_memory_of_changes() {
    const ROWS: usize = 20_000;
    let Some(before) = resident_kib() else { return };
    let mut catalog = Catalog::default();
    for first in (0..ROWS).step_by(500) {
        catalog.apply((first..first + 500).map(|n| row(n, ROWS)).collect::<Vec<_>>()).unwrap();
    }
    let grown = resident_kib().unwrap_or(before).saturating_sub(before);
    println!("a row that is not compacted yet takes {} bytes of memory", grown * 1024 / ROWS as u64);
}

/// Where Linux says it.
fn resident_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.split_whitespace().next()?.parse().ok())
}

fn measure(size: usize) {
    println!("{size} entities");
    let mut held = Held { catalog: Catalog::default(), file: None };
    let (mut applying, mut compacting, mut compactions) = (Duration::ZERO, Duration::ZERO, 0);
    let mut last_compaction = Duration::ZERO;
    for first in (0..size).step_by(ROWS_PER_SEGMENT) {
        let rows: Vec<IndexRow> = (first..(first + ROWS_PER_SEGMENT).min(size)).map(|n| row(n, size)).collect();
        held.ask(Catalog::ready);
        let begun = ThreadTime::now();
        held.catalog.apply(rows).unwrap();
        applying += begun.elapsed();
        let begun = ThreadTime::now();
        let file = held.file.as_ref().map(|file| file.content.as_slice());
        let file = held.catalog.compact(file, 1, "rules").unwrap();
        last_compaction = begun.elapsed();
        compacting += last_compaction;
        compactions += 1;
        let (file, directory) = SegmentFile::open(file.content).unwrap();
        held = Held { catalog: Catalog::on(directory), file: Some(file) };
    }
    println!("  applying the rows {} ms", applying.as_millis());
    println!(
        "  compactions {compactions}: {} ms, the last one {} ms",
        compacting.as_millis(),
        last_compaction.as_millis()
    );
    println!("  segment {} KiB", held.file.as_ref().unwrap().content.len() / 1024);

    let begun = ThreadTime::now();
    held.ask(|catalog| catalog.facets(["kind"], &Filter::default()));
    println!("  cold, first facet {} us", begun.elapsed().as_micros());
    let begun = ThreadTime::now();
    held.ask(|catalog| catalog.page(&by_name("kind=component,spec.type=service", None), &Start::Offset(0), 20));
    println!("  cold, first ordered page {} us", begun.elapsed().as_micros());

    ask(&held, "filter and count", |n, catalog| {
        let filter = format!("kind=component,spec.type={},metadata.tags={}", TYPES[n % 4], TAGS[n % 12]);
        catalog.page(&by_name(&filter, None), &Start::Offset(0), 0).map(|page| page.total)
    });
    ask(&held, "ordered page of 20", |n, catalog| {
        let filter = format!("kind=component,spec.type={}", TYPES[n % 4]);
        catalog.page(&by_name(&filter, None), &Start::Offset(n % 200), 20).map(|page| page.items.len())
    });
    ask(&held, "owner's page of 20", |n, catalog| {
        let filter = format!("kind=component,relations.ownedBy=group:default/team-{}", n % (size / 200));
        catalog.page(&by_name(&filter, None), &Start::Offset(0), 20).map(|page| page.items.len())
    });
    ask(&held, "text in two fields", |n, catalog| {
        let term = format!("{}-{}", WORDS[n % 24], n % 40);
        catalog.page(&by_name("kind=component", Some(&term)), &Start::Offset(0), 20).map(|page| page.total)
    });
    ask(&held, "facet of kinds", |_, catalog| facet(catalog, "kind", ""));
    ask(&held, "facet of tags", |_, catalog| facet(catalog, "metadata.tags", ""));
    ask(&held, "facet of types, filtered", |n, catalog| {
        facet(catalog, "spec.type", &format!("kind=component,metadata.tags={}", TAGS[n % 12]))
    });
    ask(&held, "facet of owners", |_, catalog| facet(catalog, "relations.ownedBy", ""));
    println!("  memory of the segment, as far as it was asked for: {} KiB", held.catalog.segment_bytes() / 1024);

    held.catalog
        .apply((0..10_000.min(size)).map(|n| IndexRow { rv: 9, ..row(n * (size / 10_000.min(size)), size) }))
        .unwrap();
    println!("  with 10,000 entities changed since");
    ask(&held, "ordered page of 20", |n, catalog| {
        let filter = format!("kind=component,spec.type={}", TYPES[n % 4]);
        catalog.page(&by_name(&filter, None), &Start::Offset(n % 200), 20).map(|page| page.items.len())
    });
    ask(&held, "facet of kinds", |_, catalog| facet(catalog, "kind", ""));
    ask(&held, "facet of tags", |_, catalog| facet(catalog, "metadata.tags", ""));
}

fn by_name(filter: &str, term: Option<&str>) -> Query {
    Query {
        filter: Filter::parse([filter]).unwrap(),
        order: Some(Order { field: "metadata.name".to_owned(), descending: false }),
        text: term.map(|term| TextFilter {
            term: term.to_owned(),
            fields: vec!["metadata.name".to_owned(), "metadata.title".to_owned()],
        }),
    }
}

fn facet(catalog: &Catalog, field: &str, filter: &str) -> Result<usize, NotLoaded> {
    let filter = Filter::parse([filter]).unwrap();
    catalog.facets([field], &filter).map(|facets| facets[0].1.len())
}

fn ask(held: &Held, what: &str, question: impl Fn(usize, &Catalog) -> Result<usize, NotLoaded>) {
    held.ask(|catalog| question(0, catalog));
    let mut times: Vec<Duration> = (0..QUESTIONS)
        .map(|n| {
            let begun = ThreadTime::now();
            held.ask(|catalog| question(n, catalog));
            begun.elapsed()
        })
        .collect();
    times.sort();
    let median_ns = times[QUESTIONS / 2].as_nanos();
    println!("  {what:<28} {:>6}.{} us", median_ns / 1000, median_ns % 1000 / 100);
}

struct Held {
    catalog: Catalog,
    file: Option<SegmentFile>,
}

impl Held {
    fn ask<T>(&self, question: impl Fn(&Catalog) -> Result<T, NotLoaded>) -> T {
        loop {
            match question(&self.catalog) {
                Ok(answer) => return answer,
                Err(NotLoaded(blocks)) => {
                    for block in blocks {
                        let from = usize::try_from(block.offset).unwrap();
                        let to = from + usize::try_from(block.bytes).unwrap();
                        self.catalog.load(&block, &self.file.as_ref().unwrap().content[from..to]).unwrap();
                    }
                }
            }
        }
    }
}

/// The n-th entity of a catalog of so many.
fn row(n: usize, size: usize) -> IndexRow {
    let word = |k: usize| WORDS[(n * k) % WORDS.len()];
    let kind = match n % 1000 {
        0..570 => "component",
        570..870 => "resource",
        870..970 => "api",
        970..990 => "user",
        990..995 => "group",
        995..999 => "system",
        _ => "domain",
    };
    let name = match kind {
        "group" => format!("team-{}", n / 200),
        _ => format!("{}-{}-{n:06}", word(13), word(17)),
    };
    let identity = Identity::of_entity(&EntityRef::new(kind, "default", &name));
    let mut facts = Facts::new(Role::Declared);
    let repository = format!("url:https://git.example.com/org/{name}/blob/main/catalog-info.yaml");
    let mut say = |path: &[&str], value: Value| facts.say(Pointer::to(path.iter().copied()), value);
    say(&["metadata", "title"], json!(name.to_uppercase()));
    say(&["metadata", "description"], json!(format!("{} handles {} and stores {} of {n}", word(3), word(5), word(7))));
    say(&["metadata", "tags"], json!([TAGS[n % 12], TAGS[(n / 3 + 5) % 12]]));
    for key in
        ["backstage.io/managed-by-location", "backstage.io/managed-by-origin-location", "backstage.io/source-location"]
    {
        say(&["metadata", "annotations", key], json!(repository));
    }
    for (key, value) in [
        ("github.com/project-slug", format!("org/{name}")),
        ("ci.example.com/last-deploy-sha", format!("{:040x}", n * 7919)),
    ] {
        say(&["metadata", "annotations", key], json!(value));
    }
    for (key, value) in [("language", word(11)), ("tier", TAGS[n % 4]), ("finops.example.com/cost-center", word(19))] {
        say(&["metadata", "labels", key], json!(value));
    }
    say(
        &["metadata", "links"],
        json!([{"url": format!("https://dashboards.example.com/{name}"), "title": "Dashboard", "icon": "dashboard"}]),
    );
    say(&["spec", "type"], json!(TYPES[n % 4]));
    say(&["spec", "lifecycle"], json!(["production", "experimental", "deprecated"][n % 3]));
    say(&["spec", "owner"], json!(format!("group:default/team-{}", n % (size / 200))));
    say(&["spec", "system"], json!(format!("system-{}", n % (size / 100))));
    if kind == "component" {
        let other = |k: usize| (n * k + 570) % size / 1000 * 1000 + 570 + n % 300;
        let resource = |m: usize| format!("resource:default/{}-{}-{m:06}", WORDS[m * 13 % 24], WORDS[m * 17 % 24]);
        say(&["spec", "dependsOn"], json!([resource(other(3)), resource(other(7))]));
    }
    let mut record = Record::empty(RecordKey::Entity(identity));
    let source = SourceObject { door: Door::Http, producer: "p".into(), format: Format::CatalogInfo, name: "n".into() };
    record.apply(Fragment {
        source,
        version: Version::of_serial(1, 0),
        delivery: "d".into(),
        said: Said::Facts(facts),
    });
    row_of(&record, &catalog_model::Rules::default())
}
