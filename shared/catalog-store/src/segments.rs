//! Segments of the index in the bucket, by the hash of their content, and the one pointer that says which of them counts.
//!
//! Whoever compacts puts the segment first and flips the pointer then, by one conditional update. So no lease is needed:
//! the slower of two compactors has put an object that nobody reads. A pointer names its *generation*: a compaction only
//! goes on from the generation that it read, so one that began before a rebuild cannot bring back what was rebuilt.
//!
//! Reads are by range and without `If-Match`: the key is the hash of the content, and each range has a hash of its own
//! inside the segment.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::attributes::{self, Item, n, s};
use crate::bodies::Folder;
use crate::root::send_unless_condition_fails;
use crate::{CatalogStore, StoreError};

/// Which segment stands for the log up to where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SegmentPointer {
    /// The last item of the log that is in it.
    pub seq: u64,
    /// SHA-256 of the whole segment in hex: the last part of its object's key.
    pub hash: String,
    pub bytes: u64,
    pub directory_offset: u64,
    pub directory_bytes: u64,
    pub directory_hash: String,
    /// Hash of the rules that made its rows.
    pub rules: String,
    pub format: u32,
    pub entities: u64,
    pub at_ms: u64,
    /// Named by the rebuild that it goes back to; empty before the first one.
    pub generation: String,
    /// An item of the log that every reader had seen when it was made.
    pub settled_seq: u64,
}

/// What the table knows of the index.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IndexState {
    /// `None`: the index is the log from its beginning.
    pub pointer: Option<SegmentPointer>,
    /// The log goes so far at least.
    pub log_end: u64,
    /// Segments that counted before, oldest first.
    pub superseded: Vec<Superseded>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Superseded {
    pub hash: String,
    /// When another one took its place.
    pub at_ms: u64,
}

impl CatalogStore {
    /// Read consistently.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] for a pointer that this build did not write: only a rebuild can replace it.
    pub async fn index_state(&self) -> Result<IndexState, StoreError> {
        let answer = self
            .dynamodb
            .get_item()
            .table_name(&self.table)
            .set_key(Some(attributes::key(attributes::INDEX_PK, attributes::SEGMENT_SK)))
            .consistent_read(true)
            .send()
            .await
            .map_err(StoreError::aws("GetItem"))?;
        answer.item.as_ref().map_or_else(|| Ok(IndexState::default()), state_of)
    }

    /// Puts a segment under its hash, unless it is there already. Nobody reads it before the pointer names it.
    pub async fn put_segment(&self, hash: &str, content: Vec<u8>) -> Result<(), StoreError> {
        self.put_if_absent(Folder::Segments.key(hash), content.into()).await
    }

    /// A whole segment, checked against its hash.
    ///
    /// # Errors
    /// [`StoreError::MissingObject`] and [`StoreError::CorruptObject`] mean that the index must be rebuilt.
    pub async fn segment(&self, hash: &str) -> Result<Vec<u8>, StoreError> {
        self.bytes_by_hash(Folder::Segments, hash).await
    }

    /// `length` bytes of a segment from `offset`.
    ///
    /// # Errors
    /// As [`Self::segment`]; the second also for a range that the object does not have.
    pub async fn segment_range(&self, hash: &str, offset: u64, length: u64) -> Result<Bytes, StoreError> {
        if length == 0 {
            return Ok(Bytes::new());
        }
        let key = Folder::Segments.key(hash);
        let range = format!("bytes={offset}-{}", offset.saturating_add(length).saturating_sub(1));
        let object = match self.s3.get_object().bucket(&self.bucket).key(&key).range(range).send().await {
            Ok(object) => object,
            Err(error) if error.as_service_error().is_some_and(|error| error.is_no_such_key()) => {
                return Err(StoreError::MissingObject { key });
            }
            Err(error) if error.raw_response().is_some_and(|response| response.status().as_u16() == 416) => {
                return Err(StoreError::CorruptObject { key });
            }
            Err(error) => return Err(StoreError::aws("GetObject")(error)),
        };
        if object.content_length().and_then(|length| u64::try_from(length).ok()) != Some(length) {
            return Err(StoreError::CorruptObject { key });
        }
        Ok(object.body.collect().await.map_err(StoreError::aws("GetObject"))?.into_bytes())
    }

    /// Makes a compacted segment the one that counts, if it goes on from what counts now. `false`: it does not, somebody
    /// else was faster.
    pub async fn flip_to_compacted(&self, pointer: &SegmentPointer) -> Result<bool, StoreError> {
        self.flip_segment(pointer, attributes::IF_GOES_ON).await
    }

    /// Makes a rebuilt segment the one that counts, unless one by the same rules knows more of the log.
    pub async fn flip_to_rebuilt(&self, pointer: &SegmentPointer) -> Result<bool, StoreError> {
        self.flip_segment(pointer, attributes::IF_BEGINS).await
    }

    async fn flip_segment(&self, pointer: &SegmentPointer, condition: &str) -> Result<bool, StoreError> {
        let text = serde_json::to_string(pointer).map_err(unreadable)?;
        let current = AttributeValue::M(HashMap::from([
            (attributes::HASH.to_owned(), s(&pointer.hash)),
            (attributes::AT_MS.to_owned(), n(pointer.at_ms)),
        ]));
        let update = self
            .dynamodb
            .update_item()
            .table_name(&self.table)
            .set_key(Some(attributes::key(attributes::INDEX_PK, attributes::SEGMENT_SK)))
            .update_expression(attributes::FLIP_SEGMENT)
            .condition_expression(condition)
            .expression_attribute_values(":seq", n(pointer.seq))
            .expression_attribute_values(":rules", s(&pointer.rules))
            .expression_attribute_values(":gen", s(&pointer.generation))
            .expression_attribute_values(":b", s(text))
            .expression_attribute_values(":cur", AttributeValue::L(vec![current]))
            .expression_attribute_values(":none", AttributeValue::L(Vec::new()));
        Ok(send_unless_condition_fails(update).await?.is_none())
    }

    /// Deletes segments that were superseded before `before_ms`, when nobody reads them any more. Returns how many.
    pub async fn delete_superseded(&self, state: &IndexState, before_ms: u64) -> Result<usize, StoreError> {
        let mut deleted = 0;
        for (at, old) in state.superseded.iter().enumerate().take_while(|(_, old)| old.at_ms < before_ms) {
            let is_current = state.pointer.as_ref().is_some_and(|pointer| pointer.hash == old.hash);
            let is_later_one = state.superseded[at + 1..].iter().any(|later| later.hash == old.hash);
            if !is_current && !is_later_one {
                let key = Folder::Segments.key(&old.hash);
                let delete = self.s3.delete_object().bucket(&self.bucket).key(key).send();
                delete.await.map_err(StoreError::aws("DeleteObject"))?;
            }
            let forget = self
                .dynamodb
                .update_item()
                .table_name(&self.table)
                .set_key(Some(attributes::key(attributes::INDEX_PK, attributes::SEGMENT_SK)))
                .update_expression(attributes::DROP_OLDEST)
                .condition_expression(attributes::IF_OLDEST)
                .expression_attribute_values(":h", s(&old.hash));
            if send_unless_condition_fails(forget).await?.is_some() {
                break;
            }
            deleted += 1;
        }
        Ok(deleted)
    }
}

fn state_of(item: &Item) -> Result<IndexState, StoreError> {
    let pointer: Option<SegmentPointer> =
        attributes::text(item, attributes::BODY).map(serde_json::from_str).transpose().map_err(unreadable)?;
    let seq = pointer.as_ref().map_or(0, |pointer| pointer.seq);
    let noted = attributes::number(item, attributes::END).unwrap_or_default();
    // Each one was superseded when the next one began.
    let listed = |name| item.get(name).and_then(|list| list.as_l().ok()).into_iter().flatten();
    let began: Vec<(String, u64)> = listed(attributes::SUPERSEDED)
        .chain(listed(attributes::CURRENT))
        .filter_map(|one| {
            let one = one.as_m().ok()?;
            Some((attributes::text(one, attributes::HASH)?.to_owned(), attributes::number(one, attributes::AT_MS)?))
        })
        .collect();
    let superseded = began.windows(2).map(|pair| Superseded { hash: pair[0].0.clone(), at_ms: pair[1].1 }).collect();
    Ok(IndexState { pointer, log_end: seq.max(noted), superseded })
}

fn unreadable(source: serde_json::Error) -> StoreError {
    StoreError::Unreadable {
        item: format!("{} {}", attributes::INDEX_PK, attributes::SEGMENT_SK),
        attribute: attributes::BODY.to_owned(),
        source: Box::new(source),
    }
}
