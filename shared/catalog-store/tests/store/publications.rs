use catalog_model::{Door, Identity, Record, RecordKey, Said, SourceObject, Version, tie_of};
use catalog_store::{CatalogStore, Clock, MAX_FRAGMENTS, Publication, Published, Read, StoreError};

use crate::faults::{Fault, with_fault};
use crate::stack::{NOW, Stack, component, facts, file, fragment, serial, state};

/// A file at a serial that names some components.
fn publication(serial: u64, names: &[&str]) -> Publication {
    let said = |name: &&str| (component(name), facts(&format!("team-{serial}")));
    Publication {
        source: file("a"),
        version: Version::of_serial(serial, tie_of(names.concat().as_bytes())),
        clock: Clock::Serial,
        delivery: format!("request-{serial}"),
        statements: names.iter().map(said).collect(),
        complete: true,
    }
}

fn terraform(lineage: &str, epoch: u64, serial: u64, names: &[&str]) -> Publication {
    Publication {
        source: state("a"),
        version: Version::of_terraform(epoch, serial, tie_of(lineage.as_bytes())),
        clock: Clock::Terraform { lineage: lineage.into(), epoch },
        ..publication(serial, names)
    }
}

/// Which of the components the source object names, and with which words.
async fn live(store: &CatalogStore, source: &SourceObject, names: &[&str]) -> Vec<(String, Said)> {
    let keys: Vec<RecordKey> = names.iter().map(|name| component(name)).collect();
    let records = store.records(&keys, Read::Consistent).await.unwrap();
    let said = |(name, record): (&&str, Record)| {
        let fragment = record.fragments.get(&source.fragment_key())?;
        (fragment.said != Said::Gone).then(|| ((*name).to_owned(), fragment.said.clone()))
    };
    names.iter().zip(records).filter_map(said).collect()
}

fn words(serial: u64, names: &[&str]) -> Vec<(String, Said)> {
    names.iter().map(|name| ((*name).to_owned(), facts(&format!("team-{serial}")))).collect()
}

fn published(applied: u64, swept: &[&str]) -> Published {
    Published { applied, swept: swept.iter().map(|name| component(name)).collect(), ..Published::default() }
}

#[tokio::test]
async fn what_a_newer_publication_names_no_more_is_gone() {
    let stack = Stack::start().await;
    let publish = async |publication| stack.store.publish(publication, NOW).await.unwrap();
    assert_eq!(publish(publication(1, &["a", "b"])).await, published(2, &[]));
    assert_eq!(publish(publication(2, &["b", "c"])).await, published(2, &["a"]));
    assert_eq!(live(&stack.store, &file("a"), &["a", "b", "c"]).await, words(2, &["b", "c"]));

    let gone = stack.store.record(&component("a"), Read::Consistent).await.unwrap();
    let tombstone = &gone.fragments[&file("a").fragment_key()];
    assert_eq!((&tombstone.version, &tombstone.said), (&publication(2, &["b", "c"]).version, &Said::Gone));

    assert_eq!(publish(publication(3, &["a"])).await, published(1, &["b", "c"]), "and it may come back");
    assert_eq!(live(&stack.store, &file("a"), &["a", "b", "c"]).await, words(3, &["a"]));
}

#[tokio::test]
async fn an_empty_publication_takes_all_back() {
    let stack = Stack::start().await;
    stack.store.publish(publication(1, &["a", "b"]), NOW).await.unwrap();
    assert_eq!(stack.store.publish(publication(2, &[]), NOW).await.unwrap(), published(0, &["a", "b"]));
    assert_eq!(live(&stack.store, &file("a"), &["a", "b"]).await, []);
    assert_eq!(stack.store.publish(publication(2, &[]), NOW).await.unwrap(), published(0, &[]));
}

#[tokio::test]
async fn a_publication_that_comes_late_changes_nothing_and_says_so() {
    let stack = Stack::start().await;
    stack.store.publish(publication(2, &["b"]), NOW).await.unwrap();
    let late = stack.store.publish(publication(1, &["a", "b"]), NOW).await.unwrap();
    let expected = Published { applied: 1, stale: 1, superseded: true, ..published(0, &["a"]) };
    assert_eq!(late, expected);
    assert_eq!(live(&stack.store, &file("a"), &["a", "b"]).await, words(2, &["b"]));
}

#[tokio::test]
async fn a_publication_that_comes_twice_counts_once() {
    let stack = Stack::start().await;
    stack.store.publish(publication(1, &["a", "b"]), NOW).await.unwrap();
    let again = stack.store.publish(publication(1, &["a", "b"]), NOW).await.unwrap();
    assert_eq!(again, Published { duplicate: 2, ..Published::default() });
}

#[tokio::test]
async fn another_source_object_keeps_its_words() {
    let stack = Stack::start().await;
    let other = Publication { source: file("other"), ..publication(1, &["a", "b"]) };
    stack.store.publish(other, NOW).await.unwrap();
    stack.store.publish(publication(5, &["a", "b"]), NOW).await.unwrap();
    stack.store.publish(publication(6, &[]), NOW).await.unwrap();
    assert_eq!(live(&stack.store, &file("other"), &["a", "b"]).await, words(1, &["a", "b"]));
    assert_eq!(live(&stack.store, &file("a"), &["a", "b"]).await, []);
}

#[tokio::test]
async fn every_order_of_three_publications_with_repeats_ends_in_the_newest() {
    let stack = Stack::start().await;
    let all = [(1, vec!["a", "b"]), (2, vec!["b", "c"]), (3, vec!["c", "d"])];
    let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    for (number, order) in orders.into_iter().enumerate() {
        let source = file(&format!("order-{number}"));
        for at in [order[0], order[1], order[0], order[2], order[1]] {
            let (serial, names) = &all[at];
            let publication = Publication { source: source.clone(), ..publication(*serial, names) };
            stack.store.publish(publication, NOW).await.unwrap();
        }
        assert_eq!(live(&stack.store, &source, &["a", "b", "c", "d"]).await, words(3, &["c", "d"]), "{order:?}");
    }
}

#[tokio::test]
async fn a_publication_that_breaks_off_anywhere_is_completed_by_itself() {
    let stack = Stack::start().await;
    let mut calls = 0;
    for number in 0..64 {
        let source = file(&format!("crash-{number}"));
        let of = |publication| Publication { source: source.clone(), ..publication };
        stack.store.publish(of(publication(1, &["a", "b"])), NOW).await.unwrap();

        let fault = if number % 2 == 0 { Fault::Before(number / 2) } else { Fault::After(number / 2) };
        if with_fault(fault, stack.store.publish(of(publication(2, &["b", "c"])), NOW)).await.is_ok() {
            break;
        }
        calls += 1;
        stack.store.publish(of(publication(2, &["b", "c"])), NOW).await.unwrap();
        assert_eq!(live(&stack.store, &source, &["a", "b", "c"]).await, words(2, &["b", "c"]), "{fault:?}");
        assert_eq!(open_entries(&stack, &source).await, 1, "{fault:?}");
    }
    assert!(calls >= 2 * 8, "set, root, two fragments, root, two sets, tombstone, root: {calls}");
}

#[tokio::test]
async fn a_publication_that_breaks_off_for_ever_is_swept_by_the_next() {
    let stack = Stack::start().await;
    for number in 0..24 {
        let source = file(&format!("crash-{number}"));
        let of = |publication| Publication { source: source.clone(), ..publication };
        stack.store.publish(of(publication(1, &["a"])), NOW).await.unwrap();
        let fault = if number % 2 == 0 { Fault::Before(number / 2) } else { Fault::After(number / 2) };
        let _broken = with_fault(fault, stack.store.publish(of(publication(2, &["b"])), NOW)).await;
        stack.store.publish(of(publication(3, &["c"])), NOW).await.unwrap();
        assert_eq!(live(&stack.store, &source, &["a", "b", "c"]).await, words(3, &["c"]), "{fault:?}");
        assert_eq!(open_entries(&stack, &source).await, 1, "{fault:?}");
    }
}

async fn open_entries(stack: &Stack, source: &SourceObject) -> usize {
    let key = aws_sdk_dynamodb::types::AttributeValue::S(format!("o#{source}"));
    let get = stack.raw.get_item().table_name(crate::stack::TABLE).key("pk", key);
    let root = get.key("sk", aws_sdk_dynamodb::types::AttributeValue::S("R".into())).send().await.unwrap();
    root.item.unwrap()["unswept"].as_ss().unwrap().len()
}

#[tokio::test]
async fn the_root_is_read_consistently() {
    let stack = Stack::start().await;
    stack.store.publish(publication(1, &["a"]), NOW).await.unwrap();
    stack.store.publish(publication(2, &["b"]), NOW).await.unwrap();
    assert_eq!(stack.calls.of("GetItem"), 0);
    assert!(stack.calls.of("GetItem consistent") >= 2);
}

#[tokio::test]
async fn another_lineage_is_refused_until_the_epoch_rises() {
    let stack = Stack::start().await;
    let publish = async |publication| stack.store.publish(publication, NOW).await;
    publish(terraform("one", 0, 9, &["a"])).await.unwrap();

    let refused = publish(terraform("two", 0, 10, &["b"])).await.unwrap_err();
    assert!(
        matches!(&refused, StoreError::LineageConflict { held, given, epoch: 0, .. } if held == "one" && given == "two")
    );
    assert!(refused.to_string().contains("`epoch=1`") && refused.is_conflict() && !refused.is_retryable(), "{refused}");
    assert_eq!(live(&stack.store, &state("a"), &["a", "b"]).await, words(9, &["a"]));

    publish(terraform("two", 1, 1, &["b"])).await.unwrap();
    assert_eq!(live(&stack.store, &state("a"), &["a", "b"]).await, words(1, &["b"]));

    let late = publish(terraform("one", 0, 9, &["a"])).await.unwrap();
    assert!(late.superseded, "a delivery that was accepted once may come again");
    let back = publish(terraform("one", 1, 10, &["a"])).await.unwrap_err();
    assert!(matches!(back, StoreError::LineageConflict { epoch: 1, .. }), "{back}");
    let unknown = publish(terraform("three", 0, 10, &["a"])).await.unwrap_err();
    assert!(matches!(unknown, StoreError::LineageConflict { epoch: 1, .. }), "{unknown}");
    assert_eq!(live(&stack.store, &state("a"), &["a", "b"]).await, words(1, &["b"]));
}

#[tokio::test]
async fn serial_and_time_do_not_mix_in_one_source_object() {
    let stack = Stack::start().await;
    let by_time =
        |at| Publication { version: Version::of_request(at, 0), clock: Clock::Time, ..publication(1, &["b"]) };
    stack.store.publish(publication(1, &["a"]), NOW).await.unwrap();
    for mixed in [by_time(NOW), Publication { source: file("a"), ..terraform("one", 7, 1, &["b"]) }] {
        let refused = stack.store.publish(mixed, NOW).await.unwrap_err();
        assert!(matches!(refused, StoreError::ClockMixed { .. }) && !refused.is_retryable(), "{refused}");
    }
    let other = |publication| Publication { source: file("other"), ..publication };
    stack.store.publish(other(by_time(NOW)), NOW).await.unwrap();
    let refused = stack.store.publish(other(publication(1, &["a"])), NOW).await.unwrap_err();
    assert!(refused.is_conflict(), "{refused}");
    assert_eq!(live(&stack.store, &file("a"), &["a", "b"]).await, words(1, &["a"]));
}

#[tokio::test]
async fn of_two_statements_about_one_record_the_first_counts_and_the_record_is_named() {
    let stack = Stack::start().await;
    let mut twice = publication(1, &["a", "b", "b"]);
    twice.statements.push((component("a"), facts("another")));
    twice.statements.push((component("a"), facts("a third")));
    let outcome = stack.store.publish(twice, NOW).await.unwrap();
    assert_eq!(outcome, Published { contradicted: vec![component("a")], ..published(2, &[]) });
    assert_eq!(live(&stack.store, &file("a"), &["a", "b"]).await, words(1, &["a", "b"]));
}

#[tokio::test]
async fn a_record_that_is_full_holds_up_no_other_and_no_later_publication() {
    let stack = Stack::start().await;
    for number in 0..MAX_FRAGMENTS {
        let other = fragment(&file(&format!("other-{number}")), serial(1), facts("a"));
        stack.store.apply(&component("full"), &other, NOW).await.unwrap();
    }
    stack.store.publish(publication(1, &["a", "b"]), NOW).await.unwrap();
    let refused = stack.store.publish(publication(2, &["b", "c", "full"]), NOW).await.unwrap_err();
    assert_eq!(refused.code(), "too-many-fragments");
    assert_eq!(live(&stack.store, &file("a"), &["a", "b", "c", "full"]).await, words(2, &["b", "c"]));

    assert_eq!(stack.store.publish(publication(3, &["c"]), NOW).await.unwrap(), published(1, &["b"]));
    assert_eq!(open_entries(&stack, &file("a")).await, 1);
}

#[tokio::test]
async fn retiring_takes_back_what_stands_and_the_next_serial_revives_it() {
    let stack = Stack::start().await;
    let requested = Version::of_request(NOW, 0);
    let retire = async || stack.store.retire(&file("a"), &requested, "request-9", NOW).await.unwrap();
    assert_eq!(retire().await, None);
    stack.store.publish(publication(7, &["a", "b"]), NOW).await.unwrap();
    assert_eq!(retire().await, Some(published(0, &["a", "b"])));
    assert_eq!(retire().await, Some(published(0, &[])));

    let late = stack.store.publish(publication(7, &["a", "b"]), NOW).await.unwrap();
    assert!(late.superseded && late.applied == 0);
    stack.store.publish(publication(8, &["a"]), NOW).await.unwrap();
    assert_eq!(live(&stack.store, &file("a"), &["a", "b"]).await, words(8, &["a"]));
    let head = stack.store.head(&file("a")).await.unwrap().unwrap();
    assert_eq!((head.version, head.clock), (publication(8, &["a"]).version, Clock::Serial));
}

#[tokio::test]
async fn a_retirement_that_breaks_off_is_completed_by_the_same_call() {
    let stack = Stack::start().await;
    for number in 0..20 {
        let source = file(&format!("crash-{number}"));
        stack.store.publish(Publication { source: source.clone(), ..publication(1, &["a", "b"]) }, NOW).await.unwrap();
        let requested = Version::of_request(NOW, 0);
        let fault = if number % 2 == 0 { Fault::Before(number / 2) } else { Fault::After(number / 2) };
        let _broken = with_fault(fault, stack.store.retire(&source, &requested, "request-9", NOW)).await;
        stack.store.retire(&source, &requested, "request-9", NOW).await.unwrap();
        assert_eq!(live(&stack.store, &source, &["a", "b"]).await, [], "{fault:?}");
    }
}

#[tokio::test]
async fn a_removal_that_comes_late_takes_back_nothing_newer() {
    let stack = Stack::start().await;
    let source = SourceObject { door: Door::S3, ..file("a") };
    let event = |at, sequencer| Version::of_s3_event(at, sequencer, 0, NOW).unwrap();
    let dropped =
        |version, name| Publication { source: source.clone(), version, clock: Clock::Time, ..publication(1, &[name]) };
    stack.store.publish(dropped(event(NOW - 30, "01"), "a"), NOW).await.unwrap();
    stack.store.publish(dropped(event(NOW - 10, "03"), "b"), NOW).await.unwrap();
    let late = stack.store.retire(&source, &event(NOW - 20, "02"), "event", NOW).await.unwrap().unwrap();
    assert!(late.superseded);
    assert_eq!(live(&stack.store, &source, &["a", "b"]).await, words(1, &["b"]));
    stack.store.retire(&source, &event(NOW, "04"), "event", NOW).await.unwrap();
    assert_eq!(live(&stack.store, &source, &["a", "b"]).await, []);
}

#[tokio::test]
async fn a_part_deletes_nothing_and_the_next_whole_answers_for_it() {
    let stack = Stack::start().await;
    let part = |serial, names: &[&str]| Publication { complete: false, ..publication(serial, names) };
    stack.store.publish(part(1, &["a"]), NOW).await.unwrap();
    assert_eq!(stack.store.head(&file("a")).await.unwrap(), None);
    stack.store.publish(publication(2, &["a", "b"]), NOW).await.unwrap();
    stack.store.publish(part(3, &["c"]), NOW).await.unwrap();
    let all = ["a", "b", "c"];
    assert_eq!(live(&stack.store, &file("a"), &all).await, [words(2, &["a", "b"]), words(3, &["c"])].concat());
    stack.store.publish(publication(4, &["b"]), NOW).await.unwrap();
    assert_eq!(live(&stack.store, &file("a"), &all).await, words(4, &["b"]));
    stack.store.publish(part(6, &["c"]), NOW).await.unwrap();
    let requested = Version::of_request(NOW, 0);
    stack.store.retire(&file("a"), &requested, "request-9", NOW).await.unwrap();
    assert_eq!(live(&stack.store, &file("a"), &all).await, [], "a retirement takes parts back too");
}

#[tokio::test]
async fn parts_that_follow_one_another_stay_one_open_entry_that_answers_for_all() {
    let stack = Stack::start().await;
    let part = |serial, names: &[&str]| Publication { complete: false, ..publication(serial, names) };
    for (serial, name) in [(1, "a"), (2, "b"), (4, "c"), (3, "d")] {
        stack.store.publish(part(serial, &[name]), NOW).await.unwrap();
        assert_eq!(open_entries(&stack, &file("a")).await, 1, "no head yet");
    }
    let all = ["a", "b", "c", "d", "e", "f"];
    assert_eq!(live(&stack.store, &file("a"), &all).await.len(), 4);
    stack.store.publish(publication(5, &["b"]), NOW).await.unwrap();
    assert_eq!(live(&stack.store, &file("a"), &all).await, words(5, &["b"]));
    for (serial, name) in [(6, "e"), (7, "e"), (8, "f"), (9, "a")] {
        stack.store.publish(part(serial, &[name]), NOW).await.unwrap();
        assert_eq!(open_entries(&stack, &file("a")).await, 2, "the head's own and one of parts");
    }
    stack.store.publish(publication(10, &["c"]), NOW).await.unwrap();
    assert_eq!(live(&stack.store, &file("a"), &all).await, words(10, &["c"]));
    assert_eq!(open_entries(&stack, &file("a")).await, 1);
}

#[tokio::test]
async fn a_part_that_breaks_off_for_ever_is_swept_by_the_next_head() {
    let stack = Stack::start().await;
    for number in 0..28 {
        let source = file(&format!("crash-{number}"));
        let of = |publication: Publication| Publication { source: source.clone(), ..publication };
        let part = |serial, names: &[&str]| of(Publication { complete: false, ..publication(serial, names) });
        stack.store.publish(part(1, &["a"]), NOW).await.unwrap();
        let fault = if number % 2 == 0 { Fault::Before(number / 2) } else { Fault::After(number / 2) };
        let _broken = with_fault(fault, stack.store.publish(part(2, &["b"]), NOW)).await;
        stack.store.publish(of(publication(3, &["c"])), NOW).await.unwrap();
        assert_eq!(live(&stack.store, &source, &["a", "b", "c"]).await, words(3, &["c"]), "{fault:?}");
    }
}

#[tokio::test]
async fn a_key_that_is_too_long_holds_up_no_later_publication() {
    let stack = Stack::start().await;
    let long = RecordKey::Entity(Identity::of_canonical_arn(&format!("arn:aws:s3:::{}", "b".repeat(2_048))));
    let mut first = publication(1, &["a"]);
    first.statements.push((long, facts("team-1")));
    assert_eq!(stack.store.publish(first, NOW).await.unwrap_err().code(), "key-too-long");
    assert_eq!(stack.store.publish(publication(2, &["b"]), NOW).await.unwrap(), published(1, &["a"]));
    assert_eq!(open_entries(&stack, &file("a")).await, 1);
}

#[tokio::test]
async fn two_sets_at_one_version_end_in_one_head_and_stay_open_until_the_next() {
    let stack = Stack::start().await;
    let same_version = |names: &[&str]| Publication { version: serial(5), ..publication(5, names) };
    stack.store.publish(same_version(&["a", "b"]), NOW).await.unwrap();
    stack.store.publish(same_version(&["b", "c"]), NOW).await.unwrap();
    assert_eq!(open_entries(&stack, &file("a")).await, 2);
    stack.store.publish(publication(6, &["d"]), NOW).await.unwrap();
    assert_eq!(live(&stack.store, &file("a"), &["a", "b", "c", "d"]).await, words(6, &["d"]));
    assert_eq!(open_entries(&stack, &file("a")).await, 1);
}

#[tokio::test]
async fn a_large_publication_is_published_and_swept_whole() {
    let stack = Stack::start().await;
    let names: Vec<String> = (0..300).map(|number| format!("c{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    stack.store.publish(publication(1, &names), NOW).await.unwrap();
    let swept = stack.store.publish(publication(2, &names[250..]), NOW).await.unwrap().swept;
    assert_eq!(swept.len(), 250);
    assert_eq!(live(&stack.store, &file("a"), &names).await, words(2, &names[250..]));
}
