//! What AWS Config tells of the company: creations, changes, a deletion; a duplicate, an out-of-order pair, a message
//! that is no message, and an instance that nobody owns.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Map, Value, json};

use super::aws::{Queue, s3_created, sqs_batch, uuid_of};
use super::{Plot, StoredObject};
use crate::company::Company;

/// One resource, as its configuration item names it.
#[derive(Debug, Clone)]
pub struct Resource {
    pub arn: String,
    pub resource_type: &'static str,
    pub id: String,
    pub name: Option<String>,
    pub account: String,
    pub region: String,
    pub tags: Vec<(&'static str, String)>,
    pub configuration: Value,
}

/// The message of one change, in the envelope of EventBridge. `captured` is `yyyy-mm-ddThh:mm:ss.sssZ`.
pub fn item_change(resource: &Resource, status: &str, captured: &str, state_id: i64) -> Value {
    let deleted = status == "ResourceDeleted";
    let tags: Map<String, Value> =
        resource.tags.iter().filter(|_| !deleted).map(|(key, value)| ((*key).to_owned(), json!(value))).collect();
    let change = match status {
        "ResourceDiscovered" => "CREATE",
        "ResourceDeleted" => "DELETE",
        _ => "UPDATE",
    };
    json!({
        "version": "0",
        "id": uuid_of(&format!("{} {captured}", resource.arn)),
        "detail-type": "Config Configuration Item Change",
        "source": "aws.config",
        "account": resource.account,
        "time": format!("{}Z", &captured[..19]),
        "region": resource.region,
        "resources": [resource.arn],
        "detail": {
            "recordVersion": "1.3",
            "messageType": "ConfigurationItemChangeNotification",
            "notificationCreationTime": captured,
            "configurationItemDiff": {"changedProperties": {}, "changeType": change},
            "configurationItem": {
                "relatedEvents": [],
                "relationships": [],
                "configuration": if deleted { Value::Null } else { resource.configuration.clone() },
                "supplementaryConfiguration": {},
                "tags": tags,
                "configurationItemVersion": "1.3",
                "configurationItemCaptureTime": captured,
                "configurationStateId": state_id,
                "awsAccountId": resource.account,
                "configurationItemStatus": status,
                "resourceType": resource.resource_type,
                "resourceId": resource.id,
                "resourceName": resource.name,
                "ARN": resource.arn,
                "awsRegion": resource.region,
                "availabilityZone": if deleted { Value::Null } else { json!("Not Applicable") },
                "configurationStateMd5Hash": "",
                "resourceCreationTime": if deleted { Value::Null } else { json!("2026-03-01T08:00:00.000Z") }
            }
        }
    })
}

pub fn database(company: &Company, account: &str, region: &str) -> Resource {
    let name = &company.database;
    Resource {
        arn: format!("arn:aws:rds:{region}:{account}:cluster:{name}"),
        resource_type: "AWS::RDS::DBCluster",
        id: database_id(company, account),
        name: Some(name.clone()),
        account: account.to_owned(),
        region: region.to_owned(),
        tags: Vec::new(),
        configuration: json!({
            "allocatedStorage": 1,
            "databaseName": "main",
            "dBClusterIdentifier": name,
            "dbClusterResourceId": database_id(company, account),
            "endpoint": format!("{name}.cluster-c4j6qwp34sb1.{region}.rds.amazonaws.com"),
            "engine": "aurora-postgresql",
            "engineVersion": "16.4",
            "masterUsername": "root",
            "multiAZ": true,
            "port": 5432,
            "status": "available",
            "storageEncrypted": true
        }),
    }
}

/// RDS names a cluster by an id of its own, and so does Config.
pub fn database_id(company: &Company, account: &str) -> String {
    format!("cluster-{}", uuid_of(&format!("{account} {}", company.database)).replace('-', "")[..26].to_uppercase())
}

/// Config records no tags for pipelines, whatever tags they carry.
pub fn pipeline(company: &Company, name: &str) -> Resource {
    let (account, region) = (&company.accounts.tooling, company.home());
    Resource {
        arn: format!("arn:aws:codepipeline:{region}:{account}:{name}"),
        resource_type: "AWS::CodePipeline::Pipeline",
        id: name.to_owned(),
        name: Some(name.to_owned()),
        account: account.clone(),
        region: region.to_owned(),
        tags: Vec::new(),
        configuration: json!({"pipeline": {"name": name, "version": 3, "pipelineType": "V2", "stages": []}}),
    }
}

pub fn function(company: &Company, memory_mb: u32) -> Resource {
    let (account, region, name) = (&company.accounts.production, company.home(), &company.function);
    Resource {
        arn: format!("arn:aws:lambda:{region}:{account}:function:{name}"),
        resource_type: "AWS::Lambda::Function",
        id: name.clone(),
        name: Some(name.clone()),
        account: account.clone(),
        region: region.to_owned(),
        tags: vec![("Component", company.components[2].name.clone()), ("Environment", "production".to_owned())],
        configuration: json!({
            "functionName": name,
            "runtime": "provided.al2023",
            "architectures": ["arm64"],
            "memorySize": memory_mb,
            "timeout": 30,
            "handler": "bootstrap",
            "environment": {"variables": {"API_KEY": format!("{}-fn", company.database_password)}}
        }),
    }
}

pub fn bucket(company: &Company) -> Resource {
    let name = &company.bucket;
    Resource {
        arn: format!("arn:aws:s3:::{name}"),
        resource_type: "AWS::S3::Bucket",
        id: name.clone(),
        name: Some(name.clone()),
        account: company.accounts.production.clone(),
        region: company.regions[1].clone(),
        tags: vec![("component", company.components[1].name.clone()), ("environment", "production".to_owned())],
        configuration: json!({"name": name, "creationDate": "2026-03-01T08:00:00.000Z"}),
    }
}

pub fn table(company: &Company) -> Resource {
    let (account, region, name) = (&company.accounts.production, company.home(), &company.table);
    Resource {
        arn: format!("arn:aws:dynamodb:{region}:{account}:table/{name}"),
        resource_type: "AWS::DynamoDB::Table",
        id: name.clone(),
        name: Some(name.clone()),
        account: account.clone(),
        region: region.to_owned(),
        tags: vec![("component", company.components[3].name.clone())],
        configuration: json!({"tableName": name, "tableStatus": "ACTIVE", "billingModeSummary": {"billingMode": "PAY_PER_REQUEST"}}),
    }
}

pub fn queue(company: &Company, name: &str, tags: Vec<(&'static str, String)>) -> Resource {
    let (account, region) = (&company.accounts.production, company.home());
    Resource {
        arn: format!("arn:aws:sqs:{region}:{account}:{name}"),
        resource_type: "AWS::SQS::Queue",
        id: format!("https://sqs.{region}.amazonaws.com/{account}/{name}"),
        name: Some(name.to_owned()),
        account: account.clone(),
        region: region.to_owned(),
        tags,
        configuration: json!({"QueueName": name, "DelaySeconds": "0", "VisibilityTimeout": "180"}),
    }
}

pub fn orphan(company: &Company) -> Resource {
    let (account, region, id) = (&company.accounts.staging, &company.regions[1], &company.orphan_instance);
    Resource {
        arn: format!("arn:aws:ec2:{region}:{account}:instance/{id}"),
        resource_type: "AWS::EC2::Instance",
        id: id.clone(),
        name: None,
        account: account.clone(),
        region: region.clone(),
        tags: Vec::new(),
        configuration: json!({"instanceId": id, "instanceType": "m5.large", "state": {"code": 16, "name": "running"}, "architecture": "x86_64"}),
    }
}

/// Every resource that is live when the plot has been played.
pub fn live_resources(company: &Company) -> Vec<Resource> {
    let Company { accounts, regions, .. } = company;
    vec![
        database(company, &accounts.production, &regions[0]),
        database(company, &accounts.staging, &regions[1]),
        pipeline(company, &company.pipelines[0]),
        pipeline(company, &company.pipelines[1]),
        pipeline(company, &company.other_pipeline),
        function(company, 1024),
        bucket(company),
        table(company),
        queue(company, &company.queue, vec![("Owner", company.teams[2].name.clone())]),
        orphan(company),
    ]
}

const FIRST_MS: i64 = 1_793_520_000_000; // 2026-11-01T08:00:00Z

fn captured(minute: i64) -> (String, i64) {
    (format!("2026-11-01T08:{minute:02}:00.000Z"), FIRST_MS + minute * 60_000)
}

fn message(resource: &Resource, status: &str, minute: i64) -> String {
    let (time, state_id) = captured(minute);
    item_change(resource, status, &time, state_id).to_string()
}

fn config_queue(company: &Company) -> Queue<'_> {
    Queue { account: &company.accounts.tooling, region: company.home(), name: "callboard-config" }
}

pub fn first_items(company: &Company, plot: &mut Plot) {
    let queue_at = config_queue(company);
    let discovered = |resource: &Resource, minute| message(resource, "ResourceDiscovered", minute);
    let Company { accounts, regions, .. } = company;
    let batch = |bodies: &[String], minute: i64| sqs_batch(queue_at, FIRST_MS + minute * 60_000 + 4_000, bodies);

    let databases = [
        discovered(&database(company, &accounts.production, &regions[0]), 1),
        discovered(&database(company, &accounts.staging, &regions[1]), 1),
    ];
    plot.deliver("config-change", "two-databases-of-one-name", batch(&databases, 1));
    let pipelines = [
        discovered(&pipeline(company, &company.pipelines[0]), 2),
        discovered(&pipeline(company, &company.pipelines[1]), 2),
        discovered(&pipeline(company, &company.other_pipeline), 2),
    ];
    plot.deliver("config-change", "pipelines-without-tags", batch(&pipelines, 2));
    let mine = [
        discovered(&bucket(company), 3),
        discovered(&table(company), 3),
        discovered(&queue(company, &company.queue, vec![("Owner", company.teams[2].name.clone())]), 3),
        discovered(&queue(company, &company.retired_queue, Vec::new()), 3),
    ];
    plot.deliver("config-change", "bucket-table-queues", batch(&mine, 3));
    plot.deliver("config-change", "instance-nobody-owns", batch(&[discovered(&orphan(company), 4)], 4));
}

pub fn later_items(company: &Company, plot: &mut Plot) {
    let queue_at = config_queue(company);
    let batch = |bodies: &[String], minute: i64| sqs_batch(queue_at, FIRST_MS + minute * 60_000 + 4_000, bodies);

    let newer = message(&function(company, 1024), "OK", 12);
    let older = message(&function(company, 512), "ResourceDiscovered", 11);
    plot.deliver("config-change", "newer-before-older", batch(&[newer.clone(), older], 12));
    plot.deliver("config-change", "duplicate", batch(&[newer], 13));
    let deleted = message(&queue(company, &company.retired_queue, Vec::new()), "ResourceDeleted", 14);
    plot.deliver("config-change", "deleted", batch(&[deleted], 14));
    let table_again = message(&table(company), "OK", 15);
    let broken = table_again[..table_again.len() / 2].to_owned();
    plot.deliver("config-change", "malformed-among-good", batch(&[table_again, broken], 15));
}

/// The result of a rule for a resource, in the envelope of EventBridge: of one that is named by type and id alone.
pub fn compliance_change(resource: &Resource, rule: &str, compliance: &str, evaluated: &str) -> Value {
    let Resource { resource_type, id, account, region, .. } = resource;
    json!({
        "version": "0",
        "id": uuid_of(&format!("{rule} {id} {evaluated}")),
        "detail-type": "Config Rules Compliance Change",
        "source": "aws.config",
        "account": account,
        "time": format!("{}Z", &evaluated[..19]),
        "region": region,
        "resources": [],
        "detail": {
            "resourceId": id,
            "awsRegion": region,
            "awsAccountId": account,
            "configRuleName": rule,
            "configRuleARN": format!("arn:aws:config:{region}:{account}:config-rule/config-rule-{}", &uuid_of(rule)[..6]),
            "recordVersion": "1.0",
            "messageType": "ComplianceChangeNotification",
            "notificationCreationTime": evaluated,
            "newEvaluationResult": {
                "evaluationResultIdentifier": {
                    "evaluationResultQualifier": {"configRuleName": rule, "resourceType": resource_type, "resourceId": id},
                    "orderingTimestamp": evaluated
                },
                "complianceType": compliance,
                "resultRecordedTime": evaluated,
                "configRuleInvokedTime": evaluated,
                "annotation": null,
                "resultToken": null
            },
            "oldEvaluationResult": null
        }
    })
}

/// What came besides items: results of a rule, an item too large for its message, and a snapshot of the production account.
pub fn rules_and_files(company: &Company, plot: &mut Plot) {
    let queue_at = config_queue(company);
    let batch = |bodies: &[String], minute: i64| sqs_batch(queue_at, FIRST_MS + minute * 60_000 + 4_000, bodies);
    let Company { accounts, regions, .. } = company;

    let production = database(company, &accounts.production, &regions[0]);
    let result =
        |rule: &str, compliance: &str| compliance_change(&production, rule, compliance, &captured(20).0).to_string();
    let results = [result("rds-storage-encrypted", "COMPLIANT"), result("rds-logging-enabled", "NON_COMPLIANT")];
    plot.deliver("config-change", "results-of-rules", batch(&results, 20));

    let mut notice = item_change(&table(company), "OK", &captured(21).0, captured(21).1);
    let detail = &mut notice["detail"];
    let mut summary = detail["configurationItem"].take();
    for field in ["configuration", "supplementaryConfiguration", "tags", "relationships", "relatedEvents"] {
        summary.as_object_mut().expect("an item is an object").remove(field);
    }
    summary["changeType"] = json!("UPDATE");
    *detail = json!({
        "recordVersion": "1.0",
        "messageType": "OversizedConfigurationItemChangeNotification",
        "notificationCreationTime": captured(21).0,
        "configurationItemSummary": summary,
        "s3DeliverySummary": {"s3BucketLocation": null, "errorCode": "InternalError", "errorMessage": "try again"}
    });
    plot.deliver("config-change", "oversized", batch(&[notice.to_string()], 21));

    let items: Vec<Value> = live_resources(company)
        .iter()
        .filter(|resource| resource.account == accounts.production && resource.region == regions[0])
        .map(|resource| {
            item_change(resource, "OK", &captured(22).0, captured(22).1)["detail"]["configurationItem"].clone()
        })
        .collect();
    let text = json!({"fileVersion": "1.0", "configSnapshotId": uuid_of("snapshot"), "configurationItems": items});
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let written = encoder.write_all(text.to_string().as_bytes()).and_then(|()| encoder.finish());
    let bytes = written.expect("memory takes what is written");
    let (account, region) = (&accounts.production, &regions[0]);
    let key = format!(
        "AWSLogs/{account}/Config/{region}/2026/11/1/ConfigSnapshot/\
         {account}_Config_{region}_ConfigSnapshot_20261101T082200Z_{}.json.gz",
        uuid_of("snapshot")
    );
    let notification = s3_created(account, region, "callboard-config", &key, &bytes, &captured(23).0);
    plot.objects.push(StoredObject { bucket: "callboard-config", key, bytes, metadata: Vec::new() });
    plot.deliver("config-change", "snapshot", batch(&[notification.to_string()], 23));
}
