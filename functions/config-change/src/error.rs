//! Why a message failed, and whether trying again can help.

use std::error::Error;

use catalog_store::StoreError;
use config_aggregator::AggregatorError;
use config_item::{ConfigItemError, FileError};
use delivery::{Class, Classify, EnvelopeError};

#[derive(Debug, thiserror::Error)]
pub enum ConfigChangeError {
    #[error("the message is not valid JSON")]
    MalformedJson(#[source] serde_json::Error),
    #[error("the notification of a bucket cannot be read")]
    Envelope(#[source] EnvelopeError),
    /// What could be used of the message is written all the same.
    #[error("{refused} of {documents} documents in the message cannot be used, the first because")]
    Refused {
        refused: u64,
        documents: u64,
        #[source]
        first: ConfigItemError,
    },
    #[error(
        "bucket `{bucket}` is none that items are read from; if it is AWS Config's, add it to the stack's parameter \
         `ConfigBuckets`"
    )]
    ForeignBucket { bucket: String },
    #[error("`{key}` is no key under which AWS Config keeps an item of account {account}")]
    OddKey { key: String, account: String },
    #[error("the file `{key}` cannot be used")]
    File {
        key: String,
        #[source]
        source: FileError,
    },
    #[error("could not read `{key}`")]
    Object {
        key: String,
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    #[error(
        "{items} items of the file `{key}` are taken, and the function's time is up; the next try goes on from there"
    )]
    FileGoesOn { key: String, items: u64 },
    #[error("could not ask for an item that is too large for its message")]
    Aggregator(#[source] AggregatorError),
    #[error("the catalog did not take the change")]
    Store(#[source] StoreError),
}

impl Classify for ConfigChangeError {
    fn class(&self) -> Class {
        match self {
            Self::Store(error) if error.is_retryable() => Class::Retry,
            Self::Object { .. } | Self::FileGoesOn { .. } => Class::Retry,
            Self::Aggregator(error) => error.class(),
            Self::MalformedJson(_)
            | Self::Envelope(_)
            | Self::Refused { .. }
            | Self::ForeignBucket { .. }
            | Self::OddKey { .. }
            | Self::File { .. }
            | Self::Store(_) => Class::DeadLetter,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::MalformedJson(_) => "malformed-json",
            Self::Envelope(error) => error.code(),
            Self::Refused { first, .. } => first.code(),
            Self::ForeignBucket { .. } => "foreign-bucket",
            Self::OddKey { .. } => "odd-key",
            Self::File { source, .. } => match source {
                FileError::Gzip(_) => "file-no-gzip",
                FileError::Ratio { .. } => "file-ratio",
                FileError::TooLarge { .. } => "file-too-large",
                FileError::NotItems => "file-no-items",
                FileError::Truncated => "file-truncated",
            },
            Self::Object { .. } => "object-unreadable",
            Self::FileGoesOn { .. } => "file-goes-on",
            Self::Aggregator(error) => error.code(),
            Self::Store(error) => error.code(),
        }
    }
}
