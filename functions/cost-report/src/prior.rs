//! Who carried a resource's cost before: the rollups of generations that count, of this month and of the one before.

use std::collections::BTreeSet;

use billing_report::Manifest;
use catalog_model::Identity;
use catalog_store::{CatalogStore, RollupHead, StoreError};
use cost_model::{Rollup, Scope};
use futures::{StreamExt, TryStreamExt, stream};
use serde_json::Value;
use tracing::warn;

use crate::publish::SCOPES;

const CONCURRENT_CALLS: usize = 16;

/// Generations of the export that were there before this delivery, the newest month first.
#[derive(Debug, Default)]
pub(crate) struct Prior {
    generations: Vec<PriorGeneration>,
}

#[derive(Debug)]
struct PriorGeneration {
    month: String,
    generation: String,
    scopes: BTreeSet<String>,
}

impl Prior {
    /// Of the manifest's month and the last one before it that there is.
    pub(crate) async fn of(
        store: &CatalogStore,
        manifest: &Manifest,
        heads: &[(String, String, RollupHead)],
    ) -> Result<Self, StoreError> {
        let month = manifest.month.to_string();
        let mut known: Vec<_> =
            heads.iter().filter(|(export, of, _)| *export == manifest.export && *of <= month).collect();
        known.sort_by(|(_, one, _), (_, other, _)| other.cmp(one));
        let mut generations = Vec::new();
        for (_, month, head) in known.into_iter().take(2) {
            let scopes = store.rollups(SCOPES, month, &head.generation).await?.unwrap_or_default();
            let scopes = scopes.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned);
            let (month, generation) = (month.clone(), head.generation.clone());
            generations.push(PriorGeneration { month, generation, scopes: scopes.collect() });
        }
        Ok(Self { generations })
    }

    /// The rollups of those of the resources that had a cost of their own.
    pub(crate) async fn rollups(
        &self,
        store: &CatalogStore,
        identities: &[Identity],
    ) -> Result<Vec<(Identity, Rollup)>, StoreError> {
        let wanted = identities.iter().filter_map(|identity| {
            let scope = Scope::of_identity(identity).to_string();
            let generation = self.generations.iter().find(|generation| generation.scopes.contains(&scope))?;
            Some((identity, scope, generation))
        });
        let read = stream::iter(wanted).map(async |(identity, scope, of)| {
            let body = store.rollups(&scope, &of.month, &of.generation).await?;
            let rollup = body.and_then(|body| match Rollup::from_json(body) {
                Ok(rollup) => Some(rollup),
                Err(error) => {
                    warn!(error = %delivery::describe(&error), scope, "a stored rollup cannot be read");
                    None
                }
            });
            Ok(rollup.map(|rollup| (identity.clone(), rollup)))
        });
        let read: Vec<_> = read.buffered(CONCURRENT_CALLS).try_collect().await?;
        Ok(read.into_iter().flatten().collect())
    }
}
