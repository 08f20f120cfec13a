//! An item's relationships -> relations to keys of other records.
//! Names: <https://docs.aws.amazon.com/config/latest/developerguide/resource-config-reference.html>

use std::collections::BTreeSet;

use catalog_model::{Canonical, Identity, Key, Place, Relation, SeenAs, Sighting, canonical};
use serde_json::Value;

use crate::fields::{pick, text};

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

    /// Only containment has a direction, and a container is what its content depends on.
    fn relation_type(&self) -> &'static str {
        let contains = self.name.get(.."contains".len()).is_some_and(|start| start.eq_ignore_ascii_case("contains"));
        if contains { "dependencyOf" } else { "dependsOn" }
    }

    /// The other resource, taken to be in the account and the region of the item: a relationship names neither.
    /// An exact identity goes before a second id, and the id before the name. Of a type whose ARNs nobody knows, an
    /// id tells nothing: that resource's record is very likely under an ARN.
    fn target(&self, place: Place<'_>) -> Option<Key> {
        let mut second = None;
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

/// All relations of an item, and how many relationships point at nothing that has a key.
pub(crate) fn relations(list: &[Relationship], place: Place<'_>, own: &Identity) -> (BTreeSet<Relation>, usize) {
    let (own, mut unresolved) = (own.key(), 0);
    let mut relations = BTreeSet::new();
    for relationship in list {
        match relationship.target(place) {
            Some(target) if target == own => {}
            Some(target) => {
                relations.insert(Relation::new(relationship.relation_type(), target));
            }
            None => unresolved += 1,
        }
    }
    (relations, unresolved)
}

pub(crate) fn seen(place: Place<'_>, resource_type: &str, id: &str) -> Canonical {
    canonical(&Sighting { place, seen_as: SeenAs::ResourceType(resource_type), id })
}
