//! What documents are taken, what is said of those that are not, and that a declared entity comes out as it went in.

use catalog_model::{
    Door, EnvelopeError, Format, Fragment, Key, Record, RecordKey, Rules, Said, SourceObject, Stitched, Version,
    declare, stitch,
};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

fn component(change: impl FnOnce(&mut Value)) -> Value {
    let mut entity = json!({
        "apiVersion": "backstage.io/v1alpha1",
        "kind": "Component",
        "metadata": {"name": "orders"},
        "spec": {"type": "service", "lifecycle": "production", "owner": "team-a"}
    });
    change(&mut entity);
    entity
}

fn entity_of(kind: &str, api_version: &str, spec: &Value) -> Value {
    json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": "orders"}, "spec": spec})
}

fn errors(entity: Value) -> Vec<String> {
    declare(entity).map_or_else(|errors| errors.iter().map(EnvelopeError::to_string).collect(), |_| Vec::new())
}

const FORMAT: &str = "To learn more about catalog file format, visit: https://github.com/backstage/backstage/blob/master/docs/architecture-decisions/adr002-default-catalog-file-format.md";
const NAME: &str = "expected a string that is sequences of [a-zA-Z0-9] separated by any of [-_.], at most 63 characters in total but found";

/// A change to a valid component, and what is wrong with it then.
#[test]
fn a_broken_rule_is_told_in_backstages_words() {
    let foreign = "No processor recognized the entity as valid, possibly caused by a foreign kind or apiVersion: kind";
    let cases: Vec<(&str, Value, String)> = vec![
        ("/metadata/name", json!("bad name"), format!("\"metadata.name\" is not valid; {NAME} \"bad name\". {FORMAT}")),
        ("/metadata/name", json!(7), "/metadata/name must be string - type: string".into()),
        ("/metadata/name", json!(""), "/metadata/name must NOT have fewer than 1 characters - limit: 1".into()),
        (
            "/metadata/namespace",
            json!("Ops"),
            format!("\"metadata.namespace\" is not valid; expected a string that is sequences of [a-z0-9] separated by [-], at most 63 characters in total but found \"Ops\". {FORMAT}"),
        ),
        ("/metadata/namespace", json!(null), "/metadata/namespace must be string - type: string".into()),
        (
            "/metadata/labels",
            json!({"a b": "x"}),
            format!("\"labels.a b\" is not valid; expected a valid prefix and/or suffix but found \"a b\". {FORMAT}"),
        ),
        ("/metadata/labels", json!({"a": "x y"}), format!("\"labels.a\" is not valid; {NAME} \"x y\". {FORMAT}")),
        ("/metadata/labels", json!({"a": 1}), "/metadata/labels/a must be string - type: string".into()),
        ("/metadata/annotations", json!({"a/b": true}), "/metadata/annotations/a~1b must be string - type: string".into()),
        (
            "/metadata/annotations",
            json!({"a/b/c": ""}),
            format!("\"annotations.a/b/c\" is not valid; expected a valid prefix and/or suffix but found \"a/b/c\". {FORMAT}"),
        ),
        (
            "/metadata/tags",
            json!(["go", "go 1.15.3"]),
            format!("\"tags.1\" is not valid; expected a string that is sequences of [a-z0-9+#] separated by [-], at most 63 characters in total but found \"go 1.15.3\". {FORMAT}"),
        ),
        ("/metadata/tags", json!("go"), "/metadata/tags must be array - type: array".into()),
        (
            "/metadata/links",
            json!([{"url": "nowhere"}]),
            format!("\"links.0.url\" is not valid; expected a string that is a valid url but found \"nowhere\". {FORMAT}"),
        ),
        ("/metadata/links", json!([{"title": "x"}]), "/metadata/links/0 must have required property 'url' - missingProperty: url".into()),
        ("/metadata/title", json!(""), "/metadata/title must NOT have fewer than 1 characters - limit: 1".into()),
        ("/relations", json!([]), "Unknown field relations".into()),
        ("/status", json!({}), "Unknown field status".into()),
        ("/spec/owner", json!(null), "/spec/owner must be string - type: string".into()),
        ("/spec/system", json!(5), "/spec/system must be string - type: string".into()),
        ("/spec/dependsOn", json!("resource:db"), "/spec/dependsOn must be array - type: array".into()),
        ("/spec/dependsOn", json!(["resource:db", 1]), "/spec/dependsOn/1 must be string - type: string".into()),
        (
            "/spec/dependsOn",
            json!(["orders-db"]),
            "Entity reference \"orders-db\" at /spec/dependsOn had missing or empty kind (e.g. did not start with \"component:\" or similar)".into(),
        ),
        ("/spec/owner", json!("group:/x"), "Entity reference \"group:/x\" at /spec/owner had missing or empty namespace".into()),
        ("/spec", json!([]), "/spec must be object - type: object".into()),
        ("/metadata", json!("x"), "/metadata must be object - type: object".into()),
        ("/kind", json!("Robot"), format!("{foreign} Robot with apiVersion backstage.io/v1alpha1 is not taken here")),
        (
            "/kind",
            json!("component"),
            format!("{foreign} component with apiVersion backstage.io/v1alpha1 is not taken here; write Component with backstage.io/v1alpha1 or backstage.io/v1beta1"),
        ),
        (
            "/apiVersion",
            json!("backstage.io/v9"),
            format!("{foreign} Component with apiVersion backstage.io/v9 is not taken here; write Component with backstage.io/v1alpha1 or backstage.io/v1beta1"),
        ),
        (
            "/apiVersion",
            json!("a/b/c"),
            format!("\"apiVersion\" is not valid; expected a valid prefix and/or suffix but found \"a/b/c\". {FORMAT}"),
        ),
    ];
    for (pointer, value, expected) in cases {
        let entity = component(|entity| {
            let (parent, field) = pointer.rsplit_once('/').unwrap();
            entity.pointer_mut(parent).unwrap()[field] = value;
        });
        assert_eq!(errors(entity), [expected], "{pointer}");
    }
    assert_eq!(errors(json!([])), ["<root> must be object - type: object"]);
}

#[test]
fn all_that_is_wrong_with_a_document_is_told_at_once() {
    let entity = json!({
        "apiVersion": "backstage.io/v1alpha1", "kind": "API", "status": {},
        "metadata": {"name": "a b", "tags": ["X"]},
        "spec": {"type": "openapi", "owner": ""}
    });
    let told = errors(entity);
    let said = |needle: &str| told.iter().any(|error| error.contains(needle));
    assert_eq!(told.len(), 6, "{told:#?}");
    for needle in ["Unknown field status", "metadata.name", "tags.0", "'lifecycle'", "/spec/owner", "'definition'"] {
        assert!(said(needle), "{needle}: {told:#?}");
    }
    assert_eq!(errors(json!({})).len(), 3);
    let many = errors(component(|entity| entity["metadata"]["tags"] = json!(vec!["X"; 1000])));
    assert_eq!((many.len(), many[25].as_str()), (26, "and 975 more errors"));
}

#[test]
fn every_kind_has_what_its_spec_needs() {
    let core = "backstage.io/v1alpha1";
    let cases: Vec<(&str, &str, Value, &[&str])> = vec![
        ("API", core, json!({"type": "openapi", "lifecycle": "x", "owner": "a", "definition": "openapi: 3.1.0"}), &[]),
        (
            "API",
            core,
            json!({"type": "graphql", "lifecycle": "x", "owner": "a", "definition": {"$text": "https://example.com/s"}}),
            &[],
        ),
        (
            "API",
            core,
            json!({"type": "graphql", "lifecycle": "x", "owner": "a", "definition": {"text": "x"}}),
            &["/spec/definition must be string - type: string"],
        ),
        (
            "API",
            core,
            json!({"type": "mcp-server", "lifecycle": "x", "owner": "a", "remotes": [{"type": "sse", "url": "https://example.com"}]}),
            &[],
        ),
        (
            "API",
            core,
            json!({"type": "mcp-server", "lifecycle": "x", "owner": "a", "definition": "x"}),
            &["/spec must have required property 'remotes' - missingProperty: remotes"],
        ),
        (
            "API",
            core,
            json!({"type": "mcp-server", "lifecycle": "x", "owner": "a", "remotes": []}),
            &["/spec/remotes must NOT have fewer than 1 items - limit: 1"],
        ),
        ("Resource", core, json!({"type": "s3-bucket", "owner": "a"}), &[]),
        (
            "Resource",
            core,
            json!({"type": "s3-bucket"}),
            &["/spec must have required property 'owner' - missingProperty: owner"],
        ),
        ("System", "backstage.io/v1beta1", json!({"owner": "a", "domain": "shop"}), &[]),
        ("Domain", core, json!({"owner": "a", "subdomainOf": "shop"}), &[]),
        ("Group", core, json!({"type": "team", "children": [], "profile": {"email": "a@example.com"}}), &[]),
        (
            "Group",
            core,
            json!({"type": "team"}),
            &["/spec must have required property 'children' - missingProperty: children"],
        ),
        ("User", core, json!({"memberOf": ["team-a"]}), &[]),
        (
            "User",
            core,
            json!({"memberOf": [], "profile": {"picture": ""}}),
            &["/spec/profile/picture must NOT have fewer than 1 characters - limit: 1"],
        ),
        ("Location", core, json!({"targets": ["./a.yaml"], "presence": "optional"}), &[]),
        ("Location", core, json!({}), &[]),
        (
            "Location",
            core,
            json!({"presence": "never"}),
            &["/spec/presence must be equal to one of the allowed values - allowedValues: required,optional"],
        ),
        ("AiResource", core, json!({"type": "skill", "lifecycle": "x", "owner": "a"}), &[]),
        (
            "Template",
            "scaffolder.backstage.io/v1beta3",
            json!({"type": "service", "owner": "a", "steps": [{"action": "fetch:plain"}]}),
            &[],
        ),
        (
            "Template",
            "scaffolder.backstage.io/v1beta3",
            json!({"type": "service"}),
            &["/spec must have required property 'steps' - missingProperty: steps"],
        ),
    ];
    for (kind, api_version, spec, expected) in cases {
        assert_eq!(errors(entity_of(kind, api_version, &spec)), expected, "{kind} {spec}");
    }
    for field in ["apiVersion", "kind", "metadata", "spec"] {
        let mut bare = component(|_| {});
        bare.as_object_mut().unwrap().remove(field);
        assert_eq!(errors(bare), [format!("<root> must have required property '{field}' - missingProperty: {field}")]);
    }
}

fn resource(annotations: &Value) -> Value {
    json!({
        "apiVersion": "backstage.io/v1alpha1", "kind": "Resource",
        "metadata": {"name": "Orders-DB", "namespace": "ops", "annotations": annotations},
        "spec": {"type": "rds-dbcluster", "owner": "team-a"}
    })
}

#[test]
fn a_resource_that_names_its_arn_is_that_resource_and_claims_its_name() {
    for (annotation, arn) in [
        ("aws.amazon.com/arn", "arn:aws:logs:eu-west-1:111122223333:log-group:/orders:*"),
        ("amazonaws.com/arn", "arn:aws:logs:eu-west-1:111122223333:log-group:/orders"),
    ] {
        let declared = declare(resource(&json!({annotation: arn}))).unwrap();
        assert_eq!(declared.record.to_string(), "e#arn:aws:logs:eu-west-1:111122223333:log-group:/orders");
        let (alias, claim) = declared.claim.unwrap();
        assert_eq!(alias.to_string(), "a#resource:ops/orders-db");
        assert!(claim.by_arn);
        assert_eq!(RecordKey::Entity(claim.identity), declared.record);
        assert!(declared.facts.keys.contains(&Key::of_ref(&declared.entity_ref)));
    }
    let told = errors(resource(&json!({"aws.amazon.com/arn": "orders"})));
    assert!(
        told[0].starts_with("\"annotations.aws.amazon.com/arn\" is not valid; expected the ARN of a resource"),
        "{told:?}"
    );
}

#[test]
fn a_resource_without_arn_claims_its_name_plainly_and_other_kinds_need_no_claim() {
    let declared = declare(resource(&json!({}))).unwrap();
    assert_eq!(declared.record.to_string(), "e#resource:ops/orders-db");
    assert!(!declared.claim.unwrap().1.by_arn);
    let declared =
        declare(component(|entity| entity["metadata"]["annotations"] = json!({"aws.amazon.com/arn": "x"}))).unwrap();
    assert_eq!((declared.record.to_string().as_str(), declared.claim), ("e#component:default/orders", None));
}

fn stitched(declared: catalog_model::Declared) -> Stitched {
    let RecordKey::Entity(identity) = declared.record.clone() else { panic!("an alias was declared") };
    let source = SourceObject {
        door: Door::S3,
        producer: "shop.orders".into(),
        format: Format::CatalogInfo,
        name: "catalog-info".into(),
    };
    let mut record = Record::empty(declared.record);
    let version = Version::of_serial(1, 0);
    record.apply(Fragment { source, version, delivery: "one".into(), said: Said::Facts(declared.facts) });
    stitch(&identity, &record, &Rules::default())
}

/// What Backstage makes of a document before relations, uid and etag, by contract section 6.
fn finished(mut entity: Value) -> Value {
    let own: &[&str] = match entity["kind"].as_str().unwrap() {
        "Component" => &["providesApis", "consumesApis", "dependsOn", "dependencyOf"],
        "Resource" => &["dependsOn", "dependencyOf"],
        "Group" => &["children", "members"],
        "User" => &["memberOf"],
        _ => &[],
    };
    for field in own {
        if let Some(list) = entity["spec"].get_mut(field).and_then(Value::as_array_mut) {
            list.sort_by_key(|item| item.as_str().unwrap().encode_utf16().collect::<Vec<u16>>());
        }
    }
    let metadata = entity["metadata"].as_object_mut().unwrap();
    metadata.remove("uid");
    metadata.entry("namespace").or_insert_with(|| json!("default"));
    let annotations = metadata.entry("annotations").or_insert_with(|| json!({})).as_object_mut().unwrap();
    for key in ["backstage.io/managed-by-location", "backstage.io/managed-by-origin-location"] {
        annotations.entry(key).or_insert_with(|| json!("callboard:s3/shop.orders/catalog-info/catalog-info"));
    }
    entity
}

#[test]
fn references_are_sorted_as_javascript_sorts() {
    let sorted = |list: Value| {
        let entity = component(|entity| entity["spec"]["providesApis"] = list);
        stitched(declare(entity).unwrap()).entity()["spec"]["providesApis"].clone()
    };
    assert_eq!(sorted(json!(["b", "B", "a", "Z", "a"])), json!(["B", "Z", "a", "a", "b"]));
    // U+1F600 is two code units, the first smaller than U+FF21.
    assert_eq!(sorted(json!(["\u{ff21}", "\u{1f600}"])), json!(["\u{1f600}", "\u{ff21}"]));
}

#[test]
fn a_source_etag_is_kept_and_a_source_uid_is_not() {
    let entity = component(|entity| {
        entity["metadata"] = json!({"name": "orders", "etag": "e", "uid": "u", "labels": {}, "generation": 3});
    });
    let out = stitched(declare(entity).unwrap()).entity();
    assert_eq!(out["metadata"]["etag"], "e");
    assert_eq!(out["metadata"]["labels"], json!({}));
    assert_eq!(out["metadata"].get("uid"), None);
}

/// Any JSON that documents may hold where no rule looks.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[ -~é~/]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map("[a-z~/$.]{0,6}", inner, 0..3)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn references() -> impl Strategy<Value = Value> {
    prop::collection::vec("(component|API):[a-z]{1,4}(/[A-Za-z]{1,4})?", 0..4).prop_map(Value::from)
}

fn any_spec() -> impl Strategy<Value = (&'static str, Value)> {
    let word = "[a-z]{1,8}";
    let base = (word, word, word, references(), references(), 0..9_usize);
    base.prop_map(|(spec_type, lifecycle, owner, one, other, kind)| match kind {
        0 | 1 => (
            "Component",
            json!({"type": spec_type, "lifecycle": lifecycle, "owner": owner, "dependsOn": one, "providesApis": other}),
        ),
        2 => ("API", json!({"type": "openapi", "lifecycle": lifecycle, "owner": owner, "definition": spec_type})),
        3 => ("Resource", json!({"type": spec_type, "owner": owner, "dependencyOf": one})),
        4 => ("System", json!({"owner": owner, "domain": spec_type})),
        5 => ("Domain", json!({"owner": owner})),
        6 => ("Group", json!({"type": spec_type, "children": one, "members": other})),
        7 => ("User", json!({"memberOf": one})),
        _ => ("Location", json!({})),
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_declared_entity_comes_out_as_it_went_in(
        (kind, spec) in any_spec(),
        name in "[a-zA-Z][A-Za-z0-9_.-]{0,20}[a-z0-9]",
        namespace in prop::option::of("[a-z]{1,8}"),
        annotations in prop::option::of(prop::collection::btree_map("([a-z]{1,4}\\.io/)?[a-z][a-z.]{0,6}[a-z]", "[ -~]{0,12}", 0..4)),
        labels in prop::option::of(prop::collection::btree_map("[a-z]{1,6}", "[a-z]{0,6}", 0..3)),
        more_metadata in prop::collection::btree_map("x[a-z~/]{0,5}", any_json(), 0..3),
        more_spec in prop::collection::btree_map("x[a-z~/]{0,5}", any_json(), 0..3),
    ) {
        let mut metadata: Map<String, Value> = more_metadata.into_iter().collect();
        metadata.insert("name".into(), json!(name));
        for (field, value) in [("namespace", namespace.map(Value::from)), ("annotations", annotations.map(|a| json!(a))), ("labels", labels.map(|l| json!(l)))] {
            metadata.extend(value.map(|value| (field.to_owned(), value)));
        }
        let mut spec = spec;
        spec.as_object_mut().unwrap().extend(more_spec);
        let entity = json!({"apiVersion": "backstage.io/v1beta1", "kind": kind, "metadata": metadata, "spec": spec});
        let declared = declare(entity.clone()).map_err(|errors| TestCaseError::fail(format!("{errors:?}")))?;
        let reference = declared.entity_ref.clone();
        let stitched = stitched(declared);
        prop_assert_eq!(stitched.entity(), finished(entity));
        prop_assert_eq!(stitched.declared_ref(), reference);
    }

    #[test]
    fn no_document_is_too_strange_to_be_checked(
        entity in any_json(),
        replaced in prop::sample::subsequence(vec!["apiVersion", "kind", "metadata", "spec"], 1..=4),
        removed in prop::option::of(prop::sample::select(vec!["apiVersion", "kind", "metadata", "spec"])),
    ) {
        prop_assert!(declare(entity.clone()).is_err());
        let mut odd = component(|_| {});
        for field in replaced {
            odd[field] = entity.clone();
        }
        odd.as_object_mut().unwrap().retain(|field, _| Some(field.as_str()) != removed);
        if let Err(errors) = declare(odd) {
            prop_assert!(!errors.is_empty());
        }
    }
}
