//! The export format `deployment` -> deployments. What is wrong is named by its place and field, never by its value.

use catalog_model::{DEFAULT_NAMESPACE, EntityRef};
use serde_json::{Map, Value};

use super::{Deployment, Outcome, ToldBy};
use crate::state::{epoch_ms, revision};

/// Of one document: nobody deploys more in a day, and each is a write.
pub const MAX_DEPLOYMENTS: usize = 1_000;

/// From beginning to end. A reader who looks for what ended since a time begins so much earlier.
pub const MAX_DEPLOYMENT_MS: u64 = 7 * 24 * 60 * 60 * 1_000;

/// As of every clock of a sender.
const MAX_AHEAD_MS: u64 = catalog_model::MAX_CLOCK_AHEAD_MS;

const MAX_ID_BYTES: usize = 128;
const MAX_URL_BYTES: usize = 1_024;
const MAX_NAME_BYTES: usize = 63;

const FIELDS: &[&str] = &[
    "id",
    "component",
    "environment",
    "outcome",
    "startedAt",
    "finishedAt",
    "commit",
    "commitTime",
    "url",
    "rollbackOf",
];

/// What the export's parameters say of every deployment that does not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Defaults {
    pub component: Option<EntityRef>,
    pub environment: Option<String>,
}

/// What became of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParsedDeployments {
    /// With the index of each in the document.
    pub deployments: Vec<(usize, Deployment)>,
    pub refused: Vec<Refusal>,
    pub notes: Vec<String>,
}

/// One deployment that is refused; the others count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub index: usize,
    pub error: DeploymentError,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeploymentError {
    #[error("the file is not valid JSON (line {line}, column {column})")]
    MalformedJson { line: usize, column: usize },
    #[error("the file is neither a deployment nor a list of deployments, but {found}")]
    NotADeployment { found: &'static str },
    #[error("the file is an empty list: it deletes nothing, so there is nothing to do")]
    Empty,
    #[error("the file has {count} deployments, more than {MAX_DEPLOYMENTS}: send them in several")]
    TooMany { count: usize },
    #[error("deployment {index}: it has no `{field}`")]
    Missing { index: usize, field: &'static str },
    #[error("deployment {index}: `{field}` is not {expected}")]
    Invalid { index: usize, field: &'static str, expected: &'static str },
    #[error("no deployment of the file is usable; the first reason is: {first}")]
    NoneUsable { first: String },
}

impl DeploymentError {
    /// A stable reason in kebab case.
    pub fn code(&self) -> &'static str {
        match self {
            Self::MalformedJson { .. } => "malformed-json",
            Self::NotADeployment { .. } => "not-a-deployment",
            Self::Empty => "no-deployment",
            Self::TooMany { .. } => "too-many-deployments",
            Self::Missing { .. } => "missing-field",
            Self::Invalid { .. } => "invalid-field",
            Self::NoneUsable { .. } => "no-usable-deployment",
        }
    }
}

/// Reads a document. `now_ms` is when it came: what finished more than five minutes later is refused.
///
/// # Errors
/// Fails on a file that is no JSON, no deployment and no list of them, and on one without any that is usable.
pub fn parse(body: &[u8], defaults: &Defaults, now_ms: u64) -> Result<ParsedDeployments, DeploymentError> {
    let value: Value = serde_json::from_slice(body)
        .map_err(|error| DeploymentError::MalformedJson { line: error.line(), column: error.column() })?;
    let found = match &value {
        Value::Object(_) => vec![&value],
        Value::Array(items) => items.iter().collect(),
        other => return Err(DeploymentError::NotADeployment { found: kind(other) }),
    };
    if found.is_empty() {
        return Err(DeploymentError::Empty);
    }
    if found.len() > MAX_DEPLOYMENTS {
        return Err(DeploymentError::TooMany { count: found.len() });
    }
    let mut parsed = ParsedDeployments { deployments: Vec::new(), refused: Vec::new(), notes: Vec::new() };
    for (index, value) in found.into_iter().enumerate() {
        let Some(object) = value.as_object() else {
            parsed.refused.push(Refusal { index, error: DeploymentError::NotADeployment { found: kind(value) } });
            continue;
        };
        let fields = Fields { index, object };
        match fields.deployment(defaults, now_ms) {
            Ok(deployment) => parsed.deployments.push((index, deployment)),
            Err(error) => parsed.refused.push(Refusal { index, error }),
        }
        let unknown = object.keys().filter(|name| !FIELDS.contains(&name.as_str())).count();
        if unknown > 0 {
            let known = FIELDS.join(", ");
            parsed.notes.push(format!(
                "deployment {index}: fields that are unknown are left out ({unknown}); known are {known}"
            ));
        }
    }
    match (parsed.deployments.is_empty(), parsed.refused.first()) {
        (true, Some(refusal)) => Err(DeploymentError::NoneUsable { first: refusal.error.to_string() }),
        _ => Ok(parsed),
    }
}

struct Fields<'a> {
    index: usize,
    object: &'a Map<String, Value>,
}

impl<'a> Fields<'a> {
    fn deployment(&self, defaults: &Defaults, now_ms: u64) -> Result<Deployment, DeploymentError> {
        let id_form = "of the form [A-Za-z0-9._:/@+-], 1 to 128 characters";
        let id = self.required("id", id_form, |text| is_id(text).then(|| text.to_owned()))?;
        let outcome = self.required("outcome", "`succeeded`, `failed` or `rolled-back`", outcome)?;
        let time = "a time such as 2026-11-20T10:00:00Z";
        let finished_ms = self.required("finishedAt", time, epoch_ms)?;
        let started_ms = self.optional("startedAt", time, epoch_ms)?.unwrap_or(finished_ms);
        let commit_ms = self.optional("commitTime", time, epoch_ms)?;
        let invalid = |field, expected| Err(DeploymentError::Invalid { index: self.index, field, expected });
        if finished_ms > now_ms.saturating_add(MAX_AHEAD_MS) {
            return invalid("finishedAt", "before now");
        }
        if started_ms > finished_ms {
            return invalid("startedAt", "before `finishedAt`");
        }
        if finished_ms - started_ms > MAX_DEPLOYMENT_MS {
            return invalid("startedAt", "within seven days before `finishedAt`");
        }
        if commit_ms.is_some_and(|commit_ms| commit_ms > finished_ms) {
            return invalid("commitTime", "before `finishedAt`");
        }
        let component = self.optional("component", "the name of a component, such as `orders`", component)?;
        let component = component.or_else(|| defaults.component.as_ref().map(ToString::to_string));
        let name = "a name of letters and digits joined by single `-`, `_` or `.`, at most 63 characters";
        let environment = self.optional("environment", name, |text| is_name(text).then(|| text.to_owned()))?;
        let environment = environment.or_else(|| defaults.environment.clone());
        let rollback_of = self.optional("rollbackOf", id_form, |text| is_id(text).then(|| text.to_owned()))?;
        Ok(Deployment {
            component: Some(component.ok_or(self.missing("component"))?),
            environment: environment.ok_or(self.missing("environment"))?,
            outcome,
            started_ms,
            finished_ms: Some(finished_ms),
            commit: self.optional("commit", "a commit, digest or version of 4 to 128 characters", revision)?,
            commit_ms,
            url: self.optional("url", "a link with https, without credentials", url)?,
            rollback: rollback_of.is_some(),
            rollback_of,
            told_by: ToldBy::Document,
            pipeline: None,
            stage: None,
            attempt: 1,
            id,
        })
    }

    fn missing(&self, field: &'static str) -> DeploymentError {
        DeploymentError::Missing { index: self.index, field }
    }

    fn required<T>(
        &self,
        field: &'static str,
        expected: &'static str,
        read: impl Fn(&'a str) -> Option<T>,
    ) -> Result<T, DeploymentError> {
        self.optional(field, expected, read)?.ok_or(self.missing(field))
    }

    fn optional<T>(
        &self,
        field: &'static str,
        expected: &'static str,
        read: impl Fn(&'a str) -> Option<T>,
    ) -> Result<Option<T>, DeploymentError> {
        match self.object.get(field) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => {
                let read = value.as_str().and_then(read);
                read.map(Some).ok_or(DeploymentError::Invalid { index: self.index, field, expected })
            }
        }
    }
}

fn outcome(text: &str) -> Option<Outcome> {
    [Outcome::Succeeded, Outcome::Failed, Outcome::RolledBack].into_iter().find(|outcome| outcome.as_str() == text)
}

fn component(text: &str) -> Option<String> {
    let entity_ref = EntityRef::parse_in(text, Some("component"), DEFAULT_NAMESPACE).ok()?;
    let is_component =
        entity_ref.kind() == "component" && is_name(entity_ref.name()) && is_name(entity_ref.namespace());
    is_component.then(|| entity_ref.to_string())
}

fn is_id(text: &str) -> bool {
    (1..=MAX_ID_BYTES).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._:/@+-".contains(&b))
}

fn is_name(text: &str) -> bool {
    (1..=MAX_NAME_BYTES).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
        && !text.starts_with(['-', '_', '.'])
        && !text.ends_with(['-', '_', '.'])
}

/// What follows `?` and `#` may be anybody's token: it is cut off.
fn url(text: &str) -> Option<String> {
    let rest = text.strip_prefix("https://")?;
    let place = rest.split(['?', '#']).next()?;
    let host = place.split('/').next()?;
    let is_host = !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b".:-".contains(&b));
    let is_plain = place.bytes().all(|b| b.is_ascii_graphic() && !b"<>\"'`\\{}|^".contains(&b));
    (is_host && is_plain && text.len() <= MAX_URL_BYTES).then(|| format!("https://{place}"))
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
