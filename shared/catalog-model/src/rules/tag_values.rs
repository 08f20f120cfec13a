//! Tags -> what they say. Config and exports were never read alike: each keeps its manners.

use crate::arn::Arn;
use crate::entity_ref::{DEFAULT_NAMESPACE, EntityRef};
use crate::fragment::{Facts, Format, Pointer};
use crate::grammar::{is_kind, is_name};
use crate::names::MAX_NAME_CHARS;

/// The tags of one fragment.
pub(crate) struct Tags<'f> {
    facts: &'f Facts,
    /// As AWS Config has them, and not as an export lists them.
    is_observed: bool,
}

const TAGS: &str = "/spec/aws/tags/";

impl<'f> Tags<'f> {
    /// `None` for formats whose `spec.aws.tags` are no tags of a resource.
    pub(crate) fn of(format: Format, facts: &'f Facts) -> Option<Self> {
        match format {
            Format::Config => Some(Self { facts, is_observed: true }),
            Format::TerraformState | Format::TerraformShow | Format::Cloudformation | Format::CdkOutputs => {
                Some(Self { facts, is_observed: false })
            }
            Format::CatalogInfo
            | Format::Openapi
            | Format::Asyncapi
            | Format::Deployment
            | Format::ConfigNotice
            | Format::ConfigOversized
            | Format::ConfigAccount
            | Format::ConfigCompliance
            | Format::ConfigClaim
            | Format::PipelineState => None,
        }
    }

    /// The value of a tag whatever the case of its key, if it has one. The resource's own tags go before its stack's.
    pub(crate) fn value(&self, key: &str) -> Option<&'f str> {
        let own = self.facts.fields_below(TAGS).filter_map(|(pointer, value)| {
            let written = pointer.as_str().strip_prefix(TAGS)?;
            let matches = if written.contains('~') {
                pointer.tokens().nth(3).is_some_and(|token| token.eq_ignore_ascii_case(key))
            } else {
                written.eq_ignore_ascii_case(key)
            };
            matches.then(|| value.as_str())?
        });
        let of_stack = self.facts.stack_tags.iter();
        let of_stack =
            of_stack.filter(|(written, _)| written.eq_ignore_ascii_case(key)).map(|(_, value)| value.as_str());
        let told = own.chain(of_stack).map(|value| if self.is_observed { value.trim() } else { value });
        told.into_iter().find(|value| !value.is_empty())
    }

    /// The first of these tags that has a value.
    fn first<'k>(&self, keys: &'k [String]) -> Option<(&'k str, &'f str)> {
        keys.iter().find_map(|key| Some((key.as_str(), self.value(key)?)))
    }

    /// Key and value of the tag that names the owner.
    pub(crate) fn owner<'k>(&self, keys: &'k [String]) -> Option<(&'k str, String)> {
        let (key, text) = self.first(keys)?;
        let is_said = if self.is_observed {
            EntityRef::parse_in(text, Some("group"), DEFAULT_NAMESPACE).is_ok()
        } else {
            is_owner(text)
        };
        is_said.then(|| (key, text.to_owned()))
    }

    pub(crate) fn system<'k>(&self, keys: &'k [String]) -> Option<(&'k str, String)> {
        let (key, text) = self.first(keys)?;
        let text = name_of_application(key, text);
        if self.is_observed {
            let is_said = EntityRef::parse_in(text, Some("system"), DEFAULT_NAMESPACE).is_ok();
            return is_said.then(|| (key, text.to_owned()));
        }
        let system = reference(text, "system")?;
        let written = if system.namespace() == DEFAULT_NAMESPACE {
            system.name().to_owned()
        } else {
            format!("{}/{}", system.namespace(), system.name())
        };
        Some((key, written))
    }

    pub(crate) fn environment<'k>(&self, keys: &'k [String]) -> Option<(&'k str, String)> {
        self.first(keys).map(|(key, text)| (key, text.to_owned()))
    }

    /// The components that the tags name: each key may name one.
    pub(crate) fn components<'a>(&'a self, keys: &'a [String]) -> impl Iterator<Item = EntityRef> + 'a {
        keys.iter().filter_map(|key| {
            let text = name_of_application(key, self.value(key)?);
            if self.is_observed {
                let component = EntityRef::parse_in(text, Some("component"), DEFAULT_NAMESPACE).ok()?;
                return is_name_of_an_entity(&component).then_some(component);
            }
            reference(text, "component")
        })
    }

    /// The name of the CloudFormation stack that the resource is in.
    pub(crate) fn stack(&self) -> Option<&'f str> {
        let of_id = || self.value("aws:cloudformation:stack-id").and_then(name_in_arn);
        self.value("aws:cloudformation:stack-name").or_else(of_id)
    }
}

/// The tag that AWS Service Catalog AppRegistry gives to what is in an application. Its value is an ARN.
/// <https://docs.aws.amazon.com/servicecatalog/latest/arguide/overview-appreg.html>
const APPLICATION: &str = "awsApplication";

fn name_of_application<'t>(key: &str, text: &'t str) -> &'t str {
    if key.eq_ignore_ascii_case(APPLICATION) { name_in_arn(text).unwrap_or(text) } else { text }
}

/// The name of what an ARN is of: `arn:aws:resource-groups:<..>:group/orders/0a1b` -> `orders`, which is how the tag
/// `awsApplication` names an application; else the last part of the path.
pub fn name_in_arn(text: &str) -> Option<&str> {
    let arn = Arn::parse(text)?;
    let mut parts = arn.resource.split(['/', ':']).filter(|part| !part.is_empty());
    if arn.service == "resource-groups" || arn.service == "cloudformation" {
        return parts.nth(1);
    }
    parts.next_back()
}

/// A tag may say anything: `Jo Doe, phone 12` is no owner.
pub fn is_owner(text: &str) -> bool {
    EntityRef::parse_in(text, Some("group"), DEFAULT_NAMESPACE)
        .is_ok_and(|owner| is_valid(&owner) && ["group", "user"].contains(&owner.kind()))
}

/// A reference to an entity of that kind whose parts are valid names.
fn reference(text: &str, kind: &str) -> Option<EntityRef> {
    let entity_ref = EntityRef::parse_in(text, Some(kind), DEFAULT_NAMESPACE).ok()?;
    (entity_ref.kind() == kind && is_valid(&entity_ref)).then_some(entity_ref)
}

fn is_valid(entity_ref: &EntityRef) -> bool {
    is_kind(entity_ref.kind()) && has_place(entity_ref) && is_name(entity_ref.name())
}

fn has_place(entity_ref: &EntityRef) -> bool {
    let namespace = entity_ref.namespace();
    is_name(namespace) && namespace.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// A relation is shown for good: what can name no entity is not made one.
/// <https://backstage.io/docs/features/software-catalog/descriptor-format#name-required>
fn is_name_of_an_entity(entity_ref: &EntityRef) -> bool {
    entity_ref.kind() == "component" && is_words(entity_ref.name())
}

/// Letters and digits joined by single `-`, `_` or `.`.
fn is_words(name: &str) -> bool {
    let mut words = name.split(['-', '_', '.']);
    name.len() <= MAX_NAME_CHARS
        && words.all(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric()))
}

impl Facts {
    /// Fields whose pointer begins so.
    fn fields_below(&self, prefix: &str) -> impl Iterator<Item = (&Pointer, &serde_json::Value)> {
        let first = Pointer::from_text(prefix);
        self.fields.range(first..).take_while(move |(pointer, _)| pointer.as_str().starts_with(TAGS))
    }
}
