//! What a rollup is about, and the key under which it is stored.

use std::fmt;
use std::str::FromStr;

use catalog_model::{EntityRef, Identity};

/// What one rollup is about. The text is the key under which rollups are stored.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// The whole bill: `all`.
    All,
    /// What one account used: `account:111122223333`.
    Account(String),
    /// One AWS resource, by identity: a resource's reference may change, its costs stay.
    Resource(Identity),
    /// A component, an owner, or a system, by reference.
    Entity(EntityRef),
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("scope `{0}` is none of `all`, `account:<id>`, an entity reference, the identity of an AWS resource")]
pub struct ScopeError(String);

impl Scope {
    /// The scope of a record's own cost.
    pub fn of_identity(identity: &Identity) -> Self {
        identity.entity_ref().map_or_else(|| Self::Resource(identity.clone()), Self::Entity)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Account(account) => write!(f, "account:{account}"),
            Self::Resource(identity) => identity.fmt(f),
            Self::Entity(entity_ref) => entity_ref.fmt(f),
        }
    }
}

impl FromStr for Scope {
    type Err = ScopeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ScopeError(text.chars().take(200).collect());
        if text == "all" {
            return Ok(Self::All);
        }
        if let Some(account) = text.strip_prefix("account:").filter(|rest| !rest.contains('/')) {
            let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
            return if is_account { Ok(Self::Account(account.to_owned())) } else { Err(error()) };
        }
        if text.starts_with("arn:") || text.starts_with("config:") && text.matches(':').count() > 1 {
            return Ok(Self::Resource(Identity::of_canonical_arn(text)));
        }
        text.parse().map(Self::Entity).map_err(|_| error())
    }
}
