use serde_json::{Value, json};

use super::*;

fn request(fields: &Value) -> ApiGatewayProxyRequest {
    let mut whole = json!({
        "resource": "/{proxy+}", "path": "/api/catalog/entities/by-name/component/default/x", "httpMethod": "GET",
        "headers": {}, "multiValueHeaders": {},
        "requestContext": {"httpMethod": "GET", "requestId": "r-1", "identity": {}}
    });
    for (name, value) in fields.as_object().unwrap() {
        whole[name] = value.clone();
    }
    serde_json::from_value(whole).unwrap()
}

fn body(response: &ApiGatewayProxyResponse) -> Value {
    let Some(Body::Text(text)) = &response.body else { panic!("no text body") };
    serde_json::from_str(text).unwrap()
}

#[test]
fn an_error_has_the_shape_of_a_backstage_backend() {
    let request =
        request(&json!({"multiValueQueryStringParameters": {"filter": ["kind=api", "a b&c"], "after": ["x"]}}));
    let response = ApiError::not_found("No entity named 'x' found, with kind 'component' in namespace 'default'")
        .into_response(&request);
    assert_eq!(response.status_code, 404);
    assert_eq!(response.headers["content-type"], "application/json; charset=utf-8");
    let expected = json!({
        "error": {
            "name": "NotFoundError",
            "message": "No entity named 'x' found, with kind 'component' in namespace 'default'"
        },
        "request": {
            "method": "GET",
            "url": "/entities/by-name/component/default/x?filter=kind=api&filter=a%20b%26c&after=x"
        },
        "response": {"statusCode": 404}
    });
    assert_eq!(body(&response), expected);
}

#[test]
fn statuses_and_names_are_those_of_backstage() {
    let table = [
        (ApiError::input("m"), 400, "InputError"),
        (ApiError::authentication("m"), 401, "AuthenticationError"),
        (ApiError::not_allowed("m"), 403, "NotAllowedError"),
        (ApiError::not_found("m"), 404, "NotFoundError"),
        (ApiError::conflict("m"), 409, "ConflictError"),
        (ApiError::payload_too_large("m"), 413, "PayloadTooLargeError"),
        (ApiError::not_implemented("m"), 501, "NotImplementedError"),
        (ApiError::service_unavailable("m"), 503, "ServiceUnavailableError"),
    ];
    for (error, status, name) in table {
        let response = error.into_response(&request(&json!({})));
        assert_eq!(response.status_code, status);
        assert_eq!(body(&response)["error"], json!({"name": name, "message": "m"}));
    }
}

#[test]
fn an_internal_error_tells_the_caller_nothing_but_the_request_id() {
    let leaking = ApiError { status: 500, name: "Error", message: "table callboard-Table-1 said no".to_owned() };
    for error in [leaking, ApiError::internal()] {
        let message = &body(&error.into_response(&request(&json!({}))))["error"]["message"];
        assert_eq!(message, "An internal error occurred requestId=r-1");
    }
}

#[test]
fn a_path_outside_the_catalog_is_shown_whole() {
    for path in ["/nothing", "/api/exports/org.repo/catalog-info/main", "/api/costs/statements/2026-10"] {
        let response = ApiError::not_found("m").into_response(&request(&json!({"path": path})));
        assert_eq!(body(&response)["request"]["url"], path);
    }
}

#[test]
fn the_body_comes_as_the_caller_sent_it() {
    assert_eq!(body_bytes(&request(&json!({"body": "{\"a\":1}"}))).unwrap(), b"{\"a\":1}");
    assert_eq!(body_bytes(&request(&json!({"body": "AP8K", "isBase64Encoded": true}))).unwrap(), [0, 255, 10]);
    assert_eq!(body_bytes(&request(&json!({"body": null}))).unwrap(), b"");
    let error = body_bytes(&request(&json!({"body": "no base64!", "isBase64Encoded": true}))).unwrap_err();
    assert_eq!((error.status, error.name), (400, "InputError"));
}

#[test]
fn query_parameters_keep_all_values_in_order() {
    let request = request(&json!({
        "queryStringParameters": {"filter": "b", "limit": "5"},
        "multiValueQueryStringParameters": {"filter": ["b", "a", "b"]}
    }));
    assert_eq!(query_all(&request, "filter"), ["b", "a", "b"]);
    assert_eq!(query_last(&request, "filter"), Some("b"));
    assert_eq!(query_last(&request, "limit"), Some("5"));
    assert_eq!(query_all(&request, "absent"), [""; 0]);
    assert_eq!(query_names(&request), ["limit", "filter"]);
}

#[test]
fn a_header_is_found_whatever_its_case() {
    let request = request(&json!({
        "headers": {"If-None-Match": "\"one\"", "X-Only": "single"},
        "multiValueHeaders": {"If-None-Match": ["\"one\"", "\"two\""]}
    }));
    assert_eq!(header(&request, "if-none-match"), Some("\"one\""));
    assert_eq!(header(&request, "x-ONLY"), Some("single"));
    assert_eq!(header(&request, "absent"), None);
}

#[test]
fn the_caller_is_who_the_gateway_says() {
    let arn = "arn:aws:sts::111122223333:assumed-role/deploy/run-7";
    let context = json!({"httpMethod": "PUT", "identity": {"userArn": arn}});
    assert_eq!(caller_arn(&request(&json!({"requestContext": context}))), Some(arn));
    assert_eq!(caller_arn(&request(&json!({}))), None);
}

#[test]
fn an_answer_that_cannot_be_serialised_is_a_bare_internal_error() {
    let unserialisable = std::collections::BTreeMap::from([(vec![1_u8], 1)]);
    let response = json_response(200, &unserialisable);
    assert_eq!(response.status_code, 500);
    assert_eq!(body(&response)["error"]["message"], "An internal error occurred");
    assert_eq!(body(&json_response(201, &json!({"a": 1}))), json!({"a": 1}));
}
