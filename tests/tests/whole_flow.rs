//! All deliveries of a company in, true answers out: for the company of `events/`, and for one of other names.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use callboard_tests::company::Company;
use callboard_tests::deliveries::aws::{Queue, s3_created, sqs_batch};
use callboard_tests::deliveries::config::live_resources;
use callboard_tests::deliveries::report::{Line, decimal, lines, totals, units};
use callboard_tests::deliveries::{Delivery, Plot, StoredObject, config};
use callboard_tests::running::Running;
use serde_json::{Value, json};

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("no text at {pointer} in {value}"))
}

fn relations(entity: &Value, relation_type: &str) -> Vec<String> {
    entity["relations"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|relation| relation["type"] == relation_type)
        .map(|relation| relation["targetRef"].as_str().unwrap().to_owned())
        .collect()
}

async fn component_has_words_of_all_sources(running: &Running, company: &Company) {
    let hero = company.hero();
    let (status, entity) = running.by_name(&format!("component:default/{}", hero.name)).await;
    assert_eq!(status, 200);
    assert_eq!(text(&entity, "/spec/owner"), company.teams[hero.owner].name, "a catalog file declared it");
    assert_eq!(text(&entity, "/spec/system"), company.systems[0].name, "an export named it");
    assert_eq!(relations(&entity, "ownedBy"), [format!("group:default/{}", company.teams[hero.owner].name)]);
    assert_eq!(relations(&entity, "partOf"), [format!("system:default/{}", company.systems[0].name)]);
    let resources = relations(&entity, "dependsOn");
    assert_eq!(resources.len(), 3, "a database and two pipelines: {resources:?}");
    assert!(resources.iter().any(|target| target.starts_with(&format!("resource:default/{}-", company.database))));

    let (status, explained) = running.get(&format!("/api/explain/component/default/{}", hero.name), &[]).await;
    assert_eq!(status, 200);
    let said = explained.to_string();
    for delivery_of in
        [format!("{}.{}", company.organisation, hero.name), format!("{}.infrastructure", company.organisation)]
    {
        assert!(said.contains(&delivery_of), "explain does not name {delivery_of}: {said}");
    }
}

async fn the_question_that_it_began_with(running: &Running, company: &Company) {
    let hero = &company.hero().name;
    let filter =
        format!("kind=resource,spec.type=codepipeline-pipeline,relations.dependencyOf=component:default/{hero}");
    let pipelines = running.by_query(&filter).await;
    let mut titles: Vec<&str> = pipelines.iter().map(|pipeline| text(pipeline, "/metadata/title")).collect();
    titles.sort_unstable();
    let mut expected = [company.pipelines[0].as_str(), &company.pipelines[1]];
    expected.sort_unstable();
    assert_eq!(titles, expected);
    for pipeline in &pipelines {
        assert_eq!(text(pipeline, "/spec/owner"), company.teams[0].name, "inherited from its component");
    }
}

async fn resources_are_those_that_live(running: &Running, company: &Company) {
    let resources = running.by_query("kind=resource").await;
    let (accounts, resources): (Vec<Value>, Vec<Value>) =
        resources.into_iter().partition(|resource| resource["spec"]["type"] == "account");
    let mut arns: Vec<&str> = resources
        .iter()
        .map(|resource| resource["metadata"]["annotations"]["aws.amazon.com/arn"].as_str().unwrap())
        .collect();
    arns.sort_unstable();
    let live = live_resources(company);
    let mut expected: Vec<&str> = live.iter().map(|resource| resource.arn.as_str()).collect();
    expected.sort_unstable();
    assert_eq!(arns, expected);
    let seen: BTreeSet<&str> = live.iter().map(|resource| resource.account.as_str()).collect();
    let told: BTreeSet<&str> = accounts.iter().map(|account| text(account, "/spec/aws/accountId")).collect();
    assert_eq!((told, accounts.len()), (seen.clone(), seen.len()));

    let function = running.by_query(&format!("metadata.title={}", company.function)).await;
    assert_eq!(function[0].pointer("/spec/aws/attributes/memorySize"), Some(&json!(1024)), "the newer item stands");
    let orphan = running.by_query("spec.aws.resourceType=AWS::EC2::Instance").await;
    assert_eq!((orphan.len(), text(&orphan[0], "/spec/owner")), (1, "unknown"));
    assert!(relations(&orphan[0], "ownedBy").is_empty());

    let databases = running.by_query("spec.type=rds-dbcluster").await;
    assert_eq!(databases.len(), 2, "two clusters of one name are two entities");
    assert_ne!(databases[0]["metadata"]["name"], databases[1]["metadata"]["name"]);

    let (status, facets) = running.get("/api/catalog/entity-facets", &[("facet", "kind")]).await;
    assert_eq!(status, 200);
    let expected = json!([
        {"value": "API", "count": 1}, {"value": "Component", "count": 10}, {"value": "Group", "count": 3},
        {"value": "Resource", "count": live.len() + seen.len()}, {"value": "System", "count": 3}
    ]);
    assert_eq!(facets["facets"]["kind"], expected);
}

async fn costs_add_up(running: &Running, company: &Company) {
    let month = &company.month;
    let (year, number) = month.split_once('-').unwrap();
    let next = format!("{year}-{:02}-01", number.parse::<u32>().unwrap() + 1);
    let first = format!("{month}-01");
    let all: Vec<Line> = lines(company);
    let expected = totals(&all);
    for (metric, expected) in ["unblended", "amortized", "net_amortized"].iter().zip(&expected) {
        let query = [("scope", "all"), ("from", &first), ("to", &next), ("metric", metric)];
        let (status, costs) = running.get("/api/costs", &query).await;
        assert_eq!((status, &costs["totals"]), (200, &json!({"USD": expected})), "{metric}");
    }
    let (status, statement) = running.get(&format!("/api/costs/statements/{month}"), &[]).await;
    assert_eq!(status, 200);
    for (metric, expected) in ["unblended", "amortized", "net_amortized"].iter().zip(&expected) {
        assert_eq!(&statement["totals"]["USD"][metric], expected, "{metric}");
        let rows = statement["rows"].as_array().unwrap();
        let sum = rows.iter().map(|row| units(row[metric].as_str().unwrap())).sum();
        assert_eq!(&decimal(sum), expected, "the rows of a statement add up: {metric}");
    }
    // The hero's cost is that of its database and its two pipelines.
    let mine = [config::database(company, &company.accounts.production, company.home()).arn]
        .into_iter()
        .chain(company.pipelines.iter().map(|name| config::pipeline(company, name).arn))
        .collect::<Vec<_>>();
    let sum: i128 = all
        .iter()
        .filter(|line| {
            line.columns.iter().any(|(name, value)| *name == "line_item_resource_id" && mine.contains(value))
        })
        .map(|line| line.expected[0])
        .sum();
    let scope = format!("component:default/{}", company.hero().name);
    let query = [("scope", scope.as_str()), ("from", &first), ("to", &next), ("metric", "unblended")];
    let (_, costs) = running.get("/api/costs", &query).await;
    assert_eq!(costs["totals"], json!({"USD": decimal(sum)}));

    let staging = config::database(company, &company.accounts.staging, &company.regions[1]);
    let found = running.by_query(&format!("metadata.annotations.aws.amazon.com/arn={}", staging.arn)).await;
    let scope = format!("resource:default/{}", text(&found[0], "/metadata/name"));
    let query = [("scope", scope.as_str()), ("from", &first), ("to", &next)];
    let (_, costs) = running.get("/api/costs", &query).await;
    assert_ne!(costs["totals"], json!({}), "the bill's id of the cluster leads to it");

    let query =
        [("scope", "all"), ("from", first.as_str()), ("to", &next), ("by", "component"), ("granularity", "monthly")];
    let (_, costs) = running.get("/api/costs", &query).await;
    let reasons: Vec<&str> =
        costs["rows"].as_array().unwrap().iter().filter_map(|row| row["unallocated"].as_str()).collect();
    for reason in ["NoResourceId", "NoComponent", "Tax", "Refund", "SavingsPlanFee"] {
        assert!(reasons.contains(&reason), "{reason} is not among {reasons:?}");
    }
}

async fn the_broken_message_is_dead_with_a_reason(running: &Running) {
    let dead = running.stack.dead_letters().unwrap();
    assert_eq!(dead.len(), 1, "{dead:?}");
    assert_eq!(dead[0].queue, "ConfigDeadLetters");
    let (status, state) = running.get("/api/status", &[]).await;
    assert_eq!(status, 200);
    assert!(state.to_string().contains(&dead[0].message_id), "{state}");
}

async fn plays_out(company: &Company) -> Running {
    let running = Running::start().await;
    running.play(&Plot::of(company)).await;
    component_has_words_of_all_sources(&running, company).await;
    the_question_that_it_began_with(&running, company).await;
    resources_are_those_that_live(&running, company).await;
    costs_add_up(&running, company).await;
    the_broken_message_is_dead_with_a_reason(&running).await;
    running.assert_conservation().await;
    running
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sample_company_is_answered_truly() {
    plays_out(&Company::theatre()).await.stack.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_company_of_other_names_is_answered_as_truly() {
    for seed in [1, 2] {
        plays_out(&Company::generated(seed)).await.stack.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn delivering_everything_twice_changes_nothing() {
    let company = Company::generated(3);
    let plot = Plot::of(&company);
    let running = plays_out(&company).await;
    let before = running.get("/api/catalog/entities/by-query", &[("limit", "500")]).await;
    let mut again = plot.clone();
    again.deliveries.retain(|delivery| delivery.name != "malformed-among-good");
    again.deliveries.reverse();
    running.play(&again).await;
    let after = running.get("/api/catalog/entities/by-query", &[("limit", "500")]).await;
    assert_eq!(before, after);
    costs_add_up(&running, &company).await;
    running.stack.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_event_lost_is_there_after_a_sweep_and_the_status_says_so() {
    let running = Running::start().await;
    let company = Company::generated(23);
    running.play(&Plot::of(&company)).await;
    let (_, status) = running.get("/api/status", &[]).await;
    assert_eq!(status["reconcile"], Value::Null);
    // Everything came through: the aggregator knows nothing else.
    let sweep = json!({"action": "sweep", "begin": true});
    let answer = running.stack.invoke("catalog-reconcile", sweep.clone()).await.unwrap();
    assert_eq!(answer["sweep"], "finished");
    let live = live_resources(&company).len();
    let totals =
        json!({"seen": live, "missing": 0, "stale": 0, "suspect": 0, "deleted": 0, "revived": 0, "refused": 0});
    assert_eq!(answer["drift"]["totals"], totals);

    let lost = config::queue(&company, "unheard-of", vec![("Owner", company.teams[2].name.clone())]);
    running.stack.aggregator().hear(&config::item_change(&lost, "OK", "2026-11-02T08:00:00.000Z", 1));
    let filter = "kind=resource,metadata.title=unheard-of";
    assert!(running.by_query(filter).await.is_empty());
    running.stack.invoke("catalog-reconcile", sweep).await.unwrap();
    running.settled().await;
    let found = running.found(filter).await;
    assert_eq!(text(&found[0], "/spec/owner"), company.teams[2].name);
    let (_, status) = running.get("/api/status", &[]).await;
    let drift = &status["reconcile"];
    assert_eq!((&drift["totals"]["missing"], &drift["complete"]), (&json!(1), &json!(true)));
    assert_eq!(drift["named"]["missing"], json!([lost.arn]));
    assert_eq!(drift["rows"][0]["resourceType"], "AWS::SQS::Queue");
    assert!(drift["ageSeconds"].as_u64().is_some());
    running.stack.shutdown().await;
}

/// Lines of October 2026 for one volume or address: usage type, resource, units of the month, cost, price of a unit.
const LINES: [[&str; 5]; 4] = [
    ["EU-EBS:VolumeUsage.gp2", "vol-0a1b2c3d4e5f60001", "100", "11", "0.11"],
    ["EU-EBS:VolumeUsage.gp3", "vol-0a1b2c3d4e5f60002", "50", "4.4", "0.088"],
    ["EU-EBS:VolumeUsage.gp3", "vol-0a1b2c3d4e5f60003", "10", "0.88", "0.088"],
    ["EU-ElasticIP:IdleAddress", "eipalloc-0a1b2c3d4e5f60001", "744", "3.72", "0.005"],
];

#[tokio::test(flavor = "multi_thread")]
async fn what_the_bill_and_the_records_show_becomes_actions() {
    let (account, region, bucket) = ("111122223333", "eu-west-1", "callboard-reports");
    let rows: Vec<billing_report::write::ReportRow> = LINES
        .iter()
        .map(|[usage_type, resource, usage, cost, price]| {
            let row = json!({
                "bill_billing_entity": "AWS", "bill_payer_account_id": account, "line_item_line_item_type": "Usage",
                "line_item_usage_account_id": account, "line_item_usage_start_date": "2026-10-01T00:00:00.000Z",
                "line_item_usage_end_date": "2026-10-02T00:00:00.000Z", "line_item_product_code": "AmazonEC2",
                "product_servicecode": "AmazonEC2", "product_region_code": region, "line_item_currency_code": "USD",
                "line_item_usage_type": usage_type, "line_item_resource_id": resource, "line_item_usage_amount": usage,
                "pricing_unit": if resource.starts_with("vol") { "GB-Mo" } else { "Hrs" },
                "line_item_unblended_cost": cost, "line_item_unblended_rate": price,
            });
            row.as_object().unwrap().clone()
        })
        .collect();
    let data = "cur/daily/data/BILLING_PERIOD=2026-10/daily-00001.snappy.parquet".to_owned();
    let manifest = billing_report::write::manifest(
        bucket,
        "arn:aws:bcm-data-exports:us-east-1:777788889999:export/daily-0d0d0d0d",
        "0d0d0d0d-0000-4000-8000-000000000001",
        std::slice::from_ref(&data),
    );
    let manifest = manifest.to_string().into_bytes();
    let announced = "cur/daily/metadata/BILLING_PERIOD=2026-10/daily-Manifest.json";
    let notification = s3_created("777788889999", region, bucket, announced, &manifest, "2026-11-03T04:05:06.789Z");
    let object = |key: &str, bytes| StoredObject { bucket, key: key.to_owned(), bytes, metadata: Vec::new() };
    let volume = config::Resource {
        arn: format!("arn:aws:ec2:{region}:{account}:volume/{}", LINES[2][1]),
        resource_type: "AWS::EC2::Volume",
        id: LINES[2][1].to_owned(),
        name: None,
        account: account.to_owned(),
        region: region.to_owned(),
        tags: vec![("Owner", "team-a".to_owned())],
        configuration: json!({"volumeId": LINES[2][1], "size": 10, "volumeType": "gp3", "state": "available", "attachments": []}),
    };
    let item = config::item_change(&volume, "OK", "2026-10-01T08:00:00.000Z", 1).to_string();
    let queue = |name| Queue { account: "777788889999", region, name };
    let delivery = |function, name: &str, payload| Delivery { function, name: name.to_owned(), payload };
    let plot = Plot {
        objects: vec![
            object(&data, billing_report::write::parquet(&rows).unwrap()),
            object(announced, manifest.clone()),
        ],
        deliveries: vec![
            delivery("config-change", "volume", sqs_batch(queue("callboard-config"), 1_793_520_000_000, &[item])),
            delivery(
                "cost-report",
                "month",
                sqs_batch(queue("callboard-reports"), 1_793_678_706_789, &[notification.to_string()]),
            ),
        ],
    };
    let running = Running::start().await;
    running.play(&plot).await;
    let (status, answer) = running.get("/api/costs/actions", &[("scope", "all")]).await;
    assert_eq!(status, 200, "{answer}");
    let found: Vec<(&str, &str, &str)> = answer["actions"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|action| action["target"]["resource"].is_string())
        .map(|action| {
            let resource = text(action, "/target/resource").rsplit('/').next().unwrap();
            (text(action, "/rule"), resource, text(action, "/amount"))
        })
        .collect();
    assert_eq!(
        found,
        [
            ("idle-address", LINES[3][1], "3.72"),
            // 100 units at 0.11, and what they would have cost at the price of a gp3 volume that the same bill shows.
            ("gp2-to-gp3", LINES[0][1], "2.2"),
            ("unattached-volume", LINES[2][1], "0.88"),
        ],
        "{answer}"
    );
    running.stack.shutdown().await;
}
