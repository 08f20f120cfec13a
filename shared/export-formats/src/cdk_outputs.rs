//! What the CDK writes (the manifest of a cloud assembly, its construct tree, the outputs of a deployment), and templates
//! of CloudFormation and SAM -> which of these a file is, and the parts of it that may be kept.
//!
//! Environment variables, parameters and properties are skipped unread. Of the outputs, a value is kept if all of it is
//! the ARN of a type that the catalog knows, and is no secret's.
//! <https://docs.aws.amazon.com/cdk/v2/guide/deploy.html#deploy-how-synth-assemblies>

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use crate::cdk_said::{self, Stated};
use crate::error::ExportError;
use crate::json::{FileKind, without_bom};
use crate::parameters::Parameters;
use crate::parsed::ParsedExport;
use crate::yaml::{self, Budget};

/// A template may have 1 MB; construct trees of large applications have a few, and are not needed.
pub(crate) const MAX_CDK_BYTES: usize = 4_500_000;

/// Resources of a template, stacks of an assembly, and outputs: AWS allows 500, and 200 for each stack.
const MAX_ENTRIES: usize = 20_000;

/// Longest name of anything in a verdict: AWS's limit for a logical id.
const MAX_NAME_CHARS: usize = 255;

const KIND: FileKind = FileKind { file: "file", expected: "a file of the CDK, or a template of CloudFormation or SAM" };

/// What tells the shapes apart.
#[derive(serde::Deserialize)]
#[serde(expecting = "an object")]
struct Shape {
    artifacts: Option<IgnoredAny>,
    tree: Option<IgnoredAny>,
    #[serde(rename = "Resources")]
    resources: Option<IgnoredAny>,
    #[serde(rename = "AWSTemplateFormatVersion")]
    template: Option<IgnoredAny>,
    #[serde(rename = "Transform")]
    transform: Option<IgnoredAny>,
    #[serde(rename = "Stacks")]
    stacks: Option<IgnoredAny>,
    #[serde(rename = "StackResources")]
    described: Option<IgnoredAny>,
    #[serde(rename = "StackResourceSummaries")]
    listed: Option<IgnoredAny>,
}

#[derive(serde::Deserialize)]
#[serde(expecting = "an object")]
struct Manifest {
    artifacts: BTreeMap<String, Artifact>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(expecting = "an object")]
pub(crate) struct Artifact {
    #[serde(rename = "type")]
    pub(crate) artifact_type: Option<String>,
    /// `aws://<account>/<region>`
    pub(crate) environment: Option<String>,
    #[serde(default)]
    pub(crate) properties: Option<Properties>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
#[serde(expecting = "an object")]
pub(crate) struct Properties {
    pub(crate) stack_name: Option<String>,
    #[serde(default)]
    pub(crate) tags: Option<BTreeMap<String, String>>,
}

#[derive(serde::Deserialize)]
#[serde(expecting = "an object")]
struct Template {
    #[serde(rename = "Resources", default)]
    resources: BTreeMap<String, TemplateResource>,
}

#[derive(serde::Deserialize)]
#[serde(expecting = "an object")]
struct TemplateResource {
    #[serde(rename = "Type")]
    aws_type: Option<String>,
}

#[derive(serde::Deserialize)]
struct Outputs(BTreeMap<String, BTreeMap<String, OutputValue>>);

/// The value of an output, if it looks like an ARN; any other is gone.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct OutputValue(pub(crate) Option<String>);

/// `name` is that of the source object: a template does not hold the name of its stack.
pub(crate) fn parse(name: &str, body: &[u8], parameters: &Parameters) -> Result<ParsedExport, ExportError> {
    if body.len() > MAX_CDK_BYTES {
        return Err(ExportError::TooLarge { bytes: body.len(), limit: MAX_CDK_BYTES });
    }
    let body = without_bom(body);
    let stated = if body.trim_ascii_start().starts_with(b"{") { of_json(body)? } else { of_yaml(body)? };
    let entries = match &stated {
        Stated::Tree => 0,
        Stated::Manifest(artifacts) => artifacts.len(),
        Stated::Template(resources) => resources.len(),
        Stated::Outputs(stacks) => stacks.values().map(BTreeMap::len).sum(),
    };
    if entries > MAX_ENTRIES {
        return Err(ExportError::TooManyResources { file: KIND.file, limit: MAX_ENTRIES });
    }
    cdk_said::said(name, stated, parameters)
}

fn of_json(body: &[u8]) -> Result<Stated, ExportError> {
    let shape: Shape = serde_json::from_slice(body).map_err(|error| KIND.error(&error))?;
    if shape.stacks.is_some() || shape.described.is_some() || shape.listed.is_some() {
        let found = "what `aws cloudformation` prints";
        return Err(ExportError::WrongFormat {
            found,
            expected: KIND.expected,
            advice: "send it as format `cloudformation`",
        });
    }
    let wrong = |error: serde_json::Error| KIND.error(&error);
    if shape.artifacts.is_some() {
        let manifest: Manifest = serde_json::from_slice(body).map_err(wrong)?;
        return Ok(Stated::Manifest(named(manifest.artifacts)));
    }
    if shape.resources.is_some() || shape.template.is_some() || shape.transform.is_some() {
        let template: Template = serde_json::from_slice(body).map_err(wrong)?;
        let types = template.resources.into_iter().map(|(id, resource)| (id, resource.aws_type));
        return Ok(Stated::Template(named(types)));
    }
    if shape.tree.is_some() {
        return Ok(Stated::Tree);
    }
    let Outputs(stacks) = serde_json::from_slice(body).map_err(wrong)?;
    Ok(Stated::Outputs(named(stacks.into_iter().map(|(stack, outputs)| (stack, named(outputs))))))
}

/// Only templates are written in YAML. Short tags such as `!Ref` say what a value is made of, and no value is read.
fn of_yaml(body: &[u8]) -> Result<Stated, ExportError> {
    let text = std::str::from_utf8(body).map_err(|error| {
        let before = body[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count();
        ExportError::NotUtf8 { line: before + 1 }
    })?;
    if text.trim().is_empty() {
        return Err(ExportError::Empty);
    }
    let value = yaml::value_untold(text, &Budget::default()).map_err(|problem| ExportError::Yaml { problem })?;
    let wrong = |found, advice| Err(ExportError::WrongFormat { found, expected: KIND.expected, advice });
    let Some(fields) = value.as_object() else {
        return wrong("some other YAML document", "a template is an object with `Resources`");
    };
    let Some(Value::Object(resources)) = fields.get("Resources") else {
        return wrong("some other YAML document", "it has no object `Resources`");
    };
    let types = resources.iter().map(|(id, resource)| (id.clone(), resource["Type"].as_str().map(str::to_owned)));
    Ok(Stated::Template(named(types)))
}

/// Without what has a name that AWS would not take, so that nothing else gets into a verdict.
fn named<T>(entries: impl IntoIterator<Item = (String, T)>) -> BTreeMap<String, T> {
    let is_name = |name: &str| {
        (1..=MAX_NAME_CHARS).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
    };
    entries.into_iter().filter(|(name, _)| is_name(name)).collect()
}

impl<'de> Deserialize<'de> for OutputValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OutputVisitor)
    }
}

struct OutputVisitor;

impl<'de> Visitor<'de> for OutputVisitor {
    type Value = OutputValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the value of an output")
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<OutputValue, E> {
        Ok(OutputValue(value.starts_with("arn:").then(|| value.to_owned())))
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<OutputValue, E> {
        Ok(OutputValue(None))
    }

    fn visit_bool<E: serde::de::Error>(self, _: bool) -> Result<OutputValue, E> {
        Ok(OutputValue(None))
    }

    fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<OutputValue, E> {
        Ok(OutputValue(None))
    }

    fn visit_u64<E: serde::de::Error>(self, _: u64) -> Result<OutputValue, E> {
        Ok(OutputValue(None))
    }

    fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<OutputValue, E> {
        Ok(OutputValue(None))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<OutputValue, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(OutputValue(None))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<OutputValue, A::Error> {
        while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(OutputValue(None))
    }
}

#[cfg(test)]
#[path = "cdk_outputs_tests.rs"]
mod tests;
