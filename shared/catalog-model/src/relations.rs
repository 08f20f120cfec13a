//! Fields and statements -> outgoing relations, and the name that each has from the other side.
//! The table is Backstage's `BuiltinKindsEntityProcessor`.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::entity_ref::{DEFAULT_NAMESPACE, EntityRef};
use crate::identity::Key;

/// An outgoing relation as it is stored: the target is a key, so that renaming the target changes nothing here.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Relation {
    #[serde(rename = "type")]
    pub relation_type: String,
    pub target: Key,
}

/// A field of `spec` that implies a relation.
#[derive(Debug)]
pub struct FieldRelation {
    pub field: &'static str,
    /// Kinds whose field it is, in lower case.
    pub kinds: &'static [&'static str],
    /// Kind of a reference that names none. `None`: the reference must name it.
    pub default_kind: Option<&'static str>,
    pub forward: &'static str,
}

const fn row(
    field: &'static str,
    kinds: &'static [&'static str],
    default_kind: Option<&'static str>,
    forward: &'static str,
) -> FieldRelation {
    FieldRelation { field, kinds, default_kind, forward }
}

pub static FIELD_RELATIONS: &[FieldRelation] = &[
    row(
        "owner",
        &["component", "api", "resource", "system", "domain", "airesource", "template"],
        Some("group"),
        "ownedBy",
    ),
    row("system", &["component", "api", "resource", "airesource"], Some("system"), "partOf"),
    row("subcomponentOf", &["component"], Some("component"), "partOf"),
    row("domain", &["system"], Some("domain"), "partOf"),
    row("subdomainOf", &["domain"], Some("domain"), "partOf"),
    row("providesApis", &["component"], Some("api"), "providesApi"),
    row("consumesApis", &["component"], Some("api"), "consumesApi"),
    row("dependsOn", &["component", "resource"], None, "dependsOn"),
    row("dependencyOf", &["component", "resource"], None, "dependencyOf"),
    row("parent", &["group"], Some("group"), "childOf"),
    row("children", &["group"], Some("group"), "parentOf"),
    row("members", &["group"], Some("user"), "hasMember"),
    row("memberOf", &["user"], Some("group"), "memberOf"),
];

/// Relation types and what each is called from the other side.
static REVERSES: &[(&str, &str)] = &[
    ("ownedBy", "ownerOf"),
    ("partOf", "hasPart"),
    ("providesApi", "apiProvidedBy"),
    ("consumesApi", "apiConsumedBy"),
    ("dependsOn", "dependencyOf"),
    ("childOf", "parentOf"),
    ("hasMember", "memberOf"),
];

/// What a relation is called from its target: `ownedBy` -> `ownerOf`. `None` for a type that is not built in.
pub fn reverse_of(relation_type: &str) -> Option<&'static str> {
    REVERSES.iter().find_map(|(one, other)| match relation_type {
        t if t == *one => Some(*other),
        t if t == *other => Some(*one),
        _ => None,
    })
}

/// The relations that the fields of one entity imply. References that do not parse imply none.
pub fn relations_of_fields(entity: &Value) -> BTreeSet<Relation> {
    let kind = entity["kind"].as_str().unwrap_or_default();
    let namespace = entity["metadata"]["namespace"].as_str().unwrap_or(DEFAULT_NAMESPACE);
    let fields = FIELD_RELATIONS.iter().map(|rule| rule.field).collect::<BTreeSet<_>>();
    fields
        .into_iter()
        .flat_map(|field| relations_of_field(kind, namespace, field, &entity["spec"][field]).collect::<Vec<_>>())
        .collect()
}

/// The relations that one field of `spec` implies, in an entity of this kind and namespace.
pub fn relations_of_field<'a>(
    kind: &str,
    namespace: &'a str,
    field: &str,
    said: &'a Value,
) -> impl Iterator<Item = Relation> + use<'a> {
    let rule = field_relation(kind, field);
    let texts = said.as_array().map_or(std::slice::from_ref(said), Vec::as_slice);
    rule.into_iter().flat_map(move |rule| {
        texts.iter().filter_map(Value::as_str).filter_map(move |text| {
            let target = EntityRef::parse_in(text, rule.default_kind, namespace).ok()?;
            Some(Relation::new(rule.forward, Key::of_ref(&target)))
        })
    })
}

/// The row of a field of `spec`, where entities of this kind (in any case) have it.
pub(crate) fn field_relation(kind: &str, field: &str) -> Option<&'static FieldRelation> {
    FIELD_RELATIONS
        .iter()
        .find(|rule| rule.field == field && rule.kinds.iter().any(|known| known.eq_ignore_ascii_case(kind)))
}

impl Relation {
    pub fn new(relation_type: &str, target: Key) -> Self {
        Self { relation_type: relation_type.to_owned(), target }
    }

    /// The CloudFormation stack that whoever says this is in.
    pub fn stack(&self) -> Option<&Key> {
        let is_in = self.relation_type == "partOf" && self.target.is_stack();
        is_in.then_some(&self.target)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_relation_of_the_table_has_a_name_from_the_other_side() {
        for rule in FIELD_RELATIONS {
            let reverse = reverse_of(rule.forward).unwrap_or_else(|| panic!("{} has no reverse", rule.forward));
            assert_eq!(reverse_of(reverse), Some(rule.forward));
        }
        assert_eq!(reverse_of("likes"), None);
    }

    #[test]
    fn fields_imply_relations_in_the_namespace_of_their_entity() {
        let entity = json!({
            "kind": "Component",
            "metadata": {"name": "orders", "namespace": "ops"},
            "spec": {"owner": "user:default/jo", "system": "shop", "providesApis": ["orders", "Other/Orders"], "dependsOn": ["resource:db", "bare"], "domain": "x"}
        });
        let relations: Vec<String> =
            relations_of_fields(&entity).into_iter().map(|r| format!("{} {}", r.relation_type, r.target)).collect();
        assert_eq!(
            relations,
            [
                "dependsOn resource:ops/db",
                "ownedBy user:default/jo",
                "partOf system:ops/shop",
                "providesApi api:ops/orders",
                "providesApi api:other/orders"
            ]
        );
    }
}
