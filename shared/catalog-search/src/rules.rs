//! What an index depends on beside the records: the rules that stitch them, and those that flatten them.

use std::sync::LazyLock;

use sha2::{Digest, Sha256};

use crate::flatten::MAX_INDEXED_UNITS;

/// Rises with every change of what [`crate::search_values`], [`crate::row_of`] or the rules of names and inheritance
/// make of a record.
const INDEX_RULES: u32 = 1;

/// Version hash of the rules: an index that was made by others must be made anew.
pub fn rules_hash() -> &'static str {
    static HASH: LazyLock<String> = LazyLock::new(|| {
        let rules = format!("{INDEX_RULES}\n{MAX_INDEXED_UNITS}\n{}", catalog_model::rules_version());
        hex::encode(&Sha256::digest(rules)[..8])
    });
    &HASH
}
