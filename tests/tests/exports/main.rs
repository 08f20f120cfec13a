//! What pipelines send, through the whole local stack.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod at_once;
mod claims;
mod equal;
mod question;
mod stacks;
