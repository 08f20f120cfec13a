//! Backstage's catalog API, under `/api/catalog`.

mod by_name;
mod by_query;
mod by_refs;
mod entities;
mod facets;
mod listing;
mod locations;
mod validate_entity;

pub(crate) use by_name::{Found, ancestry, by_name, by_uid, find, refresh, remove};
pub(crate) use by_query::{by_query, by_query_body};
pub(crate) use by_refs::by_refs;
pub(crate) use entities::entities;
pub(crate) use facets::{facets, facets_body};
pub(crate) use locations::{
    add_location, analyze_location, location_by_entity, location_by_id, locations, locations_by_query,
};
pub(crate) use validate_entity::validate_entity;

use catalog_search::{Filter, Predicate, Projection};
use delivery::api::ApiError;
use serde_json::{Map, Value};

use crate::parameters::Parameters;

fn filter(parameters: &Parameters<'_>) -> Result<Filter, ApiError> {
    Filter::parse(parameters.all("filter")).map_err(|error| ApiError::input(error.to_string()))
}

/// The `query` of a body as a filter.
fn predicate(body: &Map<String, Value>) -> Result<Filter, ApiError> {
    let Some(query) = body.get("query") else { return Ok(Filter::default()) };
    let checked = Predicate::check(query, &[]).map_err(|error| ApiError::input(format!("Invalid query: {error}")))?;
    of_checked(&checked)
}

fn of_checked(query: &Value) -> Result<Filter, ApiError> {
    Predicate::of_checked(query).map(Filter::of).map_err(|error| ApiError::input(error.to_string()))
}

fn projection<'a>(fields: impl IntoIterator<Item = &'a str>) -> Result<Option<Projection>, ApiError> {
    Projection::parse(fields).map_err(|error| ApiError::input(error.to_string()))
}
