use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use base64::prelude::{BASE64_STANDARD, Engine as _};
use catalog_model::{Applied, Claim, EntityRef, Identity, Key, Pointer, Record, RecordKey, Role, Said};
use catalog_model::{Facts, Format, SourceObject, Version};
use catalog_store::{MAX_FRAGMENTS, MAX_INLINE_BODY_BYTES, PackedText, Read, StoreError};

use crate::faults::{Fault, with_fault};
use crate::stack::{BUCKET, NOW, Stack, TABLE, alias, claim, component, facts, file, fragment, noise, serial};

fn described(description: String) -> Said {
    let mut facts = Facts::new(Role::Declared);
    facts.say(Pointer::metadata("description"), description);
    Said::Facts(facts)
}

/// Of more bytes than an item takes, packed.
fn large(more: usize) -> Said {
    described(noise(MAX_INLINE_BODY_BYTES * 3 / 2 + more))
}

#[tokio::test]
async fn a_fragment_replaces_an_older_one_only() {
    let stack = Stack::start().await;
    let key = component("orders");
    let write = async |version, said| stack.store.apply(&key, &fragment(&file("a"), version, said), NOW).await.unwrap();

    assert_eq!(write(serial(2), facts("one")).await, Applied::Applied);
    assert_eq!(write(serial(1), facts("late")).await, Applied::Stale);
    assert_eq!(write(serial(2), facts("other words")).await, Applied::Duplicate);
    assert_eq!(write(serial(3), Said::Gone).await, Applied::Applied);
    assert_eq!(write(serial(2), facts("one")).await, Applied::Stale);

    let record = stack.store.record(&key, Read::Consistent).await.unwrap();
    let mut model = Record::empty(key.clone());
    model.apply(fragment(&file("a"), serial(2), facts("one")));
    model.apply(fragment(&file("a"), serial(3), Said::Gone));
    model.rv = NOW + 2;
    assert_eq!(record, model);
}

#[tokio::test]
async fn a_tie_is_decided_by_the_content_in_either_order() {
    let stack = Stack::start().await;
    let versions = [Version::of_serial(7, 1), Version::of_serial(7, 2)];
    for (name, order) in [("one", [0, 1]), ("other", [1, 0])] {
        for at in order {
            let said = facts(&format!("team-{at}"));
            let fragment = fragment(&file("a"), versions[at].clone(), said);
            stack.store.apply(&component(name), &fragment, NOW).await.unwrap();
        }
        let record = stack.store.record(&component(name), Read::Consistent).await.unwrap();
        assert_eq!(record.fragments[&file("a").fragment_key()].said, facts("team-1"));
    }
}

#[tokio::test]
async fn a_write_is_one_call_and_a_read_another() {
    let stack = Stack::start().await;
    stack.calls.take();
    stack.store.apply(&component("orders"), &fragment(&file("a"), serial(1), facts("a")), NOW).await.unwrap();
    stack.store.apply(&component("orders"), &fragment(&file("a"), serial(1), facts("a")), NOW).await.unwrap();
    assert_eq!(stack.calls.take().into_iter().collect::<Vec<_>>(), [("UpdateItem".to_owned(), 2)]);

    stack.store.record(&component("orders"), Read::Consistent).await.unwrap();
    stack.store.record(&component("orders"), Read::Eventual).await.unwrap();
    assert_eq!((stack.calls.of("GetItem consistent"), stack.calls.of("GetItem")), (1, 1));
}

#[tokio::test]
async fn the_65th_source_object_of_a_record_is_refused_and_the_64_go_on() {
    let stack = Stack::start().await;
    let key = component("orders");
    for number in 0..MAX_FRAGMENTS {
        let fragment = fragment(&file(&number.to_string()), serial(1), facts("a"));
        assert_eq!(stack.store.apply(&key, &fragment, NOW).await.unwrap(), Applied::Applied);
    }
    let refused = stack.store.apply(&key, &fragment(&file("64"), serial(1), facts("a")), NOW).await.unwrap_err();
    assert!(matches!(refused, StoreError::TooManyFragments { .. }) && !refused.is_retryable(), "{refused}");

    let known = stack.store.apply(&key, &fragment(&file("63"), serial(2), facts("b")), NOW).await.unwrap();
    assert_eq!(known, Applied::Applied);
    let stale = stack.store.apply(&key, &fragment(&file("63"), serial(1), facts("b")), NOW).await.unwrap();
    assert_eq!(stale, Applied::Stale);
    assert_eq!(stack.store.record(&key, Read::Consistent).await.unwrap().fragments.len(), MAX_FRAGMENTS);
}

#[tokio::test]
async fn sixty_four_fragments_of_the_largest_size_fit_into_one_item() {
    let stack = Stack::start().await;
    let key = component("orders");
    let packed_bytes = |said: &Said| PackedText::of(&said.canonical()).unwrap().as_bytes().len();
    let sizes = (MAX_INLINE_BODY_BYTES..).step_by(16).map(|bytes| described(noise(bytes)));
    let said = sizes.take_while(|said| packed_bytes(said) <= MAX_INLINE_BODY_BYTES).last().unwrap();
    assert!(packed_bytes(&said) > MAX_INLINE_BODY_BYTES - 100);
    for number in 0..MAX_FRAGMENTS {
        let source = file(&format!("{number:0128}"));
        stack.store.apply(&key, &fragment(&source, serial(1), said.clone()), NOW).await.unwrap();
    }
    assert!(stack.objects("bodies").is_empty());
}

#[tokio::test]
async fn what_the_catalog_did_not_write_is_an_alarm_and_not_stale() {
    let stack = Stack::start().await;
    let attribute = format!("f:{}", file("a").fragment_key());
    let no_version = AttributeValue::M([("b".to_owned(), AttributeValue::S("{}".into()))].into());
    let bad_version = AttributeValue::M([("v".to_owned(), AttributeValue::N("7".into()))].into());
    for (name, value) in [("one", AttributeValue::S("text".into())), ("two", no_version), ("three", bad_version)] {
        let put = stack.raw.put_item().table_name(TABLE).item("pk", AttributeValue::S(component(name).to_string()));
        put.item("sk", AttributeValue::S("E".into())).item(&attribute, value).send().await.unwrap();

        let write = fragment(&file("a"), serial(1), facts("a"));
        let refused = stack.store.apply(&component(name), &write, NOW).await.unwrap_err();
        assert!(matches!(refused, StoreError::WrongShape { .. }) && !refused.is_retryable(), "{refused}");
        let unread = stack.store.record(&component(name), Read::Consistent).await.unwrap_err();
        assert_eq!(unread.code(), "stored-wrong-shape");
    }
}

#[tokio::test]
async fn two_source_objects_of_one_hash_do_not_overwrite_each_other() {
    let stack = Stack::start().await;
    let stands = AttributeValue::M(
        [
            ("v".to_owned(), AttributeValue::S(serial(1).to_string())),
            ("o".to_owned(), AttributeValue::S(file("b").to_string())),
        ]
        .into(),
    );
    let put = stack.raw.put_item().table_name(TABLE).item("pk", AttributeValue::S(component("orders").to_string()));
    let attribute = format!("f:{}", file("a").fragment_key());
    put.item("sk", AttributeValue::S("E".into())).item(attribute, stands).send().await.unwrap();

    let newer = fragment(&file("a"), serial(2), facts("a"));
    let refused = stack.store.apply(&component("orders"), &newer, NOW).await.unwrap_err();
    assert_eq!(refused.code(), "source-collision");
}

#[tokio::test]
async fn all_that_config_says_of_a_resource_is_one_fragment_whichever_account_says_it() {
    let stack = Stack::start().await;
    let bucket = Identity::of_canonical_arn("arn:aws:s3:::orders-archive");
    let key = RecordKey::Entity(bucket.clone());
    for (account, captured, said) in [("111122223333", 5, facts("a")), ("444455556666", 6, facts("b"))] {
        let source = SourceObject::config(Format::Config, account, &bucket);
        let version = Version::of_config(captured, 0, 0, NOW).unwrap();
        assert_eq!(stack.store.apply(&key, &fragment(&source, version, said), NOW).await.unwrap(), Applied::Applied);
    }
    assert_eq!(stack.store.record(&key, Read::Consistent).await.unwrap().fragments.len(), 1);
}

#[tokio::test]
async fn a_body_over_the_budget_goes_to_the_bucket_and_comes_back() {
    let stack = Stack::start().await;
    let said = large(0);
    for name in ["orders", "basket"] {
        let written = fragment(&file("a"), serial(1), said.clone());
        stack.store.apply(&component(name), &written, NOW).await.unwrap();
        let record = stack.store.record(&component(name), Read::Consistent).await.unwrap();
        assert_eq!(record.fragments[&file("a").fragment_key()], written);
    }
    assert_eq!(stack.objects("bodies").len(), 1, "equal bodies are one object");

    let object = format!("bodies/{}", stack.objects("bodies")[0]);
    stack.raw_s3.put_object().bucket(BUCKET).key(&object).body(b"other".to_vec().into()).send().await.unwrap();
    let corrupt = stack.store.record(&component("orders"), Read::Consistent).await.unwrap_err();
    assert_eq!((corrupt.code(), corrupt.is_retryable()), ("object-corrupt", false));
    stack.raw_s3.delete_object().bucket(BUCKET).key(&object).send().await.unwrap();
    let missing = stack.store.record(&component("orders"), Read::Consistent).await.unwrap_err();
    assert_eq!(missing.code(), "object-missing");
}

#[tokio::test]
async fn a_write_that_breaks_off_is_completed_by_the_same_write() {
    let stack = Stack::start().await;
    for (number, fault) in
        [Fault::Before(0), Fault::After(0), Fault::Before(1), Fault::After(1)].into_iter().enumerate()
    {
        let key = component(&number.to_string());
        let written = fragment(&file("a"), serial(1), large(number));
        let failed = with_fault(fault, stack.store.apply(&key, &written, NOW)).await.unwrap_err();
        assert!(failed.is_retryable(), "{failed}");
        let applied = stack.store.apply(&key, &written, NOW).await.unwrap();
        assert_eq!(applied, if fault == Fault::After(1) { Applied::Duplicate } else { Applied::Applied });
        let record = stack.store.record(&key, Read::Consistent).await.unwrap();
        assert_eq!(record.fragments[&file("a").fragment_key()], written);
    }
}

#[tokio::test]
async fn many_records_are_read_in_the_order_asked_for() {
    let stack = Stack::start().await;
    for number in 0..230 {
        let written = fragment(&file("a"), serial(number), facts(&number.to_string()));
        stack.store.apply(&component(&number.to_string()), &written, NOW).await.unwrap();
    }
    let mut keys: Vec<RecordKey> = (0..230).rev().map(|number| component(&number.to_string())).collect();
    keys.push(component("unknown"));
    keys.push(component("7"));
    keys.push(component("7"));

    stack.calls.take();
    let records = stack.store.records(&keys, Read::Eventual).await.unwrap();
    assert_eq!(stack.calls.of("BatchGetItem"), 3);
    assert_eq!(records.iter().map(|record| &record.key).collect::<Vec<_>>(), keys.iter().collect::<Vec<_>>());
    for record in records {
        match record.key.to_string().rsplit_once('/').unwrap().1 {
            "unknown" => assert_eq!(record, Record::empty(component("unknown"))),
            number => assert_eq!(record.fragments[&file("a").fragment_key()].said, facts(number)),
        }
    }
    assert!(stack.store.records(&[], Read::Consistent).await.unwrap().is_empty());
}

#[tokio::test]
async fn keys_that_one_answer_has_no_room_for_are_asked_for_again() {
    let stack = Stack::start().await;
    let keys: Vec<RecordKey> = (0..100).map(|number| component(&number.to_string())).collect();
    for key in &keys {
        let long = AttributeValue::S("x".repeat(200 * 1024));
        let put = stack.raw.put_item().table_name(TABLE).item("pk", AttributeValue::S(key.to_string()));
        let put = put.item("sk", AttributeValue::S("E".into())).item("rv", AttributeValue::N("7".into()));
        put.item("filler", long).send().await.unwrap();
    }
    stack.calls.take();
    let records = stack.store.records(&keys, Read::Consistent).await.unwrap();
    assert!(records.iter().all(|record| record.rv == 7));
    assert!(stack.calls.of("BatchGetItem consistent") > 1, "16 MB is the limit of an answer");
}

#[tokio::test]
async fn a_name_resolves_to_its_holder() {
    let stack = Stack::start().await;
    let key = |name: &str| Key::of_ref(&EntityRef::resource(name));
    let plain = Said::Claim(Claim { identity: Identity::of_canonical_arn("arn:aws:a"), by_arn: false });
    for (name, source, said) in [
        ("db", "one", plain),
        ("db", "two", claim("arn:aws:c")),
        ("db", "three", claim("arn:aws:b")),
        ("given-up", "one", Said::Gone),
    ] {
        stack.store.apply(&alias(name), &fragment(&file(source), serial(1), said), NOW).await.unwrap();
    }
    let holders = stack.store.resolve(&[key("db"), key("given-up"), key("never")]).await.unwrap();
    assert_eq!(holders.into_iter().collect::<Vec<_>>(), [(key("db"), Identity::of_canonical_arn("arn:aws:b"))]);
}

#[tokio::test]
async fn a_key_that_is_too_long_is_refused_before_any_call() {
    let stack = Stack::start().await;
    stack.calls.take();
    let key = component(&"x".repeat(2048));
    let refused = stack.store.apply(&key, &fragment(&file("a"), serial(1), facts("a")), NOW).await.unwrap_err();
    assert_eq!((refused.code(), refused.is_retryable()), ("key-too-long", false));
    assert!(stack.calls.take().is_empty());
}

#[tokio::test]
async fn the_images_of_the_stream_are_records() {
    let stack = Stack::start().await;
    let key = component("orders");
    stack.store.apply(&key, &fragment(&file("a"), serial(1), facts("a")), NOW).await.unwrap();
    stack.store.apply(&key, &fragment(&file("b"), serial(1), large(0)), NOW).await.unwrap();
    stack.store.apply(&key, &fragment(&file("c"), serial(1), Said::Gone), NOW).await.unwrap();
    stack.store.apply(&key, &fragment(&file("d"), serial(1), described("packed ".repeat(100))), NOW).await.unwrap();
    stack.store.count("config", &[("acked", 1)], NOW).await.unwrap();

    let stored = stack.store.record(&key, Read::Consistent).await.unwrap();
    let image = |pk: &str, sk: &str| {
        let get = stack.raw.get_item().table_name(TABLE).key("pk", AttributeValue::S(pk.into()));
        let get = get.key("sk", AttributeValue::S(sk.into()));
        async move { as_streamed(&get.send().await.unwrap().item.unwrap()) }
    };
    let of_record = image(&key.to_string(), "E").await;
    assert_eq!(stack.store.record_from_image(&of_record).await.unwrap(), Some(stored));
    let of_counts = image("m#counts", "config").await;
    assert_eq!(stack.store.record_from_image(&of_counts).await.unwrap(), None);
    assert_eq!(stack.store.record_from_image(&serde_dynamo::Item::from(Streamed::new())).await.unwrap(), None);
}

type Streamed = HashMap<String, serde_dynamo::AttributeValue>;

/// As Lambda hands it over: the same item through the JSON of an event.
fn as_streamed(item: &HashMap<String, AttributeValue>) -> serde_dynamo::Item {
    fn json(value: &AttributeValue) -> serde_json::Value {
        match value {
            AttributeValue::S(text) => serde_json::json!({ "S": text }),
            AttributeValue::N(number) => serde_json::json!({ "N": number }),
            AttributeValue::B(bytes) => serde_json::json!({ "B": BASE64_STANDARD.encode(bytes) }),
            AttributeValue::Ss(set) => serde_json::json!({ "SS": set }),
            AttributeValue::M(map) => {
                let map: serde_json::Map<String, serde_json::Value> =
                    map.iter().map(|(name, value)| (name.clone(), json(value))).collect();
                serde_json::json!({ "M": map })
            }
            other => panic!("no record has {other:?}"),
        }
    }
    let item: serde_json::Map<String, serde_json::Value> =
        item.iter().map(|(name, value)| (name.clone(), json(value))).collect();
    serde_json::from_value(item.into()).unwrap()
}
