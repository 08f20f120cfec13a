//! An address -> the short JSON document there, within limits of size and time. Redirects are not followed.

use std::time::Duration;

use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use http_body_util::{BodyExt, Limited};

/// A key set of a hundred keys stays below.
const MAX_DOCUMENT_BYTES: usize = 256 * 1024;
/// From the first packet to the last byte: API Gateway waits for an authorizer for ten seconds, and there may be two
/// documents to read.
const TIMEOUT: Duration = Duration::from_secs(4);

/// What came instead of a document.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchError {
    #[error("`{url}` is no address that can be asked")]
    Address { url: String },
    #[error("`{url}` cannot be reached")]
    Connection {
        url: String,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("`{url}` was answered with status {status}")]
    Status { url: String, status: u16 },
    #[error("the document at `{url}` breaks off, or has more than {MAX_DOCUMENT_BYTES} bytes")]
    Body {
        url: String,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("`{url}` took longer than {} seconds", TIMEOUT.as_secs())]
    Timeout { url: String },
}

/// Asks over HTTPS, with the TLS that the AWS SDK uses.
#[derive(Debug)]
pub(crate) struct Fetcher(Connector);

impl Fetcher {
    pub(crate) fn new() -> Self {
        Self(Connector::builder().tls_provider(Provider::Rustls(CryptoMode::AwsLc)).build())
    }

    pub(crate) async fn get(&self, url: &str) -> Result<Vec<u8>, FetchError> {
        match tokio::time::timeout(TIMEOUT, self.read(url)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(FetchError::Timeout { url: url.to_owned() }),
        }
    }

    async fn read(&self, url: &str) -> Result<Vec<u8>, FetchError> {
        let mut request = HttpRequest::get(url).map_err(|_| FetchError::Address { url: url.to_owned() })?;
        request.headers_mut().insert("accept", "application/json");
        request.headers_mut().insert("user-agent", "callboard-authorizer");
        let response = self.0.call(request).await;
        let response =
            response.map_err(|source| FetchError::Connection { url: url.to_owned(), source: Box::new(source) })?;
        let status = response.status().as_u16();
        if status != 200 {
            return Err(FetchError::Status { url: url.to_owned(), status });
        }
        let body = Limited::new(response.into_body(), MAX_DOCUMENT_BYTES).collect().await;
        let body = body.map_err(|source| FetchError::Body { url: url.to_owned(), source })?;
        Ok(body.to_bytes().into())
    }
}
