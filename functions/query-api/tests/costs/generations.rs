//! A month is read whole, of one generation, whatever is published meanwhile.

use serde_json::Value;

use crate::bills::{PRODUCTION, ask, company, flip, rollups, store, sum};

const SPAN: [(&str, &str); 2] = [("from", "2026-09-01"), ("to", "2026-11-01")];

#[tokio::test]
async fn a_new_generation_is_seen_whole_and_a_cached_one_is_not_mistaken_for_it() {
    let mut stack = company().await;
    for (generation, amount) in [("g1", "1"), ("g2", "2"), ("g3", "3")] {
        let bill = rollups("2026-10", &[("2026-10-01", "AmazonEC2", PRODUCTION, "orders", amount)]);
        store(&stack, generation, &bill).await;
        // Written, and not read before a head names it.
        let before = ask(&mut stack, "/api/costs", &[SPAN[0], SPAN[1], ("scope", "component:default/orders")]).await;
        assert_ne!(before["totals"]["USD"], amount);
        flip(&stack, "cur/daily", generation, &bill, "2026-10-31").await;
        for scope in ["all", "component:default/orders", "group:default/team-a", "account:111122223333"] {
            let answer = ask(&mut stack, "/api/costs", &[SPAN[0], SPAN[1], ("scope", scope)]).await;
            assert_eq!(answer["totals"]["USD"], amount, "{scope}");
        }
    }
}

#[tokio::test]
async fn a_month_is_never_read_in_part_while_generations_flip() {
    let stack = company().await;
    let months = ["2026-09", "2026-10"];
    // In generation n, each of three services costs n.
    let reader = {
        let api = std::sync::Arc::clone(&stack.api);
        async move {
            let mut seen = Vec::new();
            for at in 0..60_i64 {
                let request = serde_json::from_value(serde_json::json!({
                    "httpMethod": "GET", "path": "/api/costs", "headers": {}, "requestContext": {"httpMethod": "GET"},
                    "multiValueQueryStringParameters": {
                        "scope": ["component:default/orders"], "from": ["2026-10-01"], "to": ["2026-11-01"],
                        "by": ["account,service"],
                    },
                }))
                .unwrap();
                // Each request a second and a half later: the heads are polled anew.
                let now = jiff::Timestamp::from_millisecond(1_790_000_000_000 + at * 1_500).unwrap();
                let answer = query_api::handle(request, &api, now).await;
                let body: Value = serde_json::from_slice(&answer.body.collect().await.unwrap()).unwrap();
                if answer.status == 200 {
                    let rows = body["rows"].as_array().unwrap();
                    let amounts: Vec<&Value> = rows.iter().map(|row| &row["amount"]).collect();
                    assert!(amounts.windows(2).all(|pair| pair[0] == pair[1]), "{body}");
                    seen.push(sum(amounts).to_string());
                }
                tokio::task::yield_now().await;
            }
            seen
        }
    };
    let writer = async {
        for generation in 1..=20 {
            for month in months {
                let (day, amount) = (format!("{month}-05"), generation.to_string());
                let lines = ["AmazonEC2", "AmazonS3", "AmazonRDS"]
                    .map(|service| (day.as_str(), service, PRODUCTION, "orders", amount.as_str()));
                let bill = rollups(month, &lines);
                let name = format!("{generation:04}");
                store(&stack, &name, &bill).await;
                flip(&stack, "cur/daily", &name, &bill, "2026-10-31").await;
                tokio::task::yield_now().await;
            }
        }
    };
    let (seen, ()) = tokio::join!(reader, writer);
    let whole: Vec<i32> = seen.iter().map(|sum| sum.parse::<i32>().unwrap()).collect();
    assert!(whole.iter().all(|sum| sum % 3 == 0) && whole.is_sorted(), "{seen:?}");
}
