//! Why an export did not get in, whether trying again can help, and what an HTTP caller is told.

use std::error::Error;

use catalog_model::VersionError;
use catalog_store::StoreError;
use delivery::api::ApiError;
use delivery::{Class, Classify, EnvelopeError};
use export_formats::{ExportError, FormatError, ParameterError};
use pipeline_event::artifact::ArtifactError;
use pipeline_event::deployment::DeploymentError;
use pipeline_event::export_request::RequestError;
use pipeline_event::job::JobError;
use pipeline_event::state::StateError;

use crate::producers::NotAllowed;

#[derive(Debug, thiserror::Error)]
pub enum CicdExportError {
    #[error("the export is refused")]
    Export(#[source] ExportError),
    #[error(transparent)]
    NotAllowed(NotAllowed),
    #[error("the deployments are refused")]
    Deployment(#[source] DeploymentError),
    #[error("the state event is refused")]
    State(#[source] StateError),
    #[error("the job's request is refused")]
    Request(#[source] RequestError),
    #[error("the job is refused")]
    Job(#[source] JobError),
    #[error("the artifact is refused")]
    Artifact(#[source] ArtifactError),
    #[error(
        "the artifact may not be read with the job's credentials: the pipeline's role needs `s3:GetObject` on it, and `kms:Decrypt` on its key"
    )]
    ArtifactForbidden,
    #[error("the artifact is not there any more; run the pipeline again")]
    ArtifactGone,
    #[error("{what} `{text}` is not of the form [A-Za-z0-9._-], 1 to 128 characters")]
    Part { what: &'static str, text: String },
    #[error("could not read the artifact")]
    ArtifactUnread(#[source] Box<dyn Error + Send + Sync>),
    #[error("could not report to CodePipeline")]
    Report(#[source] Box<dyn Error + Send + Sync>),
    #[error("the parameters are refused")]
    Parameter(#[source] ParameterError),
    #[error("parameter `epoch` tells lineages of a Terraform state apart, and this export is versioned by {clock}")]
    EpochWithoutLineage { clock: &'static str },
    #[error("the version is refused")]
    Version(#[source] VersionError),
    #[error("the catalog did not take the export")]
    Store(#[source] StoreError),
    #[error("entry `{key}` of the journal could not be read")]
    Journal {
        key: String,
        #[source]
        source: StoreError,
    },
    #[error("the notification could not be read")]
    Envelope(#[source] EnvelopeError),
    #[error("the notification is about bucket `{bucket}`, which is not the drop bucket")]
    WrongBucket { bucket: String },
    #[error("object key `{key}` is not `exports/<producer>/<format>/<name>`: {reason}")]
    KeyLayout { key: String, reason: String },
    #[error("`dryRun` has no meaning here: nobody waits for the answer; use the API for it")]
    DryRunDropped,
    #[error("the object has {bytes} bytes, more than the {limit} that an export may have")]
    ObjectTooLarge { bytes: u64, limit: u64 },
    #[error("object `{key}` became another one while it was read")]
    ObjectChanged { key: String },
    #[error("could not take object `{key}`")]
    Dropped {
        key: String,
        #[source]
        source: Box<CicdExportError>,
    },
    #[error("could not read object `{key}` from the drop bucket")]
    Object {
        key: String,
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

impl Classify for CicdExportError {
    fn class(&self) -> Class {
        match self {
            Self::Object { .. } | Self::ObjectChanged { .. } | Self::ArtifactUnread(_) | Self::Report(_) => {
                Class::Retry
            }
            Self::Dropped { source, .. } => source.class(),
            Self::Store(error) | Self::Journal { source: error, .. } if error.is_retryable() => Class::Retry,
            _ => Class::DeadLetter,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Export(error) => error.code(),
            Self::NotAllowed(error) => error.code(),
            Self::Deployment(error) => error.code(),
            Self::State(error) => error.code(),
            Self::Request(error) => error.code(),
            Self::Job(error) => error.code(),
            Self::Artifact(error) => error.code(),
            Self::ArtifactForbidden => "artifact-forbidden",
            Self::ArtifactGone => "artifact-gone",
            Self::Part { .. } => "wrong-name",
            Self::ArtifactUnread(_) => "artifact-unreadable",
            Self::Report(_) => "job-not-reported",
            Self::Parameter(_) | Self::EpochWithoutLineage { .. } | Self::DryRunDropped => "wrong-parameter",
            Self::Version(VersionError::InTheFuture { .. }) => "version-in-the-future",
            Self::Version(_) => "wrong-version",
            Self::Store(error) | Self::Journal { source: error, .. } => error.code(),
            Self::Envelope(error) => error.code(),
            Self::WrongBucket { .. } => "wrong-bucket",
            Self::KeyLayout { .. } => "wrong-key",
            Self::ObjectTooLarge { .. } => "export-too-large",
            Self::Object { .. } => "object-unreadable",
            Self::ObjectChanged { .. } => "object-changed",
            Self::Dropped { source, .. } => source.code(),
        }
    }
}

impl From<StoreError> for CicdExportError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl CicdExportError {
    /// The same, told by somebody who knows the object that it is about.
    pub(crate) fn of_object(self, key: &str) -> Self {
        match self {
            Self::KeyLayout { .. }
            | Self::WrongBucket { .. }
            | Self::Object { .. }
            | Self::ObjectChanged { .. }
            | Self::Dropped { .. } => self,
            source => Self::Dropped { key: key.to_owned(), source: Box::new(source) },
        }
    }

    /// Whether the sender's file or parameters are at fault, so that the receipt should say so.
    pub(crate) fn is_refusal(&self) -> bool {
        match self {
            Self::Store(error) => !error.is_retryable() && (error.is_conflict() || is_of_the_sender(error)),
            Self::Export(_)
            | Self::Deployment(_)
            | Self::Artifact(_)
            | Self::Parameter(_)
            | Self::EpochWithoutLineage { .. }
            | Self::Version(_)
            | Self::DryRunDropped
            | Self::ObjectTooLarge { .. } => true,
            Self::Dropped { source, .. } => source.is_refusal(),
            Self::Envelope(_)
            | Self::Journal { .. }
            | Self::NotAllowed(_)
            | Self::State(_)
            | Self::Request(_)
            | Self::Job(_)
            | Self::ArtifactForbidden
            | Self::ArtifactGone
            | Self::Part { .. }
            | Self::ArtifactUnread(_)
            | Self::Report(_)
            | Self::WrongBucket { .. }
            | Self::KeyLayout { .. }
            | Self::Object { .. }
            | Self::ObjectChanged { .. } => false,
        }
    }

    /// Documents that are refused with the whole: a file that is no file of its format, or too large a one, is one.
    pub(crate) fn refused_documents(&self) -> u64 {
        match self {
            Self::Export(ExportError::Format(_)) => 0,
            Self::Export(error) => u64::try_from(error.documents().len().max(1)).unwrap_or(u64::MAX),
            Self::Deployment(_) | Self::State(_) | Self::Artifact(_) | Self::ObjectTooLarge { .. } => 1,
            Self::Dropped { source, .. } => source.refused_documents(),
            _ => 0,
        }
    }

    /// The one sentence for the sender, without what only we can use.
    pub(crate) fn reason(&self) -> String {
        match self {
            Self::Export(error) => error.to_string(),
            Self::Deployment(error) => error.to_string(),
            Self::State(error) => error.to_string(),
            Self::Request(error) => error.to_string(),
            Self::Job(error) => error.to_string(),
            Self::Artifact(error) => error.to_string(),
            Self::Parameter(error) => error.to_string(),
            Self::Version(error) => error.to_string(),
            Self::Store(error) => error.to_string(),
            Self::Envelope(error) => error.to_string(),
            other => other.to_string(),
        }
    }

    pub(crate) fn api(&self) -> ApiError {
        match self {
            Self::Export(ExportError::Format(FormatError::Later { .. })) => {
                ApiError { status: 501, name: "NotImplementedError", message: self.reason() }
            }
            Self::Export(ExportError::TooLarge { .. }) => ApiError::payload_too_large(self.reason()),
            Self::NotAllowed(_) => ApiError::not_allowed(self.reason()),
            Self::Version(_) => ApiError::conflict(self.reason()),
            Self::Store(error) if error.is_retryable() => {
                ApiError::service_unavailable("the catalog is busy; send the same request again")
            }
            Self::Store(error) if error.is_conflict() => ApiError::conflict(self.reason()),
            Self::Store(error) if is_of_the_sender(error) => ApiError::input(self.reason()),
            Self::Store(_)
            | Self::Journal { .. }
            | Self::Object { .. }
            | Self::ObjectChanged { .. }
            | Self::ArtifactUnread(_)
            | Self::Report(_) => ApiError::internal(),
            _ => ApiError::input(self.reason()),
        }
    }
}

/// Errors of the store that another export would not meet.
fn is_of_the_sender(error: &StoreError) -> bool {
    matches!(error, StoreError::TooManyFragments { .. } | StoreError::KeyTooLong { .. })
}
