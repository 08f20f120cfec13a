//! Why a cost is on no component: the named rows of a statement that are not components.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A reason. The names are part of stored rollups and of answers: they never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Unallocated {
    /// Usage whose line names no resource.
    NoResourceId,
    /// The line's resource is well known by its id, but the catalog has no record of it.
    UnknownResource,
    /// The line's resource id could not be turned into the identity of a resource.
    UnresolvedResource,
    /// The resource is in the catalog and has an owner, but belongs to no component.
    NoComponent,
    /// The resource is in the catalog, but neither belongs to a component nor has an owner.
    Unowned,
    Tax,
    Refund,
    Credit,
    Discount,
    /// Recurring and upfront fees of Savings Plans: amortised, what of the commitment was not used.
    SavingsPlanFee,
    /// Recurring fees of reservations: amortised, what of the reservation was not used.
    ReservationFee,
    Support,
    /// Other fees without a resource.
    Fee,
    /// Purchases from third parties without a resource.
    Marketplace,
}

impl Unallocated {
    pub const ALL: [Self; 14] = [
        Self::NoResourceId,
        Self::UnknownResource,
        Self::UnresolvedResource,
        Self::NoComponent,
        Self::Unowned,
        Self::Tax,
        Self::Refund,
        Self::Credit,
        Self::Discount,
        Self::SavingsPlanFee,
        Self::ReservationFee,
        Self::Support,
        Self::Fee,
        Self::Marketplace,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoResourceId => "NoResourceId",
            Self::UnknownResource => "UnknownResource",
            Self::UnresolvedResource => "UnresolvedResource",
            Self::NoComponent => "NoComponent",
            Self::Unowned => "Unowned",
            Self::Tax => "Tax",
            Self::Refund => "Refund",
            Self::Credit => "Credit",
            Self::Discount => "Discount",
            Self::SavingsPlanFee => "SavingsPlanFee",
            Self::ReservationFee => "ReservationFee",
            Self::Support => "Support",
            Self::Fee => "Fee",
            Self::Marketplace => "Marketplace",
        }
    }
}

impl fmt::Display for Unallocated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a reason for which a cost is unallocated")]
pub struct UnallocatedError(String);

impl FromStr for Unallocated {
    type Err = UnallocatedError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == text).ok_or_else(|| UnallocatedError(text.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_reads_back_by_its_name() {
        for reason in Unallocated::ALL {
            assert_eq!(reason.as_str().parse::<Unallocated>().unwrap(), reason);
            assert_eq!(serde_json::to_value(reason).unwrap(), reason.as_str());
        }
    }
}
