//! What a pipeline deployed with the CDK, of which AWS Config knows no more than the stack: one export says whose it is.

use callboard_tests::deliveries::config::{Resource, item_change};
use callboard_tests::running::Running;
use catalog_model::{Identity, derived_ref};
use serde_json::{Value, json};

const ACCOUNT: &str = "400000000001";
const REGION: &str = "eu-west-1";
const STACK: &str =
    "arn:aws:cloudformation:eu-west-1:400000000001:stack/orders-prod/0a1b2c3d-0000-11f0-8000-000000000001";

fn resource(arn: String, resource_type: &'static str, id: &str, is_in_stack: bool) -> Resource {
    Resource {
        resource_type,
        id: id.to_owned(),
        name: Some(arn.rsplit([':', '/']).next().unwrap().to_owned()),
        account: ACCOUNT.to_owned(),
        region: REGION.to_owned(),
        tags: if is_in_stack { vec![("aws:cloudformation:stack-id", STACK.to_owned())] } else { Vec::new() },
        configuration: json!({}),
        arn,
    }
}

fn queue(name: &str, is_in_stack: bool) -> Resource {
    let url = format!("https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{name}");
    resource(format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"), "AWS::SQS::Queue", &url, is_in_stack)
}

async fn arns(running: &Running, filter: &str) -> Vec<String> {
    let arn = |entity: &Value| entity["metadata"]["annotations"]["aws.amazon.com/arn"].as_str().unwrap().to_owned();
    let mut arns: Vec<String> = running.by_query(filter).await.iter().map(arn).collect();
    arns.sort();
    arns
}

#[tokio::test(flavor = "multi_thread")]
async fn resources_without_a_tag_are_found_by_the_component_of_their_stack() {
    let running = Running::start().await;
    let (one, two, other) = (queue("one", true), queue("two", true), queue("other", false));
    let mut stack = resource(STACK.to_owned(), "AWS::CloudFormation::Stack", STACK, false);
    stack.name = Some("orders-prod".to_owned());
    for resource in [&one, &two, &other, &stack] {
        let message = item_change(resource, "ResourceDiscovered", "2026-11-01T08:00:00.000Z", 1_793_520_000_000);
        running.stack.send("ConfigQueue", &message.to_string()).unwrap();
    }
    running.settled().await;
    let declared = "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: orders}\n\
                    spec: {type: service, lifecycle: production, owner: team-a}\n";
    let outputs = json!({"orders-prod": {"Url": "https://orders.example.com"}}).to_string();
    let place = format!("component=orders&account={ACCOUNT}&region={REGION}");
    for (path, body) in [
        ("/api/exports/acme.orders/catalog-info/main".to_owned(), declared),
        (format!("/api/exports/acme.orders/cdk-outputs/prod?{place}"), outputs.as_str()),
    ] {
        let (status, receipt) = running.put(&path, "text/plain", body.to_owned()).await;
        assert_eq!(status, 200, "{receipt}");
    }
    running.settled().await;
    let filter = "kind=resource,relations.dependencyOf=component:default/orders,spec.owner=team-a";
    let mut expected = vec![one.arn, two.arn.clone(), STACK.to_owned()];
    expected.sort();
    running.until(async || Some(arns(&running, filter).await).filter(|found| *found == expected)).await;
    let (_, component) = running.by_name("component:default/orders").await;
    let depends_on =
        component["relations"].as_array().unwrap().iter().filter(|relation| relation["type"] == "dependsOn");
    assert_eq!(depends_on.count(), 3, "{component}");

    // Tags come after what a resource is part of, and `explain` has them.
    let mut tagged = two;
    tagged.tags.push(("owner", "team-b".to_owned()));
    let message = item_change(&tagged, "OK", "2026-11-01T09:00:00.000Z", 1_793_523_600_000);
    running.stack.send("ConfigQueue", &message.to_string()).unwrap();
    running.settled().await;
    let lost = |explained: Value| explained["fields"]["/spec/owner"]["lost"].as_array().cloned().unwrap_or_default();
    let name = derived_ref(&Identity::of_canonical_arn(&tagged.arn));
    let path = format!("/api/explain/{}/{}/{}", name.kind(), name.namespace(), name.name());
    let lost =
        running.until(async || Some(lost(running.get(&path, &[]).await.1)).filter(|lost| !lost.is_empty())).await;
    let lost: Vec<_> = lost.iter().map(|word| (&word["value"], &word["fragment"])).collect();
    assert_eq!(lost, [(&json!("team-b"), &json!("config"))]);
    assert_eq!(arns(&running, filter).await, expected);

    // The pipeline no longer deploys it: the stack is nobody's, and so is what is in it. A tag is left.
    let (status, receipt) = running.delete("/api/exports/acme.orders/cdk-outputs/prod").await;
    assert_eq!(status, 200, "{receipt}");
    running.settled().await;
    running.until(async || arns(&running, filter).await.is_empty().then_some(())).await;
    let by_tag = "kind=resource,spec.owner=team-b";
    running.until(async || Some(arns(&running, by_tag).await).filter(|found| *found == [tagged.arn.clone()])).await;
    running.stack.shutdown().await;
}
