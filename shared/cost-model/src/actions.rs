//! Rollups, evidence of the report and states of the records -> what could be done about costs: each action with its amount,
//! what it is about, and what it was concluded from.
//!
//! A rule is an entry of [`RULES`]. Savings are of prices that the report itself shows; without such a price there is no action.

mod evidence;
mod growth;
mod idle;
mod instances;
mod spend;
mod storage;
mod usage_type;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use catalog_model::EntityRef;
use serde::Serialize;
use serde_json::Value;

use crate::amount::{Amount, AmountError};
use crate::currency::Currency;
use crate::insights::{Known, Period};
use crate::rollup::Rollup;

pub use evidence::{Evidence, EvidenceError, Price, Usage};
pub use growth::{AlertCost, ProjectGrowth};
pub use spend::{Unlabeled, UnlabeledProject};

/// What rules look at.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// Of one scope, of every month that [`MONTHS`] asks for.
    pub rollups: &'a [&'a Rollup],
    pub known: &'a Known,
    /// What the report shows of the scope's resources; every bill's, the newest month first.
    pub evidence: &'a [Evidence],
    /// States of resources as AWS Config tells them, by identity: `available` of a volume.
    pub states: &'a BTreeMap<String, String>,
}

/// Months back from the last complete day that rules look at: two whole quarters and what is left of a third.
pub const MONTHS: usize = 9;

/// Months between two reports that both show a snapshot that is called old.
pub const OLD_SNAPSHOT_MONTHS: i32 = 3;

/// One rule.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    pub name: &'static str,
    /// What could be done, for a list of actions of this rule.
    pub title: &'static str,
    pub subtitle: &'static str,
    find: fn(&Rule, &Facts<'_>) -> Result<Vec<Action>, AmountError>,
}

pub const RULES: [Rule; 12] = [
    Rule {
        name: "project-growth-month",
        title: "Costs grew from one month to the next",
        subtitle: "Growth that nobody expected is cheapest to stop early.",
        find: growth::months,
    },
    Rule {
        name: "project-growth-quarter",
        title: "Costs grew from one quarter to the next",
        subtitle: "Growth that nobody expected is cheapest to stop early.",
        find: growth::quarters,
    },
    Rule {
        name: "untagged-spend",
        title: "Say which component costs are of",
        subtitle: "Tags, exports and rules of ownership say it; what nobody says, nobody can judge.",
        find: spend::untagged,
    },
    Rule {
        name: "unused-commitment",
        title: "Use commitments that are paid for",
        subtitle: "Savings Plans and reservations were paid for and not used.",
        find: spend::unused_commitment,
    },
    Rule {
        name: "previous-generation",
        title: "Leave previous generations of instances",
        subtitle: "A newer generation of the same size costs less an hour.",
        find: instances::previous_generation,
    },
    Rule {
        name: "graviton",
        title: "Move to Graviton",
        subtitle: "Instances of the same size with Arm processors cost less an hour.",
        find: instances::graviton,
    },
    Rule {
        name: "gp2-to-gp3",
        title: "Change volumes from gp2 to gp3",
        subtitle: "The same volume costs less as gp3, and can be changed while it is in use.",
        find: storage::gp2_to_gp3,
    },
    Rule {
        name: "unattached-volume",
        title: "Delete volumes that nothing is attached to",
        subtitle: "AWS Config says that they are available, and the bill that they cost.",
        find: storage::unattached_volumes,
    },
    Rule {
        name: "old-snapshot",
        title: "Delete snapshots that are no longer needed",
        subtitle: "They have been on the bill for months.",
        find: storage::old_snapshots,
    },
    Rule {
        name: "idle-address",
        title: "Release addresses that are not in use",
        subtitle: "The bill calls them idle.",
        find: idle::addresses,
    },
    Rule {
        name: "idle-load-balancer",
        title: "Delete load balancers without traffic",
        subtitle: "They are paid by the hour, and hardly anything goes through them.",
        find: idle::load_balancers,
    },
    Rule {
        name: "idle-nat-gateway",
        title: "Delete NAT gateways without traffic",
        subtitle: "They are paid by the hour, and hardly anything goes through them.",
        find: idle::nat_gateways,
    },
];

/// Something that could be done.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Action {
    pub rule: &'static str,
    pub title: String,
    /// What would be saved in the period, or what it is about: growth, costs without a component.
    pub amount: Amount,
    pub currency: Currency,
    /// Whether the amount would be saved.
    pub saving: bool,
    /// Days that the amount is of; `to` is left out.
    pub from: String,
    pub to: String,
    pub target: Target,
    pub evidence: Value,
    /// The `data` of the alert in the contract's terms, where it has such an alert.
    #[serde(skip)]
    pub alert: Option<Alert>,
}

/// What an action is about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Target {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Identity of an AWS resource.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// The resource as the catalog calls it now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entity_ref: Option<EntityRef>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub component: Option<EntityRef>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<EntityRef>,
}

/// Alerts that Cost Insights has classes for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Alert {
    ProjectGrowth(ProjectGrowth),
    Unlabeled(Unlabeled),
}

/// All actions, currency by currency, the most money first.
///
/// # Errors
/// Fails beyond the largest amount.
pub fn actions(facts: &Facts<'_>) -> Result<Vec<Action>, AmountError> {
    let mut actions = Vec::new();
    for rule in &RULES {
        actions.extend((rule.find)(rule, facts)?);
    }
    // Stable: equal ones stay in the order of the rules.
    actions.sort_by_key(|action| (action.currency, Reverse(action.amount)));
    Ok(actions)
}

/// Usage of the newest month that there is evidence of, with the days of the month.
fn evidence_of_newest_month<'a>(facts: &Facts<'a>) -> impl Iterator<Item = (&'a Usage, Period)> {
    let newest = facts.evidence.iter().map(|evidence| evidence.month).max();
    let of_month = facts.evidence.iter().filter(move |evidence| Some(evidence.month) == newest);
    of_month.flat_map(|evidence| {
        let (from, last) = (evidence.month.first(), evidence.month.last());
        let days = Period { from, to: last.tomorrow().unwrap_or(last) };
        evidence.usage.iter().map(move |usage| (usage, days))
    })
}

impl Target {
    fn of(usage: &Usage) -> Self {
        Self {
            account: Some(usage.account.clone()),
            region: Some(usage.region.clone()),
            resource: Some(usage.resource.clone()),
            entity_ref: None,
            component: usage.component.clone(),
            owner: usage.owner.clone(),
        }
    }
}

/// Volumes whose state decides about an action.
pub fn volumes(evidence: &[Evidence]) -> BTreeSet<&str> {
    let usages = evidence.iter().flat_map(|evidence| &evidence.usage);
    usages.filter(|usage| storage::is_volume(usage)).map(|usage| usage.resource.as_str()).collect()
}

#[cfg(test)]
#[path = "actions/rules_tests.rs"]
mod tests;
