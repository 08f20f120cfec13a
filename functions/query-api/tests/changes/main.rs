//! The feed of changes, through the real handlers on an embedded DynamoDB.

#![expect(clippy::unwrap_used, reason = "tests, and the words that they share")]

#[cfg(test)]
mod feed;
#[cfg(test)]
mod follower;
#[cfg(test)]
mod histories;
#[cfg(test)]
mod stack;
