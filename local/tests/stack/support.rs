//! What the tests of the local stack share: clients with any credentials, a plain HTTP client, a recorder.

use std::sync::{Arc, Mutex};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};
use callboard::{functions::Functions, ports::Endpoints};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

fn config(url: &str) -> SdkConfig {
    let credentials = Credentials::new("anyone", "anything", None, None, "test");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-central-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .endpoint_url(url)
        .build()
}

pub(crate) fn s3(endpoints: &Endpoints) -> aws_sdk_s3::Client {
    let config = aws_sdk_s3::config::Builder::from(&config(&endpoints.s3_url())).force_path_style(true).build();
    aws_sdk_s3::Client::from_conf(config)
}

pub(crate) fn dynamodb(endpoints: &Endpoints) -> aws_sdk_dynamodb::Client {
    aws_sdk_dynamodb::Client::new(&config(&endpoints.dynamodb_url()))
}

/// Every event that a function was invoked with.
#[derive(Clone, Default)]
pub(crate) struct Recorder(Arc<Mutex<Vec<Value>>>);

impl Recorder {
    pub(crate) fn note(&self, event: Value) {
        self.0.lock().unwrap().push(event);
    }

    pub(crate) fn events(&self) -> Vec<Value> {
        self.0.lock().unwrap().clone()
    }

    /// The records of all events, in order.
    pub(crate) fn records(&self) -> Vec<Value> {
        self.events().iter().flat_map(|event| event["Records"].as_array().unwrap().clone()).collect()
    }
}

/// Functions that accept everything, the one of this name recorded.
pub(crate) fn recording(name: &str, recorder: &Recorder) -> Functions {
    let recorder = recorder.clone();
    accepting().with(name, move |event| {
        recorder.note(event);
        async { Ok(json!({"batchItemFailures": []})) }
    })
}

pub(crate) fn accepting() -> Functions {
    callboard::wiring::FUNCTIONS
        .iter()
        .fold(Functions::new(), |functions, name| functions.with(name, async |_| Ok(json!({"batchItemFailures": []}))))
}

pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let line = self
            .head
            .lines()
            .find(|line| line.split_once(':').is_some_and(|(found, _)| found.eq_ignore_ascii_case(name)))?;
        line.split_once(':').map(|(_, value)| value.trim())
    }
}

/// One HTTP request, written as it stands.
pub(crate) async fn http(
    address: std::net::SocketAddr,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Reply {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut head = format!("{method} {target} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
    stream.write_all(head.as_bytes()).await.unwrap();
    // A server may refuse a body before it has read it.
    let _refused = stream.write_all(body).await;
    let mut reply = Vec::new();
    let _reset = stream.read_to_end(&mut reply).await;
    let text = String::from_utf8_lossy(&reply).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no HTTP reply: {text}"));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Reply { status, head: head.to_owned(), body: body.to_owned() }
}
