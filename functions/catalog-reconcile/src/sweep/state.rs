//! How far a sweep is: what one invocation leaves to the next, as JSON.

use std::collections::{BTreeMap, VecDeque};

use catalog_model::{Identity, Version};
use catalog_store::{CatalogStore, StoreError};
use serde::{Deserialize, Serialize};
use tracing::warn;

use super::report::Drift;

/// What is read and compared at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Unit {
    pub(crate) account: String,
    /// `None`: all types of the account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) resource_type: Option<String>,
}

/// One sweep, and what the one before leaves to it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Sweep {
    pub(crate) began_ms: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) finished_ms: Option<u64>,
    /// Whoever asked for it has said that any number may go.
    #[serde(default)]
    pub(crate) allow_deletes: bool,
    /// Still to do, in this order.
    pub(crate) units: VecDeque<Unit>,
    pub(crate) units_done: u64,
    /// Not seen by the sweep before, at these versions.
    pub(crate) suspects: BTreeMap<Identity, Version>,
    /// Not seen by this one.
    pub(crate) unseen: BTreeMap<Identity, Version>,
    /// Whether the deletions are decided on: [`Self::unseen`] is then what is left of it.
    #[serde(default)]
    pub(crate) decided: bool,
    pub(crate) drift: Drift,
}

/// The state in the table, and how often it was written.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) sweep: Sweep,
    revision: u64,
}

impl Kept {
    /// A state that this build cannot read counts as none: a sweep begins anew, and forgets who was suspected.
    pub(crate) async fn read(store: &CatalogStore) -> Result<Option<Self>, StoreError> {
        let Some(state) = store.sweep_state().await? else { return Ok(None) };
        let sweep = state.body.map(serde_json::from_value::<Sweep>).transpose().unwrap_or_else(|error| {
            warn!(error = %delivery::describe(&error), "the state of the last sweep cannot be read");
            None
        });
        // As if one had ended long ago.
        let sweep = sweep.unwrap_or_else(|| Sweep { finished_ms: Some(0), ..Sweep::default() });
        Ok(Some(Self { sweep, revision: state.revision }))
    }

    pub(crate) fn none() -> Self {
        Self { sweep: Sweep { finished_ms: Some(0), ..Sweep::default() }, revision: 0 }
    }

    /// `false`: another invocation is at the same sweep, and goes on with it.
    pub(crate) async fn write(&mut self, store: &CatalogStore) -> Result<bool, StoreError> {
        let body = serde_json::to_value(&self.sweep).map_err(|source| StoreError::Unreadable {
            item: "the state of a sweep".to_owned(),
            attribute: "b".to_owned(),
            source: Box::new(source),
        })?;
        let is_ours = store.put_sweep_state(self.revision, &body).await?;
        self.revision += u64::from(is_ours);
        Ok(is_ours)
    }
}

impl Unit {
    /// `111122223333`, or `111122223333 AWS::S3::Bucket`.
    pub(crate) fn name(&self) -> String {
        let Self { account, resource_type } = self;
        resource_type.as_deref().map_or_else(|| account.clone(), |name| format!("{account} {name}"))
    }
}

impl Sweep {
    /// Begins behind one that is finished: who was not seen by that one is a suspect.
    pub(crate) fn after(last: &Self, began_ms: u64, allow_deletes: bool, units: VecDeque<Unit>) -> Self {
        Self { began_ms, allow_deletes, units, suspects: last.unseen.clone(), ..Self::default() }
    }

    pub(crate) fn is_finished(&self) -> bool {
        self.finished_ms.is_some()
    }
}
