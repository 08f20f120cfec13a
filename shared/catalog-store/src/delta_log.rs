//! Rows of the index -> a dense, ordered log: 1, 2, 3, ... without a gap.
//!
//! An item is appended after the last one, if its place is still free; so who has read up to n cannot miss a late item.

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use serde_json::Value;

use crate::attributes::{self, s};
use crate::bodies::{Body, Folder};
use crate::{CatalogStore, StoreError};

/// JSON text of one item. A single row that is longer goes to the bucket.
const MAX_ITEM_BYTES: usize = 256 * 1024;
/// Each failed try means that another appender came first.
const MAX_TRIES: u32 = 100;
/// What one read returns, in pages of DynamoDB (1 MB each). In memory, parsed, it is several times as much.
const MAX_PAGES: usize = 8;

impl CatalogStore {
    /// Appends rows, in their order, as one item or as several of at most 256 KB. Returns the number of the last item;
    /// without rows nothing is appended. After an error, or a lost answer, some rows may be in the log twice.
    pub async fn append_deltas(&self, rows: &[Value]) -> Result<u64, StoreError> {
        let mut last = self.last_delta().await?;
        for text in texts_of(rows) {
            let body = self.keep(Folder::Bodies, text, MAX_ITEM_BYTES).await?;
            last = self.append(last, &body).await?;
        }
        Ok(last)
    }

    /// Items after number `seq`, in order; empty when there are none. Returns at most some 8 MB: a reader that is far
    /// behind calls again until nothing comes.
    pub async fn deltas_after(&self, seq: u64) -> Result<Vec<(u64, Vec<Value>)>, StoreError> {
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
        let mut deltas = Vec::new();
        for _ in 0..MAX_PAGES {
            let Some(page) = pages.next().await else { break };
            for item in page.map_err(StoreError::aws("Query"))?.items() {
                let Value::Array(rows) = self.json_of(Folder::Bodies, item).await? else {
                    return Err(wrong("its body is no array"));
                };
                deltas.push((seq_of(attributes::text(item, attributes::SK))?, rows));
            }
        }
        Ok(deltas)
    }

    /// The number of the last item; 0 if there is none.
    pub async fn last_delta(&self) -> Result<u64, StoreError> {
        let answer = self
            .dynamodb
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression(attributes::ALL_OF)
            .expression_attribute_values(":pk", s(attributes::DELTAS_PK))
            .projection_expression(attributes::SK)
            .scan_index_forward(false)
            .limit(1)
            .send()
            .await
            .map_err(StoreError::aws("Query"))?;
        answer.items().first().map_or(Ok(0), |item| seq_of(attributes::text(item, attributes::SK)))
    }

    async fn append(&self, last: u64, body: &Body) -> Result<u64, StoreError> {
        let mut seq = last + 1;
        for _ in 0..MAX_TRIES {
            let mut item = attributes::key(attributes::DELTAS_PK, &attributes::delta_sk(seq));
            item.extend([body.attribute()]);
            let put = self
                .dynamodb
                .put_item()
                .table_name(&self.table)
                .set_item(Some(item))
                .condition_expression(attributes::IF_ABSENT)
                .send()
                .await;
            match put {
                Ok(_) => return Ok(seq),
                Err(error)
                    if error.as_service_error().is_some_and(PutItemError::is_conditional_check_failed_exception) =>
                {
                    seq = self.last_delta().await? + 1;
                }
                Err(error) => return Err(StoreError::aws("PutItem")(error)),
            }
        }
        Err(StoreError::Contended { what: "the end of the log".to_owned(), tries: MAX_TRIES })
    }
}

/// JSON arrays of rows, each as long as it may be.
fn texts_of(rows: &[Value]) -> Vec<String> {
    let mut texts: Vec<String> = Vec::new();
    for row in rows {
        let row = row.to_string();
        match texts.last_mut() {
            // Two bytes: the comma, and the bracket that closes.
            Some(text) if text.len() + row.len() + 2 <= MAX_ITEM_BYTES => {
                text.push(',');
                text.push_str(&row);
            }
            _ => texts.push(format!("[{row}")),
        }
    }
    for text in &mut texts {
        text.push(']');
    }
    texts
}

fn seq_of(sk: Option<&str>) -> Result<u64, StoreError> {
    sk.and_then(|sk| sk.parse().ok()).ok_or_else(|| wrong("its sort key is no number"))
}

fn wrong(detail: &'static str) -> StoreError {
    StoreError::WrongShape { item: attributes::DELTAS_PK.to_owned(), attribute: attributes::BODY.to_owned(), detail }
}
