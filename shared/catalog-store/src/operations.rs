//! What the status page tells: conservation counts of each source, deliveries that failed, subjects that wait.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::attributes::{self, Item, n, s, ss};
use crate::bodies::Folder;
use crate::root::send_unless_condition_fails;
use crate::{CatalogStore, StoreError};

const DAY_S: u64 = 24 * 60 * 60;
/// As long as SQS keeps the dead letter itself.
const KEEP_FAILURES_S: u64 = 14 * DAY_S;
/// A subject that nobody has brought up for so long will not come. Parking it again starts anew.
const KEEP_PARKED_S: u64 = 90 * DAY_S;
/// Ids that a count remembers: more than are told twice within a day, and a kilobyte or two.
pub(crate) const KEPT_IDS: usize = 64;
/// What one status answer lists of each kind.
const MAX_LISTED: usize = 1000;
/// A detail says why in a sentence or two; it is no place for a body.
const MAX_DETAIL_CHARS: usize = 2000;

/// A delivery that failed, as of its last try.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FailureRecord {
    /// The function or queue.
    pub source: String,
    pub message_id: String,
    /// A reason code.
    pub code: String,
    pub detail: String,
    pub receive_count: u32,
    /// The queue will not try again: it is a dead letter.
    pub last_try: bool,
    pub at_ms: u64,
}

/// A subject that no record answers to yet; reconcile tries it again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Parked {
    pub source: String,
    /// As the source spells it.
    pub subject: String,
    pub reason: String,
    pub at_ms: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SourceStatus {
    pub source: String,
    pub counts: BTreeMap<String, u64>,
    pub last_event_ms: u64,
}

/// Each list is ordered by source.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    pub sources: Vec<SourceStatus>,
    pub failures: Vec<FailureRecord>,
    pub parked: Vec<Parked>,
    /// There are more failures or parked subjects than are listed.
    pub truncated: bool,
}

impl CatalogStore {
    /// Adds to the counts of a source, and moves its last event forward. A call whose answer is lost and that the SDK
    /// sends again is counted twice.
    pub async fn count(&self, source: &str, counts: &[(&str, u64)], last_event_ms: u64) -> Result<(), StoreError> {
        let mut sums: BTreeMap<&str, u64> = BTreeMap::new();
        for (name, count) in counts.iter().filter(|(_, count)| *count > 0) {
            *sums.entry(name).or_default() += count;
        }
        let adding = |index: usize| format!("#n{index} :n{index}");
        let add: Vec<String> = (0..sums.len()).map(adding).collect();
        let add = if add.is_empty() { String::new() } else { format!(" ADD {}", add.join(", ")) };
        let mut update = self
            .dynamodb
            .update_item()
            .table_name(&self.table)
            .set_key(Some(attributes::key(attributes::COUNTS_PK, source)));
        for (index, (name, count)) in sums.iter().enumerate() {
            update = update
                .expression_attribute_names(format!("#n{index}"), attributes::count_attribute(name))
                .expression_attribute_values(format!(":n{index}"), n(*count));
        }
        let with_time = update
            .clone()
            .update_expression(format!("{}{add}", attributes::SET_LAST_EVENT))
            .condition_expression(attributes::IF_LATER_EVENT)
            .expression_attribute_values(":last", n(last_event_ms));
        let is_counted = send_unless_condition_fails(with_time).await?.is_none();
        if !is_counted && !add.is_empty() {
            update.update_expression(add.trim_start()).send().await.map_err(StoreError::aws("UpdateItem"))?;
        }
        Ok(())
    }

    /// Adds 1 to a count of a source for something that has an id and happened at `at_ms`: once, however often it is told,
    /// as long as no 64 younger ones of that name are known. One UpdateItem, and now and then another.
    pub async fn count_once(&self, source: &str, name: &str, id: &str, at_ms: u64) -> Result<(), StoreError> {
        let key = attributes::key(attributes::COUNTS_PK, source);
        let ids = attributes::counted_attribute(name);
        // They order as their times do.
        let id = format!("{at_ms:012x}#{id}");
        let update = self
            .dynamodb
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key.clone()))
            .update_expression(attributes::COUNT_ONCE)
            .condition_expression(attributes::IF_NOT_COUNTED)
            .expression_attribute_names("#n", attributes::count_attribute(name))
            .expression_attribute_names("#i", &ids)
            .expression_attribute_values(":one", n(1))
            .expression_attribute_values(":id", s(&id))
            .expression_attribute_values(":id_set", ss(&id))
            .return_values(ReturnValue::UpdatedNew);
        let counted = match update.send().await {
            Ok(answer) => answer.attributes.unwrap_or_default(),
            Err(error) if error.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => {
                return Ok(());
            }
            Err(error) => return Err(StoreError::aws("UpdateItem")(error)),
        };
        let mut known = attributes::texts(&counted, &ids).to_vec();
        let Some(too_many) = known.len().checked_sub(KEPT_IDS).filter(|count| *count > 0) else { return Ok(()) };
        known.sort_unstable();
        known.truncate(too_many);
        self.dynamodb
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key))
            .update_expression(attributes::FORGET_COUNTED)
            .expression_attribute_names("#i", ids)
            .expression_attribute_values(":oldest", AttributeValue::Ss(known))
            .send()
            .await
            .map_err(StoreError::aws("UpdateItem"))?;
        Ok(())
    }

    /// Keeps the last failure of a message for 14 days. The detail is cut after 2,000 characters.
    pub async fn record_failure(&self, failure: &FailureRecord) -> Result<(), StoreError> {
        let failure =
            FailureRecord { detail: failure.detail.chars().take(MAX_DETAIL_CHARS).collect(), ..failure.clone() };
        let key = failure_key(&failure.source, &failure.message_id);
        self.put_note(key, &failure, failure.at_ms, KEEP_FAILURES_S).await
    }

    /// A later try of the message succeeded.
    pub async fn clear_failure(&self, source: &str, message_id: &str) -> Result<(), StoreError> {
        self.take_note_away(failure_key(source, message_id)).await
    }

    /// Keeps a subject for the next reconcile. Parking it again renews it.
    pub async fn park(&self, parked: &Parked) -> Result<(), StoreError> {
        let key = parked_key(&parked.source, &parked.subject);
        self.put_note(key, parked, parked.at_ms, KEEP_PARKED_S).await
    }

    /// The subject was resolved.
    pub async fn unpark(&self, source: &str, subject: &str) -> Result<(), StoreError> {
        self.take_note_away(parked_key(source, subject)).await
    }

    /// All subjects that wait.
    pub async fn parked(&self) -> Result<Vec<Parked>, StoreError> {
        let items = self.query_with_body(attributes::PARKED_PK, usize::MAX).await?;
        self.notes_of(attributes::PARKED_PK, &items).await
    }

    /// Counts of every source, and the first thousand of what failed and of what waits.
    pub async fn status(&self) -> Result<Status, StoreError> {
        let counts = self.query_all(attributes::COUNTS_PK, usize::MAX).await?;
        let (failures, more_failures) = self.notes(attributes::FAILURES_PK).await?;
        let (parked, more_parked) = self.notes(attributes::PARKED_PK).await?;
        Ok(Status {
            sources: counts.iter().map(source_status).collect(),
            failures,
            parked,
            truncated: more_failures || more_parked,
        })
    }

    async fn put_note(&self, key: Item, note: &impl Serialize, at_ms: u64, keep_s: u64) -> Result<(), StoreError> {
        let text = serde_json::to_string(note).map_err(|source| StoreError::Unreadable {
            item: attributes::text(&key, attributes::SK).unwrap_or_default().to_owned(),
            attribute: attributes::BODY.to_owned(),
            source: Box::new(source),
        })?;
        self.dynamodb
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key))
            .update_expression(attributes::NOTE)
            .expression_attribute_values(":b", s(text))
            .expression_attribute_values(":at", n((at_ms / 1000).saturating_add(keep_s)))
            .send()
            .await
            .map_err(StoreError::aws("UpdateItem"))?;
        Ok(())
    }

    /// By an update too: no function needs the right to delete items of the table.
    async fn take_note_away(&self, key: Item) -> Result<(), StoreError> {
        let update = self.dynamodb.update_item().table_name(&self.table).set_key(Some(key));
        let update = update.update_expression(attributes::TAKE_NOTE_AWAY).condition_expression(attributes::IF_EXISTS);
        send_unless_condition_fails(update).await.map(drop)
    }

    async fn notes<T: for<'de> Deserialize<'de>>(&self, pk: &str) -> Result<(Vec<T>, bool), StoreError> {
        let items = self.query_with_body(pk, MAX_LISTED + 1).await?;
        let notes = self.notes_of(pk, &items[..items.len().min(MAX_LISTED)]).await?;
        Ok((notes, items.len() > MAX_LISTED))
    }

    async fn notes_of<T: for<'de> Deserialize<'de>>(&self, pk: &str, items: &[Item]) -> Result<Vec<T>, StoreError> {
        let mut notes = Vec::new();
        for item in items {
            let value = self.json_of(Folder::Bodies, item).await?;
            notes.push(serde_json::from_value(value).map_err(|source| StoreError::Unreadable {
                item: pk.to_owned(),
                attribute: attributes::BODY.to_owned(),
                source: Box::new(source),
            })?);
        }
        Ok(notes)
    }
}

fn failure_key(source: &str, message_id: &str) -> Item {
    attributes::key(attributes::FAILURES_PK, &format!("{source}#{message_id}"))
}

/// A subject may be longer than a sort key.
fn parked_key(source: &str, subject: &str) -> Item {
    attributes::key(attributes::PARKED_PK, &format!("{source}#{}", hex::encode(Sha256::digest(subject))))
}

fn source_status(item: &Item) -> SourceStatus {
    let counts = item.keys().filter_map(|attribute| {
        let name = attributes::count_name(attribute)?;
        Some((name.to_owned(), attributes::number(item, attribute)?))
    });
    SourceStatus {
        source: attributes::text(item, attributes::SK).unwrap_or_default().to_owned(),
        counts: counts.collect(),
        last_event_ms: attributes::number(item, attributes::LAST_EVENT).unwrap_or_default(),
    }
}
