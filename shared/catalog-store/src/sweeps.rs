//! How far the sweep against Config's aggregator is, and what the last one found.
//!
//! The state is one JSON text of whoever sweeps, replaced as a whole if nobody else has replaced it. What the last sweep
//! found is a short text in the table, for the status page, and a whole one in the bucket.

use serde_json::Value;

use crate::attributes::{self, n, s};
use crate::bodies::Folder;
use crate::root::send_unless_condition_fails;
use crate::{CatalogStore, StoreError};

/// A longer state goes to the bucket.
const MAX_INLINE_STATE_BYTES: usize = 64 * 1024;

/// The state of a sweep as it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct SweepState {
    /// How often it was written.
    pub revision: u64,
    /// `None`: its object is gone from the bucket.
    pub body: Option<Value>,
}

impl CatalogStore {
    /// Read consistently; `None` if no sweep ever began.
    ///
    /// # Errors
    /// Fails on a state that the catalog did not write.
    pub async fn sweep_state(&self) -> Result<Option<SweepState>, StoreError> {
        let Some(item) = self.reconcile_item(attributes::SWEEP_SK).await? else { return Ok(None) };
        let revision = attributes::number(&item, attributes::REVISION).ok_or_else(|| StoreError::WrongShape {
            item: format!("{} {}", attributes::RECONCILE_PK, attributes::SWEEP_SK),
            attribute: attributes::REVISION.to_owned(),
            detail: "it is no number",
        })?;
        let body = match self.json_of(Folder::Sweeps, &item).await {
            Ok(body) => Some(body),
            // The bucket lets go of these after a while.
            Err(StoreError::MissingObject { .. }) => None,
            Err(error) => return Err(error),
        };
        Ok(Some(SweepState { revision, body }))
    }

    /// Replaces the state of this revision; 0 if there is none. `false`: somebody else has written it meanwhile.
    pub async fn put_sweep_state(&self, revision: u64, body: &Value) -> Result<bool, StoreError> {
        let update = self
            .dynamodb
            .update_item()
            .table_name(&self.table)
            .set_key(Some(attributes::key(attributes::RECONCILE_PK, attributes::SWEEP_SK)))
            .expression_attribute_values(":next", n(revision.saturating_add(1)));
        let (place, value) = self.keep(Folder::Sweeps, body.to_string(), MAX_INLINE_STATE_BYTES).await?.attribute();
        let update = if place == attributes::POINTER {
            update.update_expression(attributes::PUT_STATE_POINTER).expression_attribute_values(":p", value)
        } else {
            update.update_expression(attributes::PUT_STATE).expression_attribute_values(":b", value)
        };
        let update = if revision == 0 {
            update.condition_expression(attributes::IF_FIRST_REVISION)
        } else {
            let update = update.condition_expression(attributes::IF_SAME_REVISION);
            update.expression_attribute_values(":rev", n(revision))
        };
        Ok(send_unless_condition_fails(update).await?.is_none())
    }

    /// Puts a whole report into the bucket. Returns its key.
    pub async fn put_sweep_report(&self, report: &Value) -> Result<String, StoreError> {
        let hash = self.put_by_hash(Folder::Sweeps, report.to_string()).await?;
        Ok(Folder::Sweeps.key(&hash))
    }

    /// Replaces what the status page tells of the last sweep: at most some 100 KB.
    pub async fn put_drift(&self, summary: &Value) -> Result<(), StoreError> {
        let update = self
            .dynamodb
            .update_item()
            .table_name(&self.table)
            .set_key(Some(attributes::key(attributes::RECONCILE_PK, attributes::DRIFT_SK)))
            .update_expression(attributes::PUT_DRIFT)
            .expression_attribute_values(":b", s(summary.to_string()));
        update.send().await.map_err(StoreError::aws("UpdateItem"))?;
        Ok(())
    }

    /// What the last sweep found; `None` if none was finished yet.
    pub async fn drift(&self) -> Result<Option<Value>, StoreError> {
        let Some(item) = self.reconcile_item(attributes::DRIFT_SK).await? else { return Ok(None) };
        self.json_of(Folder::Bodies, &item).await.map(Some)
    }

    async fn reconcile_item(&self, sk: &str) -> Result<Option<attributes::Item>, StoreError> {
        let get = self.dynamodb.get_item().table_name(&self.table).consistent_read(true);
        let get = get.set_key(Some(attributes::key(attributes::RECONCILE_PK, sk)));
        Ok(get.send().await.map_err(StoreError::aws("GetItem"))?.item)
    }
}
