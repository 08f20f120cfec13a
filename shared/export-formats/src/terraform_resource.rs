//! One managed resource of a Terraform state -> what it says of the resource.

use catalog_model::resource_types::{self, of_terraform, spec_type};
use catalog_model::{DEFAULT_NAMESPACE, EntityRef, Facts, Identity, Key, Pointer, Relation, Role};

use crate::parameters::{Parameters, is_valid, reference};
use crate::terraform_attributes::{Attributes, CONFIG_IDS, NAMING, shown};
use crate::terraform_place::Places;

/// AWS's own limits for a tag.
const MAX_TAG_KEY_CHARS: usize = 128;
const MAX_TAG_VALUE_CHARS: usize = 256;

/// AWS allows 50 tags; a state that lists more is no state of AWS.
const MAX_TAGS: usize = 64;

/// Longest shown text of an attribute, in bytes.
const MAX_SHOWN_BYTES: usize = 256;

pub(crate) fn facts(
    identity: &Identity,
    terraform_type: &str,
    attributes: &Attributes,
    places: &Places,
    parameters: &Parameters,
) -> Facts {
    let mut facts = Facts::new(Role::Listed);
    facts.keys = places.keys(identity, terraform_type, attributes);
    say_envelope(&mut facts, identity, terraform_type, attributes, places);
    for (key, value) in tags(attributes) {
        facts.say(Pointer::to(["spec", "aws", "tags", key]), value);
    }
    for (name, shown_as) in shown(terraform_type) {
        let value = attributes.scalar(name).filter(|value| value.as_str().is_none_or(|t| t.len() <= MAX_SHOWN_BYTES));
        if let Some(value) = value {
            facts.say(Pointer::to(["spec", "aws", "attributes", shown_as]), value.clone());
        }
    }
    say_belonging(&mut facts, attributes, parameters);
    facts
}

fn say_envelope(
    facts: &mut Facts,
    identity: &Identity,
    terraform_type: &str,
    attributes: &Attributes,
    places: &Places,
) {
    let place = places.place_of(identity, attributes);
    let aws_type = of_terraform(terraform_type).or_else(|| resource_types::of_arn(identity.as_str()));
    let name = NAMING.iter().find_map(|name| attributes.text(name));
    let title = tag(attributes, &["Name"]).or(name);
    let annotate = |facts: &mut Facts, key: &str, value: Option<&str>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            facts.say(Pointer::annotation(&format!("aws.amazon.com/{key}")), value);
        }
    };
    facts.say(Pointer::to(["apiVersion"]), "backstage.io/v1alpha1");
    facts.say(Pointer::to(["kind"]), "Resource");
    if let Some(title) = title {
        facts.say(Pointer::metadata("title"), title);
    }
    annotate(facts, "arn", identity.arn());
    annotate(facts, "resource-type", aws_type);
    let id = CONFIG_IDS.iter().find_map(|name| attributes.text(name));
    annotate(facts, "resource-id", aws_type.and(id));
    annotate(facts, "name", name);
    annotate(facts, "region", Some(place.region));
    annotate(facts, "account-id", Some(place.account));
    let spec_type = aws_type.map_or_else(|| terraform_type.trim_start_matches("aws_").replace('_', "-"), spec_type);
    facts.say(Pointer::spec("type"), spec_type);
    let zone = attributes.text("availability_zone");
    for (field, value) in [
        ("resourceType", aws_type),
        ("accountId", Some(place.account)),
        ("region", Some(place.region)),
        ("availabilityZone", zone),
    ] {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            facts.say(Pointer::to(["spec", "aws", field]), value);
        }
    }
}

/// What the caller says about the whole export goes before the tags of one resource; components add up.
fn say_belonging(facts: &mut Facts, attributes: &Attributes, parameters: &Parameters) {
    if let Some(owner) = tag(attributes, &["owner", "team"]).filter(|owner| is_owner(owner)) {
        facts.say(Pointer::spec("owner"), owner);
    }
    let system = parameters.system.clone();
    let system = system.or_else(|| tag(attributes, &["system"]).and_then(|text| reference(text, "system")));
    if let Some(system) = system {
        facts.say(Pointer::spec("system"), written_ref(&system));
    }
    let environment = parameters.environment.as_deref().or_else(|| tag(attributes, &["environment", "env"]));
    if let Some(environment) = environment {
        facts.say(Pointer::spec("environment"), environment);
    }
    for component in parameters.component.clone().into_iter().chain(component_of_tags(attributes)) {
        facts.relations.insert(Relation::new("dependencyOf", Key::of_ref(&component)));
    }
}

/// The component that the tag of a resource names.
pub(crate) fn component_of_tags(attributes: &Attributes) -> Option<EntityRef> {
    tag(attributes, &["component"]).and_then(|text| reference(text, "component"))
}

/// A reference as a field of `spec` holds it, where the kind follows from the field.
pub(crate) fn written_ref(entity_ref: &EntityRef) -> String {
    if entity_ref.namespace() == DEFAULT_NAMESPACE {
        return entity_ref.name().to_owned();
    }
    format!("{}/{}", entity_ref.namespace(), entity_ref.name())
}

/// A tag may say anything: `Jo Doe, phone 12` is no owner.
fn is_owner(text: &str) -> bool {
    EntityRef::parse_in(text, Some("group"), DEFAULT_NAMESPACE)
        .is_ok_and(|owner| is_valid(&owner) && ["group", "user"].contains(&owner.kind()))
}

fn tags(attributes: &Attributes) -> impl Iterator<Item = (&str, &str)> {
    let fits = |(key, value): &(&str, &str)| {
        key.chars().count() <= MAX_TAG_KEY_CHARS && value.chars().count() <= MAX_TAG_VALUE_CHARS
    };
    attributes.tags().filter(fits).take(MAX_TAGS)
}

/// The value of the first of these tags, whatever the case of its key.
fn tag<'a>(attributes: &'a Attributes, keys: &[&str]) -> Option<&'a str> {
    keys.iter().find_map(|wanted| {
        let mut matching =
            tags(attributes).filter(|(key, value)| key.eq_ignore_ascii_case(wanted) && !value.is_empty());
        matching.next().map(|(_, value)| value)
    })
}
