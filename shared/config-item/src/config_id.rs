//! A resource as AWS Config spells it where it says no ARN - account, region, type and id - and what that leads to.

use catalog_model::{Canonical, Identity, Key, MAX_ID_BYTES, Place, RecordKey, SeenAs, Sighting, canonical};

/// The space of [`spelled`] among secondary ids.
const SPACE: &str = "awsconfig";

/// Where something is kept that Config says of a resource without its ARN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// The record.
    Record(Identity),
    /// The record of whoever claims this key.
    Claimed(Key),
}

impl Subject {
    /// `None`: the words name no resource of which a record is made.
    pub fn of(place: Place<'_>, resource_type: &str, id: &str) -> Option<Self> {
        if let Some(key) = spelled(place, resource_type, id) {
            return Some(Self::Claimed(key));
        }
        match seen(place, resource_type, id) {
            Canonical::Exact(identity) => Some(Self::Record(identity)),
            Canonical::Secondary(key) => Some(Self::Claimed(key)),
            Canonical::Unknown => None,
        }
    }

    /// Where it is kept.
    pub fn record_key(&self) -> RecordKey {
        match self {
            Self::Record(identity) => RecordKey::Entity(identity.clone()),
            Self::Claimed(key) => RecordKey::Alias(key.clone()),
        }
    }
}

/// Where no ARN follows from the id: the key `awsconfig:<account>:<region>:<type>/<id>`, which the record claims that
/// Config's item of the resource is of, whether that says an ARN or none.
pub(crate) fn spelled(place: Place<'_>, resource_type: &str, id: &str) -> Option<Key> {
    let id = id.trim();
    if id.is_empty() || id.len() > MAX_ID_BYTES || id.chars().any(char::is_control) || place.account.is_empty() {
        return None;
    }
    let follows = match seen(place, resource_type, id) {
        Canonical::Exact(identity) => identity.arn().is_some() || identity.account_id().is_some(),
        Canonical::Secondary(_) => true,
        Canonical::Unknown => false,
    };
    (!follows).then(|| Key::secondary(SPACE, place.account, place.region, &format!("{resource_type}/{id}")))
}

pub(crate) fn seen(place: Place<'_>, resource_type: &str, id: &str) -> Canonical {
    canonical(&Sighting { place, seen_as: SeenAs::ResourceType(resource_type), id })
}
