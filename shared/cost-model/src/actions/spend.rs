//! Spend of the last thirty complete days that nobody can judge, and that nobody used.

use std::collections::BTreeMap;

use jiff::ToSpan;
use serde::Serialize;
use serde_json::json;

use crate::actions::{Action, Alert, Facts, Rule, Target};
use crate::amount::{Amount, AmountError};
use crate::amounts::Metric;
use crate::currency::Currency;
use crate::insights::{Number, Period};
use crate::missing::Missing;
use crate::query::sums_of_rows;
use crate::unallocated::Unallocated;

/// Days that the portal's alert speaks of.
const DAYS: i64 = 30;

/// `UnlabeledDataflowData` of the contract: our unlabeled cost is on no component, our labeled cost is on one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Unlabeled {
    pub period_start: String,
    /// The last day, which counts.
    pub period_end: String,
    pub projects: Vec<UnlabeledProject>,
    pub unlabeled_cost: Number,
    pub labeled_cost: Number,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UnlabeledProject {
    pub id: String,
    pub unlabeled_cost: Number,
    pub labeled_cost: Number,
}

/// One action for each currency: accounts with costs of resources that are on no component.
pub(crate) fn untagged(rule: &Rule, facts: &Facts<'_>) -> Result<Vec<Action>, AmountError> {
    let Some(days) = last_days(facts) else { return Ok(Vec::new()) };
    let mut currencies: BTreeMap<Currency, BTreeMap<&str, [Amount; 2]>> = BTreeMap::new();
    for (dimensions, sum) in sums_of_rows(facts.rollups.iter().copied(), (days.from, days.to), Metric::Unblended)? {
        // Tax and fees are of no resource: no tag would say whose they are.
        let at = match Missing::of(dimensions) {
            None | Some(Missing::Owner) => 1,
            Some(missing) if missing.may_be_anybodys() => 0,
            Some(_) => continue,
        };
        let projects = currencies.entry(dimensions.currency).or_default();
        let part = &mut projects.entry(dimensions.account.as_str()).or_default()[at];
        *part = part.plus(sum)?;
    }
    let mut actions = Vec::new();
    for (currency, mut projects) in currencies {
        projects.retain(|_, [unlabeled, _]| *unlabeled > Amount::ZERO);
        let total = projects.values().try_fold([Amount::ZERO; 2], |[one, other], sums| {
            Ok::<_, AmountError>([one.plus(sums[0])?, other.plus(sums[1])?])
        })?;
        if total[0] <= Amount::ZERO {
            continue;
        }
        let accounts = projects.iter();
        let accounts =
            accounts.map(|(account, [no, yes])| json!({"account": account, "unlabeled": no, "labeled": yes}));
        let accounts: Vec<_> = accounts.collect();
        let alert = Unlabeled {
            period_start: days.from.to_string(),
            period_end: days.to.yesterday().map(|day| day.to_string()).unwrap_or_default(),
            projects: projects
                .into_iter()
                .map(|(id, [unlabeled, labeled])| UnlabeledProject {
                    id: id.to_owned(),
                    unlabeled_cost: Number::of(unlabeled),
                    labeled_cost: Number::of(labeled),
                })
                .collect(),
            unlabeled_cost: Number::of(total[0]),
            labeled_cost: Number::of(total[1]),
        };
        actions.push(Action {
            rule: rule.name,
            title: "costs of resources are on no component".to_owned(),
            amount: total[0],
            currency,
            saving: false,
            from: days.from.to_string(),
            to: days.to.to_string(),
            target: Target::default(),
            evidence: json!({"unlabeled": total[0], "labeled": total[1], "accounts": accounts}),
            alert: Some(Alert::Unlabeled(alert)),
        });
    }
    Ok(actions)
}

/// What is left of the fees of commitments after amortisation: nobody used it.
pub(crate) fn unused_commitment(rule: &Rule, facts: &Facts<'_>) -> Result<Vec<Action>, AmountError> {
    let Some(days) = last_days(facts) else { return Ok(Vec::new()) };
    let mut unused: BTreeMap<(&str, Unallocated, Currency), Amount> = BTreeMap::new();
    for (dimensions, sum) in sums_of_rows(facts.rollups.iter().copied(), (days.from, days.to), Metric::Amortized)? {
        let fees = [Unallocated::SavingsPlanFee, Unallocated::ReservationFee];
        if let Some(reason) = dimensions.attribution.unallocated().filter(|reason| fees.contains(reason)) {
            let part = unused.entry((dimensions.account.as_str(), reason, dimensions.currency)).or_default();
            *part = part.plus(sum)?;
        }
    }
    let unused = unused.into_iter().filter(|(_, amount)| *amount > Amount::ZERO);
    let action = |((account, reason, currency), amount): ((&str, Unallocated, Currency), Amount)| {
        let what = if reason == Unallocated::SavingsPlanFee { "Savings Plans" } else { "reservations" };
        Action {
            rule: rule.name,
            title: format!("{what} in account {account} were not used"),
            amount,
            currency,
            saving: true,
            from: days.from.to_string(),
            to: days.to.to_string(),
            target: Target { account: Some(account.to_owned()), ..Target::default() },
            evidence: json!({"unallocated": reason, "metric": Metric::Amortized.as_str(), "amount": amount}),
            alert: None,
        }
    };
    Ok(unused.map(action).collect())
}

fn last_days(facts: &Facts<'_>) -> Option<Period> {
    let to = facts.known.last_complete_day?.tomorrow().ok()?;
    Some(Period { from: to.checked_sub(DAYS.days()).ok()?, to })
}
