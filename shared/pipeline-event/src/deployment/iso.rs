//! Milliseconds since 1970 <-> ISO 8601 in UTC, for serde.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serializer};

use crate::state::{epoch_ms, shown_time};

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it over so")]
pub(crate) fn serialize<S: Serializer>(ms: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&shown_time(*ms))
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let text = String::deserialize(deserializer)?;
    epoch_ms(&text).ok_or_else(|| D::Error::custom("not a time"))
}

pub(crate) mod option {
    use super::{Deserialize, Deserializer, Error, Serializer, epoch_ms};

    pub(crate) fn serialize<S: Serializer>(ms: &Option<u64>, serializer: S) -> Result<S::Ok, S::Error> {
        match ms {
            Some(ms) => super::serialize(ms, serializer),
            None => serializer.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| epoch_ms(&text).ok_or_else(|| D::Error::custom("not a time"))).transpose()
    }
}
