use catalog_store::{Deltas, LogDefect};
use serde_json::{Value, json};

use crate::faults::{Fault, with_fault};
use crate::log_items::put_item;
use crate::stack::{NOW, Stack, TABLE};

const RULES: &str = "rules";
const HOUR_MS: u64 = 60 * 60 * 1000;
const EIGHT_DAYS_MS: u64 = 8 * 24 * HOUR_MS;

pub(crate) fn texts(rows: &[Value]) -> Vec<String> {
    rows.iter().map(Value::to_string).collect()
}

async fn append(stack: &Stack, rows: &[Value], now_ms: u64) -> u64 {
    stack.store.append_deltas(&texts(rows), RULES, now_ms).await.unwrap().unwrap()
}

pub(crate) async fn read(stack: &Stack, seq: u64) -> Vec<(u64, Vec<Value>)> {
    let Deltas { items, defect } = stack.store.deltas_after(seq).await.unwrap();
    assert_eq!(defect, None);
    items.into_iter().map(|delta| (delta.seq, delta.rows().unwrap())).collect()
}

async fn remove(stack: &Stack, seq: u64) {
    let key = |text: String| aws_sdk_dynamodb::types::AttributeValue::S(text);
    let delete = stack.raw.delete_item().table_name(TABLE);
    delete.key("pk", key("l#deltas".into())).key("sk", key(format!("{seq:020}"))).send().await.unwrap();
}

#[tokio::test]
async fn eight_appenders_at_once_leave_no_gap_and_lose_no_row() {
    let stack = Stack::start().await;
    // Some share what they remember of the log's end, as invocations of one process do; some remember nothing.
    let appends = (0..32).map(|n| {
        let rows = texts(&[json!({ "row": n, "part": 0 }), json!({ "row": n, "part": 1 })]);
        let store = if n % 4 == 0 { stack.store.clone() } else { stack.another_store() };
        async move { store.append_deltas(&rows, RULES, NOW).await.unwrap().unwrap() }
    });
    let mut last: Vec<u64> = futures::StreamExt::collect(futures::StreamExt::buffer_unordered(
        futures::stream::iter(appends.collect::<Vec<_>>()),
        8,
    ))
    .await;
    last.sort_unstable();
    assert_eq!(last, (1..=32).collect::<Vec<u64>>());

    let log = read(&stack, 0).await;
    assert_eq!(log.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), last);
    let mut rows: Vec<u64> = log.iter().map(|(_, rows)| rows[0]["row"].as_u64().unwrap()).collect();
    rows.sort_unstable();
    assert_eq!(rows, (0..32).collect::<Vec<u64>>());
    assert!(log.iter().all(|(_, rows)| rows.len() == 2 && rows[0]["row"] == rows[1]["row"]));
    assert_eq!(read(&stack, 30).await.len(), 2);
    assert!(read(&stack, 32).await.is_empty());
    assert!(stack.calls.take().keys().all(|operation| operation != "Query"), "the log is read consistently");
}

#[tokio::test]
async fn an_appender_that_knows_the_end_makes_one_call() {
    let stack = Stack::start().await;
    append(&stack, &[json!(1)], NOW).await;
    stack.calls.take();
    assert_eq!(append(&stack, &[json!(2)], NOW + 1).await, 2);
    assert_eq!(stack.calls.take().into_iter().collect::<Vec<_>>(), [("PutItem".to_owned(), 1)]);

    stack.another_store().append_deltas(&texts(&[json!(3)]), RULES, NOW).await.unwrap();
    assert_eq!(append(&stack, &[json!(4)], NOW + 2).await, 4, "what it knows is checked by the write itself");
    stack.calls.take();
    assert_eq!(append(&stack, &[json!(5)], NOW + 2 + HOUR_MS).await, 5);
    assert_eq!(stack.calls.of("Query consistent"), 1, "what was known an hour ago counts no more");
}

#[tokio::test]
async fn without_rows_nothing_is_appended_and_a_row_that_is_too_long_is_refused() {
    let stack = Stack::start().await;
    assert_eq!(stack.store.append_deltas(&[], RULES, NOW).await.unwrap(), None);
    let long = [json!(1).to_string(), format!("\"{}\"", "x".repeat(catalog_store::MAX_ROW_BYTES))];
    let error = stack.store.append_deltas(&long, RULES, NOW).await.unwrap_err();
    assert_eq!(error.code(), "row-too-long");
    assert_eq!(stack.store.log_end(NOW).await.unwrap(), 0);
}

#[tokio::test]
async fn an_append_that_breaks_off_leaves_a_dense_log() {
    let stack = Stack::start().await;
    for fault in [Fault::Before(0), Fault::After(0), Fault::Before(1), Fault::After(1)] {
        // Each with a memory of its own, so that the first call is the look at the end.
        let (first, second) = (stack.another_store(), stack.another_store());
        let rows = texts(&[json!({ "n": 1 })]);
        with_fault(fault, first.append_deltas(&rows, RULES, NOW)).await.unwrap_err();
        first.append_deltas(&rows, RULES, NOW).await.unwrap();
        second.append_deltas(&rows, RULES, NOW).await.unwrap();
    }
    let seqs: Vec<u64> = read(&stack, 0).await.into_iter().map(|(seq, _)| seq).collect();
    assert_eq!(seqs, (1..=9).collect::<Vec<_>>(), "only a lost answer repeats rows");
}

#[tokio::test]
async fn a_gap_is_a_defect_of_its_own_wherever_it_is() {
    let stack = Stack::start().await;
    for n in 1..=6 {
        append(&stack, &[json!(n)], NOW).await;
    }
    remove(&stack, 1).await;
    remove(&stack, 4).await;
    let Deltas { items, defect } = stack.store.deltas_after(0).await.unwrap();
    assert_eq!((items.len(), defect), (0, Some(LogDefect::Gap { expected: 1, found: 2 })));
    let Deltas { items, defect } = stack.store.deltas_after(1).await.unwrap();
    assert_eq!(items.iter().map(|delta| delta.seq).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(defect, Some(LogDefect::Gap { expected: 4, found: 5 }));
    assert_eq!(read(&stack, 4).await.len(), 2);
}

#[tokio::test]
async fn numbers_go_on_where_the_log_has_expired() {
    let stack = Stack::start().await;
    let store = stack.another_store();
    for n in 1..=3 {
        append(&stack, &[json!(n)], NOW).await;
    }
    stack.store.note_log_end(3).await.unwrap();
    stack.store.note_log_end(2).await.unwrap();
    let later = NOW + EIGHT_DAYS_MS;
    // DynamoDB takes expired items away in any order.
    remove(&stack, 2).await;
    remove(&stack, 3).await;
    assert_eq!(store.log_end(later).await.unwrap(), 3);
    assert_eq!(store.append_deltas(&texts(&[json!(4)]), RULES, later).await.unwrap(), Some(4));
    assert_eq!(append(&stack, &[json!(5)], later).await, 5, "nor is the end of eight days ago remembered");
    remove(&stack, 1).await;
    assert_eq!(read(&stack, 3).await.len(), 2);
}

#[tokio::test]
async fn an_item_expires_after_seven_days() {
    let stack = Stack::start().await;
    append(&stack, &[json!(1)], NOW).await;
    let item = crate::log_items::item(&stack, 1).await;
    assert_eq!(item["expires_at"].as_n().unwrap(), &(NOW / 1000 + 7 * 24 * 3600).to_string());
}

#[tokio::test]
async fn items_of_both_formats_follow_each_other() {
    let stack = Stack::start().await;
    put_item(&stack, 1, r#"{"b": "[{\"n\":1},{\"n\":2}]"}"#).await;
    assert_eq!(append(&stack, &[json!({"n": 3})], NOW).await, 2);
    assert_eq!(
        read(&stack, 0).await,
        [(1, vec![json!({"n": 1}), json!({"n": 2})]), (2, vec![json!({"n": 3})])],
        "an item of the first format stays readable"
    );
    let items = stack.store.deltas_after(0).await.unwrap().items;
    assert_eq!((items[0].rules.as_deref(), items[0].at_ms), (None, None));
    assert_eq!((items[1].rules.as_deref(), items[1].at_ms), (Some(RULES), Some(NOW)));
}
