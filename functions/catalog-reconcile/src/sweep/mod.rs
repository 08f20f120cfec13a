//! What Config's aggregator holds, against the records: what events lost comes back, what they left behind goes.
//!
//! A sweep takes the accounts one by one. Of each it asks first how many resources of which type there are, then reads all
//! items, and compares every item's version with the one that the catalog holds. What is missing or older is written as if
//! its event had come; what the catalog holds and nobody sees is a suspect, and is deleted by the next sweep that does not
//! see it either. An account that could not be read to its end proves nothing about what was not seen.
//!
//! A sweep goes on over as many invocations as it takes. Its state is one item; two invocations at once do no harm.

mod compare;
mod deletes;
mod guard;
mod known;
mod parked;
mod repair;
mod report;
mod run;
mod state;
mod summary;
mod unit;

pub use report::{Drift, Named, Problem, Row};
pub use run::{SweepAnswer, SweepError, SweepEvent, SweepProgress, sweep};
