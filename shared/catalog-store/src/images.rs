//! An item of the table, or an image of one in its stream -> a record.

use std::error::Error;

use aws_sdk_dynamodb::types::AttributeValue;
use catalog_model::{Fragment, FragmentKey, Record, RecordKey, Said};
use futures::{StreamExt, TryStreamExt, stream};

use crate::attributes::{self, Item};
use crate::bodies::{Body, CONCURRENT_CALLS, Folder};
use crate::{CatalogStore, StoreError};

/// A record as its item has it.
#[derive(Debug)]
pub(crate) struct StoredRecord {
    /// Fragments in [`Self::absent`] say `Gone` here, until they are read.
    record: Record,
    /// Fragments whose bodies are in the bucket, and the hash of each.
    absent: Vec<(FragmentKey, String)>,
}

impl StoredRecord {
    /// `None`: the item is no record.
    pub(crate) fn of_item(item: &Item) -> Result<Option<Self>, StoreError> {
        if attributes::text(item, attributes::SK) != Some(attributes::RECORD_SK) {
            return Ok(None);
        }
        match attributes::text(item, attributes::PK).and_then(|pk| pk.parse().ok()) {
            Some(key) => Self::of(key, item).map(Some),
            None => Ok(None),
        }
    }

    pub(crate) fn of(key: RecordKey, item: &Item) -> Result<Self, StoreError> {
        let mut record = Record::empty(key);
        record.rv = attributes::number(item, attributes::RV).unwrap_or_default();
        let mut absent = Vec::new();
        for (attribute, value) in item {
            let Some(fragment_key) = attributes::fragment_key(attribute) else { continue };
            let (fragment, hash) = fragment_of(&record.key, attribute, value)?;
            absent.extend(hash.map(|hash| (fragment_key.clone(), hash)));
            record.fragments.insert(fragment_key, fragment);
        }
        Ok(Self { record, absent })
    }
}

impl CatalogStore {
    /// The record in an image of the table's stream, with all its bodies. `None`: the image is of no record.
    ///
    /// # Errors
    /// Fails on an image that the catalog did not write, and if a body cannot be read.
    pub async fn record_from_image(&self, image: &serde_dynamo::Item) -> Result<Option<Record>, StoreError> {
        let item = image.iter().map(|(name, value)| (name.clone(), of_stream(value))).collect();
        match StoredRecord::of_item(&item)? {
            Some(stored) => self.hydrate(stored).await.map(Some),
            None => Ok(None),
        }
    }

    /// Reads the bodies that are in the bucket.
    pub(crate) async fn hydrate(&self, stored: StoredRecord) -> Result<Record, StoreError> {
        let StoredRecord { mut record, absent } = stored;
        let bodies: Vec<(FragmentKey, String)> = stream::iter(absent)
            .map(async |(key, hash)| Ok::<_, StoreError>((key, self.get_by_hash(Folder::Bodies, &hash).await?)))
            .buffer_unordered(CONCURRENT_CALLS)
            .try_collect()
            .await?;
        for (key, text) in bodies {
            let said = said_of(&record.key, &attributes::fragment_attribute(&key), &text)?;
            record.fragments.entry(key).and_modify(|fragment| fragment.said = said);
        }
        Ok(record)
    }
}

/// Whether the name of the fragment's attribute is a hash of its source object. Config's is not: all that Config says
/// of a resource is one fragment.
pub(crate) fn has_own_attribute(fragment: &Fragment) -> bool {
    fragment.source.fragment_key().as_str().contains(':')
}

/// The fragment, and the hash of its body if that is in the bucket.
fn fragment_of(
    record: &RecordKey,
    attribute: &str,
    value: &AttributeValue,
) -> Result<(Fragment, Option<String>), StoreError> {
    let wrong = |detail| StoreError::WrongShape { item: record.to_string(), attribute: attribute.to_owned(), detail };
    let map = value.as_m().map_err(|_| wrong("it is no map"))?;
    let text = |name| attributes::text(map, name);
    let version = text(attributes::VERSION).and_then(|text| text.parse().ok());
    let source = text(attributes::SOURCE_OBJECT).and_then(|text| text.parse().ok());
    let (said, hash) = match Body::of(map) {
        Some(Body::Inline(text)) => (said_of(record, attribute, &text)?, None),
        Some(Body::Packed(packed)) => {
            let text = packed.text().map_err(unreadable(record, attribute))?;
            (said_of(record, attribute, &text)?, None)
        }
        Some(Body::InBucket { hash }) => (Said::Gone, Some(hash)),
        None if map.contains_key(attributes::BODY) => return Err(wrong("its body is neither a text nor bytes")),
        None => (Said::Gone, None),
    };
    let fragment = Fragment {
        source: source.ok_or_else(|| wrong("it names no source object"))?,
        version: version.ok_or_else(|| wrong("it has no readable version"))?,
        delivery: text(attributes::DELIVERY).unwrap_or_default().to_owned(),
        said,
    };
    Ok((fragment, hash))
}

fn said_of(record: &RecordKey, attribute: &str, text: &str) -> Result<Said, StoreError> {
    serde_json::from_str(text).map_err(unreadable(record, attribute))
}

fn unreadable<E: Error + Send + Sync + 'static>(record: &RecordKey, attribute: &str) -> impl Fn(E) -> StoreError {
    move |source| StoreError::Unreadable {
        item: record.to_string(),
        attribute: attribute.to_owned(),
        source: Box::new(source),
    }
}

/// The same value in the types of the SDK.
fn of_stream(value: &serde_dynamo::AttributeValue) -> AttributeValue {
    use serde_dynamo::AttributeValue as Streamed;
    match value {
        Streamed::N(number) => AttributeValue::N(number.clone()),
        Streamed::S(text) => AttributeValue::S(text.clone()),
        Streamed::Bool(flag) => AttributeValue::Bool(*flag),
        Streamed::B(bytes) => AttributeValue::B(bytes.clone().into()),
        Streamed::Null(flag) => AttributeValue::Null(*flag),
        Streamed::M(map) => {
            AttributeValue::M(map.iter().map(|(name, value)| (name.clone(), of_stream(value))).collect())
        }
        Streamed::L(list) => AttributeValue::L(list.iter().map(of_stream).collect()),
        Streamed::Ss(set) => AttributeValue::Ss(set.clone()),
        Streamed::Ns(set) => AttributeValue::Ns(set.clone()),
        Streamed::Bs(set) => AttributeValue::Bs(set.iter().map(|bytes| bytes.clone().into()).collect()),
    }
}
