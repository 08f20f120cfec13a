//! Resources as cost lines spell them -> who carries their cost, by the catalog's records.

use std::collections::{BTreeMap, BTreeSet};

use catalog_model::{
    Canonical, EntityRef, Identity, Key, Place, RecordKey, SeenAs, Sighting, Stitched, canonical, stitch,
};
use catalog_store::{CatalogStore, Read, StoreError};
use cost_model::{Allocation, Unallocated, allocate, components_of};

use crate::sums::{LineSums, SeenResource};

/// Records read and stitched at a time: what is kept of each is only its allocation.
const RECORDS_AT_A_TIME: usize = 1000;

/// Finds the record of each resource of the bill, by its identity or by a secondary id, and allocates by it.
pub(crate) async fn allocations(
    store: &CatalogStore,
    sums: &LineSums,
) -> Result<BTreeMap<SeenResource, Allocation>, StoreError> {
    let seen: Vec<(SeenResource, Canonical)> =
        sums.resources().into_iter().map(|resource| (resource, canonical_of(sums, resource))).collect();
    let secondary: BTreeSet<Key> = seen
        .iter()
        .filter_map(|(_, canonical)| match canonical {
            Canonical::Secondary(key) => Some(key.clone()),
            Canonical::Exact(_) | Canonical::Unknown => None,
        })
        .collect();
    let holders = store.resolve(&secondary.into_iter().collect::<Vec<_>>()).await?;
    let identity_of = |canonical: &Canonical| match canonical {
        Canonical::Exact(identity) => Some(identity.clone()),
        Canonical::Secondary(key) => holders.get(key).cloned(),
        Canonical::Unknown => None,
    };
    let identities: BTreeSet<Identity> = seen.iter().filter_map(|(_, canonical)| identity_of(canonical)).collect();
    let by_identity = of_records(store, &identities.into_iter().collect::<Vec<_>>()).await?;
    let allocated = seen.into_iter().map(|(resource, canonical)| {
        let allocation = match identity_of(&canonical) {
            Some(identity) => by_identity.get(&identity).cloned(),
            None => Some(Allocation::to_nobody(Unallocated::UnresolvedResource)),
        };
        (resource, allocation.unwrap_or_else(|| Allocation::to_nobody(Unallocated::UnknownResource)))
    });
    Ok(allocated.collect())
}

/// Allocations of those that the catalog has words about. A resource that was deleted keeps what exports still say of it.
async fn of_records(
    store: &CatalogStore,
    identities: &[Identity],
) -> Result<BTreeMap<Identity, Allocation>, StoreError> {
    let mut allocations = BTreeMap::new();
    let mut components: BTreeMap<EntityRef, Stitched> = BTreeMap::new();
    for chunk in identities.chunks(RECORDS_AT_A_TIME) {
        let resources = stitched(store, chunk).await?;
        let new: BTreeSet<EntityRef> =
            resources.iter().flat_map(components_of).filter(|component| !components.contains_key(component)).collect();
        let new: Vec<Identity> = new.iter().map(Identity::of_entity).collect();
        for component in stitched(store, &new).await? {
            components.extend(component.identity.entity_ref().map(|entity_ref| (entity_ref, component)));
        }
        let allocated = resources.iter().map(|resource| (resource.identity.clone(), allocate(resource, &components)));
        allocations.extend(allocated);
    }
    Ok(allocations)
}

async fn stitched(store: &CatalogStore, identities: &[Identity]) -> Result<Vec<Stitched>, StoreError> {
    let keys: Vec<RecordKey> = identities.iter().cloned().map(RecordKey::Entity).collect();
    let records = store.records(&keys, Read::Consistent).await?;
    let rules = store.ownership().await?;
    let known = identities.iter().zip(&records).filter(|(_, record)| record.facts().next().is_some());
    Ok(known.map(|(identity, record)| stitch(identity, record, &rules)).collect())
}

fn canonical_of(sums: &LineSums, resource: SeenResource) -> Canonical {
    let region = sums.name(resource.region);
    canonical(&Sighting {
        place: Place { partition: partition_of(region), account: sums.name(resource.account), region },
        seen_as: SeenAs::ProductCode(sums.name(resource.product_code)),
        id: sums.name(resource.id),
    })
}

/// A bill is of one partition, but does not name it.
fn partition_of(region: &str) -> &'static str {
    match region.split('-').take(2).collect::<Vec<_>>()[..] {
        ["cn", ..] => "aws-cn",
        ["us", "gov"] => "aws-us-gov",
        ["eusc", ..] => "aws-eusc",
        _ => "aws",
    }
}
