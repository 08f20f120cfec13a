//! Records made again from the journal of what exports said.

use catalog_model::{FragmentKey, Said, Version};
use serde_json::{Value, json};

use crate::stack::Stack;

const NAMES: [&str; 4] =
    ["component:default/orders", "component:default/stays", "component:default/omitted", "component:default/retired"];

fn components(names: &[&str]) -> String {
    let one = |name: &&str| {
        format!(
            "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {{name: {name}}}\nspec: {{type: service, lifecycle: production, owner: shop}}\n"
        )
    };
    names.iter().map(one).collect::<Vec<_>>().join("---\n")
}

/// What stands of each record, without what a source took back.
async fn standing(stack: &Stack) -> Vec<Vec<(FragmentKey, Version, Said)>> {
    let mut all = Vec::new();
    for name in NAMES {
        let fragments = stack.record(name).await.fragments.into_iter();
        let live = fragments.filter(|(_, fragment)| fragment.said != Said::Gone);
        all.push(live.map(|(key, fragment)| (key, fragment.version, fragment.said)).collect());
    }
    all
}

pub(crate) async fn replay(stack: &Stack) -> Vec<Value> {
    let (mut pages, mut after) = (Vec::new(), String::new());
    loop {
        let page = stack.invoke(json!({"action": "replay", "after": after})).await;
        let next = page["next"].as_str().map(str::to_owned);
        pages.push(page);
        match next {
            Some(next) => after = next,
            None => return pages,
        }
    }
}

#[tokio::test]
async fn a_lost_table_comes_back_from_the_journal_and_a_replay_of_what_stands_changes_nothing() {
    let mut stack = Stack::start().await;
    let put = |name: &str, names: &[&str]| (format!("/api/exports/acme.shop/catalog-info/{name}"), components(names));
    for (path, body) in
        [put("main", &["stays", "omitted"]), put("main", &["stays"]), put("old", &["retired"]), put("more", &["stays"])]
    {
        assert_eq!(stack.request("PUT", &path, &body).await.0, 200);
    }
    assert_eq!(stack.request("DELETE", "/api/exports/acme.shop/catalog-info/old", "").await.0, 200);
    let deployment = json!({"id": "1", "outcome": "succeeded", "finishedAt": "2026-11-22T08:10:00Z"}).to_string();
    let path = "/api/exports/acme.shop/deployment/production?component=orders&environment=production";
    assert_eq!(stack.request("PUT", path, &deployment).await.0, 200);
    let before = standing(&stack).await;
    assert_eq!(before.iter().map(Vec::len).collect::<Vec<_>>(), [1, 2, 0, 0]);

    let again = replay(&stack).await;
    assert!(again.iter().all(|page| page["applied"] == 0 && page["refused"] == 0), "{again:?}");
    assert_eq!(standing(&stack).await, before);

    stack.lose_table().await;
    for _ in 0..2 {
        let pages = replay(&stack).await;
        assert_eq!(pages.iter().map(|page| page["exports"].as_u64().unwrap()).sum::<u64>(), 6, "{pages:?}");
        assert_eq!(standing(&stack).await, before);
    }
}
