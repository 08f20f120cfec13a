//! What a record is, whoever speaks of it: the canonical ARN of an AWS resource, else the entity reference.
//!
//! Three spaces of strings share [`Key`] without overlap: `arn:...` and `config:...` (identities of AWS resources),
//! `<kind>:<namespace>/<name>` (one colon: entities, and declared names), `<service>:<account>:<region>:<id>`
//! (three colons or more: secondary ids).

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::arn::Arn;
use crate::entity_ref::EntityRef;

/// One thing, for ever. Case-sensitive, as ARNs are.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Identity(String);

/// Whatever a relation or a look-up may point at: an identity, a declared name, or a secondary id.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Key(String);

/// The item that a fragment is written to: an entity, or the record of who claims a name or a secondary id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecordKey {
    Entity(Identity),
    Alias(Key),
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not the key of a record")]
pub struct RecordKeyError(pub String);

/// Where an AWS resource without ARN lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place<'a> {
    /// `aws`, `aws-cn`, `aws-us-gov`, `aws-eusc`
    pub partition: &'a str,
    pub account: &'a str,
    /// The region, or `global`.
    pub region: &'a str,
}

impl Identity {
    /// Takes an ARN as canonical: see [`crate::canonical`] for how the spellings of one resource become one ARN.
    pub fn of_canonical_arn(arn: &str) -> Self {
        Self(arn.to_owned())
    }

    /// `config:<partition>:<account>:<region>:<AWS type>/<id>`, for a resource that has no ARN. Never shown as an ARN.
    pub fn of_resource_without_arn(place: Place<'_>, resource_type: &str, id: &str) -> Self {
        let Place { partition, account, region } = place;
        Self(format!("config:{partition}:{account}:{region}:{resource_type}/{id}"))
    }

    /// An AWS account. The ARN that AWS Organizations gives it names the organisation too, which its resources do not
    /// know; so that ARN is another spelling of this.
    pub fn of_account(partition: &str, account: &str) -> Self {
        Self::of_resource_without_arn(Place { partition, account, region: "global" }, "AWS::::Account", account)
    }

    /// The id of the account that the identity is.
    pub fn account_id(&self) -> Option<&str> {
        let (_, id) = self.0.strip_prefix("config:")?.split_once(":global:AWS::::Account/")?;
        Some(id)
    }

    pub fn of_entity(entity_ref: &EntityRef) -> Self {
        Self(entity_ref.to_string())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The ARN, where the identity is one.
    pub fn arn(&self) -> Option<&str> {
        self.0.starts_with("arn:").then_some(self.0.as_str())
    }

    /// The entity reference, where the identity is one.
    pub fn entity_ref(&self) -> Option<EntityRef> {
        if self.is_aws_resource() {
            return None;
        }
        self.0.parse().ok()
    }

    pub fn is_aws_resource(&self) -> bool {
        self.0.starts_with("arn:") || self.0.matches(':').count() > 1
    }

    pub fn key(&self) -> Key {
        Key(self.0.clone())
    }

    /// Backstage's `metadata.uid`: a UUID (version 8) that is the same for one identity at all times and everywhere.
    pub fn uid(&self) -> String {
        Uuid::from_bytes(self.uid_bytes()).as_hyphenated().encode_lower(&mut Uuid::encode_buffer()).to_owned()
    }

    /// The bytes of [`Self::uid`].
    pub fn uid_bytes(&self) -> [u8; 16] {
        let digest = Sha256::new().chain_update("callboard uid\n").chain_update(&self.0).finalize();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        uuid::Builder::from_custom_bytes(bytes).into_uuid().into_bytes()
    }
}

impl Key {
    pub fn of_ref(entity_ref: &EntityRef) -> Self {
        Self(entity_ref.to_string())
    }

    /// Takes the text of a key that was stored.
    pub fn from_stored(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// `<service>:<account>:<region>:<id>`, for example `rds:111122223333:eu-west-1:db-ABC`.
    pub fn secondary(service: &str, account: &str, region: &str, id: &str) -> Self {
        Self(format!("{service}:{account}:{region}:{id}"))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The entity reference, where the key is one.
    pub fn entity_ref(&self) -> Option<EntityRef> {
        if self.0.starts_with("arn:") || self.0.matches(':').count() != 1 {
            return None;
        }
        self.0.parse().ok()
    }

    /// The identity that the key is, unless it is a secondary id. A declared name is the identity of the entity
    /// that has no other; who holds the name in fact is said by its alias record.
    pub fn identity(&self) -> Option<Identity> {
        let is_identity = self.0.starts_with("arn:") || self.0.starts_with("config:") || self.entity_ref().is_some();
        is_identity.then(|| Identity(self.0.clone()))
    }

    /// The ARN of a CloudFormation stack.
    pub fn is_stack(&self) -> bool {
        Arn::parse(&self.0).is_some_and(|arn| arn.service == "cloudformation" && arn.resource.starts_with("stack/"))
    }
}

impl fmt::Display for RecordKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Entity(identity) => write!(f, "e#{}", identity.0),
            Self::Alias(key) => write!(f, "a#{}", key.0),
        }
    }
}

impl std::str::FromStr for RecordKey {
    type Err = RecordKeyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('#') {
            Some(("e", identity)) if !identity.is_empty() => Ok(Self::Entity(Identity(identity.into()))),
            Some(("a", key)) if !key.is_empty() => Ok(Self::Alias(Key(key.into()))),
            _ => Err(RecordKeyError(text.into())),
        }
    }
}

macro_rules! shown_as_text {
    ($($type:ty),*) => {$(
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}
shown_as_text!(Identity, Key);

#[cfg(test)]
mod tests {
    use super::*;

    const HOME: Place<'_> = Place { partition: "aws", account: "111122223333", region: "eu-west-1" };

    #[test]
    fn the_three_spaces_of_keys_do_not_overlap() {
        let component = Identity::of_entity(&EntityRef::component("Orders"));
        let table = Identity::of_canonical_arn("arn:aws:dynamodb:eu-west-1:111122223333:table/orders");
        let block = Identity::of_resource_without_arn(HOME, "AWS::S3::AccountPublicAccessBlock", "111122223333");
        let secondary = Key::secondary("rds", "111122223333", "eu-west-1", "db-ABC");

        assert_eq!(component.entity_ref().unwrap().to_string(), "component:default/orders");
        assert_eq!(table.entity_ref(), None);
        assert_eq!(block.entity_ref(), None);
        assert_eq!((table.arn().is_some(), block.arn().is_some()), (true, false));
        for identity in [component, table, block] {
            assert_eq!(identity.key().identity(), Some(identity.clone()));
        }
        assert_eq!((secondary.identity(), secondary.entity_ref()), (None, None));
    }

    #[test]
    fn the_key_of_a_record_reads_back() {
        let table = Identity::of_canonical_arn("arn:aws:dynamodb:eu-west-1:111122223333:table/a#b");
        for key in [RecordKey::Entity(table), RecordKey::Alias(Key::of_ref(&EntityRef::resource("orders-db")))] {
            assert_eq!(key.to_string().parse::<RecordKey>().unwrap(), key);
        }
        assert!("x#y".parse::<RecordKey>().is_err());
        assert!("e#".parse::<RecordKey>().is_err());
    }

    #[test]
    fn a_uid_is_a_uuid_that_depends_on_the_identity_alone() {
        let uid = Identity::of_entity(&EntityRef::component("orders")).uid();
        assert_eq!(uid, Identity::of_entity(&EntityRef::component("ORDERS")).uid());
        assert_ne!(uid, Identity::of_entity(&EntityRef::component("order")).uid());
        assert!(Uuid::parse_str(&uid).is_ok());
    }
}
