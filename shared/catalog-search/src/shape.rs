//! What an entity owes to other records: the name that it may bear, and the owner that it inherits.

use std::collections::{BTreeMap, BTreeSet};

use catalog_model::{EntityRef, Identity, Key, Relation};

use crate::catalog::Catalog;
use crate::docs::Doc;
use crate::row::{derived_ref_of, yielding_relations};
use crate::segment::heads::{Head, StoredNaming};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    pub(crate) reference: EntityRef,
    pub naming: Naming,
    pub inherited: Option<Box<Inherited>>,
    /// Relations of what the entity's own record says, where that gives way to a component's and none says it.
    pub(crate) yielding: BTreeSet<Relation>,
    /// The components of the stack that a resource is part of, where it has none of its own.
    pub of_stack: BTreeSet<Relation>,
}

/// Under which name an entity is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Naming {
    /// The name in its own record.
    Own,
    /// Its derived name: the claim of the name in its record is not (yet) known.
    Derived,
    /// Its derived name: the name in its record is another's.
    Taken { wanted: EntityRef, holder: Identity },
}

/// What a resource without an owner of its own takes from a component that it is a dependency of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inherited {
    pub component: EntityRef,
    /// As `spec.owner` and `spec.system` show it.
    pub owner: Option<String>,
    pub system: Option<String>,
    /// The component is that of the resource's stack.
    pub is_of_stack: bool,
    pub(crate) giver: Doc,
    pub(crate) relations: BTreeSet<Relation>,
}

impl Inherited {
    /// The rule as `explain` names it.
    pub fn rule(&self) -> String {
        let through = if self.is_of_stack { " through its stack" } else { "" };
        format!("inherited from {}{through}", self.component)
    }

    /// What an entity in this namespace takes of a giver.
    fn given(giver: (Doc, Head<'_>), is_of_stack: bool, own: Head<'_>, namespace: &str) -> Option<Self> {
        let (giver, given) = giver;
        let place = |said: Option<&str>, default_kind: &str| {
            said.map(|text| {
                let target = EntityRef::parse_in(text, Some(default_kind), given.namespace).ok();
                let same_place = given.namespace.eq_ignore_ascii_case(namespace);
                let shown =
                    target.as_ref().filter(|_| !same_place).map_or_else(|| text.to_owned(), ToString::to_string);
                (shown, target)
            })
        };
        let owner = place(given.owner, "group");
        let system = place(given.system.filter(|_| own.system.is_none() || own.system_yields), "system");
        let mut relations = BTreeSet::new();
        for (relation_type, said) in [("ownedBy", &owner), ("partOf", &system)] {
            let target = said.as_ref().and_then(|(_, target)| target.as_ref());
            relations.extend(target.map(|target| Relation::new(relation_type, Key::of_ref(target))));
        }
        let (owner, system) = (owner.map(|(text, _)| text), system.map(|(text, _)| text));
        if owner.is_none() && system.is_none() {
            return None;
        }
        Some(Self { component: given.declared_ref(), owner, system, is_of_stack, giver, relations })
    }
}

impl Head<'_> {
    pub(crate) fn declared_ref(&self) -> EntityRef {
        EntityRef::new(self.kind, self.namespace, self.name)
    }

    fn is_resource(&self) -> bool {
        self.kind.eq_ignore_ascii_case("resource")
    }

    /// May take its owner from a component.
    pub(crate) fn may_inherit(&self) -> bool {
        self.is_resource() && (self.owner.is_none() || self.owner_yields)
    }

    /// What gives way, and need not.
    fn yielding(&self, inherited: Option<&Inherited>) -> BTreeSet<Relation> {
        let has = |of: fn(&Inherited) -> &Option<String>| inherited.is_some_and(|inherited| of(inherited).is_some());
        let owner = self.owner.filter(|_| self.owner_yields && !has(|inherited| &inherited.owner));
        let system = self.system.filter(|_| self.system_yields && !has(|inherited| &inherited.system));
        yielding_relations(self.namespace, owner, system)
    }
}

impl Shape {
    /// What follows from all that is known now.
    pub(crate) fn of(catalog: &Catalog, doc: Doc, head: Head<'_>) -> Self {
        let identity = catalog.identity(doc);
        let declared = head.declared_ref();
        let (reference, naming) = match derived_ref_of(&identity) {
            Some(derived) if derived != declared => match catalog.resolve(&Key::of_ref(&declared)) {
                Some(holder) if holder == doc => (declared, Naming::Own),
                Some(holder) => (derived, Naming::Taken { wanted: declared, holder: catalog.identity(holder) }),
                None => (derived, Naming::Derived),
            },
            _ => (declared, Naming::Own),
        };
        let (givers, of_stack) = givers(catalog, doc, head);
        let inherited = inherited(catalog, &givers, !of_stack.is_empty(), head, reference.namespace()).map(Box::new);
        let yielding = head.yielding(inherited.as_deref());
        Self { reference, naming, inherited, yielding, of_stack }
    }

    /// What followed when the segment was made.
    pub(crate) fn of_base(catalog: &Catalog, doc: Doc) -> Self {
        let heads = catalog.base.heads();
        let (head, followed) = (heads.head(doc), heads.followed(doc));
        let derived = || catalog_model::derived_ref(&catalog.identity(doc));
        let (reference, naming) = match followed.naming {
            StoredNaming::Own => (head.declared_ref(), Naming::Own),
            StoredNaming::Derived => (derived(), Naming::Derived),
            StoredNaming::TakenBy(holder) => {
                (derived(), Naming::Taken { wanted: head.declared_ref(), holder: catalog.identity(holder) })
            }
        };
        let of_stack = catalog.inherited_components_in_base(doc);
        let given =
            |giver| Inherited::given((giver, heads.head(giver)), !of_stack.is_empty(), head, reference.namespace());
        let inherited = followed.giver.and_then(given).map(Box::new);
        let yielding = head.yielding(inherited.as_deref());
        Self { reference, naming, inherited, yielding, of_stack }
    }

    /// `metadata.name` and `metadata.namespace` as they are shown.
    pub(crate) fn shown_name<'a>(&'a self, head: Head<'a>) -> (&'a str, &'a str) {
        match self.naming {
            Naming::Own => (head.name, head.namespace),
            Naming::Derived | Naming::Taken { .. } => (self.reference.name(), self.reference.namespace()),
        }
    }

    /// The value that is shown in place of the record's own.
    pub(crate) fn inherited_value(&self, key: &str) -> Option<&str> {
        let inherited = self.inherited.as_ref()?;
        match key {
            "spec.owner" => inherited.owner.as_deref(),
            "spec.system" => inherited.system.as_deref(),
            _ => None,
        }
    }

    /// Relations that hold as long as the shape does.
    pub(crate) fn inherited_relations(&self) -> impl Iterator<Item = &Relation> {
        self.inherited.iter().flat_map(|inherited| &inherited.relations).chain(&self.yielding).chain(&self.of_stack)
    }
}

/// The components that a resource is a dependency of, by its own word or by theirs. Without any, those of the stacks that it
/// is part of, and the relations that follow: one step up, so that a stack counts for what itself has in it.
fn givers(catalog: &Catalog, doc: Doc, head: Head<'_>) -> (BTreeSet<Key>, BTreeSet<Relation>) {
    let said = catalog.said_relations(doc);
    let may_be_in_a_stack = head.is_resource() && said.iter().any(|relation| relation.stack().is_some());
    if !head.may_inherit() && !may_be_in_a_stack {
        return (BTreeSet::new(), BTreeSet::new());
    }
    let own = components(catalog, doc, &said);
    if !own.is_empty() {
        return (own, BTreeSet::new());
    }
    let stacks = said.iter().filter_map(Relation::stack).filter_map(|stack| catalog.resolve(stack));
    let stacks = stacks.filter(|stack| *stack != doc);
    let givers: BTreeSet<Key> =
        stacks.flat_map(|stack| components(catalog, stack, &catalog.said_relations(stack))).collect();
    let of_stack = givers.iter().map(|component| Relation::new("dependencyOf", component.clone())).collect();
    (givers, of_stack)
}

/// Components that an entity works for by what it says, whether they are known or not, and by their own word.
fn components(catalog: &Catalog, doc: Doc, said: &BTreeSet<Relation>) -> BTreeSet<Key> {
    let mut components: BTreeSet<Key> = said
        .iter()
        .filter(|relation| relation.relation_type == "dependencyOf" && is_component(&relation.target))
        .map(|relation| relation.target.clone())
        .collect();
    for key in catalog.keys(doc) {
        let their_word = catalog.sources(&key).into_iter().filter(|(_, relation_type)| *relation_type == "dependsOn");
        components.extend(their_word.map(|(doc, _)| catalog.identity(doc).key()).filter(is_component));
    }
    components
}

fn is_component(key: &Key) -> bool {
    key.entity_ref().is_some_and(|entity_ref| entity_ref.kind() == "component")
}

/// Of several components, the first in the order of identities that has an owner gives its owner and its system; without any
/// such, the first that has a system.
fn inherited(
    catalog: &Catalog,
    givers: &BTreeSet<Key>,
    is_of_stack: bool,
    head: Head<'_>,
    namespace: &str,
) -> Option<Inherited> {
    if !head.may_inherit() {
        return None;
    }
    let components: BTreeMap<Identity, (Doc, Head<'_>)> = givers
        .iter()
        .filter_map(|key| catalog.resolve(key))
        .filter_map(|doc| Some((catalog.identity(doc), (doc, catalog.head(doc)?))))
        .collect();
    let giver = components
        .values()
        .find(|(_, component)| component.owner.is_some())
        .or_else(|| components.values().find(|(_, component)| component.system.is_some()))?;
    Inherited::given(*giver, is_of_stack, head, namespace)
}
