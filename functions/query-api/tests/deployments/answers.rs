use std::sync::Arc;

use catalog_model::{Version, derived_ref};
use catalog_store::{Sibling, SiblingKind};
use query_api::{CursorKey, Deps};
use serde_json::{Value, json};

use crate::company::{company, declare, document, entity, execution, keep, pipeline, ten_days};
use crate::stack::Stack;

const ORDERS: (&str, &str) = ("entity", "component:default/orders");
const TEN_DAYS: [(&str, &str); 2] = [("from", "2026-09-01"), ("to", "2026-09-11T00:00:00Z")];

async fn ask(stack: &mut Stack, path: &str, parameters: &[(&str, &str)]) -> Value {
    let (status, answer) = stack.get(path, parameters).await;
    assert_eq!(status, 200, "{path}: {answer}");
    answer
}

/// Id, environment and outcome.
fn listed(answer: &Value) -> Vec<String> {
    let word = |one: &Value, name: &str| one[name].as_str().unwrap().to_owned();
    let line = |one| format!("{} {} {}", word(one, "id"), word(one, "environment"), word(one, "outcome"));
    answer["deployments"].as_array().unwrap().iter().map(line).collect()
}

fn ten_days_of(entity: &str) -> [(&str, &str); 3] {
    [("entity", entity), TEN_DAYS[0], TEN_DAYS[1]]
}

#[tokio::test]
async fn the_four_figures_are_those_worked_out_by_hand() {
    let mut stack = company().await;
    keep(&ten_days(), &stack).await;
    let mut answer = ask(&mut stack, "/api/dora", &ten_days_of(ORDERS.1)).await;
    let environments = answer.as_object_mut().unwrap().remove("environments").unwrap();
    assert_eq!(
        answer,
        json!({
            "entity": "component:default/orders", "from": "2026-09-01T00:00:00Z", "to": "2026-09-11T00:00:00Z",
            "deploymentFrequency": {
                "deployments": 4, "succeeded": 3, "perDay": {"numerator": 2, "denominator": 5, "decimal": "0.4000"},
            },
            "leadTimeForChanges": {"medianSeconds": 45_600, "measured": 2, "unknownCommitTime": 1},
            "changeFailureRate": {
                "failed": 1, "total": 4, "rate": {"numerator": 1, "denominator": 4, "decimal": "0.2500"},
            },
            "timeToRestore": {"medianSeconds": 7_200, "restored": 1, "open": 0},
        })
    );
    let changes = |name: &str| environments[name]["deploymentFrequency"]["deployments"].clone();
    assert_eq!((changes("production"), changes("staging")), (json!(3), json!(1)));
    // What restored it came after this window, and `to` is left out.
    let until = [ORDERS, ("from", "2026-09-03"), ("to", "2026-09-03T12:00:00+00:00")];
    let answer = ask(&mut stack, "/api/dora", &until).await;
    assert_eq!(answer["deploymentFrequency"]["deployments"], 1);
    assert_eq!(answer["timeToRestore"], json!({"medianSeconds": 7_200, "restored": 1, "open": 0}));
}

#[tokio::test]
async fn rules_say_where_an_observed_deployment_went_and_nothing_of_what_a_document_says() {
    let mut stack = company().await;
    keep(&ten_days(), &stack).await;
    let file = "deployments: [{pipeline: 'ord*', stage: deployprod, environment: live}, {account: '111122223333', environment: no}]";
    let rules = ownership_rules::read(file).unwrap().rules;
    let store = stack.store.clone().with_ownership(rules);
    stack.api = Arc::new(Deps::of_store(store, CursorKey::new("tests")));
    let answer = ask(&mut stack, "/api/deployments", &ten_days_of(ORDERS.1)).await;
    assert_eq!(listed(&answer), ["e3 live succeeded", "e2 live failed", "e1 live succeeded", "d1 staging succeeded"]);
}

#[tokio::test]
async fn what_came_in_any_order_and_twice_is_the_same() {
    let mut answers = Vec::new();
    for turn in 0..3 {
        let mut stack = company().await;
        let mut told = ten_days();
        match turn {
            0 => {}
            1 => told.reverse(),
            // Again, and another that came in the middle of them.
            _ => told.extend(ten_days().into_iter().rev()),
        }
        keep(&told, &stack).await;
        let mut both = Vec::new();
        for path in ["/api/deployments", "/api/dora"] {
            both.push(ask(&mut stack, path, &ten_days_of(ORDERS.1)).await);
        }
        answers.push(both);
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0], answers[2]);
    let expected =
        ["e3 production succeeded", "e2 production failed", "e1 production succeeded", "d1 staging succeeded"];
    assert_eq!(listed(&answers[0][0]), expected);
}

#[tokio::test]
async fn a_build_that_is_told_again_or_by_two_counts_once() {
    let mut stack = company().await;
    keep(&ten_days(), &stack).await;
    // The pipeline tells of its own execution, and then of one build twice.
    let commit = json!({"commit": "cccc3333", "commitTime": "2026-09-03T11:00:00Z"});
    let by_document = document("e3", "orders", "production", "2026-09-03T12:00:05Z", &commit);
    let again = document("d1", "orders", "staging", "2026-09-01T12:30:00Z", &json!({}));
    keep(&[by_document, again], &stack).await;
    let answer = ask(&mut stack, "/api/deployments", &ten_days_of(ORDERS.1)).await;
    let expected =
        ["e3 production succeeded", "e2 production failed", "e1 production succeeded", "d1 staging succeeded"];
    assert_eq!(listed(&answer), expected);
    assert_eq!(answer["deployments"][0]["toldBy"], "document");
    assert_eq!(answer["deployments"][3]["finishedAt"], "2026-09-01T12:30:00Z");
}

#[tokio::test]
async fn a_list_is_walked_page_by_page_newest_first() {
    let mut stack = company().await;
    keep(&ten_days(), &stack).await;
    // Two that ended in the same moment.
    for id in ["d2", "d3"] {
        keep(&[document(id, "orders", "staging", "2026-08-20T12:00:00Z", &json!({}))], &stack).await;
    }
    let whole = ask(&mut stack, "/api/deployments", &[ORDERS]).await;
    assert_eq!((listed(&whole).len(), whole.get("next")), (6, None));
    for limit in ["1", "2", "5"] {
        let mut walked = Vec::new();
        let mut next: Option<String> = None;
        loop {
            let mut parameters = vec![ORDERS, ("limit", limit), ("from", "2026-08-01"), ("to", "2026-09-20")];
            parameters.extend(next.as_deref().map(|next| ("next", next)));
            let page = ask(&mut stack, "/api/deployments", &parameters).await;
            assert_eq!(page["pipelines"].as_array().unwrap().len(), usize::from(next.is_none()));
            walked.extend(page["deployments"].as_array().unwrap().iter().cloned());
            next = page["next"].as_str().map(str::to_owned);
            if next.is_none() {
                break;
            }
        }
        assert_eq!(json!(walked), whole["deployments"], "{limit} a page");
    }
}

#[tokio::test]
async fn a_pipeline_shows_its_executions_with_their_stages() {
    let mut stack = company().await;
    keep(&ten_days(), &stack).await;
    let name = derived_ref(&pipeline("orders")).to_string();
    let answer = ask(&mut stack, "/api/deployments", &ten_days_of(&name)).await;
    let ids: Vec<&Value> = answer["executions"].as_array().unwrap().iter().map(|one| &one["execution"]["id"]).collect();
    assert_eq!(ids, ["e3", "e2", "e1"]);
    let failed = &answer["executions"][1];
    assert_eq!((&failed["execution"]["state"], &failed["execution"]["commit"]), (&json!("failed"), &json!("bbbb2222")));
    let stages = json!([{
        "stage": "DeployProd", "attempt": 1, "state": "failed", "status": "FAILED", "at": "2026-09-03T10:00:00Z",
    }]);
    assert_eq!(failed["stages"], stages);
    assert_eq!(listed(&answer), ["e3 production succeeded", "e2 production failed", "e1 production succeeded"]);

    let page = [("entity", name.as_str()), ("limit", "2"), TEN_DAYS[0], TEN_DAYS[1]];
    let first = ask(&mut stack, "/api/deployments", &page).await;
    assert_eq!(listed(&first).len(), 2);
    let next = first["next"].as_str().unwrap().to_owned();
    let second = ask(&mut stack, "/api/deployments", &[&page[..], &[("next", &next)]].concat()).await;
    assert_eq!((listed(&second), second.get("next")), (vec!["e1 production succeeded".to_owned()], None));
    let figures = ask(&mut stack, "/api/dora", &ten_days_of(&name)).await;
    assert_eq!(figures["deploymentFrequency"]["deployments"], 3);
}

#[tokio::test]
async fn an_idle_pipeline_is_shown_as_it_was_last() {
    let mut stack = company().await;
    let mut told = execution("idle", "i1", "2026-07-05", "aaaa1111", ["09:00:00", "09:20:00"], "FAILED");
    told.extend(execution("orders", "e1", "2026-09-20", "aaaa1111", ["09:00:00", "09:20:00"], "SUCCEEDED"));
    told.extend(execution("orders", "e2", "2026-09-20", "aaaa1111", ["10:00:00", "10:20:00"], "SUCCEEDED"));
    keep(&told, &stack).await;
    let answer = ask(&mut stack, "/api/deployments", &[ORDERS, ("limit", "1")]).await;
    let shown: Vec<String> = answer["pipelines"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| format!("{} {} {}", one["name"], one["execution"]["id"], one["execution"]["state"]))
        .collect();
    assert_eq!(shown, [r#""idle" "i1" "failed""#, r#""orders" "e2" "succeeded""#]);
    assert_eq!(listed(&answer), ["e2 production succeeded"]);
}

#[tokio::test]
async fn a_system_and_a_group_count_their_components_each_by_itself() {
    let mut stack = company().await;
    keep(&ten_days(), &stack).await;
    // The same build number and commit as the other component's: another deployment all the same.
    let commit = json!({"commit": "aaaa1111", "commitTime": "2026-09-01T10:00:00Z"});
    keep(&[document("d1", "billing", "staging", "2026-09-01T12:00:00Z", &commit)], &stack).await;
    for whole in ["system:default/shop", "group:default/team-a"] {
        let figures = ask(&mut stack, "/api/dora", &ten_days_of(whole)).await;
        assert_eq!(figures["deploymentFrequency"]["deployments"], 5, "{whole}");
        assert_eq!(figures["leadTimeForChanges"]["measured"], 3, "{whole}");
        let answer = ask(&mut stack, "/api/deployments", &ten_days_of(whole)).await;
        let of: Vec<&Value> = answer["deployments"].as_array().unwrap().iter().map(|one| &one["component"]).collect();
        assert_eq!(of.iter().filter(|of| **of == "component:default/billing").count(), 1);
        assert_eq!(of.iter().filter(|of| **of == "component:default/orders").count(), 4);
    }
}

#[tokio::test]
async fn nothing_deployed_is_an_answer_and_nobody_is_none() {
    let mut stack = company().await;
    let answer = ask(&mut stack, "/api/deployments", &[("entity", "component:billing")]).await;
    assert_eq!(answer, json!({"entity": "component:default/billing", "deployments": [], "pipelines": []}));
    let figures = ask(&mut stack, "/api/dora", &[("entity", "Component:Billing")]).await;
    assert_eq!(figures["changeFailureRate"], json!({"failed": 0, "total": 0, "rate": null}));
    for path in ["/api/deployments", "/api/dora"] {
        let (status, answer) = stack.get(path, &[("entity", "component:default/nobody")]).await;
        assert_eq!((status, &answer["error"]["name"]), (404, &json!("NotFoundError")), "{path}");
    }
}

#[tokio::test]
async fn what_is_asked_wrongly_is_named() {
    let mut stack = company().await;
    for (path, parameters, complaint) in [
        ("deployments", vec![], "request/query must have required property 'entity'"),
        ("dora", vec![("from", "2026-09-01")], "request/query must have required property 'entity'"),
        ("deployments", vec![ORDERS, ("stage", "x")], "Unknown query parameter 'stage'"),
        ("dora", vec![ORDERS, ("limit", "1")], "Unknown query parameter 'limit'"),
        ("deployments", vec![ORDERS, ("from", "")], "Empty value found for query parameter 'from'"),
        ("deployments", vec![ORDERS, ORDERS], "request/query/entity must be string"),
        ("dora", vec![("entity", "orders")], "request/query/entity: "),
        ("dora", vec![("entity", "user:default/anna")], "request/query/entity must be a component, "),
        ("dora", vec![ORDERS, ("from", "soon")], "request/query/from must be a day or a time since 1970"),
        ("deployments", vec![ORDERS, ("to", "2026-02-30")], "request/query/to must be a day or a time since 1970"),
        ("dora", vec![ORDERS, TEN_DAYS[0], ("to", "2026-09-01")], "request/query/to must be after `from`"),
        ("dora", vec![ORDERS, ("from", "2024-01-01")], "request/query/from must be at most 400 days before `to`"),
        ("deployments", vec![ORDERS, ("limit", "0")], "request/query/limit must be between 1 and 200"),
        ("deployments", vec![ORDERS, ("limit", "201")], "request/query/limit must be between 1 and 200"),
        ("deployments", vec![ORDERS, ("limit", "x")], "request/query/limit must be integer"),
        ("deployments", vec![ORDERS, ("next", "x")], "request/query/next must be the `next` of a page before"),
    ] {
        let (status, answer) = stack.get(&format!("/api/{path}"), &parameters).await;
        let message = answer["error"]["message"].as_str().unwrap_or_default();
        assert!(status == 400 && message.starts_with(complaint), "{path} {parameters:?}: {status} {answer}");
    }
}

#[tokio::test]
async fn explain_lists_the_states_of_an_api_s_definition_and_of_nothing_else() {
    let mut stack = company().await;
    let day_ms = 86_400_000;
    for (day, id, version) in [(20_000, "aa", "1.0.0"), (20_003, "bb", "1.1.0")] {
        let body = json!({"digest": format!("sha256:{id}"), "version": version, "bytes": 120});
        let sibling = Sibling { at_ms: day * day_ms, id: id.into(), version: Version::of_serial(day, 0), body };
        let api = entity("api:default/orders");
        stack.store.put_sibling(&api, SiblingKind::Definition, &sibling).await.unwrap();
    }
    declare(&mut stack, "api:default/orders", &[("type", "openapi")]).await;
    stack.index_all().await;
    let explained = ask(&mut stack, "/api/explain/api/default/orders", &[]).await;
    assert_eq!(
        explained["definitions"],
        json!([
            {"day": "2024-10-07", "digest": "sha256:bb", "version": "1.1.0", "bytes": 120},
            {"day": "2024-10-04", "digest": "sha256:aa", "version": "1.0.0", "bytes": 120},
        ])
    );
    let component = ask(&mut stack, "/api/explain/component/default/orders", &[]).await;
    assert_eq!(component["definitions"], Value::Null);
    let card = &component["fields"]["/metadata/annotations/aws.amazon.com~1aws-codepipeline-arn"];
    assert_eq!(
        card,
        &json!({"value": pipeline("idle").as_str(), "rule": "the first by ARN of what the component depends on", "by": null, "lost": []})
    );
}
