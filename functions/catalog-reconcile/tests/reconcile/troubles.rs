//! An aggregator that misbehaves: nothing is deleted, no owner changes, and the report says what could not be seen.

use callboard::config_aggregator::{Asked, Trouble};
use catalog_model::Pointer;
use catalog_reconcile::{SweepError, SweepEvent};
use serde_json::json;

use crate::world::{ACCOUNT, Estate, OTHER, REGION, change, table, totals};

const BEGIN: SweepEvent = SweepEvent { begin: true, allow_deletes: true };

fn selects(asked: &Asked) -> bool {
    asked.operation == "SelectAggregateResourceConfig"
}

fn of_account(asked: &Asked, account: &str) -> bool {
    asked.request["Expression"].as_str().is_some_and(|expression| expression.contains(account))
}

async fn estate_with_a_lost_deletion() -> Estate {
    let estate = Estate::start().await;
    for n in 0..120 {
        estate.tell_of(&table(ACCOUNT, REGION, &format!("t-{n}"), "team-a"), 1).await;
    }
    estate.tell_of(&table(OTHER, REGION, "other", "team-b"), 1).await;
    estate.lose(&change(&table(ACCOUNT, REGION, "t-7", "team-a"), "ResourceDeleted", 2));
    estate
}

#[tokio::test(flavor = "multi_thread")]
async fn throttling_and_errors_that_pass_are_tried_through() {
    let estate = estate_with_a_lost_deletion().await;
    let aggregator = estate.world.stack.aggregator();
    aggregator.misbehave(|asked| match asked.nth % 3 {
        0 => Some(Trouble::Throttled),
        1 => Some(Trouble::Broken),
        _ => None,
    });
    assert_eq!(totals(&estate.sweep().await), [120, 0, 0, 1, 0, 0, 0]);
    // One that does not pass before the second page is read again from the first.
    aggregator.misbehave(|asked| (selects(asked) && asked.nth == 1).then_some(Trouble::ExpiredToken));
    let _calls = aggregator.take_calls();
    assert_eq!(totals(&estate.sweep().await), [120, 0, 0, 0, 1, 0, 0]);
    assert_eq!(aggregator.take_calls()["SelectAggregateResourceConfig"], 5);
    estate.world.stack.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_cannot_be_read_to_its_end_proves_nothing_and_hides_no_other() {
    let estate = estate_with_a_lost_deletion().await;
    let lost = table(OTHER, REGION, "lost", "team-b");
    estate.lose(&change(&lost, "OK", 3));
    for (trouble, nth_page) in [
        (Trouble::Throttled, 0),
        (Trouble::Throttled, 1),
        (Trouble::Broken, 0),
        (Trouble::Broken, 1),
        (Trouble::ExpiredToken, 1),
        (Trouble::ShortPage, 0),
        (Trouble::ShortPage, 1),
        (Trouble::CutResult, 0),
        (Trouble::CutResult, 1),
    ] {
        estate.world.stack.aggregator().misbehave(move |asked| {
            let is_page = selects(asked) && of_account(asked, ACCOUNT);
            (is_page && u64::from(asked.request["NextToken"].is_string()) == nth_page).then_some(trouble)
        });
        for _ in 0..2 {
            let answer = estate.swept(BEGIN).await.unwrap();
            let [_, _, stale, suspect, deleted, revived, refused] = totals(&answer);
            assert_eq!([stale, suspect, deleted, revived, refused], [0; 5], "{trouble:?} {nth_page}");
            let drift = answer.drift.unwrap();
            assert_eq!(drift["complete"], json!(false), "{trouble:?} {drift}");
            assert!(!drift["problems"].as_array().unwrap().is_empty(), "{trouble:?}");
        }
        assert!(estate.exists(&table(ACCOUNT, REGION, "t-7", "")).await, "{trouble:?}");
        assert!(estate.exists(&lost).await, "the other account is read");
    }
    // And when it behaves again, all is as if nothing had been.
    estate.world.stack.aggregator().behave();
    assert_eq!(totals(&estate.sweep().await), [121, 0, 0, 1, 0, 0, 0]);
    assert_eq!(totals(&estate.sweep().await), [121, 0, 0, 0, 1, 0, 0]);
    estate.world.stack.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspect_of_before_is_neither_forgotten_nor_deleted_by_a_sweep_that_could_not_look() {
    let estate = estate_with_a_lost_deletion().await;
    let suspect = table(ACCOUNT, REGION, "t-7", "");
    assert_eq!(totals(&estate.sweep().await)[3], 1);
    estate.world.stack.aggregator().misbehave(|asked| selects(asked).then_some(Trouble::Broken));
    assert_eq!(totals(&estate.swept(BEGIN).await.unwrap()), [0; 7]);
    assert!(estate.exists(&suspect).await);
    estate.world.stack.aggregator().behave();
    assert_eq!(totals(&estate.sweep().await)[4], 1);
    assert!(!estate.exists(&suspect).await);
    estate.world.stack.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_ends_the_run_and_the_last_report_stays_with_its_age() {
    let estate = estate_with_a_lost_deletion().await;
    estate.sweep().await;
    let before = estate.store().drift().await.unwrap().unwrap();
    for operation in ["SelectAggregateResourceConfig", "GetAggregateDiscoveredResourceCounts"] {
        estate
            .world
            .stack
            .aggregator()
            .misbehave(move |asked| (asked.operation == operation).then_some(Trouble::AccessDenied));
        let error = estate.swept(BEGIN).await.unwrap_err();
        let told = delivery::describe(&error);
        assert!(matches!(error, SweepError::Refused { .. } | SweepError::Aggregator(_)), "{told}");
        assert!(told.contains("AccessDenied"), "{told}");
        assert_eq!(estate.store().drift().await.unwrap().unwrap(), before);
        assert!(estate.exists(&table(ACCOUNT, REGION, "t-7", "")).await);
    }
    estate.world.stack.aggregator().behave();
    assert_eq!(totals(&estate.sweep().await), [120, 0, 0, 0, 1, 0, 0]);
    estate.world.stack.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_does_not_change_because_an_answer_lost_its_tags() {
    let owner = Pointer::to(["spec", "aws", "tags", "owner"]);
    for trouble in [Trouble::EmptyTags, Trouble::NoTags] {
        let estate = Estate::start().await;
        let (held, changed) = (table(ACCOUNT, REGION, "held", "team-a"), table(ACCOUNT, REGION, "changed", "team-a"));
        let missing = table(ACCOUNT, REGION, "missing", "team-c");
        estate.tell_of(&held, 1).await;
        estate.tell_of(&changed, 1).await;
        let mut later = table(ACCOUNT, REGION, "changed", "team-b");
        later.configuration["tableStatus"] = json!("DELETING");
        estate.lose(&change(&later, "OK", 2));
        estate.lose(&change(&missing, "OK", 2));
        let before = (estate.record(&held).await, estate.record(&changed).await);
        // Nor can the item be had alone.
        estate.world.stack.aggregator().misbehave(move |asked| match asked.operation.as_str() {
            "SelectAggregateResourceConfig" => Some(trouble),
            "GetAggregateResourceConfig" => Some(Trouble::Throttled),
            _ => None,
        });
        let answer = estate.sweep().await;
        assert_eq!((estate.record(&held).await, estate.record(&changed).await), before, "{trouble:?}");
        assert!(answer.drift.unwrap()["named"]["refused"].to_string().contains("table/changed"), "{trouble:?}");
        // It can: the tags are told by the item.
        estate.world.stack.aggregator().misbehave(move |asked| selects(asked).then_some(trouble));
        estate.sweep().await;
        assert_eq!(estate.facts(&changed).await.unwrap().fields[&owner], json!("team-b"), "{trouble:?}");
        assert_eq!(estate.record(&held).await, before.0);
        if trouble == Trouble::NoTags {
            assert_eq!(estate.facts(&missing).await.unwrap().fields[&owner], json!("team-c"));
        }
        estate.world.stack.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_that_were_taken_away_go_when_both_answers_say_so() {
    let estate = Estate::start().await;
    estate.tell_of(&table(ACCOUNT, REGION, "orders", "team-a"), 1).await;
    let without = table(ACCOUNT, REGION, "orders", "");
    estate.lose(&change(&without, "OK", 2));
    assert_eq!(totals(&estate.sweep().await), [1, 0, 1, 0, 0, 0, 0]);
    let facts = estate.facts(&without).await.unwrap();
    assert!(!facts.fields.keys().any(|pointer| pointer.as_str().starts_with("/spec/aws/tags")));
    estate.world.stack.shutdown().await;
}
