//! The minimum of `config-change`, as `bench/peers/config` has it in Python and in Node: an SQS batch of Config's events -> one
//! conditional write for each item. What a change costs at least with the SDK for Rust, set up as the functions set it up;
//! `measure-config` runs it beside them.

use aws_config::{BehaviorVersion, stalled_stream_protection::StalledStreamProtectionConfig};
use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use futures::future::join_all;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

async fn apply(message: &SqsMessage, client: &Client, table: &str) -> Result<(), Error> {
    let event: Value = serde_json::from_str(message.body.as_deref().unwrap_or_default())?;
    let item = &event["detail"]["configurationItem"];
    let text = |name: &str| item[name].as_str().unwrap_or_default().to_owned();
    let state = item["configurationStateId"].to_string();
    let version = format!("{:>24}{:0>20}", text("configurationItemCaptureTime"), state.trim_matches('"'));
    let attributes = [
        ("pk", format!("e#{}", text("ARN"))),
        ("sk", "config".to_owned()),
        ("v", version.clone()),
        ("type", text("resourceType")),
        ("id", text("resourceId")),
        ("name", text("resourceName")),
        ("account", text("awsAccountId")),
        ("region", text("awsRegion")),
        ("status", text("configurationItemStatus")),
        ("tags", item["tags"].to_string()),
        ("relations", item["relationships"].to_string()),
        ("attributes", item["configuration"].to_string()),
    ];
    let put = client
        .put_item()
        .table_name(table)
        .set_item(Some(
            attributes.into_iter().map(|(name, value)| (name.to_owned(), AttributeValue::S(value))).collect(),
        ))
        .condition_expression("attribute_not_exists(v) OR v < :v")
        .expression_attribute_values(":v", AttributeValue::S(version));
    match put.send().await {
        // Stale, or a duplicate.
        Err(error) if error.as_service_error().is_some_and(|error| error.is_conditional_check_failed_exception()) => {
            Ok(())
        }
        put => Ok(put.map(|_| ())?),
    }
}

async fn handle(event: &SqsEvent, client: &Client, table: &str) -> SqsBatchResponse {
    let outcomes = join_all(event.records.iter().map(|message| apply(message, client, table))).await;
    let failed = event.records.iter().zip(outcomes).filter(|(_, outcome)| outcome.is_err());
    let mut response = SqsBatchResponse::default();
    response.batch_item_failures = failed
        .map(|(message, _)| {
            let mut failure = BatchItemFailure::default();
            failure.item_identifier = message.message_id.clone().unwrap_or_default();
            failure
        })
        .collect();
    response
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let table = &std::env::var("TABLE_NAME")?;
    let config = aws_config::defaults(BehaviorVersion::latest())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    let client = &Client::new(&config.load().await);
    let service = async move |event: LambdaEvent<SqsEvent>| Ok::<_, Error>(handle(&event.payload, client, table).await);
    lambda_runtime::run(service_fn(service)).await
}
