//! Volumes and snapshots: of an older type, attached to nothing, on the bill for months.

use std::collections::BTreeSet;

use jiff::ToSpan;
use serde_json::json;

use crate::actions::evidence::Usage;
use crate::actions::usage_type::{cost_at, plain, seen_price, with_plain};
use crate::actions::{Action, Facts, OLD_SNAPSHOT_MONTHS, Rule, Target};
use crate::amount::{Amount, AmountError};
use crate::insights::Period;
use crate::month::Month;

const VOLUME: &str = "EBS:VolumeUsage";
const GP2: &str = "EBS:VolumeUsage.gp2";
const GP3: &str = "EBS:VolumeUsage.gp3";
const SNAPSHOT: &str = "EBS:SnapshotUsage";

/// A larger gp2 volume has more operations a second than come with gp3: those would have to be bought.
const MAX_GP2: Amount = Amount::from_raw(1_000 * 10_i128.pow(20));

/// As AWS Config tells of a volume that is attached to nothing.
const UNATTACHED: &str = "available";

pub(crate) fn is_volume(usage: &Usage) -> bool {
    plain(&usage.usage_type).starts_with(VOLUME)
}

pub(crate) fn gp2_to_gp3(rule: &Rule, facts: &Facts<'_>) -> Result<Vec<Action>, AmountError> {
    let mut actions = Vec::new();
    for (usage, days) in super::evidence_of_newest_month(facts) {
        // What is attached to nothing is to be deleted, not changed.
        let goes = facts.states.get(&usage.resource).is_some_and(|state| state == UNATTACHED);
        if plain(&usage.usage_type) != GP2 || usage.covered || goes || usage.usage > MAX_GP2 {
            continue;
        }
        let gp3 = with_plain(&usage.usage_type, GP3);
        let Some(price) = seen_price(facts.evidence, usage, &gp3, None) else { continue };
        let Some(cost) = cost_at(usage.usage, price.price) else { continue };
        let saving = usage.cost.minus(cost)?;
        if saving > Amount::ZERO {
            let evidence = json!({
                "usageType": usage.usage_type, "usage": usage.usage, "unit": usage.unit, "cost": usage.cost,
                "suggested": gp3, "suggestedPrice": price.price, "suggestedCost": cost,
            });
            actions.push(saved(rule, usage, days, saving, "a volume of type gp2 could be gp3", evidence));
        }
    }
    Ok(actions)
}

pub(crate) fn unattached_volumes(rule: &Rule, facts: &Facts<'_>) -> Result<Vec<Action>, AmountError> {
    let mut actions = Vec::new();
    for (usage, days) in super::evidence_of_newest_month(facts) {
        let state = facts.states.get(&usage.resource).filter(|state| *state == UNATTACHED);
        let Some(state) = state.filter(|_| is_volume(usage) && usage.cost > Amount::ZERO) else { continue };
        let evidence = json!({
            "state": state, "usageType": usage.usage_type, "usage": usage.usage, "unit": usage.unit, "cost": usage.cost,
        });
        actions.push(saved(rule, usage, days, usage.cost, "a volume is attached to nothing", evidence));
    }
    Ok(actions)
}

/// Snapshots that a report of three months before shows as well.
pub(crate) fn old_snapshots(rule: &Rule, facts: &Facts<'_>) -> Result<Vec<Action>, AmountError> {
    let Some(newest) = facts.evidence.iter().map(|evidence| evidence.month).max() else { return Ok(Vec::new()) };
    let Ok(before) = newest.first().checked_sub(OLD_SNAPSHOT_MONTHS.months()) else { return Ok(Vec::new()) };
    let before = Month::of(before);
    let is_snapshot = |usage: &&Usage| plain(&usage.usage_type).starts_with(SNAPSHOT);
    let old = facts.evidence.iter().filter(|evidence| evidence.month <= before);
    let old: BTreeSet<&str> =
        old.flat_map(|evidence| &evidence.usage).filter(is_snapshot).map(|usage| usage.resource.as_str()).collect();
    let mut actions = Vec::new();
    for (usage, days) in super::evidence_of_newest_month(facts) {
        if is_snapshot(&usage) && old.contains(usage.resource.as_str()) && usage.cost > Amount::ZERO {
            let evidence = json!({
                "seenIn": before.to_string(), "usageType": usage.usage_type, "usage": usage.usage, "unit": usage.unit,
                "cost": usage.cost,
            });
            actions.push(saved(rule, usage, days, usage.cost, "a snapshot has been on the bill for months", evidence));
        }
    }
    Ok(actions)
}

/// Something that one resource would save.
pub(crate) fn saved(
    rule: &Rule,
    usage: &Usage,
    days: Period,
    saving: Amount,
    title: &str,
    evidence: serde_json::Value,
) -> Action {
    Action {
        rule: rule.name,
        title: title.to_owned(),
        amount: saving,
        currency: usage.currency,
        saving: true,
        from: days.from.to_string(),
        to: days.to.to_string(),
        target: Target::of(usage),
        evidence,
        alert: None,
    }
}
