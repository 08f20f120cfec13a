//! Where line items go while files are read, perhaps several files at a time.

use std::sync::{Mutex, MutexGuard, PoisonError};

use cost_model::AmountError;

use crate::error::ReportError;
use crate::kinds::Kind;
use crate::line::Line;
use crate::line_item::{LineItem, Read, ReadCounts, SplitItem, read_row};
use crate::names::{MAX_NAMES_BYTES, Names};
use crate::row::Row;
use crate::sums::MAX_SUMS;

/// Takes what a report says. Names are shared by all files.
pub trait Sink: Send {
    fn names(&mut self) -> &mut Names;

    /// # Errors
    /// Fails beyond the largest amount.
    fn add(&mut self, item: &LineItem) -> Result<(), AmountError>;

    /// Adds lines that are told in fewer words: what [`Self::add`] does with each of them in full.
    ///
    /// # Errors
    /// Fails beyond the largest amount.
    fn add_lines(&mut self, lines: &[Line]) -> Result<(), AmountError> {
        for line in lines {
            let item = line.item(self.names());
            self.add(&item)?;
        }
        Ok(())
    }

    /// # Errors
    /// Fails beyond the largest amount.
    fn add_split(&mut self, split: &SplitItem) -> Result<(), AmountError>;

    /// What was added is as much as can be held: the report is refused.
    fn is_full(&self) -> bool;
}

/// Lines that are added together: what one waits for, the others ask for meanwhile. They fit the nearest caches.
const MAX_LINES: usize = 192;

/// What is read of a file on its way to the sink.
#[derive(Debug, Default)]
pub(crate) struct Taking {
    pub(crate) counts: ReadCounts,
    lines: Vec<Line>,
}

impl Taking {
    /// Hands on a row of a known kind, perhaps not before [`Self::hand_on`].
    ///
    /// # Errors
    /// Fails on a value that is not what its column means, on too many different texts, and on sums that are too large.
    #[inline]
    pub(crate) fn take(&mut self, sink: &mut impl Sink, row: &impl Row, kind: &Kind) -> Result<(), ReportError> {
        if let Some(line) = Line::of(row, kind, sink.names())? {
            self.counts.lines += 1;
            self.counts.not_final += u64::from(!kind.is_final);
            self.lines.push(line);
            return if self.lines.len() < MAX_LINES { Ok(()) } else { self.hand_on(sink, row.number()) };
        }
        let sum = |source| ReportError::Sum { row: row.number(), source };
        match read_row(row, kind, sink.names(), &mut self.counts)? {
            Read::Line(item) => sink.add(&item).map_err(sum),
            Read::Split(split) => sink.add_split(&split).map_err(sum),
        }
    }

    /// Hands on what waits; `row` is the last one. Must be called before others may use the sink.
    ///
    /// # Errors
    /// Fails as [`Self::take`] does.
    pub(crate) fn hand_on(&mut self, sink: &mut impl Sink, row: u64) -> Result<(), ReportError> {
        let added = sink.add_lines(&self.lines);
        self.lines.clear();
        added.map_err(|source| ReportError::Sum { row, source })?;
        let over = |what, limit: usize| Err(ReportError::Limit { what, found: limit as u64 + 1, limit: limit as u64 });
        if sink.names().is_full() {
            return over("bytes of different texts", MAX_NAMES_BYTES);
        }
        if sink.is_full() {
            return over("different costs of resources and days", MAX_SUMS);
        }
        Ok(())
    }
}

/// Another reader's panic leaves nothing half done that counts: its report fails as a whole.
pub(crate) fn locked<S>(sink: &Mutex<S>) -> MutexGuard<'_, S> {
    sink.lock().unwrap_or_else(PoisonError::into_inner)
}
