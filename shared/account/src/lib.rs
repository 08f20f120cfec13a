//! What a function did with a batch or a request -> its counts in the table, its recorded failures, its metrics.
//!
//! | sum | parts | of what |
//! |---|---|---|
//! | `messages` | `acked`, `retried`, `dead` | messages of SQS, every try; a request that writes is one |
//! | `documents` | `parsed`, `refused` | what a message brings: a document of an export, a Config item, a cost report |
//! | `fragments` | `applied`, `stale`, `duplicate` | writes of fragments |
//!
//! Functions add parts; the sums are made here. What is no document of the source's kind is `ignored`, and is in no
//! sum, as are the other [`Extra`]s.

mod counts;
mod keeping;

pub use counts::{Counts, Extra};
pub use keeping::Account;
