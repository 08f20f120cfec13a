//! The envelope of an event, as EventBridge or a notification rule spells it, and the texts that may be taken out of one.

use catalog_model::{Arn, Canonical, Identity, Place, SeenAs, Sighting, canonical};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::Value;

/// Longest id, name or path in an event, in bytes.
const MAX_TEXT_BYTES: usize = 256;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    #[error(
        "the event is no state change of a pipeline, build, deployment or stack: check the rule that sends it here"
    )]
    ForeignEvent,
    #[error("the event has no `{field}`")]
    Missing { field: &'static str },
    #[error("`{field}` of the event is not {expected}")]
    Invalid { field: &'static str, expected: &'static str },
}

impl StateError {
    /// A stable reason in kebab case.
    pub fn code(&self) -> &'static str {
        match self {
            Self::ForeignEvent => "foreign-event",
            Self::Missing { .. } => "missing-field",
            Self::Invalid { .. } => "invalid-field",
        }
    }
}

pub(super) struct Event<'a> {
    pub(super) detail_type: &'a str,
    pub(super) detail: &'a Value,
    /// What a notification rule adds beside the detail.
    pub(super) additional: &'a Value,
    pub(super) account: &'a str,
    pub(super) region: &'a str,
    pub(super) time_ms: u64,
    resources: Vec<Arn<'a>>,
}

impl<'a> Event<'a> {
    pub(super) fn of(event: &'a Value) -> Result<Self, StateError> {
        let detail_type = event["detail-type"].as_str().or_else(|| event["detailType"].as_str());
        let detail_type = detail_type.ok_or(StateError::ForeignEvent)?;
        let service = event["source"].as_str().and_then(|source| source.strip_prefix("aws."));
        let starts = match service {
            Some("codepipeline") => "CodePipeline ",
            Some("codebuild") => "CodeBuild ",
            Some("codedeploy") => "CodeDeploy ",
            Some("cloudformation") => "CloudFormation ",
            _ => return Err(StateError::ForeignEvent),
        };
        if !detail_type.starts_with(starts) {
            return Err(StateError::ForeignEvent);
        }
        if !event["detail"].is_object() {
            return Err(StateError::Missing { field: "detail" });
        }
        let account = event["account"].as_str().ok_or(StateError::Missing { field: "account" })?;
        if account.len() != 12 || !account.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(StateError::Invalid { field: "account", expected: "12 digits" });
        }
        let region = event["region"].as_str().ok_or(StateError::Missing { field: "region" })?;
        if !is_region(region) {
            return Err(StateError::Invalid { field: "region", expected: "the code of a region" });
        }
        let time = event["time"].as_str().ok_or(StateError::Missing { field: "time" })?;
        let resources = event["resources"].as_array().into_iter().flatten();
        Ok(Self {
            detail_type,
            detail: &event["detail"],
            additional: &event["additionalAttributes"],
            account,
            region,
            time_ms: epoch_ms(time).ok_or(StateError::Invalid { field: "time", expected: "a time since 1970" })?,
            resources: resources.filter_map(|arn| Arn::parse(arn.as_str()?)).collect(),
        })
    }

    /// The first resource of that service whose last part begins so. Its account and region must be the event's own,
    /// which EventBridge vouches for.
    pub(super) fn resource(&self, service: &str, prefix: &str) -> Result<Option<Arn<'a>>, StateError> {
        let mut of_service = self.resources.iter().filter(|arn| arn.service == service);
        let Some(arn) = of_service.find(|arn| arn.resource.starts_with(prefix)) else { return Ok(None) };
        self.own(*arn, "resources").map(Some)
    }

    /// The ARN, if it is of the event's account and region.
    pub(super) fn own(&self, arn: Arn<'a>, field: &'static str) -> Result<Arn<'a>, StateError> {
        if arn.account != self.account || arn.region != self.region {
            return Err(StateError::Invalid { field, expected: "of the account and region of the event" });
        }
        Ok(arn)
    }

    /// Of any ARN in the event, else the one that the region is in.
    pub(super) fn partition(&self) -> &'a str {
        let by_region = [("cn-", "aws-cn"), ("us-gov-", "aws-us-gov"), ("eusc-", "aws-eusc"), ("us-iso-", "aws-iso")];
        let of_region = by_region.iter().find(|(prefix, _)| self.region.starts_with(prefix));
        self.resources.first().map(|arn| arn.partition).unwrap_or(of_region.map_or("aws", |(_, partition)| partition))
    }

    pub(super) fn place(&self) -> Place<'a> {
        Place { partition: self.partition(), account: self.account, region: self.region }
    }

    /// The resource of that name or ARN.
    pub(super) fn identity(&self, aws_type: &str, id: &str, field: &'static str) -> Result<Identity, StateError> {
        match canonical(&Sighting { place: self.place(), seen_as: SeenAs::ResourceType(aws_type), id }) {
            Canonical::Exact(identity) => Ok(identity),
            Canonical::Secondary(_) | Canonical::Unknown => {
                Err(StateError::Invalid { field, expected: "the name or ARN of a resource" })
            }
        }
    }

    /// A required id or name of the detail.
    pub(super) fn text(&self, field: &'static str) -> Result<&'a str, StateError> {
        match &self.detail[field] {
            Value::Null => Err(StateError::Missing { field }),
            value => named(value).ok_or(StateError::Invalid { field, expected: NAME }),
        }
    }

    /// An id or name of the detail; what is none counts as absent.
    pub(super) fn text_if_any(&self, field: &str) -> Option<&'a str> {
        named(&self.detail[field])
    }
}

const NAME: &str = "a name or id of at most 256 printable characters";

/// A text that may be kept: short, of one line, and no more than letters, digits and the signs of ids and paths.
pub(super) fn named(value: &Value) -> Option<&str> {
    let text = value.as_str()?;
    let is_sign = |byte: u8| b"-_.:/@+=,~#()[] ".contains(&byte);
    let is_name = (1..=MAX_TEXT_BYTES).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || is_sign(byte));
    is_name.then_some(text)
}

/// `CommandFailed`, `StartPipelineExecution`: a code of AWS, and no text of anybody.
pub(super) fn code(value: &Value) -> Option<String> {
    let text = value.as_str()?;
    let is_code = (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    is_code.then(|| text.to_owned())
}

/// A whole number, as a number (`6`, `6.0`) or a text (`"6"`).
pub(super) fn whole(value: &Value) -> Option<u64> {
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.trim().to_owned(),
        _ => return None,
    };
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    if !fraction.bytes().all(|byte| byte == b'0') {
        return None;
    }
    whole.parse().ok()
}

/// What the revision of a source may be: a commit, a digest of an image, a version of an object.
pub(super) fn commit(value: &Value) -> Option<String> {
    value.as_str().and_then(revision)
}

/// The same, of a text.
pub(crate) fn revision(text: &str) -> Option<String> {
    let is_commit = (4..=128).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b':' | b'-'));
    is_commit.then(|| text.to_owned())
}

/// Milliseconds since 1970 of ISO 8601, or of `Sep 1, 2017 4:12:29 PM` in UTC, as CodeBuild writes it.
pub(crate) fn epoch_ms(text: &str) -> Option<u64> {
    let text = text.trim();
    let time = text.parse::<Timestamp>().ok().or_else(|| {
        let local = DateTime::strptime("%b %d, %Y %I:%M:%S %p", text).ok()?;
        TimeZone::UTC.to_timestamp(local).ok()
    })?;
    u64::try_from(time.as_millisecond()).ok()
}

fn is_region(text: &str) -> bool {
    (5..=32).contains(&text.len())
        && text.contains('-')
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_whole_number_is_read_from_every_spelling() {
        for value in [json!(6), json!(6.0), json!("6"), json!("6.0")] {
            assert_eq!(whole(&value), Some(6), "{value}");
        }
        for value in [json!(6.5), json!(-1), json!("six"), json!(null), json!(1e30), json!("")] {
            assert_eq!(whole(&value), None, "{value}");
        }
    }

    #[test]
    fn times_of_both_spellings_are_read() {
        assert_eq!(epoch_ms("2017-09-01T16:12:29Z"), Some(1_504_282_349_000));
        assert_eq!(epoch_ms("Sep 1, 2017 4:12:29 PM"), Some(1_504_282_349_000));
        assert_eq!(epoch_ms("Sep 12, 2017 12:00:00 AM"), epoch_ms("2017-09-12T00:00:00Z"));
        for text in ["", "yesterday", "1960-01-01T00:00:00Z", "Sep 31, 2017 4:12:29 PM"] {
            assert_eq!(epoch_ms(text), None, "{text}");
        }
    }
}
