//! The managed resources of a Terraform state, however it was printed -> statements about the AWS resources among them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use catalog_model::resource_types::of_terraform;
use catalog_model::{Identity, RecordKey, Relation, Said};
use serde::Deserialize;

use crate::aws_resource::Claims;
use crate::belonging::{NO_COMPONENT, stub};
use crate::document::{DocumentVerdict, Verdict};
use crate::parameters::Parameters;
use crate::parsed::ParsedExport;
use crate::terraform_attributes::Attributes;
use crate::terraform_place::{Places, Unresolved};
use crate::terraform_resource::{component_of_tags, facts};

/// Instances of all resources together.
pub(crate) const MAX_RESOURCES: usize = 100_000;

/// Terraform lists dependencies transitively, so that large states repeat the same few addresses everywhere.
const MAX_DEPENDENCIES: usize = 64;

/// Where an instance stands in its configuration.
#[derive(Debug)]
pub(crate) struct Address<'a> {
    /// Empty for the root module.
    pub(crate) module: &'a str,
    pub(crate) name: &'a str,
    pub(crate) index: Option<&'a IndexKey>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum IndexKey {
    Number(u64),
    Text(String),
}

/// One managed instance with its place in the file.
#[derive(Debug)]
pub(crate) struct Managed<'a> {
    address: String,
    resource_address: String,
    terraform_type: &'a str,
    attributes: &'a Attributes,
    dependencies: &'a [String],
}

impl<'a> Managed<'a> {
    pub(crate) fn new(
        place: &Address<'_>,
        terraform_type: &'a str,
        attributes: &'a Attributes,
        dependencies: &'a [String],
    ) -> Self {
        let Address { module, name, index } = place;
        let dot = if module.is_empty() { "" } else { "." };
        let index = match index {
            None => String::new(),
            Some(IndexKey::Number(number)) => format!("[{number}]"),
            Some(IndexKey::Text(text)) => format!("[{text:?}]"),
        };
        Self {
            address: format!("{module}{dot}{terraform_type}.{name}{index}"),
            resource_address: format!("{}{dot}{terraform_type}.{name}", without_indices(module)),
            terraform_type,
            attributes,
            dependencies,
        }
    }
}

/// Dependencies are between resources, not instances: `module.a["x.y"].module.b[0]` -> `module.a.module.b`.
fn without_indices(module: &str) -> String {
    let (mut address, mut in_index, mut in_text, mut is_escaped) = (String::new(), false, false, false);
    for c in module.chars() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' if in_text => is_escaped = true,
            '"' if in_index => in_text = !in_text,
            '[' if !in_index => in_index = true,
            ']' if in_index && !in_text => in_index = false,
            _ if in_index => {}
            _ => address.push(c),
        }
    }
    address
}

/// Without a clock. Nothing secret is in it: [`Attributes`] are those that a table names.
pub(crate) fn said(managed: &[Managed<'_>], parameters: &Parameters) -> ParsedExport {
    let places = Places::of(managed.iter().map(|one| one.attributes), parameters);
    let mut listed = listed(managed, &places);
    let has_tags = listed.resources.iter().any(|(at, _)| component_of_tags(managed[*at].attributes).is_some());
    let is_nobodys = parameters.component.is_none() && !listed.resources.is_empty() && !has_tags;
    let mut of_address: HashMap<&str, Vec<&Identity>> = HashMap::new();
    for (at, identity) in &listed.resources {
        of_address.entry(managed[*at].resource_address.as_str()).or_default().push(identity);
    }
    let mut statements = Vec::new();
    let mut claims = Claims::default();
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
        claims.add(identity, &facts);
        statements.push((RecordKey::Entity(identity.clone()), Said::Facts(facts)));
    }
    statements.extend(claims.into_statements());
    statements.extend(stub(parameters));
    ParsedExport {
        statements,
        complete: listed.complete,
        clock_hint: None,
        documents: listed.documents,
        definitions: Vec::new(),
        notes: is_nobodys.then(|| NO_COMPONENT.to_owned()).into_iter().collect(),
    }
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
