//! Rollups of cost by scope, month and generation; and for each export and month the one generation that counts.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{ReturnValue, ReturnValuesOnConditionCheckFailure};
use catalog_model::Applied;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::attributes::{self, Item, n, s};
use crate::bodies::Folder;
use crate::records::check_pk;
use crate::root::send_unless_condition_fails;
use crate::{CatalogStore, Read, StoreError};

/// JSON text of one rollup; a longer one goes to the bucket.
const MAX_INLINE_ROLLUP_BYTES: usize = 300 * 1024;

/// Which generation of an export's month counts, and what its sums are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RollupHead {
    /// A larger text, byte by byte, is newer.
    pub generation: String,
    /// As the writer of the rollups puts it.
    pub totals: Value,
    /// The last UTC day, `yyyy-mm-dd`, of which the bill is complete.
    pub last_complete_day: Option<String>,
    pub at_ms: u64,
}

/// What became of a new head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flipped {
    pub applied: Applied,
    /// The generation that the standing head came after: its rollups may expire.
    pub previous: Option<String>,
}

impl CatalogStore {
    /// Writes a rollup. Nobody reads it before [`Self::flip_head`].
    pub async fn put_rollup(&self, scope: &str, month: &str, generation: &str, body: &Value) -> Result<(), StoreError> {
        let mut item = attributes::rollup_key(scope, month, generation);
        check_pk(attributes::text(&item, attributes::PK).unwrap_or_default())?;
        item.extend([self.keep(Folder::Rollups, body.to_string(), MAX_INLINE_ROLLUP_BYTES).await?.attribute()]);
        self.dynamodb
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item))
            .send()
            .await
            .map_err(StoreError::aws("PutItem"))?;
        Ok(())
    }

    /// What one scope has of a month; `None` if it has nothing in this generation.
    pub async fn rollups(&self, scope: &str, month: &str, generation: &str) -> Result<Option<Value>, StoreError> {
        let answer = self
            .dynamodb
            .get_item()
            .table_name(&self.table)
            .set_key(Some(attributes::rollup_key(scope, month, generation)))
            .consistent_read(true)
            .send()
            .await
            .map_err(StoreError::aws("GetItem"))?;
        match answer.item {
            Some(item) => self.json_of(Folder::Rollups, &item).await.map(Some),
            None => Ok(None),
        }
    }

    /// Which of the scopes have something in this generation. What they have is not sent.
    pub async fn scopes_with_rollups(
        &self,
        scopes: &BTreeSet<String>,
        month: &str,
        generation: &str,
    ) -> Result<BTreeSet<String>, StoreError> {
        let mut keys = Vec::with_capacity(scopes.len());
        for scope in scopes {
            let key = attributes::rollup_key(scope, month, generation);
            check_pk(attributes::text(&key, attributes::PK).unwrap_or_default())?;
            keys.push(key);
        }
        let found = self.batches(keys, Read::Consistent, Some(attributes::PK)).await?;
        Ok(found.iter().filter_map(attributes::scope_of).map(str::to_owned).collect())
    }

    /// Lets a rollup of an old generation go at `at_s`, seconds since 1970. One that is not there is no error.
    pub async fn expire_rollup(&self, scope: &str, month: &str, generation: &str, at_s: u64) -> Result<(), StoreError> {
        let update = self
            .dynamodb
            .update_item()
            .table_name(&self.table)
            .set_key(Some(attributes::rollup_key(scope, month, generation)))
            .update_expression(attributes::EXPIRE)
            .condition_expression(attributes::IF_EXISTS)
            .expression_attribute_values(":at", n(at_s));
        send_unless_condition_fails(update).await.map(drop)
    }

    /// Makes a generation the one that counts, if it is newer than the one that does.
    pub async fn flip_head(&self, export: &str, month: &str, head: &RollupHead) -> Result<Flipped, StoreError> {
        let text = serde_json::to_string(head).map_err(|source| StoreError::Unreadable {
            item: format!("{export}#{month}"),
            attribute: attributes::BODY.to_owned(),
            source: Box::new(source),
        })?;
        let answer = self
            .dynamodb
            .update_item()
            .table_name(&self.table)
            .set_key(Some(attributes::key(attributes::HEADS_PK, &format!("{export}#{month}"))))
            .update_expression(attributes::FLIP)
            .condition_expression(attributes::IF_NEWER)
            .expression_attribute_values(":v", s(&head.generation))
            .expression_attribute_values(":b", s(text))
            .expression_attribute_values(":none", s(""))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let (applied, standing) = match answer {
            Ok(output) => (Applied::Applied, output.attributes.unwrap_or_default()),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                    let standing = failed.item().cloned().unwrap_or_default();
                    let is_same = attributes::text(&standing, attributes::VERSION) == Some(&head.generation);
                    (if is_same { Applied::Duplicate } else { Applied::Stale }, standing)
                }
                _ => return Err(StoreError::aws("UpdateItem")(error)),
            },
        };
        let previous = attributes::text(&standing, attributes::PREVIOUS).filter(|previous| !previous.is_empty());
        Ok(Flipped { applied, previous: previous.map(ToOwned::to_owned) })
    }

    /// All heads as (export, month, head), ordered by export and month.
    pub async fn heads(&self) -> Result<Vec<(String, String, RollupHead)>, StoreError> {
        let items = self.query_all(attributes::HEADS_PK, usize::MAX).await?;
        let mut heads = Vec::with_capacity(items.len());
        for item in &items {
            let (export, month) = export_and_month(item)?;
            let value = self.json_of(Folder::Bodies, item).await?;
            let head = serde_json::from_value(value).map_err(|source| StoreError::Unreadable {
                item: format!("{export}#{month}"),
                attribute: attributes::BODY.to_owned(),
                source: Box::new(source),
            })?;
            heads.push((export, month, head));
        }
        Ok(heads)
    }
}

fn export_and_month(item: &Item) -> Result<(String, String), StoreError> {
    let sk = attributes::text(item, attributes::SK).unwrap_or_default();
    let (export, month) = sk.rsplit_once('#').ok_or_else(|| StoreError::WrongShape {
        item: sk.to_owned(),
        attribute: attributes::SK.to_owned(),
        detail: "it names no export and month",
    })?;
    Ok((export.to_owned(), month.to_owned()))
}
