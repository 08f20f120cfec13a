//! The aggregator of AWS Config, as far as a catalog asks it: how much there is, items page by page, one item.
//!
//! It takes no decision. Throttling and errors of the service are tried again by the SDK; what is an error after that is
//! one to the caller, and never an empty answer. Items come as JSON in the dialect of the API: `config-item` reads them.
//! Queries: <https://docs.aws.amazon.com/config/latest/developerguide/querying-AWS-resources.html>

mod client;
mod error;
mod item;
mod query;
mod settings;

pub use client::{ConfigAggregator, CountBy, ItemKey, Page};
pub use error::AggregatorError;
pub use query::Scope;
pub use settings::AggregatorSettings;
