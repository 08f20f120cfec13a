//! A process that dies at any call, before or after it took effect: when the message comes again, the table holds what it
//! holds where nobody died.

use std::slice;

use billing_report::write::ReportRow;
use catalog_model::Identity;

use crate::peer::Dying;
use crate::reports::{NO_FAILURES, line, of_type};
use crate::world::{MANIFEST, TABLE, World, hand_over};

const QUEUE: &str = "arn:aws:sqs:eu-west-1:111122223333:jobs";

/// Of resources with one component, with two, with an owner alone, with nothing but what they cost before, and of nobody.
fn bill(at: usize) -> Vec<ReportRow> {
    let cost = (at + 2).to_string();
    vec![
        line("AmazonDynamoDB", TABLE, &cost),
        line("AmazonS3", "shared", "0.3"),
        line("AWSQueueService", QUEUE, "0.0000004"),
        line("AmazonRDS", "arn:aws:rds:eu-west-1:111122223333:db:db-ABCDEFGHIJKLMNOPQRSTUVWXYZ", "5"),
        line("AmazonEC2", "", "2"),
        of_type(line("AmazonEC2", "", "19"), "Tax"),
    ]
}

/// What was delivered first, of a queue that the catalog has forgotten since.
async fn world() -> World {
    let world = World::new().await;
    world.catalog().await;
    world.deliver("before", &bill(0)).await;
    assert_eq!(world.take().await, NO_FAILURES);
    world.forget(&Identity::of_canonical_arn(QUEUE)).await;
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_dies_at_any_call_leaves_the_rows_of_one_that_does_not() {
    let (dying_world, world) = (world().await, world().await);
    let mut deaths = 0;
    for is_sent in [false, true] {
        for calls in 0.. {
            let execution = format!("{is_sent}-{calls}");
            dying_world.deliver(&execution, &bill(deaths)).await;
            let announced = dying_world.body(MANIFEST);
            let dying = Dying::after_calls(calls, is_sent);
            hand_over(&dying_world.instance(Some(dying.clone())), slice::from_ref(&announced), 1).await;
            let again = hand_over(&dying_world.instance(None::<Dying>), slice::from_ref(&announced), 2).await;
            assert!(again.batch_item_failures.is_empty(), "{execution}");

            world.deliver(&execution, &bill(deaths)).await;
            assert_eq!(world.take().await, NO_FAILURES);
            assert!(dying_world.head().await.unwrap().generation.contains(&execution), "{execution}");
            if !dying.is_dead() {
                break;
            }
            deaths += 1;
        }
    }
    assert!(deaths > 60, "{deaths}");
    // Of every generation that counted, each row, and when it expires.
    let (left, expected) = (dying_world.rows().await, world.rows().await);
    assert!(expected.len() > 10 * deaths, "{expected:?}");
    for (key, row) in &expected {
        assert_eq!(left.get(key), Some(row), "{key:?}");
    }
    assert_eq!(left.len(), expected.len());
}
