//! One configuration item of any dialect -> its words in one spelling.

use std::collections::BTreeMap;
use std::fmt;

use catalog_model::resource_types::{self, RESOURCE_TYPES};
use catalog_model::{Arn, Canonical, Identity, MAX_ID_BYTES};
use serde_json::Value;

use crate::attributes::attributes_of;
use crate::clock;
use crate::config_id::{Subject, seen};
use crate::error::{ConfigItemError, quoted};
use crate::fields::{decoded, pick, text};
use crate::relationships::Relationship;
use crate::tags;

/// The region of what belongs to none.
const GLOBAL: &str = "global";

const ITEM: &str = "configuration item";

/// Digits of an account id. A number loses the zeros in front, so that fewer may come.
const ACCOUNT_DIGITS: usize = 12;

/// Longest type that CloudFormation registers.
const MAX_TYPE_CHARS: usize = 204;

/// What Config says happened to the resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// `OK`, `ResourceDiscovered`: the item describes the resource.
    Recorded,
    /// `ResourceNotRecorded`: the resource exists, and the item describes nothing.
    NotRecorded,
    /// `ResourceDeleted`, `ResourceDeletedNotRecorded`.
    Deleted,
}

/// What Config recorded of one resource at one moment.
#[derive(Clone, PartialEq)]
pub struct ConfigurationItem {
    /// Digits, as Config writes them: 12, or fewer in hand-made items.
    pub account: String,
    /// A region, or `global`.
    pub region: String,
    /// `aws`, `aws-cn`, ...: of the ARN, else of the region.
    pub partition: String,
    /// In the spelling of our tables, where they know the type.
    pub resource_type: String,
    pub resource_id: String,
    pub resource_name: Option<String>,
    pub arn: Option<String>,
    pub availability_zone: Option<String>,
    pub status: Status,
    /// Milliseconds since 1970.
    pub captured_ms: u64,
    /// Orders the items of one resource that were captured together. A UUID of 2014 counts as its 128 bits.
    pub state_id: u128,
    /// Milliseconds since 1970.
    pub created_ms: Option<u64>,
    pub tags: BTreeMap<String, String>,
    pub relationships: Vec<Relationship>,
    /// Opaque, and full of secrets: only the allow-list of `attributes.rs` reads it.
    pub(crate) configuration: Value,
    pub(crate) supplementary: Value,
}

impl ConfigurationItem {
    /// Reads an item, or the summary of an oversized one.
    ///
    /// # Errors
    /// Fails on a missing or unusable status, type, id, account, region, capture time or state id, and on a
    /// `configuration` that is a string and no JSON. Everything else may be absent or of any shape.
    pub(crate) fn read(item: &Value) -> Result<Self, ConfigItemError> {
        if !item.is_object() {
            return Err(ConfigItemError::NotAConfigDocument { found: crate::document::json_type(item) });
        }
        let resource_type = resource_type(item)?;
        let arn = text(item, &["arn"]).filter(|arn| Arn::parse(arn).is_some());
        let id_missing = ConfigItemError::Missing { what: ITEM, field: "resourceId" };
        let resource_id = text(item, &["resourceId"]).or_else(|| arn.clone()).ok_or(id_missing)?;
        check_id("resourceId", &resource_id)?;
        check_id("ARN", arn.as_deref().unwrap_or_default())?;
        let region = region(item, &resource_type, arn.as_deref())?;
        let configuration = configuration(item)?;
        let supplementary = pick(item, &["supplementaryConfiguration"]).map(decoded).unwrap_or_default().into_owned();
        Ok(Self {
            account: account(item, arn.as_deref())?,
            partition: partition(arn.as_deref(), &region).to_owned(),
            region,
            resource_name: text(item, &["resourceName"]),
            availability_zone: text(item, &["availabilityZone", "availibilityZone"])
                .filter(|zone| !zone.eq_ignore_ascii_case("Not Applicable")),
            status: status(item)?,
            captured_ms: captured_ms(item)?,
            state_id: state_id(item)?,
            created_ms: pick(item, &["resourceCreationTime"]).and_then(clock::epoch_ms),
            tags: tags::of_item(pick(item, &["tags"]), &configuration, &supplementary),
            relationships: Relationship::list(pick(item, &["relationships"])),
            resource_type,
            resource_id,
            arn,
            configuration,
            supplementary,
        })
    }

    /// The record: by ARN, else by what the id or the name stands for, else by account, region, type and id.
    pub fn identity(&self) -> Identity {
        let spellings = [self.arn.as_deref(), Some(self.resource_id.as_str()), self.resource_name.as_deref()];
        for id in spellings.into_iter().flatten() {
            if let Canonical::Exact(identity) = seen(self.place(), &self.resource_type, id) {
                return identity;
            }
        }
        Identity::of_resource_without_arn(self.place(), &self.resource_type, &self.resource_id)
    }

    /// The account that the item is about: of an account's own item, that account and not the one that manages it.
    pub fn subject_account(&self) -> String {
        self.identity().account_id().unwrap_or(&self.account).to_owned()
    }

    /// Under which Config speaks of the resource where it says no ARN.
    pub fn subject(&self) -> Option<Subject> {
        Subject::of(self.place(), &self.resource_type, &self.resource_id)
    }

    pub fn place(&self) -> catalog_model::Place<'_> {
        catalog_model::Place { partition: &self.partition, account: &self.account, region: &self.region }
    }
}

/// Where a resource is, when no item of it says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub partition: String,
    pub account: String,
    pub region: String,
}

impl Place {
    pub fn borrowed(&self) -> catalog_model::Place<'_> {
        catalog_model::Place { partition: &self.partition, account: &self.account, region: &self.region }
    }
}

/// The place that a message names in the fields of an item.
pub(crate) fn place_of(message: &Value, resource_type: &str) -> Result<Place, ConfigItemError> {
    // The region says the partition, also where the type belongs to none.
    let given = text(message, &["awsRegion"]).unwrap_or_default().to_ascii_lowercase();
    let partition = partition(None, &given).to_owned();
    Ok(Place { partition, account: account(message, None)?, region: region(message, resource_type, None)? })
}

/// Names the resource and nothing of its configuration.
impl fmt::Debug for ConfigurationItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { account, region, resource_type, resource_id, status, captured_ms, state_id, .. } = self;
        write!(
            f,
            "ConfigurationItem({account} {region} {resource_type} {resource_id} {status:?} {captured_ms}/{state_id})"
        )
    }
}

fn missing(field: &'static str) -> ConfigItemError {
    ConfigItemError::Missing { what: ITEM, field }
}

fn invalid(field: &'static str, found: &Value, expected: &'static str) -> ConfigItemError {
    let found = match found {
        Value::String(text) => quoted(text),
        Value::Number(number) => number.to_string(),
        other => crate::document::json_type(other).to_owned(),
    };
    ConfigItemError::Invalid { what: ITEM, field, found, expected }
}

/// What goes into the key of a record.
pub(crate) fn check_id(field: &'static str, id: &str) -> Result<(), ConfigItemError> {
    if id.len() > MAX_ID_BYTES {
        return Err(ConfigItemError::TooLong { field, bytes: id.len(), max: MAX_ID_BYTES });
    }
    if id.chars().any(char::is_control) {
        return Err(invalid(field, &Value::from(id.escape_debug().to_string()), "free of control characters"));
    }
    Ok(())
}

fn resource_type(item: &Value) -> Result<String, ConfigItemError> {
    let value = pick(item, &["resourceType"]).ok_or_else(|| missing("resourceType"))?;
    let found = |_| invalid("resourceType", value, A_TYPE);
    checked_type(value.as_str().unwrap_or_default()).map_err(found)
}

const A_TYPE: &str = "a type such as `AWS::S3::Bucket`";

/// A type in the spelling of our tables, where they know it.
pub(crate) fn checked_type(given: &str) -> Result<String, ConfigItemError> {
    let given = given.trim();
    let is_type = given.len() <= MAX_TYPE_CHARS
        && given.contains("::")
        && given.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b':');
    if !is_type {
        return Err(invalid("resourceType", &Value::from(given), A_TYPE));
    }
    let known = RESOURCE_TYPES.iter().find(|known| known.aws_type.eq_ignore_ascii_case(given));
    let spelled = known.map(|known| known.aws_type).or_else(|| Some(attributes_of(given)?.resource_type));
    Ok(spelled.unwrap_or(given).to_owned())
}

fn account(item: &Value, arn: Option<&str>) -> Result<String, ConfigItemError> {
    let of_arn = arn.and_then(Arn::parse).map(|arn| arn.account).filter(|account| !account.is_empty()).map(Value::from);
    let value =
        pick(item, &["awsAccountId", "accountId"]).or(of_arn.as_ref()).ok_or_else(|| missing("awsAccountId"))?;
    let account = match value {
        Value::Number(number) => format!("{:0>ACCOUNT_DIGITS$}", number.to_string()),
        Value::String(text) => text.trim().to_owned(),
        _ => String::new(),
    };
    let is_account = (1..=ACCOUNT_DIGITS).contains(&account.len()) && account.bytes().all(|byte| byte.is_ascii_digit());
    if !is_account {
        return Err(invalid("awsAccountId", value, "an account id of 12 digits"));
    }
    Ok(account)
}

/// Global types come from every region that records them, and are one resource: their region is `global`.
fn region(item: &Value, resource_type: &str, arn: Option<&str>) -> Result<String, ConfigItemError> {
    if resource_types::is_global(resource_type) {
        return Ok(GLOBAL.to_owned());
    }
    let of_zone = || {
        let zone = text(item, &["availabilityZone", "availibilityZone"])?;
        let region = zone.strip_suffix(|last: char| last.is_ascii_lowercase())?;
        region.ends_with(|last: char| last.is_ascii_digit()).then(|| region.to_owned())
    };
    let given = text(item, &["awsRegion"]);
    let of_arn = || arn.and_then(Arn::parse).map(|arn| arn.region.to_owned()).filter(|region| !region.is_empty());
    let region = given.or_else(of_arn).or_else(of_zone).ok_or_else(|| missing("awsRegion"))?;
    if region.eq_ignore_ascii_case("Not Applicable") {
        return Ok(GLOBAL.to_owned());
    }
    if region.len() > 32 || !region.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        return Err(invalid("awsRegion", &Value::from(region), "a region such as `eu-west-1`"));
    }
    Ok(region.to_ascii_lowercase())
}

/// <https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html>
fn partition<'a>(arn: Option<&'a str>, region: &str) -> &'a str {
    const BY_REGION: &[(&str, &str)] = &[
        ("cn-", "aws-cn"),
        ("us-gov-", "aws-us-gov"),
        ("eusc-", "aws-eusc"),
        ("us-isob-", "aws-iso-b"),
        ("us-isof-", "aws-iso-f"),
        ("eu-isoe-", "aws-iso-e"),
        ("us-iso-", "aws-iso"),
    ];
    let of_region =
        BY_REGION.iter().find(|(prefix, _)| region.starts_with(prefix)).map_or("aws", |(_, partition)| partition);
    arn.and_then(Arn::parse).map_or(of_region, |arn| arn.partition)
}

fn status(item: &Value) -> Result<Status, ConfigItemError> {
    /// Without prefix: the API before 2016.
    const STATUSES: &[(&str, Status)] = &[
        ("OK", Status::Recorded),
        ("ResourceDiscovered", Status::Recorded),
        ("Discovered", Status::Recorded),
        ("ResourceNotRecorded", Status::NotRecorded),
        ("ResourceDeleted", Status::Deleted),
        ("ResourceDeletedNotRecorded", Status::Deleted),
        ("Deleted", Status::Deleted),
    ];
    let value = pick(item, &["configurationItemStatus"]).ok_or_else(|| missing("configurationItemStatus"))?;
    let given = value.as_str().map(str::trim).unwrap_or_default();
    let known = STATUSES.iter().find(|(name, _)| name.eq_ignore_ascii_case(given));
    known.map(|(_, status)| *status).ok_or_else(|| {
        let expected = "OK, ResourceDiscovered, ResourceNotRecorded, ResourceDeleted or ResourceDeletedNotRecorded";
        invalid("configurationItemStatus", value, expected)
    })
}

fn captured_ms(item: &Value) -> Result<u64, ConfigItemError> {
    let field = "configurationItemCaptureTime";
    let value = pick(item, &[field]).ok_or_else(|| missing(field))?;
    clock::epoch_ms(value).ok_or_else(|| invalid(field, value, "a time such as `2026-11-20T10:00:00.000Z`"))
}

fn state_id(item: &Value) -> Result<u128, ConfigItemError> {
    let field = "configurationStateId";
    let Some(value) = pick(item, &[field]) else { return Ok(0) };
    clock::state_id(value).ok_or_else(|| invalid(field, value, "a number or a UUID"))
}

/// An object, the same as a JSON string, or nothing.
fn configuration(item: &Value) -> Result<Value, ConfigItemError> {
    match pick(item, &["configuration"]) {
        None => Ok(Value::Null),
        Some(Value::String(text)) if text.trim().is_empty() => Ok(Value::Null),
        Some(Value::String(text)) => serde_json::from_str(text).map_err(|source| ConfigItemError::MalformedJson {
            what: "`configuration` of the configuration item",
            source,
        }),
        Some(other) => Ok(other.clone()),
    }
}
