//! What can go wrong between us and the aggregator.

use std::error::Error;

use aws_sdk_config::error::{ProvideErrorMetadata, SdkError};
use delivery::{Class, Classify};

#[derive(Debug, thiserror::Error)]
pub enum AggregatorError {
    /// Nothing was asked: the word does not belong into a query.
    #[error("`{found}` is no {what}, and is not asked for")]
    Scope { what: &'static str, found: String },
    #[error("{operation} of AWS Config failed")]
    Aws {
        operation: &'static str,
        /// As Config names the error. `None`: no answer came.
        code: Option<String>,
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

impl AggregatorError {
    /// For `map_err` on a call of the SDK.
    pub(crate) fn aws<E>(operation: &'static str) -> impl Fn(SdkError<E>) -> Self
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        move |source| Self::Aws { operation, code: source.code().map(ToOwned::to_owned), source: Box::new(source) }
    }

    /// A chain of pages broke off: it can begin anew.
    pub fn is_expired_token(&self) -> bool {
        self.has_code(&["InvalidNextTokenException"])
    }

    /// The answer would be the same for every question.
    pub fn is_refusal(&self) -> bool {
        self.has_code(&[
            "AccessDeniedException",
            "AccessDenied",
            "ExpiredTokenException",
            "NoSuchConfigurationAggregatorException",
            "UnrecognizedClientException",
        ])
    }

    /// The aggregator holds the item, and it is too large for an answer.
    pub fn is_oversized(&self) -> bool {
        self.has_code(&["OversizedConfigurationItemException"])
    }

    fn has_code(&self, codes: &[&str]) -> bool {
        matches!(self, Self::Aws { code: Some(code), .. } if codes.contains(&code.as_str()))
    }
}

impl Classify for AggregatorError {
    fn class(&self) -> Class {
        match self {
            Self::Aws { .. } if !self.is_oversized() => Class::Retry,
            Self::Aws { .. } | Self::Scope { .. } => Class::DeadLetter,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Scope { .. } => "aggregator-scope",
            Self::Aws { .. } if self.is_oversized() => "aggregator-oversized",
            Self::Aws { .. } if self.is_refusal() => "aggregator-refused",
            Self::Aws { .. } => "aggregator",
        }
    }
}
