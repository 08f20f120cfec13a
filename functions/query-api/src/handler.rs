//! A request -> the route that answers it.

use std::sync::Arc;

use aws_config::SdkConfig;
use aws_lambda_events::apigw::ApiGatewayProxyRequest;
use catalog_follow::LiveCatalog;
use catalog_model::EntityRef;
use catalog_store::CatalogStore;
use delivery::api::ApiError;
use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use tokio::sync::OnceCell;
use tracing::{error, info, instrument};

use crate::answers::{Answer, AnswerBody, unavailable};
use crate::costs::Rollups;
use crate::cursor::CursorKey;
use crate::documents::Documents;
use crate::{Settings, catalog, changes, cost_insights, costs, deployments, encodings, explain, pages, status};

/// What the handler is connected to, and what it remembers between requests.
#[derive(Debug)]
pub struct Deps {
    pub(crate) store: CatalogStore,
    pub(crate) live: LiveCatalog,
    pub(crate) documents: Documents,
    pub(crate) rollups: Rollups,
    cursor_key: OnceCell<CursorKey>,
    /// While there is no key for all: nothing was ever indexed.
    own_cursor_key: OnceCell<CursorKey>,
}

impl Deps {
    pub fn connect(config: &SdkConfig, settings: &Settings) -> Self {
        let store = CatalogStore::connect(config, &settings.table_name, &settings.catalog_bucket);
        Self::new(store, OnceCell::new())
    }

    /// With a key for cursors instead of the one that is found where it is needed first.
    pub fn of_store(store: CatalogStore, cursor_key: CursorKey) -> Self {
        Self::new(store, OnceCell::new_with(Some(cursor_key)))
    }

    fn new(store: CatalogStore, cursor_key: OnceCell<CursorKey>) -> Self {
        let live = LiveCatalog::new(store.clone());
        let (documents, rollups) = (Documents::default(), Rollups::default());
        Self { live, documents, rollups, store, cursor_key, own_cursor_key: OnceCell::new() }
    }

    /// What signs and checks cursors.
    pub(crate) async fn cursor_key(&self) -> Result<&CursorKey, ApiError> {
        if let Some(key) = self.cursor_key.get() {
            return Ok(key);
        }
        match self.store.cursor_key().await.map_err(unavailable)? {
            Some(key) => Ok(self.cursor_key.get_or_init(async || CursorKey::new(key)).await),
            None => self.own_cursor_key.get_or_try_init(async || own_cursor_key()).await,
        }
    }
}

/// A key of this instance alone: another one refuses cursors that were signed with it.
fn own_cursor_key() -> Result<CursorKey, ApiError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|source| {
        error!(error = %source, "there is no randomness for a key");
        ApiError::internal()
    })?;
    Ok(CursorKey::new(bytes))
}

/// Answers every request; what goes wrong is an answer too.
#[instrument(skip_all, fields(http.method = %request.http_method, http.path = request.path.as_deref().unwrap_or("/")))]
pub async fn handle(mut request: ApiGatewayProxyRequest, deps: &Arc<Deps>, now: Timestamp) -> Answer {
    // As express does: HEAD is a GET without the body.
    let is_head = request.http_method.as_str() == "HEAD";
    if is_head {
        request.http_method = http::Method::GET;
    }
    // Boxed: the compiler's limits on nested futures are not made for so many routes.
    let answer = match Box::pin(route(&request, deps, now)).await {
        Ok(answer) => answer,
        Err(error) => {
            info!(status = error.status, message = error.message, "refused a request");
            Answer::of_error(error, &request)
        }
    };
    let answer = encodings::finished(answer, &request);
    if is_head { Answer { body: AnswerBody::Full(bytes::Bytes::new()), ..answer } } else { answer }
}

async fn route(request: &ApiGatewayProxyRequest, deps: &Arc<Deps>, now: Timestamp) -> Result<Answer, ApiError> {
    let path = request.path.as_deref().unwrap_or("/");
    // Texts of the path keep their case; its fixed parts are compared without.
    let inner = path.strip_prefix('/').unwrap_or(path);
    let parts: Vec<&str> = inner.strip_suffix('/').unwrap_or(inner).split('/').collect();
    let lower: Vec<String> = parts.iter().map(|part| part.to_ascii_lowercase()).collect();
    let fixed: Vec<&str> = lower.iter().map(String::as_str).collect();
    let method = request.http_method.as_str();
    match (method, fixed.as_slice()) {
        (_, ["api", "catalog", below @ ..]) => catalog_route(request, &parts[2..], below, deps, now).await,
        ("GET", ["api", "explain", _, _, _]) => {
            let [kind, namespace, name] = decoded(&parts[2..])?;
            explain::explain(request, &EntityRef::new(&kind, &namespace, &name), deps, now).await
        }
        ("GET", ["api", "changes"]) => changes::changes(request, deps, now).await,
        ("GET", ["api", "status"]) => status::status(request, deps, now).await,
        ("GET", ["api", "deployments"]) => deployments::deployments(request, deps, now).await,
        ("GET", ["api", "dora"]) => deployments::dora(request, deps, now).await,
        ("GET", ["api", "costs"]) => costs::of_scope(request, deps, now).await,
        ("GET", ["api", "costs", "statements", _]) => costs::statement(request, &decode(parts[3])?, deps, now).await,
        ("GET", ["api", "costs", "coverage"]) => costs::coverage(request, deps, now).await,
        ("GET", ["api", "costs", "unallocated"]) => costs::missing(request, deps, now).await,
        ("GET", ["api", "costs", "actions"]) => costs::actions(request, deps, now).await,
        ("GET", ["api", "cost-insights", below @ ..]) => {
            let parts = parts[2..].iter().map(|part| decode(part)).collect::<Result<Vec<String>, ApiError>>()?;
            cost_insights::route(request, &parts, below, deps, now).await
        }
        ("GET", ["openapi.json"]) => Ok(pages::openapi()),
        ("GET", [""]) => Ok(pages::home(request)),
        _ => {
            Err(ApiError::not_found(format!("there is no {method} {path}; GET /openapi.json describes what there is")))
        }
    }
}

/// `parts` and `fixed`: the path below the catalog, as it is and in lower case.
async fn catalog_route(
    request: &ApiGatewayProxyRequest,
    parts: &[&str],
    fixed: &[&str],
    deps: &Arc<Deps>,
    now: Timestamp,
) -> Result<Answer, ApiError> {
    let fixed = if fixed.contains(&"") { &[] } else { fixed };
    match (request.http_method.as_str(), fixed) {
        ("GET", ["entities"]) => catalog::entities(request, deps, now).await,
        ("GET", ["entities", "by-query"]) => catalog::by_query(request, deps, now).await,
        ("POST", ["entities", "by-query"]) => catalog::by_query_body(request, deps, now).await,
        ("POST", ["entities", "by-refs"]) => catalog::by_refs(request, deps, now).await,
        ("GET", ["entities", "by-name", _, _, _]) => {
            catalog::by_name(request, &decoded(&parts[2..5])?, deps, now).await
        }
        ("GET", ["entities", "by-name", _, _, _, "ancestry"]) => {
            catalog::ancestry(request, &decoded(&parts[2..5])?, deps, now).await
        }
        ("GET", ["entities", "by-uid", _]) => catalog::by_uid(request, &decode(parts[2])?, deps, now).await,
        ("DELETE", ["entities", "by-uid", _]) => decode(parts[2]).and_then(|_| catalog::remove(request)),
        ("GET", ["entity-facets"]) => catalog::facets(request, deps, now).await,
        ("POST", ["entity-facets"]) => catalog::facets_body(request, deps, now).await,
        ("POST", ["refresh"]) => catalog::refresh(request, deps, now).await,
        ("GET", ["locations"]) => catalog::locations(request),
        ("POST", ["locations"]) => catalog::add_location(request),
        ("POST", ["locations", "by-query"]) => catalog::locations_by_query(request),
        ("GET", ["locations", "by-entity", _, _, _]) => {
            catalog::location_by_entity(request, &decoded(&parts[2..5])?, deps, now).await
        }
        ("GET" | "PUT" | "DELETE", ["locations", _]) => catalog::location_by_id(request, &decode(parts[1])?),
        ("POST", ["analyze-location"]) => catalog::analyze_location(request),
        ("POST", ["validate-entity"]) => catalog::validate_entity(request),
        ("GET", ["openapi.json"]) => Ok(pages::openapi()),
        // As Backstage has it: no body at all.
        _ => Ok(Answer::empty(404)),
    }
}

/// Kind, namespace and name.
fn decoded(parts: &[&str]) -> Result<[String; 3], ApiError> {
    let at = |index: usize| decode(parts.get(index).copied().unwrap_or_default());
    Ok([at(0)?, at(1)?, at(2)?])
}

fn decode(part: &str) -> Result<String, ApiError> {
    let bytes = part.as_bytes();
    let is_broken = |at: usize| !bytes.get(at + 1..at + 3).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit));
    if part.match_indices('%').any(|(at, _)| is_broken(at)) {
        return Err(ApiError::input("malformed uri'"));
    }
    let text: String =
        percent_decode_str(part).decode_utf8().map(Into::into).map_err(|_| ApiError::input("malformed uri'"))?;
    if text.contains('\0') {
        return Err(ApiError::input("request/params must not hold the character NUL"));
    }
    Ok(text)
}

#[cfg(test)]
#[path = "handler_tests.rs"]
mod tests;
