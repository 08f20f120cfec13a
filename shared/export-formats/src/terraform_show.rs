//! `terraform show -json` of a state -> statements about the resources that it manages; of a plan, about those of the
//! state that it was made from.
//!
//! What is read of a resource is what [`crate::terraform_state`] reads, less what `sensitive_values` marks. It has
//! neither lineage nor serial, so it has no clock of its own. Planned values are nothing that is there: a plan says
//! what its prior state lists, and deletes nothing.
//! <https://developer.hashicorp.com/terraform/internals/json-format>

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::error::ExportError;
use crate::json::{FileKind, without_bom};
use crate::parameters::Parameters;
use crate::parsed::ParsedExport;
use crate::terraform_attributes::{Attributes, Marks};
use crate::terraform_managed::{Address, IndexKey, MAX_RESOURCES, Managed, said};
use crate::terraform_state::MAX_STATE_BYTES;

/// Modules in modules: Terraform itself has no limit, and nobody has twenty.
const MAX_MODULE_DEPTH: usize = 40;

/// What Terraform prints of a state without resources.
const EMPTY_STATE: &[&str] = &["format_version", "terraform_version", "checks", "timestamp"];

const KIND: FileKind = FileKind { file: "file", expected: "the output of `terraform show -json`" };

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Show {
    format_version: Option<String>,
    values: Option<Values>,
    prior_state: Option<PriorState>,
    // Plans have these.
    planned_values: Option<IgnoredAny>,
    resource_changes: Option<IgnoredAny>,
    configuration: Option<IgnoredAny>,
    // The rest tells documents apart that are neither.
    lineage: Option<IgnoredAny>,
    serial: Option<IgnoredAny>,
    checkpoint: Option<IgnoredAny>,
    deployment: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct PriorState {
    values: Option<Values>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Values {
    root_module: Option<Module>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Module {
    #[serde(default)]
    address: String,
    #[serde(default)]
    resources: Vec<Resource>,
    #[serde(default)]
    child_modules: Vec<Module>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Resource {
    mode: String,
    #[serde(rename = "type")]
    terraform_type: String,
    name: String,
    index: Option<IndexKey>,
    #[serde(default)]
    values: Option<Attributes>,
    #[serde(default)]
    sensitive_values: Option<Marks>,
    #[serde(default)]
    depends_on: Vec<String>,
}

pub(crate) fn parse(body: &[u8], parameters: &Parameters) -> Result<ParsedExport, ExportError> {
    let show = read(body)?;
    let is_plan = show.planned_values.is_some()
        || show.resource_changes.is_some()
        || show.configuration.is_some()
        || show.prior_state.is_some();
    let values = if is_plan { show.prior_state.and_then(|state| state.values) } else { show.values };
    let mut root = values.and_then(|values| values.root_module);
    if let Some(root) = &mut root {
        leave_out_sensitive(root);
    }
    let mut managed = Vec::new();
    if let Some(root) = &root {
        collect(root, 0, &mut managed)?;
    }
    let mut parsed = said(&managed, parameters);
    if is_plan {
        parsed.complete = false;
        let note =
            "this is a plan: it says what its prior state lists; planned values are not read, and nothing is deleted";
        parsed.notes.push(note.to_owned());
    }
    Ok(parsed)
}

fn read(body: &[u8]) -> Result<Show, ExportError> {
    if body.len() > MAX_STATE_BYTES {
        return Err(ExportError::TooLarge { bytes: body.len(), limit: MAX_STATE_BYTES });
    }
    let body = without_bom(body);
    KIND.begins_with(body, b"{", "expected an object")?;
    let show: Show = serde_json::from_slice(body).map_err(|error| KIND.error(&error))?;
    let wrong = |found, advice| Err(ExportError::WrongFormat { found, expected: KIND.expected, advice });
    if show.lineage.is_some() || show.serial.is_some() {
        return wrong("a raw Terraform state", "send it as format `terraform-state`");
    }
    if show.checkpoint.is_some() || show.deployment.is_some() {
        return wrong("a Pulumi stack", "send it as format `pulumi`");
    }
    let Some(version) = &show.format_version else {
        return wrong("some other JSON document", "it has no field `format_version`");
    };
    if !["0", "1"].contains(&version.split('.').next().unwrap_or_default()) {
        let version = if is_version(version) { version.clone() } else { "(not a version)".to_owned() };
        return Err(ExportError::FormatVersion { file: KIND.file, version, known: "0 and 1" });
    }
    let says_something = show.values.is_some()
        || show.planned_values.is_some()
        || show.resource_changes.is_some()
        || show.configuration.is_some()
        || show.prior_state.is_some();
    if !says_something {
        // Other commands print a format version too. Taken for an empty state, their output would delete everything.
        let fields: BTreeMap<String, IgnoredAny> = serde_json::from_slice(body).map_err(|error| KIND.error(&error))?;
        if fields.keys().any(|field| !EMPTY_STATE.contains(&field.as_str())) {
            return wrong("the output of another Terraform command", "it has neither `values` nor `planned_values`");
        }
    }
    Ok(show)
}

fn is_version(text: &str) -> bool {
    text.len() <= 16 && text.bytes().all(|b| b.is_ascii_digit() || b == b'.')
}

fn leave_out_sensitive(module: &mut Module) {
    for resource in &mut module.resources {
        if let (Some(values), Some(marks)) = (&mut resource.values, &resource.sensitive_values) {
            values.leave_out(marks);
        }
    }
    module.child_modules.iter_mut().for_each(leave_out_sensitive);
}

fn collect<'a>(module: &'a Module, depth: usize, managed: &mut Vec<Managed<'a>>) -> Result<(), ExportError> {
    static NONE: std::sync::LazyLock<Attributes> = std::sync::LazyLock::new(Attributes::default);
    if depth > MAX_MODULE_DEPTH {
        return Err(KIND.shape(format!("modules are nested more than {MAX_MODULE_DEPTH} deep"), 1, 1));
    }
    for resource in module.resources.iter().filter(|resource| resource.mode == "managed") {
        if managed.len() == MAX_RESOURCES {
            return Err(ExportError::TooManyResources { file: KIND.file, limit: MAX_RESOURCES });
        }
        // The `address` of a resource lacks module and index in older versions.
        let place = Address { module: &module.address, name: &resource.name, index: resource.index.as_ref() };
        let values = resource.values.as_ref().unwrap_or(&NONE);
        managed.push(Managed::new(&place, &resource.terraform_type, values, &resource.depends_on));
    }
    module.child_modules.iter().try_for_each(|child| collect(child, depth + 1, managed))
}

#[cfg(test)]
#[path = "terraform_show_tests.rs"]
mod tests;
