//! `catalog-info.yaml`, one or more YAML or JSON documents -> statements about the entities that they declare.
//!
//! Each document gets its own verdict. A document that is refused does not delete what it said before: a file with one
//! is incomplete, and nothing is deleted by omission until all of it can be read. Keeping only what the refused
//! document names would depend on the order in which deliveries come. Placeholders (`$text: <url>`) are never fetched.
//! <https://backstage.io/docs/features/software-catalog/descriptor-format>

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use catalog_model::{DEFAULT_NAMESPACE, Declared, EntityRef, Identity, Pointer, RecordKey, Said, declare};
use serde_json::Value;

use crate::document::{DocumentVerdict, Verdict};
use crate::error::ExportError;
use crate::parameters::{Parameters, is_valid};
use crate::parsed::ParsedExport;
use crate::yaml::{self, Budget};
use crate::yaml_documents::{DocumentSplitter, DocumentText, MAX_DOCUMENT_BYTES};

/// What the HTTP door takes, and what is read as a whole. Longer files are read by [`crate::CatalogInfoSurvey`].
pub const MAX_CATALOG_INFO_BYTES: usize = 4_500_000;

/// A document of some use has more than two hundred bytes.
const MAX_DOCUMENTS: usize = 20_000;

/// Keys of Backstage's placeholder objects.
const PLACEHOLDERS: &[&str] = &["$text", "$json", "$yaml", "$openapi", "$asyncapi"];

pub(crate) fn parse(body: &[u8], parameters: &Parameters) -> Result<ParsedExport, ExportError> {
    if body.len() > MAX_CATALOG_INFO_BYTES {
        return Err(ExportError::TooLarge { bytes: body.len(), limit: MAX_CATALOG_INFO_BYTES });
    }
    let mut splitter = DocumentSplitter::default();
    splitter.push(Bytes::copy_from_slice(body));
    let mut file = File::default();
    while let Some(document) = splitter.next_document() {
        file.add(&document)?;
    }
    while let Some(document) = splitter.finish() {
        file.add(&document)?;
    }
    file.finish(parameters)
}

/// What the documents read so far say.
#[derive(Default)]
struct File {
    budget: Budget,
    first: FirstDeclared,
    statements: Vec<(RecordKey, Said)>,
    documents: Vec<DocumentVerdict>,
    not_utf8: Option<usize>,
}

impl File {
    fn add(&mut self, document: &DocumentText) -> Result<(), ExportError> {
        let Some(read) = read(document, &self.budget) else { return Ok(()) };
        if self.documents.len() == MAX_DOCUMENTS {
            return Err(ExportError::TooManyDocuments { limit: MAX_DOCUMENTS });
        }
        self.not_utf8 = self.not_utf8.or(read.not_utf8);
        let (verdict, statements) = read.judge(document.line, &mut self.first);
        self.documents.push(verdict.of(self.documents.len(), document.line));
        self.statements.extend(statements);
        Ok(())
    }

    fn finish(self, parameters: &Parameters) -> Result<ParsedExport, ExportError> {
        if self.documents.is_empty() {
            return Err(ExportError::Empty);
        }
        if self.statements.is_empty() {
            return Err(nothing_usable(self.not_utf8, self.documents));
        }
        Ok(ParsedExport {
            complete: !self.documents.iter().any(|document| matches!(document.verdict, Verdict::Refused { .. })),
            statements: self.statements,
            clock_hint: None,
            documents: self.documents,
            definitions: Vec::new(),
            notes: notes(parameters),
        })
    }
}

pub(crate) fn nothing_usable(not_utf8: Option<usize>, documents: Vec<DocumentVerdict>) -> ExportError {
    match not_utf8 {
        Some(line) => ExportError::NotUtf8 { line },
        None => ExportError::NothingUsable { documents },
    }
}

/// The line of the document that was the first to speak of a record.
#[derive(Debug, Default)]
pub(crate) struct FirstDeclared(BTreeMap<RecordKey, usize>);

impl FirstDeclared {
    /// # Errors
    /// Fails with the line of the document that declares one of the records already; then none is taken.
    fn claim(&mut self, statements: &[(RecordKey, Said)], line: usize) -> Result<(), usize> {
        if let Some(first) = statements.iter().find_map(|(key, _)| self.0.get(key)) {
            return Err(*first);
        }
        for (key, _) in statements {
            if let Entry::Vacant(vacant) = self.0.entry(key.clone()) {
                vacant.insert(line);
            }
        }
        Ok(())
    }

    pub(crate) fn into_records(self) -> BTreeSet<RecordKey> {
        self.0.into_keys().collect()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// One document as far as it can be judged by itself.
pub(crate) struct Read {
    /// What it is about, as far as that could be read.
    entity: Option<Identity>,
    /// The line that is not UTF-8.
    pub(crate) not_utf8: Option<usize>,
    outcome: Result<Accepted, String>,
}

struct Accepted {
    entity_ref: EntityRef,
    notes: Vec<String>,
    /// The claim on the name, if there is one, and the facts.
    statements: Vec<(RecordKey, Said)>,
}

/// A verdict that has no place in its file yet.
pub(crate) struct Judged {
    entity: Option<Identity>,
    pub(crate) verdict: Verdict,
}

impl Judged {
    pub(crate) fn of(self, index: usize, line: usize) -> DocumentVerdict {
        DocumentVerdict { index, at: format!("line {line}"), entity: self.entity, verdict: self.verdict }
    }
}

impl Read {
    fn refused(entity: Option<Identity>, reason: String) -> Self {
        Self { entity, not_utf8: None, outcome: Err(reason) }
    }

    pub(crate) fn is_right(&self) -> bool {
        self.outcome.is_ok()
    }

    /// Among the documents before it: each record is declared once.
    pub(crate) fn judge(self, line: usize, first: &mut FirstDeclared) -> (Judged, Vec<(RecordKey, Said)>) {
        let entity = self.entity;
        let accepted = match self.outcome {
            Ok(accepted) => accepted,
            Err(reason) => return (Judged { entity, verdict: Verdict::Refused { reason } }, Vec::new()),
        };
        if let Err(first) = first.claim(&accepted.statements, line) {
            let reason = format!("{} is declared by the document at line {first} already", accepted.entity_ref);
            return (Judged { entity, verdict: Verdict::Refused { reason } }, Vec::new());
        }
        (Judged { entity, verdict: Verdict::Accepted { notes: accepted.notes } }, accepted.statements)
    }

    /// What it says, if it is right.
    pub(crate) fn into_statements(self) -> Vec<(RecordKey, Said)> {
        self.outcome.map_or_else(|_| Vec::new(), |accepted| accepted.statements)
    }
}

/// `None`: a document that is null, which Backstage ignores.
pub(crate) fn read(document: &DocumentText, budget: &Budget) -> Option<Read> {
    if document.is_too_long() {
        let reason = format!("it has {} bytes, more than the {MAX_DOCUMENT_BYTES} of one document", document.bytes);
        return Some(Read::refused(None, reason));
    }
    let text = match std::str::from_utf8(&document.text) {
        Ok(text) => text,
        Err(error) => {
            let before = document.text[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count();
            let line = document.lines_before + before + 1;
            let reason = format!("it is not UTF-8: line {line} holds other bytes");
            return Some(Read { not_utf8: Some(line), ..Read::refused(None, reason) });
        }
    };
    let value = match yaml::value(text, document.lines_before, budget) {
        Ok(Value::Null) => return None,
        Ok(value) => value,
        Err(reason) => return Some(Read::refused(None, reason)),
    };
    if !value.is_object() {
        let reason = format!("an entity is an object, this is {}", json_type(&value));
        return Some(Read::refused(None, reason));
    }
    let named = named_entity(&value);
    Some(match declare(value) {
        Ok(declared) => accepted(declared),
        Err(errors) => {
            let reasons: Vec<String> = errors.iter().map(ToString::to_string).collect();
            Read::refused(named, reasons.join("; "))
        }
    })
}

fn accepted(mut declared: Declared) -> Read {
    let notes = leave_out_placeholders(&mut declared.facts.fields);
    let entity = match &declared.record {
        RecordKey::Entity(identity) => Some(identity.clone()),
        RecordKey::Alias(_) => None,
    };
    let claim = declared.claim.map(|(key, claim)| (key, Said::Claim(claim)));
    let statements = claim.into_iter().chain([(declared.record, Said::Facts(declared.facts))]).collect();
    Read { entity, not_utf8: None, outcome: Ok(Accepted { entity_ref: declared.entity_ref, notes, statements }) }
}

/// Parameters that say what a resource belongs to have no say here.
pub(crate) fn notes(parameters: &Parameters) -> Vec<String> {
    let given = [
        ("component", parameters.component.is_some()),
        ("owner", parameters.owner.is_some()),
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
