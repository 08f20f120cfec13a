//! An alias record -> who holds the name or the secondary id.

use crate::fragment::{Claim, Record, Said};

/// A claim that names the resource by its ARN goes before one that does not; then the smallest identity wins.
/// `None`: nobody claims it any more.
pub fn holder(record: &Record) -> Option<&Claim> {
    claims(record).min_by_key(|claim| (!claim.by_arn, &claim.identity))
}

/// All live claims.
pub fn claims(record: &Record) -> impl Iterator<Item = &Claim> {
    record.fragments.values().filter_map(|fragment| match &fragment.said {
        Said::Claim(claim) => Some(claim),
        Said::Facts(_) | Said::Gone => None,
    })
}
