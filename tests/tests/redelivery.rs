//! What comes twice counts once, and what is broken never holds back what is not.

use callboard_tests::company::Company;
use callboard_tests::deliveries::aws::{Queue, sqs_batch, uuid_of};
use callboard_tests::deliveries::config::{item_change, queue};
use callboard_tests::deliveries::{Delivery, Plot};
use callboard_tests::running::Running;
use serde_json::{Value, json};

/// Ten messages of Config, the seventh of which breaks off.
fn ten_messages() -> Vec<String> {
    let company = Company::generated(21);
    let whole = |n: usize| {
        let resource = queue(&company, &format!("queue-{n}"), Vec::new());
        item_change(&resource, "ResourceDiscovered", "2026-11-01T08:00:00.000Z", 1_793_520_000_000).to_string()
    };
    let mut bodies: Vec<String> = (0..10).map(whole).collect();
    let cut = bodies[6].len() / 2;
    bodies[6].truncate(cut);
    bodies
}

#[tokio::test(flavor = "multi_thread")]
async fn of_ten_messages_with_a_broken_one_nine_are_applied_and_one_is_reported_back() {
    let running = Running::start().await;
    let home = Queue { account: "111122223333", region: "eu-west-1", name: "config" };
    let batch = sqs_batch(home, 1_793_520_000_000, &ten_messages());
    let broken = batch["Records"][6]["messageId"].clone();
    let answer = running.stack.invoke("config-change", batch).await.unwrap();
    assert_eq!(answer["batchItemFailures"], json!([{ "itemIdentifier": broken }]));
    running.settled().await;
    assert_eq!(running.by_query("kind=resource,spec.type=sqs-queue").await.len(), 9);
    running.assert_conservation().await;
    running.stack.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_message_is_dead_after_its_last_try_and_its_reason_is_told() {
    let running = Running::start().await;
    let mut ids = Vec::new();
    for body in ten_messages() {
        ids.push(running.stack.send("ConfigQueue", &body).unwrap());
    }
    running.settled().await;
    let dead = running.stack.dead_letters().unwrap();
    assert_eq!(dead.iter().map(|letter| &letter.message_id).collect::<Vec<_>>(), [&ids[6]]);
    assert_eq!((dead[0].queue.as_str(), dead[0].receives), ("ConfigDeadLetters", 5));
    let (_, status) = running.get("/api/status", &[]).await;
    let failures = status["failures"].as_array().unwrap();
    assert_eq!(failures.len(), 1);
    assert_eq!(failures[0]["messageId"], json!(ids[6]));
    assert_eq!((&failures[0]["code"], &failures[0]["lastTry"]), (&json!("malformed-json"), &json!(true)));
    running.assert_conservation().await;
    running.stack.shutdown().await;
}

/// The delivery with a broken message after every second one, and once more what it held.
fn spoilt(delivery: &Delivery) -> Delivery {
    let Some(records) = delivery.payload["Records"].as_array() else { return delivery.clone() };
    let mut spoilt: Vec<Value> = Vec::new();
    for (at, record) in records.iter().chain(records).enumerate() {
        if at % 2 == 1 {
            let mut broken = record.clone();
            broken["body"] = json!(format!("{{\"broken\": {at}"));
            broken["messageId"] = json!(uuid_of(&format!("broken {} {at}", delivery.name)));
            spoilt.push(broken);
        }
        spoilt.push(record.clone());
    }
    Delivery { payload: json!({ "Records": spoilt }), ..delivery.clone() }
}

async fn catalog_of(plot: &Plot) -> Value {
    let running = Running::start().await;
    running.play(plot).await;
    let (status, page) = running.get("/api/catalog/entities/by-query", &[("limit", "500")]).await;
    assert_eq!(status, 200);
    running.assert_conservation().await;
    running.stack.shutdown().await;
    page
}

#[tokio::test(flavor = "multi_thread")]
async fn every_delivery_twice_with_one_bad_message_in_three_makes_the_same_catalog() {
    let mut plot = Plot::of(&Company::theatre());
    plot.deliveries.retain(|delivery| delivery.name != "malformed-among-good");
    let mut spoilt_plot = plot.clone();
    spoilt_plot.deliveries = plot.deliveries.iter().map(spoilt).collect();
    assert_eq!(catalog_of(&plot).await, catalog_of(&spoilt_plot).await);
}
