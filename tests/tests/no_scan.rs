//! No request scans the table, whatever it asks; and a page that was read before costs no document reads.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use aws_lambda_events::apigw::ApiGatewayProxyRequest;
use aws_sdk_dynamodb::config::interceptors::BeforeTransmitInterceptorContextRef;
use aws_sdk_dynamodb::config::{
    BehaviorVersion, ConfigBag, Credentials, Intercept, Region, RuntimeComponents, SharedCredentialsProvider,
};
use aws_sdk_dynamodb::error::BoxError;
use callboard::wiring;
use callboard_tests::company::Company;
use callboard_tests::deliveries::Plot;
use callboard_tests::running::Running;
use catalog_store::CatalogStore;
use jiff::Timestamp;
use query_api::{CursorKey, Deps};
use serde_json::json;

/// Calls by operation, as they go out.
#[derive(Debug, Clone, Default)]
struct Calls(Arc<Mutex<BTreeMap<String, u64>>>);

impl Calls {
    fn take(&self) -> BTreeMap<String, u64> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl Intercept for Calls {
    fn name(&self) -> &'static str {
        "Calls"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let target = context.request().headers().get("x-amz-target").unwrap_or("none");
        let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
        *self.0.lock().unwrap().entry(operation).or_default() += 1;
        Ok(())
    }
}

fn counted(running: &Running, calls: &Calls) -> Arc<Deps> {
    let endpoints = running.stack.endpoints();
    let credentials = SharedCredentialsProvider::new(Credentials::new("local", "local", None, None, "test"));
    let dynamodb = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(callboard::REGION))
        .credentials_provider(credentials.clone())
        .endpoint_url(endpoints.dynamodb_url())
        .interceptor(calls.clone())
        .build();
    let s3 = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(callboard::REGION))
        .credentials_provider(credentials)
        .endpoint_url(endpoints.s3_url())
        .force_path_style(true)
        .build();
    let store = CatalogStore::from_clients(
        aws_sdk_dynamodb::Client::from_conf(dynamodb),
        aws_sdk_s3::Client::from_conf(s3),
        wiring::TABLE.name,
        wiring::CATALOG_BUCKET.name,
    );
    Arc::new(Deps::of_store(store, CursorKey::new("tests")))
}

fn request(method: &str, path: &str, query: &[(&str, &str)], body: Option<&str>) -> ApiGatewayProxyRequest {
    let multi: serde_json::Map<_, _> = query.iter().map(|(key, value)| ((*key).to_owned(), json!([value]))).collect();
    serde_json::from_value(json!({
        "resource": "/{proxy+}", "path": path, "httpMethod": method,
        "headers": {"content-type": "application/json"}, "multiValueHeaders": {"content-type": ["application/json"]},
        "queryStringParameters": null, "multiValueQueryStringParameters": multi, "pathParameters": null,
        "stageVariables": null, "body": body, "isBase64Encoded": false,
        "requestContext": {"requestId": "1", "stage": "live", "path": path, "httpMethod": method, "identity": {}}
    }))
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_scans_the_table() {
    let running = Running::start().await;
    let company = Company::generated(31);
    running.play(&Plot::of(&company)).await;
    let calls = Calls::default();
    let deps = counted(&running, &calls);
    let hero = &company.hero().name;
    let by_refs = json!({"entityRefs": [format!("component:default/{hero}"), "component:default/nobody"]}).to_string();
    let from = format!("{}-01", company.month);
    let to = format!("{}-28", company.month);
    let scope = format!("component:default/{hero}");
    let (team, account) = (&company.teams[company.hero().owner].name, &company.accounts.production);
    let intervals = format!("R2/P7D/{}-28", company.month);
    let page = [("filter", "kind=resource"), ("limit", "500")];
    let requests = [
        request("GET", &format!("/api/catalog/entities/by-name/component/default/{hero}"), &[], None),
        request("GET", "/api/catalog/entities/by-name/component/default/nobody", &[], None),
        request("GET", "/api/catalog/entities/by-query", &page, None),
        request("GET", "/api/catalog/entities", &[("filter", "kind=component")], None),
        request("POST", "/api/catalog/entities/by-refs", &[], Some(&by_refs)),
        request("GET", "/api/catalog/entity-facets", &[("facet", "kind")], None),
        request("GET", &format!("/api/explain/component/default/{hero}"), &[], None),
        request("GET", "/api/costs", &[("scope", "all"), ("from", &from), ("to", &to)], None),
        request("GET", &format!("/api/costs/statements/{}", company.month), &[], None),
        request("GET", "/api/costs/coverage", &[("scope", &scope), ("from", &from), ("to", &to)], None),
        request("GET", "/api/costs/unallocated", &[("from", &from), ("to", &to)], None),
        request("GET", "/api/costs/actions", &[("scope", "all")], None),
        request("GET", "/api/cost-insights/last-complete-billing-date", &[], None),
        request("GET", "/api/cost-insights/groups", &[("userId", "someone@example.com")], None),
        request("GET", &format!("/api/cost-insights/groups/{team}/projects"), &[], None),
        request("GET", &format!("/api/cost-insights/groups/{team}/daily-cost"), &[("intervals", &intervals)], None),
        request("GET", &format!("/api/cost-insights/groups/{team}/alerts"), &[], None),
        request(
            "GET",
            &format!("/api/cost-insights/projects/{account}/daily-cost"),
            &[("intervals", &intervals)],
            None,
        ),
        request(
            "GET",
            &format!("/api/cost-insights/entities/component/default/{hero}/daily-cost"),
            &[("intervals", &intervals)],
            None,
        ),
        request("GET", "/api/cost-insights/metrics/unblended/daily", &[("intervals", &intervals)], None),
        request("GET", "/api/cost-insights/products/ec2/insights", &[("group", team), ("intervals", &intervals)], None),
        request("GET", "/api/deployments", &[("entity", &scope)], None),
        request("GET", "/api/dora", &[("entity", &scope)], None),
        request("GET", "/api/status", &[], None),
        request("GET", "/openapi.json", &[], None),
    ];
    for asked in requests {
        let path = asked.path.clone().unwrap();
        let response = query_api::handle(asked, &deps, Timestamp::now()).await;
        assert!(response.status < 500, "{path}: {}", response.status);
        let made = calls.take();
        let only_reads =
            made.keys().all(|operation| ["GetItem", "BatchGetItem", "Query"].contains(&operation.as_str()));
        assert!(only_reads, "{path}: {made:?}");
    }
    // The page was read above: its documents are at hand.
    query_api::handle(request("GET", "/api/catalog/entities/by-query", &page, None), &deps, Timestamp::now()).await;
    assert_eq!(calls.take().get("BatchGetItem"), None);
    running.stack.shutdown().await;
}
