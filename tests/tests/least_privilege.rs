//! What each function calls while a whole plot is played, its role in the template allows.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use callboard::stack::StackOptions;
use callboard::wiring;
use callboard_tests::between::{Call, Calls};
use callboard_tests::checkout::root;
use callboard_tests::company::Company;
use callboard_tests::deliveries::Plot;
use callboard_tests::running::Running;
use callboard_tests::template::read;
use serde_json::{Value, json};

/// What the roles allow, in the words of [`Call`]; a resource may end in `*`.
fn allowed() -> Vec<(String, Vec<String>, Vec<String>)> {
    let template = read(&fs::read_to_string(root().join("infra/template.yaml")).unwrap());
    let texts = |value: &Value| match value {
        Value::Array(items) => items.iter().map(|item| item.as_str().unwrap().to_owned()).collect(),
        one => vec![one.as_str().unwrap_or_default().to_owned()],
    };
    let mut rows = Vec::new();
    for resource in template["Resources"].as_object().unwrap().values() {
        if resource["Type"] != "AWS::Serverless::Function" {
            continue;
        }
        let function = resource["Metadata"]["BuildProperties"]["Binary"].as_str().unwrap();
        let role = resource["Properties"]["Role"].as_str().unwrap().trim_end_matches(".Arn");
        for policy in template["Resources"][role]["Properties"]["Policies"].as_array().unwrap() {
            for statement in policy["PolicyDocument"]["Statement"].as_array().unwrap() {
                let on: Vec<String> = texts(&statement["Resource"])
                    .iter()
                    .map(|text| text.replace("${", "").replace(".Arn}", "").replace(".Arn", ""))
                    .collect();
                rows.push((function.to_owned(), texts(&statement["Action"]), on));
            }
        }
    }
    rows
}

fn is_allowed(Call { caller, action, on }: &Call, rows: &[(String, Vec<String>, Vec<String>)]) -> bool {
    // Both have names that nobody knows beforehand.
    let covers = |pattern: &String| match pattern.strip_suffix('*') {
        Some(prefix) if on == "Aggregator" => prefix.ends_with(":config-aggregator/"),
        Some("") if action.starts_with("codepipeline:") => true,
        Some(prefix) => on.starts_with(prefix),
        None => on == pattern,
    };
    rows.iter().any(|(function, actions, resources)| {
        function == caller && actions.contains(action) && resources.iter().any(covers)
    })
}

fn api(name: &str, definition: &str) -> String {
    format!(
        "apiVersion: backstage.io/v1alpha1\nkind: API\nmetadata: {{name: {name}}}\nspec: {{type: openapi, lifecycle: production, owner: x, definition: '{definition}'}}\n"
    )
}

const TOKEN: &str = "open-sesame";

/// The authorizer has nothing to call.
const SILENT: [&str; 1] = [wiring::AUTHORIZER];

#[tokio::test(flavor = "multi_thread")]
async fn what_a_function_calls_its_role_allows() {
    let calls = Calls::default();
    let options = StackOptions {
        retry_delay: Duration::from_millis(5),
        // Often enough to happen while the plot is played.
        compact_every: Some(Duration::from_millis(500)),
        token: Some(TOKEN.to_owned()),
        ..StackOptions::default()
    };
    let running = Running::start_between(options, |endpoints| calls.between(endpoints)).await.with_token(TOKEN);
    let company = Company::generated(41);
    running.play(&Plot::of(&company)).await;
    // A body that does not fit into its record, however well it packs, then nothing of it any more.
    let large = api("large", &"large ".repeat(12_000));
    let path = "/api/exports/large/catalog-info/file";
    assert_eq!(running.put(path, "application/yaml", large.clone()).await.0, 200);
    assert_eq!(running.put(&format!("{path}?dryRun=true"), "application/yaml", large).await.0, 200);
    running.settled().await;
    assert_eq!(running.by_name("api:default/large").await.0, 200);
    assert_eq!(running.get(path, &[]).await.0, 200);
    assert_eq!(running.delete(path).await.0, 200);
    // A file that is too long to hold, and all exports again.
    let padding = format!("---\n{}", "# nothing, and more of it\n".repeat(100_000));
    let long = api("long", "short") + &padding.repeat(2);
    running.drop_object("exports/large/catalog-info/long.yaml", long.as_bytes(), &[]).await;
    running.settled().await;
    let (mut replayed, mut after) = (0, json!(""));
    while let Some(from) = after.as_str() {
        let asked = json!({"action": "replay", "after": from});
        let page = running.stack.invoke(wiring::CICD_EXPORT, asked).await.unwrap();
        replayed += page["exports"].as_u64().unwrap();
        after = page["next"].clone();
    }
    assert!(replayed > 0);
    let by_refs = json!({"entityRefs": [format!("component:default/{}", company.hero().name)]});
    assert_eq!(running.post("/api/catalog/entities/by-refs", &by_refs).await.0, 200);
    let span = [("scope", "all"), ("from", "2026-09-01"), ("to", "2026-10-01")];
    assert_eq!(running.get("/api/costs", &span).await.0, 200);
    assert_eq!(running.get("/api/status", &[]).await.0, 200);
    // What is at fixed times, and too rare for a test. Half of the sweep's work is what events lost.
    let lost = callboard_tests::deliveries::config::orphan(&Company::generated(42));
    let event = callboard_tests::deliveries::config::item_change(&lost, "OK", "2026-11-01T09:00:00.000Z", 1);
    running.stack.aggregator().hear(&event);
    running.stack.aggregator().forget(&company.table);
    let sweep = json!({"action": "sweep", "begin": true, "allowDeletes": true});
    for event in [sweep.clone(), sweep, json!({"action": "compare"}), json!({"action": "rebuild"})] {
        running.stack.invoke(wiring::CATALOG_RECONCILE, event).await.unwrap();
    }
    running.stack.shutdown().await;

    let (calls, rows) = (calls.take(), allowed());
    let callers: BTreeSet<&str> = calls.keys().map(|call| call.caller.as_str()).collect();
    let silent: Vec<&&str> = wiring::FUNCTIONS.iter().filter(|function| !callers.contains(**function)).collect();
    assert!(silent.iter().all(|function| SILENT.contains(function)), "{silent:?} called nothing");
    assert!(!callers.contains(wiring::AUTHORIZER), "the authorizer calls AWS");
    let puts: BTreeSet<&str> =
        calls.keys().filter(|call| call.action == "s3:PutObject").map(|call| call.on.as_str()).collect();
    for folder in ["bodies", "journal", "journal-parts"] {
        assert!(puts.contains(format!("CatalogBucket/{folder}/").as_str()), "{folder}");
    }
    let parts = |call: &&Call| call.action == "s3:GetObject" && call.on == "CatalogBucket/journal-parts/";
    assert!(calls.keys().any(|call| parts(&call)));
    assert!(calls.keys().any(|call| call.on == "Aggregator" && call.caller == wiring::CATALOG_RECONCILE));
    let refused: Vec<&Call> = calls.keys().filter(|call| !is_allowed(call, &rows)).collect();
    assert!(refused.is_empty(), "AWS would refuse {refused:?}");
}
