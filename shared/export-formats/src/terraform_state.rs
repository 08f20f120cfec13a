//! A raw Terraform state, format 4 -> statements about the resources that it manages.
//!
//! What is read: `lineage` and `serial` (the clock), and of managed resources the address, the dependencies and the
//! attributes of [`crate::terraform_attributes`]. Outputs, `private` and all other attributes are skipped unread.
//! <https://developer.hashicorp.com/terraform/language/state>

use std::collections::{BTreeMap, BTreeSet, HashMap};

use catalog_model::resource_types::of_terraform;
use catalog_model::{Claim, Facts, Identity, Pointer, RecordKey, Relation, Role, Said};
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::document::{DocumentVerdict, Verdict};
use crate::error::ExportError;
use crate::parameters::Parameters;
use crate::parsed::{ClockHint, ParsedExport};
use crate::terraform_attributes::Attributes;
use crate::terraform_place::{Places, Unresolved};
use crate::terraform_resource::{component_of_tags, facts};

/// Larger states are too large to be one state.
pub(crate) const MAX_STATE_BYTES: usize = 64 * 1024 * 1024;

/// Instances of all resources together.
const MAX_RESOURCES: usize = 100_000;

/// Terraform lists dependencies transitively, so that large states repeat the same few addresses everywhere.
const MAX_DEPENDENCIES: usize = 64;

#[derive(Deserialize)]
struct State {
    version: Option<u64>,
    serial: Option<u64>,
    lineage: Option<String>,
    #[serde(default)]
    resources: Vec<Resource>,
    // The rest tells documents apart that are no raw states.
    format_version: Option<IgnoredAny>,
    checkpoint: Option<IgnoredAny>,
    deployment: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Resource {
    module: Option<String>,
    mode: String,
    #[serde(rename = "type")]
    terraform_type: String,
    name: String,
    #[serde(default)]
    instances: Vec<Instance>,
}

#[derive(Deserialize)]
struct Instance {
    index_key: Option<IndexKey>,
    attributes: Option<Attributes>,
    #[serde(default, alias = "depends_on")]
    dependencies: Vec<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum IndexKey {
    Number(u64),
    Text(String),
}

/// One managed instance with its place in the file.
struct Managed<'a> {
    address: String,
    resource_address: String,
    terraform_type: &'a str,
    attributes: &'a Attributes,
    dependencies: &'a [String],
}

pub(crate) fn parse(body: &[u8], parameters: &Parameters) -> Result<ParsedExport, ExportError> {
    let state = read(body)?;
    let managed = managed(&state)?;
    let places = Places::of(managed.iter().map(|one| one.attributes), parameters);
    let mut listed = listed(&managed, &places);
    let has_tags = listed.resources.iter().any(|(at, _)| component_of_tags(managed[*at].attributes).is_some());
    if parameters.component.is_none() && !listed.resources.is_empty() && !has_tags {
        return Err(ExportError::MissingComponent);
    }
    let mut of_address: HashMap<&str, Vec<&Identity>> = HashMap::new();
    for (at, identity) in &listed.resources {
        of_address.entry(managed[*at].resource_address.as_str()).or_default().push(identity);
    }
    let mut statements = Vec::new();
    let mut claims = BTreeMap::new();
    for (at, identity) in &listed.resources {
        let one = &managed[*at];
        let mut facts = facts(identity, one.terraform_type, one.attributes, &places, parameters);
        let (dependencies, left_out) = dependencies(identity, one.dependencies, &of_address);
        facts.relations.extend(dependencies);
        if left_out > 0
            && let Some(Verdict::Accepted { notes }) = listed.documents.get_mut(*at).map(|d| &mut d.verdict)
        {
            notes.push(format!("{left_out} of its dependencies are left out"));
        }
        for key in &facts.keys {
            claims.entry(key.clone()).or_insert_with(|| Claim { identity: identity.clone(), by_arn: true });
        }
        statements.push((RecordKey::Entity(identity.clone()), Said::Facts(facts)));
    }
    statements.extend(claims.into_iter().map(|(key, claim)| (RecordKey::Alias(key), Said::Claim(claim))));
    statements.extend(stub(parameters));
    Ok(ParsedExport {
        statements,
        complete: listed.complete,
        clock_hint: clock(&state),
        documents: listed.documents,
        notes: Vec::new(),
    })
}

fn read(body: &[u8]) -> Result<State, ExportError> {
    if body.len() > MAX_STATE_BYTES {
        return Err(ExportError::TooLarge { bytes: body.len(), limit: MAX_STATE_BYTES });
    }
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    if body.trim_ascii_start().first().is_some_and(|first| *first != b'{') {
        return Err(ExportError::Shape { problem: "expected an object".to_owned(), line: 1, column: 1 });
    }
    let state: State = serde_json::from_slice(body).map_err(|error| read_error(&error))?;
    if state.format_version.is_some() {
        let found = "the output of `terraform show -json`";
        let advice = "send it as format `terraform-show`, or send what `terraform state pull` prints";
        return Err(ExportError::WrongFormat { found, advice });
    }
    if state.checkpoint.is_some() || state.deployment.is_some() {
        let advice = "send it as format `pulumi`";
        return Err(ExportError::WrongFormat { found: "a Pulumi stack", advice });
    }
    match state.version {
        Some(4) => Ok(state),
        Some(version) => Err(ExportError::StateVersion { version }),
        None => {
            let advice = "it has no field `version`; send what `terraform state pull` prints";
            Err(ExportError::WrongFormat { found: "some other JSON document", advice })
        }
    }
}

/// The position, and the problem without the value that has it.
fn read_error(error: &serde_json::Error) -> ExportError {
    let (line, column) = (error.line(), error.column());
    let text = error.to_string();
    let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(text, _)| text);
    if !error.is_data() {
        return ExportError::Syntax { problem: text.to_owned(), line, column };
    }
    let problem = match text.rfind(", expected ") {
        Some(at) => text[at + 2..].to_owned(),
        None if text.starts_with("missing field ") => text.to_owned(),
        None => "a value does not fit".to_owned(),
    };
    ExportError::Shape { problem, line, column }
}

fn managed(state: &State) -> Result<Vec<Managed<'_>>, ExportError> {
    static NONE: std::sync::LazyLock<Attributes> = std::sync::LazyLock::new(Attributes::default);
    let mut managed = Vec::new();
    for resource in state.resources.iter().filter(|resource| resource.mode == "managed") {
        let module = resource.module.as_deref().map(|module| format!("{module}.")).unwrap_or_default();
        let resource_address = format!("{module}{}.{}", resource.terraform_type, resource.name);
        for instance in &resource.instances {
            if managed.len() == MAX_RESOURCES {
                return Err(ExportError::TooManyResources { limit: MAX_RESOURCES });
            }
            let index = match &instance.index_key {
                None => String::new(),
                Some(IndexKey::Number(number)) => format!("[{number}]"),
                Some(IndexKey::Text(text)) => format!("[{text:?}]"),
            };
            managed.push(Managed {
                address: format!("{resource_address}{index}"),
                resource_address: resource_address.clone(),
                terraform_type: &resource.terraform_type,
                attributes: instance.attributes.as_ref().unwrap_or(&NONE),
                dependencies: &instance.dependencies,
            });
        }
    }
    Ok(managed)
}

#[derive(Default)]
struct Listed {
    /// Position among the managed instances, and what each is.
    resources: Vec<(usize, Identity)>,
    /// One per managed instance, in the same order.
    documents: Vec<DocumentVerdict>,
    complete: bool,
}

/// Finds out what each instance is. A resource that two instances name (a secret and its version share an ARN) is
/// spoken of by the one whose type makes it.
fn listed(managed: &[Managed<'_>], places: &Places) -> Listed {
    let mut found: Vec<Result<Identity, Unresolved>> =
        managed.iter().map(|one| places.identity(one.terraform_type, one.attributes)).collect();
    let mut owners: BTreeMap<Identity, usize> = BTreeMap::new();
    for known_type in [true, false] {
        for (at, one) in managed.iter().enumerate() {
            if of_terraform(one.terraform_type).is_some() == known_type
                && let Ok(identity) = &found[at]
            {
                owners.entry(identity.clone()).or_insert(at);
            }
        }
    }
    let mut listed = Listed { complete: true, ..Listed::default() };
    for (at, one) in managed.iter().enumerate() {
        let outcome = std::mem::replace(&mut found[at], Err(Unresolved::NotAws));
        let (entity, verdict) = match outcome {
            Ok(identity) if owners.get(&identity) == Some(&at) => {
                listed.resources.push((at, identity.clone()));
                (Some(identity), Verdict::Accepted { notes: Vec::new() })
            }
            Ok(identity) => {
                let owner = owners.get(&identity).map(|at| managed[*at].address.as_str()).unwrap_or_default();
                let reason = format!("it is the same resource as {owner}");
                (Some(identity), Verdict::Skipped { reason })
            }
            Err(unresolved) => {
                listed.complete &= !unresolved.may_be_listed();
                (None, Verdict::Skipped { reason: unresolved.to_string() })
            }
        };
        listed.documents.push(DocumentVerdict { index: at, at: one.address.clone(), entity, verdict });
    }
    listed
}

/// Relations to what the addresses stand for, and how many did not fit.
fn dependencies(
    identity: &Identity,
    addresses: &[String],
    of_address: &HashMap<&str, Vec<&Identity>>,
) -> (Vec<Relation>, usize) {
    let targets: BTreeSet<&Identity> = addresses
        .iter()
        .filter_map(|address| of_address.get(address.as_str()))
        .flatten()
        .copied()
        .filter(|target| *target != identity)
        .collect();
    let left_out = targets.len().saturating_sub(MAX_DEPENDENCIES);
    let relations = targets.into_iter().take(MAX_DEPENDENCIES);
    (relations.map(|target| Relation::new("dependsOn", target.key())).collect(), left_out)
}

/// The component that the export was posted for exists at least as a name.
fn stub(parameters: &Parameters) -> Option<(RecordKey, Said)> {
    let component = parameters.component.as_ref()?;
    let mut facts = Facts::new(Role::Stub);
    facts.say(Pointer::to(["apiVersion"]), "backstage.io/v1alpha1");
    facts.say(Pointer::to(["kind"]), "Component");
    facts.say(Pointer::metadata("name"), component.name());
    facts.say(Pointer::metadata("namespace"), component.namespace());
    if let Some(system) = &parameters.system {
        facts.say(Pointer::spec("system"), crate::terraform_resource::written_ref(system));
    }
    Some((RecordKey::Entity(Identity::of_entity(component)), Said::Facts(facts)))
}

/// A state without lineage cannot be ordered by its serial.
fn clock(state: &State) -> Option<ClockHint> {
    let lineage = state.lineage.as_deref().filter(|lineage| (1..=128).contains(&lineage.len()))?;
    Some(ClockHint { lineage: lineage.to_owned(), serial: state.serial? })
}

#[cfg(test)]
#[path = "terraform_state_tests.rs"]
mod tests;
