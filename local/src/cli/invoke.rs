//! A function of a running stack, invoked as Lambda's clients do it.

use std::{error::Error, time::Duration};

use aws_sdk_s3::{
    config::http::HttpRequest,
    primitives::{ByteStream, SdkBody},
};
use aws_smithy_http_client::Connector;
use aws_smithy_runtime_api::client::http::HttpConnector;
use serde_json::Value;

/// What Lambda gives a function at most.
const TIMEOUT: Duration = Duration::from_secs(15 * 60);
/// Lambda's Invoke API is the fourth port.
const INVOKE_PORT: u16 = 3;

/// The function's answer to an event.
///
/// # Errors
/// Fails when nothing listens, and when the function does.
pub(crate) async fn invoke(port_base: u16, function: &str, event: &Value) -> Result<Value, Box<dyn Error>> {
    let port = port_base.checked_add(INVOKE_PORT).ok_or("the first port is too large")?;
    let url = format!("http://127.0.0.1:{port}/2015-03-31/functions/{function}/invocations");
    let request = HttpRequest::try_from(http::Request::post(&url).body(SdkBody::from(event.to_string()))?)?;
    let connector = Connector::builder().build_http();
    let answer = tokio::time::timeout(TIMEOUT, connector.call(request)).await;
    let answer = answer.map_err(|_| format!("`{function}` did not answer"))?;
    let answer = answer.map_err(|error| format!("nothing answers at {url}: {error}"))?;
    let failed = answer.headers().get("x-amz-function-error").is_some() || !answer.status().is_success();
    let body = ByteStream::new(answer.into_body()).collect().await?.into_bytes();
    let report: Value = serde_json::from_slice(&body)?;
    if failed {
        return Err(format!("`{function}` failed: {report}").into());
    }
    Ok(report)
}
