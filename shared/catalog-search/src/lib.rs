//! The catalog in memory: rows of the delta log in; names, relations, filters, facets, order and pages out.
//!
//! Pure: no I/O and no clock. The specification is the behaviour of Backstage's catalog 4.0.0.

mod affected;
mod catalog;
mod columns;
mod docs;
mod edges;
mod facets;
mod fields;
mod filter;
mod flatten;
mod js_text;
mod like;
mod query;
mod render;
mod row;
mod shape;
mod touched;

pub use catalog::Catalog;
pub use facets::FacetValue;
pub use fields::{FieldsError, MAX_FIELDS, Projection};
pub use filter::{Filter, FilterError, MAX_STATEMENTS, Statement};
pub use flatten::{MAX_INDEXED_UNITS, SearchValue, search_values};
pub use query::{Order, Page, Position, Query, Start, TextFilter};
pub use render::render;
pub use row::{IndexEntry, IndexRow, RowState, Said, row_of};
pub use shape::{Inherited, Naming, Shape};
pub use touched::Touched;
