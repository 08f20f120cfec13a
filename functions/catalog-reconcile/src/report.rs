//! What one run found and did, as the caller gets it.

use catalog_model::Identity;
use serde::Serialize;

/// Keys that are listed of each kind.
const MAX_LISTED: usize = 20;

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Records that were scanned, and entities that they make.
    pub records: u64,
    pub entities: u64,
    /// The item of the log up to which both are.
    pub seq: u64,
    /// Why the index was rebuilt, or would have been.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Whether a segment made from the records counts now.
    pub rebuilt: bool,
    /// What the index had wrong. `None`: it was not compared, or is right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub difference: Option<Difference>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// Parts of the segment that are not the same.
    pub blocks: Vec<String>,
    /// Entities that the records make and the index did not have.
    pub missing: Keys,
    /// Entities that the index had and no record makes.
    pub extra: Keys,
    /// Entities that are in both, with other rows or relations.
    pub different: Keys,
}

/// How many, and the first of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Keys {
    pub count: u64,
    pub first: Vec<Identity>,
}

impl Keys {
    pub(crate) fn of(identities: impl IntoIterator<Item = Identity>) -> Self {
        let mut keys = Self::default();
        for identity in identities {
            keys.count += 1;
            if keys.first.len() < MAX_LISTED {
                keys.first.push(identity);
            }
        }
        keys
    }
}
