//! The catalog in memory, which follows the delta log.

use catalog_model::Record;
use catalog_search::{Catalog, IndexRow, NotLoaded, row_of};
use catalog_store::{CatalogStore, IndexState, SegmentPointer, StoreError};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Mutex, MutexGuard, RwLock};
use tracing::{error, info, instrument, warn};

use crate::progress::{Progress, Step, step};
use crate::standing::Standing;

/// How old what is known of the log may be when a request begins.
const FRESHNESS: SignedDuration = SignedDuration::from_secs(1);
/// How often the pointer is looked at. It moves every few minutes at most, and the old segment stays good for an hour;
/// but what a rebuild corrected should be seen soon.
const POINTER_EVERY: SignedDuration = SignedDuration::from_secs(60);
/// The same while much is behind the segment: each row takes 4 KB until a newer segment has it.
const POINTER_EVERY_WHEN_BEHIND: SignedDuration = SignedDuration::from_secs(10);
/// Rows behind the segment from which on a newer segment saves more, in memory and in each question, than it costs to read.
const MAX_ROWS_BEHIND: u64 = 2_000;
/// Each try loads what was missing before; a question touches few columns one after the other.
const MAX_TRIES: u32 = 32;

#[derive(Debug)]
pub struct LiveCatalog {
    store: CatalogStore,
    standing: RwLock<Standing>,
    progress: Mutex<Progress>,
}

impl LiveCatalog {
    pub fn new(store: CatalogStore) -> Self {
        Self { store, standing: RwLock::default(), progress: Mutex::default() }
    }

    pub async fn progress(&self) -> Progress {
        self.progress.lock().await.clone()
    }

    /// Reads the log to its end, unless that was done less than a second ago. Requests at the same time wait for one
    /// another instead of asking the same. A log that cannot be followed to its end is no error while there is something
    /// before: that is the catalog, and [`Progress::defect`] says so.
    ///
    /// # Errors
    /// Fails if the log cannot be read now; what was read until then is applied. [`StoreError::RebuildNeeded`] if there
    /// is nothing good to begin with: a catalog is never empty because its segment or its log is lost.
    #[instrument(skip_all)]
    pub async fn follow(&self, now: Timestamp) -> Result<(), StoreError> {
        let progress = self.progress.lock().await;
        // A request may have begun a little before the one that polled while it waited.
        if progress.polled_at.is_some_and(|polled| is_fresh(polled, now, FRESHNESS)) {
            return Ok(());
        }
        self.read_on(progress, now).await
    }

    /// As [`Self::follow`], whenever that was done last; the pointer is looked at too.
    ///
    /// # Errors
    /// As [`Self::follow`].
    pub async fn follow_anew(&self, now: Timestamp) -> Result<(), StoreError> {
        let mut progress = self.progress.lock().await;
        progress.checked_at = None;
        self.read_on(progress, now).await
    }

    async fn read_on(&self, mut progress: MutexGuard<'_, Progress>, now: Timestamp) -> Result<(), StoreError> {
        let is_behind = progress.rows_behind > MAX_ROWS_BEHIND;
        let every = if is_behind { POINTER_EVERY_WHEN_BEHIND } else { POINTER_EVERY };
        if !progress.checked_at.is_some_and(|checked| is_fresh(checked, now, every)) {
            match self.check_pointer(&mut progress, now).await {
                Err(StoreError::RebuildNeeded(reason)) if progress.polled_at.is_some() => {
                    warn!(error = %delivery::describe(&*reason), "the segment cannot be read; an older one is served on");
                }
                checked => checked?,
            }
        }
        loop {
            let Step { rows, progress: next, is_end } = step(&progress, &self.store).await?;
            let read = rows.len();
            {
                let mut standing = self.standing.write().await;
                standing.catalog.apply(rows).map_err(StoreError::rebuild_needed)?;
                // Nothing is awaited from the write to here: a request that is given up loses no row.
                *progress = next;
            }
            if is_end {
                break;
            }
            info!(seq = progress.seq, rows = read, "followed the log");
        }
        if let Some(defect) = &progress.defect {
            error!(error = %defect, "the log cannot be followed to its end; the index must be rebuilt");
            if progress.seq == 0 {
                return Err(StoreError::rebuild_needed(defect.clone()));
            }
        }
        progress.polled_at = Some(now);
        Ok(())
    }

    /// Begins anew at the segment that counts, where that is better than to go on.
    async fn check_pointer(&self, progress: &mut Progress, now: Timestamp) -> Result<(), StoreError> {
        let IndexState { pointer, log_end, .. } = crate::index_state(&self.store).await?;
        progress.log_end = log_end;
        if let Some(pointer) = pointer.filter(|pointer| is_better(pointer, progress)) {
            self.stand_on(pointer, progress).await?;
        }
        progress.checked_at = Some(now);
        Ok(())
    }

    /// Others are served from what stood before until all is read.
    async fn stand_on(&self, pointer: SegmentPointer, progress: &mut Progress) -> Result<(), StoreError> {
        info!(seq = pointer.seq, segment = pointer.hash, "begins at a segment");
        let mut standing = {
            let before = self.standing.read().await;
            let mut standing = Standing::on(pointer.clone(), &before.catalog, &self.store).await?;
            // A compaction of what was followed changes nothing that is shown; a rebuild may.
            let is_compacted = before.pointer.as_ref().is_none_or(|before| before.generation == pointer.generation);
            if is_compacted && pointer.seq <= progress.seq && before.catalog.ready().is_ok() {
                standing.catalog.take_over_stamps(&before.catalog).map_err(StoreError::rebuild_needed)?;
            }
            standing
        };
        let mut next = Progress::at(Some(pointer), progress.log_end, progress.rules.clone());
        loop {
            let Step { rows, progress, is_end } = step(&next, &self.store).await?;
            standing.catalog.apply(rows).map_err(StoreError::rebuild_needed)?;
            next = progress;
            if is_end {
                break;
            }
        }
        next.polled_at = progress.polled_at;
        let mut place = self.standing.write().await;
        (*place, *progress) = (standing, next);
        Ok(())
    }

    /// Lets records that were just read be seen in the catalog at once. Their rows come by the log as well, and then
    /// change nothing.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub async fn learn(&self, records: &[Record]) -> Result<(), StoreError> {
        let ownership = self.store.ownership().await?;
        let news: Vec<IndexRow> = {
            let standing = self.standing.read().await;
            let mut news = Vec::new();
            for record in records.iter().filter(|record| record.rv > 0) {
                let known = standing.catalog.rv(&record.key).map_err(StoreError::rebuild_needed)?;
                if known.is_none_or(|known| known < record.rv) {
                    news.push(row_of(record, &ownership));
                }
            }
            news
        };
        if !news.is_empty() {
            self.standing.write().await.catalog.apply(news).map_err(StoreError::rebuild_needed)?;
        }
        Ok(())
    }

    /// Asks the catalog as it is now; what the question needs of the segment is read first.
    ///
    /// # Errors
    /// Fails if that cannot be read.
    pub async fn ask<T>(&self, question: impl Fn(&Catalog) -> Result<T, NotLoaded>) -> Result<T, StoreError> {
        for _ in 0..MAX_TRIES {
            let (hash, blocks) = {
                let standing = self.standing.read().await;
                match (question(&standing.catalog), &standing.pointer) {
                    (Ok(answer), _) => return Ok(answer),
                    (Err(NotLoaded(blocks)), Some(pointer)) => (pointer.hash.clone(), blocks),
                    (Err(missing), None) => return Err(StoreError::rebuild_needed(missing)),
                }
            };
            match crate::standing::read_ranges(&hash, blocks, &self.store).await {
                Ok(ranges) => {
                    let standing = self.standing.read().await;
                    // Another request may have moved to the next segment meanwhile.
                    if standing.pointer.as_ref().is_some_and(|pointer| pointer.hash == hash) {
                        standing.load(&ranges)?;
                    }
                }
                Err(StoreError::RebuildNeeded(reason)) => self.leave(&hash, reason).await?,
                Err(error) => return Err(error),
            }
        }
        Err(StoreError::Contended { what: "the segment of the index".to_owned(), tries: MAX_TRIES })
    }

    /// A segment that was superseded long ago is deleted: who still stands on it moves to the one that counts.
    async fn leave(&self, hash: &str, reason: Box<dyn std::error::Error + Send + Sync>) -> Result<(), StoreError> {
        let mut progress = self.progress.lock().await;
        let stands_on = |progress: &Progress| progress.pointer.as_ref().is_some_and(|pointer| pointer.hash == hash);
        if !stands_on(&progress) {
            return Ok(());
        }
        match crate::index_state(&self.store).await?.pointer {
            Some(pointer) if pointer.hash != hash => self.stand_on(pointer, &mut progress).await,
            _ => Err(StoreError::RebuildNeeded(reason)),
        }
    }
}

fn is_fresh(seen: Timestamp, now: Timestamp, at_most: SignedDuration) -> bool {
    now.duration_since(seen).abs() < at_most
}

fn is_better(pointer: &SegmentPointer, progress: &Progress) -> bool {
    let Some(standing) = &progress.pointer else {
        let has_nothing = progress.seq == 0;
        let is_much = progress.rows_behind > MAX_ROWS_BEHIND;
        return has_nothing || is_much || progress.defect.is_some() || !pointer.generation.is_empty();
    };
    let is_another = pointer.hash != standing.hash;
    let is_ahead = progress.defect.is_some() && pointer.seq >= progress.seq;
    is_another && (pointer.generation != standing.generation || is_ahead || progress.rows_behind > MAX_ROWS_BEHIND)
}
