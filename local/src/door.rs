//! The authorizer at the door: a request -> who asks, or a refusal. As API Gateway with a Lambda authorizer, whose answers
//! are not kept here.
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-use-lambda-authorizer.html>

use std::sync::Arc;

use http::{StatusCode, request::Parts};
use jiff::Timestamp;
use serde_json::Value;
use tracing::error;

use crate::{
    api::Refusal,
    connected,
    functions::{FunctionError, Functions},
    gateway, wiring,
};

/// API Gateway answers 401 when an authorizer fails with this text.
const UNAUTHORIZED: &str = "Unauthorized";

/// `functions` with the authorizer among them, as it runs in AWS.
pub(crate) fn with_authorizer(functions: Functions, settings: authorizer::Settings) -> Functions {
    let deps = Arc::new(authorizer::Deps::new(settings));
    functions.with(wiring::AUTHORIZER, move |event| {
        let deps = Arc::clone(&deps);
        async move { connected::answer(authorizer::handle(connected::read(event)?, &deps, Timestamp::now()).await) }
    })
}

/// What the functions are told of who asks.
pub(crate) async fn authorize(functions: &Functions, parts: &Parts) -> Result<Value, Refusal> {
    let method_arn = gateway::method_arn(parts);
    let answer = functions.invoke(wiring::AUTHORIZER, gateway::authorizer_event(parts, &method_arn)).await;
    let mut answer = answer.map_err(|cause| refusal(&cause))?;
    if !allows(&answer["policyDocument"], &method_arn) {
        let message = "this token does not admit to this request";
        return Err(Refusal::new(StatusCode::FORBIDDEN, "NotAllowedError", message));
    }
    let mut context = answer["context"].take();
    if !context.is_object() {
        context = Value::Object(serde_json::Map::new());
    }
    context["principalId"] = answer["principalId"].take();
    Ok(context)
}

fn refusal(cause: &FunctionError) -> Refusal {
    if cause.message == UNAUTHORIZED {
        let message = "send a token that is valid here, once, as `Authorization: Bearer <token>`";
        return Refusal::new(StatusCode::UNAUTHORIZED, "AuthenticationError", message);
    }
    error!(function = wiring::AUTHORIZER, error = cause as &dyn std::error::Error, "function failed");
    let message = "the authorizer could not decide on this request; the log of the stack says why";
    Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "Error", message)
}

/// Whether a policy allows a method and does not deny it.
fn allows(policy: &Value, method_arn: &str) -> bool {
    let statements = policy["Statement"].as_array().map_or(&[][..], Vec::as_slice);
    let says = |effect: &str| {
        statements.iter().any(|statement| {
            statement["Effect"] == effect
                && statement["Resource"].as_str().is_some_and(|pattern| is_like(pattern, method_arn))
        })
    };
    says("Allow") && !says("Deny")
}

/// IAM's patterns: `*` stands for any text.
fn is_like(pattern: &str, text: &str) -> bool {
    let Some((before, after)) = pattern.split_once('*') else { return pattern == text };
    let Some(rest) = text.strip_prefix(before) else { return false };
    if after.is_empty() {
        return true;
    }
    rest.char_indices().map(|(at, _)| &rest[at..]).any(|rest| is_like(after, rest))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_denial_wins_over_an_allowance() {
        let policy = json!({"Statement": [
            {"Effect": "Allow", "Resource": "arn:api/live/*"},
            {"Effect": "Deny", "Resource": "arn:api/live/*/api/exports/*"},
        ]});
        assert!(allows(&policy, "arn:api/live/GET/api/status"));
        assert!(!allows(&policy, "arn:api/live/PUT/api/exports/a/b/c"));
        assert!(!allows(&policy, "arn:other/live/GET/"));
        assert!(!allows(&json!({"Statement": [{"Effect": "Deny", "Resource": "*"}]}), "x"));
        assert!(!allows(&Value::Null, "x"));
    }

    #[test]
    fn a_pattern_matches_as_iams_does() {
        for (pattern, text, is_match) in
            [("*", "", true), ("a*c", "abbc", true), ("a*c", "ab", false), ("a*b*", "aab", true), ("a", "ab", false)]
        {
            assert_eq!(is_like(pattern, text), is_match, "{pattern} {text}");
        }
    }
}
