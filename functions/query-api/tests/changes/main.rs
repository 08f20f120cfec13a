//! The feed of changes, through the real handlers on an embedded DynamoDB.

#[cfg(test)]
mod feed;
#[cfg(test)]
mod follower;
#[cfg(test)]
mod histories;
#[cfg(test)]
mod others;
#[cfg(test)]
mod stack;
