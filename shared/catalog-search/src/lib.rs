//! The catalog in memory: rows of the delta log in; names, relations, filters, facets, order and pages out.
//!
//! Pure: no I/O and no clock. The specification is the behaviour of Backstage's catalog 4.0.0.

mod affected;
mod apply;
mod catalog;
mod compact;
mod docs;
mod dump;
mod edges;
mod facets;
mod fields;
mod filter;
mod flatten;
mod js_text;
mod like;
mod listed;
mod names;
mod overlay;
mod plugin_annotations;
mod predicate;
mod predicate_schema;
mod predicate_sets;
mod query;
mod reading;
mod relations;
mod render;
mod row;
mod rows;
mod rules;
mod segment;
mod shape;
mod stamps;
mod touched;

pub use catalog::Catalog;
pub use facets::FacetValue;
pub use fields::{FieldsError, MAX_FIELDS, Projection};
pub use filter::{Filter, FilterError, MAX_STATEMENTS};
pub use flatten::{MAX_INDEXED_UNITS, SearchValue, search_values};
pub use listed::MAX_LISTED_ROWS;
pub use plugin_annotations::{PluginAnnotation, plugin_annotations};
pub use predicate::{Condition, MAX_TERMS, Predicate, PredicateError, Primitive};
pub use query::{Order, Page, Position, Query, Start, TextFilter};
pub use render::render;
pub use row::{IndexEntry, IndexRow, RowState, Said, row_of};
pub use rules::rules_hash;
pub use segment::base::NotLoaded;
pub use segment::{Block, Directory, FORMAT, SegmentError, SegmentFile, SegmentHead};
pub use shape::{Inherited, Naming, Shape};
pub use stamps::{Known, Stamp};
pub use touched::Touched;
