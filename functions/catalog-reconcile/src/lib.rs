//! What must hold between the records and what they come from, and what is made of them.
//!
//! | action | what is compared | what becomes of a difference |
//! |---|---|---|
//! | `compare`, `rebuild-if-needed`, `rebuild` | the index, with the one that a scan of all records makes | the index is replaced |
//! | `sweep` | the records, with the items of AWS Config's aggregator | the record is mended, or deleted by the second sweep |

mod comparison;
mod handler;
mod report;
mod scan;
mod settings;
mod sweep;

pub use handler::{Action, Answer, Deps, Event, handle, invoke};
pub use report::{Difference, Keys, Report};
pub use settings::{ReconcileSettingsError, Settings, SweepSettings};
pub use sweep::{Drift, Named, Problem, Row, SweepAnswer, SweepError, SweepEvent, SweepProgress, sweep};
