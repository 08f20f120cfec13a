//! The catalog in memory, which follows the delta log.

use std::collections::VecDeque;

use catalog_model::{Record, RecordKey};
use catalog_search::{Catalog, IndexRow, row_of};
use catalog_store::{CatalogStore, Delta, Deltas, LogDefect, StoreError};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Mutex, RwLock, RwLockReadGuard};
use tracing::{error, info, instrument};

use crate::log_row::LogRow;

/// How old what is known of the log may be when a request begins.
const FRESHNESS: SignedDuration = SignedDuration::from_secs(1);

/// A place in the log that every other reader has passed when it answers the next request: several times
/// [`FRESHNESS`], for clocks that differ.
const SETTLED_MS: i64 = 5_000;

#[derive(Debug)]
pub struct LiveCatalog {
    store: CatalogStore,
    catalog: RwLock<Catalog>,
    progress: Mutex<Progress>,
}

/// How far the log was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    /// Number of the last item that was applied.
    pub seq: u64,
    /// When the end of the log was last seen.
    pub polled_at: Option<Timestamp>,
    /// Rows that were read from the log, behind the segment.
    pub rows_behind: u64,
    /// Some of them were made by other rules than this build's.
    pub foreign_rules: bool,
    /// What the log cannot be followed past. Only a rebuild of the index can mend it.
    pub defect: Option<LogDefect>,
    /// When the last items were appended.
    recent: VecDeque<(i64, u64)>,
}

impl Progress {
    /// The number of an item that whoever asks any reader from now on will find applied.
    pub fn settled_seq(&self, now: Timestamp) -> u64 {
        let newest = now.as_millisecond() - SETTLED_MS;
        self.recent.iter().find(|(at_ms, _)| *at_ms > newest).map_or(self.seq, |(_, seq)| seq - 1)
    }

    fn passed(&mut self, delta: &Delta) {
        self.seq = delta.seq;
        self.foreign_rules |= delta.rules.as_deref() != Some(rules());
        let at_ms = delta.at_ms.and_then(|at_ms| i64::try_from(at_ms).ok()).unwrap_or(i64::MIN);
        self.recent.push_back((at_ms, delta.seq));
        while self.recent.front().is_some_and(|(oldest, _)| *oldest < at_ms.saturating_sub(2 * SETTLED_MS)) {
            self.recent.pop_front();
        }
    }
}

/// Hash of the rules by which this build makes rows.
pub fn rules() -> &'static str {
    catalog_model::rules_version()
}

impl LiveCatalog {
    pub fn new(store: CatalogStore) -> Self {
        Self { store, catalog: RwLock::default(), progress: Mutex::default() }
    }

    pub async fn read(&self) -> RwLockReadGuard<'_, Catalog> {
        self.catalog.read().await
    }

    pub async fn progress(&self) -> Progress {
        self.progress.lock().await.clone()
    }

    /// Reads the log to its end, unless that was done less than a second ago. Requests at the same time wait for one
    /// another instead of asking the same. A log that cannot be followed to its end is no error: what comes before is
    /// the catalog, and [`Progress::defect`] says so.
    ///
    /// # Errors
    /// Fails if the log cannot be read now; what was read until then is applied.
    #[instrument(skip_all)]
    pub async fn follow(&self, now: Timestamp) -> Result<(), StoreError> {
        let mut progress = self.progress.lock().await;
        // A request may have begun a little before the one that polled while it waited.
        let is_fresh = |polled: Timestamp| now.duration_since(polled).abs() < FRESHNESS;
        if progress.polled_at.is_some_and(is_fresh) {
            return Ok(());
        }
        loop {
            let Deltas { items, mut defect } = self.store.deltas_after(progress.seq).await?;
            let is_end = items.is_empty();
            for delta in &items {
                match delta.rows::<LogRow>() {
                    Ok(rows) => {
                        progress.rows_behind += rows.len() as u64;
                        self.catalog.write().await.apply(rows.into_iter().map(LogRow::into_index_row));
                        progress.passed(delta);
                    }
                    Err(unreadable) => {
                        defect = Some(unreadable);
                        break;
                    }
                }
            }
            if let Some(defect) = &defect {
                error!(error = %defect, "the log cannot be followed to its end; the index must be rebuilt");
            }
            let is_broken = defect.is_some();
            progress.defect = defect;
            if is_broken || is_end {
                break;
            }
            info!(seq = progress.seq, "followed the log");
        }
        progress.polled_at = Some(now);
        Ok(())
    }

    /// Lets records that were just read be seen in the catalog at once. Their rows come by the log as well, and then
    /// change nothing.
    pub async fn learn(&self, records: &[Record]) {
        let is_news = |catalog: &Catalog, record: &Record| {
            record.rv > 0 && catalog.rv(&record.key).is_none_or(|known| known < record.rv)
        };
        let news: Vec<IndexRow> = {
            let catalog = self.catalog.read().await;
            records.iter().filter(|record| is_news(&catalog, record)).map(row_of).collect()
        };
        if !news.is_empty() {
            self.catalog.write().await.apply(news);
        }
    }

    /// `rv` of a record as the log has it.
    pub fn known_rv(catalog: &Catalog, key: &RecordKey) -> u64 {
        catalog.rv(key).unwrap_or_default()
    }
}
