//! Accounts whose costs grew from one whole month or quarter to the next.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use jiff::ToSpan;
use jiff::civil::Date;
use serde::Serialize;
use serde_json::json;

use crate::actions::{Action, Alert, Facts, Rule, Target};
use crate::amount::{Amount, AmountError};
use crate::currency::Currency;
use crate::insights::{Change, Number, Period};
use crate::month::Month;

/// Growth of less is none: the portal's own threshold.
const MIN_PERCENT: i128 = 5;

/// In units of the currency: growth of less is not worth anybody's time.
const MIN_AMOUNT: Amount = Amount::from_raw(10 * 10_i128.pow(20));

/// `ProjectGrowthData` of the contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProjectGrowth {
    pub project: String,
    /// `2026-Q2`, or the first day of a month.
    pub period_start: String,
    pub period_end: String,
    pub aggregation: [Number; 2],
    pub change: Change,
    /// Of both periods, the dearest of the last one first.
    pub products: Vec<AlertCost>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AlertCost {
    pub id: String,
    pub aggregation: [Number; 2],
}

pub(crate) fn months(rule: &Rule, facts: &Facts<'_>) -> Result<Vec<Action>, AmountError> {
    grown(rule, facts, 1, |first| first.to_string())
}

pub(crate) fn quarters(rule: &Rule, facts: &Facts<'_>) -> Result<Vec<Action>, AmountError> {
    grown(rule, facts, 3, |first| format!("{}-Q{}", first.year(), (first.month() + 2) / 3))
}

fn grown(rule: &Rule, facts: &Facts<'_>, length: i32, label: fn(Date) -> String) -> Result<Vec<Action>, AmountError> {
    let Some([before, last]) = whole_periods(facts, length) else { return Ok(Vec::new()) };
    let mut actions = Vec::new();
    for ((account, currency), services) in sums(facts, before, last)? {
        let total = services.values().try_fold([Amount::ZERO; 2], |[one, other], sums| {
            Ok::<_, AmountError>([one.plus(sums[0])?, other.plus(sums[1])?])
        })?;
        let growth = total[1].minus(total[0])?;
        let is_large = growth >= MIN_AMOUNT && growth.raw() / MIN_PERCENT >= total[0].raw() / 100;
        // What began in the period did not grow.
        if !is_large || total[0] <= Amount::ZERO {
            continue;
        }
        let mut products: Vec<(&str, [Amount; 2])> = services.into_iter().collect();
        products.sort_by_key(|(_, sums)| Reverse(sums[1]));
        let evidence = json!({
            "before": {"from": before.from.to_string(), "to": before.to.to_string(), "amount": total[0]},
            "after": {"from": last.from.to_string(), "to": last.to.to_string(), "amount": total[1]},
            "services": products.iter().map(|(service, [one, other])| json!({
                "service": service, "before": one, "after": other,
            })).collect::<Vec<_>>(),
        });
        let alert = ProjectGrowth {
            project: account.to_owned(),
            period_start: label(before.from),
            period_end: label(last.from),
            aggregation: total.map(Number::of),
            change: Change::between(total[0], total[1])?,
            products: products
                .into_iter()
                .map(|(id, sums)| AlertCost { id: id.to_owned(), aggregation: sums.map(Number::of) })
                .collect(),
        };
        actions.push(Action {
            rule: rule.name,
            title: format!("costs in account {account} grew from {} to {}", alert.period_start, alert.period_end),
            amount: growth,
            currency,
            saving: false,
            from: last.from.to_string(),
            to: last.to.to_string(),
            target: Target { account: Some(account.to_owned()), ..Target::default() },
            evidence,
            alert: Some(Alert::ProjectGrowth(alert)),
        });
    }
    Ok(actions)
}

type Sums<'a> = BTreeMap<(&'a str, Currency), BTreeMap<&'a str, [Amount; 2]>>;

fn sums<'a>(facts: &Facts<'a>, before: Period, last: Period) -> Result<Sums<'a>, AmountError> {
    let mut sums: Sums<'a> = BTreeMap::new();
    for (dimensions, days) in facts.rollups.iter().copied().flat_map(crate::Rollup::rows) {
        for (at, period) in [before, last].into_iter().enumerate() {
            for (_, amounts) in days.between(period.from, period.to) {
                let place = sums.entry((dimensions.account.as_str(), dimensions.currency)).or_default();
                let sum = &mut place.entry(dimensions.service.as_str()).or_default()[at];
                *sum = sum.plus(amounts.unblended)?;
            }
        }
    }
    Ok(sums)
}

/// The last two periods of so many months, each complete in every day and begun where the calendar's periods begin.
fn whole_periods(facts: &Facts<'_>, length: i32) -> Option<[Period; 2]> {
    let end = facts.known.last_complete_day?.tomorrow().ok()?.first_of_month();
    let beyond = (i32::from(end.month()) - 1) % length;
    let end = end.checked_sub(beyond.months()).ok()?;
    let [middle, begin] = [length, 2 * length].map(|months| end.checked_sub(months.months()).ok());
    let (middle, begin) = (middle?, begin?);
    let is_known = Month::between(begin, end).iter().all(|month| facts.known.months.contains(month));
    is_known.then_some([Period { from: begin, to: middle }, Period { from: middle, to: end }])
}
