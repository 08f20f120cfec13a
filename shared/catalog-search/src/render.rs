//! A stitched record in its catalog -> the entity as Backstage shows it.

use catalog_model::{Stitched, canonical_json};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::catalog::Catalog;
use crate::plugin_annotations::plugin_annotations;
use crate::segment::base::NotLoaded;
use crate::shape::{Inherited, Naming, Shape};

/// The envelope with the name it may bear, the owner it inherits, a component's annotations for AWS's plugins, its relations
/// in both directions, `status` where there is something to say, `metadata.uid` and `metadata.etag`.
///
/// The record's row should have been applied to the catalog: without it the entity has neither relations nor
/// anything else that follows from other records.
///
/// # Errors
/// Fails while blocks are missing.
pub fn render(stitched: &Stitched, catalog: &Catalog) -> Result<Value, NotLoaded> {
    catalog.ready()?;
    let doc = catalog.existing(&stitched.identity);
    let shape = doc.and_then(|doc| catalog.shape(doc));
    let mut entity = match shape.as_ref().map(|shape| &shape.naming) {
        Some(Naming::Derived | Naming::Taken { .. }) => stitched.entity_under_derived_name(),
        Some(Naming::Own) | None => stitched.entity(),
    };
    if let Some(Inherited { owner, system, .. }) = shape.as_ref().and_then(|shape| shape.inherited.as_deref()) {
        for (field, value) in [("owner", owner), ("system", system)] {
            if let Some(value) = value
                && let Some(spec) =
                    entity.as_object_mut().map(|entity| entity.entry("spec").or_insert_with(|| json!({})))
                && let Some(spec) = spec.as_object_mut()
            {
                spec.insert(field.to_owned(), json!(value));
            }
        }
    }
    let found = plugin_annotations(stitched, catalog)?;
    if let Some(annotations) = entity.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) {
        annotations.extend(found.into_iter().map(|annotation| (annotation.key.to_owned(), json!(annotation.arn))));
    }
    let relations = doc.map(|doc| catalog.relations(doc)).unwrap_or_default();
    entity["relations"] = relations
        .into_iter()
        .map(|(relation_type, target)| json!({"type": relation_type, "targetRef": target}))
        .collect();
    let status = status_items(stitched, shape.as_ref());
    if !status.is_empty() {
        entity["status"] = json!({ "items": status });
    }
    add_uid_and_etag(&mut entity, stitched);
    Ok(entity)
}

fn status_items(stitched: &Stitched, shape: Option<&Shape>) -> Vec<Value> {
    let mut items: Vec<Value> = stitched
        .status
        .iter()
        .map(|item| json!({"type": item.item_type, "level": item.level, "message": item.message}))
        .collect();
    if let Some(Shape { naming: Naming::Taken { wanted, holder }, .. }) = shape {
        let message = format!("the name {wanted} is held by {holder}; this entity keeps its derived name");
        items.push(json!({"type": "callboard/name-taken", "level": "warning", "message": message}));
    }
    items
}

fn add_uid_and_etag(entity: &mut Value, stitched: &Stitched) {
    let declares_etag = entity["metadata"]["etag"].is_string();
    let digest = (!declares_etag).then(|| hex::encode(&Sha256::digest(canonical_json(entity))[..20]));
    if !entity["metadata"].is_object() {
        entity["metadata"] = Value::Object(Map::new());
    }
    entity["metadata"]["uid"] = json!(stitched.identity.uid());
    if let Some(digest) = digest {
        entity["metadata"]["etag"] = json!(digest);
    }
}
