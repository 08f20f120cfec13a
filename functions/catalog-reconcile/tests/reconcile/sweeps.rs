//! What a sweep finds wrong and mends.

use std::collections::BTreeSet;
use std::time::Duration;

use callboard::config_aggregator::Trouble;
use callboard_tests::indexing::with_calls;
use catalog_model::Pointer;
use catalog_reconcile::{SweepEvent, SweepProgress, sweep};
use catalog_store::Parked;
use config_aggregator::ItemKey;
use delivery::{Class, Classify};
use jiff::SignedDuration;
use serde_json::json;

use crate::world::{ACCOUNT, Estate, OTHER, REGION, captured, change, database, identity, second_id, table, totals};

#[tokio::test(flavor = "multi_thread")]
async fn undamaged_data_is_left_alone_to_the_last_write() {
    let estate = Estate::start().await;
    for n in 0..250 {
        estate.tell_of(&table([ACCOUNT, OTHER][n % 2], REGION, &format!("t-{n}"), "team-a"), 1).await;
    }
    let db = database("orders");
    estate.tell_of(&db, 1).await;
    estate.tell(&change(&table(ACCOUNT, REGION, "t-2", "team-a"), "ResourceDeleted", 5)).await;
    let before = estate.record(&db).await;

    let (answer, calls) = with_calls(estate.sweep()).await;
    assert_eq!(totals(&answer), [250, 0, 0, 0, 0, 0, 0]);
    // Of all that is written, nothing is a record: only how far the sweep is, and what it found.
    let written: BTreeSet<&str> =
        calls.iter().map(String::as_str).filter(|call| call.starts_with("UpdateItem") || *call == "PUT").collect();
    assert_eq!(written, BTreeSet::from(["PUT", "UpdateItem x#reconcile"]), "{calls:?}");
    assert_eq!(calls.iter().filter(|call| *call == "PUT").count(), 1, "the report alone");
    assert_eq!(estate.record(&db).await, before);
    // Two accounts of 125 and 126, in pages of 100.
    let asked = |name: &str| calls.iter().filter(|call| *call == name).count();
    assert_eq!(asked("SelectAggregateResourceConfig"), 4);
    assert_eq!(asked("GetAggregateDiscoveredResourceCounts"), 3);
    assert_eq!(asked("GetAggregateResourceConfig"), 0);
    estate.world.stack.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_events_lost_comes_back_by_the_aggregators_word() {
    let estate = Estate::start().await;
    let (kept, created, changed) =
        (table(ACCOUNT, REGION, "kept", "a"), database("created"), table(ACCOUNT, REGION, "changed", "b"));
    let recreated = table(OTHER, REGION, "recreated", "c");
    estate.tell_of(&kept, 1).await;
    estate.lose(&change(&created, "ResourceDiscovered", 2));
    estate.tell_of(&table(ACCOUNT, REGION, "changed", "a"), 3).await;
    estate.lose(&change(&changed, "OK", 4));
    estate.tell_of(&recreated, 5).await;
    estate.tell(&change(&recreated, "ResourceDeleted", 6)).await;
    estate.lose(&change(&recreated, "ResourceDiscovered", 7));

    let answer = estate.sweep().await;
    assert_eq!(totals(&answer), [4, 2, 1, 0, 0, 0, 0]);
    assert!(estate.exists(&created).await && estate.exists(&recreated).await);
    assert_eq!(estate.holder(&second_id("created")).await, Some(identity(&created)));
    let owner = Pointer::to(["spec", "aws", "tags", "owner"]);
    assert_eq!(estate.facts(&changed).await.unwrap().fields[&owner], json!("b"));
    let report = estate.report(&answer).await;
    assert_eq!(report.named.missing, BTreeSet::from([identity(&created), identity(&recreated)]));
    assert_eq!(report.named.stale, BTreeSet::from([identity(&changed)]));
    assert_eq!(report.rows[ACCOUNT][REGION]["AWS::RDS::DBInstance"].missing, 1);

    // Written with the very versions that the events would have had: when those come late they are duplicates.
    let mended = estate.record(&created).await;
    estate.deliver(&change(&created, "ResourceDiscovered", 2)).await;
    assert_eq!(estate.record(&created).await, mended);
    assert_eq!(totals(&estate.sweep().await), [4, 0, 0, 0, 0, 0, 0]);
    estate.world.stack.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_read_to_its_last_page() {
    let estate = Estate::start().await;
    for account in [ACCOUNT, OTHER, "777788889999"] {
        for n in 0..5 {
            estate.lose(&change(&table(account, REGION, &format!("t-{n}"), ""), "OK", 1));
        }
    }
    for name in ["a", "b", "c"] {
        estate.lose(&change(&database(name), "OK", 1));
    }
    let aggregator = estate.world.stack.aggregator();
    aggregator.page_by(1);
    assert_eq!(totals(&estate.sweep().await), [18, 18, 0, 0, 0, 0, 0]);
    let calls = aggregator.take_calls();
    assert_eq!(calls["SelectAggregateResourceConfig"], 18);
    // Three accounts; two types of the first one, one of each of the others.
    assert_eq!(calls["GetAggregateDiscoveredResourceCounts"], 3 + 2 + 1 + 1);
    estate.world.stack.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_item_alone_comes_in_full_or_not_at_all() {
    let estate = Estate::start().await;
    let db = database("orders");
    estate.lose(&change(&db, "OK", 1));
    let aggregator = estate.world.aggregator(1);
    let key = ItemKey { account: ACCOUNT, region: REGION, resource_type: db.resource_type, resource_id: &db.id };
    let item = aggregator.get_item(key).await.unwrap().unwrap();
    // The same words as those of the event, in another dialect.
    let statements = |document| {
        let message = config_item::parse(document).remove(0).unwrap();
        message.statements("x", 1_795_000_000_000).unwrap()
    };
    assert_eq!(statements(&item), statements(&change(&db, "OK", 1)));
    assert_eq!(aggregator.get_item(ItemKey { resource_id: "db-NOBODY", ..key }).await.unwrap(), None);
    estate.world.stack.aggregator().misbehave(|_| Some(Trouble::Oversized));
    let error = aggregator.get_item(key).await.unwrap_err();
    assert!(error.is_oversized() && error.class() == Class::DeadLetter, "{error:?}");
    estate.world.stack.aggregator().misbehave(|_| Some(Trouble::Throttled));
    let error = aggregator.get_item(key).await.unwrap_err();
    assert!(!error.is_oversized() && error.class() == Class::Retry, "{error:?}");
    estate.world.stack.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_account_is_read_type_by_type() {
    let mut estate = Estate::start().await;
    estate.settings.max_unit_items = 100;
    for n in 0..130 {
        estate.lose(&change(&table(ACCOUNT, REGION, &format!("t-{n}"), ""), "OK", 1));
    }
    estate.lose(&change(&database("orders"), "OK", 1));
    let gone = table(ACCOUNT, REGION, "gone", "");
    estate.deliver(&change(&gone, "OK", 1)).await;
    let answer = estate.sweep().await;
    assert_eq!(totals(&answer), [131, 131, 0, 1, 0, 0, 0]);
    assert_eq!(answer.units_done, 2);
    assert_eq!(totals(&estate.sweep().await), [131, 0, 0, 0, 1, 0, 0]);
    assert!(!estate.exists(&gone).await);
    estate.world.stack.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_goes_on_over_as_many_invocations_as_it_takes() {
    let estate = Estate::start().await;
    for account in [ACCOUNT, OTHER] {
        for n in 0..120 {
            estate.lose(&change(&table(account, REGION, &format!("t-{n}"), ""), "OK", 1));
        }
    }
    let aggregator = estate.world.aggregator(1);
    let run = async |event, run_for| {
        sweep(event, estate.store(), &aggregator, &estate.settings, estate.now, run_for).await.unwrap()
    };
    let begin = SweepEvent { begin: true, allow_deletes: false };
    let answer = run(begin, Duration::ZERO).await;
    assert_eq!((answer.sweep, answer.units_done, answer.units_left), (SweepProgress::GoingOn, 0, 2));
    // The time of this one is over in the middle of an account.
    estate.world.stack.aggregator().take(Duration::from_millis(60));
    let answer = run(SweepEvent::default(), Duration::from_millis(100)).await;
    assert_eq!(answer.sweep, SweepProgress::GoingOn);
    estate.world.stack.aggregator().take(Duration::ZERO);
    let answer = run(SweepEvent::default(), Duration::from_secs(600)).await;
    assert_eq!((answer.sweep, answer.units_done), (SweepProgress::Finished, 2));
    assert_eq!(totals(&answer), [240, 240, 0, 0, 0, 0, 0]);

    // The next one is due a day after the last began, unless somebody asks.
    assert_eq!(run(SweepEvent::default(), Duration::from_secs(600)).await.sweep, SweepProgress::NotDue);
    let tomorrow = estate.now + SignedDuration::from_hours(24);
    let due = sweep(SweepEvent::default(), estate.store(), &aggregator, &estate.settings, tomorrow, Duration::MAX / 4);
    assert_eq!(due.await.unwrap().sweep, SweepProgress::Finished);
    assert_eq!(run(begin, Duration::from_secs(600)).await.sweep, SweepProgress::Finished);
    estate.world.stack.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_comes_while_the_sweep_runs_wins() {
    let estate = Estate::start().await;
    let (gone, new) = (table(ACCOUNT, REGION, "gone", ""), table(ACCOUNT, REGION, "new", ""));
    estate.tell_of(&table(ACCOUNT, REGION, "kept", ""), 1).await;
    estate.deliver(&change(&gone, "OK", 1)).await;
    assert_eq!(totals(&estate.sweep().await)[3], 1);
    // It changes between the two looks, and its account has not told the aggregator yet.
    estate.deliver(&change(&gone, "OK", 2)).await;
    assert_eq!(totals(&estate.sweep().await), [1, 0, 0, 1, 0, 0, 0]);
    assert!(estate.exists(&gone).await);

    // What was captured just before a sweep began is not looked for by it.
    let (_, ms) = captured(3);
    let mut early = Estate { now: jiff::Timestamp::from_millisecond(ms + 60_000).unwrap(), ..estate };
    early.deliver(&change(&new, "OK", 3)).await;
    for _ in 0..3 {
        early.sweep().await;
    }
    assert!(early.exists(&new).await);
    early.now += SignedDuration::from_hours(1);
    early.sweep().await;
    early.sweep().await;
    assert!(!early.exists(&new).await);
    early.world.stack.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parked_subject_waits_until_something_answers_to_it() {
    let estate = Estate::start().await;
    let db = database("orders");
    let parked = |subject: &str| Parked {
        source: "config-change".to_owned(),
        subject: subject.to_owned(),
        reason: "unresolved subject".to_owned(),
        at_ms: 1_793_520_000_000,
    };
    let key = format!("a#{}", second_id("orders"));
    for subject in [&db.arn, second_id("orders").as_str(), &key, "arn:aws:sqs:eu-west-1:111122223333:nobody"] {
        estate.store().park(&parked(subject)).await.unwrap();
    }
    estate.lose(&change(&db, "OK", 1));
    let answer = estate.sweep().await;
    assert_eq!(answer.drift.unwrap()["parked"], json!({"tried": 4, "resolved": 3}));
    let left = estate.store().parked().await.unwrap();
    assert_eq!(
        left.iter().map(|parked| parked.subject.as_str()).collect::<Vec<_>>(),
        ["arn:aws:sqs:eu-west-1:111122223333:nobody"]
    );
    estate.world.stack.shutdown().await;
}
