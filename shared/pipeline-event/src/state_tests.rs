//! Events of every service and form, what is kept of each, and how they converge.

use insta::assert_snapshot;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const EXECUTION: &str = "12345678-1234-5678-abcd-12345678abcd";

pub(crate) fn pipeline_event(level: &str, detail: &Value) -> Value {
    let mut event = json!({
        "version": "0", "id": "1", "detail-type": format!("CodePipeline {level} Execution State Change"),
        "source": "aws.codepipeline", "account": "111122223333", "time": "2026-11-20T10:00:00Z", "region": "eu-west-1",
        "resources": ["arn:aws:codepipeline:eu-west-1:111122223333:orders"],
        "detail": {"pipeline": "orders", "execution-id": EXECUTION, "state": "STARTED", "version": 6.0}
    });
    for (name, value) in detail.as_object().unwrap() {
        event["detail"][name] = value.clone();
    }
    event
}

fn told(event: &Value) -> String {
    match parse(event) {
        Ok(Some(observation)) => observation.to_string(),
        Ok(None) => "nothing is kept".to_owned(),
        Err(error) => format!("{}: {error}", error.code()),
    }
}

fn build_event() -> Value {
    json!({
        "version": "0", "id": "2", "detail-type": "CodeBuild Build State Change", "source": "aws.codebuild",
        "account": "111122223333", "time": "2026-11-20T10:10:00Z", "region": "eu-west-1",
        "resources": ["arn:aws:codebuild:eu-west-1:111122223333:build/orders-build:9da1ca9e-7a3c-4c1e-9d3f-1f1b7f2d7c11"],
        "detail": {
            "build-status": "FAILED", "project-name": "orders-build",
            "build-id": "arn:aws:codebuild:eu-west-1:111122223333:build/orders-build:9da1ca9e-7a3c-4c1e-9d3f-1f1b7f2d7c11",
            "additional-information": {
                "source-version": "0c6d2cbd6cbf5e1d9d6f7c6b1c2a3b4c5d6e7f80", "build-start-time": "Nov 20, 2026 10:01:02 AM",
                "initiator": "CANARY-user", "source": {"location": "https://user:CANARY@git.example/x.git"},
                "environment": {"environment-variables": [{"name": "DB", "type": "PLAINTEXT", "value": "CANARY"}]},
                "logs": {"deep-link": "https://console.aws.amazon.com/cloudwatch/home?region=eu-west-1#logEvent:group=null"},
                "phases": [{"phase-context": ["CANARY"]}]
            }
        }
    })
}

#[test]
fn an_execution_says_when_it_began_and_why() {
    let event = pipeline_event(
        "Pipeline",
        &json!({
            "state": "SUCCEEDED", "start-time": "2026-11-20T09:50:13.765Z", "pipeline-execution-attempt": 2.0,
            "execution-trigger": {"trigger-type": "AutomatedRollback", "trigger-detail": "CANARY"},
            "stop-execution-comments": "CANARY"
        }),
    );
    assert_snapshot!(told(&event), @"
    codepipeline arn:aws:codepipeline:eu-west-1:111122223333:orders
    execution 12345678-1234-5678-abcd-12345678abcd attempt 2
    succeeded (SUCCEEDED) at 2026-11-20T10:00:00Z
    started 2026-11-20T09:50:13.765Z
    trigger AutomatedRollback
    definition 6
    ");
    assert!(parse(&event).unwrap().unwrap().is_rollback());
}

#[test]
fn a_notification_says_the_commit_beside_the_detail() {
    let mut event = pipeline_event("Pipeline", &json!({}));
    event["detailType"] = event["detail-type"].take();
    event["additionalAttributes"] = json!({"sourceActions": [
        {"sourceActionName": "Config", "sourceActionVariables": {"BranchName": "main"}},
        {"sourceActionName": "Source", "sourceActionVariables": {
            "CommitId": "0c6d2cbd6cbf5e1d9d6f7c6b1c2a3b4c5d6e7f80", "CommitMessage": "CANARY"
        }}
    ]});
    assert_snapshot!(told(&event), @"
    codepipeline arn:aws:codepipeline:eu-west-1:111122223333:orders
    execution 12345678-1234-5678-abcd-12345678abcd attempt 1
    started (STARTED) at 2026-11-20T10:00:00Z
    commit 0c6d2cbd6cbf5e1d9d6f7c6b1c2a3b4c5d6e7f80
    definition 6
    ");
}

#[test]
fn a_build_is_kept_without_its_environment() {
    assert_snapshot!(told(&build_event()), @"
    codebuild arn:aws:codebuild:eu-west-1:111122223333:project/orders-build
    execution 9da1ca9e-7a3c-4c1e-9d3f-1f1b7f2d7c11 attempt 1
    failed (FAILED) at 2026-11-20T10:10:00Z
    started 2026-11-20T10:01:02Z
    commit 0c6d2cbd6cbf5e1d9d6f7c6b1c2a3b4c5d6e7f80
    url https://console.aws.amazon.com/cloudwatch/home?region=eu-west-1#logEvent:group=null
    ");
    let mut phase = build_event();
    phase["detail-type"] = json!("CodeBuild Build Phase Change");
    assert_eq!(told(&phase), "nothing is kept");
}

#[test]
fn stacks_and_their_resources_are_told_by_their_status() {
    let stack = "arn:aws-us-gov:cloudformation:us-gov-west-1:111122223333:stack/orders/6a7e8feb-b491";
    let event = json!({
        "detail-type": "CloudFormation Stack Status Change", "source": "aws.cloudformation", "account": "111122223333",
        "time": "2026-11-20T10:00:00Z", "region": "us-gov-west-1", "resources": [stack],
        "detail": {"stack-id": stack, "client-request-token": "Console-UpdateStack-1",
                   "status-details": {"status": "UPDATE_ROLLBACK_COMPLETE", "status-reason": "CANARY"}}
    });
    assert_snapshot!(told(&event), @"
    cloudformation arn:aws-us-gov:cloudformation:us-gov-west-1:111122223333:stack/orders/6a7e8feb-b491
    execution Console-UpdateStack-1 attempt 1
    rolled-back (UPDATE_ROLLBACK_COMPLETE) at 2026-11-20T10:00:00Z
    ");
    let mut resource = event;
    resource["detail-type"] = json!("CloudFormation Resource Status Change");
    resource["detail"] = json!({
        "stack-id": stack, "logical-resource-id": "Table", "physical-resource-id": "CANARY",
        "resource-type": "AWS::DynamoDB::Table", "resource-properties": "CANARY",
        "status-details": {"status": "CREATE_FAILED", "status-reason": "CANARY"}
    });
    assert_snapshot!(told(&resource), @"
    cloudformation arn:aws-us-gov:cloudformation:us-gov-west-1:111122223333:stack/orders/6a7e8feb-b491
    execution stack action Table attempt 1
    failed (CREATE_FAILED) at 2026-11-20T10:00:00Z
    ");
}

#[test]
fn one_pipeline_is_one_resource_however_the_event_names_it() {
    let plain = parse(&pipeline_event("Pipeline", &json!({}))).unwrap().unwrap().subject;
    for resources in [
        json!(["arn:aws:codepipeline:eu-west-1:111122223333:pipeline:orders"]),
        json!(["arn:aws:codepipeline:eu-west-1:111122223333:orders/Deploy/Act"]),
        json!([]),
        json!(null),
    ] {
        let mut event = pipeline_event("Pipeline", &json!({}));
        event["resources"] = resources;
        assert_eq!(parse(&event).unwrap().unwrap().subject, plain);
    }
    let mut china = pipeline_event("Pipeline", &json!({}));
    china["region"] = json!("cn-north-1");
    china["resources"] = json!([]);
    let identity = parse(&china).unwrap().unwrap().subject.identity;
    assert_eq!(identity.as_str(), "arn:aws-cn:codepipeline:cn-north-1:111122223333:orders");
}

#[test]
fn numbers_are_read_as_texts_and_the_other_way_round() {
    for (version, attempt) in [(json!("3"), json!("2")), (json!(3), json!(2)), (json!(3.0), json!(2.0))] {
        let detail = json!({
            "version": version, "pipeline-execution-attempt": attempt, "stage": "Deploy", "action": "Act",
            "type": {"category": "Deploy", "owner": "AWS", "provider": "CodeDeploy"}
        });
        let observation = parse(&pipeline_event("Action", &detail)).unwrap().unwrap();
        assert_eq!((observation.definition, observation.attempt), (Some(3), 2));
    }
    let bare = parse(&pipeline_event("Stage", &json!({"stage": "Prod", "version": {}}))).unwrap().unwrap();
    assert_eq!((bare.definition, bare.attempt), (None, 1));
}

#[test]
fn an_event_that_cannot_be_used_says_which_field_is_to_blame_and_none_of_its_words() {
    let with = |name: &str, value: Value| {
        let mut event = pipeline_event("Stage", &json!({"stage": "Prod"}));
        event[name] = value;
        event
    };
    let detail = |name: &str, value: Value| {
        let mut event = pipeline_event("Stage", &json!({"stage": "Prod"}));
        event["detail"][name] = value;
        event
    };
    let foreign = "foreign-event: the event is no state change of a pipeline, build, deployment or stack: check the rule that sends it here";
    for (event, expected) in [
        (json!("CANARY"), foreign),
        (json!({"detail-type": "CANARY"}), foreign),
        (with("source", json!("CANARY")), foreign),
        (with("detail-type", json!("CodePipeline CANARY")), foreign),
        (with("detail-type", json!("CodeBuild Build State Change")), foreign),
        (with("detail", json!("CANARY")), "missing-field: the event has no `detail`"),
        (with("account", json!("CANARY")), "invalid-field: `account` of the event is not 12 digits"),
        (with("region", json!("CANARY")), "invalid-field: `region` of the event is not the code of a region"),
        (with("time", json!("CANARY")), "invalid-field: `time` of the event is not a time since 1970"),
        (
            with("resources", json!(["arn:aws:codepipeline:eu-west-1:999999999999:orders"])),
            "invalid-field: `resources` of the event is not of the account and region of the event",
        ),
        (detail("state", json!("CANARY")), "invalid-field: `state` of the event is not a state of CodePipeline"),
        (detail("state", json!(null)), "missing-field: the event has no `state`"),
        (
            detail("pipeline", json!("CANARY")),
            "invalid-field: `pipeline` of the event is not the name in the ARN of the event",
        ),
        (
            detail("execution-id", json!("CANARY\n<script>")),
            "invalid-field: `execution-id` of the event is not a name or id of at most 256 printable characters",
        ),
    ] {
        assert_eq!(told(&event), expected);
    }
}

/// Every text of an event that no field of an observation is for.
#[test]
fn no_canary_comes_through_wherever_it_stands() {
    fn poison(value: &mut Value, kept: &[&str]) {
        match value {
            Value::Object(map) => {
                for (name, value) in map.iter_mut() {
                    if !kept.contains(&name.as_str()) {
                        poison(value, kept);
                    }
                }
                map.insert("password".to_owned(), json!("CANARY"));
            }
            Value::Array(items) => items.iter_mut().for_each(|item| poison(item, kept)),
            Value::String(text) => text.push_str(" CANARY=hunter2;"),
            _ => {}
        }
    }
    let kept = ["detail-type", "source", "account", "region", "time", "resources", "pipeline", "execution-id", "state"];
    let more = ["stage", "action", "build-status", "project-name", "build-id"];
    let kept: Vec<&str> = kept.into_iter().chain(more).collect();
    let action = pipeline_event(
        "Action",
        &json!({
            "stage": "Source", "action": "Source", "type": {"category": "Source", "owner": "AWS", "provider": "CodeCommit"},
            "execution-result": {
                "external-execution-id": "0c6d2cbd", "external-execution-url": "https://console.aws.amazon.com/x",
                "external-execution-summary": "Added", "error-code": "JobFailed"
            },
            "execution-trigger": {"trigger-type": "Webhook", "trigger-detail": "x"},
            "output-artifacts": [{"name": "A", "s3location": {"bucket": "b", "key": "k"}}]
        }),
    );
    for mut event in [action, build_event()] {
        assert!(parse(&event).unwrap().is_some());
        poison(&mut event, &kept);
        let observation = parse(&event).unwrap().unwrap();
        let shown = format!("{observation:?} {observation} {}", serde_json::to_string(&observation).unwrap());
        assert!(!shown.contains("CANARY") && !shown.contains("hunter2"), "{shown}");
    }
}

fn any_observation() -> impl Strategy<Value = Observation> {
    let states = prop_oneof![Just("STARTED"), Just("FAILED"), Just("SUCCEEDED"), Just("STOPPED"), Just("RESUMED")];
    (0_u64..4, states, 0_u8..2, 0_u8..3, 1_u64..3).prop_map(|(second, state, execution, part, attempt)| {
        let mut detail = json!({
            "state": state, "execution-id": format!("execution-{execution}"), "pipeline-execution-attempt": attempt
        });
        let level = ["Pipeline", "Stage", "Action"][usize::from(part)];
        if part > 0 {
            detail["stage"] = json!("Prod");
        }
        if part > 1 {
            detail["action"] = json!("Deploy");
        }
        let mut event = pipeline_event(level, &detail);
        event["time"] = json!(format!("2026-11-20T10:00:0{second}Z"));
        parse(&event).unwrap().unwrap()
    })
}

proptest! {
    #[test]
    fn late_repeated_and_shuffled_events_converge(
        observations in proptest::collection::vec(any_observation(), 0..12),
        repeats in proptest::collection::vec(any::<proptest::sample::Index>(), 0..6),
        seed in any::<proptest::sample::Index>(),
    ) {
        let mut others = observations.clone();
        if !observations.is_empty() {
            others.extend(repeats.iter().map(|at| at.get(&observations).clone()));
            let len = others.len();
            others.rotate_left(seed.index(len));
            others.reverse();
        }
        prop_assert_eq!(order::registers(&observations), order::registers(&others));
        prop_assert_eq!(order::executions(&observations), order::executions(&others));
    }

    #[test]
    fn stored_versions_compare_as_observations_do(one in any_observation(), other in any_observation()) {
        let now = u64::MAX / 2;
        let of = |observation: &Observation| observation.version(now).unwrap();
        prop_assert_eq!(of(&one).cmp(&of(&other)), one.order().cmp(&other.order()));
        prop_assert_eq!(one == other, one.digest() == other.digest());
        let text = serde_json::to_string(&one).unwrap();
        prop_assert_eq!(serde_json::from_str::<Observation>(&text).unwrap(), one);
    }
}

#[test]
fn the_latest_execution_is_the_one_that_began_last() {
    let at = |execution: &str, state: &str, start: &str, time: &str| {
        let mut event =
            pipeline_event("Pipeline", &json!({"state": state, "execution-id": execution, "start-time": start}));
        event["time"] = json!(time);
        parse(&event).unwrap().unwrap()
    };
    let old = at("old", "SUCCEEDED", "2026-11-20T10:00:00Z", "2026-11-20T10:20:00Z");
    let new = at("new", "FAILED", "2026-11-20T10:10:00Z", "2026-11-20T10:15:00Z");
    let both = [old.clone(), new.clone()];
    let ids: Vec<&str> = order::executions(&both).iter().map(|execution| execution.id).collect();
    assert_eq!(ids, ["new", "old"]);
    let now = u64::MAX / 2;
    assert!(new.latest_version(now).unwrap() > old.latest_version(now).unwrap());
    assert!(new.version(0).is_err() && new.latest_version(0).is_err());
}

#[test]
fn the_record_says_what_the_latest_execution_is_at_and_never_that_the_pipeline_exists() {
    use catalog_model::{Applied, Record, existence, stitch};

    let at = |execution: &str, state: &str, time: &str| {
        let detail = json!({"state": state, "execution-id": execution, "start-time": "2026-11-20T09:00:00Z"});
        let mut event = pipeline_event("Pipeline", &detail);
        event["time"] = json!(time);
        parse(&event).unwrap().unwrap().statement("event 1", u64::MAX / 2).unwrap().unwrap()
    };
    let (key, started) = at("one", "STARTED", "2026-11-20T09:00:00Z");
    let (_, ended) = at("one", "FAILED", "2026-11-20T09:05:00Z");
    let mut record = Record::empty(key);
    assert_eq!(record.apply(ended.clone()), Applied::Applied);
    assert_eq!((record.apply(started), record.apply(ended)), (Applied::Stale, Applied::Duplicate));
    assert!(!existence(&record).exists());
    let identity = parse(&pipeline_event("Pipeline", &json!({}))).unwrap().unwrap().subject.identity;
    let entity = stitch(&identity, &record, &catalog_model::Rules::default()).entity();
    assert_eq!(
        entity["spec"]["execution"],
        json!({"id": "one", "state": "failed", "status": "FAILED", "at": "2026-11-20T09:05:00Z",
               "startedAt": "2026-11-20T09:00:00Z"})
    );
    let stage = parse(&pipeline_event("Stage", &json!({"stage": "Prod"}))).unwrap().unwrap();
    assert_eq!(stage.statement("event 1", u64::MAX / 2), Ok(None));
}
