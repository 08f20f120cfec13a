//! One state of one thing at one time: what is kept of an event, and stored.

use std::fmt;

use catalog_model::Identity;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What one event says. Serialised it is what the store keeps: fields are only ever added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Observation {
    pub subject: Subject,
    pub level: Level,
    /// The pipeline execution, build, deployment, or operation on a stack.
    pub execution: String,
    /// A pipeline's stage; a deployment's group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    /// A pipeline's action; a stack's resource by its logical id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action_type: Option<ActionType>,
    /// Counts from 1; 1 where the event does not say it.
    pub attempt: u64,
    pub state: State,
    /// The word of the service: `UPDATE_ROLLBACK_COMPLETE`.
    pub status: String,
    pub time_ms: u64,
    /// When the execution began, where the event says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_ms: Option<u64>,
    /// Of the source: a commit, a digest of an image, a version of an object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// In a console of AWS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// What started the execution: `Webhook`, `ManualRollback`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
    /// What the action started elsewhere: a deployment of CodeDeploy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// Which definition of the pipeline ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition: Option<u64>,
}

/// The resource that an observation is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Subject {
    pub source: Source,
    pub identity: Identity,
    pub name: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    CodePipeline,
    CodeBuild,
    CodeDeploy,
    CloudFormation,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    Execution,
    Stage,
    Action,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionType {
    /// `Source`, `Build`, `Deploy`, `Approval`, `Test`, `Invoke`, `Compute`
    pub category: String,
    pub owner: String,
    pub provider: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    Started,
    Resumed,
    Stopping,
    RollingBack,
    Superseded,
    Canceled,
    Abandoned,
    Stopped,
    Failed,
    RolledBack,
    Succeeded,
}

impl State {
    /// Of two states of one second, the one of the larger rank is the later one in life. Versions are made of it.
    pub fn rank(self) -> u8 {
        match self {
            Self::Started => 1,
            Self::Resumed => 2,
            Self::Stopping => 3,
            Self::RollingBack => 4,
            Self::Superseded => 5,
            Self::Canceled => 6,
            Self::Abandoned => 7,
            Self::Stopped => 8,
            Self::Failed => 9,
            Self::RolledBack => 10,
            Self::Succeeded => 11,
        }
    }

    /// No other state follows by itself.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Started | Self::Resumed | Self::Stopping | Self::RollingBack)
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Resumed => "resumed",
            Self::Stopping => "stopping",
            Self::RollingBack => "rolling-back",
            Self::Superseded => "superseded",
            Self::Canceled => "canceled",
            Self::Abandoned => "abandoned",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
            Self::RolledBack => "rolled-back",
            Self::Succeeded => "succeeded",
        }
    }
}

impl Observation {
    /// Whether it is kept in the history of its subject. A stack's single resources are too many, and nothing reads them.
    pub fn is_history(&self) -> bool {
        !(self.subject.source == Source::CloudFormation && self.level == Level::Action)
    }

    /// Whether the execution takes an earlier one back: executionType `ROLLBACK`.
    pub fn is_rollback(&self) -> bool {
        matches!(self.trigger.as_deref(), Some("ManualRollback" | "AutomatedRollback"))
    }
}

impl Source {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CodePipeline => "codepipeline",
            Self::CodeBuild => "codebuild",
            Self::CodeDeploy => "codedeploy",
            Self::CloudFormation => "cloudformation",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One fact per line: what a test reads.
impl fmt::Display for Observation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { subject, execution, stage, action, attempt, state, status, .. } = self;
        writeln!(f, "{} {}", subject.source.as_str(), subject.identity)?;
        write!(f, "execution {execution}")?;
        if let Some(stage) = stage {
            write!(f, " stage {stage}")?;
        }
        if let Some(action) = action {
            write!(f, " action {action}")?;
        }
        writeln!(f, " attempt {attempt}")?;
        writeln!(f, "{state} ({status}) at {}", shown_time(self.time_ms))?;
        if let Some(ActionType { category, owner, provider }) = &self.action_type {
            writeln!(f, "type {category} by {owner} {provider}")?;
        }
        let started = self.started_ms.map(shown_time);
        let definition = self.definition.map(|definition| definition.to_string());
        for (name, value) in [
            ("started", started.as_ref()),
            ("commit", self.commit.as_ref()),
            ("url", self.url.as_ref()),
            ("trigger", self.trigger.as_ref()),
            ("error", self.error_code.as_ref()),
            ("external", self.external_id.as_ref()),
            ("definition", definition.as_ref()),
        ] {
            if let Some(value) = value {
                writeln!(f, "{name} {value}")?;
            }
        }
        Ok(())
    }
}

/// ISO 8601 in UTC, as exact as it is.
pub(crate) fn shown_time(ms: u64) -> String {
    let time = i64::try_from(ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    time.map_or_else(|| format!("{ms} ms"), |time| time.to_string())
}
