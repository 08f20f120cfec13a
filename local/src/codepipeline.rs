//! What CodePipeline hears of its jobs: `PutJobSuccessResult` and `PutJobFailureResult`, and `GET /jobs/{id}` to see what was
//! said. There are no pipelines here: a job is handed over with Lambda's Invoke API, as CodePipeline does it.
//! <https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_PutJobSuccessResult.html>

use std::sync::Arc;

use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    response::Response,
    routing::get,
};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::{Value, json};

use crate::state::State as Kept;

const TARGETS: [(&str, &str); 2] = [
    ("CodePipeline_20150709.PutJobSuccessResult", "succeeded"),
    ("CodePipeline_20150709.PutJobFailureResult", "failed"),
];

pub(crate) fn router(kept: Arc<Kept>) -> Router {
    Router::new().route("/jobs/{id}", get(show)).with_state(kept)
}

/// What is said of a job, at `/`.
pub(crate) fn put(kept: &Kept, headers: &HeaderMap, body: &Bytes) -> Response {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    let Some((_, status)) = TARGETS.iter().find(|(name, _)| *name == target) else {
        return failure("UnknownOperationException", "only results of jobs are taken here");
    };
    let Ok(Value::Object(mut result)) = serde_json::from_slice(body) else {
        return failure("SerializationException", "the body is no JSON object");
    };
    let id = match result.get("jobId").and_then(Value::as_str) {
        Some(id) if !id.is_empty() => fact(id),
        _ => return failure("ValidationException", "the result names no job"),
    };
    result.insert("status".to_owned(), (*status).into());
    match kept.fact(&id) {
        // The first word counts, as in AWS.
        Ok(Some(_)) => failure("InvalidJobStateException", "the job is over"),
        Ok(None) => match kept.set_fact(&id, &Value::Object(result).to_string()) {
            Ok(()) => answer(StatusCode::OK, "{}".to_owned()),
            Err(_) => answer(StatusCode::INTERNAL_SERVER_ERROR, "{}".to_owned()),
        },
        Err(_) => answer(StatusCode::INTERNAL_SERVER_ERROR, "{}".to_owned()),
    }
}

async fn show(State(kept): State<Arc<Kept>>, Path(id): Path<String>) -> Response {
    match kept.fact(&fact(&id)) {
        Ok(Some(result)) => answer(StatusCode::OK, result),
        _ => answer(StatusCode::NOT_FOUND, json!({"message": "of this job nothing was said yet"}).to_string()),
    }
}

fn fact(job: &str) -> String {
    format!("job {job}")
}

fn failure(kind: &str, message: &str) -> Response {
    answer(StatusCode::BAD_REQUEST, json!({"__type": kind, "message": message}).to_string())
}

fn answer(status: StatusCode, body: String) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert("content-type", HeaderValue::from_static("application/x-amz-json-1.1"));
    response
}
