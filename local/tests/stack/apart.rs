//! DynamoDB in a process of its own, and what is said when it is the wrong one.

use crate::support::{Recorder, accepting, dynamodb, recording};
use aws_sdk_dynamodb::types::AttributeValue;
use callboard::{
    DynamoDb, TableFolderError,
    stack::{Stack, StackOptions, StartError},
};

#[tokio::test]
async fn a_stack_follows_the_stream_of_a_table_that_another_process_serves() {
    let data = tempfile::tempdir().unwrap();
    let options = |dynamodb| StackOptions { data: Some(data.path().to_owned()), dynamodb, ..StackOptions::default() };
    let apart = DynamoDb::start(0, data.path()).await.unwrap();
    let recorder = Recorder::default();
    let functions = recording("catalog-index", &recorder);
    let stack = Stack::start(options(Some(apart.address())), |_| functions).await.unwrap();
    assert_eq!(stack.endpoints().dynamodb, apart.address());
    let client = dynamodb(&stack.endpoints());
    let text = |value: &str| AttributeValue::S(value.to_owned());
    for pk in ["a", "b"] {
        let put = client.put_item().table_name("callboard").item("pk", text(pk)).item("sk", text("E"));
        put.send().await.unwrap();
    }
    stack.idle().await.unwrap();
    assert_eq!(recorder.records().len(), 2);

    let taken = DynamoDb::start(0, data.path()).await.unwrap_err();
    assert!(matches!(taken, StartError::TableFolder(TableFolderError::InUse { .. })), "{taken}");
    stack.shutdown().await;
    // As before, once it is gone.
    let in_use = Stack::start(options(None), |_| accepting()).await.unwrap_err();
    assert!(matches!(in_use, StartError::TableFolder(TableFolderError::InUse { .. })), "{in_use}");
    apart.shutdown().await;
    let stack = Stack::start(options(None), |_| accepting()).await.unwrap();
    let client = dynamodb(&stack.endpoints());
    let got = client.get_item().table_name("callboard").key("pk", text("b")).key("sk", text("E")).send().await;
    assert!(got.unwrap().item.is_some());
    stack.shutdown().await;
}

#[tokio::test]
async fn a_table_that_is_not_served_or_elsewhere_is_named() {
    let (data, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let apart = DynamoDb::start(0, data.path()).await.unwrap();
    let options = |data: Option<&std::path::Path>, port: u16| StackOptions {
        data: data.map(std::path::Path::to_owned),
        dynamodb: Some(std::net::SocketAddr::from(([127, 0, 0, 1], port))),
        ..StackOptions::default()
    };
    let start = async |options| Stack::start(options, |_| accepting()).await.unwrap_err();
    let port = apart.address().port();
    let wrong_folder = start(options(Some(other.path()), port)).await;
    assert!(matches!(wrong_folder, StartError::TableFolder(TableFolderError::NotServed { .. })), "{wrong_folder}");
    assert!(wrong_folder.to_string().contains("callboard dynamodb"), "{wrong_folder}");
    let wrong_port = start(options(Some(data.path()), 1)).await;
    assert!(wrong_port.to_string().contains(&apart.address().to_string()), "{wrong_port}");
    assert!(matches!(start(options(None, port)).await, StartError::NoFolder));
    apart.shutdown().await;
}
