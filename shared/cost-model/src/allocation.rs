//! A resource's stitched record and its components' -> who carries the resource's cost.
//!
//! The record decides: component by relation `dependencyOf`, owner by `ownedBy`, system by `partOf`, each as the ownership
//! rules of the catalog model let them win. What the resource does not say, its component says for it. Where there is no
//! record, the tags of the line do; a resource that is no longer known keeps who carried its cost before.

use std::collections::BTreeMap;

use catalog_model::{DEFAULT_NAMESPACE, EntityRef, Identity, Key, Pointer, Relation, Stitched};

use crate::amount::AmountError;
use crate::amounts::Amounts;
use crate::rollup::{Attribution, Rollup};
use crate::unallocated::Unallocated;

/// Who carries a cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allocation {
    /// The record that the cost is of; none for what is unallocated altogether.
    pub entity: Option<Identity>,
    /// What the record says; the line's own tag counts where it says nothing.
    pub environment: Option<String>,
    /// In the order of the components' references; never empty.
    pub shares: Vec<Share>,
}

/// One part of a cost that several components share, or the whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    pub attribution: Attribution,
    /// None: known but unowned.
    pub owner: Option<EntityRef>,
    pub system: Option<EntityRef>,
    /// Relative to the other shares'. If all are zero, the first share is everything.
    pub weight: u128,
}

/// Annotation of a resource that several components share: `orders=3, web=1`. A component that is not in it has the weight
/// 0; without the annotation, or with one that cannot be read, the shares are equal.
pub const WEIGHTS_ANNOTATION: &str = "callboard.io/cost-weights";

/// What the tags of a cost line say, as they are written; none where they say nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TagSaid<'t> {
    pub component: Option<&'t str>,
    pub owner: Option<&'t str>,
    pub system: Option<&'t str>,
}

/// The components that a resource works for, in order.
pub fn components_of(resource: &Stitched) -> Vec<EntityRef> {
    targets(resource, "dependencyOf", "component").collect()
}

/// The CloudFormation stacks whose components a resource works for: those that it is part of, where it names none itself.
pub fn stacks_of(resource: &Stitched) -> Vec<Identity> {
    if !components_of(resource).is_empty() {
        return Vec::new();
    }
    let stacks = resource.relations.keys().filter_map(Relation::stack);
    stacks.filter_map(Key::identity).filter(|stack| *stack != resource.identity).collect()
}

/// A resource that works for these too from now on.
pub fn add_components(resource: &mut Stitched, components: &[EntityRef]) {
    for component in components {
        resource.relations.entry(Relation::new("dependencyOf", Key::of_ref(component))).or_default();
    }
}

/// Allocates the cost of `resource` to its components, in shares as [`WEIGHTS_ANNOTATION`] declares, else in equal ones.
///
/// `components`: the stitched records of [`components_of`] the resource; one that is missing has no owner and no system.
/// Without a component, the cost is on the resource and its owner, and unallocated for components: `NoComponent`, or
/// `Unowned` without an owner.
pub fn allocate(resource: &Stitched, components: &BTreeMap<EntityRef, Stitched>) -> Allocation {
    let (owner, system) = (owner_of(resource), system_of(resource));
    let weights = weights_of(resource);
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
                weight: weights.as_ref().map_or(1, |weights| weights.get(&component).copied().unwrap_or_default()),
                attribution: Attribution::Component(component),
            }
        })
        .collect();
    if shares.is_empty() {
        let (owner, system) =
            (owner.or_else(|| yielding_owner_of(resource)), system.or_else(|| yielding_system_of(resource)));
        let reason = if owner.is_some() { Unallocated::NoComponent } else { Unallocated::Unowned };
        shares.push(Share { attribution: Attribution::Unallocated(reason), owner, system, weight: 1 });
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
        let share = Share { attribution: Attribution::Unallocated(reason), owner: None, system: None, weight: 1 };
        Self { entity: None, environment: None, shares: vec![share] }
    }

    /// By the tags of a line whose resource no record is of: to the component that they name, with what the tags say of
    /// owner and system before what `components` say. With an owner alone, the cost is the owner's and unallocated for
    /// `reason`. `None`: the tags name neither, in words that can be names.
    pub fn by_tags(said: TagSaid<'_>, reason: Unallocated, components: &BTreeMap<EntityRef, Stitched>) -> Option<Self> {
        let component = said.component();
        let stitched = component.as_ref().and_then(|component| components.get(component));
        let owner = named(said.owner, "group").or_else(|| stitched.and_then(owner_of));
        let system = named(said.system, "system").or_else(|| stitched.and_then(system_of));
        let attribution = match component {
            Some(component) => Attribution::Component(component),
            None if owner.is_some() => Attribution::Unallocated(reason),
            None => return None,
        };
        Some(Self { entity: None, environment: None, shares: vec![Share { attribution, owner, system, weight: 1 }] })
    }

    /// As the cost of a resource was allocated in `before`, a rollup of its own: by what each component and owner carried.
    /// The system is not in a rollup; it is asked of `components`. `None`: there is no cost in it.
    ///
    /// # Errors
    /// Fails beyond the largest amount.
    pub fn as_before(
        entity: Identity,
        before: &Rollup,
        components: &BTreeMap<EntityRef, Stitched>,
    ) -> Result<Option<Self>, AmountError> {
        let mut carried: BTreeMap<(&Attribution, &Option<EntityRef>), Amounts> = BTreeMap::new();
        let mut environment = None;
        for (_, dimensions, amounts) in before.cells() {
            carried.entry((&dimensions.attribution, &dimensions.owner)).or_default().add(amounts)?;
            environment = environment.or_else(|| dimensions.environment.clone());
        }
        let shares: Vec<Share> = carried
            .into_iter()
            .map(|((attribution, owner), amounts)| Share {
                attribution: attribution.clone(),
                owner: owner.clone(),
                system: attribution.component().and_then(|component| components.get(component)).and_then(system_of),
                weight: amounts.amortized.raw().unsigned_abs(),
            })
            .collect();
        if shares.is_empty() {
            return Ok(None);
        }
        Ok(Some(Self { entity: Some(entity), environment, shares }))
    }
}

impl TagSaid<'_> {
    /// The component that the tags name.
    pub fn component(&self) -> Option<EntityRef> {
        named(self.component, "component").filter(|component| component.kind() == "component")
    }
}

/// A tag can say anything: what can be no name of an entity says nothing.
fn named(text: Option<&str>, kind: &str) -> Option<EntityRef> {
    let named = EntityRef::parse_in(text?, Some(kind), DEFAULT_NAMESPACE).ok()?;
    let is_name = |name: &str| {
        let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        name.len() <= 63 && name.chars().all(inner) && name.starts_with(|c: char| c.is_ascii_alphanumeric())
    };
    (is_name(named.name()) && is_name(named.namespace())).then_some(named)
}

/// `orders=3, component:default/web=1`. `None`: nothing is declared, or nothing that can be read.
fn weights_of(resource: &Stitched) -> Option<BTreeMap<EntityRef, u128>> {
    let declared = resource.fields.get(&Pointer::annotation(WEIGHTS_ANNOTATION))?.value.as_str()?;
    let weight = |entry: &str| {
        let (name, weight) = entry.rsplit_once('=')?;
        Some((named(Some(name.trim()), "component")?, u128::from(weight.trim().parse::<u32>().ok()?)))
    };
    let weights: Option<BTreeMap<_, _>> =
        declared.split(',').filter(|entry| !entry.trim().is_empty()).map(weight).collect();
    weights.filter(|weights| components_of(resource).iter().any(|component| weights.get(component) > Some(&0)))
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
        Door, Facts, Format, Fragment, Record, RecordKey, Role, Rules, Said, SourceObject, Version, stitch,
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
    fn declared_weights_decide_and_what_cannot_be_read_is_equal() {
        let both = [("dependencyOf", "component:default/orders"), ("dependencyOf", "component:default/web")];
        let weights = |declared: &str| {
            let mut resource = stitched(&table(), &both, &[("owner", "data")]);
            let mut field = resource.fields[&Pointer::spec("owner")].clone();
            field.value = declared.into();
            resource.fields.insert(Pointer::annotation(WEIGHTS_ANNOTATION), field);
            let weights = allocate(&resource, &BTreeMap::new()).shares;
            weights.iter().map(|share| share.weight).collect::<Vec<_>>()
        };
        assert_eq!(weights("orders=3, web=1"), [3, 1]);
        assert_eq!(weights("component:default/web=2,"), [0, 2]);
        for unreadable in ["", "orders", "orders=-1", "orders=0,web=0", "other=1", "orders=0.5"] {
            assert_eq!(weights(unreadable), [1, 1], "{unreadable}");
        }
    }

    #[test]
    fn tags_say_what_no_record_says() {
        let components = BTreeMap::from([component("orders", &[("owner", "shop"), ("system", "store")])]);
        let by_tags = |component, owner| {
            let said = TagSaid { component, owner, system: None };
            Allocation::by_tags(said, Unallocated::NoResourceId, &components).map(|allocation| shown(&allocation))
        };
        let orders = "component:default/orders group:default/shop system:default/store";
        assert_eq!(by_tags(Some("Orders"), None), Some(vec![orders.to_owned()]));
        let of_team = "component:default/orders group:default/team system:default/store";
        assert_eq!(by_tags(Some("orders"), Some("team")), Some(vec![of_team.to_owned()]));
        assert_eq!(by_tags(Some("new"), None), Some(vec!["component:default/new - -".to_owned()]));
        assert_eq!(by_tags(None, Some("user:jo")), Some(vec!["NoResourceId user:default/jo -".to_owned()]));
        assert_eq!(by_tags(Some("group:a"), None), None);
        assert_eq!(by_tags(Some("not a name"), None), None);
        assert_eq!(by_tags(None, None), None);
    }

    #[test]
    fn a_resource_without_component_still_has_its_owner() {
        let resource = stitched(&table(), &[], &[("owner", "user:default/jo")]);
        assert_eq!(shown(&allocate(&resource, &BTreeMap::new())), ["NoComponent user:default/jo -"]);
        let unowned = stitched(&table(), &[], &[("environment", "prod")]);
        assert_eq!(shown(&allocate(&unowned, &BTreeMap::new())), ["Unowned - -"]);
        assert_eq!(shown(&Allocation::to_nobody(Unallocated::Tax)), ["Tax - -"]);
    }
}
