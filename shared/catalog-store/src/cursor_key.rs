//! The key by which every copy of the query API signs and checks the cursors of pages.

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;

use crate::attributes;
use crate::{CatalogStore, StoreError};

const KEY_BYTES: usize = 32;

impl CatalogStore {
    /// Makes the key, if there is none yet. It never changes: cursors are good for ever.
    pub async fn make_cursor_key(&self) -> Result<(), StoreError> {
        let mut key = [0; KEY_BYTES];
        getrandom::fill(&mut key).map_err(StoreError::NoRandomness)?;
        let mut item = attributes::key(attributes::INDEX_PK, attributes::CURSOR_KEY_SK);
        item.insert(attributes::SECRET.to_owned(), AttributeValue::B(Blob::new(key)));
        let put = self.dynamodb.put_item().table_name(&self.table).set_item(Some(item));
        match put.condition_expression(attributes::IF_ABSENT).send().await {
            Ok(_) => Ok(()),
            Err(error) if error.as_service_error().is_some_and(PutItemError::is_conditional_check_failed_exception) => {
                Ok(())
            }
            Err(error) => Err(StoreError::aws("PutItem")(error)),
        }
    }

    /// The key; `None` before anything was indexed.
    ///
    /// # Errors
    /// [`StoreError::WrongShape`] if it is no key.
    pub async fn cursor_key(&self) -> Result<Option<[u8; KEY_BYTES]>, StoreError> {
        let answer = self
            .dynamodb
            .get_item()
            .table_name(&self.table)
            .set_key(Some(attributes::key(attributes::INDEX_PK, attributes::CURSOR_KEY_SK)))
            .consistent_read(true)
            .send()
            .await
            .map_err(StoreError::aws("GetItem"))?;
        let Some(item) = answer.item else { return Ok(None) };
        let key = attributes::bytes(&item, attributes::SECRET).and_then(|key| key.try_into().ok());
        key.map(Some).ok_or_else(|| StoreError::WrongShape {
            item: format!("{} {}", attributes::INDEX_PK, attributes::CURSOR_KEY_SK),
            attribute: attributes::SECRET.to_owned(),
            detail: "it is no key of 32 bytes",
        })
    }
}
