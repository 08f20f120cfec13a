//! An AWS resource -> the annotations by which plugins of others know it, and the fields that a file sets.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Fact, Profile, Rules, Source};
use crate::arn::Arn;
use crate::fragment::{Format, Pointer, Record};
use crate::identity::Identity;
use crate::stitch::Field;

/// The keys that are said by whoever sees or lists a resource.
const AWSLABS: [&str; 6] = ["arn", "resource-type", "resource-id", "name", "region", "account-id"];

/// What a key of Roadie's holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Held {
    Arn,
    /// The last part of the ARN.
    Id,
}

use Held::{Arn as ByArn, Id};

/// Type -> the keys by which Roadie's provider annotates it.
const ROADIE: &[(&str, &str, Held)] = &[
    ("AWS::IAM::Role", "amazon.com/iam-role-arn", ByArn),
    ("AWS::IAM::User", "amazon.com/iam-user-arn", ByArn),
    ("AWS::SNS::Topic", "amazon.com/sns-topic-arn", ByArn),
    ("AWS::Lambda::Function", "amazon.com/lambda-function-arn", ByArn),
    ("AWS::S3::Bucket", "amazon.com/s3-bucket-arn", ByArn),
    ("AWS::EC2::Instance", "amazon.com/ec2-instance-id", Id),
    ("AWS::RDS::DBInstance", "amazon.com/rds-instance-arn", ByArn),
    ("AWS::DynamoDB::Table", "amazon.com/dynamo-db-table-arn", ByArn),
    ("AWS::DynamoDB::Table", "amazon.com/dynamodb-table-name", Id),
    ("AWS::OpenSearch::Domain", "amazon.com/open-search-domain-arn", ByArn),
    ("AWS::OpenSearchService::Domain", "amazon.com/open-search-domain-arn", ByArn),
    ("AWS::ElastiCache::CacheCluster", "amazon.com/elasticache-cluster-arn", ByArn),
    ("AWS::SQS::Queue", "amazon.com/sqs-queue-arn", ByArn),
    ("AWS::EKS::Cluster", "amazon.com/eks-cluster-arn", ByArn),
    ("AWS::ECR::Repository", "amazonaws.com/ecr-repository-arn", ByArn),
    ("AWS::EC2::Volume", "amazonaws.com/ebs-volume-id", Id),
    ("AWS::ElasticLoadBalancingV2::LoadBalancer", "amazonaws.com/load-balancer-arn", ByArn),
    ("AWS::EC2::SecurityGroup", "amazonaws.com/security-group-id", Id),
    ("AWS::EC2::Subnet", "amazonaws.com/subnet-id", Id),
    ("AWS::EC2::VPC", "amazonaws.com/vpc-id", Id),
];

/// Adds, or takes away, what the rules say of the fields of an AWS resource. What a catalog file says stands.
pub(crate) fn add_annotations(
    identity: &Identity,
    record: &Record,
    rules: &Rules,
    fields: &mut BTreeMap<Pointer, Field>,
) {
    if !identity.is_aws_resource() {
        return;
    }
    for (pointer, source) in &rules.fields {
        let value = match source {
            Source::Tag(key) => tag(fields, key),
            Source::Value(value) => Some(value.clone()),
            Source::Fact(fact) => fact.of(identity, fields),
        };
        let is_declared = fields.get(pointer).is_some_and(|field| is_of_file(field, record));
        if let Some(value) = value.filter(|_| !is_declared) {
            fields.insert(pointer.clone(), by_rule(json!(value), "fields of the rules"));
        }
    }
    let mut added: Vec<(&str, String)> = Vec::new();
    if rules.annotations.contains(&Profile::Roadie) {
        let aws_type = Fact::ResourceType.of(identity, fields);
        for (_, key, held) in ROADIE.iter().filter(|(of_type, ..)| aws_type.as_deref() == Some(*of_type)) {
            let arn = Fact::Arn.of(identity, fields);
            let value = match held {
                ByArn => arn,
                Id => arn.as_deref().and_then(Arn::parse).and_then(|arn| last(arn.resource)),
            };
            added.extend(value.map(|value| (*key, value)));
        }
        added.extend(Fact::AccountId.of(identity, fields).map(|account| ("amazon.com/account-id", account)));
    }
    if rules.annotations.contains(&Profile::Core) {
        added.extend(Fact::Arn.of(identity, fields).map(|arn| ("amazonaws.com/arn", arn)));
        added.extend(Fact::AccountId.of(identity, fields).map(|account| ("amazonaws.com/account-id", account)));
    }
    for (key, value) in added {
        fields.entry(Pointer::annotation(key)).or_insert_with(|| by_rule(json!(value), "annotations of the rules"));
    }
    if !rules.annotations.contains(&Profile::Awslabs) {
        for name in AWSLABS {
            let pointer = Pointer::annotation(&format!("aws.amazon.com/{name}"));
            if fields.get(&pointer).is_some_and(|field| !is_of_file(field, record)) {
                fields.remove(&pointer);
            }
        }
    }
}

fn by_rule(value: Value, rule: &'static str) -> Field {
    Field { value, rule: Cow::Borrowed(rule), said_by: None, lost: Vec::new(), step: None, yields: false }
}

fn is_of_file(field: &Field, record: &Record) -> bool {
    let said_by = field.said_by.as_ref().and_then(|key| record.fragments.get(key));
    said_by.is_some_and(|fragment| fragment.source.format == Format::CatalogInfo)
}

fn last(path: &str) -> Option<String> {
    path.rsplit(['/', ':']).next().filter(|id| !id.is_empty()).map(str::to_owned)
}

/// The value of a tag of the resource, whatever the case of its key.
fn tag(fields: &BTreeMap<Pointer, Field>, key: &str) -> Option<String> {
    let first = Pointer::from_text("/spec/aws/tags/");
    let tags = fields.range(first.clone()..).take_while(|(pointer, _)| pointer.as_str().starts_with(first.as_str()));
    let mut matching = tags.filter(|(pointer, _)| pointer.tokens().nth(3).is_some_and(|t| t.eq_ignore_ascii_case(key)));
    let value = matching.next().and_then(|(_, field)| field.value.as_str());
    value.map(str::trim).filter(|value| !value.is_empty()).map(str::to_owned)
}

impl Fact {
    fn of(self, identity: &Identity, fields: &BTreeMap<Pointer, Field>) -> Option<String> {
        let text = |pointer: Pointer| fields.get(&pointer)?.value.as_str().map(str::to_owned);
        match self {
            Self::Arn => identity.arn().map(str::to_owned),
            Self::AccountId => text(Pointer::to(["spec", "aws", "accountId"])),
            Self::Region => text(Pointer::to(["spec", "aws", "region"])),
            Self::ResourceId => text(Pointer::annotation("aws.amazon.com/resource-id")),
            Self::ResourceName => text(Pointer::annotation("aws.amazon.com/name")),
            Self::ResourceType => text(Pointer::to(["spec", "aws", "resourceType"])),
        }
    }
}
