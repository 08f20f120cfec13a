//! The event of CodePipeline's Lambda invoke action -> a job: where its input lies, and with whose credentials to read it.
//! <https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-Lambda.html>
//!
//! Tolerant: only the job's id is needed to answer, so only that can fail [`Job::parse`]. What else is missing is found
//! when it is asked for, and can be reported to the pipeline. Nothing of the event is in an error.

use std::fmt;

use serde::Deserialize;
use serde_json::Value;

use crate::export_request::{ExportRequest, RequestError};
use crate::secret::{MaybeSecret, Secret};

/// CodePipeline's ids are UUIDs; its documentation has others of the same alphabet.
const MAX_JOB_ID_CHARS: usize = 100;

/// Names that an error lists.
const MAX_LISTED_NAMES: usize = 10;

/// Whether an invocation is a job of CodePipeline, and no batch or request.
pub fn is_job(event: &Value) -> bool {
    event.get(JOB_FIELD).is_some()
}

const JOB_FIELD: &str = "CodePipeline.job";

/// One invocation by a pipeline. `Debug` shows neither credentials nor parameters.
#[derive(Clone, PartialEq, Eq)]
pub struct Job {
    /// What its result is reported under.
    pub id: String,
    /// The account of the pipeline.
    pub account: Option<String>,
    pub input_artifacts: Vec<Artifact>,
    pub output_artifacts: Vec<Artifact>,
    /// For the artifacts, and for nothing else.
    pub credentials: Option<Credentials>,
    /// The key that the artifacts are encrypted with, where it is not S3's own.
    pub encryption_key: Option<EncryptionKey>,
    /// The job goes on from an earlier answer of ours that carried a token.
    pub continuation_token: Option<Secret>,
    user_parameters: Option<Secret>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    pub name: String,
    /// Which version of the source it is, where CodePipeline knows it.
    pub revision: Option<String>,
    pub location: Option<S3Location>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Location {
    pub bucket: String,
    pub key: String,
}

/// Of a session that may read the job's artifacts. All three are wiped when it is dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    pub access_key_id: Secret,
    pub secret_access_key: Secret,
    pub session_token: Option<Secret>,
}

/// A key of KMS: its ARN, id or alias.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncryptionKey {
    pub id: String,
    pub kind: String,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JobError {
    #[error("the event is not valid JSON (line {line}, column {column})")]
    MalformedJson { line: usize, column: usize },
    #[error("the event has no `CodePipeline.job` with an `id`: only a pipeline's action can invoke this")]
    NotAJob,
    #[error("the id of the job is not of the form [A-Za-z0-9-], 1 to 100 characters")]
    Id,
    #[error("the action has no input artifact: name the artifact that holds the export in `InputArtifacts`")]
    NoInputArtifact,
    #[error("the action has {} input artifacts: say `artifact=` with one of {}", names.len(), names.join(", "))]
    WhichArtifact { names: Vec<String> },
    #[error("the action has no input artifact of the name in `artifact`; it has {}", names.join(", "))]
    UnknownArtifact { names: Vec<String> },
    #[error("input artifact {index} of the job says no bucket and key")]
    NoLocation { index: usize },
    #[error("the job came without credentials for its artifacts")]
    NoCredentials,
}

impl JobError {
    /// A stable reason in kebab case.
    pub fn code(&self) -> &'static str {
        match self {
            Self::MalformedJson { .. } => "malformed-json",
            Self::NotAJob | Self::Id => "not-a-job",
            Self::NoInputArtifact | Self::WhichArtifact { .. } | Self::UnknownArtifact { .. } => "which-artifact",
            Self::NoLocation { .. } | Self::NoCredentials => "incomplete-job",
        }
    }
}

impl Job {
    /// Reads the whole event.
    ///
    /// # Errors
    /// Fails on bytes that are no JSON, on an event that is no job, and on an id that cannot be one.
    pub fn parse(event: &[u8]) -> Result<Self, JobError> {
        let event: RawEvent = serde_json::from_slice(event).map_err(|error| match error.classify() {
            serde_json::error::Category::Data => JobError::NotAJob,
            _ => JobError::MalformedJson { line: error.line(), column: error.column() },
        })?;
        Self::of(event)
    }

    /// The same, of an event that something else has parsed.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn from_value(event: Value) -> Result<Self, JobError> {
        Self::of(serde_json::from_value(event).map_err(|_| JobError::NotAJob)?)
    }

    fn of(event: RawEvent) -> Result<Self, JobError> {
        let job = event.job.ok_or(JobError::NotAJob)?;
        let id = text(&job.id).ok_or(JobError::NotAJob)?;
        if id.len() > MAX_JOB_ID_CHARS || !id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            return Err(JobError::Id);
        }
        let data = job.data.unwrap_or_default();
        let configuration = data.action_configuration.and_then(|action| action.configuration);
        Ok(Self {
            id,
            account: text(&job.account_id),
            input_artifacts: artifacts(&data.input_artifacts),
            output_artifacts: artifacts(&data.output_artifacts),
            credentials: data.artifact_credentials.and_then(RawCredentials::complete),
            encryption_key: text(&data.encryption_key["id"])
                .map(|id| EncryptionKey { id, kind: text(&data.encryption_key["type"]).unwrap_or_default() }),
            continuation_token: data.continuation_token.0,
            user_parameters: configuration.and_then(|configuration| configuration.user_parameters.0),
        })
    }

    /// What the action's `UserParameters` ask for.
    ///
    /// # Errors
    /// Says which parameter is missing or wrong, and how to write it.
    pub fn request(&self) -> Result<ExportRequest, RequestError> {
        ExportRequest::parse(self.user_parameters.as_ref().map(Secret::expose))
    }

    /// The artifact of that name, or the only one; and where it lies.
    ///
    /// # Errors
    /// Fails if there is none, if several could be meant, and if its place is not said.
    pub fn input_artifact(&self, name: Option<&str>) -> Result<(&Artifact, &S3Location), JobError> {
        let names = || {
            let names = self.input_artifacts.iter().map(|artifact| listed(&artifact.name));
            names.take(MAX_LISTED_NAMES).collect::<Vec<_>>()
        };
        let index = match (name, self.input_artifacts.as_slice()) {
            (_, []) => return Err(JobError::NoInputArtifact),
            (Some(name), artifacts) => artifacts
                .iter()
                .position(|artifact| artifact.name == name)
                .ok_or_else(|| JobError::UnknownArtifact { names: names() })?,
            (None, [_]) => 0,
            (None, _) => return Err(JobError::WhichArtifact { names: names() }),
        };
        let artifact = &self.input_artifacts[index];
        let location = artifact.location.as_ref().ok_or(JobError::NoLocation { index })?;
        Ok((artifact, location))
    }

    /// # Errors
    /// Fails if the job came without them.
    pub fn credentials(&self) -> Result<&Credentials, JobError> {
        self.credentials.as_ref().ok_or(JobError::NoCredentials)
    }

    /// All texts of the job that must not come out again: [`crate::report`] takes them out of messages.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = &str> {
        let credentials = self.credentials.iter().flat_map(|credentials| {
            [Some(&credentials.access_key_id), Some(&credentials.secret_access_key), credentials.session_token.as_ref()]
        });
        credentials.flatten().chain(&self.continuation_token).map(Secret::expose)
    }
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job")
            .field("id", &self.id)
            .field("account", &self.account)
            .field("input_artifacts", &self.input_artifacts)
            .field("output_artifacts", &self.output_artifacts)
            .field("credentials", &self.credentials)
            .field("encryption_key", &self.encryption_key)
            .field("continuation_token", &self.continuation_token)
            .field("user_parameters", &self.user_parameters)
            .finish()
    }
}

/// One fact per line: what a test reads. No revision and no key of an object is a secret; parameters may be.
impl fmt::Display for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "job {}", self.id)?;
        writeln!(f, "account {}", self.account.as_deref().unwrap_or("-"))?;
        for (direction, artifacts) in [("input", &self.input_artifacts), ("output", &self.output_artifacts)] {
            for Artifact { name, revision, location } in artifacts {
                let place =
                    location.as_ref().map_or_else(|| "-".to_owned(), |at| format!("{} | {}", at.bucket, at.key));
                writeln!(f, "{direction} {name} revision {} at {place}", revision.as_deref().unwrap_or("-"))?;
            }
        }
        if let Some(key) = &self.encryption_key {
            writeln!(f, "key {} {}", key.kind, key.id)?;
        }
        let has = |is_there: bool| if is_there { "yes" } else { "no" };
        writeln!(f, "credentials {}", has(self.credentials.is_some()))?;
        writeln!(f, "continues {}", has(self.continuation_token.is_some()))?;
        writeln!(f, "parameters {}", has(self.user_parameters.is_some()))
    }
}

#[derive(Deserialize)]
struct RawEvent {
    #[serde(rename = "CodePipeline.job", default)]
    job: Option<RawJob>,
}

/// The whole event is read into these: credentials go from the bytes into [`Secret`] and nowhere else.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawJob {
    #[serde(default)]
    id: Value,
    #[serde(default)]
    account_id: Value,
    #[serde(default)]
    data: Option<RawData>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RawData {
    action_configuration: Option<RawAction>,
    input_artifacts: Value,
    output_artifacts: Value,
    artifact_credentials: Option<RawCredentials>,
    continuation_token: MaybeSecret,
    encryption_key: Value,
}

#[derive(Deserialize)]
struct RawAction {
    #[serde(default)]
    configuration: Option<RawConfiguration>,
}

#[derive(Deserialize)]
struct RawConfiguration {
    #[serde(rename = "UserParameters", default)]
    user_parameters: MaybeSecret,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RawCredentials {
    access_key_id: MaybeSecret,
    secret_access_key: MaybeSecret,
    session_token: MaybeSecret,
}

impl RawCredentials {
    fn complete(self) -> Option<Credentials> {
        Some(Credentials {
            access_key_id: self.access_key_id.0?,
            secret_access_key: self.secret_access_key.0?,
            session_token: self.session_token.0,
        })
    }
}

fn artifacts(value: &Value) -> Vec<Artifact> {
    let artifact = |value: &Value| {
        let at = &value["location"]["s3Location"];
        let location = text(&at["bucketName"]).zip(text(&at["objectKey"]));
        Some(Artifact {
            name: text(&value["name"])?,
            revision: text(&value["revision"]),
            location: location.map(|(bucket, key)| S3Location { bucket, key }),
        })
    };
    value.as_array().into_iter().flatten().filter_map(artifact).collect()
}

/// A text that is not empty, or a number as one.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A name of a pipeline as an error may show it: CodePipeline's own grammar, or nothing of it.
fn listed(name: &str) -> String {
    let is_name = name.len() <= 100 && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
    format!("`{}`", if is_name { name } else { "(unprintable)" })
}

#[cfg(test)]
#[path = "job_tests.rs"]
mod tests;
