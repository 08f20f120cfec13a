//! Config's word on whether a resource meets a rule -> what is kept beside its record, and the counts that are shown.
//! Message: <https://docs.aws.amazon.com/config/latest/developerguide/example-config-rule-compliance-notification.html>
//!
//! The word on each rule is a register of its own, with a version that only rises. The counts are a fragment whose version
//! is the sum of those of all registers: whatever order writers come in, who has seen most wins, and who writes last has
//! seen all.

use catalog_model::{
    COMPLIANCE, Facts, Format, Fragment, Identity, MAX_CLOCK_AHEAD_MS, Pointer, Role, Said, SourceObject, Version,
    tie_of,
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::clock;
use crate::config_id::Subject;
use crate::error::{ConfigItemError, quoted};
use crate::fields::{pick, text};
use crate::item::Place;

const MESSAGE: &str = "compliance notification";

/// Rules whose names are shown of those that are not met.
const MAX_NAMED_RULES: usize = 5;

/// Longest name of a rule.
const MAX_RULE_CHARS: usize = 128;

/// A sum has room for a million registers: of each version 44 bits of either time (to the year 2527), and 20 of the tie.
const TIME_BITS: u32 = 44;
const TIE_BITS: u32 = 20;

/// Whether a resource meets a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ComplianceType {
    Compliant,
    NonCompliant,
    NotApplicable,
    InsufficientData,
}

const TYPES: [(&str, ComplianceType, &str); 4] = [
    ("COMPLIANT", ComplianceType::Compliant, "compliant"),
    ("NON_COMPLIANT", ComplianceType::NonCompliant, "nonCompliant"),
    ("NOT_APPLICABLE", ComplianceType::NotApplicable, "notApplicable"),
    ("INSUFFICIENT_DATA", ComplianceType::InsufficientData, "insufficientData"),
];

/// The result of one rule for one resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compliance {
    pub place: Place,
    pub resource_type: String,
    pub resource_id: String,
    pub rule: String,
    /// Rules of two regions, and of two times, may have one name.
    pub rule_arn: Option<String>,
    pub compliance: ComplianceType,
    /// Orders the results of a rule for a resource, and the second the results of one such moment. Ms since 1970.
    pub ordered_ms: u64,
    pub recorded_ms: u64,
}

/// One register: what stands for a rule beside a record.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleResult {
    /// 32 hexadecimal digits, of the rule alone.
    pub id: String,
    pub version: Version,
    pub body: Value,
}

impl Compliance {
    pub(crate) fn read(notification: &Value) -> Result<Self, ConfigItemError> {
        let missing = |field| ConfigItemError::Missing { what: MESSAGE, field };
        let result = pick(notification, &["newEvaluationResult"]).ok_or_else(|| missing("newEvaluationResult"))?;
        let identifier = pick(result, &["evaluationResultIdentifier"]).unwrap_or(&Value::Null);
        let qualifier = pick(identifier, &["evaluationResultQualifier"]).unwrap_or(&Value::Null);
        let said = |name: &'static str| {
            text(notification, &[name]).or_else(|| text(qualifier, &[name])).ok_or_else(|| missing(name))
        };
        let resource_type = crate::item::checked_type(&said("resourceType")?)?;
        let resource_id = said("resourceId")?;
        crate::item::check_id("resourceId", &resource_id)?;
        let given = text(result, &["complianceType"]).ok_or_else(|| missing("complianceType"))?;
        let compliance = TYPES.iter().find(|(name, ..)| name.eq_ignore_ascii_case(&given)).ok_or_else(|| {
            let expected = "COMPLIANT, NON_COMPLIANT, NOT_APPLICABLE or INSUFFICIENT_DATA";
            ConfigItemError::Invalid { what: MESSAGE, field: "complianceType", found: quoted(&given), expected }
        })?;
        let time = |object: &Value, field| pick(object, &[field]).and_then(clock::epoch_ms);
        let recorded = time(result, "resultRecordedTime");
        let ordered = time(identifier, "orderingTimestamp").or(recorded).ok_or_else(|| missing("orderingTimestamp"))?;
        let rule = said("configRuleName")?;
        if rule.chars().count() > MAX_RULE_CHARS {
            return Err(ConfigItemError::TooLong { field: "configRuleName", bytes: rule.len(), max: MAX_RULE_CHARS });
        }
        Ok(Self {
            place: crate::item::place_of(notification, &resource_type)?,
            resource_type,
            resource_id,
            rule,
            rule_arn: text(notification, &["configRuleARN"]),
            compliance: compliance.1,
            ordered_ms: ordered,
            recorded_ms: recorded.unwrap_or(ordered),
        })
    }

    /// The resource, of which the message says no ARN. `None`: of a type whose ARN does not follow, and no second id.
    pub fn subject(&self) -> Option<Subject> {
        Subject::of(self.place.borrowed(), &self.resource_type, &self.resource_id)
    }

    /// # Errors
    /// Fails on a time more than five minutes ahead of `now_ms`.
    pub fn result(&self, now_ms: u64) -> Result<RuleResult, ConfigItemError> {
        let name = TYPES.iter().find(|(_, kind, _)| *kind == self.compliance).map(|(name, ..)| *name);
        let recorded = clock::iso(self.recorded_ms);
        let body = json!({"rule": self.rule, "compliance": name, "evaluatedAt": clock::iso(self.ordered_ms), "recordedAt": recorded});
        let tie = tie_of(body.to_string().as_bytes()) >> (64 - TIE_BITS);
        // The later of the two must not win for ever either.
        let recorded_ms = self.recorded_ms.min(now_ms.saturating_add(MAX_CLOCK_AHEAD_MS));
        let version = Version::of_config(self.ordered_ms, u128::from(recorded_ms), tie, now_ms)
            .map_err(|source| ConfigItemError::Version { source })?;
        let rule = self.rule_arn.as_deref().unwrap_or(&self.rule);
        let digest = Sha256::digest(format!("{}\n{rule}", self.rule));
        let id = digest.iter().take(16).fold(String::new(), |id, byte| id + &format!("{byte:02x}"));
        Ok(RuleResult { id, version, body })
    }
}

/// What all results that stand beside `subject` come to, for the record that it leads to. `account` is the resource's.
pub fn counts<'r>(
    results: impl IntoIterator<Item = (&'r Version, &'r Value)>,
    identity: &Identity,
    subject: &Subject,
    account: &str,
    delivery: &str,
) -> Fragment {
    let (mut sum, mut counts, mut failing) = (0_u128, [0_u64; TYPES.len()], Vec::new());
    for (version, body) in results {
        sum = sum.saturating_add(rank(version));
        let said = body["compliance"].as_str().unwrap_or_default();
        let Some(at) = TYPES.iter().position(|(name, ..)| *name == said) else { continue };
        counts[at] += 1;
        if TYPES[at].1 == ComplianceType::NonCompliant {
            failing.extend(body["rule"].as_str());
        }
    }
    failing.sort_unstable();
    failing.dedup();
    failing.truncate(MAX_NAMED_RULES);
    let mut facts = Facts::new(Role::Mentioned);
    let at = |name| Pointer::to(COMPLIANCE.into_iter().chain([name]));
    for ((_, _, name), count) in TYPES.iter().zip(counts) {
        facts.say(at(name), count);
    }
    if !failing.is_empty() {
        facts.say(at("failing"), failing);
    }
    let mut source = SourceObject::config(Format::ConfigCompliance, account, identity);
    source.name = subject.record_key().to_string();
    let said = Said::Facts(facts);
    let version = Version::of_tally(sum, tie_of(said.canonical().as_bytes()));
    Fragment { source, version, delivery: delivery.to_owned(), said }
}

/// One number that orders as the versions of one register do.
fn rank(version: &Version) -> u128 {
    let times = (u128::from(version.major()) << TIME_BITS) | (version.minor() & ((1 << TIME_BITS) - 1));
    (times << TIE_BITS) | u128::from(version.tie() & ((1 << TIE_BITS) - 1))
}
