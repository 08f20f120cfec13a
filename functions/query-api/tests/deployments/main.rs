//! Deployments and the four figures, through the real handlers on an embedded DynamoDB.

#[cfg(test)]
#[path = "../changes/stack.rs"]
mod stack;

#[cfg(test)]
mod answers;
#[cfg(test)]
mod company;
