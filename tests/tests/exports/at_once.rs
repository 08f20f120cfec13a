//! More exports at once than the stack has threads.

use std::time::Duration;

use callboard_tests::running::Running;
use futures::future::join_all;

/// The threads for what blocks, of Tokio, are 512.
const EXPORTS: usize = 600;

/// Longer than they take on a busy machine; only a standstill reaches it.
const BOUND: Duration = Duration::from_secs(180);

#[tokio::test(flavor = "multi_thread")]
async fn hundreds_of_exports_at_once_wait_for_each_other_and_are_all_taken() {
    let running = Running::start().await;
    let put = async |number: usize| {
        let body = format!(
            "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {{name: part-{number}}}\nspec: {{type: service, lifecycle: production, owner: team-a}}\n"
        );
        let path = format!("/api/exports/acme.parts/catalog-info/{number}");
        let (status, receipt) = running.put(&path, "application/yaml", body).await;
        assert_eq!(status, 200, "{receipt}");
    };
    tokio::time::timeout(BOUND, join_all((0..EXPORTS).map(put))).await.expect("no export waits for ever");
    running.settled().await;
    let filter = [("facet", "kind"), ("filter", "kind=component")];
    let expected = serde_json::json!([{"value": "Component", "count": EXPORTS}]);
    let all = async || {
        let (_, facets) = running.get("/api/catalog/entity-facets", &filter).await;
        (facets["facets"]["kind"] == expected).then_some(())
    };
    running.until(all).await;
    running.stack.shutdown().await;
}
