//! What can go wrong between the catalog and its table and bucket, and whether trying again can help.

use std::error::Error;

use crate::LogDefect;

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error(
        "`{object}` follows the Terraform lineage `{held}` at epoch {epoch}, and this is a state of lineage `{given}`; \
         if the state was replaced on purpose, send it with `epoch={}`",
        .epoch.saturating_add(1)
    )]
    LineageConflict { object: String, held: String, given: String, epoch: u64 },
    #[error("`{object}` is versioned by {held}, and this delivery by {given}; one source object keeps to one clock")]
    ClockMixed { object: String, held: &'static str, given: &'static str },
    #[error("`{record}` holds {max} fragments already, and none of `{object}`")]
    TooManyFragments { record: String, object: String, max: usize },
    #[error("attribute `{attribute}` of `{record}` is of source object `{held}`, and `{given}` has the same hash")]
    SourceCollision { record: String, attribute: String, held: String, given: String },
    #[error("attribute `{attribute}` of item `{item}` is not what the catalog writes: {detail}")]
    WrongShape { item: String, attribute: String, detail: &'static str },
    #[error("could not read attribute `{attribute}` of item `{item}`")]
    Unreadable {
        item: String,
        attribute: String,
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    #[error("the key `{start}...` has {bytes} bytes, and a key may have {max}")]
    KeyTooLong { start: String, bytes: usize, max: usize },
    #[error("object `{key}` is missing in the catalog bucket")]
    MissingObject { key: String },
    #[error("object `{key}` in the catalog bucket does not have the content that its key names")]
    CorruptObject { key: String },
    #[error("object `{key}` of bucket `{bucket}` is no file of ownership: {source}", key = crate::OWNERSHIP_KEY)]
    Ownership { bucket: String, source: ownership_rules::OwnershipError },
    #[error("the log of the index is broken")]
    BrokenLog(#[source] LogDefect),
    #[error("the index must be rebuilt")]
    RebuildNeeded(#[source] Box<dyn Error + Send + Sync>),
    #[error("a row of the log has {bytes} bytes, and may have {max}")]
    RowTooLong { bytes: usize, max: usize },
    #[error("a deployment or state has {bytes} bytes, and may have {max}")]
    SiblingTooLong { bytes: usize, max: usize },
    #[error("the system gives no random bytes")]
    NoRandomness(#[source] getrandom::Error),
    #[error("{left} keys of a batch were still unprocessed after {tries} tries")]
    Unprocessed { left: usize, tries: u32 },
    #[error("{what} changed during each of {tries} tries")]
    Contended { what: String, tries: u32 },
    #[error("{operation} failed")]
    Aws {
        operation: &'static str,
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

impl StoreError {
    /// Whether the same call may succeed later. An index is rebuilt by the next reconcile.
    pub fn is_retryable(&self) -> bool {
        matches!(
            self,
            Self::Unprocessed { .. }
                | Self::Contended { .. }
                | Self::RebuildNeeded(_)
                | Self::Ownership { .. }
                | Self::NoRandomness(_)
                | Self::Aws { .. }
        )
    }

    /// A reason code for dead letters and metrics.
    pub fn code(&self) -> &'static str {
        match self {
            Self::LineageConflict { .. } => "lineage-conflict",
            Self::ClockMixed { .. } => "clock-mixed",
            Self::TooManyFragments { .. } => "too-many-fragments",
            Self::SourceCollision { .. } => "source-collision",
            Self::WrongShape { .. } | Self::Unreadable { .. } => "stored-wrong-shape",
            Self::KeyTooLong { .. } => "key-too-long",
            Self::MissingObject { .. } => "object-missing",
            Self::CorruptObject { .. } => "object-corrupt",
            Self::Ownership { .. } => "ownership-invalid",
            Self::BrokenLog(LogDefect::Gap { .. }) => "log-gap",
            Self::BrokenLog(LogDefect::Unreadable { .. }) => "log-unreadable",
            Self::RebuildNeeded(_) => "rebuild-needed",
            Self::RowTooLong { .. } => "row-too-long",
            Self::SiblingTooLong { .. } => "sibling-too-long",
            Self::NoRandomness(_) => "no-randomness",
            Self::Unprocessed { .. } => "unprocessed-keys",
            Self::Contended { .. } => "contended",
            Self::Aws { .. } => "aws",
        }
    }

    /// Whether the delivery does not fit what its source object sent before: its sender can mend it (HTTP 409).
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::LineageConflict { .. } | Self::ClockMixed { .. })
    }

    /// For what is wrong with the segment or the log, and not with the way there.
    pub fn rebuild_needed<E: Error + Send + Sync + 'static>(source: E) -> Self {
        Self::RebuildNeeded(Box::new(source))
    }

    /// For `map_err` on a call of the SDK.
    pub(crate) fn aws<E: Error + Send + Sync + 'static>(operation: &'static str) -> impl Fn(E) -> Self {
        move |source| Self::Aws { operation, source: Box::new(source) }
    }
}
