//! The local stack over its real protocols, with closures as functions.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod access;
mod apart;
mod doors;
mod queues;
mod replay;
mod s3;
mod schedules;
mod stream;
mod streaming;
mod support;
