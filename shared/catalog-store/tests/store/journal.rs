//! What long files said, in parts of the journal.

use catalog_model::{RecordKey, Said};
use catalog_store::StoreError;
use futures::TryStreamExt;
use sha2::{Digest, Sha256};

use crate::stack::{BUCKET, Stack, alias, claim, component, facts};

/// Some five megabytes: more than a part.
fn statements() -> Vec<(RecordKey, Said)> {
    let long = |number: u32| (component(&format!("c{number}")), facts(&number.to_string().repeat(500_000)));
    (0..10).map(long).chain([(alias("queue"), claim("arn:aws:sqs:eu-west-1:111122223333:queue"))]).collect()
}

async fn packed(stack: &Stack, statements: &[(RecordKey, Said)]) -> Vec<String> {
    let mut parts = stack.store.journal_parts();
    for (key, said) in statements {
        parts.push(key, said).await.unwrap();
    }
    parts.finish().await.unwrap()
}

/// Puts an object as another build, or a broken disk, would.
async fn put(stack: &Stack, key: &str, content: Vec<u8>) {
    stack.raw_s3.put_object().bucket(BUCKET).key(key).body(content.into()).send().await.unwrap();
}

#[tokio::test]
async fn what_went_into_parts_comes_back_in_its_order_and_is_no_entry_by_itself() {
    let stack = Stack::start().await;
    let statements = statements();
    let parts = packed(&stack, &statements).await;
    assert_eq!(parts.len(), 2);
    assert_eq!(stack.store.journal("", 100).await.unwrap().keys, [""; 0]);

    let back: Vec<_> = stack.store.journal_statements(&parts).try_collect().await.unwrap();
    assert!(back == statements, "they differ");
    let records = stack.store.journal_records(&parts).await.unwrap();
    assert_eq!(records, statements.iter().map(|(key, _)| key.clone()).collect());

    // The same again needs no more objects.
    assert_eq!(packed(&stack, &statements).await, parts);
    assert_eq!(stack.objects("journal-parts").len(), 2);
}

#[tokio::test]
async fn a_part_that_is_missing_or_damaged_is_named_and_nothing_after_it_is_read() {
    let stack = Stack::start().await;
    let parts = packed(&stack, &statements()).await;
    let key = format!("journal-parts/{}", parts[1]);
    let first_error = async || {
        let records = stack.store.journal_records(&parts).await.unwrap_err();
        let statements = stack.store.journal_statements(&parts).try_collect::<Vec<_>>().await.unwrap_err();
        assert_eq!(records.to_string(), statements.to_string());
        records
    };
    put(&stack, &key, zstd::encode_all(&b"[\"e#component:default/other\",\"gone\"]\n"[..], 3).unwrap()).await;
    assert!(matches!(first_error().await, StoreError::CorruptObject { key: named } if named == key));
    stack.raw_s3.delete_object().bucket(BUCKET).key(&key).send().await.unwrap();
    assert!(matches!(first_error().await, StoreError::MissingObject { key: named } if named == key));

    // Of the right hash, and yet not what is written here.
    for content in [b"{}".to_vec(), zstd::encode_all(&b"[\"e#component:default/c\"]\n"[..], 3).unwrap()] {
        let hash = hex::encode(Sha256::digest(&content));
        put(&stack, &format!("journal-parts/{hash}"), content).await;
        let error = stack.store.journal_records(std::slice::from_ref(&hash)).await.unwrap_err();
        assert!(matches!(error, StoreError::CorruptObject { key } if key.ends_with(&hash)));
    }
}
