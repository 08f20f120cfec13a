//! Why a report did not get in, and whether trying again can help.

use std::error::Error;

use billing_report::{ManifestError, ReportError, StatementError};
use catalog_store::StoreError;
use cost_model::{AmountError, SumsDiffer};
use delivery::{Class, Classify, EnvelopeError};

#[derive(Debug, thiserror::Error)]
pub enum CostReportError {
    #[error("the notification could not be read")]
    Envelope(#[source] EnvelopeError),
    #[error("manifest `{key}` is refused")]
    Manifest {
        key: String,
        #[source]
        source: ManifestError,
    },
    #[error("manifest `{key}` has {bytes} bytes, more than {limit}")]
    ManifestTooLarge { key: String, bytes: u64, limit: u64 },
    /// Retried: the file may come late, though AWS writes the manifest last.
    #[error("`{key}` is not in the reports bucket; the month stays as it was")]
    MissingObject { key: String },
    /// Retried: the next manifest announces the new files.
    #[error("`{key}` was replaced while the report was read; the month stays as it was")]
    Changed { key: String },
    #[error("{what} has {bytes} bytes, more than the {limit} that one function reads")]
    TooLarge { what: String, bytes: u64, limit: u64 },
    #[error("could not read or write `{key}`")]
    Object {
        key: String,
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    #[error("file `{key}` is refused")]
    Report {
        key: String,
        #[source]
        source: ReportError,
    },
    #[error("reading the report was interrupted")]
    Interrupted {
        #[source]
        source: tokio::task::JoinError,
    },
    #[error("a reader of the report has not ended")]
    Unfinished,
    #[error("the report of `{key}` is too large for one function, and Athena cannot roll it up")]
    NotForAthena {
        key: String,
        #[source]
        source: StatementError,
    },
    #[error("{operation} of Athena failed")]
    Athena {
        operation: &'static str,
        /// The answer would be the same for every try.
        is_refused: bool,
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// Retried: the event was faster than what Athena says of the query.
    #[error("query `{id}` has not ended")]
    QueryGoesOn { id: String },
    #[error("query `{id}` has failed: {reason}; the month stays as it was until the report is delivered again")]
    QueryFailed { id: String, reason: String },
    #[error("query `{id}` has no list of what it unloaded, or one of files elsewhere")]
    NoResult { id: String },
    #[error("query `{id}` has read {found} lines, but the report has {expected}; nothing is published")]
    LinesDiffer { id: String, found: u64, expected: u64 },
    #[error("the costs cannot be added up")]
    Sum(#[source] AmountError),
    #[error("the rollups differ from the bill; nothing is published")]
    SumsDiffer(#[source] SumsDiffer),
    #[error("the catalog did not take the costs")]
    Store(#[source] StoreError),
}

impl Classify for CostReportError {
    fn class(&self) -> Class {
        match self {
            Self::MissingObject { .. }
            | Self::Changed { .. }
            | Self::Object { .. }
            | Self::Interrupted { .. }
            | Self::Unfinished
            | Self::QueryGoesOn { .. }
            | Self::Athena { is_refused: false, .. } => Class::Retry,
            Self::Store(error) if error.is_retryable() => Class::Retry,
            _ => Class::DeadLetter,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Envelope(error) => error.code(),
            Self::Manifest { .. } | Self::ManifestTooLarge { .. } => "bad-manifest",
            Self::MissingObject { .. } => "missing-file",
            Self::Changed { .. } => "report-changed",
            Self::TooLarge { .. } => "report-too-large",
            Self::Object { .. } => "object-unreadable",
            Self::Report { .. } => "bad-report",
            Self::Interrupted { .. } | Self::Unfinished => "interrupted",
            Self::NotForAthena { .. } => "not-for-athena",
            Self::Athena { .. } => "athena-unavailable",
            Self::QueryGoesOn { .. } => "query-goes-on",
            Self::QueryFailed { .. } | Self::NoResult { .. } => "query-failed",
            Self::LinesDiffer { .. } => "lines-differ",
            Self::Sum(_) => "amount-too-large",
            Self::SumsDiffer(_) => "sums-differ",
            Self::Store(error) => error.code(),
        }
    }
}

impl CostReportError {
    /// What went wrong while the file `key` was read: the way to it says so in its own words.
    pub(crate) fn of_file(key: &str, source: ReportError) -> Self {
        match source {
            ReportError::File { source } => match source.downcast::<Self>() {
                Ok(error) => *error,
                Err(source) => Self::Object { key: key.to_owned(), source },
            },
            source => Self::Report { key: key.to_owned(), source },
        }
    }

    /// Whether the report is at fault, rather than the way to it.
    pub(crate) fn is_refusal(&self) -> bool {
        match self {
            Self::Manifest { .. }
            | Self::ManifestTooLarge { .. }
            | Self::TooLarge { .. }
            | Self::Report { .. }
            | Self::NotForAthena { .. }
            | Self::QueryFailed { .. }
            | Self::Sum(_) => true,
            Self::Envelope(_)
            | Self::MissingObject { .. }
            | Self::Changed { .. }
            | Self::Object { .. }
            | Self::Interrupted { .. }
            | Self::Unfinished
            | Self::Athena { .. }
            | Self::QueryGoesOn { .. }
            | Self::NoResult { .. }
            | Self::LinesDiffer { .. }
            | Self::SumsDiffer(_)
            | Self::Store(_) => false,
        }
    }
}
