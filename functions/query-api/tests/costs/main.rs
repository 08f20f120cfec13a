//! Costs, Cost Insights and actions, through the real handlers on an embedded DynamoDB.

#[cfg(test)]
#[path = "../changes/stack.rs"]
mod stack;

#[cfg(test)]
mod answers;
#[cfg(test)]
mod bills;
#[cfg(test)]
mod generations;
#[cfg(test)]
mod insights;
