//! Random schedules against the pure model: deliveries of several source objects that come in any order, twice, at the
//! same time, and break off anywhere.

use std::collections::{BTreeMap, BTreeSet};

use catalog_model::{Fragment, FragmentKey, Record, RecordKey, Said, SourceObject, Version};
use catalog_store::{Clock, Publication, Read};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::faults::{Fault, with_fault};
use crate::stack::{NOW, Stack, component, facts, file, fragment, state};

const KEYS: usize = 4;
const CASES: u32 = 80;

/// One source object's content: a version, and which of the keys it names.
#[derive(Debug, Clone)]
struct Content {
    object: usize,
    serial: u64,
    names: BTreeSet<usize>,
    /// Not all of it could be read.
    complete: bool,
}

/// Deliveries that are under way at the same moment.
type Wave = Vec<(prop::sample::Index, Fault)>;

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        2 => Just(Fault::Never),
        2 => (0u32..14).prop_map(Fault::Before),
        2 => (0u32..14).prop_map(Fault::After),
    ]
}

fn contents() -> impl Strategy<Value = Vec<Content>> {
    let names = prop::collection::btree_set(0..KEYS, 0..=KEYS);
    let content = (0usize..2, 1u64..4, names, prop::bool::weighted(0.7))
        .prop_map(|(object, serial, names, complete)| Content { object, serial, names, complete });
    prop::collection::vec(content, 1..6)
}

fn waves() -> impl Strategy<Value = Vec<Wave>> {
    let wave = prop::collection::vec((any::<prop::sample::Index>(), fault()), 1..4);
    prop::collection::vec(wave, 1..4)
}

impl Content {
    fn source(&self, case: u64) -> SourceObject {
        [file, state][self.object](&format!("case-{case}"))
    }

    fn tie(&self) -> u64 {
        self.names.iter().map(|name| 2 << name).sum::<u64>() + u64::from(self.complete)
    }

    fn said(&self, name: usize) -> Said {
        facts(&format!("{}-{}-{name}", self.serial, self.tie()))
    }

    fn version(&self) -> Version {
        Version::of_serial(self.serial, self.tie())
    }

    fn publication(&self, case: u64) -> Publication {
        Publication {
            source: self.source(case),
            version: self.version(),
            clock: Clock::Serial,
            delivery: "request".into(),
            statements: self.names.iter().map(|name| (key(case, *name), self.said(*name))).collect(),
            complete: self.complete,
        }
    }
}

fn key(case: u64, name: usize) -> RecordKey {
    component(&format!("case-{case}-{name}"))
}

/// What is live on each record: that is all that a source object's history may come to. When a tombstone was written
/// depends on who swept, and says nothing.
fn live(record: &Record) -> BTreeMap<FragmentKey, (Version, Said)> {
    let live = record.fragments.iter().filter(|(_, fragment)| fragment.said != Said::Gone);
    live.map(|(key, fragment)| (key.clone(), (fragment.version.clone(), fragment.said.clone()))).collect()
}

async fn run(stack: &Stack, case: u64, contents: &[Content], waves: &[Wave]) {
    for wave in waves {
        let deliveries = wave
            .iter()
            .map(|(index, fault)| with_fault(*fault, stack.store.publish(index.get(contents).publication(case), NOW)));
        // Some break off: they are delivered again below.
        let _outcomes = futures::future::join_all(deliveries).await;
    }
    let again = contents.iter().map(|content| stack.store.publish(content.publication(case), NOW));
    for outcome in futures::future::join_all(again).await {
        outcome.unwrap();
    }
}

fn model(case: u64, contents: &[Content]) -> Vec<BTreeMap<FragmentKey, (Version, Said)>> {
    let mut records: Vec<Record> = (0..KEYS).map(|name| Record::empty(key(case, name))).collect();
    for object in 0..2 {
        let of_object = || contents.iter().filter(|content| content.object == object);
        let head = of_object().filter(|content| content.complete).map(Content::version).max();
        for content in of_object().filter(|content| Some(content.version()) >= head) {
            for name in &content.names {
                records[*name].apply(fragment(&content.source(case), content.version(), content.said(*name)));
            }
        }
    }
    records.iter().map(live).collect()
}

#[test]
fn publications_converge_whatever_happens_on_the_way() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let stack = runtime.block_on(Stack::start());
    let case = std::cell::Cell::new(0);
    let config = Config { cases: CASES, failure_persistence: None, max_shrink_iters: 50, ..Config::default() };
    TestRunner::new(config)
        .run(&(contents(), waves()), |(contents, waves)| {
            case.set(case.get() + 1);
            let case = case.get();
            let records = runtime.block_on(async {
                run(&stack, case, &contents, &waves).await;
                let keys: Vec<RecordKey> = (0..KEYS).map(|name| key(case, name)).collect();
                stack.store.records(&keys, Read::Consistent).await.unwrap()
            });
            prop_assert_eq!(records.iter().map(live).collect::<Vec<_>>(), model(case, &contents));
            Ok(())
        })
        .unwrap();
}

/// Fragments of four source objects on one record, ties of versions and tombstones among them.
fn fragments() -> impl Strategy<Value = Vec<Fragment>> {
    let one = (0usize..4, 1u64..4, 0u64..3).prop_map(|(object, serial, tie)| {
        let said = if tie == 0 { Said::Gone } else { facts(&format!("{serial}-{tie}")) };
        fragment(&file(&object.to_string()), Version::of_serial(serial, tie), said)
    });
    prop::collection::vec(one, 1..12)
}

#[test]
fn a_record_is_what_the_model_makes_of_its_fragments_in_every_order() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let stack = runtime.block_on(Stack::start());
    let case = std::cell::Cell::new(0);
    let config = Config { cases: CASES, failure_persistence: None, max_shrink_iters: 50, ..Config::default() };
    let schedules = fragments().prop_flat_map(|fragments| (Just(fragments.clone()), Just(fragments).prop_shuffle()));
    TestRunner::new(config)
        .run(&schedules, |(in_order, shuffled)| {
            case.set(case.get() + 1);
            let key = component(&format!("case-{}", case.get()));
            let other = component(&format!("other-{}", case.get()));
            let mut model = Record::empty(key.clone());
            let outcomes: Vec<_> = in_order.iter().map(|fragment| model.apply(fragment.clone())).collect();
            let (stored, outcomes_of_store, at_once) = runtime.block_on(async {
                let mut outcomes = Vec::new();
                for fragment in &in_order {
                    outcomes.push(stack.store.apply(&key, fragment, NOW).await.unwrap());
                }
                let twice = shuffled.iter().chain(&shuffled).map(|fragment| stack.store.apply(&other, fragment, NOW));
                futures::future::try_join_all(twice).await.unwrap();
                let record = async |key| stack.store.record(key, Read::Consistent).await.unwrap();
                (record(&key).await, outcomes, record(&other).await)
            });
            prop_assert_eq!(outcomes_of_store, outcomes);
            prop_assert_eq!(stored.rv - NOW, model.rv);
            prop_assert_eq!(&stored.fragments, &model.fragments);
            prop_assert_eq!(&at_once.fragments, &model.fragments);
            Ok(())
        })
        .unwrap();
}
