use super::*;

#[test]
fn a_predicate_is_written_as_it_was_read() {
    for value in [
        json!({}),
        json!({"kind": "Component", "spec.n": 1e21, "spec.flag": true}),
        json!({"$all": [{"kind": {"$in": ["a", 2]}}, {"$not": {"x": {"$exists": false}}}, {"$any": []}]}),
        json!({"metadata.name": {"$hasPrefix": "At"}, "metadata.tags": {"$contains": "java"}}),
        json!({"relations": {"$contains": {"type": "ownedBy"}}}),
        json!({"relations": {"$contains": {"type": "ownedBy", "targetRef": {"$in": ["group:default/a"]}}}}),
    ] {
        let predicate = Predicate::parse(&value).unwrap();
        assert_eq!(predicate.to_json(), value);
        assert_eq!(serde_json::from_value::<Predicate>(value).unwrap(), predicate);
    }
}

#[test]
fn what_has_the_form_but_no_meaning_is_refused_in_backstages_words() {
    let wrap = "Invalid filter predicate: top-level primitive values are not supported. Wrap the value in a field expression, e.g. ";
    for (value, complaint) in [
        (json!({"$all": [1]}), format!("{wrap}{{ \"kind\": 1 }}")),
        (json!({"$not": "x"}), format!("{wrap}{{ \"kind\": \"x\" }}")),
        (
            json!({"Kind": {"$contains": {"a": 1}}}),
            "Object form of $contains is not supported for field \"kind\"".to_owned(),
        ),
        (
            json!({"relations": {"$contains": {}}}),
            "The $contains operator for \"relations\" requires a \"type\" string property".to_owned(),
        ),
        (
            json!({"relations": {"$contains": {"type": "a", "x": 1}}}),
            "Unsupported key \"x\" in $contains for \"relations\". Only \"type\" and \"targetRef\" are supported"
                .to_owned(),
        ),
        (
            json!({"relations": {"$contains": {"type": "a", "targetRef": {"$in": []}}}}),
            "Empty \"$in\" array for $contains on \"relations\" is not allowed".to_owned(),
        ),
        (
            json!({"relations": {"$contains": {"type": "a", "targetRef": 1}}}),
            "Unsupported value in $contains for \"relations\": expected a string or { \"$in\": [strings] }, but got 1"
                .to_owned(),
        ),
        (
            json!({"relations": {"$contains": {"Type": "a", "type": "b"}}}),
            "Duplicate key \"type\" in $contains for \"relations\"".to_owned(),
        ),
    ] {
        assert_eq!(Predicate::parse(&value), Err(PredicateError::Meaning(complaint)), "{value}");
    }
}

#[test]
fn a_predicate_of_too_many_terms_is_refused() {
    let many = json!({"kind": {"$in": vec!["x"; MAX_TERMS]}});
    assert_eq!(Predicate::parse(&many), Err(PredicateError::TooComplex));
}
