//! What an index depends on beside the records: the rules that stitch them, and those that flatten them.

use catalog_model::Rules;
use sha2::{Digest, Sha256};

use crate::flatten::MAX_INDEXED_UNITS;

/// Rises with every change of what [`crate::search_values`], [`crate::row_of`] or the rules of names and inheritance
/// make of a record.
const INDEX_RULES: u32 = 3;

/// Version hash of the rules, those of ownership included: an index that was made by others must be made anew.
pub fn rules_hash(ownership: &Rules) -> String {
    let version = catalog_model::rules_version();
    let rules = format!("{INDEX_RULES}\n{MAX_INDEXED_UNITS}\n{version}\n{}", ownership.hash());
    hex::encode(&Sha256::digest(rules)[..8])
}
