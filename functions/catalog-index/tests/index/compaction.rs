use callboard_tests::indexing::{Fault, World, component, owned_by, with_fault};
use catalog_follow::{Begins, WholeIndex};
use catalog_index::{Deps, Outcome};
use catalog_store::StoreError;

use crate::words::{assert_equal_to_the_log, compact, index, index_all, later, now, reader, try_compact};

async fn declare(world: &mut World, names: impl IntoIterator<Item = String>) {
    for name in names {
        world.say(&component(&name), "file", owned_by("team")).await;
    }
}

fn names(prefix: &str, count: usize) -> impl Iterator<Item = String> {
    (0..count).map(move |n| format!("{prefix}-{n}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_is_compacted_when_it_is_old_and_a_reader_begins_at_the_segment() {
    let mut world = World::start().await;
    let deps = Deps::of_store(world.store.clone());
    assert_eq!(compact(&world.store, later(2)).await, Outcome::NotDue, "nothing was ever appended");
    declare(&mut world, names("a", 5)).await;
    index_all(&mut world, &deps).await;
    assert_eq!(compact(&world.store, now()).await, Outcome::NotDue);
    assert!(matches!(compact(&world.store, later(1)).await, Outcome::Compacted { seq: 1, entities: 5, .. }));
    assert_eq!(compact(&world.store, later(3)).await, Outcome::NotDue, "nothing is behind the segment");

    declare(&mut world, names("b", 3)).await;
    world.say(&component("a-0"), "file", catalog_model::Said::Gone).await;
    index_all(&mut world, &deps).await;
    let live = reader(&world.store, later(1)).await;
    assert_eq!(live.ask(|catalog| Ok(catalog.len())).await.unwrap(), 7);
    let progress = live.progress().await;
    assert_eq!((progress.pointer.unwrap().seq, progress.seq, progress.rows_behind), (1, 2, 4));
    assert!(matches!(compact(&world.store, later(3)).await, Outcome::Compacted { seq: 2, entities: 7, .. }));
    assert_eq!(assert_equal_to_the_log(&world.store).await, 7);
    assert_eq!(world.objects("segments").await.len(), 2);
    assert_eq!(try_compact(&world.store, later(5)).await.unwrap().deleted, 1);
    assert_eq!(world.objects("segments").await.len(), 1);
    // Who stands on the one that is deleted moves on when it needs more of it.
    let facets = live.ask(|catalog| catalog.facets(["spec.owner"], &catalog_search::Filter::default())).await.unwrap();
    assert_eq!(facets.len(), 1);
    assert_eq!(live.progress().await.pointer.unwrap().seq, 2);
    world.stack.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_eight_compactors_and_zombies_among_appenders_none_loses_a_delta() {
    let mut world = World::start().await;
    let mut total = 0;
    for round in 0..6_i64 {
        declare(&mut world, names(&format!("round-{round}"), 16)).await;
        let batches: Vec<_> = world.stream.chunks(2).map(<[_]>::to_vec).collect();
        world.stream.clear();
        total += 16;
        // A compactor that read before all of this, and flips when all is over.
        let state = world.store.index_state().await.unwrap();
        let zombie = WholeIndex::read(&state, &world.store).await.unwrap();

        let appenders = batches.iter().map(|batch| {
            let deps = Deps::of_store(world.another_store());
            async move { index(&deps, batch, now()).await }
        });
        let compactors = (0..8).map(|n| {
            let store = world.another_store();
            let at = later(2 * (round + 1));
            async move {
                // Some are cut off.
                let fault = if n % 3 == 2 { Fault::After(n + 4) } else { Fault::Never };
                drop(with_fault(fault, try_compact(&store, at)).await);
            }
        });
        futures::future::join(futures::future::join_all(appenders), futures::future::join_all(compactors)).await;

        let (pointer, content) = zombie.segment(Begins::Nothing, later(100)).unwrap();
        world.store.put_segment(&pointer.hash, content).await.unwrap();
        let standing = world.store.index_state().await.unwrap().pointer;
        let is_ahead = standing.is_some_and(|standing| standing.seq >= pointer.seq);
        assert_eq!(world.store.flip_to_compacted(&pointer).await.unwrap(), !is_ahead);
        assert_eq!(assert_equal_to_the_log(&world.store).await, total);
    }
    world.stack.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compaction_that_breaks_off_anywhere_is_done_by_the_next() {
    let mut world = World::start().await;
    let deps = Deps::of_store(world.store.clone());
    let mut hours = 0;
    let mut next = async |world: &mut World, fault: Fault| {
        hours += 2;
        declare(world, names(&format!("at-{hours}"), 2)).await;
        index_all(world, &deps).await;
        let (broken_off, calls) = with_fault(fault, try_compact(&world.store, later(hours))).await;
        let again = compact(&world.store, later(hours)).await;
        match broken_off {
            Ok(_) => assert_eq!(again, Outcome::NotDue),
            Err(_) => assert!(matches!(again, Outcome::Compacted { .. } | Outcome::NotDue), "{again:?}"),
        }
        assert_equal_to_the_log(&world.store).await;
        calls
    };
    next(&mut world, Fault::Never).await;
    let calls = next(&mut world, Fault::Never).await;
    assert!(calls >= 6, "{calls}");
    for n in 0..calls {
        next(&mut world, Fault::Before(n)).await;
        next(&mut world, Fault::After(n)).await;
    }
    world.stack.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compaction_from_before_a_rebuild_brings_nothing_back() {
    let mut world = World::start().await;
    let deps = Deps::of_store(world.store.clone());
    declare(&mut world, names("a", 2)).await;
    index_all(&mut world, &deps).await;
    compact(&world.store, later(1)).await;
    let old = WholeIndex::read(&world.store.index_state().await.unwrap(), &world.store).await.unwrap();

    let (rebuilt, content) = old.segment(Begins::Generation, later(2)).unwrap();
    world.store.put_segment(&rebuilt.hash, content).await.unwrap();
    assert!(world.store.flip_to_rebuilt(&rebuilt).await.unwrap());
    declare(&mut world, names("b", 2)).await;
    index_all(&mut world, &deps).await;
    let mut zombie = old;
    zombie.read_on(&world.store).await.unwrap();
    let (pointer, content) = zombie.segment(Begins::Nothing, later(3)).unwrap();
    world.store.put_segment(&pointer.hash, content).await.unwrap();
    assert!(pointer.seq > rebuilt.seq);
    assert!(!world.store.flip_to_compacted(&pointer).await.unwrap());
    assert!(matches!(compact(&world.store, later(5)).await, Outcome::Compacted { entities: 4, .. }));
    world.stack.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_whose_segment_or_log_is_lost_is_never_an_empty_one() {
    let mut world = World::start().await;
    let deps = Deps::of_store(world.store.clone());
    declare(&mut world, names("a", 2)).await;
    index_all(&mut world, &deps).await;
    compact(&world.store, later(1)).await;
    declare(&mut world, names("b", 1)).await;
    index_all(&mut world, &deps).await;
    let warm = reader(&world.store, later(1)).await;

    let hash = world.store.index_state().await.unwrap().pointer.unwrap().hash;
    let delete = world.s3.delete_object().bucket(callboard_catalog_bucket());
    delete.key(format!("segments/{hash}")).send().await.unwrap();
    let cold = catalog_follow::LiveCatalog::new(world.store.clone());
    let refused = cold.follow(later(1)).await.unwrap_err();
    assert!(matches!(refused, StoreError::RebuildNeeded(_)), "{refused:?}");
    assert!(matches!(compact(&world.store, later(3)).await, Outcome::RebuildNeeded { .. }));
    warm.follow(later(4)).await.unwrap();
    assert_eq!(warm.ask(|catalog| Ok(catalog.len())).await.unwrap(), 3, "what was read is served on");
    world.stack.shutdown().await;
}

fn callboard_catalog_bucket() -> &'static str {
    "callboard-catalog"
}
