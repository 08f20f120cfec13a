//! The record as other crates use it: how resources are spelled, what documents declare, what stitches, what converges.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod canonical;
mod convergence;
mod envelope;
mod omission;
mod rules;
mod stitch;
mod stored;
