use super::*;

const URL: &str = "url:https://x.example.com/y";

fn component(changed: &Value) -> Value {
    let mut entity = json!({
        "apiVersion": "backstage.io/v1alpha1", "kind": "Component", "metadata": {"name": "a"},
        "spec": {"type": "a", "owner": "a", "lifecycle": "x"},
    });
    for (field, value) in changed.as_object().unwrap() {
        entity[field] = value.clone();
    }
    entity
}

#[test]
fn what_is_wrong_with_an_entity_is_said_in_backstages_steps_and_words() {
    let policy = "Policy check failed for component:default/a; caused by Error: ";
    let learn = "To learn more about catalog file format, visit: https://github.com/backstage/backstage/blob/master/docs/architecture-decisions/adr002-default-catalog-file-format.md";
    let validating = "Processor BuiltinKindsEntityProcessor threw an error while validating the entity component:default/a; caused by TypeError: ";
    for (entity, name, message) in [
        (json!({}), "TypeError", "<root> must have required property 'apiVersion' - missingProperty: apiVersion".to_owned()),
        (
            json!({"apiVersion": "a", "kind": "b", "metadata": {}}),
            "TypeError",
            "/metadata must have required property 'name' - missingProperty: name".to_owned(),
        ),
        (
            json!({"apiVersion": "a", "kind": "b", "metadata": {"name": ""}}),
            "TypeError",
            "/metadata/name must NOT have fewer than 1 characters - limit: 1".to_owned(),
        ),
        (
            component(&json!({"metadata": {"name": "a", "labels": {"a": 1}}})),
            "InputError",
            format!("{policy}Malformed envelope, /metadata/labels/a must be string"),
        ),
        (
            component(&json!({"metadata": {"name": "a", "links": [{"title": "x"}]}})),
            "InputError",
            format!("{policy}Malformed envelope, /metadata/links/0 must have required property 'url'"),
        ),
        (
            component(&json!({"metadata": {"name": "a", "title": ""}})),
            "InputError",
            format!("{policy}Malformed envelope, /metadata/title must NOT have fewer than 1 characters"),
        ),
        (
            component(&json!({"foo": 1})),
            "InputError",
            format!("{policy}Malformed envelope, <root> must NOT have additional properties"),
        ),
        (component(&json!({"relations": []})), "InputError", format!("{policy}Unknown field relations")),
        (component(&json!({"relations": 1})), "InputError", format!("{policy}Malformed envelope, /relations must be array")),
        (component(&json!({"spec": []})), "InputError", format!("{policy}Malformed envelope, /spec must be object")),
        (
            component(&json!({"metadata": {"name": "a", "tags": ["A"]}})),
            "InputError",
            format!(
                "{policy}\"tags.0\" is not valid; expected a string that is sequences of [a-z0-9+#] separated by [-], at most 63 characters in total but found \"A\". {learn}"
            ),
        ),
        (
            component(&json!({"apiVersion": "backstage.io/v2"})),
            "InputError",
            "No processor recognized the entity component:default/a as valid, possibly caused by a foreign kind or apiVersion".to_owned(),
        ),
        (component(&json!({"spec": {}})), "InputError", format!("{validating}/spec must have required property 'type' - missingProperty: type")),
        (
            component(&json!({"spec": {"type": 1, "owner": "", "lifecycle": "x"}})),
            "InputError",
            format!("{validating}/spec/type must be string - type: string"),
        ),
        (
            component(&json!({"spec": {"type": "a", "owner": "a", "lifecycle": "x", "dependsOn": ["x"]}})),
            "InputError",
            "Processor BuiltinKindsEntityProcessor threw an error while postprocessing; caused by Error: Entity reference \"x\" had missing or empty kind (e.g. did not start with \"component:\" or similar)".to_owned(),
        ),
    ] {
        let complaint = complaint(&entity, URL).unwrap();
        assert_eq!((complaint.name, complaint.message), (name, message), "{entity}");
    }
}

#[test]
fn a_location_is_a_url_and_is_looked_at_after_the_envelope() {
    for (location, complaint) in [
        ("x", "Unable to parse location ref 'x', expected '<type>:<target>', e.g. 'url:https://host/path'"),
        ("url:", "Unable to parse location ref 'url:', expected '<type>:<target>', e.g. 'url:https://host/path'"),
        ("file:x", "Invalid location ref file:x, only 'url:<target>' is supported, e.g. url:https://host/path"),
    ] {
        let found = super::complaint(&component(&json!({"spec": {}})), location).unwrap();
        assert_eq!((found.name, found.message.as_str()), ("TypeError", complaint));
    }
    assert!(complaint(&json!({}), "x").unwrap().message.contains("apiVersion"));
    assert_eq!(complaint(&component(&json!({})), URL), None);
}

#[test]
fn a_cause_is_told_apart() {
    let error = complaint(&component(&json!({"relations": []})), URL).unwrap().to_json();
    assert_eq!(error["cause"], json!({"name": "Error", "message": "Unknown field relations"}));
}
