//! The environment of a function behind the API -> what its answers say beyond their content.

use std::env;

use crate::cors::{Cors, CorsError};

/// `CORS_ALLOW_ORIGINS`: see [`Cors::parse`]. Not set is none.
///
/// # Errors
/// Names what is no origin.
pub fn cors_from_env() -> Result<Cors, CorsError> {
    Cors::parse(&env::var("CORS_ALLOW_ORIGINS").unwrap_or_default())
}
