//! Rows of the index -> a dense, ordered log: 1, 2, 3, ... without a gap.
//!
//! An item is appended after the last one, if its place is still free; so who has read up to n cannot miss a late item.
//! Items expire after seven days: who follows the log begins at a segment, or reads everything.

use std::sync::{MutexGuard, PoisonError};

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;

use crate::attributes::{self, Item, n, s};
use crate::bodies::{Body, Folder};
use crate::delta::{self, Delta, LogDefect, MAX_ROW_BYTES, MAX_STORED_BYTES, Packed, UnreadableDelta};
use crate::{CatalogStore, StoreError};

/// How long an item is kept: a follower may be away for a long weekend.
const KEEP_S: u64 = 7 * 24 * 60 * 60;
/// Each failed try means that another appender came first.
const MAX_TRIES: u32 = 100;
/// How long the end of one's own last append counts as the place to go on. Far less than items are kept: where an item
/// has expired, its place is free again, and nobody would read what is put there.
const KNOWN_END_MS: u64 = 60 * 60 * 1000;
/// JSON text that one read returns, or the last item more.
const MAX_READ_BYTES: usize = 8 * 1024 * 1024;

/// Where an append ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KnownEnd {
    seq: u64,
    at_ms: u64,
}

/// What follows a place in the log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Deltas {
    /// In order and without a gap; empty at the end of the log.
    pub items: Vec<Delta>,
    /// What the log cannot be followed past.
    pub defect: Option<LogDefect>,
}

impl CatalogStore {
    /// Appends rows, each a JSON text, in their order, as one item or as several. Returns the number of the last item,
    /// `None` without rows. After an error, or a lost answer, some rows may be in the log twice.
    ///
    /// # Errors
    /// [`StoreError::RowTooLong`] if a row is longer than [`MAX_ROW_BYTES`]: nothing is appended then.
    pub async fn append_deltas(&self, rows: &[String], rules: &str, now_ms: u64) -> Result<Option<u64>, StoreError> {
        if let Some(row) = rows.iter().find(|row| row.len() > MAX_ROW_BYTES) {
            return Err(StoreError::RowTooLong { bytes: row.len(), max: MAX_ROW_BYTES });
        }
        let mut last = None;
        for packed in delta::pack(rows) {
            let item = self.item_of(packed, rules, now_ms).await?;
            last = Some(self.append(item, now_ms).await?);
        }
        Ok(last)
    }

    /// Items after number `seq`, some 8 MB at most: who is far behind calls again until nothing comes.
    ///
    /// # Errors
    /// Fails if the table or the bucket cannot be read now. What is wrong with the log itself is no error:
    /// [`Deltas::defect`].
    pub async fn deltas_after(&self, seq: u64) -> Result<Deltas, StoreError> {
        let mut pages = self
            .dynamodb
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression(attributes::AFTER)
            .expression_attribute_values(":pk", s(attributes::DELTAS_PK))
            .expression_attribute_values(":sk", s(attributes::delta_sk(seq)))
            .into_paginator()
            .send();
        let (mut deltas, mut bytes) = (Deltas::default(), 0);
        let mut expected = seq.saturating_add(1);
        while let Some(page) = pages.next().await {
            for item in page.map_err(StoreError::aws("Query"))?.items() {
                match self.delta_of(item, expected).await? {
                    Ok(delta) => {
                        bytes += delta.text.len();
                        deltas.items.push(delta);
                    }
                    Err(defect) => {
                        deltas.defect = Some(defect);
                        return Ok(deltas);
                    }
                }
                if bytes >= MAX_READ_BYTES {
                    return Ok(deltas);
                }
                expected += 1;
            }
        }
        Ok(deltas)
    }

    /// The number of the last item that was ever appended; 0 if there is none.
    pub async fn log_end(&self, now_ms: u64) -> Result<u64, StoreError> {
        let answer = self
            .dynamodb
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression(attributes::ALL_OF)
            .expression_attribute_values(":pk", s(attributes::DELTAS_PK))
            .projection_expression(format!("{}, {}", attributes::SK, attributes::EXPIRES_AT))
            .scan_index_forward(false)
            .limit(1)
            .send()
            .await
            .map_err(StoreError::aws("Query"))?;
        let last = answer.items().first();
        let seq = last.map_or(Ok(0), |item| seq_of(item).ok_or_else(|| wrong("its sort key is no number")))?;
        let expires_s = last.and_then(|item| attributes::number(item, attributes::EXPIRES_AT));
        if expires_s.is_some_and(|expires_s| expires_s > now_ms / 1000) {
            return Ok(seq);
        }
        // Expired items go in any order, so this need not be the end: what was noted of it does not expire.
        let state = self.index_state().await?;
        Ok(seq.max(state.log_end))
    }

    /// Notes how far the log goes, where no segment does: should it expire, that is a gap, and not an end.
    pub async fn note_log_end(&self, end: u64) -> Result<(), StoreError> {
        let update = self
            .dynamodb
            .update_item()
            .table_name(&self.table)
            .set_key(Some(attributes::key(attributes::INDEX_PK, attributes::SEGMENT_SK)))
            .update_expression(attributes::SET_END)
            .condition_expression(attributes::IF_LATER_END)
            .expression_attribute_values(":end", n(end));
        crate::root::send_unless_condition_fails(update).await.map(drop)
    }

    async fn item_of(&self, packed: Packed, rules: &str, now_ms: u64) -> Result<Item, StoreError> {
        let Packed { compressed, text_bytes } = packed;
        let body = if compressed.len() <= MAX_STORED_BYTES {
            (attributes::COMPRESSED.to_owned(), AttributeValue::B(Blob::new(compressed)))
        } else {
            Body::InBucket { hash: self.put_by_hash(Folder::Bodies, compressed).await? }.attribute()
        };
        Ok(Item::from([
            body,
            (attributes::TEXT_BYTES.to_owned(), n(text_bytes as u64)),
            (attributes::FORMAT.to_owned(), n(delta::FORMAT)),
            (attributes::RULES.to_owned(), s(rules)),
            (attributes::AT_MS.to_owned(), n(now_ms)),
            (attributes::EXPIRES_AT.to_owned(), n(now_ms / 1000 + KEEP_S)),
        ]))
    }

    async fn append(&self, mut item: Item, now_ms: u64) -> Result<u64, StoreError> {
        let known = *self.known_end();
        let mut last = match known.filter(|known| now_ms.abs_diff(known.at_ms) < KNOWN_END_MS) {
            Some(known) => known.seq,
            None => self.log_end(now_ms).await?,
        };
        for _ in 0..MAX_TRIES {
            let seq = last + 1;
            item.extend(attributes::key(attributes::DELTAS_PK, &attributes::delta_sk(seq)));
            let put = self
                .dynamodb
                .put_item()
                .table_name(&self.table)
                .set_item(Some(item.clone()))
                .condition_expression(attributes::IF_ABSENT)
                .send()
                .await;
            match put {
                Ok(_) => {
                    *self.known_end() = Some(KnownEnd { seq, at_ms: now_ms });
                    return Ok(seq);
                }
                Err(error)
                    if error.as_service_error().is_some_and(PutItemError::is_conditional_check_failed_exception) =>
                {
                    last = self.log_end(now_ms).await?;
                }
                Err(error) => return Err(StoreError::aws("PutItem")(error)),
            }
        }
        Err(StoreError::Contended { what: "the end of the log".to_owned(), tries: MAX_TRIES })
    }

    fn known_end(&self) -> MutexGuard<'_, Option<KnownEnd>> {
        self.known_end.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn delta_of(&self, item: &Item, expected: u64) -> Result<Result<Delta, LogDefect>, StoreError> {
        let unreadable = |reason| LogDefect::Unreadable { seq: expected, reason };
        let Some(seq) = seq_of(item) else { return Ok(Err(unreadable(UnreadableDelta::Corrupt))) };
        if seq != expected {
            return Ok(Err(LogDefect::Gap { expected, found: seq }));
        }
        Ok(self.text_of_delta(item).await?.map_err(unreadable).map(|text| Delta {
            seq,
            at_ms: attributes::number(item, attributes::AT_MS),
            rules: attributes::text(item, attributes::RULES).map(ToOwned::to_owned),
            text,
        }))
    }

    async fn text_of_delta(&self, item: &Item) -> Result<Result<String, UnreadableDelta>, StoreError> {
        let format = match delta::format_of(item) {
            Ok(format) => format,
            Err(reason) => return Ok(Err(reason)),
        };
        let text_bytes = attributes::number(item, attributes::TEXT_BYTES);
        if let Some(compressed) = attributes::bytes(item, attributes::COMPRESSED).filter(|_| format == delta::FORMAT) {
            return Ok(delta::decompress(compressed, text_bytes));
        }
        let hash = match Body::of(item) {
            Some(Body::Inline(text)) if format == 1 => return Ok(Ok(text)),
            Some(Body::InBucket { hash }) => hash,
            Some(Body::Inline(_) | Body::Packed(_)) | None => return Ok(Err(UnreadableDelta::NoBody)),
        };
        match self.bytes_by_hash(Folder::Bodies, &hash).await {
            Ok(content) if format == 1 => Ok(String::from_utf8(content).map_err(|_| UnreadableDelta::Corrupt)),
            Ok(content) => Ok(delta::decompress(&content, text_bytes)),
            Err(StoreError::MissingObject { .. } | StoreError::CorruptObject { .. }) => {
                Ok(Err(UnreadableDelta::NoObject))
            }
            Err(error) => Err(error),
        }
    }
}

fn seq_of(item: &Item) -> Option<u64> {
    attributes::text(item, attributes::SK)?.parse().ok()
}

fn wrong(detail: &'static str) -> StoreError {
    StoreError::WrongShape { item: attributes::DELTAS_PK.to_owned(), attribute: attributes::SK.to_owned(), detail }
}
