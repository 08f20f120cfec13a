//! Everything that is read: the Backstage catalog API, explain, status and costs.

mod answers;
mod catalog;
mod costs;
mod cursor;
mod documents;
mod explain;
mod handler;
mod pages;
mod parameters;
mod settings;
mod status;

pub use handler::{Deps, handle};
pub use settings::Settings;
