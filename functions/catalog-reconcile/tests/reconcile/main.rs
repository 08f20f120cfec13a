//! The index against the records, and the records against Config's aggregator, on the local stack's table and bucket.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod crashes;
mod deletes;
mod index;
mod loss;
mod sweeps;
mod troubles;
mod words;
mod world;
