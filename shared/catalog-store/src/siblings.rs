//! What is kept beside a record, one item each: deployments of a component, states of a pipeline's executions, digests of
//! an API's definitions.
//!
//! A sibling is ordered by its own time and named by its id, so that a reader finds those of a stretch of time, the newest
//! first, with one Query. What is said again of one (time, id) counts if its version is larger. All of them expire.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure;
use catalog_model::{Applied, Identity, RecordKey, Version};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::attributes::{self, Item, n, s};
use crate::bodies::Folder;
use crate::records::check_pk;
use crate::{CatalogStore, Read, StoreError};

/// Longer than a year, so that a figure of a year has all of it.
pub const KEEP_SIBLINGS_S: u64 = 400 * 24 * 60 * 60;
/// A sibling is a few hundred bytes: more is none.
pub const MAX_SIBLING_BYTES: usize = 16 * 1024;
/// Of one page: at a few hundred bytes each it stays below the 1 MB of one Query.
pub const MAX_PAGE_SIBLINGS: usize = 1_000;

const MAX_ID_BYTES: usize = 64;

/// What a sibling tells of its record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SiblingKind {
    Deployment,
    /// Of an execution, stage or action.
    State,
    /// One state of an API's definition, by its digest.
    Definition,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sibling {
    /// Its own time, which never changes: what is said later of one that moved would be another sibling.
    pub at_ms: u64,
    /// Tells siblings of one time apart: 1 to 64 letters and digits.
    pub id: String,
    pub version: Version,
    pub body: Value,
}

/// Newest first.
#[derive(Debug, Clone, PartialEq)]
pub struct SiblingPage {
    pub siblings: Vec<Sibling>,
    /// Where the next page begins. `None`: this is the last one.
    pub next: Option<SiblingCursor>,
}

/// The place after which a page begins. Its text may come back from anybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiblingCursor {
    at_ms: u64,
    id: String,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it is no cursor of this list")]
pub struct SiblingCursorError;

/// What is written beside a record: siblings and registers have this in common.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Beside<'a> {
    pub(crate) prefix: &'static str,
    pub(crate) id: &'a str,
    pub(crate) version: &'a Version,
    pub(crate) body: &'a Value,
}

impl SiblingKind {
    fn prefix(self) -> &'static str {
        match self {
            Self::Deployment => attributes::DEPLOYMENT_PREFIX,
            Self::State => attributes::STATE_PREFIX,
            Self::Definition => attributes::DEFINITION_PREFIX,
        }
    }
}

impl CatalogStore {
    /// Writes a sibling, if it is newer than what was said of it before: exactly one UpdateItem. It expires
    /// [`KEEP_SIBLINGS_S`] after its time; one that is older already is gone at once.
    ///
    /// # Errors
    /// [`StoreError::SiblingTooLong`] for a body that is none, [`StoreError::WrongShape`] for an id outside its grammar
    /// and if what is stored has no readable version. A stale or a duplicate one is no error.
    pub async fn put_sibling(
        &self,
        identity: &Identity,
        kind: SiblingKind,
        sibling: &Sibling,
    ) -> Result<Applied, StoreError> {
        let pk = RecordKey::Entity(identity.clone()).to_string();
        let sk = attributes::sibling_sk(kind.prefix(), sibling.at_ms, &sibling.id);
        let expires_at = (sibling.at_ms / 1_000).saturating_add(KEEP_SIBLINGS_S);
        let update = self.dynamodb.update_item().update_expression(attributes::PUT_SIBLING);
        let update = update.expression_attribute_values(":at", n(expires_at));
        let Sibling { id, version, body, .. } = sibling;
        self.put_beside(update, &pk, &sk, Beside { prefix: kind.prefix(), id, version, body }).await
    }

    /// Writes what is kept beside a record, if it is newer than what stands there.
    pub(crate) async fn put_beside(
        &self,
        update: UpdateItemFluentBuilder,
        pk: &str,
        sk: &str,
        Beside { prefix, id, version, body }: Beside<'_>,
    ) -> Result<Applied, StoreError> {
        check_pk(pk)?;
        let wrong = |attribute: &str, detail| StoreError::WrongShape {
            item: format!("{pk} {prefix}"),
            attribute: attribute.to_owned(),
            detail,
        };
        if !is_id(id) {
            return Err(wrong(attributes::SK, "its id is not 1 to 64 letters and digits"));
        }
        let text = body.to_string();
        if text.len() > MAX_SIBLING_BYTES {
            return Err(StoreError::SiblingTooLong { bytes: text.len(), max: MAX_SIBLING_BYTES });
        }
        let update = update
            .table_name(&self.table)
            .set_key(Some(attributes::key(pk, sk)))
            .condition_expression(attributes::IF_NEWER)
            .expression_attribute_values(":v", s(version.as_str()))
            .expression_attribute_values(":b", s(text))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match update.send().await {
            Ok(_) => Ok(Applied::Applied),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                    let standing = failed.item().and_then(version_of);
                    let standing = standing.ok_or_else(|| wrong(attributes::VERSION, "it is no readable version"))?;
                    Ok(if standing == *version { Applied::Duplicate } else { Applied::Stale })
                }
                _ => Err(StoreError::aws("UpdateItem")(error)),
            },
        }
    }

    /// One page of the siblings whose time is in the range, newest first, by exactly one Query. `limit` is at most
    /// [`MAX_PAGE_SIBLINGS`]. A page may be shorter than its limit although another follows.
    ///
    /// # Errors
    /// Fails on an item that the catalog did not write.
    pub async fn siblings(
        &self,
        identity: &Identity,
        kind: SiblingKind,
        times_ms: Range<u64>,
        limit: usize,
        after: Option<&SiblingCursor>,
        read: Read,
    ) -> Result<SiblingPage, StoreError> {
        let pk = RecordKey::Entity(identity.clone()).to_string();
        check_pk(&pk)?;
        let prefix = kind.prefix();
        // A time alone comes before that time with an id: the range ends before its end.
        let bound = |at_ms| s(attributes::sibling_bound(prefix, at_ms));
        let is_in_range = |cursor: &&SiblingCursor| times_ms.contains(&cursor.at_ms);
        if times_ms.is_empty() || after.is_some_and(|cursor| cursor.at_ms < times_ms.start) {
            return Ok(SiblingPage { siblings: Vec::new(), next: None });
        }
        let start = after
            .filter(is_in_range)
            .map(|cursor| attributes::key(&pk, &attributes::sibling_sk(prefix, cursor.at_ms, &cursor.id)));
        let limit = i32::try_from(limit.clamp(1, MAX_PAGE_SIBLINGS)).unwrap_or(1);
        let answer = self
            .dynamodb
            .query()
            .table_name(&self.table)
            .key_condition_expression(attributes::BETWEEN)
            .expression_attribute_values(":pk", s(&pk))
            .expression_attribute_values(":from", bound(times_ms.start))
            .expression_attribute_values(":to", bound(times_ms.end))
            .scan_index_forward(false)
            .limit(limit)
            .consistent_read(read.is_consistent())
            .set_exclusive_start_key(start)
            .send()
            .await
            .map_err(StoreError::aws("Query"))?;
        let mut siblings = Vec::new();
        for item in answer.items.iter().flatten() {
            let wrong = || StoreError::WrongShape {
                item: format!("{pk} {prefix}"),
                attribute: attributes::SK.to_owned(),
                detail: "it is not the sort key of a sibling, or the item has no version",
            };
            let SiblingCursor { at_ms, id } = cursor_of(item, prefix).ok_or_else(wrong)?;
            let version = version_of(item).ok_or_else(wrong)?;
            siblings.push(Sibling { at_ms, id, version, body: self.json_of(Folder::Bodies, item).await? });
        }
        let next = answer.last_evaluated_key.as_ref().and_then(|key| cursor_of(key, prefix));
        Ok(SiblingPage { siblings, next })
    }
}

pub(crate) fn version_of(item: &Item) -> Option<Version> {
    attributes::text(item, attributes::VERSION)?.parse().ok()
}

fn cursor_of(item: &Item, prefix: &str) -> Option<SiblingCursor> {
    attributes::text(item, attributes::SK)?.strip_prefix(prefix)?.parse().ok()
}

fn is_id(text: &str) -> bool {
    (1..=MAX_ID_BYTES).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// `<time, 16 hexadecimal digits>#<id>`: the sort key without its kind.
impl fmt::Display for SiblingCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}#{}", self.at_ms, self.id)
    }
}

impl FromStr for SiblingCursor {
    type Err = SiblingCursorError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (time, id) = text.split_once('#').ok_or(SiblingCursorError)?;
        let is_time = time.len() == 16 && time.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let at_ms = u64::from_str_radix(time, 16).ok().filter(|_| is_time).ok_or(SiblingCursorError)?;
        if is_id(id) { Ok(Self { at_ms, id: id.to_owned() }) } else { Err(SiblingCursorError) }
    }
}
