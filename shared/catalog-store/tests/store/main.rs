//! The store against an embedded DynamoDB and an embedded S3, over loopback, through the SDK.

#[cfg(test)]
mod faults;
#[cfg(test)]
mod log_and_rollups;
#[cfg(test)]
mod operations;
#[cfg(test)]
mod publications;
#[cfg(test)]
mod records;
#[cfg(test)]
mod schedules;
#[cfg(test)]
mod stack;
#[cfg(test)]
mod table;
