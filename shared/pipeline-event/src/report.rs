//! What became of a job -> what is reported to the pipeline: within CodePipeline's limits, and without a secret.
//! <https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_PutJobSuccessResult.html>,
//! <https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_PutJobFailureResult.html>
//!
//! Our errors quote nothing of a job. Should one do so in future, the job's own secrets are taken out here once more.

use std::collections::BTreeMap;

use crate::job::Job;

/// In characters, by the API reference.
pub const MAX_SUMMARY_CHARS: usize = 2_048;
pub const MAX_MESSAGE_CHARS: usize = 5_000;
pub const MAX_EXTERNAL_ID_CHARS: usize = 1_500;

/// Names and values of all output variables together: CodePipeline takes 122,880.
pub const MAX_VARIABLES_BYTES: usize = 120_000;

/// What one variable may take of it. The lists get most: all others are short.
const MAX_LIST_BYTES: usize = 100_000;
const MAX_VALUE_BYTES: usize = 1_000;

/// What was done with the export of a job.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Done<'a> {
    /// `accepted`, `retired`
    pub status: &'a str,
    /// `<producer>/<format>/<name>`
    pub export: &'a str,
    pub version: &'a str,
    /// References of entities that the export names.
    pub entities: &'a [String],
    /// How many there are, where the list is shortened.
    pub entity_count: u64,
    pub documents: u64,
    pub refused: u64,
    pub swept: u64,
    /// A newer export of the same name stands.
    pub superseded: bool,
}

/// For `PutJobSuccessResult`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Success {
    /// `executionDetails.summary`
    pub summary: String,
    /// `executionDetails.externalExecutionId`: the version of the export.
    pub external_execution_id: Option<String>,
    /// `outputVariables`, which later actions read as `#{namespace.name}`.
    pub output_variables: BTreeMap<String, String>,
}

/// For `PutJobFailureResult`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub kind: FailureKind,
    pub message: String,
}

/// `failureDetails.type`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// The export is at fault.
    JobFailed,
    /// The action is: its parameters or artifacts.
    ConfigurationError,
    /// The artifact may not be read.
    PermissionError,
    /// We are: the same job may pass later.
    SystemUnavailable,
}

impl FailureKind {
    /// As the API spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::JobFailed => "JobFailed",
            Self::ConfigurationError => "ConfigurationError",
            Self::PermissionError => "PermissionError",
            Self::SystemUnavailable => "SystemUnavailable",
        }
    }
}

impl Success {
    /// Names the entities of the export, as many as fit: `entitiesLeftOut` says how many do not.
    pub fn of(done: &Done<'_>) -> Self {
        let Done { status, export, version, entities, entity_count, documents, refused, swept, superseded } = done;
        let mut summary = format!("{status}: {export} names {}", counted(*entity_count, "entity", "entities"));
        if *documents > 0 {
            summary.push_str(&format!(", {refused} of {} refused", counted(*documents, "document", "documents")));
        }
        if *swept > 0 {
            summary.push_str(&format!(", {swept} retired"));
        }
        if *superseded {
            summary.push_str("; a newer export stands, so nothing changed");
        }
        let listed = fitting(entities);
        let left_out = entity_count.saturating_sub(u64::try_from(listed.len()).unwrap_or(u64::MAX));
        let variables = [
            ("status", (*status).to_owned()),
            ("export", (*export).to_owned()),
            ("version", (*version).to_owned()),
            ("entities", listed.join(",")),
            ("entityCount", entity_count.to_string()),
            ("entitiesLeftOut", left_out.to_string()),
            ("documents", documents.to_string()),
            ("refused", refused.to_string()),
            ("swept", swept.to_string()),
            ("superseded", superseded.to_string()),
        ];
        let output_variables = variables
            .into_iter()
            .map(|(name, value)| {
                let value = if name == "entities" { value } else { cut_bytes(&value, MAX_VALUE_BYTES) };
                (name.to_owned(), value)
            })
            .collect();
        Self {
            summary: cut(&clean(&summary), MAX_SUMMARY_CHARS),
            external_execution_id: (!version.is_empty()).then(|| cut(&clean(version), MAX_EXTERNAL_ID_CHARS)),
            output_variables,
        }
    }
}

impl Failure {
    /// `job`: whose secrets must not be in the message. `None`: the event was no job, which nobody can report.
    pub fn of(kind: FailureKind, message: &str, job: Option<&Job>) -> Self {
        let mut message = message.to_owned();
        for secret in job.iter().flat_map(|job| job.secrets()) {
            // Shorter ones are in many words, and keep nothing secret.
            if secret.len() >= 8 {
                message = message.replace(secret, "(secret)");
            }
        }
        let message = cut(&clean(&message), MAX_MESSAGE_CHARS);
        // The API wants one character at least.
        Self { kind, message: if message.is_empty() { "failed".to_owned() } else { message } }
    }
}

fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// The first references whose texts, joined, fit.
fn fitting(entities: &[String]) -> &[String] {
    let mut bytes = 0;
    let count = entities.iter().take_while(|entity| {
        bytes += entity.len() + 1;
        bytes <= MAX_LIST_BYTES
    });
    &entities[..count.count()]
}

fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { ' ' } else { c }).collect()
}

fn cut(text: &str, max_chars: usize) -> String {
    if text.chars().count() <= max_chars {
        return text.to_owned();
    }
    text.chars().take(max_chars - 1).chain(['…']).collect()
}

fn cut_bytes(text: &str, max_bytes: usize) -> String {
    let end = (0..=max_bytes.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
    text[..end].to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_success_names_the_entities_and_counts_the_rest() {
        let entities = ["component:default/orders".to_owned(), "resource:default/orders-db".to_owned()];
        let done = Done {
            status: "accepted",
            export: "org.repo/terraform-state/prod",
            version: "0.1",
            entities: &entities,
            entity_count: 2,
            documents: 3,
            refused: 1,
            swept: 0,
            superseded: false,
        };
        let success = Success::of(&done);
        assert_eq!(
            success.summary,
            "accepted: org.repo/terraform-state/prod names 2 entities, 1 of 3 documents refused"
        );
        assert_eq!(success.external_execution_id.as_deref(), Some("0.1"));
        assert_eq!(success.output_variables["entities"], "component:default/orders,resource:default/orders-db");
        assert_eq!(success.output_variables["entitiesLeftOut"], "0");
        let late = Success::of(&Done { superseded: true, ..done }).summary;
        assert!(late.ends_with("; a newer export stands, so nothing changed"), "{late}");
    }

    #[test]
    fn a_success_keeps_the_limits_of_the_api() {
        let entities: Vec<String> = (0..50_000).map(|at| format!("resource:default/{at:050}")).collect();
        let long = "x".repeat(10_000);
        let done = Done {
            status: &long,
            export: &long,
            version: &long,
            entities: &entities,
            entity_count: 50_000,
            ..Done::default()
        };
        let success = Success::of(&done);
        let bytes: usize = success.output_variables.iter().map(|(name, value)| name.len() + value.len()).sum();
        assert!(bytes <= MAX_VARIABLES_BYTES, "{bytes}");
        assert_eq!(success.summary.chars().count(), MAX_SUMMARY_CHARS);
        assert_eq!(success.external_execution_id.unwrap().chars().count(), MAX_EXTERNAL_ID_CHARS);
        let listed = success.output_variables["entities"].split(',').count();
        assert_eq!(success.output_variables["entitiesLeftOut"], (50_000 - listed).to_string());
        for name in success.output_variables.keys() {
            assert!(name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'@' | b'_' | b'-')), "{name}");
        }
    }

    #[test]
    fn a_failure_is_short_and_without_the_secrets_of_its_job() {
        let job = Job::from_value(json!({"CodePipeline.job": {"id": "1", "data": {"artifactCredentials": {
            "accessKeyId": "AKIACANARY", "secretAccessKey": "wJal/CANARY+x", "sessionToken": "token-CANARY"
        }}}}))
        .unwrap();
        let text = "denied to AKIACANARY with wJal/CANARY+x\u{7} and token-CANARY";
        let failure = Failure::of(FailureKind::PermissionError, text, Some(&job));
        assert_eq!(failure.message, "denied to (secret) with (secret)  and (secret)");
        assert_eq!(failure.kind.as_str(), "PermissionError");
        let long = Failure::of(FailureKind::JobFailed, &"ä".repeat(6_000), None);
        assert_eq!(long.message.chars().count(), MAX_MESSAGE_CHARS);
        assert_eq!(Failure::of(FailureKind::JobFailed, "", None).message, "failed");
    }
}
