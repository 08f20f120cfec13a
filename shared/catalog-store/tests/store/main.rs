//! The store against an embedded DynamoDB and an embedded S3, over loopback, through the SDK.

#[cfg(test)]
mod faults;
#[cfg(test)]
mod journal;
#[cfg(test)]
mod log;
#[cfg(test)]
mod log_items;
#[cfg(test)]
mod operations;
#[cfg(test)]
mod packed;
#[cfg(test)]
mod publications;
#[cfg(test)]
mod records;
#[cfg(test)]
mod registers;
#[cfg(test)]
mod rollups;
#[cfg(test)]
mod scans;
#[cfg(test)]
mod schedules;
#[cfg(test)]
mod segments;
#[cfg(test)]
mod siblings;
#[cfg(test)]
mod stack;
#[cfg(test)]
mod sweeps;
#[cfg(test)]
mod table;
