//! A configuration item in the types of the SDK -> the JSON that the API's own clients print.

use aws_sdk_config::primitives::DateTime;
use aws_sdk_config::types::{ConfigurationItem, Relationship};
use serde_json::{Map, Value, json};

/// Absent parts are left out: absent and empty are not the same.
pub(crate) fn api_item(item: &ConfigurationItem) -> Value {
    let mut fields = Map::new();
    let mut say = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            fields.insert(name.to_owned(), value);
        }
    };
    let text = |text: &Option<String>| text.clone().map(Value::String);
    say("version", text(&item.version));
    say("accountId", text(&item.account_id));
    say("configurationItemCaptureTime", item.configuration_item_capture_time.as_ref().and_then(epoch_ms));
    say("configurationItemStatus", item.configuration_item_status.as_ref().map(|status| json!(status.as_str())));
    say("configurationStateId", text(&item.configuration_state_id));
    say("arn", text(&item.arn));
    say("resourceType", item.resource_type.as_ref().map(|resource_type| json!(resource_type.as_str())));
    say("resourceId", text(&item.resource_id));
    say("resourceName", text(&item.resource_name));
    say("awsRegion", text(&item.aws_region));
    say("availabilityZone", text(&item.availability_zone));
    say("resourceCreationTime", item.resource_creation_time.as_ref().and_then(epoch_ms));
    say("tags", item.tags.as_ref().map(|tags| json!(tags)));
    say("relationships", item.relationships.as_ref().map(|list| list.iter().map(relationship).collect()));
    say("configuration", text(&item.configuration));
    say("supplementaryConfiguration", item.supplementary_configuration.as_ref().map(|parts| json!(parts)));
    Value::Object(fields)
}

fn relationship(relationship: &Relationship) -> Value {
    json!({
        "resourceType": relationship.resource_type.as_ref().map(|resource_type| resource_type.as_str()),
        "resourceId": relationship.resource_id,
        "resourceName": relationship.resource_name,
        "relationshipName": relationship.relationship_name,
    })
}

/// Config sends seconds as a double, which misses most milliseconds by a hair: to the nearest one.
fn epoch_ms(time: &DateTime) -> Option<Value> {
    u64::try_from((time.as_nanos() + 500_000).div_euclid(1_000_000)).ok().map(Value::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_millisecond_comes_back_from_the_seconds_that_the_api_sends() {
        for ms in (1_793_520_000_000_u64..1_793_520_001_000).chain([0, 1, 999]) {
            let sent: DateTime = DateTime::from_secs_f64(format!("{}.{:03}", ms / 1000, ms % 1000).parse().unwrap());
            assert_eq!(epoch_ms(&sent), Some(Value::from(ms)));
        }
    }
}
