//! A list that changes - renamed, moved, removed, made again - while the function is killed at every call, before it is sent
//! and before its answer is read; deliveries shuffled and doubled. The records end as if nothing had happened.

use callboard_tests::indexing::{Fault, World, with_fault};
use catalog_model::{Identity, RecordKey, Said};
use catalog_store::{CatalogStore, Read};
use cicd_export::{Deps, Event, Producers, handle};
use delivery::cors::Cors;
use serde_json::{Value, json};

use crate::requests::component;

/// What is listed by one delivery: names of queues, each with where it stands in its source.
type Listed = [(&'static str, &'static str)];

/// A removed queue comes back under its ARN, one is renamed in its source, and one moves to another module.
pub(crate) const DELIVERIES: [&Listed; 3] = [
    &[("stays", "stays"), ("renamed", "old"), ("moved", "moved"), ("again", "again"), ("removed", "removed")],
    &[("stays", "stays"), ("renamed", "new"), ("moved", "module.shop/moved")],
    &[("stays", "stays"), ("renamed", "new"), ("moved", "module.shop/moved"), ("again", "again")],
];
const NAMES: [&str; 5] = ["stays", "renamed", "moved", "again", "removed"];

/// Each case has an account of its own, and so resources that no other case names.
#[derive(Debug, Clone)]
pub(crate) struct Case(String);

impl Case {
    pub(crate) fn new(number: u32) -> Self {
        Self(format!("4{number:011}"))
    }

    fn arn(&self, name: &str) -> String {
        format!("arn:aws:sqs:eu-west-1:{}:{name}", self.0)
    }

    fn component(&self, name: &str) -> String {
        format!("{name}-{}", self.0)
    }
}

/// `module.<name>/<local name>`, or the local name alone.
fn place(place: &str) -> (Option<&str>, &str) {
    match place.split_once('/') {
        Some((module, local)) => (Some(module), local),
        None => (None, place),
    }
}

fn terraform_state(case: &Case, listed: &Listed, serial: u64) -> String {
    let resources: Vec<Value> = listed
        .iter()
        .map(|(name, at)| {
            let (module, local) = place(at);
            let mut resource = json!({
                "mode": "managed", "type": "aws_sqs_queue", "name": local, "provider": "aws",
                "instances": [{"attributes": {"arn": case.arn(name), "id": case.arn(name), "name": name}}],
            });
            if let Some(module) = module {
                resource["module"] = json!(module);
            }
            resource
        })
        .collect();
    json!({"version": 4, "terraform_version": "1.9.8", "serial": serial, "lineage": format!("00000000-0000-4000-8000-{}", case.0),
           "outputs": {}, "resources": resources})
    .to_string()
}

fn terraform_show(case: &Case, listed: &Listed) -> String {
    let (mut root, mut modules) = (Vec::new(), Vec::new());
    for (name, at) in listed {
        let (module, local) = place(at);
        let address = module.map_or_else(String::new, |module| format!("{module}."));
        let resource = json!({
            "address": format!("{address}aws_sqs_queue.{local}"), "mode": "managed", "type": "aws_sqs_queue", "name": local,
            "provider_name": "registry.terraform.io/hashicorp/aws", "schema_version": 0,
            "values": {"arn": case.arn(name), "id": case.arn(name), "name": name},
        });
        match module {
            Some(module) => modules.push(json!({"address": module, "resources": [resource]})),
            None => root.push(resource),
        }
    }
    json!({"format_version": "1.0", "terraform_version": "1.9.8",
           "values": {"root_module": {"resources": root, "child_modules": modules}}})
    .to_string()
}

fn cloudformation(case: &Case, listed: &Listed) -> String {
    let account = &case.0;
    let id = |stack: &str| {
        format!(
            "arn:aws:cloudformation:eu-west-1:{account}:stack/{stack}/0d0d0d0d-0000-11f0-8000-0000000000{:02x}",
            stack.len()
        )
    };
    let stacks: Vec<Value> = ["shop", "module-shop"]
        .iter()
        .map(|name| {
            json!({"StackId": id(name), "StackName": name, "StackStatus": "UPDATE_COMPLETE",
                   "CreationTime": "2026-09-01T08:00:00Z", "LastUpdatedTime": "2026-10-01T08:00:00Z"})
        })
        .collect();
    let resources: Vec<Value> = listed
        .iter()
        .map(|(name, at)| {
            let (module, local) = place(at);
            let stack = if module.is_some() { "module-shop" } else { "shop" };
            json!({"StackId": id(stack), "StackName": stack, "LogicalResourceId": local,
                   "PhysicalResourceId": format!("https://sqs.eu-west-1.amazonaws.com/{account}/{name}"),
                   "ResourceType": "AWS::SQS::Queue", "Timestamp": "2026-10-01T08:00:00Z", "ResourceStatus": "CREATE_COMPLETE"})
        })
        .collect();
    format!("{}\n{}", json!({"Stacks": stacks}), json!({"StackResources": resources}))
}

fn cdk_outputs(case: &Case, listed: &Listed) -> String {
    let outputs: serde_json::Map<String, Value> = listed
        .iter()
        .map(|(name, at)| {
            let local = place(at).1;
            (format!("{local}Arn"), json!(case.arn(name)))
        })
        .collect();
    json!({"Shop": outputs}).to_string()
}

fn catalog_info(case: &Case, listed: &Listed) -> String {
    let documents: Vec<String> = listed.iter().map(|(name, _)| component(&case.component(name))).collect();
    documents.join("---\n")
}

pub(crate) struct Source {
    pub(crate) format: &'static str,
    body: fn(&Case, &Listed, u64) -> String,
    /// Whether its entities are the queues, or components of their names.
    of_queues: bool,
}

pub(crate) const SOURCES: [Source; 5] = [
    Source { format: "terraform-state", body: terraform_state, of_queues: true },
    Source { format: "terraform-show", body: |case, listed, _| terraform_show(case, listed), of_queues: true },
    Source { format: "cloudformation", body: |case, listed, _| cloudformation(case, listed), of_queues: true },
    Source { format: "cdk-outputs", body: |case, listed, _| cdk_outputs(case, listed), of_queues: true },
    Source { format: "catalog-info", body: |case, listed, _| catalog_info(case, listed), of_queues: false },
];

/// What stands of one record, by the clock of each version, in words that are the same in each case.
pub(crate) type Standing = Vec<(String, String)>;

impl Source {
    /// The request with one of [`DELIVERIES`] as the `serial`th.
    pub(crate) fn request(&self, case: &Case, (delivery, serial): (usize, u64)) -> Value {
        let mut query = json!({"component": case.component("shop"), "account": case.0, "region": "eu-west-1"});
        if self.format != "terraform-state" {
            query["serial"] = json!(serial.to_string());
        }
        let path = format!("/api/exports/acme/{}/{}", self.format, case.0);
        json!({
            "resource": "/api/exports/{producer}/{format}/{name}", "path": path, "httpMethod": "PUT",
            "headers": {}, "multiValueHeaders": {}, "queryStringParameters": query,
            "requestContext": {
                "httpMethod": "PUT", "requestId": "id", "requestTimeEpoch": 1_795_000_000_000_u64,
                "identity": {"userArn": "arn:aws:sts::111122223333:assumed-role/pipeline/build"},
            },
            "body": (self.body)(case, DELIVERIES[delivery], serial), "isBase64Encoded": false,
        })
    }

    /// Delivers with a fault among the calls that are made. Whether it was taken, and how many calls there were.
    pub(crate) async fn deliver(&self, deps: &Deps, case: &Case, which: (usize, u64), fault: Fault) -> (bool, u32) {
        let event: Event = serde_json::from_value(self.request(case, which)).unwrap();
        let now = "2026-11-22T10:00:00Z".parse().unwrap();
        let (answer, calls) = with_fault(fault, handle(event, deps, now)).await;
        let answer = answer.unwrap();
        let status = answer["statusCode"].as_u64().unwrap();
        assert!(status == 200 || status >= 500, "{}: {answer}", self.format);
        (status == 200, calls)
    }

    pub(crate) async fn standing(&self, store: &CatalogStore, case: &Case) -> Vec<Standing> {
        let mut all = Vec::new();
        for name in NAMES {
            let identity = if self.of_queues {
                Identity::of_canonical_arn(&case.arn(name))
            } else {
                Identity::of_entity(&format!("component:default/{}", case.component(name)).parse().unwrap())
            };
            let record = store.record(&RecordKey::Entity(identity), Read::Consistent).await.unwrap();
            let live = record.fragments.into_values().filter(|fragment| fragment.said != Said::Gone);
            let clock = |version: String| version.rsplit_once('.').unwrap().0.to_owned();
            let shown = live.map(|fragment| {
                (clock(fragment.version.to_string()), format!("{:?}", fragment.said).replace(&case.0, "ACCOUNT"))
            });
            all.push(shown.collect());
        }
        all
    }
}

/// Deliveries by their place in [`DELIVERIES`], in the order of their serials: the last one is what counts.
pub(crate) const ORDERS: [[usize; 3]; 2] = [[0, 1, 2], [0, 2, 1]];

/// The function on the world's table and buckets.
pub(crate) fn deps(world: &World) -> Deps {
    let codepipeline = aws_sdk_codepipeline::Config::builder()
        .behavior_version(aws_sdk_codepipeline::config::BehaviorVersion::latest())
        .build();
    Deps {
        store: world.another_store(),
        s3: world.s3.clone(),
        codepipeline: aws_sdk_codepipeline::Client::from_conf(codepipeline),
        drop_bucket: "callboard-drop".into(),
        max_receive_count: 3,
        producers: Producers::default(),
        cors: Cors::default(),
    }
}

#[tokio::test]
async fn killed_at_every_call_the_records_end_as_if_nothing_had_happened() {
    let world = World::start().await;
    let deps = deps(&world);
    let mut cases = (0..).map(Case::new);
    for source in &SOURCES {
        let mut undisturbed = Vec::new();
        let mut calls = 0;
        for order in ORDERS {
            let case = cases.next().unwrap();
            for delivery in order.into_iter().zip(1..) {
                let (is_taken, made) = source.deliver(&deps, &case, delivery, Fault::Never).await;
                assert!(is_taken);
                calls = calls.max(made);
            }
            let standing = source.standing(&deps.store, &case).await;
            let live = standing.iter().filter(|fragments| !fragments.is_empty()).count();
            assert_eq!(live, DELIVERIES[order[2]].len(), "{} {order:?}", source.format);
            undisturbed.push(standing);
        }
        assert!(calls > 5, "{}: {calls}", source.format);

        // What publishes is the same for all formats: the first one dies everywhere, the others here and there.
        let step = if source.format == SOURCES[0].format { 1 } else { 4 };
        for (nth, at) in (0..calls).step_by(step).zip(0_usize..) {
            for (fault, order) in [(Fault::Before(nth), at), (Fault::After(nth), at + 1)] {
                // Which delivery dies changes with the call, and so does the order in which all come at last.
                let (order, expected) = (ORDERS[order % 2], &undisturbed[order % 2]);
                let dying = at % 3;
                let case = cases.next().unwrap();
                let delivery = |at: usize| (order[at], u64::try_from(at).unwrap() + 1);
                source.deliver(&deps, &case, delivery(dying), fault).await;
                for at in [dying + 2, dying, dying + 1].map(|at| at % 3) {
                    assert!(source.deliver(&deps, &case, delivery(at), Fault::Never).await.0);
                }
                let ended = source.standing(&deps.store, &case).await;
                assert_eq!(ended, *expected, "{} {order:?} {fault:?} of delivery {dying}", source.format);
            }
        }
    }
    world.stack.shutdown().await;
}
