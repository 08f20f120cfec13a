//! Resources as cost lines spell them -> who carries their cost, by the catalog's records.

use std::collections::{BTreeMap, BTreeSet};

use billing_report::{LineSums, Names, Place as CostPlace, SeenResource};
use catalog_model::{
    Canonical, EntityRef, Identity, Key, Place, RecordKey, SeenAs, Sighting, Stitched, canonical, stitch,
};
use catalog_store::{CatalogStore, Read, StoreError};
use cost_model::{Allocation, AmountError, TagSaid, Unallocated, add_components, allocate, components_of, stacks_of};

use crate::error::CostReportError;
use crate::prior::Prior;

/// Records read and stitched at a time: what is kept of each is only its allocation.
const RECORDS_AT_A_TIME: usize = 1000;

/// Who carries which cost of one bill.
#[derive(Debug, Default)]
pub(crate) struct Allocations {
    identities: BTreeMap<SeenResource, Identity>,
    by_identity: BTreeMap<Identity, Allocation>,
    components: BTreeMap<EntityRef, Stitched>,
    /// What stacks work for.
    stacks: BTreeMap<Identity, Vec<EntityRef>>,
}

impl Allocations {
    /// Finds the record of each resource of the bill, by its identity or by a secondary id, and allocates by it; by what
    /// carried the cost before where the catalog has no words of the resource any more.
    pub(crate) async fn find(store: &CatalogStore, sums: &LineSums, prior: &Prior) -> Result<Self, CostReportError> {
        let seen: Vec<(SeenResource, Canonical)> =
            sums.resources().into_iter().map(|resource| (resource, canonical_of(sums, resource))).collect();
        let secondary: BTreeSet<Key> = seen
            .iter()
            .filter_map(|(_, canonical)| match canonical {
                Canonical::Secondary(key) => Some(key.clone()),
                Canonical::Exact(_) | Canonical::Unknown => None,
            })
            .collect();
        let holders =
            store.resolve(&secondary.into_iter().collect::<Vec<_>>()).await.map_err(CostReportError::Store)?;
        let identity_of = |canonical: Canonical| match canonical {
            Canonical::Exact(identity) => Some(identity),
            Canonical::Secondary(key) => holders.get(&key).cloned(),
            Canonical::Unknown => None,
        };
        let identities: BTreeMap<SeenResource, Identity> =
            seen.into_iter().filter_map(|(resource, canonical)| Some((resource, identity_of(canonical)?))).collect();
        let mut found = Self { identities, by_identity: BTreeMap::new(), ..Self::default() };
        found.read_records(store).await.map_err(CostReportError::Store)?;
        found.read_prior(store, prior).await?;
        let of_tags = sums.places().filter_map(|place| said(sums, &place).component());
        let of_tags: BTreeSet<EntityRef> = of_tags.collect();
        found.read_components(store, of_tags).await.map_err(CostReportError::Store)?;
        Ok(found)
    }

    /// Allocations of those that the catalog has words about. A resource that was deleted keeps what exports still say of it.
    async fn read_records(&mut self, store: &CatalogStore) -> Result<(), StoreError> {
        let identities: BTreeSet<&Identity> = self.identities.values().collect();
        let identities: Vec<Identity> = identities.into_iter().cloned().collect();
        for chunk in identities.chunks(RECORDS_AT_A_TIME) {
            let mut resources = stitched(store, chunk).await?;
            self.read_stacks(store, resources.iter().flat_map(stacks_of).collect()).await?;
            for resource in &mut resources {
                for stack in stacks_of(resource) {
                    add_components(resource, self.stacks.get(&stack).map_or(&[], Vec::as_slice));
                }
            }
            self.read_components(store, resources.iter().flat_map(components_of).collect()).await?;
            let allocated =
                resources.iter().map(|resource| (resource.identity.clone(), allocate(resource, &self.components)));
            self.by_identity.extend(allocated);
        }
        Ok(())
    }

    /// Of a stack that is gone, nobody works for anybody.
    async fn read_stacks(&mut self, store: &CatalogStore, stacks: BTreeSet<Identity>) -> Result<(), StoreError> {
        let new: Vec<Identity> = stacks.into_iter().filter(|stack| !self.stacks.contains_key(stack)).collect();
        for chunk in new.chunks(RECORDS_AT_A_TIME) {
            let read = stitched(store, chunk).await?.into_iter().filter(|stack| stack.existence.exists());
            self.stacks.extend(read.map(|stack| (stack.identity.clone(), components_of(&stack))));
        }
        Ok(())
    }

    async fn read_components(
        &mut self,
        store: &CatalogStore,
        components: BTreeSet<EntityRef>,
    ) -> Result<(), StoreError> {
        let new: Vec<Identity> = components
            .iter()
            .filter(|component| !self.components.contains_key(component))
            .map(Identity::of_entity)
            .collect();
        for chunk in new.chunks(RECORDS_AT_A_TIME) {
            for component in stitched(store, chunk).await? {
                self.components.extend(component.identity.entity_ref().map(|entity_ref| (entity_ref, component)));
            }
        }
        Ok(())
    }

    async fn read_prior(&mut self, store: &CatalogStore, prior: &Prior) -> Result<(), CostReportError> {
        let unknown: BTreeSet<&Identity> =
            self.identities.values().filter(|identity| !self.by_identity.contains_key(identity)).collect();
        let unknown: Vec<Identity> = unknown.into_iter().cloned().collect();
        let before = prior.rollups(store, &unknown).await.map_err(CostReportError::Store)?;
        let components = before
            .iter()
            .flat_map(|(_, rollup)| rollup.cells().filter_map(|(_, d, _)| d.attribution.component().cloned()));
        self.read_components(store, components.collect()).await.map_err(CostReportError::Store)?;
        for (identity, rollup) in before {
            let kept = Allocation::as_before(identity.clone(), &rollup, &self.components);
            let kept: Option<Allocation> = kept.map_err(|source: AmountError| CostReportError::Sum(source))?;
            self.by_identity.extend(kept.map(|kept| (identity, kept)));
        }
        Ok(())
    }

    /// `None`: nobody carries it, for the reason that [`Self::of`] names.
    fn known(&self, sums: &LineSums, place: &CostPlace) -> Option<Allocation> {
        let of_record = self.identities.get(&place.resource).and_then(|identity| self.by_identity.get(identity));
        of_record.cloned().or_else(|| {
            let reason = self.reason(place);
            let by_tags =
                can_be_tagged(reason).then(|| Allocation::by_tags(said(sums, place), reason, &self.components));
            by_tags.flatten()
        })
    }

    fn reason(&self, place: &CostPlace) -> Unallocated {
        if place.resource.id == Names::BLANK {
            return place.without_resource;
        }
        match self.identities.get(&place.resource) {
            Some(_) => Unallocated::UnknownResource,
            None => Unallocated::UnresolvedResource,
        }
    }

    pub(crate) fn of(&self, sums: &LineSums, place: &CostPlace) -> Allocation {
        self.known(sums, place).unwrap_or_else(|| Allocation::to_nobody(self.reason(place)))
    }

    pub(crate) fn is_carried(&self, sums: &LineSums, place: &CostPlace) -> bool {
        self.known(sums, place).is_some()
    }

    /// Whose the resource is, for evidence: its identity, and its allocation if the catalog knows it.
    pub(crate) fn identity(&self, resource: &SeenResource) -> Option<(&Identity, Option<&Allocation>)> {
        let identity = self.identities.get(resource)?;
        Some((identity, self.by_identity.get(identity)))
    }
}

/// What is nobody's by its kind stays in its named row, whatever tags the line has.
fn can_be_tagged(reason: Unallocated) -> bool {
    use Unallocated::{
        Credit, Discount, Fee, Marketplace, NoComponent, NoResourceId, Refund, ReservationFee, SavingsPlanFee, Support,
        Tax, UnknownResource, Unowned, UnresolvedResource,
    };
    match reason {
        NoResourceId | UnknownResource | UnresolvedResource | Credit | Discount | Refund | Fee | Marketplace => true,
        Tax | Support | SavingsPlanFee | ReservationFee | NoComponent | Unowned => false,
    }
}

fn said<'s>(sums: &'s LineSums, place: &CostPlace) -> TagSaid<'s> {
    let tags = &place.tags;
    TagSaid { component: sums.said(tags.component), owner: sums.said(tags.owner), system: sums.said(tags.system) }
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
