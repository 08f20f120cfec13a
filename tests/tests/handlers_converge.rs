//! Hundreds of schedules through the real handlers on the embedded DynamoDB - any order, duplicates, deliveries at the
//! same time, deletes by omission - end in what the pure model says.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};

use callboard::connected::catalog;
use callboard_tests::deliveries::aws::{Queue, export_request, sqs_batch, uuid_of};
use callboard_tests::deliveries::config::{Resource, item_change};
use callboard_tests::running::Running;
use catalog_model::{
    Door, Fragment, FragmentKey, Identity, Record, RecordKey, Said, SourceObject, Stitched, Version, stitch,
};
use catalog_store::{CatalogStore, Read};
use export_formats::Parameters;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

const SCHEDULES: u32 = 200;
const ACCOUNT: &str = "111122223333";
const FIRST_MS: i64 = 1_793_520_000_000; // 2026-11-01T08:00:00Z
const QUEUES: usize = 3;

/// One thing that a source says, as a number of the strategy makes it.
#[derive(Debug, Clone)]
enum Word {
    /// Config sees a queue: at a minute, in a state.
    Item { queue: usize, minute: i64, status: usize, colour: u8 },
    /// Terraform lists queues.
    State { serial: u64, lists: BTreeSet<usize>, colour: u8 },
    /// A catalog file declares components, at a minute.
    File { minute: i64, declares: BTreeSet<usize>, colour: u8 },
}

const STATUSES: [&str; 5] =
    ["ResourceDiscovered", "OK", "ResourceDeleted", "ResourceNotRecorded", "ResourceDeletedNotRecorded"];

fn word() -> impl Strategy<Value = Word> {
    let some = || prop::collection::btree_set(0..QUEUES, 0..=QUEUES);
    prop_oneof![
        4 => (0..QUEUES, 0i64..4, 0..STATUSES.len(), 0u8..2)
            .prop_map(|(queue, minute, status, colour)| Word::Item { queue, minute, status, colour }),
        2 => (1u64..4, some(), 0u8..2).prop_map(|(serial, lists, colour)| Word::State { serial, lists, colour }),
        2 => (0i64..4, prop::collection::btree_set(0..QUEUES, 1..=QUEUES), 0u8..2)
            .prop_map(|(minute, declares, colour)| Word::File { minute, declares, colour }),
    ]
}

/// Words, and the waves in which they are delivered: those of one wave at the same time. At the end each comes once more,
/// so that all of them have come.
fn schedules() -> impl Strategy<Value = (Vec<Word>, Vec<Vec<prop::sample::Index>>)> {
    let waves = prop::collection::vec(prop::collection::vec(any::<prop::sample::Index>(), 1..3), 0..5);
    (prop::collection::vec(word(), 1..8), waves)
}

struct Case(u32);

impl Case {
    fn queue(&self, queue: usize) -> Resource {
        let name = format!("case-{}-{queue}", self.0);
        Resource {
            arn: format!("arn:aws:sqs:eu-west-1:{ACCOUNT}:{name}"),
            resource_type: "AWS::SQS::Queue",
            id: format!("https://sqs.eu-west-1.amazonaws.com/{ACCOUNT}/{name}"),
            name: Some(name),
            account: ACCOUNT.to_owned(),
            region: "eu-west-1".to_owned(),
            tags: Vec::new(),
            configuration: json!({}),
        }
    }

    fn component(&self, component: usize) -> String {
        format!("case-{}-component-{component}", self.0)
    }

    fn item(&self, queue: usize, minute: i64, status: usize, colour: u8) -> String {
        let mut resource = self.queue(queue);
        resource.tags = vec![("colour", colour.to_string())];
        let captured = format!("2026-11-01T08:{minute:02}:00.000Z");
        item_change(&resource, STATUSES[status], &captured, FIRST_MS + minute * 60_000).to_string()
    }

    fn state(&self, serial: u64, lists: &BTreeSet<usize>, colour: u8) -> String {
        let resources: Vec<Value> = lists
            .iter()
            .map(|queue| {
                let Resource { arn, id, name, .. } = self.queue(*queue);
                json!({
                    "mode": "managed", "type": "aws_sqs_queue", "name": format!("q{queue}"), "provider": "aws",
                    "instances": [{"attributes": {"arn": arn, "id": id, "name": name, "tags_all": {"colour": colour.to_string()}}}]
                })
            })
            .collect();
        let lineage = uuid_of(&self.0.to_string());
        json!({"version": 4, "terraform_version": "1.9.8", "serial": serial, "lineage": lineage, "outputs": {}, "resources": resources})
            .to_string()
    }

    fn file(&self, declares: &BTreeSet<usize>, colour: u8) -> String {
        let documents: Vec<String> = declares
            .iter()
            .map(|component| {
                format!(
                    "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: {}\n  title: colour {colour}\nspec:\n  type: service\n  lifecycle: production\n  owner: team\n",
                    self.component(*component)
                )
            })
            .collect();
        documents.join("---\n")
    }

    fn delivery(&self, word: &Word) -> (&'static str, Value) {
        match word {
            Word::Item { queue, minute, status, colour } => {
                let queue_of_events = Queue { account: ACCOUNT, region: "eu-west-1", name: "config" };
                let body = self.item(*queue, *minute, *status, *colour);
                ("config-change", sqs_batch(queue_of_events, FIRST_MS, &[body]))
            }
            Word::State { serial, lists, colour } => {
                let body = self.state(*serial, lists, *colour);
                let stub = self.component(0);
                ("cicd-export", self.export("terraform-state", &[("component", &stub)], 0, &body))
            }
            Word::File { minute, declares, colour } => {
                ("cicd-export", self.export("catalog-info", &[], *minute, &self.file(declares, *colour)))
            }
        }
    }

    fn export(&self, format: &str, parameters: &[(&str, &str)], minute: i64, body: &str) -> Value {
        let name = format!("case-{}", self.0);
        export_request(ACCOUNT, ["p", format, &name], parameters, "text/plain", FIRST_MS + minute * 60_000, body)
    }

    fn keys(&self) -> Vec<RecordKey> {
        let queues = (0..QUEUES).map(|queue| Identity::of_canonical_arn(&self.queue(queue).arn));
        let components = (0..QUEUES)
            .map(|component| Identity::of_entity(&catalog_model::EntityRef::component(&self.component(component))));
        queues.chain(components).map(RecordKey::Entity).collect()
    }

    /// What the words come to, whatever their order.
    fn model(&self, words: &[Word]) -> BTreeMap<RecordKey, Record> {
        let mut records: BTreeMap<RecordKey, Record> =
            self.keys().into_iter().map(|key| (key.clone(), Record::empty(key))).collect();
        let mut heads: BTreeMap<&str, (u64, Version, String, Parameters)> = BTreeMap::new();
        for word in words {
            match word {
                Word::Item { queue, minute, status, colour } => {
                    let body: Value = serde_json::from_str(&self.item(*queue, *minute, *status, *colour)).unwrap();
                    for message in config_item::parse(&body) {
                        let now_ms = u64::try_from(FIRST_MS).unwrap() * 2;
                        for (key, fragment) in message.unwrap().statements("any", now_ms).unwrap().fragments {
                            records.entry(key.clone()).or_insert(Record::empty(key)).apply(fragment);
                        }
                    }
                }
                Word::State { serial, lists, colour } => {
                    let parameters = Parameters::parse([("component", self.component(0).as_str())]).unwrap();
                    newest(&mut heads, "terraform-state", *serial, self.state(*serial, lists, *colour), parameters);
                }
                Word::File { minute, declares, colour } => {
                    let minute = u64::try_from(*minute).unwrap();
                    newest(&mut heads, "catalog-info", minute, self.file(declares, *colour), Parameters::default());
                }
            }
        }
        for (format, (_, version, body, parameters)) in heads {
            let parsed = export_formats::parse(format, "case", body.as_bytes(), &parameters).unwrap();
            for (key, said) in parsed.statements {
                let source = SourceObject {
                    door: Door::Http,
                    producer: "p".to_owned(),
                    format: export_formats::format_named(format).unwrap(),
                    name: format!("case-{}", self.0),
                };
                let fragment = Fragment { source, version: version.clone(), delivery: String::new(), said };
                if let Some(record) = records.get_mut(&key) {
                    record.apply(fragment);
                }
            }
        }
        records
    }
}

/// Keeps the content with the larger clock; contents of one clock are ordered by their hash.
fn newest<'a>(
    heads: &mut BTreeMap<&'a str, (u64, Version, String, Parameters)>,
    format: &'a str,
    clock: u64,
    body: String,
    parameters: Parameters,
) {
    let content = format!("{body}\n{}", parameters.canonical());
    let version = Version::of_serial(clock, catalog_model::tie_of(content.as_bytes()));
    if heads.get(format).is_none_or(|(_, standing, _, _)| *standing < version) {
        heads.insert(format, (clock, version, body, parameters));
    }
}

/// What is live on a record, by source object, and the entity that it makes. Versions of tombstones depend on who swept.
fn meaning(record: &Record) -> (BTreeMap<FragmentKey, Said>, Option<Stitched>) {
    let live = record.fragments.iter().filter(|(_, fragment)| fragment.said != Said::Gone);
    let live = live.map(|(key, fragment)| (key.clone(), fragment.said.clone())).collect();
    let RecordKey::Entity(identity) = &record.key else { return (live, None) };
    (live, Some(stitch(identity, record, &catalog_model::Rules::default())))
}

async fn play(
    running: &Running,
    store: &CatalogStore,
    case: &Case,
    words: &[Word],
    waves: &[Vec<prop::sample::Index>],
) -> Vec<Record> {
    for wave in waves {
        let deliveries = wave.iter().map(|index| case.delivery(index.get(words)));
        let at_once = deliveries.map(|(function, payload)| running.stack.invoke(function, payload));
        for answer in futures::future::join_all(at_once).await {
            answer.unwrap();
        }
    }
    for word in words {
        let (function, payload) = case.delivery(word);
        let answer = running.stack.invoke(function, payload).await.unwrap();
        let is_taken = answer["batchItemFailures"] == json!([]) || answer["statusCode"] == 200;
        assert!(is_taken, "{word:?}: {answer}");
    }
    store.records(&case.keys(), Read::Consistent).await.unwrap()
}

#[test]
fn every_schedule_ends_in_what_the_model_says() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let running = runtime.block_on(Running::start());
    let store = catalog(&running.stack.endpoints());
    let number = std::cell::Cell::new(0);
    let config = Config { cases: SCHEDULES, failure_persistence: None, max_shrink_iters: 100, ..Config::default() };
    TestRunner::new(config)
        .run(&schedules(), |(words, waves)| {
            number.set(number.get() + 1);
            let case = Case(number.get());
            let stored = runtime.block_on(play(&running, &store, &case, &words, &waves));
            let model = case.model(&words);
            for record in &stored {
                prop_assert_eq!(meaning(record), meaning(&model[&record.key]), "{}", &record.key);
            }
            Ok(())
        })
        .unwrap();
    runtime.block_on(async {
        running.settled().await;
        running.assert_conservation().await;
        running.stack.shutdown().await;
    });
}
