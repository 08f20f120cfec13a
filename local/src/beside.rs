//! Services of AWS that listen beside Lambda's Invoke API, told apart by the target of a request.

use std::sync::Arc;

use axum::{Router, body::Bytes, extract::State, routing::post};
use http::HeaderMap;

use crate::{
    codepipeline,
    config_aggregator::{Aggregator, TARGET_PREFIX},
    state::State as Kept,
};

pub(crate) fn router(kept: Arc<Kept>, aggregator: Aggregator) -> Router {
    let jobs = codepipeline::router(Arc::clone(&kept));
    let answer = async |State((kept, aggregator)): State<(Arc<Kept>, Aggregator)>, headers: HeaderMap, body: Bytes| {
        let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
        if target.starts_with(TARGET_PREFIX) {
            aggregator.answer(&headers, &body).await
        } else {
            codepipeline::put(&kept, &headers, &body)
        }
    };
    Router::new().route("/", post(answer)).with_state((kept, aggregator)).merge(jobs)
}
