//! How far each account's latest word from Config has come: when it was captured, told, and applied.

use serde::Serialize;

use crate::attributes::{self, Item, n};
use crate::root::send_unless_condition_fails;
use crate::{CatalogStore, StoreError};

/// The latest item of an account that was applied. All times in milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IngestLag {
    pub account: String,
    /// When Config captured it.
    pub captured_ms: u64,
    /// When the event or notification of it was made.
    pub told_ms: u64,
    /// When it was in the catalog.
    pub applied_ms: u64,
}

impl CatalogStore {
    /// Keeps it, unless one that was captured later is kept: one UpdateItem.
    pub async fn note_lag(&self, lag: &IngestLag) -> Result<(), StoreError> {
        let update = self
            .dynamodb
            .update_item()
            .table_name(&self.table)
            .set_key(Some(attributes::key(attributes::LAG_PK, &lag.account)))
            .update_expression(attributes::SET_LAG)
            .condition_expression(attributes::IF_LATER_CAPTURE)
            .expression_attribute_values(":captured", n(lag.captured_ms))
            .expression_attribute_values(":told", n(lag.told_ms))
            .expression_attribute_values(":applied", n(lag.applied_ms));
        send_unless_condition_fails(update).await.map(drop)
    }

    /// Of every account, in the order of their ids.
    pub async fn lags(&self) -> Result<Vec<IngestLag>, StoreError> {
        Ok(self.query_all(attributes::LAG_PK, usize::MAX).await?.iter().map(lag_of).collect())
    }
}

fn lag_of(item: &Item) -> IngestLag {
    let ms = |name| attributes::number(item, name).unwrap_or_default();
    IngestLag {
        account: attributes::text(item, attributes::SK).unwrap_or_default().to_owned(),
        captured_ms: ms(attributes::CAPTURED_MS),
        told_ms: ms(attributes::TOLD_MS),
        applied_ms: ms(attributes::APPLIED_MS),
    }
}
