//! Which attributes of a Terraform resource are read at all, and what each is called in the catalog.
//!
//! A state holds passwords, keys and user data in clear. So attributes are allow-listed: what no table here names is
//! skipped while the file is read and is never in memory as a value.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::sync::LazyLock;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

/// Attributes that say what the resource is, for all types.
pub(crate) const IDENTIFYING: &[&str] = &["arn", "id", "owner_id", "region", "availability_zone", "tags", "tags_all"];

/// Attributes that name the resource, the most telling first. `name` of a database instance is that of its first
/// database, so it comes after the identifiers.
pub(crate) const NAMING: &[&str] = &[
    "function_name",
    "cluster_identifier",
    "identifier",
    "replication_group_id",
    "cluster_id",
    "bucket",
    "family",
    "domain_name",
    "api_name",
    "name",
];

/// Attributes that are second ids of the resource, as AWS Config or a bill may spell it.
pub(crate) const SECOND_IDS: &[&str] =
    &["id", "name", "resource_id", "dbi_resource_id", "cluster_resource_id", "unique_id"];

/// Attributes that hold what AWS Config calls the id of the resource, the surest first.
pub(crate) const CONFIG_IDS: &[&str] = &["cluster_resource_id", "dbi_resource_id", "resource_id", "unique_id", "id"];

/// Terraform type -> attributes that are shown, by Terraform's name and by ours.
static SHOWN: &[(&str, &[(&str, &str)])] = &[
    ("aws_acm_certificate", &[("domain_name", "domainName"), ("status", "status")]),
    ("aws_apigatewayv2_api", &[("protocol_type", "protocolType")]),
    ("aws_autoscaling_group", &[("min_size", "minSize"), ("max_size", "maxSize")]),
    (
        "aws_cloudfront_distribution",
        &[("domain_name", "domainName"), ("enabled", "enabled"), ("price_class", "priceClass")],
    ),
    ("aws_cloudwatch_log_group", &[("retention_in_days", "retentionInDays")]),
    ("aws_db_instance", DB_INSTANCE),
    ("aws_docdb_cluster", DB_CLUSTER),
    ("aws_docdb_cluster_instance", DB_INSTANCE),
    ("aws_dynamodb_table", &[("billing_mode", "billingMode"), ("table_class", "tableClass")]),
    ("aws_ebs_volume", &[("encrypted", "encrypted"), ("size", "size"), ("type", "volumeType")]),
    ("aws_ecs_service", &[("desired_count", "desiredCount"), ("launch_type", "launchType")]),
    (
        "aws_ecs_task_definition",
        &[("cpu", "cpu"), ("memory", "memory"), ("network_mode", "networkMode"), ("revision", "revision")],
    ),
    ("aws_efs_file_system", &[("encrypted", "encrypted"), ("performance_mode", "performanceMode")]),
    ("aws_eks_cluster", &[("platform_version", "platformVersion"), ("version", "version")]),
    ("aws_elasticache_cluster", CACHE),
    ("aws_elasticache_replication_group", CACHE),
    ("aws_elasticsearch_domain", &[("elasticsearch_version", "engineVersion")]),
    ("aws_instance", &[("ami", "imageId"), ("instance_type", "instanceType")]),
    ("aws_kinesis_stream", &[("shard_count", "shardCount")]),
    ("aws_kms_key", &[("enable_key_rotation", "keyRotation"), ("key_usage", "keyUsage")]),
    (
        "aws_lambda_function",
        &[
            ("handler", "handler"),
            ("memory_size", "memorySize"),
            ("package_type", "packageType"),
            ("runtime", "runtime"),
            ("timeout", "timeout"),
        ],
    ),
    ("aws_lb", &[("internal", "internal"), ("load_balancer_type", "loadBalancerType")]),
    ("aws_alb", &[("internal", "internal"), ("load_balancer_type", "loadBalancerType")]),
    ("aws_lb_target_group", &[("port", "port"), ("protocol", "protocol"), ("target_type", "targetType")]),
    ("aws_msk_cluster", &[("kafka_version", "kafkaVersion"), ("number_of_broker_nodes", "numberOfBrokerNodes")]),
    ("aws_neptune_cluster", DB_CLUSTER),
    ("aws_neptune_cluster_instance", DB_INSTANCE),
    ("aws_opensearch_domain", &[("engine_version", "engineVersion")]),
    ("aws_rds_cluster", DB_CLUSTER),
    ("aws_rds_cluster_instance", DB_INSTANCE),
    ("aws_redshift_cluster", &[("node_type", "nodeType"), ("number_of_nodes", "numberOfNodes")]),
    ("aws_s3_bucket", &[]),
    ("aws_sfn_state_machine", &[("type", "stateMachineType")]),
    ("aws_sns_topic", &[("fifo_topic", "fifoTopic")]),
    ("aws_organizations_account", &[("joined_method", "joinedMethod"), ("parent_id", "organizationalUnit")]),
    ("aws_sqs_queue", &[("fifo_queue", "fifoQueue"), ("visibility_timeout_seconds", "visibilityTimeoutSeconds")]),
    ("aws_subnet", &[("cidr_block", "cidrBlock")]),
    ("aws_vpc", &[("cidr_block", "cidrBlock")]),
];

const DB_INSTANCE: &[(&str, &str)] = &[
    ("allocated_storage", "allocatedStorage"),
    ("engine", "engine"),
    ("engine_version", "engineVersion"),
    ("instance_class", "instanceClass"),
    ("multi_az", "multiAz"),
    ("publicly_accessible", "publiclyAccessible"),
    ("storage_encrypted", "storageEncrypted"),
    ("storage_type", "storageType"),
];

const DB_CLUSTER: &[(&str, &str)] = &[
    ("engine", "engine"),
    ("engine_mode", "engineMode"),
    ("engine_version", "engineVersion"),
    ("storage_encrypted", "storageEncrypted"),
];

const CACHE: &[(&str, &str)] = &[("engine", "engine"), ("engine_version", "engineVersion"), ("node_type", "nodeType")];

/// Attributes to show of a type, by Terraform's name and by ours. Empty for types that the table does not name.
pub(crate) fn shown(terraform_type: &str) -> &'static [(&'static str, &'static str)] {
    SHOWN.iter().find(|(name, _)| *name == terraform_type).map_or(&[], |(_, attributes)| attributes)
}

/// The attributes of one instance that some table names; all others are gone.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Attributes(BTreeMap<&'static str, Value>);

impl Attributes {
    /// A text that is neither empty nor longer than a name can be.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str).filter(|text| !text.is_empty() && text.len() <= MAX_TEXT_BYTES)
    }

    /// A text, number or truth value; structures are not shown.
    pub(crate) fn scalar(&self, name: &str) -> Option<&Value> {
        match self.0.get(name) {
            Some(Value::String(_)) => self.text(name).and_then(|_| self.0.get(name)),
            Some(value @ (Value::Number(_) | Value::Bool(_))) => Some(value),
            _ => None,
        }
    }

    /// `tags_all` holds the provider's default tags too; older providers know `tags` alone.
    pub(crate) fn tags(&self) -> impl Iterator<Item = (&str, &str)> {
        let map = |name| self.0.get(name).and_then(Value::as_object).filter(|tags| !tags.is_empty());
        let tags = map("tags_all").or_else(|| map("tags"));
        tags.into_iter().flatten().filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)))
    }
}

/// Which attributes of a resource `terraform show -json` marks as sensitive. Only marks of attributes that are read count.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Marks {
    All(bool),
    Of(Attributes),
}

impl Attributes {
    /// Takes out what is marked: an attribute, or single tags of it.
    pub(crate) fn leave_out(&mut self, marks: &Marks) {
        match marks {
            Marks::All(false) => {}
            Marks::All(true) => self.0.clear(),
            Marks::Of(Attributes(marks)) => self.0.retain(|name, value| match (marks.get(name), value) {
                (Some(Value::Object(inside)), Value::Object(entries)) => {
                    entries.retain(|key, _| !inside.get(key).is_some_and(is_marked));
                    true
                }
                (Some(mark), _) => !is_marked(mark),
                (None, _) => true,
            }),
        }
    }
}

fn is_marked(mark: &Value) -> bool {
    match mark {
        Value::Bool(is_sensitive) => *is_sensitive,
        Value::Array(items) => items.iter().any(is_marked),
        Value::Object(entries) => entries.values().any(is_marked),
        Value::Null | Value::Number(_) | Value::String(_) => false,
    }
}

impl<'de> Deserialize<'de> for Marks {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MarksVisitor)
    }
}

struct MarksVisitor;

impl<'de> Visitor<'de> for MarksVisitor {
    type Value = Marks;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of marks")
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<Marks, E> {
        Ok(Marks::All(value))
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<Marks, A::Error> {
        AllowListed.visit_map(entries).map(Marks::Of)
    }
}

/// ARNs are the longest texts that are kept.
const MAX_TEXT_BYTES: usize = 2048;

static READ: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    let shown = SHOWN.iter().flat_map(|(_, attributes)| attributes.iter().map(|(name, _)| *name));
    IDENTIFYING.iter().chain(NAMING).chain(SECOND_IDS).copied().chain(shown).collect()
});

impl<'de> Deserialize<'de> for Attributes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(AllowListed)
    }
}

struct AllowListed;

impl<'de> Visitor<'de> for AllowListed {
    type Value = Attributes;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of attributes")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Attributes, A::Error> {
        let mut attributes = BTreeMap::new();
        while let Some(name) = entries.next_key::<String>()? {
            match READ.get(name.as_str()) {
                Some(name) => {
                    attributes.insert(*name, entries.next_value()?);
                }
                None => {
                    entries.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(Attributes(attributes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_may_be_secret_is_read() {
        for part in [
            "password",
            "secret",
            "token",
            "private",
            "user_data",
            "environment",
            "key_material",
            "definition",
            "policy",
        ] {
            assert!(!READ.iter().any(|name| name.contains(part)), "{part}");
        }
    }

    #[test]
    fn every_type_of_the_table_is_one_that_the_catalog_knows() {
        for (terraform_type, _) in SHOWN {
            assert!(catalog_model::resource_types::of_terraform(terraform_type).is_some(), "{terraform_type}");
        }
    }

    #[test]
    fn what_no_table_names_is_gone() {
        let text = r#"{"arn":"arn:aws:s3:::b","password":"hunter2","tags":{"team":"x","n":null},"tags_all":{},"multi_az":false}"#;
        let attributes: Attributes = serde_json::from_str(text).unwrap();
        assert!(!format!("{attributes:?}").contains("hunter2"));
        assert_eq!(attributes.tags().collect::<Vec<_>>(), [("team", "x")]);
        assert_eq!(attributes.scalar("multi_az"), Some(&Value::Bool(false)));
    }
}
