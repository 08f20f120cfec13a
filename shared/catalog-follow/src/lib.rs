//! The segment that counts and the delta log behind it -> the catalog in memory, as every reader of it has it: the query
//! API, who compacts, who compares.

mod live;
mod log_row;
mod progress;
mod standing;
mod whole;

pub use live::LiveCatalog;
pub use log_row::LogRow;
pub use progress::Progress;
pub use whole::{Begins, Frozen, WholeIndex};

use catalog_store::{CatalogStore, IndexState, StoreError};

/// What the table knows of the index.
///
/// # Errors
/// [`StoreError::RebuildNeeded`] for a pointer that this build cannot read.
pub async fn index_state(store: &CatalogStore) -> Result<IndexState, StoreError> {
    store.index_state().await.map_err(|error| match error {
        StoreError::Unreadable { .. } => StoreError::rebuild_needed(error),
        other => other,
    })
}
