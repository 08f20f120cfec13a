//! An item's relationships -> relations to keys of other records.
//! Names: <https://docs.aws.amazon.com/config/latest/developerguide/resource-config-reference.html>
//!
//! | Config says | relation |
//! |---|---|
//! | `Is contained in X` | `partOf` X |
//! | `Contains X` | `hasPart` X |
//! | anything else | `dependsOn` X, or `dependencyOf` X if the item is of a type that others are built on |
//!
//! Config records both ends of an association and says the same of either. [`FOUNDATIONS`] is what gives it a direction,
//! so that both ends say one thing.

use std::collections::BTreeSet;

use catalog_model::{Canonical, Identity, Key, Place, Relation};
use serde_json::Value;

use crate::config_id::{seen, spelled};
use crate::fields::{pick, text};

/// Types that others are built on, what is deepest first. Of two associated resources the one whose type comes later, or is
/// not here, depends on the other.
const FOUNDATIONS: &[&str] = &[
    "AWS::KMS::Key",
    "AWS::IAM::Policy",
    "AWS::IAM::Role",
    "AWS::IAM::Group",
    "AWS::EC2::VPC",
    "AWS::EC2::InternetGateway",
    "AWS::EC2::NatGateway",
    "AWS::EC2::TransitGateway",
    "AWS::EC2::VPNGateway",
    "AWS::EC2::CustomerGateway",
    "AWS::EC2::NetworkAcl",
    "AWS::EC2::RouteTable",
    "AWS::EC2::Subnet",
    "AWS::EC2::SecurityGroup",
    "AWS::RDS::DBSubnetGroup",
    "AWS::RDS::DBSecurityGroup",
    "AWS::RDS::DBCluster",
    "AWS::EC2::Volume",
    "AWS::EC2::NetworkInterface",
    "AWS::EC2::EIP",
    "AWS::ACM::Certificate",
    "AWS::AutoScaling::LaunchConfiguration",
    "AWS::EC2::LaunchTemplate",
    "AWS::WAFv2::WebACL",
    "AWS::WAF::WebACL",
    "AWS::ECS::TaskDefinition",
    "AWS::ECS::Cluster",
    "AWS::EC2::Instance",
];

/// Config's word that an item has to do with another resource. At least one of id and name is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relationship {
    pub resource_type: String,
    pub resource_id: Option<String>,
    pub resource_name: Option<String>,
    /// `Is contained in Vpc`, `Is associated with`: without the white space at its end.
    pub name: String,
}

impl Relationship {
    /// Reads the list; what names no resource is left out.
    pub(crate) fn list(value: Option<&Value>) -> Vec<Self> {
        let list = value.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        list.iter().filter_map(Self::read).collect()
    }

    fn read(value: &Value) -> Option<Self> {
        let relationship = Self {
            resource_type: text(value, &["resourceType"])?,
            resource_id: text(value, &["resourceId"]),
            resource_name: text(value, &["resourceName"]),
            name: pick(value, &["name", "relationshipName"])
                .and_then(Value::as_str)
                .unwrap_or_default()
                .trim()
                .to_owned(),
        };
        (relationship.resource_id.is_some() || relationship.resource_name.is_some()).then_some(relationship)
    }

    fn relation_type(&self, own_type: &str) -> &'static str {
        let begins = |word: &str| self.name.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
        if begins("is contained in") {
            return "partOf";
        }
        if begins("contains") {
            return "hasPart";
        }
        match (depth(own_type), depth(&self.resource_type)) {
            (Some(own), Some(other)) if own < other => "dependencyOf",
            (Some(_), None) => "dependencyOf",
            _ => "dependsOn",
        }
    }

    /// The other resource, taken to be in the account and the region of the item: a relationship names neither.
    /// An exact identity goes before a second id, and the id before the name. Of a type whose ARNs nobody knows, only the
    /// id leads to a record.
    fn target(&self, place: Place<'_>) -> Option<Key> {
        let mut second = self.resource_id.as_ref().and_then(|id| spelled(place, &self.resource_type, id));
        for id in [&self.resource_id, &self.resource_name].into_iter().flatten() {
            match seen(place, &self.resource_type, id) {
                Canonical::Exact(identity) if identity.arn().is_some() => return Some(identity.key()),
                Canonical::Secondary(key) => second = second.or(Some(key)),
                Canonical::Exact(_) | Canonical::Unknown => {}
            }
        }
        second
    }
}

fn depth(resource_type: &str) -> Option<usize> {
    FOUNDATIONS.iter().position(|known| known.eq_ignore_ascii_case(resource_type))
}

/// All relations of an item, and how many relationships point at nothing that has a key. `own` are all keys of the item.
pub(crate) fn relations(
    list: &[Relationship],
    place: Place<'_>,
    own_type: &str,
    own: &BTreeSet<Key>,
) -> (BTreeSet<Relation>, usize) {
    let mut unresolved = 0;
    let mut relations = BTreeSet::new();
    for relationship in list {
        match relationship.target(place) {
            Some(target) if own.contains(&target) => {}
            Some(target) => {
                relations.insert(Relation::new(relationship.relation_type(own_type), target));
            }
            None => unresolved += 1,
        }
    }
    (relations, unresolved)
}

/// The stack that made the resource, by the tag that CloudFormation puts on it, or by the word of a nested stack.
pub(crate) fn stack(arn: &str, place: Place<'_>, own: &Identity) -> Option<Relation> {
    let Canonical::Exact(stack) = seen(place, "AWS::CloudFormation::Stack", arn) else { return None };
    let is_stack = stack.arn().is_some_and(|arn| arn.split(':').nth(2) == Some("cloudformation"));
    (is_stack && stack != *own).then(|| Relation::new("partOf", stack.key()))
}
