//! What consumes what: the one table that the local stack runs on.
//! `infra/template.yaml` says the same for AWS; a test compares the two, field by field and both ways.

use std::time::Duration;

use serde_json::Value;

/// A bucket of the system. `resource` is its logical id in the template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bucket {
    pub resource: &'static str,
    /// Name on this machine. In AWS the stack's parameters name it.
    pub name: &'static str,
}

/// A queue, its dead-letter queue and the function that consumes it.
/// The names are the template's logical ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Queue {
    pub name: &'static str,
    pub dead_letters: &'static str,
    /// Deliveries before a message goes to `dead_letters` (redrive policy `maxReceiveCount`).
    pub max_receive_count: u32,
    /// Messages per invocation at most (`BatchSize` of the event source mapping).
    pub batch_size: u32,
    pub function: &'static str,
}

/// A bucket's event notification into a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Notification {
    /// Logical id of the bucket.
    pub bucket: &'static str,
    /// S3's event types, `*` as the last part matches all of a kind.
    pub events: &'static [&'static str],
    /// Key prefix; empty matches all.
    pub prefix: &'static str,
    /// Key suffix; empty matches all.
    pub suffix: &'static str,
    pub queue: &'static str,
}

/// An EventBridge rule that forwards whole events into a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    pub sources: &'static [&'static str],
    pub detail_types: &'static [&'static str],
    /// Fields of the event's detail, and the texts that they may have. A workgroup's is its logical id in the template.
    pub detail: &'static [(&'static str, &'static [&'static str])],
    pub queue: &'static str,
}

/// The table's stream and the function that follows it, in order, one batch at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableStream {
    /// Logical id of the table.
    pub table: &'static str,
    pub view: &'static str,
    pub batch_size: u32,
    pub function: &'static str,
}

/// A function that is invoked at fixed times with the same event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    /// Name of the event in the template.
    pub name: &'static str,
    /// EventBridge's expression: `rate(5 minutes)`, or `cron(30 2 * * ? *)` in UTC.
    pub expression: &'static str,
    /// The event, as JSON.
    pub input: &'static str,
    pub function: &'static str,
}

/// An API method, or `ANY` for all that have no route of their own. `path` is written as in API Gateway: `{name}` is one
/// segment, `{proxy+}` the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    pub method: &'static str,
    pub path: &'static str,
    pub function: &'static str,
    pub answer: Answer,
}

/// How an answer goes through the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// At most 6 MB, once the function is done.
    Whole,
    /// As it comes, for [`MAX_STREAM_DURATION`] at most.
    Streamed,
}

/// From a request to the last byte of a streamed answer: 200 MB take so long at API Gateway's speed.
pub const MAX_STREAM_DURATION: Duration = Duration::from_secs(120);

pub const AUTHORIZER: &str = "authorizer";
pub const CATALOG_INDEX: &str = "catalog-index";
pub const CATALOG_RECONCILE: &str = "catalog-reconcile";
pub const CICD_EXPORT: &str = "cicd-export";
pub const CONFIG_CHANGE: &str = "config-change";
pub const COST_REPORT: &str = "cost-report";
pub const QUERY_API: &str = "query-api";

/// All functions, by the names of their folders.
pub const FUNCTIONS: &[&str] =
    &[AUTHORIZER, CATALOG_INDEX, CATALOG_RECONCILE, CICD_EXPORT, CONFIG_CHANGE, COST_REPORT, QUERY_API];

/// The record table. `resource` is its logical id in the template, `name` its name on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Table {
    pub resource: &'static str,
    pub name: &'static str,
    /// Partition key, a string.
    pub partition_key: &'static str,
    /// Sort key, a string.
    pub sort_key: &'static str,
    /// Attribute with the Unix seconds after which an item expires.
    pub time_to_live: &'static str,
}

pub const TABLE: Table =
    Table { resource: "Table", name: "callboard", partition_key: "pk", sort_key: "sk", time_to_live: "expires_at" };

pub const DROP_BUCKET: Bucket = Bucket { resource: "DropBucket", name: "callboard-drop" };
pub const REPORTS_BUCKET: Bucket = Bucket { resource: "ReportsBucket", name: "callboard-reports" };
pub const CONFIG_BUCKET: Bucket = Bucket { resource: "ConfigBucket", name: "callboard-config" };
pub const CATALOG_BUCKET: Bucket = Bucket { resource: "CatalogBucket", name: "callboard-catalog" };

pub const BUCKETS: &[Bucket] = &[DROP_BUCKET, REPORTS_BUCKET, CONFIG_BUCKET, CATALOG_BUCKET];

pub const EXPORT_QUEUE: Queue = Queue {
    name: "ExportQueue",
    dead_letters: "ExportDeadLetters",
    max_receive_count: 5,
    batch_size: 10,
    function: CICD_EXPORT,
};
pub const CONFIG_QUEUE: Queue = Queue {
    name: "ConfigQueue",
    dead_letters: "ConfigDeadLetters",
    max_receive_count: 5,
    batch_size: 10,
    function: CONFIG_CHANGE,
};
// A report is minutes of work for one function: one at a time, and fewer tries.
pub const REPORT_QUEUE: Queue = Queue {
    name: "ReportQueue",
    dead_letters: "ReportDeadLetters",
    max_receive_count: 3,
    batch_size: 1,
    function: COST_REPORT,
};

pub const QUEUES: &[Queue] = &[EXPORT_QUEUE, CONFIG_QUEUE, REPORT_QUEUE];

pub const NOTIFICATIONS: &[Notification] = &[
    Notification {
        bucket: "DropBucket",
        events: &["s3:ObjectCreated:*", "s3:ObjectRemoved:*"],
        prefix: "exports/",
        suffix: "",
        queue: "ExportQueue",
    },
    Notification {
        bucket: "ReportsBucket",
        events: &["s3:ObjectCreated:*"],
        prefix: "",
        suffix: "Manifest.json",
        queue: "ReportQueue",
    },
    Notification {
        bucket: "ConfigBucket",
        events: &["s3:ObjectCreated:*"],
        prefix: "",
        suffix: ".json.gz",
        queue: "ConfigQueue",
    },
];

pub const RULES: &[Rule] = &[
    Rule {
        sources: &["aws.config"],
        detail_types: &[
            "Config Configuration Item Change",
            "Config Rules Compliance Change",
            "Config Configuration Snapshot Delivery Status",
            "Config Configuration History Delivery Status",
        ],
        detail: &[],
        queue: "ConfigQueue",
    },
    Rule {
        sources: &["aws.codepipeline", "aws.codebuild", "aws.codedeploy", "aws.cloudformation"],
        detail_types: &[
            "CodePipeline Pipeline Execution State Change",
            "CodePipeline Stage Execution State Change",
            "CodePipeline Action Execution State Change",
            "CodeBuild Build State Change",
            "CodeDeploy Deployment State-change Notification",
            "CloudFormation Stack Status Change",
        ],
        detail: &[],
        queue: "ExportQueue",
    },
    Rule {
        sources: &["aws.athena"],
        detail_types: &["Athena Query State Change"],
        detail: &[("currentState", &["SUCCEEDED", "FAILED", "CANCELLED"]), ("workgroupName", &["AthenaWorkgroup"])],
        queue: "ReportQueue",
    },
];

pub const TABLE_STREAM: TableStream =
    TableStream { table: "Table", view: "NEW_AND_OLD_IMAGES", batch_size: 100, function: CATALOG_INDEX };

pub const ROUTES: &[Route] = &[
    Route {
        method: "PUT",
        path: "/api/exports/{producer}/{format}/{name}",
        function: CICD_EXPORT,
        answer: Answer::Whole,
    },
    Route {
        method: "GET",
        path: "/api/exports/{producer}/{format}/{name}",
        function: CICD_EXPORT,
        answer: Answer::Whole,
    },
    Route {
        method: "DELETE",
        path: "/api/exports/{producer}/{format}/{name}",
        function: CICD_EXPORT,
        answer: Answer::Whole,
    },
    // The function knows its paths and methods: what is no path or method of it gets an answer in Backstage's shape.
    Route { method: "ANY", path: "/", function: QUERY_API, answer: Answer::Streamed },
    Route { method: "ANY", path: "/{proxy+}", function: QUERY_API, answer: Answer::Streamed },
];

/// The one that keeps the index short, which tests want to be often.
pub const COMPACTION: Schedule = Schedule {
    name: "IndexCompaction",
    expression: "rate(1 minute)",
    input: r#"{"action":"compact"}"#,
    function: CATALOG_INDEX,
};

pub const SCHEDULES: &[Schedule] = &[
    COMPACTION,
    Schedule {
        name: "IndexRepair",
        expression: "rate(1 hour)",
        input: r#"{"action":"rebuild-if-needed"}"#,
        function: CATALOG_RECONCILE,
    },
    Schedule {
        name: "IndexComparison",
        expression: "cron(30 2 * * ? *)",
        input: r#"{"action":"compare"}"#,
        function: CATALOG_RECONCILE,
    },
    // Begins a sweep once a day, and goes on with one that was not done in one invocation.
    Schedule {
        name: "ConfigSweep",
        expression: "rate(1 hour)",
        input: r#"{"action":"sweep"}"#,
        function: CATALOG_RECONCILE,
    },
];

/// The queue with this logical id.
#[must_use]
pub fn queue(name: &str) -> Option<&'static Queue> {
    QUEUES.iter().find(|queue| queue.name == name)
}

/// The queue that this function consumes.
#[must_use]
pub fn queue_of(function: &str) -> Option<&'static Queue> {
    QUEUES.iter().find(|queue| queue.function == function)
}

impl Notification {
    /// Whether an event (`ObjectCreated:Put`, without `s3:`) on this object is notified.
    #[must_use]
    pub fn matches(&self, bucket: &str, event: &str, key: &str) -> bool {
        let named = BUCKETS.iter().any(|known| known.name == bucket && known.resource == self.bucket);
        let wanted = self.events.iter().any(|wanted| {
            let wanted = wanted.strip_prefix("s3:").unwrap_or(wanted);
            wanted.strip_suffix('*').map_or(wanted == event, |kind| event.starts_with(kind))
        });
        named && wanted && key.starts_with(self.prefix) && key.ends_with(self.suffix)
    }
}

impl Rule {
    /// Whether an EventBridge event goes to this rule's queue.
    #[must_use]
    pub fn matches(&self, source: &str, detail_type: &str, detail: &Value) -> bool {
        let may_have = |(field, texts): &(&str, &[&str])| {
            detail.get(field).and_then(Value::as_str).is_some_and(|text| texts.contains(&text))
        };
        self.sources.contains(&source) && self.detail_types.contains(&detail_type) && self.detail.iter().all(may_have)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn everything_that_is_named_exists() {
        for queue in QUEUES {
            assert!(FUNCTIONS.contains(&queue.function), "{}", queue.name);
        }
        for route in ROUTES {
            assert!(FUNCTIONS.contains(&route.function), "{}", route.path);
        }
        for schedule in SCHEDULES {
            assert!(FUNCTIONS.contains(&schedule.function), "{}", schedule.name);
        }
        for name in NOTIFICATIONS.iter().map(|n| n.queue).chain(RULES.iter().map(|r| r.queue)) {
            assert!(queue(name).is_some(), "{name}");
        }
        for notification in NOTIFICATIONS {
            assert!(BUCKETS.iter().any(|bucket| bucket.resource == notification.bucket));
        }
    }

    #[test]
    fn a_rule_matches_by_source_type_and_what_it_asks_of_the_detail() {
        let to = |source: &str, detail_type: &str, detail: Value| -> Vec<&str> {
            let rules = RULES.iter().filter(|rule| rule.matches(source, detail_type, &detail));
            rules.map(|rule| rule.queue).collect()
        };
        let change = "Athena Query State Change";
        let detail = |state: &str, workgroup: &str| json!({"currentState": state, "workgroupName": workgroup});
        assert_eq!(to("aws.athena", change, detail("SUCCEEDED", "AthenaWorkgroup")), ["ReportQueue"]);
        assert_eq!(to("aws.athena", change, detail("RUNNING", "AthenaWorkgroup")), [""; 0]);
        assert_eq!(to("aws.athena", change, detail("FAILED", "primary")), [""; 0]);
        assert_eq!(to("aws.config", "Config Configuration Item Change", Value::Null), ["ConfigQueue"]);
    }

    #[test]
    fn a_notification_matches_by_bucket_event_prefix_and_suffix() {
        let [exports, reports, files] = NOTIFICATIONS else { panic!("three notifications") };
        assert!(exports.matches("callboard-drop", "ObjectCreated:Put", "exports/a/b/c"));
        assert!(exports.matches("callboard-drop", "ObjectRemoved:Delete", "exports/a/b/c"));
        assert!(!exports.matches("callboard-drop", "ObjectRestore:Post", "exports/a/b/c"));
        assert!(!exports.matches("callboard-drop", "ObjectCreated:Put", "other/a"));
        assert!(!exports.matches("callboard-reports", "ObjectCreated:Put", "exports/a"));
        assert!(reports.matches("callboard-reports", "ObjectCreated:Copy", "x/y-Manifest.json"));
        assert!(!reports.matches("callboard-reports", "ObjectRemoved:Delete", "x/y-Manifest.json"));
        assert!(!reports.matches("callboard-reports", "ObjectCreated:Put", "x/y-00001.parquet"));
        assert!(files.matches("callboard-config", "ObjectCreated:Put", "AWSLogs/1/Config/x_AWS::S3::Bucket_1.json.gz"));
        assert!(!files.matches("callboard-config", "ObjectCreated:Put", "AWSLogs/1/Config/ConfigWritabilityCheckFile"));
    }
}
