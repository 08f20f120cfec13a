//! A file of the CDK, or a template -> what can truly be said of it.
//!
//! Neither an assembly nor a template holds the id of anything that was made, so no resource follows from them. What they
//! say is which stack a component depends on: by its name, which is a second id that the stack's record declares. An
//! output that is an ARN names a resource.

use std::collections::{BTreeMap, BTreeSet};

use catalog_model::resource_types::of_arn;
use catalog_model::{
    Arn, Canonical, EntityRef, Facts, Identity, Key, Place, RecordKey, Role, Said, SeenAs, Sighting, canonical,
    secondary_keys,
};

use crate::aws_resource::{AwsResource, Claims, partition_of, place_of};
use crate::belonging::{NO_COMPONENT, Tags, components, named_component, say_belonging};
use crate::cdk_outputs::{Artifact, OutputValue};
use crate::cloudformation::is_stack_name;
use crate::cloudformation_said::component_statements;
use crate::document::{DocumentVerdict, Verdict};
use crate::error::ExportError;
use crate::parameters::{Parameters, is_account, is_region};
use crate::parsed::ParsedExport;

/// Longest ARN of an output, in bytes.
const MAX_ARN_BYTES: usize = 1_024;

/// What a file holds.
#[derive(Debug)]
pub(crate) enum Stated {
    Manifest(BTreeMap<String, Artifact>),
    Tree,
    /// Logical id -> type.
    Template(BTreeMap<String, Option<String>>),
    /// Stack -> output -> value.
    Outputs(BTreeMap<String, BTreeMap<String, OutputValue>>),
}

/// What is said so far.
struct Saying<'a> {
    parameters: &'a Parameters,
    resources: BTreeMap<Identity, Facts>,
    stacks: BTreeMap<Identity, BTreeSet<Key>>,
    mentioned: BTreeMap<Identity, Facts>,
    documents: Vec<DocumentVerdict>,
    notes: Vec<String>,
    complete: bool,
}

pub(crate) fn said(name: &str, stated: Stated, parameters: &Parameters) -> Result<ParsedExport, ExportError> {
    let mut saying = Saying {
        parameters,
        resources: BTreeMap::new(),
        stacks: BTreeMap::new(),
        mentioned: BTreeMap::new(),
        documents: Vec::new(),
        notes: Vec::new(),
        complete: true,
    };
    match stated {
        Stated::Manifest(artifacts) => saying.manifest(&artifacts)?,
        Stated::Tree => saying.tree(),
        Stated::Template(resources) => saying.template(name, &resources),
        Stated::Outputs(stacks) => saying.outputs(stacks),
    }
    Ok(saying.into_export())
}

impl Saying<'_> {
    fn manifest(&mut self, artifacts: &BTreeMap<String, Artifact>) -> Result<(), ExportError> {
        for (id, artifact) in artifacts {
            let skipped = |reason: &str| Verdict::Skipped { reason: reason.to_owned() };
            match artifact.artifact_type.as_deref() {
                Some("aws:cloudformation:stack") => {}
                Some("cdk:cloud-assembly") => {
                    self.verdict(id, None, skipped("it is an assembly inside: its stacks are in its own manifest"));
                    continue;
                }
                _ => {
                    self.verdict(id, None, skipped("it is no stack"));
                    continue;
                }
            }
            let properties = artifact.properties.as_ref();
            let stack = properties.and_then(|properties| properties.stack_name.as_deref()).unwrap_or(id);
            if !is_stack_name(stack) {
                self.complete = false;
                let reason = "its name is not the name of a stack".to_owned();
                self.verdict(id, None, Verdict::Refused { reason });
                continue;
            }
            let (account, region) = self.environment(id, artifact)?;
            let tags = properties.and_then(|properties| properties.tags.as_ref()).into_iter().flatten();
            let tags = Tags::of(tags.map(|(key, value)| (key.as_str(), value.as_str())));
            let components: Vec<EntityRef> = components(&tags, self.parameters).collect();
            if components.is_empty() {
                let reason = "nothing says which component it belongs to; add `component=<name>`";
                self.verdict(id, None, skipped(reason));
                continue;
            }
            for component in components {
                self.depends_on_stack(&component, &account, &region, stack);
            }
            self.verdict(id, None, Verdict::Accepted { notes: Vec::new() });
        }
        Ok(())
    }

    /// What the artifact says goes before what the caller says.
    fn environment(&self, id: &str, artifact: &Artifact) -> Result<(String, String), ExportError> {
        let said = artifact.environment.as_deref().and_then(|text| text.strip_prefix("aws://")?.split_once('/'));
        let (account, region) = said.unwrap_or_default();
        let account = Some(account).filter(|text| is_account(text)).or(self.parameters.account.as_deref());
        let region = Some(region).filter(|text| is_region(text)).or(self.parameters.region.as_deref());
        match (account, region) {
            (Some(account), Some(region)) => Ok((account.to_owned(), region.to_owned())),
            (account, region) => {
                let names = [("account", account.is_none()), ("region", region.is_none())];
                let names = names.into_iter().filter(|(_, is_missing)| *is_missing).map(|(name, _)| name).collect();
                Err(ExportError::MissingPlace { subject: id.to_owned(), names })
            }
        }
    }

    fn tree(&mut self) {
        self.complete = false;
        let reason = "a construct tree has no ids of what was made; send `manifest.json` or the outputs of a \
                      deployment, or send the stack as format `cloudformation`";
        self.verdict("tree", None, Verdict::Skipped { reason: reason.to_owned() });
    }

    fn template(&mut self, name: &str, resources: &BTreeMap<String, Option<String>>) {
        // Nothing that another file of this name listed is taken back by one that can list nothing.
        self.complete = false;
        let reason = "a template has no ids of what was made; send the stack as format `cloudformation`";
        let api = "a template has no ids of what was made; send its definition as format `openapi`";
        for (id, aws_type) in resources {
            let verdict = match aws_type.as_deref() {
                Some("AWS::Serverless::Api" | "AWS::Serverless::HttpApi") => {
                    Verdict::Skipped { reason: api.to_owned() }
                }
                Some(_) => Verdict::Skipped { reason: reason.to_owned() },
                None => Verdict::Refused { reason: "it has no `Type`".to_owned() },
            };
            self.verdict(id, None, verdict);
        }
        let (account, region) = (&self.parameters.account, &self.parameters.region);
        match (self.parameters.component.clone(), account.clone(), region.clone()) {
            (Some(component), Some(account), Some(region)) if is_stack_name(name) => {
                self.depends_on_stack(&component, &account, &region, name);
                self.notes.push(format!("{component} depends on the stack `{name}` of {account} in {region}"));
            }
            _ => self.notes.push(
                "a template says nothing by itself; with `component`, `account` and `region`, and the name of its stack \
                 as the export's name, it says which stack the component depends on"
                    .to_owned(),
            ),
        }
    }

    fn outputs(&mut self, stacks: BTreeMap<String, BTreeMap<String, OutputValue>>) {
        let (account, region) = (&self.parameters.account, &self.parameters.region);
        let place = account.clone().zip(region.clone());
        for (stack, outputs) in stacks {
            if let (Some(component), Some((account, region))) = (self.parameters.component.clone(), &place)
                && is_stack_name(&stack)
            {
                self.depends_on_stack(&component, account, region, &stack);
            }
            for (output, OutputValue(value)) in outputs {
                let at = format!("{stack}/{output}");
                match value.as_deref().and_then(known_resource) {
                    Some(identity) => {
                        let facts = self.resource(&identity);
                        self.resources.insert(identity.clone(), facts);
                        self.verdict(&at, Some(identity), Verdict::Accepted { notes: Vec::new() });
                    }
                    None => {
                        let reason = "its value is not kept: it is not the ARN of a resource of a known type";
                        self.verdict(&at, None, Verdict::Skipped { reason: reason.to_owned() });
                    }
                }
            }
        }
        if self.parameters.component.is_none() && !self.resources.is_empty() {
            self.notes.push(NO_COMPONENT.to_owned());
        } else if place.is_none() && self.parameters.component.is_some() {
            let note = "with `account` and `region` it would also say which stacks the component depends on";
            self.notes.push(note.to_owned());
        }
    }

    fn resource(&self, identity: &Identity) -> Facts {
        let mut facts = Facts::new(Role::Listed);
        let region = self.parameters.region.as_deref().unwrap_or_default();
        let account = self.parameters.account.as_deref().unwrap_or_default();
        let place = place_of(identity, Place { partition: partition_of(region), account, region });
        let name = identity.as_str().rsplit(['/', ':']).next().filter(|name| !name.is_empty());
        let aws_type = of_arn(identity.as_str());
        let resource = AwsResource {
            identity,
            place,
            aws_type,
            tool_type: "",
            id: None,
            name,
            title: name,
            availability_zone: None,
        };
        resource.say(&mut facts);
        facts.keys = secondary_keys(identity, &[]);
        say_belonging(&mut facts, self.parameters);
        facts
    }

    fn depends_on_stack(&mut self, component: &EntityRef, account: &str, region: &str, stack: &str) {
        let place = Place { partition: partition_of(region), account, region };
        let seen_as = SeenAs::ResourceType("AWS::CloudFormation::Stack");
        if let Canonical::Secondary(key) = canonical(&Sighting { place, seen_as, id: stack }) {
            let identity = Identity::of_entity(component);
            self.mentioned.entry(identity.clone()).or_insert_with(|| named_component(component, Role::Mentioned));
            self.stacks.entry(identity).or_default().insert(key);
        }
    }

    fn verdict(&mut self, at: &str, entity: Option<Identity>, verdict: Verdict) {
        let (index, at) = (self.documents.len(), at.to_owned());
        self.documents.push(DocumentVerdict { index, at, entity, verdict });
    }

    fn into_export(self) -> ParsedExport {
        let mut claims = Claims::default();
        let mut statements = Vec::new();
        for (identity, facts) in self.resources {
            claims.add(&identity, &facts);
            statements.push((RecordKey::Entity(identity), Said::Facts(facts)));
        }
        statements.extend(claims.into_statements());
        statements.extend(component_statements(self.mentioned, &self.stacks, self.parameters));
        ParsedExport {
            statements,
            complete: self.complete,
            clock_hint: None,
            documents: self.documents,
            definitions: Vec::new(),
            notes: self.notes,
        }
    }
}

/// The resource that an output names: all of the value is an ARN as AWS writes them, of a type that the catalog knows.
/// A secret's ARN is left out, whatever it is good for.
fn known_resource(value: &str) -> Option<Identity> {
    let is_plain =
        value.len() <= MAX_ARN_BYTES && value.bytes().all(|b| b.is_ascii_alphanumeric() || b":/-_.+=,@$".contains(&b));
    let arn = Arn::parse(value).filter(|_| is_plain)?;
    let is_in_aws = arn.partition.starts_with("aws")
        && (arn.account.is_empty() || is_account(arn.account))
        && (arn.region.is_empty() || is_region(arn.region));
    if !is_in_aws || arn.service == "secretsmanager" {
        return None;
    }
    let nowhere = Place { partition: "", account: "", region: "" };
    match canonical(&Sighting { place: nowhere, seen_as: SeenAs::Arn, id: value }) {
        Canonical::Exact(identity) => of_arn(identity.as_str()).is_some().then_some(identity),
        Canonical::Secondary(_) | Canonical::Unknown => None,
    }
}
