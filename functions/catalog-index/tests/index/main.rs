//! The log and its segments, through the handler, on the local stack's table and bucket.

#![expect(clippy::unwrap_used, reason = "tests, and the words that they share")]

#[cfg(test)]
mod batches;
#[cfg(test)]
mod compaction;
#[cfg(test)]
mod words;
