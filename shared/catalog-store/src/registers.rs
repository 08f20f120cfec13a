//! What is kept beside a record without a time of its own: one item for each thing that says something of it, which holds
//! the newest that it said. Unlike a sibling it never expires: it counts until it is said again.

use catalog_model::{Applied, RecordKey, Version};
use serde_json::Value;

use crate::attributes;
use crate::bodies::Folder;
use crate::records::check_pk;
use crate::siblings::{Beside, version_of};
use crate::{CatalogStore, StoreError};

/// Registers of one kind beside one record that are read at most. AWS allows 1,000 rules of Config in a region.
pub const MAX_REGISTERS: usize = 2_000;

/// What a register tells of its record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegisterKind {
    /// Whether the resource meets one of Config's rules.
    Compliance,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Register {
    /// Who speaks: 1 to 64 letters and digits.
    pub id: String,
    pub version: Version,
    pub body: Value,
}

impl RegisterKind {
    fn prefix(self) -> &'static str {
        match self {
            Self::Compliance => attributes::COMPLIANCE_PREFIX,
        }
    }
}

impl CatalogStore {
    /// Writes a register, if it is newer than what stands in it: exactly one UpdateItem. `beside` may be an alias: then it
    /// is kept for whoever claims that.
    ///
    /// # Errors
    /// [`StoreError::SiblingTooLong`] for a body that is none, [`StoreError::WrongShape`] for an id outside its grammar and
    /// if what is stored has no readable version. A stale or a duplicate one is no error.
    pub async fn put_register(
        &self,
        beside: &RecordKey,
        kind: RegisterKind,
        register: &Register,
    ) -> Result<Applied, StoreError> {
        let sk = format!("{}{}", kind.prefix(), register.id);
        let update = self.dynamodb.update_item().update_expression(attributes::PUT_REGISTER);
        let Register { id, version, body } = register;
        self.put_beside(update, &beside.to_string(), &sk, Beside { prefix: kind.prefix(), id, version, body }).await
    }

    /// All registers of a kind beside a record, in the order of their ids: consistent, so that every write that was
    /// acknowledged before is seen.
    ///
    /// # Errors
    /// Fails on an item that the catalog did not write. More than [`MAX_REGISTERS`] are cut off.
    pub async fn registers(&self, beside: &RecordKey, kind: RegisterKind) -> Result<Vec<Register>, StoreError> {
        let pk = beside.to_string();
        check_pk(&pk)?;
        let items = self.query_with_prefix(&pk, kind.prefix(), MAX_REGISTERS).await?;
        let mut registers = Vec::with_capacity(items.len());
        for item in items.iter().take(MAX_REGISTERS) {
            let id = attributes::text(item, attributes::SK).and_then(|sk| sk.strip_prefix(kind.prefix()));
            let (Some(id), Some(version)) = (id, version_of(item)) else {
                return Err(StoreError::WrongShape {
                    item: format!("{pk} {}", kind.prefix()),
                    attribute: attributes::VERSION.to_owned(),
                    detail: "it is no readable version",
                });
            };
            let body = self.json_of(Folder::Bodies, item).await?;
            registers.push(Register { id: id.to_owned(), version, body });
        }
        Ok(registers)
    }
}
