//! How observations that come twice, late and in any order become one state.
//!
//! A *register* is (subject, execution, stage, action, attempt). Its state is the greatest observation by (time, rank of
//! the state, content). EventBridge's times are whole seconds, so the rank decides between two states of one second.
//! The greatest of a set does not depend on the order in which it came, nor on repeats.
//!
//! The latest execution of a subject is the one that began last: by the time that an event says, else by its earliest
//! observation.

use std::collections::BTreeMap;

use catalog_model::{Version, VersionError, tie_of};
use sha2::{Digest, Sha256};

use super::observation::{Level, Observation, Subject};

/// What an observation replaces and is replaced by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Register<'a> {
    pub subject: &'a Subject,
    pub execution: &'a str,
    pub stage: Option<&'a str>,
    pub action: Option<&'a str>,
    pub attempt: u64,
}

/// The states of one execution, each the greatest of its register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Execution<'a> {
    pub id: &'a str,
    pub subject: &'a Subject,
    pub started_ms: u64,
    /// Of the whole; of a pipeline of which only stages are told, the last of these.
    pub state: &'a Observation,
    /// Stages and actions, oldest first.
    pub parts: Vec<&'a Observation>,
    /// What started it and what it is of: said at the beginning, and not again at the end.
    pub trigger: Option<&'a str>,
    pub commit: Option<&'a str>,
}

impl Observation {
    pub fn register(&self) -> Register<'_> {
        Register {
            subject: &self.subject,
            execution: &self.execution,
            stage: self.stage.as_deref(),
            action: self.action.as_deref(),
            attempt: self.attempt,
        }
    }

    /// The order within a register.
    pub fn order(&self) -> (u64, u8, u64) {
        (self.time_ms, self.state.rank(), self.tie())
    }

    /// The order as a version that is stored: time, rank, content.
    ///
    /// # Errors
    /// Fails on an event from more than five minutes ahead.
    pub fn version(&self, now_ms: u64) -> Result<Version, VersionError> {
        Version::of_config(self.time_ms, u128::from(self.state.rank()), self.tie(), now_ms)
    }

    /// The order of what is said of the subject as a whole: which execution began last, then the state of that. One that
    /// does not say when it began counts from its own time.
    ///
    /// # Errors
    /// As [`Self::version`].
    pub fn latest_version(&self, now_ms: u64) -> Result<Version, VersionError> {
        self.version(now_ms)?;
        let started_ms = self.started_ms.unwrap_or(self.time_ms).min(self.time_ms);
        let minor = (u128::from(self.time_ms) << 8) | u128::from(self.state.rank());
        Version::of_config(started_ms, minor, self.tie(), now_ms)
    }

    /// Names this observation and its repeats, and no other: sixteen hexadecimal digits.
    pub fn digest(&self) -> String {
        hex::encode(&Sha256::digest(self.canonical())[..8])
    }

    fn tie(&self) -> u64 {
        tie_of(self.canonical().as_bytes())
    }

    fn canonical(&self) -> String {
        let value = serde_json::to_value(self).expect("texts and numbers always serialise");
        catalog_model::canonical_json(&value)
    }
}

/// The greatest observation of each register.
pub fn registers(observations: &[Observation]) -> BTreeMap<Register<'_>, &Observation> {
    let mut greatest: BTreeMap<Register<'_>, &Observation> = BTreeMap::new();
    for observation in observations {
        let standing = greatest.entry(observation.register()).or_insert(observation);
        if observation.order() > standing.order() {
            *standing = observation;
        }
    }
    greatest
}

/// All executions, the latest first: by their beginning, then by their id.
pub fn executions(observations: &[Observation]) -> Vec<Execution<'_>> {
    let mut began: BTreeMap<(&Subject, &str), u64> = BTreeMap::new();
    for observation in observations {
        let said = observation.started_ms.filter(|_| observation.level == Level::Execution);
        let at = said.unwrap_or(observation.time_ms).min(observation.time_ms);
        let earliest = began.entry((&observation.subject, &observation.execution)).or_insert(at);
        *earliest = at.min(*earliest);
    }
    let mut said: BTreeMap<(&Subject, &str), Vec<&Observation>> = BTreeMap::new();
    for observation in observations.iter().filter(|one| one.trigger.is_some() || one.commit.is_some()) {
        said.entry((&observation.subject, &observation.execution)).or_default().push(observation);
    }
    let mut grouped: BTreeMap<(&Subject, &str), Vec<&Observation>> = BTreeMap::new();
    for (register, observation) in registers(observations) {
        grouped.entry((register.subject, register.execution)).or_default().push(observation);
    }
    let mut executions: Vec<Execution<'_>> = grouped
        .into_iter()
        .filter_map(|((subject, id), mut parts)| {
            parts.sort_by_key(|part| part.order());
            let is_whole = |part: &&&Observation| part.level == Level::Execution;
            let state = *parts.iter().rfind(is_whole).or_else(|| parts.last())?;
            let started_ms = *began.get(&(subject, id))?;
            parts.retain(|part| part.level != Level::Execution);
            let mut all = said.remove(&(subject, id)).unwrap_or_default();
            all.sort_by_key(|one| one.order());
            let trigger = all.iter().find_map(|one| one.trigger.as_deref());
            let commit = all.iter().find_map(|one| one.commit.as_deref());
            Some(Execution { id, subject, started_ms, state, parts, trigger, commit })
        })
        .collect();
    executions.sort_by(|one, other| (other.started_ms, other.id).cmp(&(one.started_ms, one.id)));
    executions
}
