//! Why a message failed, and whether trying again can help.

use catalog_store::StoreError;
use config_item::ConfigItemError;
use delivery::{Class, Classify};

#[derive(Debug, thiserror::Error)]
pub enum ConfigChangeError {
    #[error("the message is not valid JSON")]
    MalformedJson(#[source] serde_json::Error),
    /// What could be used of the message is written all the same.
    #[error("{refused} of {documents} documents in the message cannot be used, the first because")]
    Refused {
        refused: u64,
        documents: u64,
        #[source]
        first: ConfigItemError,
    },
    #[error("the catalog did not take the change")]
    Store(#[source] StoreError),
}

impl Classify for ConfigChangeError {
    fn class(&self) -> Class {
        match self {
            Self::Store(error) if error.is_retryable() => Class::Retry,
            Self::MalformedJson(_) | Self::Refused { .. } | Self::Store(_) => Class::DeadLetter,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::MalformedJson(_) => "malformed-json",
            Self::Refused { first, .. } => first.code(),
            Self::Store(error) => error.code(),
        }
    }
}
