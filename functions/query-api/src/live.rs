//! The catalog in memory, which follows the delta log.

use catalog_model::Record;
use catalog_search::{Catalog, IndexRow, NotLoaded, row_of};
use catalog_store::{CatalogStore, StoreError};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Mutex, RwLock};
use tracing::{error, info, instrument};

/// How old what is known of the log may be when a request begins.
const FRESHNESS: SignedDuration = SignedDuration::from_secs(1);

#[derive(Debug)]
pub(crate) struct LiveCatalog {
    store: CatalogStore,
    catalog: RwLock<Catalog>,
    progress: Mutex<Progress>,
}

/// How far the log was read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    /// Number of the last item that was applied.
    pub(crate) seq: u64,
    /// When the end of the log was last seen.
    pub(crate) polled_at: Option<Timestamp>,
    /// Rows that this build cannot read.
    pub(crate) unreadable: u64,
}

impl LiveCatalog {
    pub(crate) fn new(store: CatalogStore) -> Self {
        Self { store, catalog: RwLock::default(), progress: Mutex::default() }
    }

    pub(crate) async fn progress(&self) -> Progress {
        *self.progress.lock().await
    }

    /// Reads the log to its end, unless that was done less than a second ago. Requests at the same time wait for one
    /// another instead of asking the same.
    ///
    /// # Errors
    /// Fails if the log cannot be read; what was read until then is applied.
    #[instrument(skip_all)]
    pub(crate) async fn follow(&self, now: Timestamp) -> Result<(), StoreError> {
        let mut progress = self.progress.lock().await;
        // A request may have begun a little before the one that polled while it waited.
        let is_fresh = |polled: Timestamp| now.duration_since(polled).abs() < FRESHNESS;
        if progress.polled_at.is_some_and(is_fresh) {
            return Ok(());
        }
        loop {
            let deltas = self.store.deltas_after(progress.seq).await?;
            let Some((last, _)) = deltas.last() else { break };
            let last = *last;
            let mut rows = Vec::new();
            for row in deltas.into_iter().flat_map(|(_, rows)| rows) {
                match serde_json::from_value::<IndexRow>(row) {
                    Ok(row) => rows.push(row),
                    Err(error) => {
                        progress.unreadable += 1;
                        error!(error = %delivery::describe(&error), "a row of the log cannot be read");
                    }
                }
            }
            let read = rows.len();
            let applied = whole(self.catalog.write().await.apply(rows));
            progress.seq = last;
            info!(seq = last, rows = read, applied, "followed the log");
        }
        progress.polled_at = Some(now);
        Ok(())
    }

    /// Lets records that were just read be seen in the catalog at once. Their rows come by the log as well, and then
    /// change nothing.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub(crate) async fn learn(&self, records: &[Record]) -> Result<(), StoreError> {
        let is_news = |catalog: &Catalog, record: &Record| {
            record.rv > 0 && whole(catalog.rv(&record.key)).is_none_or(|known| known < record.rv)
        };
        let news: Vec<IndexRow> = {
            let catalog = self.catalog.read().await;
            records.iter().filter(|record| is_news(&catalog, record)).map(row_of).collect()
        };
        if !news.is_empty() {
            whole(self.catalog.write().await.apply(news));
        }
        Ok(())
    }
}

impl LiveCatalog {
    /// Asks the catalog as it is now.
    ///
    /// # Errors
    /// Fails if what the question needs cannot be read.
    pub(crate) async fn ask<T>(&self, question: impl Fn(&Catalog) -> Result<T, NotLoaded>) -> Result<T, StoreError> {
        Ok(whole(question(&*self.catalog.read().await)))
    }
}

/// An answer of a catalog that stands on no segment.
fn whole<T>(answer: Result<T, NotLoaded>) -> T {
    answer.expect("a catalog that was made of the log alone misses no block")
}
