//! A request -> the route that answers it.

use std::convert::Infallible;

use aws_config::SdkConfig;
use aws_lambda_events::apigw::{ApiGatewayProxyRequest, ApiGatewayProxyResponse};
use catalog_follow::LiveCatalog;
use catalog_model::EntityRef;
use catalog_store::CatalogStore;
use delivery::api::ApiError;
use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use tracing::{info, instrument};

use crate::documents::Documents;
use crate::{Settings, catalog, costs, explain, pages, status};

/// What the handler is connected to, and what it remembers between requests.
#[derive(Debug)]
pub struct Deps {
    pub(crate) store: CatalogStore,
    pub(crate) live: LiveCatalog,
    pub(crate) documents: Documents,
}

impl Deps {
    pub fn connect(config: &SdkConfig, settings: &Settings) -> Self {
        Self::of_store(CatalogStore::connect(config, &settings.table_name, &settings.catalog_bucket))
    }

    pub fn of_store(store: CatalogStore) -> Self {
        Self { live: LiveCatalog::new(store.clone()), documents: Documents::default(), store }
    }
}

/// Answers every request; what goes wrong is an answer too.
///
/// # Errors
/// None.
#[instrument(skip_all, fields(http.method = %request.http_method, http.path = request.path.as_deref().unwrap_or("/")))]
pub async fn handle(
    request: ApiGatewayProxyRequest,
    deps: &Deps,
    now: Timestamp,
) -> Result<ApiGatewayProxyResponse, Infallible> {
    // Boxed: the compiler's limits on nested futures are not made for so many routes.
    let response = match Box::pin(route(&request, deps, now)).await {
        Ok(response) => response,
        Err(error) => {
            info!(status = error.status, message = error.message, "refused a request");
            error.into_response(&request)
        }
    };
    Ok(response)
}

async fn route(
    request: &ApiGatewayProxyRequest,
    deps: &Deps,
    now: Timestamp,
) -> Result<ApiGatewayProxyResponse, ApiError> {
    let path = request.path.as_deref().unwrap_or("/");
    // Texts of the path keep their case; its fixed parts are compared without.
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let lower: Vec<String> = parts.iter().map(|part| part.to_ascii_lowercase()).collect();
    let fixed: Vec<&str> = lower.iter().map(String::as_str).collect();
    let decoded = |at: usize| decode(parts[at]);
    let entity_ref = |at: usize| Ok::<_, ApiError>(EntityRef::new(&decoded(at)?, &decoded(at + 1)?, &decoded(at + 2)?));
    match (request.http_method.as_str(), fixed.as_slice()) {
        ("GET", ["api", "catalog", "entities"]) => catalog::entities(request, deps, now).await,
        ("GET", ["api", "catalog", "entities", "by-query"]) => catalog::by_query(request, deps, now).await,
        ("POST", ["api", "catalog", "entities", "by-refs"]) => catalog::by_refs(request, deps, now).await,
        ("GET", ["api", "catalog", "entities", "by-name", _, _, _]) => {
            catalog::by_name(request, &entity_ref(4)?, deps, now).await
        }
        ("GET", ["api", "catalog", "entities", "by-uid", _]) => catalog::by_uid(request, &decoded(4)?, deps, now).await,
        ("GET", ["api", "catalog", "entity-facets"]) => catalog::facets(request, deps, now).await,
        ("GET", ["api", "explain", _, _, _]) => explain::explain(request, &entity_ref(2)?, deps, now).await,
        ("GET", ["api", "status"]) => status::status(request, deps, now).await,
        ("GET", ["api", "costs"]) => costs::of_scope(request, deps, now).await,
        ("GET", ["api", "costs", "statements", _]) => costs::statement(request, &decoded(3)?, deps).await,
        ("GET", ["openapi.json"] | ["api", "catalog", "openapi.json"]) => pages::openapi(),
        ("GET", [""]) => pages::home(request),
        (_, ["api", "catalog", ..]) => {
            // As Backstage has it: no body at all.
            let mut response = ApiGatewayProxyResponse::default();
            response.status_code = 404;
            Ok(response)
        }
        (method, _) => {
            Err(ApiError::not_found(format!("there is no {method} {path}; GET /openapi.json describes what there is")))
        }
    }
}

fn decode(part: &str) -> Result<String, ApiError> {
    let bytes = part.as_bytes();
    let is_broken = |at: usize| !bytes.get(at + 1..at + 3).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit));
    if part.match_indices('%').any(|(at, _)| is_broken(at)) {
        return Err(ApiError::input("malformed uri'"));
    }
    percent_decode_str(part).decode_utf8().map(Into::into).map_err(|_| ApiError::input("malformed uri'"))
}

#[cfg(test)]
#[path = "handler_tests.rs"]
mod tests;
