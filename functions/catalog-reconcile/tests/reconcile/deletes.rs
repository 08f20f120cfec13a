//! Who goes because nobody sees them, who stays, and who comes back.

use catalog_reconcile::SweepEvent;

use crate::world::{ACCOUNT, Estate, OTHER, REGION, change, database, identity, second_id, table, totals};

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_deletion_takes_two_sweeps_and_takes_the_second_ids_along() {
    let estate = Estate::start().await;
    let db = database("orders");
    estate.tell_of(&db, 1).await;
    estate.tell_of(&table(ACCOUNT, REGION, "kept", ""), 1).await;
    estate.lose(&change(&db, "ResourceDeleted", 2));

    let answer = estate.sweep().await;
    assert_eq!(totals(&answer), [1, 0, 0, 1, 0, 0, 0]);
    assert!(estate.exists(&db).await, "one look is not enough");
    let answer = estate.sweep().await;
    assert_eq!(totals(&answer), [1, 0, 0, 0, 1, 0, 0]);
    assert_eq!(estate.report(&answer).await.named.deleted, [identity(&db)].into());
    assert!(!estate.exists(&db).await);
    assert_eq!(estate.holder(&second_id("orders")).await, None);
    assert_eq!(totals(&estate.sweep().await), [1, 0, 0, 0, 0, 0, 0]);

    // Old words do not bring it back; newer ones do.
    estate.deliver(&change(&db, "OK", 1)).await;
    assert!(!estate.exists(&db).await);
    estate.tell(&change(&db, "OK", 3)).await;
    assert!(estate.exists(&db).await);
    assert_eq!(estate.holder(&second_id("orders")).await, Some(identity(&db)));
    estate.world.stack.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_sweep_deleted_and_is_seen_again_is_there_again_as_often_as_it_takes() {
    let estate = Estate::start().await;
    let db = database("orders");
    estate.tell_of(&table(ACCOUNT, REGION, "kept", ""), 1).await;
    estate.tell_of(&db, 1).await;
    let facts = estate.facts(&db).await;
    for _ in 0..3 {
        estate.world.stack.aggregator().forget(&db.id);
        estate.sweep().await;
        estate.sweep().await;
        assert!(!estate.exists(&db).await);
        // The very state that was deleted: no newer one exists.
        estate.lose(&change(&db, "OK", 1));
        let answer = estate.sweep().await;
        assert_eq!(totals(&answer), [2, 0, 0, 0, 0, 1, 0]);
        assert_eq!(estate.facts(&db).await, facts);
        assert_eq!(estate.holder(&second_id("orders")).await, Some(identity(&db)));
        assert_eq!(totals(&estate.sweep().await), [2, 0, 0, 0, 0, 0, 0]);
    }
    // Whatever sweeps did with this state, the next one goes before it.
    estate.deliver(&change(&db, "ResourceDeleted", 2)).await;
    assert!(!estate.exists(&db).await);
    estate.world.stack.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_config_does_not_record_is_not_missed() {
    let estate = Estate::start().await;
    let quiet = table(ACCOUNT, REGION, "quiet", "team-a");
    estate.tell_of(&table(ACCOUNT, REGION, "kept", ""), 1).await;
    estate.tell_of(&quiet, 1).await;
    estate.tell(&change(&quiet, "ResourceNotRecorded", 2)).await;
    let never = table(ACCOUNT, REGION, "never-recorded", "");
    estate.tell(&change(&never, "ResourceNotRecorded", 2)).await;
    let before = (estate.record(&quiet).await, estate.record(&never).await);
    for _ in 0..3 {
        assert_eq!(totals(&estate.sweep().await), [1, 0, 0, 0, 0, 0, 0]);
    }
    assert_eq!((estate.record(&quiet).await, estate.record(&never).await), before);
    estate.world.stack.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_the_allowed_share_of_an_account_goes_only_if_somebody_says_so() {
    let estate = Estate::start().await;
    let tables: Vec<_> = (0..20).map(|n| table(ACCOUNT, REGION, &format!("t-{n}"), "")).collect();
    for one in &tables {
        estate.tell_of(one, 1).await;
    }
    for one in &tables[..3] {
        estate.lose(&change(one, "ResourceDeleted", 2));
    }
    assert_eq!(totals(&estate.sweep().await), [17, 0, 0, 3, 0, 0, 0]);
    // 10% of 20 are 2.
    let answer = estate.sweep().await;
    assert_eq!(totals(&answer), [17, 0, 0, 0, 0, 0, 3]);
    let problem = &answer.drift.unwrap()["problems"][0];
    assert_eq!(problem["reason"], "3 of 20 records would go, and 10% may; if that is right, sweep with allowDeletes");
    assert!(estate.exists(&tables[0]).await);
    let told = estate.swept(SweepEvent { begin: true, allow_deletes: true }).await.unwrap();
    assert_eq!(totals(&told), [17, 0, 0, 0, 3, 0, 0]);
    assert!(!estate.exists(&tables[0]).await && estate.exists(&tables[3]).await);
    estate.world.stack.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_or_a_region_that_fell_silent_is_not_believed() {
    let mut estate = Estate::start().await;
    estate.settings.max_delete_percent = 100;
    let silent = table(OTHER, REGION, "of-a-silent-account", "");
    estate.tell_of(&silent, 1).await;
    let far: Vec<_> = (0..10).map(|n| table(ACCOUNT, "us-east-1", &format!("far-{n}"), "")).collect();
    for one in &far {
        estate.tell_of(one, 1).await;
    }
    estate.tell_of(&table(ACCOUNT, REGION, "near", ""), 1).await;
    for one in far.iter().chain([&silent]) {
        estate.world.stack.aggregator().forget(&one.id);
    }
    estate.sweep().await;
    let answer = estate.sweep().await;
    assert_eq!(totals(&answer), [1, 0, 0, 0, 0, 0, 11]);
    let drift = answer.drift.unwrap();
    let reasons: Vec<&str> =
        drift["problems"].as_array().unwrap().iter().map(|p| p["reason"].as_str().unwrap()).collect();
    assert!(reasons[0].contains("nothing of the region"), "{reasons:?}");
    assert!(reasons[1].contains("nothing of the account"), "{reasons:?}");
    assert!(estate.exists(&silent).await && estate.exists(&far[0]).await);
    // When it speaks again, nothing has happened.
    for one in far.iter().chain([&silent]) {
        estate.lose(&change(one, "OK", 1));
    }
    assert_eq!(totals(&estate.sweep().await), [12, 0, 0, 0, 0, 0, 0]);
    estate.world.stack.shutdown().await;
}
