//! `by-name` and `by-uid`: one entity, read consistently, so that a sender sees what it just wrote.

use std::collections::BTreeSet;

use aws_lambda_events::apigw::{ApiGatewayProxyRequest, ApiGatewayProxyResponse};
use catalog_model::{EntityRef, Identity, Key, Record, RecordKey, Stitched, alias, stitch};
use catalog_search::render;
use catalog_store::{Read, StoreError};
use delivery::api::ApiError;
use jiff::Timestamp;

use super::not_found;
use crate::answers::{self, unavailable};
use crate::handler::Deps;
use crate::live::whole;
use crate::parameters::Parameters;

/// Who claims one name at most is read: more would be a mistake in somebody's files, and the first by order counts.
const MAX_CLAIMANTS: usize = 50;

/// What answers to a name.
pub(crate) struct Found {
    pub(crate) identity: Identity,
    pub(crate) record: Record,
    pub(crate) stitched: Stitched,
    /// The alias record of the name.
    pub(crate) alias: Record,
}

pub(crate) async fn by_name(
    request: &ApiGatewayProxyRequest,
    entity_ref: &EntityRef,
    deps: &Deps,
    now: Timestamp,
) -> Result<ApiGatewayProxyResponse, ApiError> {
    Parameters::check(request, &[])?;
    let found = find(entity_ref, deps, now).await.map_err(unavailable)?;
    let Some(found) = found.filter(|found| found.stitched.existence.exists()) else {
        return Err(not_found(entity_ref));
    };
    answers::json(&whole(render(&found.stitched, &*deps.live.read().await)))
}

pub(crate) async fn by_uid(
    request: &ApiGatewayProxyRequest,
    uid: &str,
    deps: &Deps,
    now: Timestamp,
) -> Result<ApiGatewayProxyResponse, ApiError> {
    Parameters::check(request, &[])?;
    deps.live.follow(now).await.map_err(unavailable)?;
    let unknown = || ApiError::not_found(format!("No entity with uid {uid}"));
    let identity = whole(deps.live.read().await.identity_of_uid(uid)).ok_or_else(unknown)?;
    let record =
        deps.store.record(&RecordKey::Entity(identity.clone()), Read::Consistent).await.map_err(unavailable)?;
    deps.live.learn(std::slice::from_ref(&record)).await;
    let stitched = stitch(&identity, &record);
    if !stitched.existence.exists() {
        return Err(unknown());
    }
    answers::json(&whole(render(&stitched, &*deps.live.read().await)))
}

/// The record that answers to a name now, or answered last: an existing one by preference. The name may be declared or
/// derived. Everything that was read is known to the catalog in memory afterwards.
pub(crate) async fn find(entity_ref: &EntityRef, deps: &Deps, now: Timestamp) -> Result<Option<Found>, StoreError> {
    let name = Key::of_ref(entity_ref);
    let keys = [RecordKey::Entity(Identity::of_entity(entity_ref)), RecordKey::Alias(name.clone())];
    let (followed, read) = tokio::join!(deps.live.follow(now), deps.store.records(&keys, Read::Consistent));
    followed?;
    let mut records = read?;

    let mut others: BTreeSet<Identity> = BTreeSet::new();
    {
        let catalog = deps.live.read().await;
        others.extend(whole(catalog.identity_of_derived_name(&name)));
        others.extend(whole(catalog.identity_of(&name)));
    }
    others.extend(alias::claims(&records[1]).map(|claim| claim.identity.clone()).take(MAX_CLAIMANTS));
    others.remove(&Identity::of_entity(entity_ref));
    if !others.is_empty() {
        let keys: Vec<RecordKey> = others.into_iter().map(RecordKey::Entity).collect();
        records.extend(deps.store.records(&keys, Read::Consistent).await?);
    }
    deps.live.learn(&records).await;

    let holder = whole(deps.live.read().await.identity_of(&name));
    let alias = records.remove(1);
    let mut known = records.into_iter().filter(|record| record.rv > 0);
    let record = match holder.map(RecordKey::Entity) {
        Some(holder) => match known.find(|record| record.key == holder) {
            Some(record) => record,
            // The name changed hands since the records were read.
            None => deps.store.record(&holder, Read::Consistent).await?,
        },
        // Nobody now: the last to answer is of interest to `explain`.
        None => match known.next() {
            Some(record) => record,
            None => return Ok(None),
        },
    };
    let RecordKey::Entity(identity) = record.key.clone() else { return Ok(None) };
    let stitched = stitch(&identity, &record);
    Ok(Some(Found { identity, record, stitched, alias }))
}
