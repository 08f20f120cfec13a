//! "Which pipelines belong to catalog-api?": forty pipelines over twelve accounts, of which Config knows no tags.

use std::collections::{BTreeMap, BTreeSet};

use callboard::replay::{Delivery, deliver};
use callboard_tests::deliveries::aws::{Queue, sqs_batch};
use callboard_tests::deliveries::config::{Resource, item_change};
use callboard_tests::running::Running;
use serde_json::{Value, json};

const COMPONENTS: [&str; 5] = ["catalog-api", "catalog-api-2", "orders", "billing", "search"];
const PIPELINES: usize = 40;
const ACCOUNTS: usize = 12;
const REGION: &str = "eu-west-1";

/// Some names are the same in two accounts, as with a pipeline that is copied from account to account.
fn pipeline(number: usize) -> Resource {
    let account = format!("4000000000{:02}", number % ACCOUNTS);
    let name = format!("release-{}", number % 20);
    Resource {
        arn: format!("arn:aws:codepipeline:{REGION}:{account}:{name}"),
        resource_type: "AWS::CodePipeline::Pipeline",
        id: name.clone(),
        name: Some(name.clone()),
        account,
        region: REGION.to_owned(),
        tags: Vec::new(),
        configuration: json!({"pipeline": {"name": name, "version": 1, "stages": []}}),
    }
}

/// Most belong to one component, every eighth to two.
fn components_of(number: usize) -> Vec<&'static str> {
    let first = COMPONENTS[number % COMPONENTS.len()];
    let second = COMPONENTS[(number + 1) % COMPONENTS.len()];
    if number.is_multiple_of(8) { vec![first, second] } else { vec![first] }
}

async fn config_says(running: &Running, numbers: impl Iterator<Item = usize>, minute: i64) {
    let captured = format!("2026-11-01T08:{minute:02}:00.000Z");
    let bodies: Vec<String> = numbers
        .map(|number| item_change(&pipeline(number), "ResourceDiscovered", &captured, 1_000 + minute).to_string())
        .collect();
    let queue = Queue { account: "777788889999", region: REGION, name: "callboard-config" };
    for (at, bodies) in bodies.chunks(10).enumerate() {
        let sent_ms = 1_793_520_000_000 + minute * 60_000 + i64::try_from(at).unwrap();
        let payload = sqs_batch(queue, sent_ms, bodies);
        let delivery = Delivery { function: "config-change".into(), name: format!("pipelines-{minute}-{at}"), payload };
        deliver(&running.stack, &delivery).await.unwrap();
    }
}

/// The Terraform state of one component in one account.
fn state(component: &str, account: &str, arns: &[String]) -> Value {
    let instances: Vec<Value> = arns
        .iter()
        .map(|arn| {
            let name = arn.rsplit(':').next().unwrap();
            json!({"index_key": arn, "schema_version": 0, "attributes": {"arn": arn, "id": name, "name": name, "tags": {}}})
        })
        .collect();
    json!({
        "version": 4, "terraform_version": "1.9.8", "serial": 3,
        "lineage": format!("00000000-0000-4000-8000-{account}"), "outputs": {},
        "resources": [{
            "mode": "managed", "type": "aws_codepipeline", "name": component, "instances": instances,
            "provider": "provider[\"registry.terraform.io/hashicorp/aws\"]",
        }],
    })
}

/// A stack as `describe-stacks` and `list-stack-resources` print it, one after the other.
fn stack(component: &str, account: &str, arns: &[String]) -> String {
    let id = format!("arn:aws:cloudformation:{REGION}:{account}:stack/{component}/0d0d0d0d-0000-11f0-8000-{account}");
    let stack = json!({"Stacks": [{
        "StackId": id, "StackName": component, "StackStatus": "UPDATE_COMPLETE", "CreationTime": "2026-09-01T08:00:00Z",
        "LastUpdatedTime": "2026-10-01T08:00:00Z",
    }]});
    let resources: Vec<Value> = arns
        .iter()
        .map(|arn| {
            json!({
                "StackId": id, "StackName": component, "LogicalResourceId": "Release",
                "PhysicalResourceId": arn.rsplit(':').next().unwrap(), "ResourceType": "AWS::CodePipeline::Pipeline",
                "Timestamp": "2026-10-01T08:00:00Z", "ResourceStatus": "CREATE_COMPLETE",
            })
        })
        .collect();
    format!("{stack}\n{}", json!({"StackResources": resources}))
}

/// One export for each component and account: the half of the accounts uses Terraform, the other CloudFormation.
async fn pipelines_say(running: &Running) {
    let mut listed: BTreeMap<(&str, String), Vec<String>> = BTreeMap::new();
    for number in 0..PIPELINES {
        let Resource { arn, account, .. } = pipeline(number);
        for component in components_of(number) {
            listed.entry((component, account.clone())).or_default().push(arn.clone());
        }
    }
    for ((component, account), arns) in &listed {
        let is_terraform = account.as_bytes()[11].is_multiple_of(2);
        let (format, body) = if is_terraform {
            ("terraform-state", state(component, account, arns).to_string())
        } else {
            ("cloudformation", stack(component, account, arns))
        };
        let path = format!(
            "/api/exports/acme.{component}/{format}/{account}?component={component}&account={account}&region={REGION}"
        );
        let (status, receipt) = running.put(&path, "application/json", body).await;
        assert_eq!(status, 200, "{receipt}");
        assert!(!receipt.to_string().contains("refused\":1"), "{receipt}");
    }
}

fn arns(entities: &[Value]) -> BTreeSet<String> {
    let arn = |entity: &Value| entity["metadata"]["annotations"]["aws.amazon.com/arn"].as_str().unwrap().to_owned();
    entities.iter().map(arn).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_question_finds_exactly_the_pipelines_of_a_component_over_all_accounts() {
    let running = Running::start().await;
    // Config speaks before, after, and again: no order counts.
    config_says(&running, (0..PIPELINES).filter(|number| number % 3 == 0), 1).await;
    pipelines_say(&running).await;
    config_says(&running, (0..PIPELINES).filter(|number| number % 3 != 0), 2).await;
    config_says(&running, (0..PIPELINES).filter(|number| number % 7 == 0), 3).await;
    running.settled().await;

    let accounts: BTreeSet<String> = (0..PIPELINES).map(|number| pipeline(number).account).collect();
    assert_eq!(accounts.len(), ACCOUNTS);
    for component in COMPONENTS {
        let filter = format!(
            "kind=resource,spec.type=codepipeline-pipeline,relations.dependencyOf=component:default/{component}"
        );
        let query = [("filter", filter.as_str()), ("limit", "100")];
        let (status, page) = running.get("/api/catalog/entities/by-query", &query).await;
        assert_eq!(status, 200, "{page}");
        let found = page["items"].as_array().unwrap();
        let expected: BTreeSet<String> = (0..PIPELINES)
            .filter(|number| components_of(*number).contains(&component))
            .map(|number| pipeline(number).arn)
            .collect();
        assert!(expected.len() >= 8);
        assert_eq!(arns(found), expected, "{component}");
        assert_eq!(found.len(), expected.len(), "one entity for each ARN");
        let (status, entity) = running.by_name(&format!("component:default/{component}")).await;
        assert_eq!(status, 200, "exports alone know the component");
        let card = &entity["metadata"]["annotations"]["aws.amazon.com/aws-codepipeline-arn"];
        assert_eq!(card.as_str(), expected.first().map(String::as_str));
    }
    let all =
        running.get("/api/catalog/entities/by-query", &[("filter", "spec.type=codepipeline-pipeline"), ("limit", "0")]);
    assert_eq!(all.await.1["totalItems"], PIPELINES);
    running.stack.shutdown().await;
}
