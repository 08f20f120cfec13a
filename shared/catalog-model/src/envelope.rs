//! A catalog-info document -> what it declares: the record, its facts, and the claim on its name.
//!
//! `declare` checks the document as Backstage does ([`crate::EnvelopeError`]) and finishes it as Backstage does: the
//! default namespace is filled in and reference arrays are sorted. Nothing is fetched: placeholders like
//! `{"$text": ..}` stay as they are.

use serde_json::{Map, Value, json};

use crate::canonical::{Canonical, SeenAs, Sighting, canonical};
use crate::entity_ref::{DEFAULT_NAMESPACE, EntityRef};
use crate::envelope_rules::{EnvelopeError, broken_rules, shortened};
use crate::fragment::{Claim, Facts, Pointer, Role};
use crate::identity::{Identity, Key, Place, RecordKey};
use crate::relations::field_relation;

/// Annotations by which a `Resource` says which AWS resource it is, as the AWS plugins spell it.
const ARN_ANNOTATIONS: &[&str] = &["aws.amazon.com/arn", "amazonaws.com/arn"];

/// What one valid document says.
#[derive(Debug, Clone, PartialEq)]
pub struct Declared {
    /// Always [`RecordKey::Entity`]: the AWS resource that a `Resource` names by its ARN, else the entity reference.
    pub record: RecordKey,
    pub facts: Facts,
    /// For kind `Resource`: the alias record of the entity reference, and the claim on it.
    pub claim: Option<(RecordKey, Claim)>,
    pub entity_ref: EntityRef,
}

/// Reads one document.
///
/// # Errors
/// Every rule that it breaks, in Backstage's words. An ARN annotation that is no ARN is an error too: without it the
/// document would silently declare something else.
pub fn declare(entity: Value) -> Result<Declared, Vec<EnvelopeError>> {
    let errors = broken_rules(&entity);
    if !errors.is_empty() {
        return Err(errors);
    }
    let kind = text(&entity["kind"]);
    let namespace = entity["metadata"]["namespace"].as_str().unwrap_or(DEFAULT_NAMESPACE);
    let entity_ref = EntityRef::new(kind, namespace, text(&entity["metadata"]["name"]));
    let is_resource = entity_ref.kind() == "resource";
    let by_arn = if is_resource { identity_by_arn(&entity["metadata"]["annotations"])? } else { None };
    let claims_by_arn = by_arn.is_some();
    let identity = by_arn.unwrap_or_else(|| Identity::of_entity(&entity_ref));
    let claim = is_resource.then(|| {
        let claim = Claim { identity: identity.clone(), by_arn: claims_by_arn };
        (RecordKey::Alias(Key::of_ref(&entity_ref)), claim)
    });
    let mut facts = facts_of(entity, entity_ref.kind());
    facts.keys.insert(Key::of_ref(&entity_ref));
    Ok(Declared { record: RecordKey::Entity(identity), facts, claim, entity_ref })
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn identity_by_arn(annotations: &Value) -> Result<Option<Identity>, Vec<EnvelopeError>> {
    let nowhere = Place { partition: "", account: "", region: "" };
    for key in ARN_ANNOTATIONS {
        let Some(arn) = annotations[key].as_str() else { continue };
        return match canonical(&Sighting { place: nowhere, seen_as: SeenAs::Arn, id: arn }) {
            Canonical::Exact(identity) => Ok(Some(identity)),
            Canonical::Secondary(_) | Canonical::Unknown => Err(vec![EnvelopeError::Format {
                field: format!("annotations.{key}"),
                expected: "the ARN of a resource",
                found: shortened(arn),
            }]),
        };
    }
    Ok(None)
}

/// The document field by field: metadata and spec by their keys, annotations and labels one by one.
fn facts_of(entity: Value, kind: &str) -> Facts {
    let mut facts = Facts::new(Role::Declared);
    let Value::Object(root) = entity else { return facts };
    for (field, value) in root {
        match (field.as_str(), value) {
            ("metadata", Value::Object(metadata)) => metadata_facts(metadata, &mut facts),
            ("spec", Value::Object(spec)) => spec_facts(spec, kind, &mut facts),
            (_, value) => {
                facts.fields.insert(Pointer::to([field.as_str()]), value);
            }
        }
    }
    facts
}

fn metadata_facts(metadata: Map<String, Value>, facts: &mut Facts) {
    for (field, value) in metadata {
        match (field.as_str(), value) {
            // The catalog gives it: a document copied out of another catalog must not bring its own.
            ("uid", _) => {}
            ("annotations" | "labels", Value::Object(entries)) if !entries.is_empty() => {
                for (key, value) in entries {
                    facts.fields.insert(Pointer::to(["metadata", field.as_str(), key.as_str()]), value);
                }
            }
            (_, value) => {
                facts.fields.insert(Pointer::metadata(&field), value);
            }
        }
    }
    facts.fields.entry(Pointer::metadata("namespace")).or_insert_with(|| json!(DEFAULT_NAMESPACE));
}

fn spec_facts(spec: Map<String, Value>, kind: &str, facts: &mut Facts) {
    if spec.is_empty() {
        facts.fields.insert(Pointer::to(["spec"]), Value::Object(spec));
        return;
    }
    for (field, mut value) in spec {
        if field_relation(kind, &field).is_some()
            && let Some(references) = value.as_array_mut()
        {
            // JavaScript's order: by UTF-16 code units.
            references.sort_by_cached_key(|reference| text(reference).encode_utf16().collect::<Vec<_>>());
        }
        facts.fields.insert(Pointer::spec(&field), value);
    }
}
