//! `callboard rebuild`: the index of a running stack made anew from its records, or compared with them.

use std::{error::Error, time::Duration};

use aws_sdk_s3::{
    config::http::HttpRequest,
    primitives::{ByteStream, SdkBody},
};
use aws_smithy_http_client::Connector;
use aws_smithy_runtime_api::client::http::HttpConnector;
use callboard::wiring;
use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::terminal::say;

/// What Lambda gives the function.
const TIMEOUT: Duration = Duration::from_secs(15 * 60);
/// Lambda's Invoke API is the fourth port.
const INVOKE_PORT: u16 = 3;

/// Make the index of a running stack anew from its records, and let it count
#[derive(Debug, Args)]
#[command(
    after_help = "Against a deployed stack, the same is:\n  aws lambda invoke --function-name <CatalogReconcileFunction> \\\n    \
                        --cli-binary-format raw-in-base64-out --payload '{\"action\":\"rebuild\"}' /dev/stdout"
)]
pub(crate) struct Rebuild {
    /// What to do
    #[arg(value_enum, default_value_t = Action::Rebuild)]
    action: Action,
    /// First of the local stack's ports
    #[arg(long, value_name = "PORT", default_value_t = 7407)]
    port_base: u16,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Action {
    /// Make it anew, whatever it says
    Rebuild,
    /// Make it anew if it cannot be followed, or was made by other rules
    RebuildIfNeeded,
    /// Compare it with the records, and replace it if it says something else
    Compare,
}

/// Says what the function reports.
///
/// # Errors
/// Fails when nothing listens, and when the function does.
pub(crate) async fn rebuild(options: Rebuild) -> Result<(), Box<dyn Error>> {
    let port = options.port_base.checked_add(INVOKE_PORT).ok_or("the first port is too large")?;
    let function = wiring::CATALOG_RECONCILE;
    let url = format!("http://127.0.0.1:{port}/2015-03-31/functions/{function}/invocations");
    let action = match options.action {
        Action::Rebuild => "rebuild",
        Action::RebuildIfNeeded => "rebuild-if-needed",
        Action::Compare => "compare",
    };
    let event = SdkBody::from(json!({ "action": action }).to_string());
    let request = HttpRequest::try_from(http::Request::post(&url).body(event)?)?;
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
    say(serde_json::to_string_pretty(&report)?);
    Ok(())
}
