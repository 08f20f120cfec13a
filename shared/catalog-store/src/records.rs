//! `RecordKey` and `Fragment` -> one conditional UpdateItem; keys -> records.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, ReturnValuesOnConditionCheckFailure};
use catalog_model::{Applied, Fragment, Identity, Key, Record, RecordKey, Said, Version, alias};
use futures::{StreamExt, TryStreamExt, stream};

use crate::attributes::{self, Item, n, s, ss};
use crate::bodies::{CONCURRENT_CALLS, Folder};
use crate::images::{StoredRecord, has_own_attribute};
use crate::{CatalogStore, Read, StoreError};

/// Fragments of one record. With [`MAX_INLINE_BODY_BYTES`] it keeps an item below DynamoDB's 400 KB.
pub const MAX_FRAGMENTS: usize = 64;
/// Bodies of fragments that are longer, packed, go to the bucket.
pub const MAX_INLINE_BODY_BYTES: usize = 4 * 1024;

/// DynamoDB's limits of a partition key and of BatchGetItem.
const MAX_KEY_BYTES: usize = 2048;
const MAX_BATCH_KEYS: usize = 100;

/// Batches read at once.
const CONCURRENT_BATCHES: usize = 4;
/// Answers in a row that may hold none of the keys asked for.
const MAX_FRUITLESS_TRIES: u32 = 8;
const FIRST_BACKOFF: Duration = Duration::from_millis(20);

impl CatalogStore {
    /// Writes one fragment, if it is newer than what the same source object said of the record before: exactly one
    /// UpdateItem, after one PutObject if the body, packed, is longer than [`MAX_INLINE_BODY_BYTES`].
    ///
    /// `now_ms` is where the `rv` of a record begins that was never written, or has expired.
    ///
    /// # Errors
    /// [`StoreError::TooManyFragments`] for the 65th source object of a record; [`StoreError::WrongShape`] if what is
    /// stored has no readable version; [`StoreError::SourceCollision`] if another source object has the same hash.
    /// A stale or a duplicate fragment is no error.
    pub async fn apply(&self, key: &RecordKey, fragment: &Fragment, now_ms: u64) -> Result<Applied, StoreError> {
        check_key(key)?;
        let fragment_key = fragment.source.fragment_key();
        let mut stored = Item::from([
            (attributes::VERSION.to_owned(), s(fragment.version.as_str())),
            (attributes::SOURCE_OBJECT.to_owned(), s(fragment.source.to_string())),
            (attributes::DELIVERY.to_owned(), s(&fragment.delivery)),
        ]);
        if fragment.said != Said::Gone {
            let body = self.keep_packed(Folder::Bodies, fragment.said.canonical(), MAX_INLINE_BODY_BYTES).await?;
            stored.extend([body.attribute()]);
        }
        let update = self
            .dynamodb
            .update_item()
            .table_name(&self.table)
            .set_key(Some(attributes::record_key(key)))
            .update_expression(attributes::APPLY)
            .expression_attribute_names("#f", attributes::fragment_attribute(&fragment_key))
            .expression_attribute_values(":fragment", AttributeValue::M(stored))
            .expression_attribute_values(":now_ms", n(now_ms))
            .expression_attribute_values(":one", n(1))
            .expression_attribute_values(":keys", ss(fragment_key.as_str()))
            .expression_attribute_values(":key", s(fragment_key.as_str()))
            .expression_attribute_values(":v", s(fragment.version.as_str()))
            .expression_attribute_values(":max", n(MAX_FRAGMENTS as u64))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let update = if has_own_attribute(fragment) {
            update
                .condition_expression(attributes::APPLY_IF_NEWER_OF_SAME_OBJECT)
                .expression_attribute_values(":o", s(fragment.source.to_string()))
        } else {
            update.condition_expression(attributes::APPLY_IF_NEWER)
        };
        match update.send().await {
            Ok(_) => Ok(Applied::Applied),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                    why_not_applied(key, fragment, failed.item().unwrap_or(&Item::new()))
                }
                _ => Err(StoreError::aws("UpdateItem")(error)),
            },
        }
    }

    /// The record with all its bodies; [`Record::empty`] if nothing was ever written.
    pub async fn record(&self, key: &RecordKey, read: Read) -> Result<Record, StoreError> {
        check_key(key)?;
        let answer = self
            .dynamodb
            .get_item()
            .table_name(&self.table)
            .set_key(Some(attributes::record_key(key)))
            .consistent_read(read.is_consistent())
            .send()
            .await
            .map_err(StoreError::aws("GetItem"))?;
        match answer.item {
            Some(item) => self.hydrate(StoredRecord::of(key.clone(), &item)?).await,
            None => Ok(Record::empty(key.clone())),
        }
    }

    /// The counter of a record as it is now; 0 if nothing was ever written. Always a consistent read.
    pub async fn counter(&self, key: &RecordKey) -> Result<u64, StoreError> {
        check_key(key)?;
        let answer = self
            .dynamodb
            .get_item()
            .table_name(&self.table)
            .set_key(Some(attributes::record_key(key)))
            .projection_expression(attributes::RV)
            .consistent_read(true)
            .send()
            .await
            .map_err(StoreError::aws("GetItem"))?;
        Ok(answer.item.as_ref().and_then(|item| attributes::number(item, attributes::RV)).unwrap_or_default())
    }

    /// The records of `keys`, in the same order and number; a key may be asked for twice.
    pub async fn records(&self, keys: &[RecordKey], read: Read) -> Result<Vec<Record>, StoreError> {
        for key in keys {
            check_key(key)?;
        }
        let different: Vec<&RecordKey> = keys.iter().collect::<BTreeSet<_>>().into_iter().collect();
        let keys_of_items = different.iter().map(|key| attributes::record_key(key)).collect();
        let items = self.batches(keys_of_items, read, None).await?;
        let mut stored = Vec::new();
        for item in &items {
            stored.extend(StoredRecord::of_item(item)?);
        }
        let mut records: HashMap<RecordKey, Record> =
            stream::iter(stored.into_iter().map(|stored| self.hydrate(stored)))
                .buffer_unordered(CONCURRENT_CALLS)
                .map_ok(|record| (record.key.clone(), record))
                .try_collect()
                .await?;
        if different.len() < keys.len() {
            let of = |key: &RecordKey| records.get(key).cloned().unwrap_or_else(|| Record::empty(key.clone()));
            return Ok(keys.iter().map(of).collect());
        }
        let of = |key: &RecordKey| records.remove(key).unwrap_or_else(|| Record::empty(key.clone()));
        Ok(keys.iter().map(of).collect())
    }

    /// Who holds each name or secondary id. Keys that nobody claims are left out.
    pub async fn resolve(&self, keys: &[Key]) -> Result<BTreeMap<Key, Identity>, StoreError> {
        let aliases: Vec<RecordKey> = keys.iter().cloned().map(RecordKey::Alias).collect();
        let records = self.records(&aliases, Read::Consistent).await?;
        let holder = |(key, record): (&Key, &Record)| Some((key.clone(), alias::holder(record)?.identity.clone()));
        Ok(keys.iter().zip(&records).filter_map(holder).collect())
    }

    /// The items of different keys, in any order: those that there are; of `only` the named attributes, if it names some.
    pub(crate) async fn batches(
        &self,
        keys: Vec<Item>,
        read: Read,
        only: Option<&'static str>,
    ) -> Result<Vec<Item>, StoreError> {
        // Gathered first: with a closure over borrowed keys inside, no future around it could be sent to another thread.
        let batches: Vec<_> = keys.chunks(MAX_BATCH_KEYS).map(|chunk| self.batch(chunk.to_vec(), read, only)).collect();
        let items: Vec<Vec<Item>> = stream::iter(batches).buffer_unordered(CONCURRENT_BATCHES).try_collect().await?;
        Ok(items.into_iter().flatten().collect())
    }

    /// Of at most 100 keys, as many answers as it takes.
    async fn batch(&self, keys: Vec<Item>, read: Read, only: Option<&'static str>) -> Result<Vec<Item>, StoreError> {
        let mut items = Vec::with_capacity(keys.len());
        let mut left = keys;
        let mut tries = 0;
        let mut backoff = FIRST_BACKOFF;
        loop {
            let asked = left.len();
            let wanted = KeysAndAttributes::builder()
                .set_keys(Some(left))
                .set_projection_expression(only.map(str::to_owned))
                .consistent_read(read.is_consistent())
                .build()
                .map_err(StoreError::aws("BatchGetItem"))?;
            let answer = self
                .dynamodb
                .batch_get_item()
                .request_items(&self.table, wanted)
                .send()
                .await
                .map_err(StoreError::aws("BatchGetItem"))?;
            items.extend(answer.responses.and_then(|mut tables| tables.remove(&self.table)).unwrap_or_default());
            left = answer
                .unprocessed_keys
                .and_then(|mut tables| tables.remove(&self.table))
                .map(|unprocessed| unprocessed.keys)
                .unwrap_or_default();
            if left.is_empty() {
                return Ok(items);
            }
            if left.len() < asked {
                (tries, backoff) = (0, FIRST_BACKOFF);
            } else {
                (tries, backoff) = (tries + 1, backoff * 2);
            }
            if tries == MAX_FRUITLESS_TRIES {
                return Err(StoreError::Unprocessed { left: left.len(), tries });
            }
            tokio::time::sleep(backoff).await;
        }
    }
}

fn check_key(key: &RecordKey) -> Result<(), StoreError> {
    check_pk(&key.to_string())
}

pub(crate) fn check_pk(pk: &str) -> Result<(), StoreError> {
    if pk.len() <= MAX_KEY_BYTES {
        return Ok(());
    }
    Err(StoreError::KeyTooLong { start: pk.chars().take(64).collect(), bytes: pk.len(), max: MAX_KEY_BYTES })
}

/// Reads off the item that stood why the condition failed.
fn why_not_applied(key: &RecordKey, fragment: &Fragment, item: &Item) -> Result<Applied, StoreError> {
    let fragment_key = fragment.source.fragment_key();
    let attribute = attributes::fragment_attribute(&fragment_key);
    let wrong = |attribute: &str, detail| StoreError::WrongShape {
        item: key.to_string(),
        attribute: attribute.to_owned(),
        detail,
    };
    let Some(standing) = item.get(&attribute) else {
        let fragments = attributes::texts(item, attributes::FRAGMENT_KEYS);
        if fragments.len() < MAX_FRAGMENTS {
            return Err(wrong(attributes::FRAGMENT_KEYS, "it is no set of the keys of fragments"));
        }
        return Err(StoreError::TooManyFragments {
            record: key.to_string(),
            object: fragment.source.to_string(),
            max: MAX_FRAGMENTS,
        });
    };
    let standing = standing.as_m().map_err(|_| wrong(&attribute, "it is no map"))?;
    let version = attributes::text(standing, attributes::VERSION).and_then(|text| text.parse::<Version>().ok());
    let version = version.ok_or_else(|| wrong(&attribute, "it has no readable version"))?;
    let object = attributes::text(standing, attributes::SOURCE_OBJECT).unwrap_or_default();
    if has_own_attribute(fragment) && object != fragment.source.to_string() {
        return Err(StoreError::SourceCollision {
            record: key.to_string(),
            attribute,
            held: object.to_owned(),
            given: fragment.source.to_string(),
        });
    }
    match version.cmp(&fragment.version) {
        std::cmp::Ordering::Greater => Ok(Applied::Stale),
        std::cmp::Ordering::Equal => Ok(Applied::Duplicate),
        std::cmp::Ordering::Less => Err(wrong(attributes::FRAGMENT_KEYS, "it lacks the key of a fragment")),
    }
}
