//! How far a reader is, and one step further.

use std::collections::VecDeque;

use catalog_search::{IndexRow, rules_hash};
use catalog_store::{CatalogStore, Delta, Deltas, LogDefect, SegmentPointer, StoreError};
use jiff::Timestamp;

use crate::log_row::LogRow;

/// What was appended so long ago, every reader has seen when it answers the next request: several times as long as one
/// may wait to look, for clocks that differ.
const SETTLED_MS: i64 = 5_000;

/// How far the log was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    /// Number of the last item that was applied.
    pub seq: u64,
    /// When the end of the log was last seen.
    pub polled_at: Option<Timestamp>,
    /// The segment that was begun with. `None`: the log was read from its beginning.
    pub pointer: Option<SegmentPointer>,
    /// Rows that were read from the log behind the segment, and their JSON text.
    pub rows_behind: u64,
    pub bytes_behind: u64,
    /// Some of them were made by other rules than this build's.
    pub foreign_rules: bool,
    /// Hash of the rules of this build and of the file of ownership that this process read.
    pub(crate) rules: String,
    /// What the log cannot be followed past. Only a rebuild of the index can mend it.
    pub defect: Option<LogDefect>,
    /// The log goes so far at least.
    pub(crate) log_end: u64,
    /// When the pointer was last looked at.
    pub(crate) checked_at: Option<Timestamp>,
    /// When the last items were appended.
    recent: VecDeque<(i64, u64)>,
}

/// What comes next in the log.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) rows: Vec<IndexRow>,
    /// The progress once the rows are applied.
    pub(crate) progress: Progress,
    /// There is nothing behind, or nothing that can be read.
    pub(crate) is_end: bool,
}

impl Progress {
    /// Of who begins at a segment.
    pub(crate) fn at(pointer: Option<SegmentPointer>, log_end: u64, rules: String) -> Self {
        Self { seq: pointer.as_ref().map_or(0, |pointer| pointer.seq), pointer, log_end, rules, ..Self::default() }
    }

    /// Of who knows everything up to a number, without a segment.
    pub(crate) fn behind(seq: u64, rules: String) -> Self {
        Self { seq, rules, ..Self::default() }
    }

    /// The number of an item that whoever asks any reader from now on will find applied.
    pub fn settled_seq(&self, now: Timestamp) -> u64 {
        let newest = now.as_millisecond().saturating_sub(SETTLED_MS);
        let unsettled = self.recent.iter().find(|(at_ms, _)| *at_ms > newest).map(|(_, seq)| seq - 1);
        let is_young = |pointer: &&SegmentPointer| i64::try_from(pointer.at_ms).unwrap_or(i64::MAX) > newest;
        let before_segment = self.pointer.as_ref().filter(is_young).map(|pointer| pointer.settled_seq);
        unsettled.into_iter().chain(before_segment).min().unwrap_or(self.seq)
    }

    /// Which log, by which rules, the numbers belong to: a number of one line says nothing in another.
    pub fn line(&self) -> String {
        let generation = self.pointer.as_ref().and_then(|pointer| pointer.generation.get(..8)).unwrap_or("0");
        format!("{}-{generation}", self.rules.get(..8).unwrap_or_default())
    }

    /// Whether the segment was made by the rules of this build and of the file of ownership.
    pub fn has_own_rules(&self) -> bool {
        !self.foreign_rules && self.pointer.as_ref().is_none_or(|pointer| pointer.rules == self.rules)
    }

    fn pass(&mut self, delta: &Delta, rows: usize) {
        self.seq = delta.seq;
        self.rows_behind += rows as u64;
        self.bytes_behind += delta.text_bytes() as u64;
        self.foreign_rules |= delta.rules.as_deref() != Some(self.rules.as_str());
        let at_ms = delta.at_ms.and_then(|at_ms| i64::try_from(at_ms).ok()).unwrap_or(i64::MIN);
        self.recent.push_back((at_ms, delta.seq));
        while self.recent.front().is_some_and(|(oldest, _)| *oldest < at_ms.saturating_sub(2 * SETTLED_MS)) {
            self.recent.pop_front();
        }
    }
}

/// Reads on, some 8 MB at most.
///
/// # Errors
/// Fails if the log cannot be read now. A defect of the log is in the progress.
pub(crate) async fn step(from: &Progress, store: &CatalogStore) -> Result<Step, StoreError> {
    let Deltas { items, mut defect } = store.deltas_after(from.seq).await?;
    let (mut progress, mut rows) = (from.clone(), Vec::new());
    if progress.rules.is_empty() {
        progress.rules = rules_hash(&*store.ownership().await?);
    }
    for delta in &items {
        match delta.rows::<LogRow>() {
            Ok(more) => {
                progress.pass(delta, more.len());
                rows.extend(more.into_iter().map(LogRow::into_index_row));
            }
            Err(unreadable) => {
                defect = Some(unreadable);
                break;
            }
        }
    }
    let is_end = items.is_empty() || defect.is_some();
    if is_end && defect.is_none() && progress.seq < progress.log_end {
        defect = Some(LogDefect::Gap { expected: progress.seq + 1, found: progress.log_end + 1 });
    }
    progress.defect = defect;
    Ok(Step { rows, progress, is_end })
}
