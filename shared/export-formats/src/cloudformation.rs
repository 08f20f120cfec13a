//! What `aws cloudformation describe-stacks`, `describe-stack-resources` and `list-stack-resources` print, alone, in an
//! array or one after the other -> statements about the stacks and the resources in them.
//!
//! What is read of a stack is its id, name, status, parents and tags; of a resource its logical and physical id, type
//! and status. Parameters, outputs and everything else are skipped unread.
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html>

use std::collections::{BTreeMap, BTreeSet};

use catalog_model::{Arn, Canonical, Identity, Place, SeenAs, Sighting, canonical};
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::aws_resource::partition_of;
use crate::cloudformation_said::Listing;
use crate::error::ExportError;
use crate::json::{FileKind, without_bom};
use crate::parameters::{Parameters, is_account, is_region};
use crate::parsed::ParsedExport;

/// An account has 2,000 stacks of 500 resources at most; of ten thousand resources with all that is skipped this is
/// several times what AWS prints.
pub(crate) const MAX_CLOUDFORMATION_BYTES: usize = 32 * 1024 * 1024;

/// Stacks and resources together.
const MAX_ENTRIES: usize = 100_000;

/// AWS's limit for the name of a stack.
const MAX_STACK_NAME_CHARS: usize = 128;

pub(crate) const KIND: FileKind = FileKind { file: "file", expected: "what `aws cloudformation` prints" };

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Printed {
    #[serde(rename = "Stacks")]
    stacks: Option<Vec<Stack>>,
    #[serde(rename = "StackResources")]
    described: Option<Vec<Resource>>,
    #[serde(rename = "StackResourceSummaries")]
    listed: Option<Vec<Resource>>,
    /// There is more than was printed.
    #[serde(rename = "NextToken")]
    next: Option<IgnoredAny>,
    // The rest tells documents apart that are none of these.
    #[serde(rename = "Resources")]
    template: Option<IgnoredAny>,
    #[serde(rename = "StackSummaries")]
    summaries: Option<IgnoredAny>,
    #[serde(rename = "StackEvents")]
    events: Option<IgnoredAny>,
    artifacts: Option<IgnoredAny>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[serde(expecting = "an object")]
pub(crate) struct Stack {
    stack_id: Option<String>,
    #[serde(default)]
    pub(crate) stack_name: Option<String>,
    pub(crate) stack_status: Option<String>,
    pub(crate) parent_id: Option<String>,
    pub(crate) enable_termination_protection: Option<bool>,
    #[serde(default)]
    tags: Option<Vec<Tag>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[serde(expecting = "an object")]
struct Tag {
    key: String,
    value: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[serde(expecting = "an object")]
pub(crate) struct Resource {
    stack_id: Option<String>,
    pub(crate) logical_resource_id: Option<String>,
    pub(crate) physical_resource_id: Option<String>,
    pub(crate) resource_type: Option<String>,
    pub(crate) resource_status: Option<String>,
}

impl Stack {
    /// `None`: the `StackId` is no ARN of a stack.
    pub(crate) fn identity(&self) -> Option<Identity> {
        stack_identity(self.stack_id.as_deref()?)
    }

    pub(crate) fn tags(&self) -> impl Iterator<Item = (&str, &str)> {
        self.tags.iter().flatten().map(|tag| (tag.key.as_str(), tag.value.as_str()))
    }

    /// CloudFormation tags what it makes, nested stacks too, with the stack that it is in.
    pub(crate) fn parent(&self) -> Option<Identity> {
        let by_tag = self.tags().find(|(key, _)| *key == "aws:cloudformation:stack-id").map(|(_, value)| value);
        self.parent_id
            .as_deref()
            .or(by_tag)
            .and_then(stack_identity)
            .filter(|parent| Some(parent) != self.identity().as_ref())
    }
}

/// The identity of a stack by its ARN.
pub(crate) fn stack_identity(id: &str) -> Option<Identity> {
    let arn = Arn::parse(id)?;
    let is_stack = arn.service == "cloudformation"
        && is_account(arn.account)
        && is_region(arn.region)
        && arn.resource.split('/').count() == 3
        && stack_name(id).is_some();
    let nowhere = Place { partition: "", account: "", region: "" };
    match canonical(&Sighting { place: nowhere, seen_as: SeenAs::Arn, id }) {
        Canonical::Exact(identity) if is_stack => Some(identity),
        _ => None,
    }
}

/// `orders` of `arn:aws:cloudformation:eu-west-1:111122223333:stack/orders/466df9e0-0dff-08e3-8e2f-5088487c4896`.
pub(crate) fn stack_name(id: &str) -> Option<&str> {
    let name = Arn::parse(id)?.resource.strip_prefix("stack/")?.split('/').next()?;
    is_stack_name(name).then_some(name)
}

pub(crate) fn is_stack_name(text: &str) -> bool {
    (1..=MAX_STACK_NAME_CHARS).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
}

/// A resource with the stack that it is in, as far as the file says so.
#[derive(Debug)]
pub(crate) struct Placed {
    pub(crate) stack: Option<Identity>,
    pub(crate) resource: Resource,
}

/// All that the documents of a file hold.
#[derive(Debug, Default)]
pub(crate) struct Held {
    pub(crate) stacks: Vec<Stack>,
    pub(crate) resources: Vec<Placed>,
    /// Pages were left out when it was printed.
    pub(crate) has_more: bool,
}

pub(crate) fn parse(body: &[u8], parameters: &Parameters) -> Result<ParsedExport, ExportError> {
    let held = read(body)?;
    Listing::of(&held, parameters).into_export()
}

fn read(body: &[u8]) -> Result<Held, ExportError> {
    if body.len() > MAX_CLOUDFORMATION_BYTES {
        return Err(ExportError::TooLarge { bytes: body.len(), limit: MAX_CLOUDFORMATION_BYTES });
    }
    let body = without_bom(body);
    KIND.begins_with(body, b"{[", "expected an object or an array")?;
    let mut printed = Vec::new();
    for document in serde_json::Deserializer::from_slice(body).into_iter::<OneOrMore>() {
        match document.map_err(|error| KIND.error(&error))? {
            OneOrMore::One(one) => printed.push(*one),
            OneOrMore::More(more) => printed.extend(more),
        }
    }
    if printed.is_empty() {
        return Err(ExportError::Empty);
    }
    let mut held = Held::default();
    let mut unplaced = Vec::new();
    for one in printed {
        check(&one)?;
        held.has_more |= one.next.is_some();
        let stacks = one.stacks.unwrap_or_default();
        // Printed as one object, they were put together on purpose.
        let beside = if let [stack] = stacks.as_slice() { stack.identity() } else { None };
        held.stacks.extend(stacks);
        for resource in one.described.into_iter().chain(one.listed).flatten() {
            let stack = resource.stack_id.as_deref().and_then(stack_identity).or_else(|| beside.clone());
            match stack {
                Some(stack) => held.resources.push(Placed { stack: Some(stack), resource }),
                None => unplaced.push(resource),
            }
        }
        if held.stacks.len() + held.resources.len() + unplaced.len() > MAX_ENTRIES {
            return Err(ExportError::TooManyResources { file: KIND.file, limit: MAX_ENTRIES });
        }
    }
    // What was printed apart belongs together if there is only one stack that it can belong to.
    let only = only_stack(&held);
    held.resources.extend(unplaced.into_iter().map(|resource| Placed { stack: only.clone(), resource }));
    Ok(held)
}

fn only_stack(held: &Held) -> Option<Identity> {
    let of_resources = held.resources.iter().filter_map(|placed| placed.stack.clone());
    let all: BTreeSet<Identity> = held.stacks.iter().filter_map(Stack::identity).chain(of_resources).collect();
    let is_one = all.len() == 1 && held.stacks.iter().all(|stack| stack.identity().is_some());
    all.into_iter().next().filter(|_| is_one)
}

fn check(printed: &Printed) -> Result<(), ExportError> {
    if printed.stacks.is_some() || printed.described.is_some() || printed.listed.is_some() {
        return Ok(());
    }
    let wrong = |found, advice| Err(ExportError::WrongFormat { found, expected: KIND.expected, advice });
    if printed.template.is_some() {
        return wrong(
            "a CloudFormation template",
            "send it as format `cdk-outputs`, or send the stack that was made of it",
        );
    }
    if printed.artifacts.is_some() {
        return wrong("a CDK cloud assembly", "send it as format `cdk-outputs`");
    }
    if printed.summaries.is_some() || printed.events.is_some() {
        return wrong("a list of stacks or events", "send what `describe-stacks` and `describe-stack-resources` print");
    }
    wrong("some other JSON document", "it has none of `Stacks`, `StackResources` and `StackResourceSummaries`")
}

/// Where resources without a stack are, as the caller says.
pub(crate) fn given_place(parameters: &Parameters) -> Place<'_> {
    let region = parameters.region.as_deref().unwrap_or_default();
    Place { partition: partition_of(region), account: parameters.account.as_deref().unwrap_or_default(), region }
}

/// One object, or an array of objects. An untagged enum would keep all that is skipped.
enum OneOrMore {
    One(Box<Printed>),
    More(Vec<Printed>),
}

impl<'de> Deserialize<'de> for OneOrMore {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = OneOrMore;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object or an array of objects")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, entries: A) -> Result<OneOrMore, A::Error> {
                let entries = serde::de::value::MapAccessDeserializer::new(entries);
                Printed::deserialize(entries).map(|one| OneOrMore::One(Box::new(one)))
            }

            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, items: A) -> Result<OneOrMore, A::Error> {
                let items = serde::de::value::SeqAccessDeserializer::new(items);
                Vec::deserialize(items).map(OneOrMore::More)
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// The first stack of each identity.
pub(crate) fn stacks_by_identity(held: &Held) -> BTreeMap<Identity, &Stack> {
    let mut stacks = BTreeMap::new();
    for stack in &held.stacks {
        if let Some(identity) = stack.identity() {
            stacks.entry(identity).or_insert(stack);
        }
    }
    stacks
}

#[cfg(test)]
#[path = "cloudformation_tests.rs"]
mod tests;
