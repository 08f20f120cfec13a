//! Deployments out of documents and out of observations.

use catalog_model::{EnvironmentRule, Glob};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::state::{self, Observation};

/// 2026-11-21T00:00:00Z
const NOW_MS: u64 = 1_795_219_200_000;

fn document(changes: &Value) -> Value {
    let mut document = json!({
        "id": "build-17", "component": "Orders", "environment": "production", "outcome": "succeeded",
        "startedAt": "2026-11-20T09:50:00Z", "finishedAt": "2026-11-20T11:00:00+01:00",
        "commit": "0c6d2cbd", "commitTime": "2026-11-19T10:00:00Z", "url": "https://ci.example/builds/17?token=CANARY"
    });
    for (name, value) in changes.as_object().unwrap() {
        document[name] = value.clone();
    }
    document
}

fn parsed(document: &Value) -> Result<ParsedDeployments, DeploymentError> {
    parse(document.to_string().as_bytes(), &Defaults::default(), NOW_MS)
}

#[test]
fn a_document_is_read_and_serialised_as_it_is_answered() {
    let deployment = &parsed(&document(&json!({}))).unwrap().deployments[0].1;
    insta::assert_snapshot!(serde_json::to_string(deployment).unwrap(), @r#"{"id":"build-17","component":"component:default/orders","environment":"production","outcome":"succeeded","startedAt":"2026-11-20T09:50:00Z","finishedAt":"2026-11-20T10:00:00Z","commit":"0c6d2cbd","commitTime":"2026-11-19T10:00:00Z","url":"https://ci.example/builds/17","toldBy":"document"}"#);
    let text = serde_json::to_string(deployment).unwrap();
    assert_eq!(&serde_json::from_str::<Deployment>(&text).unwrap(), deployment);
    let back = parsed(&document(&json!({"id": "18", "rollbackOf": "build-17"}))).unwrap();
    assert!(back.deployments[0].1.rollback);
}

#[test]
fn parameters_fill_in_what_a_document_leaves_out() {
    let bare = json!({"id": "1", "outcome": "failed", "finishedAt": "2026-11-20T10:00:00Z"});
    let defaults = Defaults {
        component: Some(catalog_model::EntityRef::component("orders")),
        environment: Some("staging".to_owned()),
    };
    let parsed = parse(bare.to_string().as_bytes(), &defaults, NOW_MS).unwrap();
    assert_eq!(
        parsed.deployments[0].1.to_string(),
        "1 staging failed 2026-11-20T10:00:00Z..2026-11-20T10:00:00Z of component:default/orders"
    );
}

#[test]
fn one_bad_deployment_never_loses_the_good_ones() {
    let list = json!([
        document(&json!({})),
        document(&json!({"outcome": "CANARY"})),
        "CANARY",
        document(&json!({"CANARY": 1}))
    ]);
    let parsed = parsed(&list).unwrap();
    assert_eq!(parsed.deployments.iter().map(|(index, _)| *index).collect::<Vec<_>>(), [0, 3]);
    let refused: Vec<String> =
        parsed.refused.iter().map(|refusal| format!("{} {}", refusal.index, refusal.error)).collect();
    assert_eq!(
        refused,
        [
            "1 deployment 1: `outcome` is not `succeeded`, `failed` or `rolled-back`",
            "2 the file is neither a deployment nor a list of deployments, but a text",
        ]
    );
    assert_eq!(parsed.notes.len(), 1);
    assert!(!format!("{refused:?}{:?}", parsed.notes).contains("CANARY"));
}

#[test]
fn what_is_wrong_is_named_by_its_field_or_line() {
    let cases = [
        (json!({"id": "CANARY CANARY"}), "`id` is not of the form [A-Za-z0-9._:/@+-], 1 to 128 characters"),
        (json!({"component": null}), "it has no `component`"),
        (json!({"component": "api:CANARY"}), "`component` is not the name of a component, such as `orders`"),
        (json!({"environment": "-CANARY"}), "`environment` is not a name of letters and digits"),
        (json!({"finishedAt": "CANARY"}), "`finishedAt` is not a time such as 2026-11-20T10:00:00Z"),
        (json!({"finishedAt": 1_795_000_000}), "`finishedAt` is not a time such as 2026-11-20T10:00:00Z"),
        (json!({"finishedAt": "2026-11-21T00:06:00Z"}), "`finishedAt` is not before now"),
        (json!({"startedAt": "2026-11-20T10:00:01Z"}), "`startedAt` is not before `finishedAt`"),
        (json!({"startedAt": "2026-11-01T10:00:00Z"}), "`startedAt` is not within seven days before `finishedAt`"),
        (json!({"commitTime": "2026-11-20T10:00:01Z"}), "`commitTime` is not before `finishedAt`"),
        (json!({"commit": "CANARY CANARY"}), "`commit` is not a commit, digest or version"),
        (json!({"url": "https://user:CANARY@ci.example/"}), "`url` is not a link with https, without credentials"),
        (json!({"url": "http://ci.example/CANARY"}), "`url` is not a link with https, without credentials"),
    ];
    for (changes, expected) in cases {
        let error = parsed(&document(&changes)).unwrap_err();
        let start = format!("no deployment of the file is usable; the first reason is: deployment 0: {expected}");
        assert!(error.to_string().starts_with(&start), "{error}");
        assert!(!format!("{error} {error:?}").contains("CANARY"), "{error}");
    }
    let read = |text: &str| parse(text.as_bytes(), &Defaults::default(), NOW_MS).unwrap_err().to_string();
    assert_eq!(read("{\n\"id\": CANARY}"), "the file is not valid JSON (line 2, column 7)");
    assert_eq!(read("7"), "the file is neither a deployment nor a list of deployments, but a number");
    assert_eq!(read("[]"), "the file is an empty list: it deletes nothing, so there is nothing to do");
    assert!(read(&"[".repeat(100_000)).starts_with("the file is not valid JSON"));
    assert!(read(&format!("[{}7]", "7,".repeat(1_000))).starts_with("the file has 1001 deployments"));
}

fn event(level: &str, second: u64, detail: &Value) -> Observation {
    let mut event = json!({
        "detail-type": format!("CodePipeline {level} Execution State Change"), "source": "aws.codepipeline",
        "account": "111122223333", "time": format!("2026-11-20T10:00:{second:02}Z"), "region": "eu-west-1",
        "resources": ["arn:aws:codepipeline:eu-west-1:111122223333:orders"],
        "detail": {"pipeline": "orders", "execution-id": "e1", "state": "STARTED"}
    });
    for (name, value) in detail.as_object().unwrap() {
        event["detail"][name] = value.clone();
    }
    state::parse(&event).unwrap().unwrap()
}

fn action(stage: &str, action: &str, category: &str, result: &Value) -> Value {
    let provider = if category == "Source" { "CodeCommit" } else { "CodeDeploy" };
    json!({
        "stage": stage, "action": action, "state": "SUCCEEDED", "execution-result": result,
        "type": {"category": category, "owner": "AWS", "provider": provider, "version": "1"}
    })
}

/// One execution: source, build, a beta stage by its action, and production by its name, which fails and is retried.
fn execution() -> Vec<Observation> {
    let stage = |name: &str, state: &str, attempt: u64| json!({"stage": name, "state": state, "pipeline-execution-attempt": attempt});
    vec![
        event("Pipeline", 0, &json!({"execution-trigger": {"trigger-type": "Webhook"}})),
        event("Action", 1, &action("Source", "Code", "Source", &json!({"external-execution-id": "0c6d2cbd"}))),
        event("Stage", 2, &stage("Build", "SUCCEEDED", 1)),
        event("Stage", 3, &stage("Beta", "STARTED", 1)),
        event(
            "Action",
            5,
            &action(
                "Beta",
                "Roll",
                "Deploy",
                &json!({
                    "external-execution-id": "d-ABCDEF123", "external-execution-url": "https://console.aws.amazon.com/codedeploy/x"
                }),
            ),
        ),
        event("Stage", 6, &stage("Beta", "SUCCEEDED", 1)),
        event("Stage", 7, &stage("DeployProd", "STARTED", 1)),
        event("Stage", 8, &stage("DeployProd", "FAILED", 1)),
        event("Stage", 10, &stage("DeployProd", "STARTED", 2)),
        event("Stage", 20, &stage("DeployProd", "SUCCEEDED", 2)),
    ]
}

fn told(observations: &[Observation], rules: &[EnvironmentRule]) -> String {
    let (deployments, elsewhere) = derive(observations, rules);
    let once = once(deployments, &elsewhere);
    once.iter().map(|deployment| format!("{deployment}\n")).collect()
}

#[test]
fn each_attempt_of_a_deploying_stage_is_a_deployment_with_the_commit_of_its_execution() {
    insta::assert_snapshot!(told(&execution(), &[]), @"
    e1 beta succeeded 2026-11-20T10:00:03Z..2026-11-20T10:00:06Z commit 0c6d2cbd stage Beta
    e1 production failed 2026-11-20T10:00:07Z..2026-11-20T10:00:08Z commit 0c6d2cbd stage DeployProd
    e1 production succeeded 2026-11-20T10:00:10Z..2026-11-20T10:00:20Z commit 0c6d2cbd stage DeployProd attempt 2
    ");
    let (deployments, elsewhere) = derive(&execution(), &[]);
    assert_eq!(deployments[0].url.as_deref(), Some("https://console.aws.amazon.com/codedeploy/x"));
    assert!(elsewhere.contains("d-ABCDEF123"));
}

#[test]
fn rules_say_what_names_do_not() {
    let glob = |pattern: &str| Glob::new(pattern).unwrap();
    let rule = |account: &str, pipeline: &str, stage: Option<&str>, environment: &str| EnvironmentRule {
        account: glob(account),
        pipeline: glob(pipeline),
        stage: stage.map(glob),
        environment: environment.to_owned(),
    };
    let environments = |rules: &[EnvironmentRule]| {
        let told = told(&execution(), rules);
        told.lines().filter_map(|line| line.split(' ').nth(1)).map(str::to_owned).collect::<Vec<_>>()
    };
    let own = ["beta", "production", "production"];
    assert_eq!(
        environments(&[rule("*", "ord?rs", Some("bui*"), "sandbox"), rule("*", "*", None, "live")]),
        ["sandbox", "live", "live", "live"]
    );
    assert_eq!(
        environments(&[rule("111122223333", "arn:aws:codepipeline:*", Some("deployprod"), "live")]),
        ["beta", "live", "live"]
    );
    assert_eq!(environments(&[rule("999988887777", "*", None, "live"), rule("*", "others", None, "live")]), own);
}

#[test]
fn a_stage_that_only_its_actions_tell_of_succeeds_with_all_of_them() {
    let mut seen = vec![event("Action", 5, &action("Beta", "ToDev", "Deploy", &json!({})))];
    assert!(told(&seen, &[]).contains("beta succeeded"));
    let mut started = action("Beta", "Second", "Deploy", &json!({}));
    started["state"] = json!("STARTED");
    seen.push(event("Action", 4, &started));
    assert!(told(&seen, &[]).contains("beta running 2026-11-20T10:00:04Z..-"));
    started["state"] = json!("FAILED");
    seen.push(event("Action", 4, &started));
    assert!(told(&seen, &[]).contains("beta failed"));
}

#[test]
fn a_rollback_of_a_pipeline_is_one() {
    let mut seen = execution();
    seen.push(event(
        "Pipeline",
        30,
        &json!({"state": "SUCCEEDED", "execution-trigger": {"trigger-type": "ManualRollback"}}),
    ));
    assert!(told(&seen, &[]).lines().all(|line| line.ends_with("rollback of -")));
}

#[test]
fn what_two_tell_of_counts_once() {
    let at_codedeploy = json!({
        "detail-type": "CodeDeploy Deployment State-change Notification", "source": "aws.codedeploy",
        "account": "111122223333", "time": "2026-11-20T10:00:05Z", "region": "eu-west-1",
        "resources": ["arn:aws:codedeploy:eu-west-1:111122223333:application:orders"],
        "detail": {"application": "orders", "deploymentId": "d-ABCDEF123", "state": "SUCCESS", "deploymentGroup": "Prod"}
    });
    let alone = [state::parse(&at_codedeploy).unwrap().unwrap()];
    assert_eq!(
        told(&alone, &[]),
        "d-ABCDEF123 production succeeded 2026-11-20T10:00:05Z..2026-11-20T10:00:05Z stage Prod\n"
    );
    let mut seen = execution();
    seen.extend(alone);
    assert!(!told(&seen, &[]).contains("d-ABCDEF123"));
    // The document of a build that names the execution.
    let (mut deployments, elsewhere) = derive(&seen, &[]);
    let documented = parsed(&document(&json!({"id": "e1", "environment": "beta"}))).unwrap().deployments[0].1.clone();
    deployments.push(documented.clone());
    let once = once(deployments, &elsewhere);
    assert_eq!(once.iter().filter(|deployment| deployment.environment == "beta").collect::<Vec<_>>(), [&documented]);
    assert_eq!(once.len(), 3);
}

proptest! {
    #[test]
    fn deployments_do_not_depend_on_order_or_repeats(order in Just(execution()).prop_shuffle(), repeats in 0_usize..5) {
        let mut seen = order;
        let again: Vec<Observation> = seen.iter().take(repeats).cloned().collect();
        seen.extend(again);
        prop_assert_eq!(told(&seen, &[]), told(&execution(), &[]));
    }

    #[test]
    fn any_bytes_are_read_or_refused(text in "[\\[\\]{}\":,a-z0-9 ]{0,60}") {
        let _ = parse(text.as_bytes(), &Defaults::default(), NOW_MS);
    }
}
