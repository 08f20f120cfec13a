//! Random histories of records: the catalog that followed them row by row equals one that is made of their end, and
//! every query equals a naive evaluation over the rendered entities.

#![expect(clippy::unwrap_used, reason = "tests, and the words that they share")]

mod held;

use std::collections::{BTreeMap, BTreeSet};

use catalog_model::{
    Claim, Door, Facts, Format, Fragment, Identity, Key, Pointer, Record, RecordKey, Relation, Role, Said,
    SourceObject, Version, derived_ref, stitch,
};
use catalog_search::{Filter, IndexRow, Order, Query, Stamp, Start, TextFilter, render, row_of};
use held::Held;
use proptest::prelude::*;
use serde_json::{Value, json};

fn arn(n: usize) -> Identity {
    Identity::of_canonical_arn(&format!("arn:aws:rds:eu-west-1:111122223333:cluster:Db-{n}"))
}

fn stack() -> Identity {
    Identity::of_canonical_arn("arn:aws:cloudformation:eu-west-1:111122223333:stack/shop/0a")
}

fn entity(text: &str) -> Identity {
    Identity::of_entity(&text.parse().unwrap())
}

fn secondary() -> Key {
    Key::secondary("rds", "111122223333", "eu-west-1", "cluster-ABC")
}

/// What the histories are about; the last three are alias records.
fn record_keys() -> Vec<RecordKey> {
    let mut keys: Vec<RecordKey> =
        ["component:default/a", "component:ops/b", "group:default/t", "system:default/s", "resource:default/n"]
            .map(|text| RecordKey::Entity(entity(text)))
            .into();
    keys.extend([arn(0), arn(1), stack()].map(RecordKey::Entity));
    keys.extend(["resource:default/n", "resource:default/m"].map(|text| RecordKey::Alias(entity(text).key())));
    keys.push(RecordKey::Alias(secondary()));
    keys
}

fn targets() -> Vec<Key> {
    let mut keys: Vec<Key> = [
        "component:default/a",
        "component:ops/b",
        "group:default/t",
        "resource:default/n",
        "resource:default/m",
        "api:default/none",
    ]
    .map(|text| entity(text).key())
    .into();
    keys.extend([arn(0), arn(1), arn(2), stack()].map(|identity| identity.key()));
    keys.extend([0, 2].map(|n| Key::of_ref(&derived_ref(&arn(n)))));
    keys.push(secondary());
    keys.push(Key::secondary("rds", "111122223333", "eu-west-1", "nobody"));
    keys
}

#[derive(Debug, Clone)]
struct Step {
    record: usize,
    source: usize,
    said: Words,
}

#[derive(Debug, Clone)]
enum Words {
    Gone,
    Speaks {
        owner: Option<&'static str>,
        system: Option<&'static str>,
        name: Option<&'static str>,
        tags: Vec<&'static str>,
        note: Value,
        relations: Vec<(&'static str, usize)>,
        claim: (usize, bool),
    },
}

fn words() -> impl Strategy<Value = Words> {
    let owner = prop::option::of(prop::sample::select(vec!["t", "ops/t", "user:default/U", "not:a:ref"]));
    let system = prop::option::of(prop::sample::select(vec!["s", "system:ops/other"]));
    let name = prop::option::of(prop::sample::select(vec!["n", "M"]));
    let tags = prop::collection::vec(prop::sample::select(vec!["java", "Java", "go", "x.y", ""]), 0..4);
    let note = prop::sample::select(vec![
        json!(null),
        json!(1e21),
        json!("ÄÖ_%"),
        json!({"deep": [{"x": "Y"}, {"x": "y"}, 1]}),
        json!([]),
        json!("l".repeat(201)),
        json!(true),
    ]);
    let types = prop::sample::select(vec!["dependsOn", "dependencyOf", "partOf", "likes"]);
    let relations = prop::collection::vec((types, 0..targets().len()), 0..4);
    let speaks = (owner, system, name, tags, note, relations, (0..3_usize, any::<bool>())).prop_map(
        |(owner, system, name, tags, note, relations, claim)| Words::Speaks {
            owner,
            system,
            name,
            tags,
            note,
            relations,
            claim,
        },
    );
    prop_oneof![1 => Just(Words::Gone), 4 => speaks]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step =
        (0..record_keys().len(), 0..2_usize, words()).prop_map(|(record, source, said)| Step { record, source, said });
    prop::collection::vec(step, 1..40)
}

fn said(key: &RecordKey, words: &Words) -> Said {
    let Words::Speaks { owner, system, name, tags, note, relations, claim } = words else { return Said::Gone };
    if matches!(key, RecordKey::Alias(_)) {
        let identity = [arn(0), arn(1), entity("resource:default/n")][claim.0].clone();
        return Said::Claim(Claim { identity, by_arn: claim.1 });
    }
    let mut facts = Facts::new(Role::Declared);
    for (field, value) in [("owner", owner), ("system", system)] {
        facts.say(Pointer::spec(field), json!(value));
    }
    if matches!(key, RecordKey::Entity(identity) if identity.arn().is_some()) {
        facts.say(Pointer::metadata("name"), json!(name));
    }
    facts.say(Pointer::metadata("tags"), json!(tags));
    facts.say(Pointer::spec("note"), note.clone());
    let targets = targets();
    facts.relations = relations.iter().map(|(kind, target)| Relation::new(kind, targets[*target].clone())).collect();
    Said::Facts(facts)
}

fn fragment(step: &Step, at: usize, key: &RecordKey) -> Fragment {
    let name = format!("file-{}", step.source);
    Fragment {
        source: SourceObject { door: Door::Http, producer: "p".into(), format: Format::CatalogInfo, name },
        version: Version::of_serial(at as u64 + 1, 0),
        delivery: "d".into(),
        said: said(key, &step.said),
    }
}

/// The records at the end, and the row after every step.
fn play(steps: &[Step]) -> (Vec<Record>, Vec<IndexRow>) {
    let mut records: Vec<Record> = record_keys().into_iter().map(Record::empty).collect();
    let mut rows = Vec::new();
    for (at, step) in steps.iter().enumerate() {
        let record = &mut records[step.record];
        record.apply(fragment(step, at, &record.key));
        rows.push(row_of(record, &catalog_model::Rules::default()));
    }
    (records, rows)
}

fn rendered(held: &Held, records: &[Record]) -> BTreeMap<String, Value> {
    let mut entities = BTreeMap::new();
    for record in records {
        let RecordKey::Entity(identity) = &record.key else { continue };
        let stitched = stitch(identity, record, &catalog_model::Rules::default());
        if stitched.existence.exists() {
            entities.insert(identity.to_string(), held.ask(|catalog| render(&stitched, catalog)));
        }
    }
    entities
}

/// Search rows the way Backstage makes them, with the rows for strings in arrays.
fn naive_rows(entity: &Value) -> BTreeSet<(String, Option<String>, Option<String>)> {
    fn visit(path: &str, value: &Value, rows: &mut Vec<(String, Option<String>)>) {
        let left_out = [
            "attachments",
            "relations",
            "status",
            "metadata.etag",
            "metadata.name",
            "metadata.namespace",
            "metadata.uid",
        ];
        if left_out.contains(&path) {
            return;
        }
        match value {
            Value::Null => rows.push((path.into(), None)),
            Value::String(text) => rows.push((path.into(), Some(text.clone()))),
            Value::Bool(flag) => rows.push((path.into(), Some(flag.to_string()))),
            // The histories hold two numbers.
            Value::Number(number) => {
                rows.push((path.into(), Some(if number.as_f64() == Some(1.0) { "1".into() } else { "1e+21".into() })));
            }
            Value::Array(items) => {
                for item in items {
                    visit(path, item, rows);
                    if let Value::String(text) = item {
                        rows.push((format!("{path}.{text}"), Some("true".into())));
                    }
                }
            }
            Value::Object(fields) => {
                fields.iter().for_each(|(key, value)| visit(&format!("{path}.{key}"), value, rows));
            }
        }
    }
    let mut rows = Vec::new();
    entity.as_object().unwrap().iter().for_each(|(key, value)| visit(key, value, &mut rows));
    for field in ["name", "namespace", "uid"] {
        rows.push((format!("metadata.{field}"), Some(entity["metadata"][field].as_str().unwrap().into())));
    }
    for relation in entity["relations"].as_array().unwrap() {
        let text = |field: &str| relation[field].as_str().unwrap().to_owned();
        rows.push((format!("relations.{}", text("type")), Some(text("targetRef"))));
    }
    let mut seen = BTreeSet::new();
    let mut distinct = BTreeSet::new();
    for (key, original) in rows {
        let original = original.filter(|text| text.encode_utf16().count() <= 200);
        let (key, value) = (key.to_lowercase(), original.as_ref().map(|text| text.to_lowercase()));
        if seen.insert((key.clone(), value.clone())) {
            distinct.insert((key, value, original));
        }
    }
    distinct
}

fn passes(entity: &Value, sets: &[Vec<(&str, Option<&str>)>]) -> bool {
    let rows = naive_rows(entity);
    let holds = |key: &str, value: Option<&str>| {
        rows.iter().any(|(k, v, _)| {
            *k == key.to_lowercase() && value.is_none_or(|value| v.as_deref() == Some(value.to_lowercase().as_str()))
        })
    };
    sets.is_empty()
        || sets.iter().any(|set| {
            set.iter().all(|(key, value)| {
                let same: Vec<&str> = set.iter().filter(|(k, _)| k == key).filter_map(|(_, v)| *v).collect();
                if same.is_empty() { holds(key, *value) } else { same.iter().any(|value| holds(key, Some(value))) }
            })
        })
}

const KEYS: &[&str] = &[
    "kind",
    "metadata.name",
    "Metadata.tags",
    "metadata.tags.JAVA",
    "metadata.tags.x.y",
    "metadata.tags.",
    "spec.note",
    "spec.note.deep",
    "spec.note.deep.x",
    "spec.owner",
    "spec.system",
    "relations.ownedBy",
    "relations.ownerOf",
    "relations.dependsOn",
    "relations.dependencyOf",
    "relations.hasPart",
    "relations.partOf",
    "relations.likes",
    "metadata.uid",
    "no.such",
];

fn values() -> Vec<String> {
    let mut values: Vec<String> =
        ["Component", "resource", "n", "java", "true", "", "1e+21", "y", "t", "unknown", "default", "x.y"]
            .map(Into::into)
            .into();
    values.extend(targets().iter().map(Key::to_string));
    values.push("group:ops/t".into());
    values.push("GROUP:default/T".into());
    values
}

fn statement() -> impl Strategy<Value = (&'static str, Option<String>)> {
    (prop::sample::select(KEYS.to_vec()), prop::option::weighted(0.8, prop::sample::select(values())))
}

/// More of them by `PROPTEST_CASES`.
fn cases() -> u32 {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    asked.unwrap_or(if cfg!(debug_assertions) { 300 } else { 3_000 })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases()))]

    #[test]
    fn a_catalog_that_followed_a_history_equals_one_made_of_its_end(
        steps in steps(),
        order in any::<prop::sample::Index>(),
        cut in any::<prop::sample::Index>(),
        compactions in prop::collection::vec(any::<bool>(), 40),
    ) {
        let (records, rows) = play(&steps);
        let mut followed = Held::default();
        // Late, repeated and in batches, with a compaction now and then.
        let (first, second) = rows.split_at(cut.index(rows.len() + 1));
        let late = order.index(rows.len());
        followed.apply(second.iter().take(1).cloned());
        for (row, is_compacted) in first.iter().zip(&compactions) {
            followed.apply([row.clone(), rows[late.min(first.len().saturating_sub(1))].clone()]);
            if *is_compacted {
                followed.compact();
            }
        }
        followed.apply(second.iter().rev().cloned());
        followed.apply(rows.clone());

        let mut fresh = Held::default();
        fresh.apply(records.iter().filter(|record| record.rv > 0).map(|record| row_of(record, &catalog_model::Rules::default())));
        prop_assert_eq!(rendered(&followed, &records), rendered(&fresh, &records));
        for key in KEYS {
            let facet = |held: &Held| held.ask(|catalog| catalog.facets([*key], &Filter::default()));
            prop_assert_eq!(facet(&followed), facet(&fresh), "{}", key);
        }
        prop_assert_eq!(followed.catalog.len(), fresh.catalog.len());
        // Not by its counters: a row that changed nothing is not in the log.
        followed.compact();
        fresh.compact();
        let content = |held: &Held| serde_json::to_string_pretty(&held.catalog.directory().unwrap().content()).unwrap();
        prop_assert_eq!(content(&followed), content(&fresh));
        prop_assert_eq!(rendered(&followed, &records), rendered(&fresh, &records));
    }

    #[test]
    fn what_is_shown_is_the_same_as_long_as_its_stamp_is(steps in steps(), compacted in any::<prop::sample::Index>()) {
        let (_, rows) = play(&steps);
        let mut records: BTreeMap<RecordKey, Record> = BTreeMap::new();
        let mut held = Held::default();
        let mut shown: BTreeMap<Identity, (Stamp, u64, Value)> = BTreeMap::new();
        for (at, (step, row)) in steps.iter().zip(rows).enumerate() {
            if at == compacted.index(steps.len()) && at > 0 {
                held.compact();
            }
            let key = record_keys()[step.record].clone();
            let record = records.entry(key.clone()).or_insert_with(|| Record::empty(key.clone()));
            record.apply(fragment(step, at, &key));
            held.apply([row]);
            for (key, record) in &records {
                let RecordKey::Entity(identity) = key else { continue };
                let stitched = stitch(identity, record, &catalog_model::Rules::default());
                let Some(stamp) = held.ask(|catalog| catalog.known_of(identity)).stamp else { continue };
                let entity = held.ask(|catalog| render(&stitched, catalog));
                if let Some((_, _, before)) = shown.get(identity).filter(|(was, rv, _)| (*was, *rv) == (stamp, record.rv)) {
                    prop_assert_eq!(&entity, before, "{} after step {}", identity, at);
                }
                shown.insert(identity.clone(), (stamp, record.rv, entity));
            }
        }
    }

    #[test]
    fn queries_equal_a_naive_evaluation(
        steps in steps(),
        sets in prop::collection::vec(prop::collection::vec(statement(), 1..4), 0..3),
        order in prop::option::of((prop::sample::select(KEYS.to_vec()), any::<bool>())),
        text in prop::option::of((prop::sample::select(vec!["a", "T", "default", "_", "ava"]), prop::collection::vec(prop::sample::select(KEYS.to_vec()), 0..3))),
        limit in 1..4_usize,
        cut in any::<prop::sample::Index>(),
    ) {
        let (records, rows) = play(&steps);
        let mut held = Held::default();
        let (first, second) = rows.split_at(cut.index(rows.len() + 1));
        held.apply(first.iter().cloned());
        if !first.is_empty() {
            held.compact();
        }
        held.apply(second.iter().cloned());
        let entities = rendered(&held, &records);

        let parameters: Vec<String> = sets
            .iter()
            .map(|set| set.iter().map(|(key, value)| value.as_ref().map_or((*key).to_string(), |value| format!("{key}={value}"))).collect::<Vec<_>>().join(","))
            .collect();
        let filter = Filter::parse(parameters.iter().map(String::as_str)).unwrap();
        let naive_sets: Vec<Vec<(&str, Option<&str>)>> = sets.iter().map(|set| set.iter().map(|(k, v)| (*k, v.as_deref())).collect()).collect();
        let naive: BTreeMap<&String, &Value> = entities.iter().filter(|(_, entity)| passes(entity, &naive_sets)).collect();

        for (key, found) in held.ask(|catalog| catalog.facets(KEYS.iter().copied(), &filter)) {
            let mut counts: BTreeMap<String, usize> = BTreeMap::new();
            for entity in naive.values() {
                for (_, _, original) in naive_rows(entity).into_iter().filter(|(k, _, _)| *k == key.to_lowercase()) {
                    if let Some(original) = original {
                        *counts.entry(original).or_default() += 1;
                    }
                }
            }
            let found: BTreeMap<String, usize> = found.into_iter().map(|facet| (facet.value, facet.count)).collect();
            prop_assert_eq!(found, counts, "{}", key);
        }

        let field = order.map_or("metadata.uid", |(field, _)| field);
        let mut expected: Vec<(String, String, &String)> = Vec::new();
        for (identity, entity) in &naive {
            let rows = naive_rows(entity);
            let has = |fields: &[&str], term: &str| rows.iter().any(|(k, v, _)| {
                fields.iter().any(|field| field.to_lowercase() == *k) && v.as_ref().is_some_and(|v| if term == "_" { !v.is_empty() } else { v.contains(term) })
            });
            for (_, value, _) in rows.iter().filter(|(key, _, _)| *key == field.to_lowercase()) {
                let Some(value) = value else { continue };
                let found = match &text {
                    None => true,
                    Some((term, fields)) => {
                        let term = term.to_lowercase();
                        let fields = if fields.is_empty() { vec![field] } else { fields.clone() };
                        if fields == [field.to_lowercase()] {
                            if term == "_" { !value.is_empty() } else { value.contains(&term) }
                        } else {
                            has(&fields, &term)
                        }
                    }
                };
                if found {
                    expected.push((value.clone(), entity["metadata"]["uid"].as_str().unwrap().to_owned(), identity));
                }
            }
        }
        expected.sort();
        if order.is_some_and(|(_, descending)| descending) {
            expected.reverse();
        }
        let total = expected.iter().map(|(_, _, identity)| identity).collect::<BTreeSet<_>>().len();

        let query = Query {
            filter,
            order: order.map(|(field, descending)| Order { field: field.into(), descending }),
            text: text.map(|(term, fields)| TextFilter { term: format!(" {term}"), fields: fields.into_iter().map(Into::into).collect() }),
        };
        let mut walked: Vec<String> = Vec::new();
        let mut start = Start::Offset(0);
        let mut pages = Vec::new();
        loop {
            let page = held.ask(|catalog| catalog.page(&query, &start, limit));
            prop_assert_eq!(page.total, total);
            walked.extend(page.items.iter().map(Identity::to_string));
            let Some((_, last)) = page.ends.clone() else { break };
            pages.push(page.clone());
            if !page.more_behind {
                break;
            }
            start = Start::After(last);
        }
        prop_assert_eq!(&walked, &expected.iter().map(|(_, _, identity)| (*identity).clone()).collect::<Vec<_>>());
        // And the same pages backwards.
        for pair in pages.windows(2) {
            let (before, page) = (&pair[0], &pair[1]);
            let first = page.ends.clone().unwrap().0;
            prop_assert_eq!(&held.ask(|catalog| catalog.page(&query, &Start::Before(first.clone()), limit)), before);
        }
        let offset = held.ask(|catalog| catalog.page(&query, &Start::Offset(1), usize::MAX));
        prop_assert_eq!(offset.items.len(), walked.len().saturating_sub(1));
    }
}
