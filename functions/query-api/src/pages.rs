//! `GET /` and `GET /openapi.json`: what there is.

use aws_lambda_events::apigw::ApiGatewayProxyRequest;
use delivery::api::header;

use crate::answers::{self, Answer};

const OPENAPI: &str = include_str!("openapi.json");
const HOME: &str = include_str!("home.html");

pub(crate) fn openapi() -> Answer {
    answers::json_text(OPENAPI.to_owned())
}

/// A page for people; who asks for JSON gets the OpenAPI document.
pub(crate) fn home(request: &ApiGatewayProxyRequest) -> Answer {
    let accept = header(request, "accept").unwrap_or_default().to_ascii_lowercase();
    if accept.contains("application/json") && !accept.contains("text/html") {
        return openapi();
    }
    answers::text("text/html; charset=utf-8", HOME.to_owned())
}
