//! What a fragment says -> its canonical text, straight from the facts, without a tree of JSON in between: every write makes it
//! twice, for the tie of the version and for the body.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::canonical_json::{Canonical, canonical_json};
use crate::fragment::{Facts, Pointer, Role, Said};
use crate::identity::Key;
use crate::relations::Relation;

pub(crate) fn canonical_said(said: &Said) -> String {
    let text = match said {
        Said::Facts(facts) => serde_json::to_string(&OfFacts { facts: Ordered::of(facts) }),
        Said::Claim(_) | Said::Gone => serde_json::to_value(said).map(|value| canonical_json(&value)),
    };
    text.expect("maps with string keys and scalars always serialise")
}

#[derive(Serialize)]
struct OfFacts<'f> {
    facts: Ordered<'f>,
}

/// [`Facts`] with its names in byte order.
#[derive(Serialize)]
struct Ordered<'f> {
    #[serde(skip_serializing_if = "BTreeMap::is_empty", serialize_with = "canonical_values")]
    fields: &'f BTreeMap<Pointer, Value>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    keys: &'f BTreeSet<Key>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty", serialize_with = "ordered_relations")]
    relations: &'f BTreeSet<Relation>,
    role: Role,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    stack_tags: &'f BTreeMap<String, String>,
}

/// [`Relation`] with its names in byte order.
#[derive(Serialize)]
struct OrderedRelation<'f> {
    target: &'f Key,
    #[serde(rename = "type")]
    relation_type: &'f str,
}

impl<'f> Ordered<'f> {
    fn of(facts: &'f Facts) -> Self {
        let Facts { role, fields, relations, keys, stack_tags } = facts;
        Self { fields, keys, relations, role: *role, stack_tags }
    }
}

fn canonical_values<S: Serializer>(fields: &BTreeMap<Pointer, Value>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(fields.iter().map(|(pointer, value)| (pointer, Canonical(value))))
}

fn ordered_relations<S: Serializer>(relations: &BTreeSet<Relation>, serializer: S) -> Result<S::Ok, S::Error> {
    let ordered = relations.iter().map(|Relation { relation_type, target }| OrderedRelation { target, relation_type });
    serializer.collect_seq(ordered)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::identity::Identity;
    use crate::{Claim, EntityRef};

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            ".{0,6}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 12, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(".{0,4}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    fn facts() -> impl Strategy<Value = Facts> {
        let role =
            prop::sample::select(vec![Role::Observed, Role::Declared, Role::Listed, Role::Stub, Role::Mentioned]);
        let key = "[a-zA-Z\"/]{1,6}".prop_map(|name| EntityRef::component(&name)).prop_map(|name| Key::of_ref(&name));
        let relation = ("[a-zA-Z]{1,5}", key.clone()).prop_map(|(kind, target)| Relation::new(&kind, target));
        (
            role,
            prop::collection::vec((prop::collection::vec(".{0,5}", 1..4), value()), 0..6),
            prop::collection::btree_set(relation, 0..4),
            prop::collection::btree_set(key, 0..3),
            prop::collection::btree_map(".{0,4}", ".{0,4}", 0..3),
        )
            .prop_map(|(role, fields, relations, keys, stack_tags)| {
                let mut facts = Facts::new(role);
                for (path, value) in fields {
                    facts.say(Pointer::to(path.iter().map(String::as_str)), value);
                }
                Facts { relations, keys, stack_tags, ..facts }
            })
    }

    /// By way of the tree.
    fn of_tree(said: &Said) -> String {
        canonical_json(&serde_json::to_value(said).unwrap())
    }

    proptest! {
        #[test]
        fn the_text_is_that_of_the_tree_with_its_names_in_order(facts in facts()) {
            let said = Said::Facts(facts);
            let text = canonical_said(&said);
            prop_assert_eq!(&text, &of_tree(&said));
            prop_assert_eq!(serde_json::from_str::<Said>(&text).unwrap(), said);
        }
    }

    #[test]
    fn what_is_gone_or_claimed_has_its_text_too() {
        let identity = Identity::of_canonical_arn("arn:aws:s3:::b");
        for (said, expected) in [
            (Said::Gone, json!("gone")),
            (
                Said::Claim(Claim { identity, by_arn: true }),
                json!({"claim": {"by_arn": true, "identity": "arn:aws:s3:::b"}}),
            ),
        ] {
            assert_eq!(canonical_said(&said), expected.to_string());
        }
    }
}
