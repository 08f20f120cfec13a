//! Deployments: told by a pipeline's own small document, or derived from what AWS's pipelines are observed to do.
//!
//! The document is JSON, one object or an array of them:
//!
//! | field | value | |
//! |---|---|---|
//! | `id` | 1 to 128 of `A-Z a-z 0-9 . _ : / @ + -` | required: a build number, or the id of a pipeline's execution |
//! | `component` | `orders`, or `component:default/orders` | required unless the export's parameter says it |
//! | `environment` | a name of up to 63 characters | required unless the export's parameter says it |
//! | `outcome` | `succeeded`, `failed`, `rolled-back` | required |
//! | `finishedAt` | ISO 8601 with an offset | required |
//! | `startedAt` | the same | else `finishedAt` |
//! | `commit` | what was deployed | |
//! | `commitTime` | ISO 8601 | lead time counts from here |
//! | `url` | https | where to look |
//! | `rollbackOf` | the `id` of an earlier deployment | this one takes it back |
//!
//! Sent again with the same `id` and environment, a deployment replaces what was said of it.

mod derive;
mod document;
mod environment;
pub(crate) mod iso;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use derive::derive;
pub use document::{Defaults, DeploymentError, MAX_DEPLOYMENT_MS, MAX_DEPLOYMENTS, ParsedDeployments, Refusal, parse};
pub use environment::environment_of;

use crate::state::{Source, shown_time};

/// One change of what runs in one environment. Serialised it is both what the store keeps and what the API answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Deployment {
    pub id: String,
    /// The reference of the component, where the deployment says it. A derived one belongs to the pipeline's components.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub component: Option<String>,
    pub environment: String,
    pub outcome: Outcome,
    #[serde(rename = "startedAt", with = "iso")]
    pub started_ms: u64,
    /// `None`: it runs.
    #[serde(rename = "finishedAt", default, skip_serializing_if = "Option::is_none", with = "iso::option")]
    pub finished_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    #[serde(rename = "commitTime", default, skip_serializing_if = "Option::is_none", with = "iso::option")]
    pub commit_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// It takes an earlier one back, and so is no change itself.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rollback: bool,
    /// Which one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback_of: Option<String>,
    pub told_by: ToldBy,
    /// The ARN of the pipeline or application that it is derived from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pipeline: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    #[serde(default = "first", skip_serializing_if = "is_first")]
    pub attempt: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    Running,
    /// Neither success nor failure: somebody stopped it, or a newer one overtook it.
    Stopped,
    Failed,
    RolledBack,
    Succeeded,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ToldBy {
    CodePipeline,
    CodeDeploy,
    Document,
}

fn first() -> u64 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it over so")]
fn is_first(attempt: &u64) -> bool {
    *attempt == 1
}

impl Outcome {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
            Self::RolledBack => "rolled-back",
            Self::Succeeded => "succeeded",
        }
    }

    /// It counts: the change came to an end by itself.
    pub fn is_verdict(self) -> bool {
        matches!(self, Self::Failed | Self::RolledBack | Self::Succeeded)
    }
}

impl Deployment {
    /// What it is ordered by: when it ended, else when it began.
    pub fn at_ms(&self) -> u64 {
        self.finished_ms.unwrap_or(self.started_ms)
    }

    /// (Execution, stage, attempt) of one pipeline; a document's id and environment.
    pub(crate) fn key(&self) -> (Option<&str>, &str, Option<&str>, &str, u64) {
        // The environment of a derived one follows from rules that may change; a document says its own.
        let environment = if self.told_by == ToldBy::Document { self.environment.as_str() } else { "" };
        (self.pipeline.as_deref(), &self.id, self.stage.as_deref(), environment, self.attempt)
    }

    /// Names the deployment as a document does, whatever it says of it: for a stored item's key. Sixteen hexadecimal digits.
    pub fn digest(&self) -> String {
        hex::encode(&Sha256::digest(format!("{:?}", self.key()))[..8])
    }

    fn canonical(&self) -> String {
        catalog_model::canonical_json(&serde_json::to_value(self).expect("texts and numbers always serialise"))
    }
}

/// Each deployment once, ordered by [`Deployment::at_ms`] and id, whatever their order and repeats.
///
/// Of several with one (execution, stage, attempt) the latest counts. A document that names an execution as its id, and
/// one deployment of CodeDeploy that a pipeline's action started, are told by two: the document, and the pipeline, count.
pub fn once(deployments: impl IntoIterator<Item = Deployment>, observed: &BTreeSet<String>) -> Vec<Deployment> {
    let mut latest: BTreeMap<String, Deployment> = BTreeMap::new();
    let rank = |deployment: &Deployment| (deployment.at_ms(), deployment.outcome, deployment.canonical());
    for deployment in deployments {
        let key = format!("{:?}", deployment.key());
        match latest.get(&key) {
            Some(standing) if rank(standing) >= rank(&deployment) => {}
            _ => {
                latest.insert(key, deployment);
            }
        }
    }
    let documented: BTreeSet<(String, String)> = latest
        .values()
        .filter(|deployment| deployment.told_by == ToldBy::Document)
        .map(|deployment| (deployment.id.clone(), deployment.environment.clone()))
        .collect();
    let mut once: Vec<Deployment> = latest
        .into_values()
        .filter(|deployment| match deployment.told_by {
            ToldBy::Document => true,
            ToldBy::CodeDeploy if observed.contains(&deployment.id) => false,
            _ => !documented.contains(&(deployment.id.clone(), deployment.environment.clone())),
        })
        .collect();
    once.sort_by_cached_key(|deployment| (deployment.at_ms(), deployment.canonical()));
    once
}

impl From<Source> for ToldBy {
    fn from(source: Source) -> Self {
        if source == Source::CodeDeploy { Self::CodeDeploy } else { Self::CodePipeline }
    }
}

/// One line: what a test reads.
impl fmt::Display for Deployment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = self.finished_ms.map_or_else(|| "-".to_owned(), shown_time);
        write!(f, "{} {} {} {}..{end}", self.id, self.environment, self.outcome.as_str(), shown_time(self.started_ms))?;
        for (name, value) in [("of", &self.component), ("commit", &self.commit), ("stage", &self.stage)] {
            if let Some(value) = value {
                write!(f, " {name} {value}")?;
            }
        }
        if self.attempt > 1 {
            write!(f, " attempt {}", self.attempt)?;
        }
        if self.rollback {
            write!(f, " rollback of {}", self.rollback_of.as_deref().unwrap_or("-"))?;
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "../deployment_tests.rs"]
mod tests;
