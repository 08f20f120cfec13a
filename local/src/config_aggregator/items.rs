//! The newest item of each resource, in the words of Config's query language.

use std::collections::BTreeMap;

use config_item::{ConfigMessage, ConfigurationItem, Status, parse};
use serde_json::{Map, Value, json};

/// Account, region as the item says it, type, id: orders the pages.
pub(super) type Key = (String, String, String, String);

#[derive(Debug, Default)]
pub(super) struct Items {
    /// Of deleted ones, the deletion: an older item must not bring them back.
    kept: BTreeMap<Key, Kept>,
}

#[derive(Debug)]
struct Kept {
    /// Capture time, state id.
    clock: (u64, u128),
    status: Status,
    item: Value,
    raw: Value,
}

impl Items {
    pub(super) fn hear(&mut self, document: &Value) -> Vec<(String, String)> {
        let mut changed = Vec::new();
        for raw in items_in(document) {
            changed.extend(self.remember(&raw));
        }
        changed
    }

    /// Takes in one item, if it is newer. Returns the name and the text of what is kept.
    pub(super) fn remember(&mut self, raw: &Value) -> Option<(String, String)> {
        let mut messages = parse(raw);
        let Some(Ok(ConfigMessage::Item(parsed))) = messages.pop() else { return None };
        let region = text(raw, &["awsRegion"]).unwrap_or_else(|| parsed.region.clone());
        let key = (parsed.account.clone(), region.clone(), parsed.resource_type.clone(), parsed.resource_id.clone());
        let clock = (parsed.captured_ms, parsed.state_id);
        if self.kept.get(&key).is_some_and(|kept| kept.clock >= clock) {
            return None;
        }
        let name = format!("config item {}/{}/{}/{}", key.0, key.1, key.2, key.3);
        let item = selectable(raw, &parsed, &region);
        self.kept.insert(key, Kept { clock, status: parsed.status, item, raw: raw.clone() });
        Some((name, raw.to_string()))
    }

    pub(super) fn forget(&mut self, resource_id: &str) {
        self.kept.retain(|key, _| key.3 != resource_id);
    }

    /// What queries see: resources that are there and recorded.
    pub(super) fn recorded(&self) -> impl Iterator<Item = (&Key, &Value)> {
        let recorded = self.kept.iter().filter(|(_, kept)| kept.status == Status::Recorded);
        recorded.map(|(key, kept)| (key, &kept.item))
    }

    /// As the API gives it, and not the query language.
    pub(super) fn whole(&self, key: &Key) -> Option<Value> {
        self.kept
            .get(key)
            .filter(|kept| kept.status == Status::Recorded)
            .map(|kept| whole(&kept.item, &kept.raw, kept.clock.0))
    }
}

/// Items in whatever came through the rule: alone, in a notification, in an event, in an SNS envelope.
fn items_in(document: &Value) -> Vec<Value> {
    if let Value::Array(list) = document {
        return list.iter().flat_map(items_in).collect();
    }
    if let Some(text) = document.get("Message").and_then(Value::as_str) {
        return serde_json::from_str(text).map(|inner| items_in(&inner)).unwrap_or_default();
    }
    if let Some(detail) = document.get("detail") {
        return items_in(detail);
    }
    match document.get("configurationItem").or_else(|| document.get("configurationItems")) {
        Some(Value::Array(list)) => list.clone(),
        Some(item) => vec![item.clone()],
        None if document.get("resourceType").is_some() && document.get("messageType").is_none() => {
            vec![document.clone()]
        }
        None => Vec::new(),
    }
}

/// The fields that a query can name.
fn selectable(raw: &Value, parsed: &ConfigurationItem, region: &str) -> Value {
    let tags = match raw.get("tags") {
        Some(Value::Object(tags)) => tags.iter().map(tag).collect(),
        _ => Vec::new(),
    };
    let relationships: Vec<Value> = raw["relationships"].as_array().into_iter().flatten().map(relationship).collect();
    let of = |name: &str| raw.get(name).cloned().unwrap_or_default();
    let inside = |value: Value| match &value {
        Value::String(text) => serde_json::from_str(text).unwrap_or(value),
        _ => value,
    };
    let mut fields = Map::new();
    for (name, value) in [
        ("accountId", json!(parsed.account)),
        ("arn", json!(parsed.arn)),
        ("availabilityZone", of("availabilityZone")),
        ("awsRegion", json!(region)),
        ("configuration", inside(of("configuration"))),
        ("configurationItemCaptureTime", of("configurationItemCaptureTime")),
        ("configurationItemStatus", of("configurationItemStatus")),
        ("configurationStateId", of("configurationStateId")),
        ("relationships", relationships.into()),
        ("resourceCreationTime", of("resourceCreationTime")),
        ("resourceId", json!(parsed.resource_id)),
        ("resourceName", json!(parsed.resource_name)),
        ("resourceType", json!(parsed.resource_type)),
        ("supplementaryConfiguration", of("supplementaryConfiguration")),
        ("tags", tags.into()),
        ("version", json!("1.3")),
    ] {
        // The query language leaves out what is null.
        if !value.is_null() {
            fields.insert(name.to_owned(), value);
        }
    }
    Value::Object(fields)
}

fn tag((key, value): (&String, &Value)) -> Value {
    let value = value.as_str().unwrap_or_default();
    json!({"tag": format!("{key}={value}"), "key": key, "value": value})
}

fn relationship(raw: &Value) -> Value {
    let mut relationship = raw.clone();
    if let Some(fields) = relationship.as_object_mut()
        && let Some(name) = fields.remove("name")
    {
        fields.insert("relationshipName".to_owned(), name);
    }
    relationship
}

/// An item in the dialect of `GetAggregateResourceConfig`: nested values as text, tags as a map, times in seconds.
fn whole(item: &Value, raw: &Value, captured_ms: u64) -> Value {
    let mut whole = item.clone();
    whole["tags"] = raw.get("tags").cloned().unwrap_or_else(|| json!({}));
    whole["configuration"] = item.get("configuration").map(|value| json!(value.to_string())).unwrap_or_default();
    let parts = item.get("supplementaryConfiguration").and_then(Value::as_object);
    let parts: Map<String, Value> =
        parts.into_iter().flatten().map(|(name, part)| (name.clone(), as_text(part))).collect();
    whole["supplementaryConfiguration"] = parts.into();
    whole["configurationStateId"] = as_text(&item["configurationStateId"]);
    // Written out: a number of milliseconds is exact, a double divided by a thousand need not be.
    whole["configurationItemCaptureTime"] = seconds(captured_ms);
    if let Some(fields) = whole.as_object_mut() {
        fields.remove("resourceCreationTime");
        let created = raw
            .get("resourceCreationTime")
            .and_then(Value::as_str)
            .and_then(|text| text.parse::<jiff::Timestamp>().ok());
        if let Some(created) = created {
            let ms = u64::try_from(created.as_millisecond()).unwrap_or_default();
            fields.insert("resourceCreationTime".to_owned(), seconds(ms));
        }
        fields.retain(|_, value| !value.is_null());
    }
    whole
}

fn seconds(ms: u64) -> Value {
    serde_json::from_str(&format!("{}.{:03}", ms / 1_000, ms % 1_000)).unwrap_or_default()
}

fn as_text(value: &Value) -> Value {
    match value {
        Value::String(_) => value.clone(),
        other => json!(other.to_string()),
    }
}

fn text(value: &Value, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| value.get(*name)?.as_str()).map(ToOwned::to_owned)
}
