//! `{"action":"replay","after":""}`: the journal of parsed exports -> their records again.
//!
//! Every publication goes the way it went the first time, at its own version, so that what stands already stays, what is
//! missing comes back, and doing it twice changes nothing. One invocation takes a page; the answer says where the next
//! one begins.

use catalog_store::CatalogStore;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tracing::{info, warn};

use crate::beside;
use crate::error::CicdExportError;
use crate::export::ms;

/// Of one invocation: at twenty resources each some seconds.
const PAGE: i32 = 100;

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Replay {
    /// Where the last answer ended; empty for the beginning.
    #[serde(default)]
    pub after: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Replayed {
    exports: u64,
    applied: u64,
    stale: u64,
    duplicate: u64,
    swept: usize,
    /// Publications whose source object has another clock by now, or that a record had no room for: they change nothing.
    refused: u64,
    next: Option<String>,
}

/// # Errors
/// Fails if the journal or the table cannot be used, and on an entry that is damaged. The same call goes on.
pub(crate) async fn replay(asked: &Replay, store: &CatalogStore, now: Timestamp) -> Result<Replayed, CicdExportError> {
    let page = store.journal(&asked.after, PAGE).await?;
    let mut replayed = Replayed { next: page.next, ..Replayed::default() };
    for entry in page.entries {
        let source = entry.publication.source.clone();
        match store.publish(entry.publication, ms(now)).await {
            Ok(published) => {
                let written = beside::write(&entry.siblings, store).await?;
                replayed.exports += 1;
                replayed.applied += published.applied + written.applied;
                replayed.stale += published.stale + written.stale;
                replayed.duplicate += published.duplicate + written.duplicate;
                replayed.swept += published.swept.len();
            }
            Err(error) if error.is_retryable() => return Err(error.into()),
            Err(error) => {
                warn!(%source, error = %delivery::describe(&error), "a publication of the journal is refused");
                replayed.refused += 1;
            }
        }
    }
    info!(exports = replayed.exports, applied = replayed.applied, "replayed a page of the journal");
    Ok(replayed)
}
