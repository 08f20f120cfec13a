//! The door of exports by HTTP, over the SDK's own connector: TLS and all, and no second client.

use std::time::Duration;

use aws_sdk_s3::{
    config::http::HttpRequest,
    primitives::{ByteStream, SdkBody},
};
use aws_smithy_http_client::{
    Connector,
    tls::{Provider, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::http::HttpConnector;
use serde_json::Value;
use url::Url;

use super::Failure;

/// API Gateway gives up on a function after 29 seconds; a local stack does not.
const TIMEOUT: Duration = Duration::from_secs(120);

const MAX_TRIES: u32 = 8;
const FIRST_BACKOFF: Duration = Duration::from_millis(500);

/// What the door said in the end.
pub(crate) enum Answer {
    Receipt(Value),
    Refused { path: String, status: u16, message: String },
}

pub(crate) struct Api {
    connector: Connector,
    base: String,
    token: Option<String>,
    producer: String,
}

impl Api {
    /// # Errors
    /// Fails on an address that is none.
    pub(crate) fn new(url: &str, token: Option<&str>, producer: &str) -> Result<Self, Failure> {
        let parsed = Url::parse(url).map_err(|error| format!("`{url}` is no URL: {error}"))?;
        if !matches!(parsed.scheme(), "http" | "https") {
            return Err(format!("`{url}` is neither http nor https").into());
        }
        let connector = Connector::builder().tls_provider(Provider::Rustls(CryptoMode::AwsLc)).build();
        let (base, token) = (url.trim_end_matches('/').to_owned(), token.map(str::to_owned));
        Ok(Self { connector, base, token, producer: producer.to_owned() })
    }

    pub(crate) async fn put(&self, name: &str, body: Vec<u8>) -> Result<Answer, Failure> {
        self.answer("PUT", name, body).await
    }

    pub(crate) async fn delete(&self, name: &str) -> Result<Answer, Failure> {
        self.answer("DELETE", name, Vec::new()).await
    }

    /// The last receipt.
    pub(crate) async fn get(&self, name: &str) -> Result<Answer, Failure> {
        self.answer("GET", name, Vec::new()).await
    }

    /// Tries again what is busy, broken or cut off: the same request twice counts once.
    async fn answer(&self, method: &str, name: &str, body: Vec<u8>) -> Result<Answer, Failure> {
        let path = format!("/api/exports/{}/catalog-info/{name}", self.producer);
        let body = bytes::Bytes::from(body);
        let mut backoff = FIRST_BACKOFF;
        for tries in 1.. {
            let problem = match self.send(method, &path, body.clone()).await {
                Ok((200, text)) => return Ok(Answer::Receipt(serde_json::from_slice(&text)?)),
                Ok((status @ (401 | 403), text)) => {
                    return Err(format!("{path} was answered with {status}: {}", message(&text)).into());
                }
                Ok((status, text)) if status != 429 && status < 500 => {
                    return Ok(Answer::Refused { path, status, message: message(&text) });
                }
                Ok((status, text)) => format!("{status}: {}", message(&text)),
                Err(error) => error.to_string(),
            };
            if tries == MAX_TRIES {
                return Err(format!("{method} {path} failed {tries} times, at last with {problem}").into());
            }
            tokio::time::sleep(backoff).await;
            backoff *= 2;
        }
        unreachable!("the last try returns")
    }

    async fn send(&self, method: &str, path: &str, body: bytes::Bytes) -> Result<(u16, Vec<u8>), Failure> {
        let mut request = http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header("content-type", "application/yaml")
            .header("content-length", body.len());
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let request = HttpRequest::try_from(request.body(SdkBody::from(body))?)?;
        let answer = async {
            let response = self.connector.call(request).await?;
            let status = response.status().as_u16();
            Ok::<_, Failure>((status, ByteStream::new(response.into_body()).collect().await?.to_vec()))
        };
        tokio::time::timeout(TIMEOUT, answer).await.map_err(|_| "no answer in time")?
    }
}

/// Of an error in Backstage's shape, or of whatever came.
fn message(text: &[u8]) -> String {
    let error: Option<Value> = serde_json::from_slice(text).ok();
    let message = error.as_ref().and_then(|error| error.pointer("/error/message")?.as_str().map(str::to_owned));
    message.unwrap_or_else(|| String::from_utf8_lossy(text).chars().take(300).collect())
}
