//! One managed resource of a Terraform state -> what it says of the resource.

use catalog_model::resource_types::{self, of_terraform};
use catalog_model::{EntityRef, Facts, Identity, Pointer, Role};

use crate::aws_resource::AwsResource;
use crate::belonging::{Tags, say_belonging};
use crate::parameters::Parameters;
use crate::terraform_attributes::{Attributes, CONFIG_IDS, NAMING, shown};
use crate::terraform_place::Places;

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
    let tags = Tags::of(attributes.tags());
    let name = NAMING.iter().find_map(|name| attributes.text(name));
    let resource = AwsResource {
        identity,
        place: places.place_of(identity, attributes),
        aws_type: of_terraform(terraform_type).or_else(|| resource_types::of_arn(identity.as_str())),
        tool_type: &terraform_type.trim_start_matches("aws_").replace('_', "-"),
        id: CONFIG_IDS.iter().find_map(|name| attributes.text(name)),
        name,
        title: tags.first(&["Name"]).or(name),
        availability_zone: attributes.text("availability_zone"),
    };
    resource.say(&mut facts);
    tags.say(&mut facts);
    for (name, shown_as) in shown(terraform_type) {
        let value = attributes.scalar(name).filter(|value| value.as_str().is_none_or(|t| t.len() <= MAX_SHOWN_BYTES));
        if let Some(value) = value {
            facts.say(Pointer::to(["spec", "aws", "attributes", shown_as]), value.clone());
        }
    }
    say_belonging(&mut facts, parameters);
    facts
}

/// The component that the tag of a resource names.
pub(crate) fn component_of_tags(attributes: &Attributes) -> Option<EntityRef> {
    Tags::of(attributes.tags()).component()
}
