//! A record -> what it contributes to the catalog in memory: one row of the delta log.
//!
//! Rows apply by `rv`, so a row that comes twice or late changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use catalog_model::{
    Claim, EntityRef, Identity, Key, Pointer, Record, RecordKey, Relation, Rules, Stitched, alias, canonical_json,
    derived_ref, stitch,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::flatten::{SearchValue, search_values};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexRow {
    #[serde(with = "record_key_text")]
    pub key: RecordKey,
    /// The record's own counter. A row with the same or a smaller one than is known changes nothing.
    pub rv: u64,
    pub state: RowState,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RowState {
    Entity(Box<IndexEntry>),
    /// On the record of a name or a secondary id: who claims it, each once. Empty: nobody any more.
    Alias(BTreeSet<Claim>),
    Gone,
    /// The record cannot be read; the reason.
    Broken(String),
}

/// An entity as its own record tells it. What follows from other records (relations from the other side, names of
/// targets, an inherited owner, a name that another holds) is added by the catalog.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexEntry {
    /// In the original case: what `metadata.name` and its like show.
    pub kind: String,
    pub namespace: String,
    pub name: String,
    /// What some source says of `spec.owner` and `spec.system`. A default is no answer.
    #[serde(default, skip_serializing_if = "Said::is_empty")]
    pub said: Said,
    /// Outgoing relations.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub relations: BTreeSet<Relation>,
    /// Search rows but for name, namespace, uid and relations.
    pub values: Vec<SearchValue>,
    /// Changes when anything that an answer shows of this record changes: 16 hexadecimal digits.
    pub content: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// The owner gives way to the one of a component that the entity belongs to.
    #[serde(default, skip_serializing_if = "is_false")]
    pub owner_yields: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub system_yields: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_false(flag: &bool) -> bool {
    !flag
}

impl Said {
    fn is_empty(&self) -> bool {
        self.owner.is_none() && self.system.is_none()
    }
}

/// The row of a record, whose bodies are all there, by these rules of ownership.
pub fn row_of(record: &Record, rules: &Rules) -> IndexRow {
    let state = match &record.key {
        RecordKey::Entity(identity) => {
            let stitched = stitch(identity, record, rules);
            if stitched.existence.exists() {
                RowState::Entity(Box::new(IndexEntry::of(&stitched)))
            } else {
                RowState::Gone
            }
        }
        RecordKey::Alias(_) => RowState::Alias(alias::claims(record).cloned().collect()),
    };
    IndexRow { key: record.key.clone(), rv: record.rv, state }
}

impl IndexRow {
    /// The row of a record that was removed from the table, `last_rv` being its last counter.
    pub fn of_removed(key: RecordKey, last_rv: u64) -> Self {
        let state = match &key {
            RecordKey::Entity(_) => RowState::Gone,
            RecordKey::Alias(_) => RowState::Alias(BTreeSet::new()),
        };
        Self { key, rv: last_rv.saturating_add(1), state }
    }

    pub fn broken(key: RecordKey, rv: u64, reason: impl Into<String>) -> Self {
        Self { key, rv, state: RowState::Broken(reason.into()) }
    }
}

impl RowState {
    /// The state of a record that was never written.
    pub fn of_nothing(key: &RecordKey) -> Self {
        IndexRow::of_removed(key.clone(), 0).state
    }
}

impl IndexEntry {
    pub fn of(stitched: &Stitched) -> Self {
        let entity = stitched.entity();
        let text = |pointer| stitched.field(&pointer).and_then(|value| value.as_str()).unwrap_or_default().to_owned();
        Self {
            kind: text(Pointer::to(["kind"])),
            namespace: text(Pointer::metadata("namespace")),
            name: text(Pointer::metadata("name")),
            said: Said {
                owner: stitched.said_spec("owner").map(str::to_owned),
                system: stitched.said_spec("system").map(str::to_owned),
                owner_yields: stitched.yields("owner"),
                system_yields: stitched.yields("system"),
            },
            relations: stitched.relations.keys().cloned().collect(),
            values: search_values(&entity),
            content: content_hash(stitched, &entity),
        }
    }

    /// Relations of an owner or a system that give way to a component's.
    pub(crate) fn yielding(&self) -> BTreeSet<Relation> {
        let Said { owner, system, owner_yields, system_yields } = &self.said;
        let owner = owner.as_deref().filter(|_| *owner_yields);
        yielding_relations(&self.namespace, owner, system.as_deref().filter(|_| *system_yields))
    }

    pub fn declared_ref(&self) -> EntityRef {
        EntityRef::new(&self.kind, &self.namespace, &self.name)
    }
}

/// What resources are given by rules that come after their component.
pub(crate) fn yielding_relations(namespace: &str, owner: Option<&str>, system: Option<&str>) -> BTreeSet<Relation> {
    let owner = owner.and_then(|text| EntityRef::parse_in(text, Some("group"), namespace).ok());
    let system = system.and_then(|text| EntityRef::parse_in(text, Some("system"), namespace).ok());
    let relation = |relation_type, target: EntityRef| Relation::new(relation_type, Key::of_ref(&target));
    let owned_by = owner.map(|owner| relation("ownedBy", owner));
    owned_by.into_iter().chain(system.map(|system| relation("partOf", system))).collect()
}

fn content_hash(stitched: &Stitched, entity: &serde_json::Value) -> String {
    let status: Vec<_> = stitched.status.iter().map(|item| json!([item.item_type, item.level, item.message])).collect();
    let relations: BTreeMap<String, Vec<&Key>> =
        stitched.relations.keys().fold(BTreeMap::new(), |mut all, relation| {
            all.entry(relation.relation_type.clone()).or_default().push(&relation.target);
            all
        });
    let yields = [stitched.yields("owner"), stitched.yields("system")];
    let said = json!([stitched.said_spec("owner"), stitched.said_spec("system"), yields]);
    let text = canonical_json(&json!([entity, status, relations, said]));
    hex::encode(&Sha256::digest(text)[..8])
}

/// Resources have a derived name beside the one that somebody may declare; nothing else has.
pub(crate) fn derived_ref_of(identity: &Identity) -> Option<EntityRef> {
    let is_resource = identity.entity_ref().is_none_or(|entity_ref| entity_ref.kind() == "resource");
    is_resource.then(|| derived_ref(identity))
}

mod record_key_text {
    use catalog_model::RecordKey;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(key: &RecordKey, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(key)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<RecordKey, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}
