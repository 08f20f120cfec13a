//! Routes and refusals that need no table: its endpoint is a closed port, so that a read would be a 503.

use aws_config::{BehaviorVersion, Region, SdkConfig};
use serde_json::{Value, json};

use super::*;

fn deps() -> Arc<Deps> {
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .endpoint_url("http://127.0.0.1:9")
        .build();
    let store = CatalogStore::connect(&config, "callboard", "callboard-catalog");
    Arc::new(Deps::of_store(store, CursorKey::new("tests")))
}

fn request(method: &str, path: &str, parameters: &[(&str, &str)]) -> ApiGatewayProxyRequest {
    let mut many: std::collections::BTreeMap<&str, Vec<&str>> = std::collections::BTreeMap::new();
    for (name, value) in parameters {
        many.entry(name).or_default().push(value);
    }
    serde_json::from_value(json!({
        "httpMethod": method, "path": path, "headers": {}, "multiValueQueryStringParameters": many,
        "requestContext": {"httpMethod": method},
    }))
    .unwrap()
}

async fn answer(method: &str, path: &str, parameters: &[(&str, &str)]) -> (u16, String) {
    let answer = handle(request(method, path, parameters), &deps(), Timestamp::UNIX_EPOCH).await;
    (answer.status, String::from_utf8(answer.body.collect().await.unwrap().to_vec()).unwrap())
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_said_in_backstages_words() {
    let by_query = "/api/catalog/entities/by-query";
    for (path, parameters, complaint) in [
        (by_query, &[("nonsense", "1")][..], "Unknown query parameter 'nonsense'"),
        (by_query, &[("limit", "")], "Empty value found for query parameter 'limit'"),
        (by_query, &[("limit", "abc")], "request/query/limit must be integer"),
        (by_query, &[("limit", "1"), ("limit", "2")], "request/query/limit must be integer"),
        (by_query, &[("limit", "-1")], "request/query/limit must be >= 0"),
        (
            by_query,
            &[("totalItems", "x")],
            "request/query/totalItems must be equal to one of the allowed values: include, exclude",
        ),
        (by_query, &[("orderField", "metadata.name,sideways")], "Invalid order field order, must be asc or desc"),
        (by_query, &[("orderField", "metadata.name,")], "Invalid order field order, must be asc or desc"),
        (by_query, &[("fields", "a[0]")], "Invalid field \"a[0]\", array type fields are not supported"),
        (
            by_query,
            &[("filter", "=x")],
            "Invalid filter, '=x' is not a valid statement (expected a string on the form a=b or a= or a)",
        ),
        (by_query, &[("cursor", "e30=")], "Malformed cursor: it was not written by this catalog, or was changed since"),
        ("/api/catalog/entity-facets", &[], "request/query must have required property 'facet'"),
        ("/api/catalog/entity-facets", &[("facet", "")], "Empty value found for query parameter 'facet'"),
        ("/api/catalog/entities", &[("limit", "0")], "Invalid limit, must be greater than zero"),
        (
            "/api/catalog/entities",
            &[("order", "metadata.name")],
            "Invalid order parameter \"metadata.name\", expected \"<asc or desc>:<field name>\"",
        ),
        ("/api/catalog/entities/by-name/component/default/%zz", &[], "malformed uri'"),
        ("/api/status", &[("x", "1")], "Unknown query parameter 'x'"),
        ("/api/costs/statements/2026-13", &[], "request/params/month: `2026-13` is not a month of the form YYYY-MM"),
        ("/api/costs", &[], "request/query must have required property 'scope'"),
        (
            "/api/costs",
            &[("scope", "x"), ("from", "2026-10-01"), ("to", "2026-11-01")],
            "request/query/scope: scope `x` is none of `all`, `account:<id>`, an entity reference, the identity of an AWS resource",
        ),
        ("/api/costs", &[("scope", "all"), ("from", "2026-10-01")], "request/query must have required property 'to'"),
        (
            "/api/costs",
            &[("scope", "all"), ("from", "2026-10-01"), ("to", "2026-10-01")],
            "request/query/to must be after `from`: it is the first day that is left out",
        ),
        (
            "/api/costs",
            &[("scope", "all"), ("from", "2026-10-01"), ("to", "2026-11-01"), ("by", "team")],
            "request/query/by: `team` is none of service, region, account, environment, component, owner",
        ),
        (
            "/api/costs",
            &[("scope", "all"), ("from", "2020-10-01"), ("to", "2026-11-01")],
            "from 2020-10-01 to 2026-11-01 are 73 months, and one answer covers at most 36; ask in several requests",
        ),
    ] {
        let (status, body) = answer("GET", path, parameters).await;
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!((status, body["error"]["message"].as_str()), (400, Some(complaint)), "{path}");
        assert_eq!(body["error"]["name"], "InputError");
    }
}

#[tokio::test]
async fn an_unknown_path_below_the_catalog_is_an_empty_404_and_any_other_says_where_to_look() {
    for (method, path) in [
        ("GET", "/api/catalog/nothing"),
        ("PUT", "/api/catalog/entities"),
        ("GET", "/api/catalog/entities/by-name/a/b"),
    ] {
        assert_eq!(answer(method, path, &[]).await, (404, String::new()), "{path}");
    }
    let (status, body) = answer("GET", "/api/nothing", &[]).await;
    assert_eq!(status, 404);
    assert!(body.contains("GET /openapi.json describes what there is"), "{body}");
}

#[tokio::test]
async fn a_table_that_does_not_answer_is_a_503_without_its_reasons() {
    let (status, body) = answer("GET", "/API/Catalog/entities/BY-QUERY/", &[("filter", "kind=component")]).await;
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &body["error"]["name"]), (503, &json!("ServiceUnavailableError")));
    assert_eq!(body["error"]["message"], "the catalog cannot be reached right now; try again");
}

#[tokio::test]
async fn the_document_describes_every_route_and_no_other() {
    let (status, body) = answer("GET", "/openapi.json", &[]).await;
    assert_eq!(status, 200);
    let document: Value = serde_json::from_str(&body).unwrap();
    for (path, operations) in document["paths"].as_object().unwrap() {
        if path.starts_with("/api/exports/") {
            continue;
        }
        for method in operations.as_object().unwrap().keys() {
            let concrete = path.replace("{month}", "2026-10").replace("{metric}", "unblended").replace(['{', '}'], "");
            let (status, _) = answer(&method.to_uppercase(), &concrete, &[]).await;
            assert!([200, 204, 400, 503].contains(&status), "{method} {concrete}: {status}");
        }
    }
    assert!(answer("GET", "/", &[]).await.1.contains("<title>Callboard</title>"));
}
