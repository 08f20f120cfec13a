//! What was used and at which prices -> the body that savings are worked out from, stored beside the rollups.
//!
//! ```json
//! {"v": 1, "month": "2026-10", "leftOut": 0,
//!  "usage": [{"resource": "arn:aws:ec2:eu-west-1:111122223333:volume/vol-1", "account": "111122223333", "region": "eu-west-1",
//!    "productCode": "AmazonEC2", "usageType": "EU-EBS:VolumeUsage.gp2", "operation": "CreateVolume-Gp2", "unit": "GB-Mo",
//!    "usage": "100", "cost": "11", "currency": "USD", "component": "component:default/orders", "owner": "group:default/shop",
//!    "lastDay": "2026-10-31"}],
//!  "prices": [{"region": "eu-west-1", "productCode": "AmazonEC2", "usageType": "EU-EBS:VolumeUsage.gp3",
//!    "operation": "CreateVolume-Gp3", "unit": "GB-Mo", "currency": "USD", "price": "0.088"}]}
//! ```
//!
//! `cost` is unblended. `covered` is true where a commitment paid for some of it. A price is the lowest that was seen.

use std::collections::BTreeMap;

use billing_report::{LineSums, SeenResource, UsageKey, UsageSum};
use cost_model::Amount;
use serde_json::{Value, json};

use crate::allocations::Allocations;

/// Most entries: cheaper ones are not worth an action.
const MAX_ENTRIES: usize = 20_000;

pub(crate) fn evidence(sums: &LineSums, allocations: &Allocations) -> Value {
    let mut usage: Vec<(UsageKey, &UsageSum)> =
        sums.evidence().usage().filter(|(key, _)| allocations.identity(&key.resource).is_some()).collect();
    let texts = |key: &UsageKey| {
        let SeenResource { id, product_code, account, region } = key.resource;
        let names = [id, account, key.usage_type, key.operation, key.unit, product_code, region];
        (names.map(|name| sums.name(name)), key.currency)
    };
    usage.sort_by(|(one, a), (other, b)| b.cost.cmp(&a.cost).then_with(|| texts(one).cmp(&texts(other))));
    let left_out = usage.len().saturating_sub(MAX_ENTRIES);
    usage.truncate(MAX_ENTRIES);
    let usage: Vec<Value> = usage.into_iter().filter_map(|(key, sum)| entry(sums, allocations, &key, sum)).collect();
    json!({
        "v": 1,
        "month": sums.month().to_string(),
        "leftOut": left_out,
        "tooMuch": sums.evidence().is_too_much(),
        "usage": usage,
        "prices": prices(sums),
    })
}

fn entry(sums: &LineSums, allocations: &Allocations, key: &UsageKey, sum: &UsageSum) -> Option<Value> {
    let (identity, allocation) = allocations.identity(&key.resource)?;
    let mut entry = json!({
        "resource": identity.to_string(),
        "account": sums.name(key.resource.account),
        "region": sums.name(key.resource.region),
        "productCode": sums.name(key.resource.product_code),
        "usageType": sums.name(key.usage_type),
        "operation": sums.name(key.operation),
        "unit": sums.name(key.unit),
        "usage": sum.usage,
        "cost": sum.cost,
        "currency": key.currency,
    });
    if sum.is_covered {
        entry["covered"] = json!(true);
    }
    if let Some(share) = allocation.and_then(|allocation| allocation.shares.first()) {
        if let Some(component) = share.attribution.component() {
            entry["component"] = json!(component);
        }
        if let Some(owner) = &share.owner {
            entry["owner"] = json!(owner);
        }
    }
    if let Some(day) = sums.month().day(sum.last_day.cast_signed()) {
        entry["lastDay"] = json!(day.to_string());
    }
    Some(entry)
}

/// The lowest of all accounts.
fn prices(sums: &LineSums) -> Vec<Value> {
    let mut lowest: BTreeMap<_, Amount> = BTreeMap::new();
    for (key, price) in sums.evidence().prices() {
        let names = [key.region, key.product_code, key.usage_type, key.operation, key.unit];
        let known = lowest.entry((names.map(|name| sums.name(name)), key.currency)).or_insert(*price);
        *known = (*price).min(*known);
    }
    let prices = lowest.into_iter().map(|(([region, product_code, usage_type, operation, unit], currency), price)| {
        json!({
            "region": region, "productCode": product_code, "usageType": usage_type, "operation": operation,
            "unit": unit, "currency": currency, "price": price,
        })
    });
    prices.take(MAX_ENTRIES).collect()
}
