//! The read side of Backstage's catalog API, under `/api/catalog`.

mod by_name;
mod by_query;
mod by_refs;
mod entities;
mod facets;

pub(crate) use by_name::{Found, by_name, by_uid, find};
pub(crate) use by_query::by_query;
pub(crate) use by_refs::by_refs;
pub(crate) use entities::entities;
pub(crate) use facets::facets;

use catalog_model::{EntityRef, Identity};
use catalog_search::{Filter, Projection, render};
use delivery::api::ApiError;
use serde_json::Value;

use crate::answers::unavailable;
use crate::handler::Deps;
use crate::parameters::Parameters;

fn filter(parameters: &Parameters<'_>) -> Result<Filter, ApiError> {
    Filter::parse(parameters.all("filter")).map_err(|error| ApiError::input(error.to_string()))
}

fn projection<'a>(fields: impl IntoIterator<Item = &'a str>) -> Result<Option<Projection>, ApiError> {
    Projection::parse(fields).map_err(|error| ApiError::input(error.to_string()))
}

/// Entities as they are shown, in the order asked for; `None` for what does not exist any more.
async fn rendered(
    identities: &[Identity],
    projection: Option<&Projection>,
    deps: &Deps,
) -> Result<Vec<Option<Value>>, ApiError> {
    let documents = deps.documents.get(identities, &deps.live, &deps.store).await.map_err(unavailable)?;
    let catalog = deps.live.read().await;
    let show = |stitched: &catalog_model::Stitched| {
        let entity = render(stitched, &catalog);
        projection.map_or_else(|| entity.clone(), |projection| projection.apply(&entity))
    };
    Ok(documents.iter().map(|stitched| stitched.as_deref().map(show)).collect())
}

fn not_found(entity_ref: &EntityRef) -> ApiError {
    ApiError::not_found(format!(
        "No entity named '{}' found, with kind '{}' in namespace '{}'",
        entity_ref.name(),
        entity_ref.kind(),
        entity_ref.namespace()
    ))
}
