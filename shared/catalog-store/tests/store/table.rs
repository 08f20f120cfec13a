use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};
use catalog_store::{CatalogStore, StoreError};
use serde_json::json;

use crate::stack::{BUCKET, Stack, TABLE, file, serial};

#[tokio::test]
async fn a_table_that_is_there_is_left_as_it_is() {
    let stack = Stack::start().await;
    stack.store.count("s", &[("a", 1)], 1).await.unwrap();
    stack.store.create_table().await.unwrap();
    assert_eq!(stack.store.status().await.unwrap().sources.len(), 1);

    let table = stack.raw.describe_table().table_name(TABLE).send().await.unwrap().table.unwrap();
    let stream = table.stream_specification.unwrap();
    assert_eq!(stream.stream_view_type.unwrap().as_str(), "NEW_AND_OLD_IMAGES");
    let expiry = stack.raw.describe_time_to_live().table_name(TABLE).send().await.unwrap();
    let expiry = expiry.time_to_live_description.unwrap();
    assert_eq!(expiry.attribute_name(), Some("expires_at"));
    assert_eq!(expiry.time_to_live_status().unwrap().as_str(), "ENABLED");
}

#[tokio::test]
async fn an_endpoint_in_the_configuration_means_buckets_by_path() {
    let stack = Stack::start().await;
    let credentials = Credentials::new("key", "secret", None, None, "tests");
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .retry_config(aws_sdk_s3::config::retry::RetryConfig::disabled())
        .endpoint_url(&stack.s3_endpoint)
        .build();
    // There is S3 alone behind this endpoint: the object arrives, the item does not.
    let store = CatalogStore::connect(&config, TABLE, BUCKET);
    let long = json!({ "text": "x".repeat(100_000) });
    let failed = store.put_receipt(&file("a"), &serial(1), &long).await.unwrap_err();
    assert!(matches!(failed, StoreError::Aws { operation: "PutItem", .. }), "{failed:?}");
    assert!(failed.is_retryable());
    assert_eq!(stack.objects("bodies").len(), 1);
}
