//! A component with a pipeline, and what both are told of.

use catalog_model::{Facts, Identity, Pointer, RecordKey, Relation, Role, Said, Version};
use catalog_store::{Sibling, SiblingKind};
use pipeline_event::deployment::{self, Defaults};
use pipeline_event::state;
use serde_json::{Value, json};

use crate::stack::Stack;

/// What is kept beside a record.
pub(crate) type Told = (Identity, SiblingKind, Sibling);

pub(crate) fn entity(text: &str) -> Identity {
    Identity::of_entity(&text.parse().unwrap())
}

pub(crate) fn pipeline(name: &str) -> Identity {
    Identity::of_canonical_arn(&format!("arn:aws:codepipeline:eu-west-1:111122223333:{name}"))
}

/// Components `orders` and `billing` of system `shop` and group `team-a`, and two pipelines of `orders`.
pub(crate) async fn company() -> Stack {
    let mut stack = Stack::start().await;
    for name in ["component:default/orders", "component:default/billing"] {
        declare(&mut stack, name, &[("owner", "team-a"), ("system", "shop"), ("type", "service")]).await;
    }
    declare(&mut stack, "system:default/shop", &[("owner", "team-a")]).await;
    declare(&mut stack, "group:default/team-a", &[("type", "team")]).await;
    declare(&mut stack, "user:default/anna", &[]).await;
    for name in ["orders", "idle"] {
        let mut facts = Facts::new(Role::Listed);
        facts.relations.insert(Relation::new("dependencyOf", entity("component:default/orders").key()));
        stack.say(&RecordKey::Entity(pipeline(name)), "state", Said::Facts(facts)).await;
    }
    stack.index_all().await;
    stack
}

pub(crate) async fn declare(stack: &mut Stack, text: &str, fields: &[(&str, &str)]) {
    let mut facts = Facts::new(Role::Declared);
    for (field, value) in fields {
        facts.say(Pointer::spec(field), *value);
    }
    stack.say(&RecordKey::Entity(entity(text)), "catalog", Said::Facts(facts)).await;
}

/// An execution: where its source is from, and how its stage `DeployProd` went.
pub(crate) fn execution(
    of: &str,
    id: &str,
    day: &str,
    commit: &str,
    [start, end]: [&str; 2],
    state: &str,
) -> Vec<Told> {
    let event = |level: &str, time: &str, detail: Value| {
        let mut event = json!({
            "detail-type": format!("CodePipeline {level} Execution State Change"), "source": "aws.codepipeline",
            "account": "111122223333", "region": "eu-west-1", "time": format!("{day}T{time}Z"),
            "resources": [pipeline(of).as_str()],
            "detail": {"pipeline": of, "execution-id": id, "version": 1.0},
        });
        for (name, value) in detail.as_object().unwrap() {
            event["detail"][name] = value.clone();
        }
        let observation = state::parse(&event).unwrap().unwrap();
        let sibling = Sibling {
            at_ms: observation.time_ms,
            id: observation.digest(),
            version: observation.version(u64::MAX / 2).unwrap(),
            body: serde_json::to_value(&observation).unwrap(),
        };
        (observation.subject.identity, SiblingKind::State, sibling)
    };
    let source = json!({
        "stage": "Source", "action": "Checkout", "state": "SUCCEEDED",
        "type": {"owner": "AWS", "provider": "CodeStarSourceConnection", "category": "Source", "version": "1"},
        "execution-result": {"external-execution-id": commit},
    });
    let deploy = |state: &str| json!({"stage": "DeployProd", "state": state});
    vec![
        event("Pipeline", start, json!({"state": "STARTED"})),
        event("Action", start, source),
        event("Stage", start, deploy("STARTED")),
        event("Stage", end, deploy(state)),
        event("Pipeline", end, json!({"state": state})),
    ]
}

/// As the export format `deployment` has it.
pub(crate) fn document(id: &str, of: &str, environment: &str, finished: &str, more: &Value) -> Told {
    let mut document = json!({
        "id": id, "component": of, "environment": environment, "outcome": "succeeded", "finishedAt": finished,
    });
    for (name, value) in more.as_object().unwrap() {
        document[name] = value.clone();
    }
    let parsed =
        deployment::parse(document.to_string().as_bytes(), &Defaults::default(), u64::MAX / 2).unwrap().deployments;
    let one = &parsed[0].1;
    let sibling = Sibling {
        at_ms: one.at_ms(),
        id: one.digest(),
        version: Version::of_serial(1, 0),
        body: serde_json::to_value(one).unwrap(),
    };
    (entity(&format!("component:default/{of}")), SiblingKind::Deployment, sibling)
}

/// Ten days of `orders`. The figures by hand: four changes in ten days; of three that succeeded, two have commits whose time
/// is known, and took 2 h and 23 h 20 min; one failed, and two hours later the next succeeded.
pub(crate) fn ten_days() -> Vec<Told> {
    let mut told = Vec::new();
    told.extend(execution("orders", "e1", "2026-09-02", "aaaa1111", ["09:00:00", "09:20:00"], "SUCCEEDED"));
    told.extend(execution("orders", "e2", "2026-09-03", "bbbb2222", ["09:50:00", "10:00:00"], "FAILED"));
    told.extend(execution("orders", "e3", "2026-09-03", "cccc3333", ["11:45:00", "12:00:00"], "SUCCEEDED"));
    let commit = json!({"commit": "aaaa1111", "commitTime": "2026-09-01T10:00:00Z"});
    told.push(document("d1", "orders", "staging", "2026-09-01T12:00:00Z", &commit));
    told
}

pub(crate) async fn keep(told: &[Told], stack: &Stack) {
    for (identity, kind, sibling) in told {
        stack.store.put_sibling(identity, *kind, sibling).await.unwrap();
    }
}
