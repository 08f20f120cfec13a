//! The last receipt of each (producer, format, name), door by door.

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use catalog_model::{SourceObject, Version};
use serde_json::Value;

use crate::attributes::{self, Item, s};
use crate::bodies::{Body, Folder};
use crate::records::check_pk;
use crate::{CatalogStore, StoreError};

/// A receipt names every entity of its export; a long one goes to the bucket.
const MAX_INLINE_RECEIPT_BYTES: usize = 64 * 1024;

impl CatalogStore {
    /// Keeps a receipt, unless that of a newer version stands. One of the same version is replaced.
    pub async fn put_receipt(
        &self,
        source: &SourceObject,
        version: &Version,
        receipt: &Value,
    ) -> Result<(), StoreError> {
        let pk = attributes::receipts_pk(&source.producer, &source.format.to_string(), &source.name);
        check_pk(&pk)?;
        let body = self.keep(Folder::Bodies, receipt.to_string(), MAX_INLINE_RECEIPT_BYTES).await?;
        let mut item = attributes::key(&pk, &source.door.to_string());
        item.extend([(attributes::VERSION.to_owned(), s(version.as_str())), body.attribute()]);
        let put = self
            .dynamodb
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression(attributes::IF_NOT_OLDER)
            .expression_attribute_values(":v", s(version.as_str()))
            .send()
            .await;
        match put {
            Ok(_) => Ok(()),
            Err(error) if error.as_service_error().is_some_and(PutItemError::is_conditional_check_failed_exception) => {
                Ok(())
            }
            Err(error) => Err(StoreError::aws("PutItem")(error)),
        }
    }

    /// The last receipt of each door, in the order of the doors' names.
    pub async fn receipts(&self, producer: &str, format: &str, name: &str) -> Result<Vec<Value>, StoreError> {
        let items = self.query_all(&attributes::receipts_pk(producer, format, name), usize::MAX).await?;
        let mut receipts = Vec::with_capacity(items.len());
        for item in &items {
            receipts.push(self.json_of(Folder::Bodies, item).await?);
        }
        Ok(receipts)
    }

    /// The JSON body of an item.
    pub(crate) async fn json_of(&self, folder: Folder, item: &Item) -> Result<Value, StoreError> {
        let name = || {
            let part = |name| attributes::text(item, name).unwrap_or_default();
            format!("{} {}", part(attributes::PK), part(attributes::SK))
        };
        let text = match Body::of(item) {
            Some(Body::Inline(text)) => text,
            Some(Body::InBucket { hash }) => self.get_by_hash(folder, &hash).await?,
            Some(Body::Packed(_)) | None => {
                return Err(StoreError::WrongShape {
                    item: name(),
                    attribute: attributes::BODY.to_owned(),
                    detail: "it is no text, or missing",
                });
            }
        };
        serde_json::from_str(&text).map_err(|source| StoreError::Unreadable {
            item: name(),
            attribute: attributes::BODY.to_owned(),
            source: Box::new(source),
        })
    }
}
