//! State events of pipelines, through the queue that exports come by, and exports of deployments.

use catalog_model::{EntityRef, Identity};
use catalog_store::{Read, SiblingKind};
use serde_json::{Value, json};

use crate::stack::Stack;

const PIPELINE: &str = "arn:aws:codepipeline:eu-west-1:111122223333:orders-main";

fn event(detail_type: &str, time: &str, detail: &Value) -> Value {
    json!({"version": "0", "id": "CWE-event-id", "detail-type": detail_type, "source": "aws.codepipeline",
           "account": "111122223333", "time": time, "region": "eu-west-1", "resources": [PIPELINE], "detail": detail})
}

fn execution(state: &str, time: &str) -> Value {
    let detail = json!({"pipeline": "orders-main", "version": 3, "state": state, "execution-id": "01234567-0123-0123-0123-012345678901"});
    event("CodePipeline Pipeline Execution State Change", time, &detail)
}

fn stage(state: &str, time: &str) -> Value {
    let detail = json!({"pipeline": "orders-main", "version": "3", "stage": "Production", "state": state,
                        "execution-id": "01234567-0123-0123-0123-012345678901"});
    event("CodePipeline Stage Execution State Change", time, &detail)
}

fn batch(bodies: &[String]) -> Value {
    let records = bodies.iter().enumerate().map(|(n, body)| {
        json!({"messageId": format!("message-{n}"), "receiptHandle": "r", "body": body, "attributes": {"ApproximateReceiveCount": "1"},
               "messageAttributes": {}, "md5OfBody": "", "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:eu-west-1:111122223333:q",
               "awsRegion": "eu-west-1"})
    });
    json!({"Records": records.collect::<Vec<_>>()})
}

async fn histories(stack: &Stack) -> Vec<Value> {
    let identity = Identity::of_canonical_arn(PIPELINE);
    let page = stack.deps.store.siblings(&identity, SiblingKind::State, 0..u64::MAX, 100, None, Read::Consistent).await;
    page.unwrap().siblings.into_iter().map(|sibling| sibling.body).collect()
}

#[tokio::test]
async fn events_in_any_order_and_twice_end_in_the_same_state_and_one_bad_one_fails_alone() {
    let events = [
        execution("STARTED", "2026-11-22T09:00:00Z"),
        stage("STARTED", "2026-11-22T09:05:00Z"),
        stage("SUCCEEDED", "2026-11-22T09:06:00Z"),
        execution("SUCCEEDED", "2026-11-22T09:07:00Z"),
    ];
    let mut seen = Vec::new();
    for order in [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1]] {
        let stack = Stack::start().await;
        let mut bodies: Vec<String> = order.iter().chain(&order).map(|at: &usize| events[*at].to_string()).collect();
        // Through a topic, too.
        bodies[0] =
            json!({"Type": "Notification", "TopicArn": "arn:aws:sns:eu-west-1:111122223333:t", "Message": bodies[0]})
                .to_string();
        bodies.push(event("CodePipeline Stage Execution State Change", "2026-11-22T09:00:00Z", &json!({})).to_string());
        let answer = stack.invoke(batch(&bodies)).await;
        assert_eq!(answer["batchItemFailures"], json!([{"itemIdentifier": "message-8"}]));
        let record = stack.record(PIPELINE).await;
        let said: Vec<_> = record
            .facts()
            .map(|(key, fragment, facts)| (key.clone(), fragment.version.clone(), facts.fields.clone()))
            .collect();
        seen.push((said, histories(&stack).await));
    }
    assert!(seen.iter().all(|one| *one == seen[0]), "{seen:?}");
    assert_eq!(seen[0].1.len(), 4);
    let [(_, _, fields)] = seen[0].0.as_slice() else { panic!("{:?}", seen[0].0) };
    assert!(serde_json::to_string(fields).unwrap().contains("succeeded"));
}

#[tokio::test]
async fn a_deployment_is_kept_beside_its_component_and_named_again_it_counts_once() {
    let mut stack = Stack::start().await;
    let path = "/api/exports/acme.shop/deployment/production?component=orders&environment=production";
    let body = json!({"id": "42", "outcome": "succeeded", "startedAt": "2026-11-22T08:00:00Z",
                      "finishedAt": "2026-11-22T08:10:00Z", "commit": "abc1234", "commitTime": "2026-11-22T07:00:00Z"});
    for _ in 0..2 {
        let (status, receipt) = stack.request("PUT", path, &body.to_string()).await;
        assert_eq!(status, 200, "{receipt}");
        assert_eq!(receipt["entities"], json!(["component:default/orders"]));
    }
    let identity = Identity::of_entity(&EntityRef::component("orders"));
    let page = stack.deps.store.siblings(&identity, SiblingKind::Deployment, 0..u64::MAX, 10, None, Read::Consistent);
    assert_eq!(page.await.unwrap().siblings.len(), 1);

    let wrong = json!({"id": "42", "outcome": "fine", "finishedAt": "2026-11-22T08:10:00Z"});
    let (status, answer) = stack.request("PUT", path, &wrong.to_string()).await;
    assert_eq!(status, 400);
    assert!(answer["error"]["message"].as_str().unwrap().contains("`outcome`"), "{answer}");
}

#[tokio::test]
async fn an_old_build_that_sends_its_commit_time_never_wins_over_a_newer_one() {
    let mut stack = Stack::start().await;
    let path = |time: &str| format!("/api/exports/acme.shop/catalog-info/main?commitTime={time}");
    let body = |owner: &str| {
        format!(
            "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {{name: orders}}\nspec: {{type: service, lifecycle: production, owner: {owner}}}\n"
        )
    };
    let (status, receipt) = stack.request("PUT", &path("2026-11-21T10:00:00Z"), &body("new")).await;
    assert_eq!((status, &receipt["clock"]["kind"]), (200, &json!("commit")), "{receipt}");
    let (status, receipt) = stack.request("PUT", &path("2026-11-20T10:00:00Z"), &body("old")).await;
    assert_eq!((status, &receipt["superseded"]), (200, &json!(true)));
    let record = stack.record("component:default/orders").await;
    assert!(format!("{record:?}").contains("new") && !format!("{record:?}").contains("\"old\""));
}
