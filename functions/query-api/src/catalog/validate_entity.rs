//! `POST /validate-entity`: whether a document could be declared, in Backstage's steps and words. It stops at the first
//! step that fails: the envelope, the policies, the kind, the references.

use aws_lambda_events::apigw::ApiGatewayProxyRequest;
use catalog_model::{EntityRef, EnvelopeError, FIELD_RELATIONS, FieldRelation, declare};
use delivery::api::ApiError;
use serde_json::{Value, json};

use crate::answers::{self, Answer};
use crate::body::{self, Fields, Form, Presence};
use crate::parameters::Parameters;

const BODY: Fields = Fields {
    required: &["location", "entity"],
    known: &[("location", Form::Text), ("entity", Form::Object)],
    is_closed: false,
};

/// How complaints of a schema begin, in the order in which it makes them.
const PLACES: &[&str] = &[
    "<root> must have required property 'apiVersion'",
    "<root> must have required property 'kind'",
    "<root>",
    "/apiVersion",
    "/kind",
    "/metadata must",
    "/metadata/uid",
    "/metadata/etag",
    "/metadata/name",
    "/metadata/",
    "/spec",
    "/relations",
    "/status",
];

const PROCESSOR: &str = "Processor BuiltinKindsEntityProcessor threw an error while";

pub(crate) fn validate_entity(request: &ApiGatewayProxyRequest) -> Result<Answer, ApiError> {
    Parameters::check(request, &[])?;
    let body = body::body(request, Presence::Required, &BODY)?.unwrap_or_default();
    let location = body["location"].as_str().unwrap_or_default();
    Ok(match complaint(&body["entity"], location) {
        Some(complaint) => answers::json_with(400, &json!({"errors": [complaint.to_json()]})),
        None => Answer::empty(200),
    })
}

/// An error as Backstage serialises one.
#[derive(Debug, PartialEq, Eq)]
struct Complaint {
    name: &'static str,
    message: String,
    cause: Option<(&'static str, String)>,
}

impl Complaint {
    fn of_type(message: String) -> Self {
        Self { name: "TypeError", message, cause: None }
    }

    fn caused(what: &str, cause_name: &'static str, cause: String) -> Self {
        let message = format!("{what}; caused by {cause_name}: {cause}");
        Self { name: "InputError", message, cause: Some((cause_name, cause)) }
    }

    fn to_json(&self) -> Value {
        let mut error = json!({"name": self.name, "message": self.message});
        if let Some((name, message)) = &self.cause {
            error["cause"] = json!({"name": name, "message": message});
        }
        error
    }
}

/// The steps, in their order. Schemas look for what is missing and what is too much before they look at what is there, and
/// at that in an order of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Envelope(usize),
    Location,
    Schema(usize),
    Foreign,
    Format,
    Kind,
    Spec,
    References,
}

fn complaint(entity: &Value, location: &str) -> Option<Complaint> {
    // Backstage spreads the annotations into its own: what is no object has none.
    let mut entity = entity.clone();
    if let Some(metadata) = entity.get_mut("metadata").and_then(Value::as_object_mut)
        && metadata.get("annotations").is_some_and(|annotations| !annotations.is_object())
    {
        metadata.remove("annotations");
    }
    let mut found: Vec<(Step, Complaint)> = Vec::new();
    if let Some(complaint) = wrong_location(location) {
        found.push((Step::Location, Complaint::of_type(complaint)));
    }
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let metadata = &entity["metadata"];
    let namespace = metadata["namespace"].as_str().filter(|namespace| !namespace.is_empty()).unwrap_or("default");
    let entity_ref = EntityRef::new(&text(&entity["kind"]), namespace, &text(&metadata["name"])).to_string();
    found.extend(wrong_annotations(metadata, &entity_ref).map(|complaint| (Step::Location, complaint)));
    found.extend(wrong_references(&entity).map(|complaint| (Step::References, complaint)));
    let errors = declare(entity.clone()).err().into_iter().flatten();
    found.extend(errors.filter_map(|error| worded(error, &entity, &entity_ref)));
    // The first of each step counts, and of the steps the first.
    found.into_iter().min_by_key(|(step, _)| *step).map(|(_, complaint)| complaint)
}

fn wrong_location(location: &str) -> Option<String> {
    match parsed_location(location) {
        Err(complaint) => Some(complaint),
        Ok("url") => None,
        Ok(_) => Some(format!(
            "Invalid location ref {location}, only 'url:<target>' is supported, e.g. url:https://host/path"
        )),
    }
}

/// The type of a location.
fn parsed_location(location: &str) -> Result<&str, String> {
    let parts = location.split_once(':').map(|(location_type, target)| (location_type.trim(), target.trim()));
    match parts {
        Some(("http" | "https", target)) if !target.is_empty() => {
            Err(format!("Invalid location ref '{location}', please prefix it with 'url:', e.g. 'url:{location}'"))
        }
        Some((location_type, target)) if !location_type.is_empty() && !target.is_empty() => Ok(location_type),
        _ => Err(format!(
            "Unable to parse location ref '{location}', expected '<type>:<target>', e.g. 'url:https://host/path'"
        )),
    }
}

/// The document may bring its own locations.
fn wrong_annotations(metadata: &Value, entity_ref: &str) -> Option<Complaint> {
    for key in ["backstage.io/managed-by-location", "backstage.io/managed-by-origin-location"] {
        let Some(location) = metadata["annotations"][key].as_str() else { continue };
        if location.is_empty() {
            let message = format!("Entity '{entity_ref}' does not have the annotation {key}");
            return Some(Complaint { name: "InputError", message, cause: None });
        }
        if let Err(complaint) = parsed_location(location) {
            return Some(Complaint::of_type(complaint));
        }
    }
    None
}

/// References are looked at last, by rules that are laxer than those for names.
fn wrong_references(entity: &Value) -> Option<Complaint> {
    let kind = entity["kind"].as_str().unwrap_or_default().to_lowercase();
    let fields = FIELD_RELATIONS.iter().filter(|rule| rule.kinds.contains(&kind.as_str()));
    let texts = |rule: &FieldRelation| match &entity["spec"][rule.field] {
        Value::Array(items) => items.clone(),
        Value::Null => Vec::new(),
        Value::String(text) if text.is_empty() => Vec::new(),
        other => vec![other.clone()],
    };
    let broken = |rule: &FieldRelation| texts(rule).iter().find_map(|text| wrong_reference(text, rule.default_kind));
    fields.into_iter().find_map(broken)
}

fn wrong_reference(reference: &Value, default_kind: Option<&str>) -> Option<Complaint> {
    let what = format!("{PROCESSOR} postprocessing");
    let no_kind = || {
        let cause = format!(
            "Entity reference {reference} had missing or empty kind (e.g. did not start with \"component:\" or similar)"
        );
        Some(Complaint::caused(&what, "Error", cause))
    };
    let Some(text) = reference.as_str() else { return no_kind() };
    let slash = text.find('/');
    let colon = text.find(':').filter(|colon| slash.is_none_or(|slash| *colon < slash));
    let name = &text[slash.max(colon).map_or(0, |at| at + 1)..];
    let kind = colon.map(|colon| &text[..colon]);
    let namespace = slash.map(|slash| &text[colon.map_or(0, |colon| colon + 1)..slash]);
    if kind == Some("") || namespace == Some("") || name.is_empty() {
        let cause = format!("Entity reference \"{text}\" was not on the form [<kind>:][<namespace>/]<name>");
        return Some(Complaint::caused(&what, "TypeError", cause));
    }
    if kind.or(default_kind).is_none() { no_kind() } else { None }
}

fn worded(error: EnvelopeError, entity: &Value, entity_ref: &str) -> Option<(Step, Complaint)> {
    let policy = |cause: String| Complaint::caused(&format!("Policy check failed for {entity_ref}"), "Error", cause);
    let malformed = |text: String| {
        let place = PLACES.iter().position(|place| text.starts_with(place)).unwrap_or(PLACES.len());
        (Step::Schema(place), policy(format!("Malformed envelope, {text}")))
    };
    let envelope = |text: String| {
        let place = PLACES.iter().position(|place| text.starts_with(place)).unwrap_or(PLACES.len());
        (Step::Envelope(place), Complaint::of_type(text))
    };
    let whole = error.to_string();
    Some(match error {
        EnvelopeError::Missing { at, property } => match at.as_str() {
            "<root>" if property == "spec" => spec(entity_ref, whole),
            "<root>" | "/metadata" => envelope(whole),
            _ if at.starts_with("/spec") => spec(entity_ref, whole),
            _ => malformed(format!("{at} must have required property '{property}'")),
        },
        EnvelopeError::Type { at, expected } => match at.as_str() {
            "<root>" | "/apiVersion" | "/kind" | "/metadata" | "/metadata/name" | "/metadata/namespace" => {
                envelope(whole)
            }
            _ if at.starts_with("/spec/dependencyOf") => return None,
            "/spec" => malformed(format!("{at} must be {expected}")),
            _ if at.starts_with("/spec") => spec(entity_ref, whole),
            _ => malformed(format!("{at} must be {expected}")),
        },
        EnvelopeError::Empty { at, of } => match at.as_str() {
            "/apiVersion" | "/kind" | "/metadata/name" | "/metadata/namespace" => envelope(whole),
            _ if at.starts_with("/spec/dependencyOf") => return None,
            _ if at.starts_with("/spec") => spec(entity_ref, whole),
            _ => malformed(format!("{at} must NOT have fewer than 1 {of}")),
        },
        EnvelopeError::NotAllowed { at, .. } => {
            let is_text = entity.pointer(&at).is_some_and(Value::is_string);
            spec(entity_ref, if is_text { whole } else { format!("{at} must be string - type: string") })
        }
        EnvelopeError::UnknownField(field) => match (field.as_str(), &entity[&field]) {
            ("relations", Value::Array(_)) | ("status", Value::Object(_)) => (Step::Foreign, policy(whole)),
            ("relations", _) => malformed("/relations must be array".to_owned()),
            ("status", _) => malformed("/status must be object".to_owned()),
            _ => malformed("<root> must NOT have additional properties".to_owned()),
        },
        EnvelopeError::Format { field, found, .. } if found.is_empty() && field.starts_with("tags.") => {
            malformed(format!("/metadata/{} must NOT have fewer than 1 characters", field.replace('.', "/")))
        }
        EnvelopeError::Format { .. } => (Step::Format, policy(whole)),
        EnvelopeError::ForeignKind { .. } => {
            let message = format!(
                "No processor recognized the entity {entity_ref} as valid, possibly caused by a foreign kind or apiVersion"
            );
            (Step::Kind, Complaint { name: "InputError", message, cause: None })
        }
        // Looked at apart.
        EnvelopeError::Reference { .. } | EnvelopeError::More(_) => return None,
    })
}

fn spec(entity_ref: &str, cause: String) -> (Step, Complaint) {
    (Step::Spec, Complaint::caused(&format!("{PROCESSOR} validating the entity {entity_ref}"), "TypeError", cause))
}

#[cfg(test)]
#[path = "validate_entity_tests.rs"]
mod tests;
