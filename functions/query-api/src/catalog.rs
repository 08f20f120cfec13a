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

use crate::answers::{self, unavailable};
use crate::handler::Deps;
use crate::live::whole;
use crate::parameters::Parameters;

fn filter(parameters: &Parameters<'_>) -> Result<Filter, ApiError> {
    Filter::parse(parameters.all("filter")).map_err(|error| ApiError::input(error.to_string()))
}

fn projection<'a>(fields: impl IntoIterator<Item = &'a str>) -> Result<Option<Projection>, ApiError> {
    Projection::parse(fields).map_err(|error| ApiError::input(error.to_string()))
}

/// Entities read and shown at once.
const CHUNK: usize = 500;

/// Entities as JSON texts, in the order asked for; `None` for what does not exist any more.
///
/// # Errors
/// 413 as soon as they are too many for one answer: the rest is not even read.
async fn rendered(
    identities: &[Identity],
    projection: Option<&Projection>,
    deps: &Deps,
) -> Result<Vec<Option<String>>, ApiError> {
    let mut texts = Vec::with_capacity(identities.len());
    let mut bytes = 0;
    for chunk in identities.chunks(CHUNK) {
        let documents = deps.documents.get(chunk, &deps.live, &deps.store).await.map_err(unavailable)?;
        let catalog = deps.live.read().await;
        for stitched in documents {
            let text = stitched.map(|stitched| {
                let entity = whole(render(&stitched, &catalog));
                projection.map_or_else(|| entity.to_string(), |projection| projection.apply(&entity).to_string())
            });
            bytes += text.as_ref().map_or(0, String::len);
            texts.push(text);
        }
        answers::check_length(bytes)?;
    }
    Ok(texts)
}

fn not_found(entity_ref: &EntityRef) -> ApiError {
    ApiError::not_found(format!(
        "No entity named '{}' found, with kind '{}' in namespace '{}'",
        entity_ref.name(),
        entity_ref.kind(),
        entity_ref.namespace()
    ))
}
