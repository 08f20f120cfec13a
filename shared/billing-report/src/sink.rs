//! Where line items go while files are read, perhaps several files at a time.

use std::sync::{Mutex, MutexGuard, PoisonError};

use cost_model::AmountError;

use crate::error::ReportError;
use crate::kinds::Kind;
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

    /// # Errors
    /// Fails beyond the largest amount.
    fn add_split(&mut self, split: &SplitItem) -> Result<(), AmountError>;

    /// Others may look at what was added: called before the sink is given to somebody else.
    ///
    /// # Errors
    /// Fails beyond the largest amount.
    fn end_batch(&mut self) -> Result<(), AmountError>;

    /// What was added is as much as can be held: the report is refused.
    fn is_full(&self) -> bool;
}

/// Hands on a row of a known kind.
///
/// # Errors
/// Fails on a value that is not what its column means, on too many different texts, and on sums that are too large.
pub(crate) fn take(
    sink: &mut impl Sink,
    row: &impl Row,
    kind: &Kind,
    counts: &mut ReadCounts,
) -> Result<(), ReportError> {
    let over = |what, limit: usize| Err(ReportError::Limit { what, found: limit as u64 + 1, limit: limit as u64 });
    if sink.names().is_full() {
        return over("bytes of different texts", MAX_NAMES_BYTES);
    }
    if sink.is_full() {
        return over("different costs of resources and days", MAX_SUMS);
    }
    let sum = |source| ReportError::Sum { row: row.number(), source };
    match read_row(row, kind, sink.names(), counts)? {
        Read::Line(item) => sink.add(&item).map_err(sum),
        Read::Split(split) => sink.add_split(&split).map_err(sum),
    }
}

/// Another reader's panic leaves nothing half done that counts: its report fails as a whole.
pub(crate) fn locked<S>(sink: &Mutex<S>) -> MutexGuard<'_, S> {
    sink.lock().unwrap_or_else(PoisonError::into_inner)
}
