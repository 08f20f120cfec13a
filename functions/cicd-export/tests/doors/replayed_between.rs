//! Replays of the journal between shuffled deliveries, and killed like these: the records end as if nobody had replayed.

use callboard_tests::indexing::{Fault, World, with_fault};
use cicd_export::{Deps, Event, handle};
use serde_json::{Value, json};

use crate::killed::{Case, ORDERS, SOURCES, Source, deps};

/// Calls of a replay, and of a delivery, between two at which one dies.
const STEP: usize = 7;

/// Replays all of the journal, with a fault among the calls that are made. Whether it came to its end, and how many calls
/// there were.
async fn replay(deps: &Deps, fault: Fault) -> (bool, u32) {
    let pages = async {
        let mut after = String::new();
        loop {
            let event: Event = serde_json::from_value(json!({"action": "replay", "after": after})).unwrap();
            let page = handle(event, deps, "2026-11-23T10:00:00Z".parse().unwrap()).await?;
            assert_eq!(page["refused"], 0, "{page}");
            match &page["next"] {
                Value::String(next) => after.clone_from(next),
                _ => return Ok::<_, lambda_runtime::Error>(()),
            }
        }
    };
    let (outcome, calls) = with_fault(fault, pages).await;
    (outcome.is_ok(), calls)
}

/// A world of its own: a replay is of the whole journal.
async fn converges(source: &Source, order: [usize; 3], nth: u32) {
    let world = World::start().await;
    let deps = deps(&world);
    let (case, other) = (Case::new(1), Case::new(2));
    let delivery = |at: usize| (order[at], u64::try_from(at).unwrap() + 1);
    for at in 0..3 {
        assert!(source.deliver(&deps, &other, delivery(at), Fault::Never).await.0);
    }
    let expected = source.standing(&deps.store, &other).await;

    let dying = usize::try_from(nth).unwrap() % 3;
    source.deliver(&deps, &case, delivery(dying), Fault::Before(nth)).await;
    assert!(replay(&deps, Fault::Never).await.0);
    source.deliver(&deps, &case, delivery((dying + 2) % 3), Fault::After(nth)).await;
    // Whether a replay dies before the first call of a publication or in the midst of it, the next one goes on.
    replay(&deps, Fault::After(nth)).await;
    for at in [dying + 1, dying + 2, dying].map(|at| at % 3) {
        assert!(source.deliver(&deps, &case, delivery(at), Fault::Never).await.0);
        replay(&deps, Fault::Before(nth * 2)).await;
    }
    let of_deliveries = source.standing(&deps.store, &case).await;
    assert_eq!(of_deliveries, expected, "{} {order:?} {nth}", source.format);
    assert!(replay(&deps, Fault::Never).await.0);
    for case in [&case, &other] {
        assert_eq!(source.standing(&deps.store, case).await, expected, "{} {order:?} {nth}, replayed", source.format);
    }
    world.stack.shutdown().await;
}

#[tokio::test]
async fn replays_between_shuffled_deliveries_change_nothing_of_what_stands_at_last() {
    for source in SOURCES.iter().filter(|source| ["terraform-state", "catalog-info"].contains(&source.format)) {
        for (nth, at) in (0..40).step_by(STEP).zip(0_usize..) {
            converges(source, ORDERS[at % 2], nth).await;
        }
    }
}
