//! Tokens signed here, against an issuer that is served on loopback.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod issuer;
mod keys;
mod refusals;
mod signing;

use authorizer::{Allowed, AuthorizeError, Deps, Event, Settings, handle};
use jiff::Timestamp;
use serde_json::json;

/// 2026-01-01T00:00:00Z, on which most tests play.
const NOW_S: i64 = 1_767_225_600;
const AUDIENCE: &str = "backstage";

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// A request with these values of the header `authorization`.
fn event(values: &[&str]) -> Event {
    let mut event = json!({
        "type": "REQUEST",
        "methodArn": "arn:aws:execute-api:us-east-1:000000000000:local/live/GET/api/status",
        "headers": {"Host": "x"},
        "multiValueHeaders": {"Host": ["x"]},
    });
    if let Some(last) = values.last() {
        event["headers"]["Authorization"] = json!(last);
        event["multiValueHeaders"]["Authorization"] = json!(values);
    }
    serde_json::from_value(event).unwrap()
}

async fn ask(deps: &Deps, token: &str, now_s: i64) -> Result<Allowed, AuthorizeError> {
    handle(event(&[&format!("Bearer {token}")]), deps, at(now_s)).await
}

/// Takes tokens of this issuer, whose keys are where its discovery document says.
fn deps(issuer: &str) -> Deps {
    Deps::new(Settings::read(issuer, "", AUDIENCE, "", "").unwrap())
}
