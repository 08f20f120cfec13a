//! What an entity owes to other records: the name that it may bear, and the owner that it inherits.

use std::collections::BTreeSet;

use catalog_model::{EntityRef, Identity, Key, Relation};

use crate::catalog::Catalog;
use crate::docs::Doc;
use crate::flatten::SearchValue;
use crate::row::{IndexEntry, derived_ref_of};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    pub(crate) reference: EntityRef,
    pub naming: Naming,
    pub inherited: Option<Inherited>,
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
    relations: BTreeSet<Relation>,
}

impl Inherited {
    /// The rule as `explain` names it.
    pub fn rule(&self) -> String {
        format!("inherited from {}", self.component)
    }
}

impl Shape {
    pub(crate) fn of(catalog: &Catalog, doc: Doc, entry: &IndexEntry) -> Self {
        let declared = entry.declared_ref();
        let (reference, naming) = match derived_ref_of(catalog.identity(doc)) {
            Some(derived) if derived != declared => match catalog.resolve(&Key::of_ref(&declared)) {
                Some(holder) if holder == doc => (declared, Naming::Own),
                Some(holder) => (derived, Naming::Taken { wanted: declared, holder: catalog.identity(holder).clone() }),
                None => (derived, Naming::Derived),
            },
            _ => (declared, Naming::Own),
        };
        let namespace = reference.namespace().to_owned();
        Self { reference, naming, inherited: inherited(catalog, doc, entry, &namespace) }
    }

    /// `metadata.name` and `metadata.namespace` as they are shown.
    pub(crate) fn shown_name<'a>(&'a self, entry: &'a IndexEntry) -> (&'a str, &'a str) {
        match self.naming {
            Naming::Own => (&entry.name, &entry.namespace),
            Naming::Derived | Naming::Taken { .. } => (self.reference.name(), self.reference.namespace()),
        }
    }

    /// All search rows but for relations.
    pub(crate) fn rows(&self, uid: &str, entry: &IndexEntry) -> Vec<SearchValue> {
        let (name, namespace) = self.shown_name(entry);
        let mut added = vec![("metadata.name", name), ("metadata.namespace", namespace), ("metadata.uid", uid)];
        if let Some(Inherited { owner, system, .. }) = &self.inherited {
            added.extend(owner.as_deref().map(|owner| ("spec.owner", owner)));
            added.extend(system.as_deref().map(|system| ("spec.system", system)));
        }
        let replaced: BTreeSet<&str> = added.iter().map(|(key, _)| *key).collect();
        let own = entry.values.iter().filter(|row| !replaced.contains(row.key.as_str())).cloned();
        own.chain(added.into_iter().filter_map(|(key, value)| SearchValue::of_text(key, value))).collect()
    }

    pub(crate) fn inherited_relations(&self) -> BTreeSet<Relation> {
        self.inherited.as_ref().map(|inherited| inherited.relations.clone()).unwrap_or_default()
    }
}

/// Of the components that the resource is a dependency of, by its own word or by theirs, the first in the order of
/// identities that has an owner gives its owner and its system; without any such, the first that has a system.
fn inherited(catalog: &Catalog, doc: Doc, entry: &IndexEntry, namespace: &str) -> Option<Inherited> {
    if !entry.kind.eq_ignore_ascii_case("resource") || entry.said.owner.is_some() {
        return None;
    }
    let own_word = entry.relations.iter().filter(|relation| relation.relation_type == "dependencyOf");
    let mut givers: BTreeSet<(&Identity, Doc)> = own_word
        .filter_map(|relation| catalog.resolve(&relation.target))
        .map(|doc| (catalog.identity(doc), doc))
        .collect();
    for key in catalog.keys(doc) {
        let their_word = catalog.edges.sources(&key).filter(|(_, relation_type)| *relation_type == "dependsOn");
        givers.extend(their_word.map(|(doc, _)| (catalog.identity(doc), doc)));
    }
    let components: Vec<&IndexEntry> = givers
        .into_iter()
        .filter_map(|(_, doc)| catalog.entry(doc))
        .filter(|entry| entry.kind.eq_ignore_ascii_case("component"))
        .collect();
    let giver = components
        .iter()
        .find(|component| component.said.owner.is_some())
        .or_else(|| components.iter().find(|component| component.said.system.is_some()))?;

    let place = |said: Option<&String>, default_kind: &str| {
        said.map(|text| {
            let target = EntityRef::parse_in(text, Some(default_kind), &giver.namespace).ok();
            let same_place = giver.namespace.eq_ignore_ascii_case(namespace);
            let shown = target.as_ref().filter(|_| !same_place).map_or_else(|| text.clone(), ToString::to_string);
            (shown, target)
        })
    };
    let owner = place(giver.said.owner.as_ref(), "group");
    let own_system = entry.said.system.is_some();
    let system = place(giver.said.system.as_ref().filter(|_| !own_system), "system");
    let mut relations = BTreeSet::new();
    for (relation_type, said) in [("ownedBy", &owner), ("partOf", &system)] {
        let target = said.as_ref().and_then(|(_, target)| target.as_ref());
        relations.extend(target.map(|target| Relation::new(relation_type, Key::of_ref(target))));
    }
    let (owner, system) = (owner.map(|(text, _)| text), system.map(|(text, _)| text));
    if owner.is_none() && system.is_none() {
        return None;
    }
    Some(Inherited { component: giver.declared_ref(), owner, system, relations })
}
