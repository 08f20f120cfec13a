//! Stacks and resources of a file -> what is said of each, and a verdict for each.

use std::collections::{BTreeMap, BTreeSet};

use catalog_model::{
    Facts, Identity, Key, Place, Pointer, RecordKey, Relation, Role, Said, SeenAs, Sighting, secondary_keys,
};

use crate::aws_resource::{AwsResource, Claims, place_of};
use crate::belonging::{NO_COMPONENT, Tags, components, named_component, say_belonging, stub};
use crate::cloudformation::{Held, Placed, Stack, given_place, is_stack_name, stack_name, stacks_by_identity};
use crate::document::{DocumentVerdict, Verdict};
use crate::error::ExportError;
use crate::parameters::Parameters;
use crate::parsed::ParsedExport;
use crate::physical_id::{NoResource, Physical, physical, type_of};

/// Resources of one component that are known by a second id alone: as many as a stack may have resources.
const MAX_BY_KEY: usize = 500;

/// AWS's limit for a logical id.
const MAX_LOGICAL_ID_CHARS: usize = 255;

/// Longest type that CloudFormation registers.
const MAX_TYPE_CHARS: usize = 204;

/// The tag that CloudFormation gives to what is in a stack, where the type of it takes tags.
const STACK_NAME: &str = "aws:cloudformation:stack-name";

const STACK_TYPE: &str = "AWS::CloudFormation::Stack";

/// What the file says so far.
pub(crate) struct Listing<'a> {
    parameters: &'a Parameters,
    statements: BTreeMap<Identity, Facts>,
    claims: Claims,
    /// Component -> second ids of its resources whose ARN is not known here.
    by_key: BTreeMap<Identity, BTreeSet<Key>>,
    stubs: BTreeMap<Identity, Facts>,
    documents: Vec<DocumentVerdict>,
    /// Where something was listed first, for the verdict on what lists it again.
    first: BTreeMap<Identity, String>,
    complete: bool,
    without_place: Option<String>,
    without_stack: usize,
    left_out: usize,
    has_component: bool,
    notes: Vec<String>,
}

impl<'a> Listing<'a> {
    pub(crate) fn of(held: &'a Held, parameters: &'a Parameters) -> Self {
        let mut listing = Self {
            parameters,
            statements: BTreeMap::new(),
            claims: Claims::default(),
            by_key: BTreeMap::new(),
            stubs: BTreeMap::new(),
            documents: Vec::new(),
            first: BTreeMap::new(),
            complete: !held.has_more,
            without_place: None,
            without_stack: 0,
            left_out: 0,
            has_component: false,
            notes: Vec::new(),
        };
        if held.has_more {
            listing.notes.push("it has a `NextToken`: there are more than were printed".to_owned());
        }
        for stack in &held.stacks {
            listing.add_stack(stack);
        }
        let stacks = stacks_by_identity(held);
        for placed in &held.resources {
            let stack = placed.stack.as_ref().and_then(|stack| stacks.get(stack)).copied();
            listing.add_resource(placed, stack);
        }
        listing
    }

    fn add_stack(&mut self, stack: &Stack) {
        let named = stack.stack_name.as_deref().filter(|name| is_stack_name(name));
        let at = format!("stack {}", named.unwrap_or("without a name"));
        let Some(identity) = stack.identity() else {
            self.complete = false;
            let reason = "its `StackId` is not the ARN of a stack".to_owned();
            return self.verdict(at, None, Verdict::Refused { reason });
        };
        if stack.stack_status.as_deref() == Some("DELETE_COMPLETE") {
            return self.verdict(at, Some(identity), Verdict::Skipped { reason: "it is deleted".to_owned() });
        }
        if self.is_listed(&at, &identity) {
            return;
        }
        let place = place_of(&identity, given_place(self.parameters));
        let tags = Tags::of(stack.tags());
        let mut facts =
            self.facts(&identity, place, STACK_TYPE, Some(identity.as_str()), stack_name(identity.as_str()));
        tags.say(&mut facts);
        let status = stack.stack_status.as_deref().filter(|status| is_status(status));
        if let Some(status) = status {
            facts.say(Pointer::to(["spec", "aws", "attributes", "stackStatus"]), status);
        }
        if let Some(is_protected) = stack.enable_termination_protection {
            facts.say(Pointer::to(["spec", "aws", "attributes", "terminationProtection"]), is_protected);
        }
        if let Some(parent) = stack.parent() {
            facts.relations.insert(Relation::new("partOf", parent.key()));
        }
        self.belongs(&mut facts, &tags);
        self.accept(at, identity, facts);
    }

    /// `stack` is what the file says of the stack that the resource is in, if it does.
    fn add_resource(&mut self, placed: &Placed, stack: Option<&Stack>) {
        let Placed { stack: stack_identity, resource } = placed;
        let prefix =
            stack_identity.as_ref().and_then(|stack| stack_name(stack.as_str())).map(|name| format!("{name}/"));
        let logical = resource.logical_resource_id.as_deref().filter(|id| is_logical_id(id));
        let at = format!("{}{}", prefix.unwrap_or_default(), logical.unwrap_or("without a logical id"));
        let skipped = |reason: &str| Verdict::Skipped { reason: reason.to_owned() };
        let reason = match resource.resource_status.as_deref() {
            Some("DELETE_COMPLETE") => Some("it is deleted"),
            Some("DELETE_SKIPPED") => Some("it is no longer in the stack"),
            Some("CREATE_FAILED" | "IMPORT_FAILED") => Some("it was not made"),
            _ if stack.is_some_and(|stack| stack.stack_status.as_deref() == Some("DELETE_COMPLETE")) => {
                Some("its stack is deleted")
            }
            _ => None,
        };
        if let Some(reason) = reason {
            return self.verdict(at, None, skipped(reason));
        }
        let Some(aws_type) = resource.resource_type.as_deref().filter(|aws_type| is_type(aws_type)) else {
            self.complete = false;
            return self.verdict(at, None, Verdict::Refused { reason: "it has no `ResourceType`".to_owned() });
        };
        let Some(id) = resource.physical_resource_id.as_deref().filter(|id| !id.is_empty()) else {
            return self.verdict(at, None, skipped("it has no physical id yet"));
        };
        self.without_stack += usize::from(stack_identity.is_none());
        let given = given_place(self.parameters);
        let place = stack_identity.as_ref().map_or(given, |stack| place_of(stack, given));
        let tags = stack.map(|stack| Tags::of(stack.tags())).unwrap_or_default();
        match physical(aws_type, id, place) {
            Physical::Resource(identity) => {
                if self.is_listed(&at, &identity) {
                    return;
                }
                let place = place_of(&identity, place);
                let name = name_of(id);
                let mut facts = self.facts(&identity, place, aws_type, Some(id), name);
                facts.stack_tags = tags.all();
                if let Some(stack) = stack_identity {
                    facts.relations.insert(Relation::new("partOf", stack.key()));
                    let name = stack_name(stack.as_str()).map(str::to_owned);
                    facts.stack_tags.extend(name.map(|name| (STACK_NAME.to_owned(), name)));
                }
                self.belongs(&mut facts, &tags);
                self.accept(at, identity, facts);
            }
            Physical::ByKey(key) => {
                let mut is_told = false;
                for component in components(&tags, self.parameters) {
                    let keys = self.by_key.entry(Identity::of_entity(&component)).or_default();
                    is_told = true;
                    if keys.len() == MAX_BY_KEY && !keys.contains(&key) {
                        self.left_out += 1;
                        continue;
                    }
                    keys.insert(key.clone());
                    self.stubs
                        .entry(Identity::of_entity(&component))
                        .or_insert_with(|| named_component(&component, Role::Mentioned));
                }
                self.has_component |= is_told;
                let reason = "its ARN does not follow from its physical id; \
                              its component depends on whatever has that id";
                let verdict =
                    if is_told { skipped(reason) } else { skipped("its ARN does not follow from its physical id") };
                self.verdict(at, None, verdict);
            }
            Physical::Other(why) => {
                if why == NoResource::NoPlace {
                    self.without_place.get_or_insert_with(|| at.clone());
                }
                self.verdict(at, None, skipped(&why.to_string()));
            }
        }
    }

    fn facts(
        &self,
        identity: &Identity,
        place: Place<'_>,
        aws_type: &str,
        id: Option<&str>,
        name: Option<&str>,
    ) -> Facts {
        let mut facts = Facts::new(Role::Listed);
        let known = type_of(aws_type).unwrap_or(aws_type);
        let resource = AwsResource {
            identity,
            place,
            aws_type: Some(known),
            tool_type: "",
            id,
            name,
            title: name,
            availability_zone: None,
        };
        resource.say(&mut facts);
        let seen_as = SeenAs::ResourceType(known);
        let sightings: Vec<Sighting<'_>> =
            id.into_iter().chain(name).map(|id| Sighting { place, seen_as, id }).collect();
        facts.keys = secondary_keys(identity, &sightings);
        facts
    }

    fn belongs(&mut self, facts: &mut Facts, tags: &Tags<'_>) {
        say_belonging(facts, self.parameters);
        self.has_component |= components(tags, self.parameters).next().is_some();
    }

    /// Whether something else in the file is the same resource; then that is the verdict.
    fn is_listed(&mut self, at: &str, identity: &Identity) -> bool {
        let Some(first) = self.first.get(identity) else { return false };
        let reason = format!("it is the same resource as {first}");
        self.verdict(at.to_owned(), Some(identity.clone()), Verdict::Skipped { reason });
        true
    }

    fn accept(&mut self, at: String, identity: Identity, facts: Facts) {
        self.claims.add(&identity, &facts);
        self.first.insert(identity.clone(), at.clone());
        self.statements.insert(identity.clone(), facts);
        self.verdict(at, Some(identity), Verdict::Accepted { notes: Vec::new() });
    }

    fn verdict(&mut self, at: String, entity: Option<Identity>, verdict: Verdict) {
        self.documents.push(DocumentVerdict { index: self.documents.len(), at, entity, verdict });
    }

    /// # Errors
    /// Fails if nothing says where a resource is, and if everything that the file holds is refused.
    pub(crate) fn into_export(mut self) -> Result<ParsedExport, ExportError> {
        if let Some(subject) = self.without_place {
            let given = [("account", self.parameters.account.is_some()), ("region", self.parameters.region.is_some())];
            let names = given.into_iter().filter(|(_, is_given)| !is_given).map(|(name, _)| name).collect();
            return Err(ExportError::MissingPlace { subject, names });
        }
        let is_refused = |document: &DocumentVerdict| matches!(document.verdict, Verdict::Refused { .. });
        if !self.documents.is_empty() && self.documents.iter().all(is_refused) {
            return Err(ExportError::NothingUsable { documents: self.documents });
        }
        if !self.statements.is_empty() && !self.has_component {
            self.notes.push(NO_COMPONENT.to_owned());
        }
        if self.without_stack > 0 {
            let note = format!("{} resources do not say which stack they are in", self.without_stack);
            self.notes.push(note);
        }
        if self.left_out > 0 {
            let note = format!("{} resources that are known by a name alone are left out", self.left_out);
            self.notes.push(note);
        }
        let mut statements: Vec<(RecordKey, Said)> = Vec::new();
        for (identity, facts) in self.statements {
            statements.push((RecordKey::Entity(identity), Said::Facts(facts)));
        }
        statements.extend(self.claims.into_statements());
        statements.extend(component_statements(self.stubs, &self.by_key, self.parameters));
        Ok(ParsedExport {
            statements,
            complete: self.complete,
            clock_hint: None,
            documents: self.documents,
            definitions: Vec::new(),
            notes: self.notes,
        })
    }
}

/// What is said of components: that they depend on what is known by a second id. The one that the export was posted for
/// exists; one that a tag names is only spoken of.
pub(crate) fn component_statements(
    mut mentioned: BTreeMap<Identity, Facts>,
    by_key: &BTreeMap<Identity, BTreeSet<Key>>,
    parameters: &Parameters,
) -> Vec<(RecordKey, Said)> {
    if let Some((RecordKey::Entity(identity), Said::Facts(facts))) = stub(parameters) {
        mentioned.insert(identity, facts);
    }
    let with_relations = mentioned.into_iter().map(|(identity, mut facts)| {
        let keys = by_key.get(&identity).into_iter().flatten();
        facts.relations.extend(keys.map(|key| Relation::new("dependsOn", key.clone())));
        (RecordKey::Entity(identity), Said::Facts(facts))
    });
    with_relations.collect()
}

/// A physical id is shown as a name unless it is an ARN or a URL: those end in one.
fn name_of(id: &str) -> Option<&str> {
    if !id.starts_with("arn:") && !id.contains("://") {
        return Some(id);
    }
    id.rsplit(['/', ':']).next().filter(|name| !name.is_empty())
}

/// Letters and digits; what a macro or the CDK makes may have more in it.
fn is_logical_id(text: &str) -> bool {
    (1..=MAX_LOGICAL_ID_CHARS).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':'))
}

/// `UPDATE_COMPLETE`
fn is_status(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_uppercase() || b == b'_')
}

/// `AWS::S3::Bucket`, `Custom::Thing`
fn is_type(text: &str) -> bool {
    text.len() <= MAX_TYPE_CHARS
        && text.contains("::")
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b':' | b'-' | b'_' | b'@'))
}
