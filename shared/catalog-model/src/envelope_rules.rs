//! The rules of Backstage's envelope and kinds, and the words in which it says that one is broken.
//!
//! Backstage stops at the first broken rule; here all of a document are found, in its order: schema, foreign fields,
//! formats, kind. Sources: `@backstage/catalog-model`, its JSON schemas (checked by Ajv, hence the wording),
//! `NoForeignRootFieldsEntityPolicy`, `FieldFormatEntityPolicy`, and `parseEntityRef`.

use serde_json::{Map, Value};
use url::Url;

use crate::entity_ref::{DEFAULT_NAMESPACE, EntityRef, EntityRefError};
use crate::fragment::Pointer;
use crate::grammar;
use crate::kinds::{KINDS, Kind};
use crate::relations::FIELD_RELATIONS;

/// Errors of one document that are told; a document with more has one mistake many times.
const MAX_ERRORS: usize = 25;

/// Characters of a refused value that are repeated to the sender.
const MAX_FOUND_CHARS: usize = 100;

/// A rule that a document breaks, in the words that Backstage has for it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    #[error("{at} must have required property '{property}' - missingProperty: {property}")]
    Missing { at: String, property: String },
    #[error("{at} must be {expected} - type: {expected}")]
    Type { at: String, expected: &'static str },
    #[error("{at} must NOT have fewer than 1 {of} - limit: 1")]
    Empty { at: String, of: &'static str },
    #[error("{at} must be equal to one of the allowed values - allowedValues: {allowed}")]
    NotAllowed { at: String, allowed: &'static str },
    #[error("Unknown field {0}")]
    UnknownField(String),
    #[error(
        "\"{field}\" is not valid; expected {expected} but found \"{found}\". To learn more about catalog file format, visit: \
         https://github.com/backstage/backstage/blob/master/docs/architecture-decisions/adr002-default-catalog-file-format.md"
    )]
    Format { field: String, expected: &'static str, found: String },
    #[error(
        "No processor recognized the entity as valid, possibly caused by a foreign kind or apiVersion: kind {kind} with \
         apiVersion {api_version} is not taken here{hint}"
    )]
    ForeignKind { kind: String, api_version: String, hint: String },
    #[error("Entity reference \"{found}\" at {at} had missing or empty {part}{hint}")]
    Reference { at: String, found: String, part: &'static str, hint: &'static str },
    #[error("and {0} more errors")]
    More(usize),
}

const A_NAME: &str =
    "a string that is sequences of [a-zA-Z0-9] separated by any of [-_.], at most 63 characters in total";
const A_PREFIX: &str = "a valid prefix and/or suffix";
const A_NAMESPACE: &str = "a string that is sequences of [a-z0-9] separated by [-], at most 63 characters in total";
const A_TAG: &str = "a string that is sequences of [a-z0-9+#] separated by [-], at most 63 characters in total";
const A_KIND: &str = "a string that is a sequence of [a-zA-Z][a-z0-9A-Z], at most 63 characters in total";
const A_URL: &str = "a string that is a valid url";

/// Checks a whole document. Empty: nothing is wrong.
pub(crate) fn broken_rules(entity: &Value) -> Vec<EnvelopeError> {
    let mut found = Findings(Vec::new());
    match entity.as_object() {
        Some(root) => found.document(root),
        None => found.wrong_type("", "object"),
    }
    let mut errors = found.0;
    if errors.len() > MAX_ERRORS {
        let left_out = errors.len() - MAX_ERRORS;
        errors.truncate(MAX_ERRORS);
        errors.push(EnvelopeError::More(left_out));
    }
    errors
}

struct Findings(Vec<EnvelopeError>);

/// `/metadata/tags/0`, or `<root>`.
fn shown(at: &str) -> String {
    if at.is_empty() { "<root>".to_owned() } else { at.to_owned() }
}

fn below(at: &str, token: &str) -> String {
    format!("{at}{}", Pointer::to([token]))
}

/// What of a refused value is repeated to the sender.
pub(crate) fn shortened(text: &str) -> String {
    match text.char_indices().nth(MAX_FOUND_CHARS) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

impl Findings {
    fn document(&mut self, root: &Map<String, Value>) {
        let kind = self.formatted_text(root, "", "kind", "kind", A_KIND, grammar::is_kind);
        let api_version = self.formatted_text(root, "", "apiVersion", "apiVersion", A_PREFIX, grammar::is_api_version);
        let metadata = self.required(root, "", "metadata").and_then(|value| self.object(value, "/metadata"));
        let spec = root.get("spec").and_then(|value| self.object(value, "/spec"));
        for field in root.keys().filter(|field| !["apiVersion", "kind", "metadata", "spec"].contains(&field.as_str())) {
            self.0.push(EnvelopeError::UnknownField(shortened(field)));
        }
        if let Some(metadata) = metadata {
            self.metadata(metadata);
        }
        let (Some(kind), Some(api_version)) = (kind, api_version) else { return };
        let known = KINDS.iter().find(|known| known.name == kind && known.api_versions.contains(&api_version));
        match (known, spec) {
            (None, _) => self.0.push(foreign_kind(kind, api_version)),
            (Some(known), Some(spec)) => {
                let namespace =
                    metadata.and_then(|metadata| metadata.get("namespace")?.as_str()).unwrap_or(DEFAULT_NAMESPACE);
                self.spec(known, spec, namespace);
            }
            (Some(_), None) if !root.contains_key("spec") => self.missing("", "spec"),
            (Some(_), None) => {}
        }
    }

    fn metadata(&mut self, metadata: &Map<String, Value>) {
        self.formatted_text(metadata, "/metadata", "name", "metadata.name", A_NAME, grammar::is_name);
        if metadata.contains_key("namespace") {
            let is_namespace = grammar::is_namespace;
            self.formatted_text(metadata, "/metadata", "namespace", "metadata.namespace", A_NAMESPACE, is_namespace);
        }
        for field in ["uid", "etag", "title"] {
            self.optional_text(metadata, "/metadata", field);
        }
        if let Some(description) = metadata.get("description")
            && !description.is_string()
        {
            self.wrong_type("/metadata/description", "string");
        }
        self.labels(metadata);
        self.annotations(metadata);
        self.tags(metadata);
        self.links(metadata);
    }

    fn labels(&mut self, metadata: &Map<String, Value>) {
        let Some(labels) = metadata.get("labels").and_then(|labels| self.object(labels, "/metadata/labels")) else {
            return;
        };
        for (key, value) in labels {
            let field = format!("labels.{}", shortened(key));
            self.format(&field, key, A_PREFIX, grammar::is_key);
            match value.as_str() {
                Some(text) => self.format(&field, text, A_NAME, grammar::is_label_value),
                None => self.wrong_type(&below("/metadata/labels", key), "string"),
            }
        }
    }

    fn annotations(&mut self, metadata: &Map<String, Value>) {
        let at = "/metadata/annotations";
        let Some(annotations) = metadata.get("annotations").and_then(|found| self.object(found, at)) else { return };
        for (key, value) in annotations {
            self.format(&format!("annotations.{}", shortened(key)), key, A_PREFIX, grammar::is_key);
            if !value.is_string() {
                self.wrong_type(&below(at, key), "string");
            }
        }
    }

    fn tags(&mut self, metadata: &Map<String, Value>) {
        let Some(tags) = metadata.get("tags").and_then(|tags| self.array(tags, "/metadata/tags")) else { return };
        for (index, tag) in tags.iter().enumerate() {
            match tag.as_str() {
                Some(text) => self.format(&format!("tags.{index}"), text, A_TAG, grammar::is_tag),
                None => self.wrong_type(&format!("/metadata/tags/{index}"), "string"),
            }
        }
    }

    fn links(&mut self, metadata: &Map<String, Value>) {
        let Some(links) = metadata.get("links").and_then(|links| self.array(links, "/metadata/links")) else { return };
        for (index, link) in links.iter().enumerate() {
            let at = format!("/metadata/links/{index}");
            let Some(link) = self.object(link, &at) else { continue };
            let is_url = |text: &str| Url::parse(text).is_ok();
            self.formatted_text(link, &at, "url", &format!("links.{index}.url"), A_URL, is_url);
            for field in ["title", "icon", "type"] {
                self.optional_text(link, &at, field);
            }
        }
    }

    fn spec(&mut self, kind: &Kind, spec: &Map<String, Value>, namespace: &str) {
        for field in kind.required_texts {
            if let Some(value) = self.required(spec, "/spec", field) {
                self.text(value, &below("/spec", field));
            }
        }
        for field in kind.required_lists {
            if let Some(value) = self.required(spec, "/spec", field) {
                self.list(value, &below("/spec", field));
            }
        }
        for field in kind.optional_texts {
            self.optional_text(spec, "/spec", field);
        }
        for field in kind.optional_lists {
            if let Some(value) = spec.get(*field) {
                self.list(value, &below("/spec", field));
            }
        }
        match kind.name {
            "API" => self.definition(spec),
            "Group" | "User" => self.profile(spec),
            "Location" => {
                let allowed = [Some("required"), Some("optional")];
                if spec.get("presence").is_some_and(|presence| !allowed.contains(&presence.as_str())) {
                    let at = "/spec/presence".to_owned();
                    self.0.push(EnvelopeError::NotAllowed { at, allowed: "required,optional" });
                }
            }
            "Template" => {
                if let Some(steps) = self.required(spec, "/spec", "steps") {
                    self.array(steps, "/spec/steps");
                }
            }
            _ => {}
        }
        self.references(kind, spec, namespace);
    }

    /// A definition is a text, or a placeholder for one. Placeholders are kept and never fetched.
    fn definition(&mut self, spec: &Map<String, Value>) {
        let has_remotes = match spec.get("type").and_then(Value::as_str) {
            Some("mcp-server") => true,
            Some("ai-model-server") => spec.contains_key("remotes"),
            _ => false,
        };
        if !has_remotes {
            if let Some(definition) = self.required(spec, "/spec", "definition")
                && !is_placeholder(definition)
            {
                self.text(definition, "/spec/definition");
            }
            return;
        }
        let Some(remotes) =
            self.required(spec, "/spec", "remotes").and_then(|found| self.array(found, "/spec/remotes"))
        else {
            return;
        };
        if remotes.is_empty() {
            self.0.push(EnvelopeError::Empty { at: "/spec/remotes".to_owned(), of: "items" });
        }
        for (index, remote) in remotes.iter().enumerate() {
            let at = format!("/spec/remotes/{index}");
            let Some(remote) = self.object(remote, &at) else { continue };
            for field in ["type", "url"] {
                if let Some(value) = self.required(remote, &at, field) {
                    self.text(value, &below(&at, field));
                }
            }
        }
    }

    fn profile(&mut self, spec: &Map<String, Value>) {
        let Some(profile) = spec.get("profile").and_then(|profile| self.object(profile, "/spec/profile")) else {
            return;
        };
        for field in ["displayName", "email", "picture"] {
            self.optional_text(profile, "/spec/profile", field);
        }
    }

    fn references(&mut self, kind: &Kind, spec: &Map<String, Value>, namespace: &str) {
        let lower = kind.name.to_lowercase();
        for rule in FIELD_RELATIONS.iter().filter(|rule| rule.kinds.contains(&lower.as_str())) {
            let Some(said) = spec.get(rule.field) else { continue };
            let texts = said.as_array().map_or(std::slice::from_ref(said), Vec::as_slice);
            for text in texts.iter().filter_map(Value::as_str).filter(|text| !text.is_empty()) {
                let (part, hint) = match EntityRef::parse_in(text, rule.default_kind, namespace) {
                    Err(EntityRefError::EmptyPart { part, .. }) => (part, ""),
                    Err(EntityRefError::NoKind { .. }) => {
                        ("kind", " (e.g. did not start with \"component:\" or similar)")
                    }
                    Ok(_) | Err(EntityRefError::Form { .. }) => continue,
                };
                let (at, found) = (below("/spec", rule.field), shortened(text));
                self.0.push(EnvelopeError::Reference { at, found, part, hint });
            }
        }
    }

    fn missing(&mut self, at: &str, property: &str) {
        self.0.push(EnvelopeError::Missing { at: shown(at), property: property.to_owned() });
    }

    fn wrong_type(&mut self, at: &str, expected: &'static str) {
        self.0.push(EnvelopeError::Type { at: shown(at), expected });
    }

    fn required<'a>(&mut self, parent: &'a Map<String, Value>, at: &str, property: &str) -> Option<&'a Value> {
        let value = parent.get(property);
        if value.is_none() {
            self.missing(at, property);
        }
        value
    }

    fn object<'a>(&mut self, value: &'a Value, at: &str) -> Option<&'a Map<String, Value>> {
        let object = value.as_object();
        if object.is_none() {
            self.wrong_type(at, "object");
        }
        object
    }

    fn array<'a>(&mut self, value: &'a Value, at: &str) -> Option<&'a Vec<Value>> {
        let array = value.as_array();
        if array.is_none() {
            self.wrong_type(at, "array");
        }
        array
    }

    /// A text that is not empty.
    fn text<'a>(&mut self, value: &'a Value, at: &str) -> Option<&'a str> {
        match value.as_str() {
            Some("") => self.0.push(EnvelopeError::Empty { at: shown(at), of: "characters" }),
            Some(text) => return Some(text),
            None => self.wrong_type(at, "string"),
        }
        None
    }

    fn list(&mut self, value: &Value, at: &str) {
        for (index, item) in self.array(value, at).into_iter().flatten().enumerate() {
            self.text(item, &format!("{at}/{index}"));
        }
    }

    fn optional_text(&mut self, parent: &Map<String, Value>, at: &str, property: &str) {
        if let Some(value) = parent.get(property) {
            self.text(value, &below(at, property));
        }
    }

    fn formatted_text<'a>(
        &mut self,
        parent: &'a Map<String, Value>,
        at: &str,
        property: &str,
        field: &str,
        expected: &'static str,
        is_valid: impl Fn(&str) -> bool,
    ) -> Option<&'a str> {
        let text = self.required(parent, at, property).and_then(|value| self.text(value, &below(at, property)))?;
        self.format(field, text, expected, &is_valid);
        is_valid(text).then_some(text)
    }

    fn format(&mut self, field: &str, text: &str, expected: &'static str, is_valid: impl Fn(&str) -> bool) {
        if !is_valid(text) {
            self.0.push(EnvelopeError::Format { field: field.to_owned(), expected, found: shortened(text) });
        }
    }
}

/// `{"$text": "<where>"}` and its kin.
fn is_placeholder(value: &Value) -> bool {
    value.as_object().is_some_and(|object| {
        object.len() == 1 && object.iter().all(|(key, target)| key.starts_with('$') && target.is_string())
    })
}

fn foreign_kind(kind: &str, api_version: &str) -> EnvelopeError {
    let close = KINDS.iter().find(|known| known.name.eq_ignore_ascii_case(kind));
    let hint = close.map(|known| format!("; write {} with {}", known.name, known.api_versions.join(" or ")));
    EnvelopeError::ForeignKind {
        kind: kind.to_owned(),
        api_version: shortened(api_version),
        hint: hint.unwrap_or_default(),
    }
}
