//! Two states of one record -> what of the rest of the catalog may look different for it.

use std::collections::BTreeSet;

use catalog_model::{Identity, Key, Relation};
use serde::{Deserialize, Serialize};

use crate::row::{IndexEntry, RowState};

/// What the catalog as it is now cannot tell about a change in the past: with it, [`crate::Catalog::affected`] finds all
/// entities that looked different afterwards.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Touched {
    /// Targets of relations that came or went.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub targets: BTreeSet<Key>,
    /// The name that the record gave its entity before, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was: Option<Key>,
    /// The entity came, went, or has another name: so may its namesakes.
    #[serde(default, skip_serializing_if = "is_false")]
    pub renames: bool,
    /// Something changed by which an owner or a system is inherited.
    #[serde(default, skip_serializing_if = "is_false")]
    pub inherits: bool,
    /// Who began or ceased to claim the name or the secondary id.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub claimants: BTreeSet<Identity>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_false(flag: &bool) -> bool {
    !flag
}

impl Touched {
    /// What a change touched. A state that cannot be read shows nothing of the record, as if it were gone.
    pub fn between(before: &RowState, after: &RowState) -> Self {
        let (old, new) = (entry(before), entry(after));
        let (said_before, said_after) = (relations(old), relations(new));
        let changed: Vec<&Relation> = said_before.symmetric_difference(&said_after).collect();
        let name = |entry: Option<&IndexEntry>| entry.map(|entry| Key::of_ref(&entry.declared_ref()));
        let gives = |entry: Option<&IndexEntry>| {
            entry.map(|entry| (entry.kind.to_lowercase(), entry.namespace.clone(), entry.said.clone()))
        };
        let hands_on = |relation: &&Relation| {
            ["dependsOn", "dependencyOf"].contains(&relation.relation_type.as_str()) || relation.stack().is_some()
        };
        let (claimed_before, claimed_after) = (claimants(before), claimants(after));
        Self {
            targets: changed.iter().map(|relation| relation.target.clone()).collect(),
            was: name(old),
            renames: name(old) != name(new),
            inherits: gives(old) != gives(new) || changed.iter().any(hands_on),
            claimants: claimed_before.symmetric_difference(&claimed_after).cloned().cloned().collect(),
        }
    }
}

fn entry(state: &RowState) -> Option<&IndexEntry> {
    match state {
        RowState::Entity(entry) => Some(entry),
        RowState::Alias(_) | RowState::Gone | RowState::Broken(_) => None,
    }
}

/// Those that give way, too.
fn relations(entry: Option<&IndexEntry>) -> BTreeSet<Relation> {
    let all = |entry: &IndexEntry| entry.relations.iter().cloned().chain(entry.yielding()).collect();
    entry.map(all).unwrap_or_default()
}

fn claimants(state: &RowState) -> BTreeSet<&Identity> {
    match state {
        RowState::Alias(claims) => claims.iter().map(|claim| &claim.identity).collect(),
        RowState::Entity(_) | RowState::Gone | RowState::Broken(_) => BTreeSet::new(),
    }
}
