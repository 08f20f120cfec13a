//! One OpenAPI or AsyncAPI definition -> one `API` entity that holds it whole.
//!
//! The entity has the name of the source object, which the sender chose and which stays; the title of a definition
//! changes. A definition is meant to be shown: its text is kept as it came, and no `$ref` in it is followed.

use catalog_model::{DEFAULT_NAMESPACE, EntityRef, Facts, Identity, Key, Pointer, RecordKey, Relation, Role, Said};
use sha2::{Digest, Sha256};

use crate::belonging::{say_owner_and_system, stub};
use crate::document::{DocumentVerdict, Verdict};
use crate::error::ExportError;
use crate::json::FileKind;
use crate::outline::{Outline, OutlineError, outline};
use crate::parameters::{Parameters, is_name};
use crate::parsed::{Definition, ParsedExport};

/// What a document of a catalog file may have: a definition is a field of an entity, and is answered with it.
pub(crate) const MAX_DEFINITION_BYTES: usize = 4_500_000;

/// Longest title and description that are shown, in characters: longer ones are cut.
const MAX_TITLE_CHARS: usize = 200;
const MAX_DESCRIPTION_CHARS: usize = 2_000;

/// A longer version is none.
const MAX_VERSION_CHARS: usize = 100;

/// `sha256:` and the digest of the definition, so that who holds a copy can tell whether it is the same.
pub(crate) const DIGEST_ANNOTATION: &str = "callboard.io/definition-digest";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ApiType {
    Openapi,
    Asyncapi,
}

impl ApiType {
    fn name(self) -> &'static str {
        match self {
            Self::Openapi => "openapi",
            Self::Asyncapi => "asyncapi",
        }
    }

    fn kind(self) -> FileKind {
        let expected = match self {
            Self::Openapi => "an OpenAPI definition",
            Self::Asyncapi => "an AsyncAPI definition",
        };
        FileKind { file: "file", expected }
    }
}

pub(crate) fn parse(
    api_type: ApiType,
    name: &str,
    body: &[u8],
    parameters: &Parameters,
) -> Result<ParsedExport, ExportError> {
    if body.len() > MAX_DEFINITION_BYTES {
        return Err(ExportError::TooLarge { bytes: body.len(), limit: MAX_DEFINITION_BYTES });
    }
    if !is_name(name) {
        return Err(ExportError::Name);
    }
    let text = std::str::from_utf8(body).map_err(|error| {
        let before = body[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count();
        ExportError::NotUtf8 { line: before + 1 }
    })?;
    if text.trim_start_matches('\u{feff}').trim().is_empty() {
        return Err(ExportError::Empty);
    }
    let outline = outline(text).map_err(|error| match error {
        OutlineError::Json(error) => api_type.kind().error(&error),
        OutlineError::Yaml(problem) => ExportError::Yaml { problem },
    })?;
    check(api_type, &outline)?;

    let digest = format!("sha256:{}", hex::encode(Sha256::digest(body)));
    let entity_ref = EntityRef::new("api", DEFAULT_NAMESPACE, name);
    let identity = Identity::of_entity(&entity_ref);
    let said = |field: &str| outline.info.get(field).map(|text| text.trim()).filter(|text| !text.is_empty());
    let version = said("version").filter(|version| version.chars().count() <= MAX_VERSION_CHARS);
    let mut facts = Facts::new(Role::Listed);
    facts.say(Pointer::to(["apiVersion"]), "backstage.io/v1alpha1");
    facts.say(Pointer::to(["kind"]), "API");
    facts.say(Pointer::metadata("name"), name);
    facts.say(Pointer::metadata("namespace"), DEFAULT_NAMESPACE);
    for (field, limit) in [("title", MAX_TITLE_CHARS), ("description", MAX_DESCRIPTION_CHARS)] {
        if let Some(text) = said(field) {
            facts.say(Pointer::metadata(field), text.chars().take(limit).collect::<String>());
        }
    }
    facts.say(Pointer::annotation(DIGEST_ANNOTATION), digest.as_str());
    facts.say(Pointer::spec("type"), api_type.name());
    facts.say(Pointer::spec("definition"), text);
    if let Some(version) = version {
        facts.say(Pointer::spec("version"), version);
    }
    say_owner_and_system(&mut facts, parameters);
    if let Some(component) = &parameters.component {
        facts.relations.insert(Relation::new("apiProvidedBy", Key::of_ref(component)));
    }
    let definition =
        Definition { entity: identity.clone(), digest, version: version.map(str::to_owned), bytes: body.len() };
    let verdict = Verdict::Accepted { notes: Vec::new() };
    let document = DocumentVerdict { index: 0, at: "line 1".to_owned(), entity: Some(identity.clone()), verdict };
    let mut statements = vec![(RecordKey::Entity(identity), Said::Facts(facts))];
    statements.extend(stub(parameters));
    Ok(ParsedExport {
        statements,
        complete: true,
        clock_hint: None,
        documents: vec![document],
        definitions: vec![definition],
        notes: notes(parameters),
    })
}

fn notes(parameters: &Parameters) -> Vec<String> {
    let given = [
        ("environment", parameters.environment.is_some()),
        ("account", parameters.account.is_some()),
        ("region", parameters.region.is_some()),
    ];
    let given = given.iter().filter(|(_, is_given)| *is_given);
    given.map(|(name, _)| format!("parameter `{name}` has no effect: an API is in no account")).collect()
}

/// What a document of the format must have at its top.
fn check(api_type: ApiType, outline: &Outline) -> Result<(), ExportError> {
    let expected = api_type.kind().expected;
    let has = |field: &str| outline.fields.contains_key(field);
    let wrong = |found, advice| Err(ExportError::WrongFormat { found, expected, advice });
    let version_field = match api_type {
        ApiType::Openapi if has("openapi") => "openapi",
        ApiType::Openapi if has("swagger") => "swagger",
        ApiType::Openapi if has("asyncapi") => {
            return wrong("an AsyncAPI definition", "send it as format `asyncapi`");
        }
        ApiType::Asyncapi if has("asyncapi") => "asyncapi",
        ApiType::Asyncapi if has("openapi") || has("swagger") => {
            return wrong("an OpenAPI definition", "send it as format `openapi`");
        }
        _ if has("bomFormat") || has("spdxVersion") || has("@graph") => {
            return wrong("an SBOM", "send it as format `sbom`");
        }
        ApiType::Openapi => return wrong("some other document", "it has neither `openapi` nor `swagger`"),
        ApiType::Asyncapi => return wrong("some other document", "it has no field `asyncapi`"),
    };
    let version = outline.texts.get(version_field).map(String::as_str).unwrap_or_default();
    let (major, minor) = version.split_once('.').unwrap_or((version, ""));
    let (majors, known): (&[&str], _) = match version_field {
        "swagger" => (&["2"], "2.0 of Swagger"),
        "openapi" => (&["3"], "3.x"),
        _ => (&["2", "3"], "2.x and 3.x"),
    };
    if !majors.contains(&major) {
        let is_version = (1..=16).contains(&version.len()) && version.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        let version = if is_version { version.to_owned() } else { "(not a version)".to_owned() };
        return Err(ExportError::FormatVersion { file: "definition", version, known });
    }
    let broken = |path, problem| Err(ExportError::Definition { path, problem });
    if !outline.fields.get("info").is_some_and(|is_object| *is_object) {
        return broken("/info", "it must be an object");
    }
    if !outline.info.contains_key("title") {
        return broken("/info/title", "it must be a text");
    }
    if !outline.info.contains_key("version") {
        return broken("/info/version", "it must be a text");
    }
    let is_old = version_field == "swagger" || (version_field == "openapi" && minor.starts_with('0'));
    if is_old && !has("paths") {
        return broken("/paths", "it is missing");
    }
    if version_field == "openapi" && !["paths", "components", "webhooks"].into_iter().any(has) {
        return broken("/paths", "it is missing, and so are `components` and `webhooks`");
    }
    if version_field == "asyncapi" && major == "2" && !has("channels") {
        return broken("/channels", "it is missing");
    }
    Ok(())
}

#[cfg(test)]
#[path = "api_definition_tests.rs"]
mod tests;
