use serde_json::json;

use super::*;

fn post(content_type: Option<&str>, body: Option<&str>) -> ApiGatewayProxyRequest {
    let headers = content_type.map_or_else(|| json!({}), |content_type| json!({"content-type": content_type}));
    serde_json::from_value(json!({
        "httpMethod": "POST", "path": "/api/catalog/entities/by-refs", "headers": headers,
        "requestContext": {"httpMethod": "POST"}, "body": body,
    }))
    .unwrap()
}

const ORDER: Fields = Fields {
    required: &["field"],
    known: &[("field", Form::Text), ("order", Form::OneOf(&["asc", "desc"]))],
    is_closed: true,
};
const FIELDS: Fields = Fields {
    required: &["refs"],
    known: &[
        ("refs", Form::Texts),
        ("limit", Form::Number),
        ("query", Form::Object),
        ("order", Form::List(&ORDER)),
        ("one", Form::Fields(&ORDER)),
    ],
    is_closed: false,
};

#[test]
fn a_body_that_is_not_as_asked_is_named_in_backstages_words() {
    let json = Some("application/json; charset=utf-8");
    let too_long = format!("\"{}\"", "a".repeat(MAX_BODY_BYTES));
    for (content_type, body, complaint) in [
        (None, "x", "unsupported media type undefined"),
        (Some("text/plain; charset=utf-8"), "x", "unsupported media type text/plain; charset=utf-8"),
        (Some("application/json; charset=latin1"), "{}", "unsupported charset \"LATIN1\""),
        (json, "null", "Unexpected token 'n', \"null\" is not valid JSON"),
        (json, "{", "the body is not JSON: EOF while parsing an object at line 1 column 1"),
        (json, "[]", "request/body must be object"),
        (json, "", "request/body must have required property 'refs'"),
        (json, "{}", "request/body must have required property 'refs'"),
        (json, r#"{"refs":1}"#, "request/body/refs must be array"),
        (json, r#"{"refs":["x",1]}"#, "request/body/refs/1 must be string"),
        (json, r#"{"refs":[],"limit":"1"}"#, "request/body/limit must be number"),
        (json, r#"{"refs":[],"query":[]}"#, "request/body/query must be object"),
        (json, r#"{"refs":[],"order":{}}"#, "request/body/order must be array"),
        (json, r#"{"refs":[],"order":[{}]}"#, "request/body/order/0 must have required property 'field'"),
        (
            json,
            r#"{"refs":[],"order":[{"field":"a","order":"x"}]}"#,
            "request/body/order/0/order must be equal to one of the allowed values: asc, desc",
        ),
        (json, r#"{"refs":[],"one":{"field":"a","x":1}}"#, "request/body/one must NOT have additional properties"),
        (json, r#"{"refs":["\u0000"]}"#, "request/body must not hold the character NUL"),
        (json, &too_long, "request entity too large"),
    ] {
        let refused = super::body(&post(content_type, Some(body)), Presence::Required, &FIELDS);
        assert_eq!(refused.unwrap_err().message, complaint, "{}", &body[..body.len().min(80)]);
    }
    assert_eq!(body(&post(None, None), Presence::Optional, &FIELDS), Ok(None));
}

#[test]
fn what_fits_is_read() {
    let request = post(Some("Application/JSON"), Some(r#"{"refs":["a"],"limit":1.5,"unknown":[null]}"#));
    let body = body(&request, Presence::Optional, &FIELDS).unwrap().unwrap();
    assert_eq!((texts(&body, "refs"), texts(&body, "fields")), (Some(vec!["a"]), None));
    assert_eq!((count(&body, "limit"), count(&body, "offset")), (Ok(Some(1)), Ok(None)));
    let negative = post(Some("application/json"), Some(r#"{"refs":[],"limit":-1}"#));
    let body = super::body(&negative, Presence::Optional, &FIELDS).unwrap().unwrap();
    assert_eq!(count(&body, "limit").unwrap_err().message, "request/body/limit must be >= 0");
}
