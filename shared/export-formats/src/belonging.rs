//! Tags, and what the caller says of the whole export -> whom a resource belongs to.

use std::collections::BTreeMap;

use catalog_model::{DEFAULT_NAMESPACE, EntityRef, Facts, Identity, Key, Pointer, RecordKey, Relation, Role, Said};

use crate::parameters::{Parameters, reference};

/// AWS's own limits for a tag.
const MAX_TAG_KEY_CHARS: usize = 128;
const MAX_TAG_VALUE_CHARS: usize = 256;

/// AWS allows 50 tags; a file that lists more is not AWS's.
const MAX_TAGS: usize = 64;

/// In the receipt of an export whose resources are in no component by its own words: they are kept, and others may say it.
pub(crate) const NO_COMPONENT: &str = "nothing in it says which component these resources belong to; add `component=<name>`, \
     or a tag `component`, unless a rule of ownership, a catalog file or their stack says it";

/// The tags of one resource, without those that AWS would not take.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tags<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Tags<'a> {
    pub(crate) fn of(tags: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let fits = |(key, value): &(&str, &str)| {
            key.chars().count() <= MAX_TAG_KEY_CHARS && value.chars().count() <= MAX_TAG_VALUE_CHARS
        };
        Self(tags.filter(fits).take(MAX_TAGS).collect())
    }

    /// The value of the first of these tags, whatever the case of its key.
    pub(crate) fn first(&self, keys: &[&str]) -> Option<&'a str> {
        keys.iter().find_map(|wanted| {
            let mut matching =
                self.0.iter().filter(|(key, value)| key.eq_ignore_ascii_case(wanted) && !value.is_empty());
            matching.next().map(|(_, value)| *value)
        })
    }

    /// The component that a tag names, by the rules of a catalog without a file.
    pub(crate) fn component(&self) -> Option<EntityRef> {
        self.first(&["component"]).and_then(|text| reference(text, "component"))
    }

    /// All of them, by key.
    pub(crate) fn all(&self) -> BTreeMap<String, String> {
        self.0.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    pub(crate) fn say(&self, facts: &mut Facts) {
        for (key, value) in &self.0 {
            facts.say(Pointer::to(["spec", "aws", "tags", key]), *value);
        }
    }
}

/// What the caller says about the whole export. What tags say is worked out where the record is stitched, by the rules that
/// count then.
pub(crate) fn say_belonging(facts: &mut Facts, parameters: &Parameters) {
    say_owner_and_system(facts, parameters);
    if let Some(environment) = &parameters.environment {
        facts.say(Pointer::spec("environment"), environment.as_str());
    }
    if let Some(component) = &parameters.component {
        facts.relations.insert(Relation::new("dependencyOf", Key::of_ref(component)));
    }
}

/// What the caller says of everything that the export declares.
pub(crate) fn say_owner_and_system(facts: &mut Facts, parameters: &Parameters) {
    if let Some(owner) = &parameters.owner {
        let written = if owner.kind() == "group" { written_ref(owner) } else { owner.to_string() };
        facts.say(Pointer::spec("owner"), written);
    }
    if let Some(system) = &parameters.system {
        facts.say(Pointer::spec("system"), written_ref(system));
    }
}

/// The components that the caller and a tag name.
pub(crate) fn components(tags: &Tags<'_>, parameters: &Parameters) -> impl Iterator<Item = EntityRef> {
    parameters.component.clone().into_iter().chain(tags.component())
}

/// A reference as a field of `spec` holds it, where the kind follows from the field.
pub(crate) fn written_ref(entity_ref: &EntityRef) -> String {
    if entity_ref.namespace() == DEFAULT_NAMESPACE {
        return entity_ref.name().to_owned();
    }
    format!("{}/{}", entity_ref.namespace(), entity_ref.name())
}

pub(crate) fn stub(parameters: &Parameters) -> Option<(RecordKey, Said)> {
    parameters.component.as_ref().map(|component| stub_of(component, parameters))
}

/// The component that an export was posted for exists at least as a name.
pub fn stub_of(component: &EntityRef, parameters: &Parameters) -> (RecordKey, Said) {
    let mut facts = named_component(component, Role::Stub);
    say_owner_and_system(&mut facts, parameters);
    (RecordKey::Entity(Identity::of_entity(component)), Said::Facts(facts))
}

/// The envelope of a component of which nothing is known but its name.
pub(crate) fn named_component(component: &EntityRef, role: Role) -> Facts {
    let mut facts = Facts::new(role);
    facts.say(Pointer::to(["apiVersion"]), "backstage.io/v1alpha1");
    facts.say(Pointer::to(["kind"]), "Component");
    facts.say(Pointer::metadata("name"), component.name());
    facts.say(Pointer::metadata("namespace"), component.namespace());
    facts
}
