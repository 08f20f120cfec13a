//! Messages through the handler into an embedded DynamoDB and S3: what stands in the catalog, and what the account says.

#[cfg(test)]
mod calls;
#[cfg(test)]
mod crashes;
#[cfg(test)]
#[path = "../../../../shared/catalog-store/tests/store/faults.rs"]
#[expect(dead_code, reason = "the tests of the store use the rest of it")]
mod faults;
#[cfg(test)]
mod files;
#[cfg(test)]
mod items;
#[cfg(test)]
mod oversized;
#[cfg(test)]
mod rules;
#[cfg(test)]
mod stack;
