//! `catalog-info.yaml`, one or more YAML or JSON documents -> statements about the entities that they declare.
//!
//! Each document gets its own verdict. A document that is refused does not delete what it said before: a file with one
//! is incomplete, and nothing is deleted by omission until all of it can be read. Keeping only what the refused
//! document names would depend on the order in which deliveries come. Placeholders (`$text: <url>`) are never fetched.
//! <https://backstage.io/docs/features/software-catalog/descriptor-format>

use std::collections::BTreeMap;

use catalog_model::{DEFAULT_NAMESPACE, Declared, EntityRef, Identity, Pointer, RecordKey, Said, declare};
use serde_json::Value;

use crate::document::{DocumentVerdict, Verdict};
use crate::error::ExportError;
use crate::parameters::{Parameters, is_valid};
use crate::parsed::ParsedExport;
use crate::yaml::{self, Budget};
use crate::yaml_documents::{DocumentText, split};

/// What the HTTP door takes; catalog files are written by hand.
const MAX_CATALOG_INFO_BYTES: usize = 4_500_000;

const MAX_DOCUMENTS: usize = 2_000;

/// Keys of Backstage's placeholder objects.
const PLACEHOLDERS: &[&str] = &["$text", "$json", "$yaml", "$openapi", "$asyncapi"];

pub(crate) fn parse(body: &[u8], parameters: &Parameters) -> Result<ParsedExport, ExportError> {
    if body.len() > MAX_CATALOG_INFO_BYTES {
        return Err(ExportError::TooLarge { bytes: body.len(), limit: MAX_CATALOG_INFO_BYTES });
    }
    let stream = std::str::from_utf8(body).map_err(|error| ExportError::NotUtf8 {
        line: body[..error.valid_up_to()].split(|byte| *byte == b'\n').count(),
    })?;
    let documents = split(stream);
    if documents.len() > MAX_DOCUMENTS {
        return Err(ExportError::TooManyDocuments { limit: MAX_DOCUMENTS });
    }
    let mut file = File::default();
    for document in &documents {
        file.add(document);
    }
    file.finish(parameters)
}

/// What the documents read so far say.
#[derive(Default)]
struct File {
    budget: Budget,
    /// Who said it first: the place of the document.
    statements: BTreeMap<RecordKey, (Said, String)>,
    order: Vec<RecordKey>,
    documents: Vec<DocumentVerdict>,
}

impl File {
    fn add(&mut self, document: &DocumentText<'_>) {
        let at = format!("line {}", document.line);
        let value = match yaml::value(document, &self.budget) {
            // Backstage ignores documents that are null.
            Ok(Value::Null) => return,
            Ok(value) => value,
            Err(reason) => {
                return self.close(at, None, Verdict::Refused { reason });
            }
        };
        if !value.is_object() {
            let reason = format!("an entity is an object, this is {}", json_type(&value));
            return self.close(at, None, Verdict::Refused { reason });
        }
        let named = named_entity(&value);
        match declare(value) {
            Ok(declared) => self.declare(at, declared),
            Err(errors) => {
                let reasons: Vec<String> = errors.iter().map(ToString::to_string).collect();
                self.close(at, named, Verdict::Refused { reason: reasons.join("; ") });
            }
        }
    }

    fn declare(&mut self, at: String, mut declared: Declared) {
        let notes = leave_out_placeholders(&mut declared.facts.fields);
        let entity = match &declared.record {
            RecordKey::Entity(identity) => Some(identity.clone()),
            RecordKey::Alias(_) => None,
        };
        let claim = declared.claim.map(|(key, claim)| (key, Said::Claim(claim)));
        let statements: Vec<_> = claim.into_iter().chain([(declared.record, Said::Facts(declared.facts))]).collect();
        let taken = statements.iter().find_map(|(key, _)| self.statements.get(key).map(|(_, first)| first.clone()));
        if let Some(first) = taken {
            let reason = format!("{} is declared by the document at {first} already", declared.entity_ref);
            return self.close(at, entity, Verdict::Refused { reason });
        }
        for (key, said) in statements {
            self.order.push(key.clone());
            self.statements.insert(key, (said, at.clone()));
        }
        self.close(at, entity, Verdict::Accepted { notes });
    }

    fn close(&mut self, at: String, entity: Option<Identity>, verdict: Verdict) {
        self.documents.push(DocumentVerdict { index: self.documents.len(), at, entity, verdict });
    }

    fn finish(mut self, parameters: &Parameters) -> Result<ParsedExport, ExportError> {
        if self.documents.is_empty() {
            return Err(ExportError::Empty);
        }
        if self.order.is_empty() {
            return Err(ExportError::NothingUsable { documents: self.documents });
        }
        let statements = self
            .order
            .into_iter()
            .filter_map(|key| self.statements.remove(&key).map(|(said, _)| (key, said)))
            .collect();
        Ok(ParsedExport {
            statements,
            complete: !self.documents.iter().any(|document| matches!(document.verdict, Verdict::Refused { .. })),
            clock_hint: None,
            documents: self.documents,
            notes: notes(parameters),
        })
    }
}

/// Parameters that say what a resource belongs to have no say here.
fn notes(parameters: &Parameters) -> Vec<String> {
    let given = [
        ("component", parameters.component.is_some()),
        ("system", parameters.system.is_some()),
        ("environment", parameters.environment.is_some()),
        ("account", parameters.account.is_some()),
        ("region", parameters.region.is_some()),
    ];
    let given = given.iter().filter(|(_, is_given)| *is_given);
    given
        .map(|(name, _)| format!("parameter `{name}` has no effect: the file itself says it for each entity"))
        .collect()
}

/// What a document is about, as far as its head can be read.
fn named_entity(entity: &Value) -> Option<Identity> {
    let metadata = &entity["metadata"];
    let namespace = match &metadata["namespace"] {
        Value::Null => DEFAULT_NAMESPACE,
        namespace => namespace.as_str()?,
    };
    let entity_ref = EntityRef::new(entity["kind"].as_str()?, namespace, metadata["name"].as_str()?);
    is_valid(&entity_ref).then(|| Identity::of_entity(&entity_ref))
}

/// A placeholder stands for text behind a URL, which nobody here may open: the field is left out, with a note.
fn leave_out_placeholders(fields: &mut BTreeMap<Pointer, Value>) -> Vec<String> {
    let mut notes = Vec::new();
    fields.retain(|pointer, value| {
        let found = placeholder(value);
        match found {
            Some(placeholder) => notes.push(left_out(pointer.as_str(), placeholder)),
            None => leave_out_inside(value, pointer.as_str(), &mut notes),
        }
        found.is_none()
    });
    notes
}

fn leave_out_inside(value: &mut Value, path: &str, notes: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            map.retain(|key, item| {
                let found = placeholder(item);
                notes.extend(found.map(|placeholder| left_out(&format!("{path}/{key}"), placeholder)));
                found.is_none()
            });
            for (key, item) in map {
                leave_out_inside(item, &format!("{path}/{key}"), notes);
            }
        }
        Value::Array(items) => {
            for (at, item) in items.iter_mut().enumerate() {
                leave_out_inside(item, &format!("{path}/{at}"), notes);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn left_out(path: &str, placeholder: &str) -> String {
    format!("{path} is left out: `{placeholder}` is not fetched")
}

fn placeholder(value: &Value) -> Option<&'static str> {
    let map = value.as_object().filter(|map| map.len() == 1)?;
    PLACEHOLDERS.iter().find(|placeholder| map.contains_key(**placeholder)).copied()
}

fn json_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
#[path = "catalog_info_tests.rs"]
mod tests;
