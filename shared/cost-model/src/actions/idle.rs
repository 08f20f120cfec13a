//! What is paid by the hour and has nothing to do: addresses, load balancers, NAT gateways.

use std::collections::BTreeMap;

use serde_json::json;

use crate::actions::evidence::Usage;
use crate::actions::storage::saved;
use crate::actions::usage_type::plain;
use crate::actions::{Action, Facts, Rule};
use crate::amount::{Amount, AmountError};
use crate::currency::Currency;
use crate::insights::Period;

const ADDRESSES: [&str; 2] = ["ElasticIP:IdleAddress", "PublicIPv4:IdleAddress"];

const LOAD_BALANCER_HOURS: &str = "LoadBalancerUsage";
/// Capacity units of application and network load balancers, and gigabytes of classic ones.
const LOAD_BALANCER_TRAFFIC: [&str; 2] = ["LCUUsage", "DataProcessing-Bytes"];

const NAT_HOURS: &str = "NatGateway-Hours";
const NAT_TRAFFIC: [&str; 1] = ["NatGateway-Bytes"];

/// Capacity units or gigabytes in a hundred hours that are no traffic: health checks and strangers.
const QUIET_IN_100_HOURS: i128 = 1;

pub(crate) fn addresses(rule: &Rule, facts: &Facts<'_>) -> Result<Vec<Action>, AmountError> {
    let idle = super::evidence_of_newest_month(facts)
        .filter(|(usage, _)| ADDRESSES.contains(&plain(&usage.usage_type)) && usage.cost > Amount::ZERO);
    let action = |(usage, days): (&Usage, Period)| {
        let evidence = json!({
            "usageType": usage.usage_type, "usage": usage.usage, "unit": usage.unit, "cost": usage.cost,
        });
        saved(rule, usage, days, usage.cost, "an address is not in use", evidence)
    };
    Ok(idle.map(action).collect())
}

pub(crate) fn load_balancers(rule: &Rule, facts: &Facts<'_>) -> Result<Vec<Action>, AmountError> {
    idle(rule, facts, LOAD_BALANCER_HOURS, &LOAD_BALANCER_TRAFFIC, "a load balancer has no traffic")
}

pub(crate) fn nat_gateways(rule: &Rule, facts: &Facts<'_>) -> Result<Vec<Action>, AmountError> {
    idle(rule, facts, NAT_HOURS, &NAT_TRAFFIC, "a NAT gateway has no traffic")
}

/// What one resource had to do.
#[derive(Default)]
struct Work<'a> {
    hours: Option<(&'a Usage, Period)>,
    cost: Amount,
    hour_count: Amount,
    traffic: Amount,
}

fn idle(
    rule: &Rule,
    facts: &Facts<'_>,
    hours_type: &str,
    traffic_types: &[&str],
    title: &str,
) -> Result<Vec<Action>, AmountError> {
    let mut resources: BTreeMap<(&str, Currency), Work<'_>> = BTreeMap::new();
    for (usage, days) in super::evidence_of_newest_month(facts) {
        let plain = plain(&usage.usage_type);
        let is_traffic = traffic_types.contains(&plain);
        if plain != hours_type && !is_traffic {
            continue;
        }
        let work = resources.entry((usage.resource.as_str(), usage.currency)).or_default();
        work.cost = work.cost.plus(usage.cost)?;
        if is_traffic {
            work.traffic = work.traffic.plus(usage.usage)?;
        } else {
            work.hour_count = work.hour_count.plus(usage.usage)?;
            work.hours = Some((usage, days));
        }
    }
    let mut actions = Vec::new();
    for work in resources.into_values() {
        let Some((usage, days)) = work.hours else { continue };
        let is_quiet = work.traffic.raw() / QUIET_IN_100_HOURS <= work.hour_count.raw() / 100;
        if !is_quiet || work.cost <= Amount::ZERO || work.hour_count <= Amount::ZERO {
            continue;
        }
        let evidence = json!({
            "usageType": usage.usage_type, "hours": work.hour_count, "traffic": work.traffic, "cost": work.cost,
        });
        actions.push(saved(rule, usage, days, work.cost, title, evidence));
    }
    Ok(actions)
}
