//! A raw Terraform state, format 4 -> statements about the resources that it manages.
//!
//! What is read: `lineage` and `serial` (the clock), and of managed resources the address, the dependencies and the
//! attributes of [`crate::terraform_attributes`]. Outputs, `private` and all other attributes are skipped unread.
//! <https://developer.hashicorp.com/terraform/language/state>

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::error::ExportError;
use crate::json::{FileKind, without_bom};
use crate::parameters::Parameters;
use crate::parsed::{ClockHint, ParsedExport};
use crate::terraform_attributes::Attributes;
use crate::terraform_managed::{Address, IndexKey, MAX_RESOURCES, Managed, said};

/// Larger states are too large to be one state.
pub(crate) const MAX_STATE_BYTES: usize = 64 * 1024 * 1024;

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

const KIND: FileKind = FileKind { file: "state", expected: "a Terraform state" };

pub(crate) fn parse(body: &[u8], parameters: &Parameters) -> Result<ParsedExport, ExportError> {
    let state = read(body)?;
    let said = said(&managed(&state)?, parameters);
    Ok(ParsedExport { clock_hint: clock(&state), ..said })
}

fn read(body: &[u8]) -> Result<State, ExportError> {
    if body.len() > MAX_STATE_BYTES {
        return Err(ExportError::TooLarge { bytes: body.len(), limit: MAX_STATE_BYTES });
    }
    let body = without_bom(body);
    KIND.begins_with(body, b"{", "expected an object")?;
    let state: State = serde_json::from_slice(body).map_err(|error| KIND.error(&error))?;
    let expected = "a raw Terraform state";
    if state.format_version.is_some() {
        let found = "the output of `terraform show -json`";
        let advice = "send it as format `terraform-show`, or send what `terraform state pull` prints";
        return Err(ExportError::WrongFormat { found, expected, advice });
    }
    if state.checkpoint.is_some() || state.deployment.is_some() {
        let advice = "send it as format `pulumi`";
        return Err(ExportError::WrongFormat { found: "a Pulumi stack", expected, advice });
    }
    match state.version {
        Some(4) => Ok(state),
        Some(version) => Err(ExportError::StateVersion { version }),
        None => {
            let advice = "it has no field `version`; send what `terraform state pull` prints";
            Err(ExportError::WrongFormat { found: "some other JSON document", expected, advice })
        }
    }
}

fn managed(state: &State) -> Result<Vec<Managed<'_>>, ExportError> {
    static NONE: std::sync::LazyLock<Attributes> = std::sync::LazyLock::new(Attributes::default);
    let mut managed = Vec::new();
    for resource in state.resources.iter().filter(|resource| resource.mode == "managed") {
        let module = resource.module.as_deref().unwrap_or_default();
        for instance in &resource.instances {
            if managed.len() == MAX_RESOURCES {
                return Err(ExportError::TooManyResources { file: KIND.file, limit: MAX_RESOURCES });
            }
            let place = Address { module, name: &resource.name, index: instance.index_key.as_ref() };
            let attributes = instance.attributes.as_ref().unwrap_or(&NONE);
            managed.push(Managed::new(&place, &resource.terraform_type, attributes, &instance.dependencies));
        }
    }
    Ok(managed)
}

/// A state without lineage cannot be ordered by its serial.
fn clock(state: &State) -> Option<ClockHint> {
    let lineage = state.lineage.as_deref().filter(|lineage| (1..=128).contains(&lineage.len()))?;
    Some(ClockHint { lineage: lineage.to_owned(), serial: state.serial? })
}

#[cfg(test)]
#[path = "terraform_state_tests.rs"]
mod tests;
