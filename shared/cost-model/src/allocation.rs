//! A resource's stitched record and its components' -> who carries the resource's cost.
//!
//! The record decides: component by relation `dependencyOf`, owner by `ownedBy`, system by `partOf`, each as the ownership
//! rules of the catalog model let them win. What the resource does not say, its component says for it.

use std::collections::BTreeMap;

use catalog_model::{EntityRef, Identity, Stitched};

use crate::rollup::Attribution;
use crate::unallocated::Unallocated;

/// Who carries a cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allocation {
    /// The record that the cost is of; none for what is unallocated altogether.
    pub entity: Option<Identity>,
    /// What the record says; the line's own tag counts where it says nothing.
    pub environment: Option<String>,
    /// Equal shares in the order of the components' references; never empty.
    pub shares: Vec<Share>,
}

/// One part of a cost that several components share, or the whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    pub attribution: Attribution,
    /// None: known but unowned.
    pub owner: Option<EntityRef>,
    pub system: Option<EntityRef>,
}

/// The components that a resource works for, in order.
pub fn components_of(resource: &Stitched) -> Vec<EntityRef> {
    targets(resource, "dependencyOf", "component").collect()
}

/// Allocates the cost of `resource` to its components in equal shares.
///
/// `components`: the stitched records of [`components_of`] the resource; one that is missing has no owner and no system.
/// Without a component, the cost is on the resource and its owner, and unallocated for components: `NoComponent`.
pub fn allocate(resource: &Stitched, components: &BTreeMap<EntityRef, Stitched>) -> Allocation {
    let (owner, system) = (owner_of(resource), system_of(resource));
    let mut shares: Vec<Share> = components_of(resource)
        .into_iter()
        .map(|component| {
            let stitched = components.get(&component);
            Share {
                owner: owner.clone().or_else(|| stitched.and_then(owner_of)).or_else(|| yielding_owner_of(resource)),
                system: system
                    .clone()
                    .or_else(|| stitched.and_then(system_of))
                    .or_else(|| yielding_system_of(resource)),
                attribution: Attribution::Component(component),
            }
        })
        .collect();
    if shares.is_empty() {
        let (owner, system) =
            (owner.or_else(|| yielding_owner_of(resource)), system.or_else(|| yielding_system_of(resource)));
        shares.push(Share { attribution: Attribution::Unallocated(Unallocated::NoComponent), owner, system });
    }
    Allocation {
        entity: Some(resource.identity.clone()),
        environment: resource.said_spec("environment").map(str::to_owned),
        shares,
    }
}

impl Allocation {
    /// Of a cost that no record carries.
    pub fn to_nobody(reason: Unallocated) -> Self {
        let share = Share { attribution: Attribution::Unallocated(reason), owner: None, system: None };
        Self { entity: None, environment: None, shares: vec![share] }
    }
}

fn owner_of(stitched: &Stitched) -> Option<EntityRef> {
    stitched.relations.keys().find(|r| r.relation_type == "ownedBy").and_then(|r| r.target.entity_ref())
}

/// What gives way to a component's.
fn yielding_owner_of(stitched: &Stitched) -> Option<EntityRef> {
    stitched.yielding.keys().find(|r| r.relation_type == "ownedBy").and_then(|r| r.target.entity_ref())
}

fn yielding_system_of(stitched: &Stitched) -> Option<EntityRef> {
    stitched.yielding.keys().find(|r| r.relation_type == "partOf").and_then(|r| r.target.entity_ref())
}

fn system_of(stitched: &Stitched) -> Option<EntityRef> {
    targets(stitched, "partOf", "system").next()
}

fn targets(stitched: &Stitched, relation_type: &str, kind: &str) -> impl Iterator<Item = EntityRef> {
    let of_type = stitched.relations.keys().filter(move |relation| relation.relation_type == relation_type);
    of_type.filter_map(|relation| relation.target.entity_ref()).filter(move |target| target.kind() == kind)
}

#[cfg(test)]
mod tests {
    use catalog_model::{
        Door, Facts, Format, Fragment, Key, Pointer, Record, RecordKey, Relation, Role, Rules, Said, SourceObject,
        Version, stitch,
    };

    use super::*;

    fn stitched(identity: &Identity, relations: &[(&str, &str)], fields: &[(&str, &str)]) -> Stitched {
        let mut facts = Facts::new(Role::Listed);
        for (relation_type, target) in relations {
            facts.relations.insert(Relation::new(relation_type, Key::of_ref(&target.parse().unwrap())));
        }
        for (field, value) in fields {
            facts.say(Pointer::spec(field), *value);
        }
        let mut record = Record::empty(RecordKey::Entity(identity.clone()));
        record.apply(Fragment {
            source: SourceObject {
                door: Door::Http,
                producer: "acme.infra".into(),
                format: Format::TerraformState,
                name: "main".into(),
            },
            version: Version::of_serial(1, 1),
            delivery: "d".into(),
            said: Said::Facts(facts),
        });
        stitch(identity, &record, &Rules::default())
    }

    fn table() -> Identity {
        Identity::of_canonical_arn("arn:aws:dynamodb:eu-west-1:111122223333:table/orders")
    }

    fn component(name: &str, fields: &[(&str, &str)]) -> (EntityRef, Stitched) {
        let entity_ref = EntityRef::component(name);
        (entity_ref.clone(), stitched(&Identity::of_entity(&entity_ref), &[], fields))
    }

    fn shown(allocation: &Allocation) -> Vec<String> {
        let text = |r: &Option<EntityRef>| r.as_ref().map_or("-".to_owned(), EntityRef::to_string);
        let shares = allocation.shares.iter();
        shares.map(|share| format!("{} {} {}", share.attribution, text(&share.owner), text(&share.system))).collect()
    }

    #[test]
    fn what_the_resource_says_goes_before_what_its_component_says() {
        let components = BTreeMap::from([component("orders", &[("owner", "shop"), ("system", "store")])]);
        let quiet = stitched(&table(), &[("dependencyOf", "component:default/orders")], &[]);
        assert_eq!(
            shown(&allocate(&quiet, &components)),
            ["component:default/orders group:default/shop system:default/store"]
        );
        let loud = stitched(
            &table(),
            &[("dependencyOf", "component:default/orders")],
            &[("owner", "data"), ("environment", "prod")],
        );
        let allocation = allocate(&loud, &components);
        assert_eq!(shown(&allocation), ["component:default/orders group:default/data system:default/store"]);
        assert_eq!(allocation.environment.as_deref(), Some("prod"));
        assert_eq!(allocation.entity, Some(table()));
    }

    #[test]
    fn several_components_share_in_the_order_of_their_references() {
        let resource = stitched(
            &table(),
            &[
                ("dependencyOf", "component:default/web"),
                ("dependencyOf", "component:default/orders"),
                ("dependencyOf", "resource:default/x"),
            ],
            &[],
        );
        let components = BTreeMap::from([component("orders", &[("owner", "shop")])]);
        assert_eq!(
            shown(&allocate(&resource, &components)),
            ["component:default/orders group:default/shop -", "component:default/web - -"]
        );
    }

    #[test]
    fn a_resource_without_component_still_has_its_owner() {
        let resource = stitched(&table(), &[], &[("owner", "user:default/jo")]);
        assert_eq!(shown(&allocate(&resource, &BTreeMap::new())), ["NoComponent user:default/jo -"]);
        assert_eq!(shown(&Allocation::to_nobody(Unallocated::Tax)), ["Tax - -"]);
    }
}
