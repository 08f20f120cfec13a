//! The log and its segments, through the handler, on the local stack's table and bucket.

#[cfg(test)]
mod batches;
#[cfg(test)]
mod compaction;
#[cfg(test)]
mod words;
