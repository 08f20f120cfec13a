//! The index that followed the log, against the one that the records make.

use std::collections::{BTreeMap, BTreeSet};

use catalog_follow::{Frozen, WholeIndex};
use catalog_model::Identity;
use catalog_store::StoreError;

use crate::report::{Difference, Keys};

/// Parts of a segment whose rows are those of one key.
const COLUMN: &str = "c:";
const RELATIONS: &str = "r:";

/// What is wrong with `maintained`; `None` if it says the same as `rebuilt`. How new each record was is no difference.
///
/// # Errors
/// [`StoreError::RebuildNeeded`] if a block of either is damaged.
pub(crate) fn difference(maintained: &WholeIndex, rebuilt: &WholeIndex) -> Result<Option<Difference>, StoreError> {
    let (maintained, rebuilt) = (maintained.frozen()?, rebuilt.frozen()?);
    let (one, other) = (maintained.content(), rebuilt.content());
    let names: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
    let blocks: Vec<String> = names.into_iter().filter(|name| one.get(*name) != other.get(*name)).cloned().collect();
    if blocks.is_empty() {
        return Ok(None);
    }
    let (had, should_have) = (maintained.identities()?, rebuilt.identities()?);
    let missing = Keys::of(should_have.difference(&had).cloned());
    let extra = Keys::of(had.difference(&should_have).cloned());
    let mut different: BTreeSet<Identity> = BTreeSet::new();
    for name in &blocks {
        let key = match (name.strip_prefix(COLUMN), name.strip_prefix(RELATIONS)) {
            (Some(key), _) => key.to_owned(),
            (None, Some(relation_type)) => format!("relations.{}", relation_type.to_lowercase()),
            (None, None) => continue,
        };
        let (one, other) = (rows(&maintained, &key)?, rows(&rebuilt, &key)?);
        let identities = one.keys().chain(other.keys()).filter(|identity| one.get(*identity) != other.get(*identity));
        different.extend(identities.filter(|i| had.contains(*i) && should_have.contains(*i)).cloned());
    }
    Ok(Some(Difference { blocks, missing, extra, different: Keys::of(different) }))
}

fn rows(index: &Frozen, key: &str) -> Result<BTreeMap<Identity, BTreeSet<String>>, StoreError> {
    let mut rows: BTreeMap<Identity, BTreeSet<String>> = BTreeMap::new();
    for (identity, value) in index.rows_of(key)? {
        rows.entry(identity).or_default().insert(value);
    }
    Ok(rows)
}
