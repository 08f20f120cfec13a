//! Usage types of reports: `EU-BoxUsage:m5.large` is a region's prefix, what is used, and its size.

use crate::actions::evidence::{Evidence, Price, Usage};
use crate::amount::Amount;
use crate::split::scale;

const ONE: Amount = Amount::from_raw(10_i128.pow(20));

/// The usage type without the prefix of its region: `EU-`, `USE2-`, `APN1-`. North Virginia has none.
pub(crate) fn plain(usage_type: &str) -> &str {
    match usage_type.split_once('-') {
        Some((prefix, rest)) if is_region(prefix) => rest,
        _ => usage_type,
    }
}

fn is_region(prefix: &str) -> bool {
    (2..=5).contains(&prefix.len()) && prefix.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

/// The same usage type with another plain part.
pub(crate) fn with_plain(usage_type: &str, plain_part: &str) -> String {
    let prefix = &usage_type[..usage_type.len() - plain(usage_type).len()];
    format!("{prefix}{plain_part}")
}

/// The lowest price that anybody paid for another usage type in the usage's place and unit.
pub(crate) fn seen_price<'a>(
    evidence: &'a [Evidence],
    usage: &Usage,
    usage_type: &str,
    of_operation: Option<&str>,
) -> Option<&'a Price> {
    let prices = evidence.iter().flat_map(|evidence| &evidence.prices);
    prices
        .filter(|price| {
            price.usage_type == usage_type
                && price.region == usage.region
                && price.product_code == usage.product_code
                && price.unit == usage.unit
                && price.currency == usage.currency
                && of_operation.is_none_or(|operation| price.operation.as_deref() == Some(operation))
                && price.price > Amount::ZERO
        })
        .min_by_key(|price| price.price)
}

/// What the usage would cost at a price. `None`: beyond the largest amount.
pub(crate) fn cost_at(usage: Amount, price: Amount) -> Option<Amount> {
    scale(usage, price, ONE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_usage_type_is_known_in_every_region() {
        for (usage_type, expected) in [
            ("BoxUsage:m5.large", "BoxUsage:m5.large"),
            ("EU-BoxUsage:m5.large", "BoxUsage:m5.large"),
            ("USE2-EBS:VolumeUsage.gp2", "EBS:VolumeUsage.gp2"),
            ("NatGateway-Hours", "NatGateway-Hours"),
            ("APN1-NatGateway-Hours", "NatGateway-Hours"),
            ("Multi-AZUsage:db.r5.large", "Multi-AZUsage:db.r5.large"),
            ("DataProcessing-Bytes", "DataProcessing-Bytes"),
        ] {
            assert_eq!(plain(usage_type), expected);
            assert_eq!(with_plain(usage_type, expected), usage_type);
        }
        assert_eq!(with_plain("EU-BoxUsage:m5.large", "BoxUsage:m7g.large"), "EU-BoxUsage:m7g.large");
        assert_eq!(cost_at("744".parse().unwrap(), "0.0816".parse().unwrap()), Some("60.7104".parse().unwrap()));
    }
}
