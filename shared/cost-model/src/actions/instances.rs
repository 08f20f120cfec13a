//! Instances of EC2, RDS and ElastiCache that cost less an hour in another family of the same size.

use serde_json::json;

use crate::actions::evidence::Usage;
use crate::actions::usage_type::{cost_at, plain, seen_price, with_plain};
use crate::actions::{Action, Facts, Rule, Target};
use crate::amount::{Amount, AmountError};

/// Families, and those that do the same.
type Families = &'static [(&'static [&'static str], &'static [&'static str])];

const GRAVITON: Families = &[
    (&["m5", "m5a", "m6i", "m6a", "m7i", "m7a"], &["m8g", "m7g", "m6g"]),
    (&["m5d", "m5ad", "m6id"], &["m8gd", "m7gd", "m6gd"]),
    (&["c5", "c5a", "c6i", "c6a", "c7i", "c7a"], &["c8g", "c7g", "c6g"]),
    (&["c5d", "c5ad", "c6id"], &["c8gd", "c7gd", "c6gd"]),
    (&["r5", "r5a", "r6i", "r6a", "r7i", "r7a"], &["r8g", "r7g", "r6g"]),
    (&["r5d", "r5ad", "r6id"], &["r8gd", "r7gd", "r6gd"]),
    (&["t3", "t3a"], &["t4g"]),
];

/// What AWS sells as previous generations.
const PREVIOUS: Families = &[
    (&["m1", "m3", "m4"], &["m8g", "m7g", "m6g", "m7i", "m6i", "m6a", "m5", "m5a"]),
    (&["c1", "c3", "c4"], &["c8g", "c7g", "c6g", "c7i", "c6i", "c6a", "c5", "c5a"]),
    (&["r3", "r4", "m2"], &["r8g", "r7g", "r6g", "r7i", "r6i", "r6a", "r5", "r5a"]),
    (&["t1", "t2"], &["t4g", "t3", "t3a"]),
    (&["i2"], &["i4i", "i3"]),
];

/// Usage types of hours of instances; the class of RDS and ElastiCache is part of what stands behind.
const HOURS: [(&str, &str); 4] =
    [("BoxUsage:", ""), ("InstanceUsage:", "db."), ("Multi-AZUsage:", "db."), ("NodeUsage:", "cache.")];

pub(crate) fn graviton(rule: &Rule, facts: &Facts<'_>) -> Result<Vec<Action>, AmountError> {
    cheaper(rule, facts, GRAVITON)
}

pub(crate) fn previous_generation(rule: &Rule, facts: &Facts<'_>) -> Result<Vec<Action>, AmountError> {
    cheaper(rule, facts, PREVIOUS)
}

fn cheaper(rule: &Rule, facts: &Facts<'_>, families: Families) -> Result<Vec<Action>, AmountError> {
    let mut actions = Vec::new();
    for (usage, days) in super::evidence_of_newest_month(facts) {
        let Some(instance) = Instance::of(usage).filter(|_| !usage.covered) else { continue };
        let of_family = families.iter().find(|(from, _)| from.contains(&instance.family));
        let Some((_, targets)) = of_family else { continue };
        // The operation tells operating systems and engines apart: what somebody runs of it there can be run.
        let operation = usage.operation.as_deref();
        let priced = targets.iter().filter_map(|family| {
            let target = instance.in_family(family);
            let price = seen_price(facts.evidence, usage, &with_plain(&usage.usage_type, &target), operation)?;
            Some((cost_at(usage.usage, price.price)?, target, price))
        });
        let Some((cost, target, price)) = priced.min_by_key(|(cost, ..)| *cost) else { continue };
        let saving = usage.cost.minus(cost)?;
        if saving <= Amount::ZERO {
            continue;
        }
        let to = target.rsplit(':').next().unwrap_or_default().to_owned();
        actions.push(Action {
            rule: rule.name,
            title: format!("{} could be {to}", instance.name()),
            amount: saving,
            currency: usage.currency,
            saving: true,
            from: days.from.to_string(),
            to: days.to.to_string(),
            target: Target::of(usage),
            evidence: json!({
                "instanceType": instance.name(), "usage": usage.usage, "unit": usage.unit, "cost": usage.cost,
                "usageType": usage.usage_type, "suggested": to, "suggestedPrice": price.price, "suggestedCost": cost,
            }),
            alert: None,
        });
    }
    Ok(actions)
}

/// `BoxUsage:` + `` + `m5` + `.large`.
struct Instance<'a> {
    hours: &'static str,
    class: &'static str,
    family: &'a str,
    size: &'a str,
}

impl<'a> Instance<'a> {
    fn of(usage: &'a Usage) -> Option<Self> {
        let plain = plain(&usage.usage_type);
        HOURS.into_iter().find_map(|(hours, class)| {
            let (family, size) = plain.strip_prefix(hours)?.strip_prefix(class)?.split_once('.')?;
            Some(Self { hours, class, family, size })
        })
    }

    fn name(&self) -> String {
        format!("{}{}.{}", self.class, self.family, self.size)
    }

    fn in_family(&self, family: &str) -> String {
        format!("{}{}{family}.{}", self.hours, self.class, self.size)
    }
}
