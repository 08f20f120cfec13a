//! What a text means wherever it stands, worked out once for each different text.

use cost_model::Unallocated;

use crate::commitment::commitment_of_resource;

/// As a resource id, it is a commitment's; as a usage type, it is that of an instance's compute, or of a family of which
/// evidence is kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Marks {
    pub(crate) commitment: Option<Unallocated>,
    pub(crate) is_compute: bool,
    pub(crate) is_evidence: bool,
}

/// Usage types of EC2 instances' compute, without the region's prefix.
const COMPUTE: [&str; 5] = ["BoxUsage", "SpotUsage", "DedicatedUsage", "HostBoxUsage", "UnusedBox"];

/// Usage types of which savings are worked out, without the region's prefix: whole ones.
pub(crate) const WHOLE: [&str; 6] = [
    "ElasticIP:IdleAddress",
    "PublicIPv4:IdleAddress",
    "LoadBalancerUsage",
    "LCUUsage",
    "DataProcessing-Bytes",
    "NatGateway-Hours",
];

/// And how others begin.
pub(crate) const FAMILIES: [&str; 7] = [
    "BoxUsage:",
    "EBS:VolumeUsage.",
    "EBS:SnapshotUsage",
    "NatGateway-Bytes",
    "InstanceUsage:db.",
    "Multi-AZUsage:db.",
    "NodeUsage:cache.",
];

impl Marks {
    pub(crate) fn of(text: &str) -> Self {
        let usage = without_region(text);
        Self {
            commitment: commitment_of_resource(text),
            is_compute: COMPUTE.iter().any(|kind| usage.starts_with(kind)),
            is_evidence: WHOLE.contains(&usage) || FAMILIES.iter().any(|family| usage.starts_with(family)),
        }
    }
}

/// `EUW1-BoxUsage:m6i.large` -> `BoxUsage:m6i.large`; us-east-1 has no prefix.
fn without_region(usage_type: &str) -> &str {
    match usage_type.split_once('-') {
        Some((prefix, rest))
            if (2..=5).contains(&prefix.len())
                && prefix.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()) =>
        {
            rest
        }
        _ => usage_type,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_types_are_known_in_every_region() {
        for (usage_type, compute, evidence) in [
            ("BoxUsage:m6i.large", true, true),
            ("EU-BoxUsage:m6i.large", true, true),
            ("USE2-SpotUsage:m6i.large", true, false),
            ("EUW1-EBS:VolumeUsage.gp3", false, true),
            ("EUC1-Multi-AZUsage:db.r6g.large", false, true),
            ("Multi-AZUsage:db.r6g.large", false, true),
            ("NatGateway-Bytes", false, true),
            ("APS1-DataTransfer-Out-Bytes", false, false),
            ("i-0a1b2c3d", false, false),
        ] {
            let marks = Marks::of(usage_type);
            assert_eq!((marks.is_compute, marks.is_evidence), (compute, evidence), "{usage_type}");
        }
    }
}
