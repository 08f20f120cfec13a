use serde_json::json;

use super::*;

fn complaint(value: &Value) -> String {
    match check(value, &[]) {
        Ok(checked) => panic!("{checked} fits"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn what_does_not_fit_is_said_in_backstages_words() {
    for (value, expected) in [
        (json!({"$foo": 1}), "Invalid at \"$foo\""),
        (json!({"$all": 1}), "Invalid at \"$all\""),
        (json!({"a\nb": "c"}), "Invalid at \"a\nb\""),
        (json!({"kind": "x", "$not": {"a": "b"}}), "Unrecognized key(s) in object: 'kind'"),
        (json!({"$any": [{"$foo": 1}]}), "Invalid at \"$any[0].$foo\""),
        (json!({"$all": [{"kind": "x", "$not": {}}]}), "Unrecognized key(s) in object: 'kind' at \"$all[0]\""),
        (
            json!({"a": {"$contains": {"$all": [{"kind": "x", "$not": {}}]}}}),
            "Unrecognized key(s) in object: 'kind' at \"a.$contains.$all[0]\"",
        ),
        (
            json!({"kind": null}),
            "Expected string, received null at \"kind\", or Expected number, received null at \"kind\", or Expected boolean, \
             received null at \"kind\", or Expected object, received null at \"kind\", or Invalid at \"kind\"; Expected never, \
             received null at \"kind\", or Expected string, received object, or Expected number, received object, or Expected \
             boolean, received object, or Required at \"$all\"; Unrecognized key(s) in object: 'kind', or Required at \"$any\"; \
             Unrecognized key(s) in object: 'kind', or Required at \"$not\"; Unrecognized key(s) in object: 'kind'",
        ),
    ] {
        assert_eq!(complaint(&value), format!("Validation error: {expected}"), "{value}");
    }
    let nested = check(&json!({"kind": "x", "$not": {}}), &["query"]).unwrap_err().to_string();
    assert_eq!(nested, "Validation error: Unrecognized key(s) in object: 'kind' at \"query\"");
}

#[test]
fn of_several_operators_the_first_that_fits_is_kept() {
    for (value, kept) in [
        (json!({"kind": {"$exists": true, "$in": ["user"]}}), json!({"kind": {"$exists": true}})),
        (json!({"kind": {"$exists": "x", "$in": ["user"]}}), json!({"kind": {"$in": ["user"]}})),
        (json!({"kind": {"$in": "user", "$hasPrefix": "u"}}), json!({"kind": {"$hasPrefix": "u"}})),
        (json!({"": "c"}), json!({"": "c"})),
        (json!({}), json!({})),
        (json!({"$all": ["x", 1]}), json!({"$all": ["x", 1]})),
    ] {
        assert_eq!(check(&value, &[]).unwrap(), kept);
    }
}

#[test]
fn what_is_made_to_be_expensive_is_refused_soon() {
    let mut deep = json!(null);
    for _ in 0..MAX_DEPTH / 2 {
        deep = json!({"$not": {"$contains": deep}});
    }
    assert_eq!(check(&deep, &[]), Err(PredicateError::TooComplex));
    let wide = json!({"$all": vec![json!({"kind": null}); 10_000]});
    assert!(check(&wide, &[]).unwrap_err().to_string().len() < 2 * MAX_MESSAGE_BYTES);
}
