//! Everything that is read: the Backstage catalog API, explain, status, costs and deployments.

mod answers;
mod body;
mod catalog;
mod changes;
mod cost_insights;
mod costs;
mod cursor;
mod deployments;
mod documents;
mod encodings;
mod explain;
mod handler;
mod pages;
mod parameters;
mod settings;
mod status;

pub use answers::{Answer, AnswerBody, BrokenOff};
pub use cursor::{Cursor, CursorError, CursorKey, MAX_CURSOR_BYTES};
pub use handler::{Deps, handle};
pub use settings::Settings;
