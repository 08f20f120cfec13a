use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

use proptest::prelude::*;

use super::*;

#[derive(Debug, thiserror::Error)]
enum TestError {
    #[error("throttled")]
    Throttled,
    #[error("malformed")]
    Malformed,
}

impl Classify for TestError {
    fn class(&self) -> Class {
        match self {
            Self::Throttled => Class::Retry,
            Self::Malformed => Class::DeadLetter,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Throttled => "throttled",
            Self::Malformed => "malformed",
        }
    }
}

fn record(id: Option<&str>, body: Option<&str>, receive_count: u32) -> SqsMessage {
    let mut record = SqsMessage::default();
    record.message_id = id.map(str::to_owned);
    record.body = body.map(str::to_owned);
    record.attributes.insert("ApproximateReceiveCount".to_owned(), receive_count.to_string());
    record
}

fn event(records: Vec<SqsMessage>) -> SqsEvent {
    let mut event = SqsEvent::default();
    event.records = records;
    event
}

async fn by_body(message: Message<'_>) -> Result<(), TestError> {
    match message.body {
        "throttle" => Err(TestError::Throttled),
        "malform" => Err(TestError::Malformed),
        _ => Ok(()),
    }
}

fn reported<T>(outcome: &BatchOutcome<T>) -> Vec<&str> {
    outcome.response.batch_item_failures.iter().map(|failure| failure.item_identifier.as_str()).collect()
}

#[tokio::test]
async fn one_bad_message_among_ten_is_the_only_one_reported_back() {
    let ids: Vec<String> = (0..10).map(|n| format!("m{n}")).collect();
    let records = ids.iter().map(|id| record(Some(id), Some(if id == "m4" { "malform" } else { "ok" }), 1)).collect();
    let event = event(records);
    let outcome = batch(&event, 3, async |message| {
        by_body(message).await?;
        Ok::<_, TestError>(message.id)
    })
    .await;

    assert_eq!(outcome.applied, ["m0", "m1", "m2", "m3", "m5", "m6", "m7", "m8", "m9"]);
    assert_eq!(reported(&outcome), ["m4"]);
    assert_eq!(outcome.counts, Counts { received: 10, acked: 9, retried: 1, dead: 0 });
    let expected = Failure {
        message_id: "m4".to_owned(),
        code: "malformed",
        detail: "malformed".to_owned(),
        class: Class::DeadLetter,
        receive_count: 1,
        last_try: false,
    };
    assert_eq!(outcome.failures, [expected]);
}

#[tokio::test]
async fn as_many_messages_as_permitted_are_under_way_and_are_answered_for_in_their_order() {
    let ids: Vec<String> = (0..10).map(|n| format!("m{n}")).collect();
    let event = event(ids.iter().map(|id| record(Some(id), Some("ok"), 1)).collect());
    for at_once in [1_usize, 3, 100] {
        let [running, most] = [0, 0].map(AtomicUsize::new);
        let outcome = concurrent_batch(&event, 3, at_once, async |message| {
            most.fetch_max(running.fetch_add(1, Relaxed) + 1, Relaxed);
            // Whoever began first is done last.
            for _ in 0..20 - message.id[1..].parse::<usize>().unwrap() {
                tokio::task::yield_now().await;
            }
            running.fetch_sub(1, Relaxed);
            Ok::<_, TestError>(message.id)
        })
        .await;
        assert_eq!(outcome.applied, ids);
        assert_eq!(most.into_inner(), at_once.min(10));
    }
}

#[tokio::test]
async fn a_failure_is_dead_only_at_its_last_permitted_receive() {
    for (receive_count, max, dead) in
        [(1, 3, false), (2, 3, false), (3, 3, true), (4, 3, true), (1, 1, true), (1, 0, true)]
    {
        let event = event(vec![record(Some("m"), Some("throttle"), receive_count)]);
        let outcome = batch(&event, max, by_body).await;
        assert_eq!(outcome.counts.dead == 1, dead, "receive {receive_count} of {max}");
        assert_eq!(outcome.failures[0].last_try, dead);
        assert_eq!(reported(&outcome), ["m"], "the redrive policy moves it, so it is reported either way");
    }
}

#[tokio::test]
async fn a_message_that_passes_when_it_comes_again_has_recovered() {
    let records = [("a", "ok", 1), ("b", "ok", 2), ("c", "throttle", 2), ("d", "ok", 5)];
    let records = records.map(|(id, body, receive_count)| record(Some(id), Some(body), receive_count));
    let outcome = batch(&event(records.into()), 3, by_body).await;
    assert_eq!(outcome.recovered, ["b", "d"]);
}

#[tokio::test]
async fn a_record_without_a_body_is_a_failure_with_a_reason() {
    let event = event(vec![record(Some("m"), None, 1), record(Some("n"), Some("ok"), 1)]);
    let outcome = batch(&event, 3, by_body).await;
    assert_eq!(outcome.counts, Counts { received: 2, acked: 1, retried: 1, dead: 0 });
    assert_eq!(outcome.failures[0].code, "missing-body");
    assert_eq!(reported(&outcome), ["m"]);
}

#[tokio::test]
async fn a_record_without_an_id_never_makes_lambda_repeat_the_batch() {
    let event =
        event(vec![record(Some("m"), Some("ok"), 1), record(None, Some("ok"), 1), record(Some(""), Some("ok"), 1)]);
    let outcome = batch(&event, 3, by_body).await;
    assert_eq!(outcome.counts, Counts { received: 3, acked: 1, retried: 0, dead: 2 });
    assert!(reported(&outcome).is_empty());
    let ids: Vec<&str> = outcome.failures.iter().map(|failure| failure.message_id.as_str()).collect();
    assert_eq!(ids, ["#1", "#2"]);
    assert_eq!(outcome.failures[0].code, "missing-message-id");
}

#[tokio::test]
async fn an_absent_receive_count_is_the_first_receive() {
    let mut message = record(Some("m"), Some("throttle"), 1);
    message.attributes.clear();
    let event = event(vec![message]);
    assert_eq!(batch(&event, 2, by_body).await.failures[0].receive_count, 1);
}

#[tokio::test]
async fn a_batch_can_be_handled_on_any_thread() {
    async fn handle(event: SqsEvent, prefix: &str) -> Vec<String> {
        let apply = async |message: Message<'_>| {
            tokio::task::yield_now().await;
            Ok::<_, TestError>(format!("{prefix}{}", message.id))
        };
        batch(&event, 1, apply).await.applied
    }
    let event = event(vec![record(Some("m"), Some("ok"), 1)]);
    let handled = tokio::spawn(async move {
        let prefix = String::from("id ");
        handle(event, &prefix).await
    });
    assert_eq!(handled.await.unwrap(), ["id m"]);
}

proptest! {
    #[test]
    fn every_message_is_acked_or_retried_or_dead(
        messages in prop::collection::vec((
            prop::option::weighted(0.9, "[a-z0-9]{0,6}"),
            prop::option::weighted(0.9, prop::sample::select(vec!["ok", "throttle", "malform"])),
            1_u32..6,
        ), 0..20),
        max in 0_u32..5,
        at_once in 1_usize..4,
    ) {
        let records = messages.iter().map(|(id, body, count)| record(id.as_deref(), *body, *count)).collect();
        let event = event(records);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let outcome = runtime.block_on(concurrent_batch(&event, max, at_once, by_body));

        let Counts { received, acked, retried, dead } = outcome.counts;
        prop_assert_eq!(received, messages.len() as u64);
        prop_assert_eq!(received, acked + retried + dead);
        prop_assert_eq!(outcome.failures.len() as u64, retried + dead);
        let nameless = outcome.failures.iter().filter(|failure| failure.code == "missing-message-id").count();
        prop_assert_eq!(outcome.response.batch_item_failures.len() + nameless, outcome.failures.len());
        let whole = messages.iter().filter(|(id, body, _)| id.as_ref().is_some_and(|id| !id.is_empty()) && *body == Some("ok"));
        prop_assert_eq!(whole.count() as u64, acked);
    }
}
