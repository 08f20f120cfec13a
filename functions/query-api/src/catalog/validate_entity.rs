//! `POST /validate-entity`: whether a document could be declared, in Backstage's steps and words. It stops at the first
//! step that fails: the envelope, the policies, the kind, the references.

use aws_lambda_events::apigw::ApiGatewayProxyRequest;
use catalog_model::{EntityRef, EnvelopeError, declare};
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
    let mut found: Vec<(Step, Complaint)> = Vec::new();
    if let Some(complaint) = wrong_location(location) {
        found.push((Step::Location, Complaint::of_type(complaint)));
    }
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let metadata = &entity["metadata"];
    let namespace = metadata["namespace"].as_str().filter(|namespace| !namespace.is_empty()).unwrap_or("default");
    let entity_ref = EntityRef::new(&text(&entity["kind"]), namespace, &text(&metadata["name"])).to_string();
    found.extend(
        declare(entity.clone()).err().into_iter().flatten().filter_map(|error| worded(error, entity, &entity_ref)),
    );
    // The first of each step counts, and of the steps the first.
    found.into_iter().min_by_key(|(step, _)| *step).map(|(_, complaint)| complaint)
}

fn wrong_location(location: &str) -> Option<String> {
    match location.split_once(':') {
        Some((location_type, target)) if !location_type.is_empty() && !target.is_empty() => (location_type != "url")
            .then(|| {
                format!("Invalid location ref {location}, only 'url:<target>' is supported, e.g. url:https://host/path")
            }),
        _ => Some(format!(
            "Unable to parse location ref '{location}', expected '<type>:<target>', e.g. 'url:https://host/path'"
        )),
    }
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
            "<root>" | "/apiVersion" | "/kind" | "/metadata" | "/metadata/name" => envelope(whole),
            "/spec" => malformed(format!("{at} must be {expected}")),
            _ if at.starts_with("/spec") => spec(entity_ref, whole),
            _ => malformed(format!("{at} must be {expected}")),
        },
        EnvelopeError::Empty { at, of } => match at.as_str() {
            "/apiVersion" | "/kind" | "/metadata/name" => envelope(whole),
            _ if at.starts_with("/spec") => spec(entity_ref, whole),
            _ => malformed(format!("{at} must NOT have fewer than 1 {of}")),
        },
        EnvelopeError::NotAllowed { .. } => spec(entity_ref, whole),
        EnvelopeError::UnknownField(field) => match (field.as_str(), &entity[&field]) {
            ("relations", Value::Array(_)) | ("status", Value::Object(_)) => (Step::Foreign, policy(whole)),
            ("relations", _) => malformed("/relations must be array".to_owned()),
            ("status", _) => malformed("/status must be object".to_owned()),
            _ => malformed("<root> must NOT have additional properties".to_owned()),
        },
        EnvelopeError::Format { .. } => (Step::Format, policy(whole)),
        EnvelopeError::ForeignKind { .. } => {
            let message = format!(
                "No processor recognized the entity {entity_ref} as valid, possibly caused by a foreign kind or apiVersion"
            );
            (Step::Kind, Complaint { name: "InputError", message, cause: None })
        }
        EnvelopeError::Reference { found, part, hint, .. } => {
            let cause = format!("Entity reference \"{found}\" had missing or empty {part}{hint}");
            (Step::References, Complaint::caused(&format!("{PROCESSOR} postprocessing"), "Error", cause))
        }
        EnvelopeError::More(_) => return None,
    })
}

fn spec(entity_ref: &str, cause: String) -> (Step, Complaint) {
    (Step::Spec, Complaint::caused(&format!("{PROCESSOR} validating the entity {entity_ref}"), "TypeError", cause))
}

#[cfg(test)]
#[path = "validate_entity_tests.rs"]
mod tests;
