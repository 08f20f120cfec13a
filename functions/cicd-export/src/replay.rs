//! `{"action":"replay","after":""}`: the journal of parsed exports -> their records again.
//!
//! Every publication goes the way it went the first time, at its own version, so that what stands already stays, what is
//! missing comes back, and doing it twice changes nothing. One invocation takes a page, and holds one entry of it, or a
//! part of one; the answer says where the next one begins. A long file is a page of its own.

use catalog_store::{CatalogStore, JournalEntry, Published, StoreError};
use futures::TryStreamExt;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tracing::{info, warn};

use crate::beside::{self, Written};
use crate::error::CicdExportError;
use crate::export::ms;

/// Of one invocation: at twenty resources each some seconds.
const PAGE: i32 = 100;

/// Ends a page of large exports, after the one that reaches it. So many are written in some minutes, of the 15 that the
/// function has.
const MAX_PAGE_RECORDS: u64 = 200_000;

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
/// Fails if the journal or the table cannot be used, and on an entry, or a part of one, that is missing or damaged. The
/// same call goes on.
pub(crate) async fn replay(asked: &Replay, store: &CatalogStore, now: Timestamp) -> Result<Replayed, CicdExportError> {
    let page = store.journal(&asked.after, PAGE).await?;
    let mut replayed = Replayed::default();
    let mut done = 0;
    for key in &page.keys {
        let entry = store.journal_entry(key).await.map_err(|error| unread(key, error))?;
        let is_long = matches!(entry, JournalEntry::InParts { .. });
        if is_long && done > 0 {
            break;
        }
        match Box::pin(publish(key, entry, store, now)).await {
            Ok((published, written)) => replayed.tell(&published, written),
            Err(CicdExportError::Store(error)) if !error.is_retryable() => {
                warn!(%key, error = %delivery::describe(&error), "a publication of the journal is refused");
                replayed.refused += 1;
            }
            Err(error) => return Err(error),
        }
        done += 1;
        if is_long || replayed.records() >= MAX_PAGE_RECORDS {
            break;
        }
    }
    let has_more = page.has_more || done < page.keys.len();
    replayed.next = page.keys[..done].last().filter(|_| has_more).cloned();
    info!(exports = replayed.exports, applied = replayed.applied, "replayed a page of the journal");
    Ok(replayed)
}

/// What became of the records, and of what was said beside them.
async fn publish(
    key: &str,
    entry: JournalEntry,
    store: &CatalogStore,
    now: Timestamp,
) -> Result<(Published, Written), CicdExportError> {
    match entry {
        JournalEntry::Whole { publication, siblings } => {
            let published = store.publish(publication, ms(now)).await?;
            Ok((published, beside::write(&siblings, store).await?))
        }
        JournalEntry::InParts { heading, parts } => {
            let records = store.journal_records(&parts).await.map_err(|error| unread(key, error))?;
            let statements = store.journal_statements(&parts).map_err(|error| unread(key, error));
            let published = store.publish_streamed(heading, records, statements, |_| {}, ms(now)).await?;
            Ok((published, Written::default()))
        }
    }
}

fn unread(key: &str, source: StoreError) -> CicdExportError {
    CicdExportError::Journal { key: key.to_owned(), source }
}

impl Replayed {
    fn tell(&mut self, published: &Published, written: Written) {
        self.exports += 1;
        self.applied += published.applied + written.applied;
        self.stale += published.stale + written.stale;
        self.duplicate += published.duplicate + written.duplicate;
        self.swept += published.swept.len();
    }

    fn records(&self) -> u64 {
        self.applied + self.stale + self.duplicate
    }
}
