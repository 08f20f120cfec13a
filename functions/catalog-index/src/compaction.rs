//! The segment that counts and the log behind it -> the next segment.
//!
//! No lease is taken: of two compactors, the one that is further wins, and the work of the other is an object that
//! nobody reads.

use catalog_follow::{Begins, WholeIndex};
use catalog_store::{CatalogStore, Deltas, IndexState, StoreError};
use jiff::Timestamp;
use serde::Serialize;
use tracing::{error, info, instrument, warn};

use crate::handler::milliseconds;

/// JSON text behind the segment: some ten thousand rows, which a reader applies in a second or two when it starts.
const MAX_BYTES_BEHIND: usize = 16 * 1024 * 1024;
/// Items behind the segment. Small ones cost a reader little, but each is an item to query.
const MAX_ITEMS_BEHIND: usize = 1000;
/// A quiet catalog is compacted so often: long before the log expires, and 24 times a day at most.
const MAX_AGE_MS: u64 = 60 * 60 * 1000;
/// Readers look at the pointer each minute, and a request takes seconds: nobody reads an old segment for so long.
const KEEP_SUPERSEDED_MS: u64 = 60 * 60 * 1000;

/// What became of one attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Compaction {
    #[serde(flatten)]
    pub outcome: Outcome,
    /// Segments that were superseded long ago and are deleted now.
    pub deleted: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "camelCase", tag = "outcome")]
pub enum Outcome {
    /// The log behind the segment is short and young.
    NotDue,
    Compacted {
        seq: u64,
        hash: String,
        entities: u64,
    },
    /// Somebody else was faster, or the index was rebuilt meanwhile.
    Overtaken,
    /// The index can only be made from the records: `catalog-reconcile` does that.
    RebuildNeeded {
        reason: String,
    },
}

/// Compacts, if that is due, and deletes segments that nobody reads any more.
///
/// # Errors
/// Fails if table or bucket cannot be used now. Nothing is half done: the next attempt begins anew.
#[instrument(skip_all)]
pub(crate) async fn compact(store: &CatalogStore, now: Timestamp) -> Result<Compaction, StoreError> {
    let now_ms = milliseconds(now);
    let state = match catalog_follow::index_state(store).await {
        Ok(state) => state,
        Err(StoreError::RebuildNeeded(reason)) => return Ok(rebuild_needed(delivery::describe(&*reason), 0)),
        Err(error) => return Err(error),
    };
    let deleted = store.delete_superseded(&state, now_ms.saturating_sub(KEEP_SUPERSEDED_MS)).await?;
    if !is_due(&state, store, now_ms).await? {
        return Ok(Compaction { outcome: Outcome::NotDue, deleted });
    }
    match next_segment(&state, store, now).await {
        Ok(outcome) => Ok(Compaction { outcome, deleted }),
        Err(StoreError::RebuildNeeded(reason)) => Ok(rebuild_needed(delivery::describe(&*reason), deleted)),
        Err(error) => {
            // Should it stay so until the log expires, its end must still be known.
            if let Err(error) = note_log_end(store, now_ms).await {
                warn!(error = %delivery::describe(&error), "could not note the end of the log");
            }
            Err(error)
        }
    }
}

fn rebuild_needed(reason: String, deleted: usize) -> Compaction {
    error!(reason, "the index must be rebuilt");
    Compaction { outcome: Outcome::RebuildNeeded { reason }, deleted }
}

async fn note_log_end(store: &CatalogStore, now_ms: u64) -> Result<(), StoreError> {
    store.note_log_end(store.log_end(now_ms).await?).await
}

/// Reads the log behind the segment until it is long enough.
async fn is_due(state: &IndexState, store: &CatalogStore, now_ms: u64) -> Result<bool, StoreError> {
    let mut seq = state.pointer.as_ref().map_or(0, |pointer| pointer.seq);
    let mut since_ms = state.pointer.as_ref().map(|pointer| pointer.at_ms);
    let (mut bytes, mut count) = (0, 0);
    loop {
        let Deltas { items, defect } = store.deltas_after(seq).await?;
        let Some(last) = items.last() else { return Ok(defect.is_some()) };
        since_ms = since_ms.or_else(|| items[0].at_ms);
        count += items.len();
        bytes += items.iter().map(catalog_store::Delta::text_bytes).sum::<usize>();
        let is_old = now_ms.saturating_sub(since_ms.unwrap_or_default()) >= MAX_AGE_MS;
        if defect.is_some() || is_old || bytes >= MAX_BYTES_BEHIND || count >= MAX_ITEMS_BEHIND {
            return Ok(true);
        }
        seq = last.seq;
    }
}

async fn next_segment(state: &IndexState, store: &CatalogStore, now: Timestamp) -> Result<Outcome, StoreError> {
    let whole = WholeIndex::read(state, store).await?;
    let progress = whole.progress();
    if let Some(defect) = &progress.defect {
        store.note_log_end(store.log_end(milliseconds(now)).await?).await?;
        return Err(StoreError::rebuild_needed(defect.clone()));
    }
    if !progress.has_own_rules() {
        return Ok(Outcome::RebuildNeeded { reason: "its rows were made by other rules than this build's".to_owned() });
    }
    let (pointer, content) = whole.segment(Begins::Nothing, now)?;
    let (seq, hash, entities) = (pointer.seq, pointer.hash.clone(), pointer.entities);
    store.put_segment(&hash, content).await?;
    if !store.flip_to_compacted(&pointer).await? {
        info!(seq, "another compaction was faster");
        return Ok(Outcome::Overtaken);
    }
    info!(seq, segment = hash, entities, "compacted the log");
    Ok(Outcome::Compacted { seq, hash, entities })
}
