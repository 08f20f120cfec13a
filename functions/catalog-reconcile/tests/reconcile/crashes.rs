//! A sweep that breaks off at any call, before it is sent or after it was carried out, is done by the next.

use callboard_tests::deliveries::config::Resource;
use callboard_tests::indexing::{Fault, with_fault};
use catalog_model::Said;
use catalog_reconcile::SweepEvent;

use crate::world::{ACCOUNT, Estate, REGION, change, database, identity, second_id, table, totals};

const BEGIN: SweepEvent = SweepEvent { begin: true, allow_deletes: true };

const NOW_MS: u64 = 1_795_000_000_000;

/// One of each: missing, stale, not seen twice, deleted and seen again.
struct Damage {
    missing: Resource,
    stale: Resource,
    gone: Resource,
    back: Resource,
}

/// As a sweep leaves a resource that it deleted.
async fn delete_as_a_sweep_does(estate: &Estate, resource: &Resource) {
    for message in config_item::parse(&change(resource, "OK", 1)) {
        for (key, mut fragment) in message.unwrap().statements("event", NOW_MS).unwrap().fragments {
            fragment.version = fragment.version.next_of_same_clock().unwrap();
            fragment.said = Said::Gone;
            estate.store().apply(&key, &fragment, NOW_MS).await.unwrap();
        }
    }
    assert!(!estate.exists(resource).await);
}

/// Damages the catalog, and sweeps once: what was done to it before is mended by then, but for the suspect of this round.
async fn damage(estate: &Estate, round: u32) -> Damage {
    let name = |what: &str| format!("{what}{round}");
    let stale = table(ACCOUNT, REGION, &name("stale"), "team-a");
    let damage = Damage {
        missing: database(&name("missing")),
        gone: database(&name("gone")),
        back: database(&name("back")),
        stale: Resource { tags: vec![("owner", "team-b".to_owned())], ..stale.clone() },
    };
    estate.deliver(&change(&damage.gone, "OK", 1)).await;
    let [_, others @ ..] = totals(&estate.swept(BEGIN).await.unwrap());
    assert_eq!(others, [0, 0, 1, 0, 0, 0], "before round {round}");
    estate.tell_of(&damage.back, 1).await;
    delete_as_a_sweep_does(estate, &damage.back).await;
    estate.lose(&change(&damage.missing, "OK", 1));
    estate.tell_of(&stale, 1).await;
    estate.lose(&change(&damage.stale, "OK", 2));
    damage
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_that_breaks_off_anywhere_is_done_by_the_next() {
    let estate = Estate::start().await;
    let aggregator = estate.world.aggregator(1);
    estate.tell_of(&table(ACCOUNT, REGION, "kept", ""), 1).await;
    damage(&estate, 0).await;
    let (answer, calls) = with_fault(Fault::Never, estate.swept_by(&aggregator, BEGIN)).await;
    let [_, missing, stale, _, deleted, revived, refused] = totals(&answer.unwrap());
    assert_eq!([missing, stale, deleted, revived, refused], [1, 1, 1, 1, 0]);
    assert!(calls >= 20, "{calls}");
    for n in 0..calls {
        for fault in [Fault::Before(n), Fault::After(n)] {
            let round = 1 + n * 2 + u32::from(matches!(fault, Fault::After(_)));
            let Damage { missing, stale, gone, back } = damage(&estate, round).await;
            let (broken, _) = with_fault(fault, estate.swept_by(&aggregator, BEGIN)).await;
            // A call to the aggregator that fails is an account that could not be read.
            let is_whole = broken.is_ok_and(|answer| answer.drift.unwrap()["complete"] == true);
            assert!(!is_whole, "{fault:?} went unnoticed");
            estate.swept_by(&aggregator, BEGIN).await.unwrap();
            for (resource, name) in [(&missing, "missing"), (&back, "back")] {
                assert!(estate.exists(resource).await, "{fault:?} {name}");
                let key = second_id(&format!("{name}{round}"));
                assert_eq!(estate.holder(&key).await, Some(identity(resource)), "{fault:?} {name}");
            }
            assert!(!estate.exists(&gone).await, "{fault:?}");
            assert_eq!(estate.holder(&second_id(&format!("gone{round}"))).await, None, "{fault:?}");
            let facts = estate.facts(&stale).await.unwrap();
            assert!(facts.fields.values().any(|value| value == "team-b"), "{fault:?}");
        }
    }
    estate.world.stack.shutdown().await;
}
