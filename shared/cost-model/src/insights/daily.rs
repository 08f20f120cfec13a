//! Rollups -> `Cost` and `MetricData` of the contract: a series of days, how the last period differs from the one before, the
//! trend, and the same series in groups that add up to it.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::Serialize;

use crate::amount::{Amount, AmountError};
use crate::amounts::Metric;
use crate::currency::Currency;
use crate::insights::change::Change;
use crate::insights::intervals::Period;
use crate::insights::number::Number;
use crate::insights::question::{Known, Question, sum_of};
use crate::insights::trend::Trendline;
use crate::query::Dimension;
use crate::rollup::Rollup;

/// The group of what has no value of a dimension: no component, no owner, no environment.
pub(crate) const UNALLOCATED: &str = "unallocated";

/// `DateAggregation` of the contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DailyAmount {
    pub date: String,
    pub amount: Number,
}

/// `Cost` of the contract, and the exact sums beside it. Without any cost, the series has no days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DailyCost {
    pub id: String,
    pub aggregation: Vec<DailyAmount>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change: Option<Change>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trendline: Option<Trendline>,
    /// The groups of each key add up to the series, day by day; days of zero are left out.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub grouped_costs: BTreeMap<&'static str, Vec<Self>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exact: Option<Exact>,
}

/// `MetricData` of the contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MetricData {
    pub id: String,
    pub format: &'static str,
    pub aggregation: Vec<DailyAmount>,
    pub change: Change,
    pub exact: Exact,
}

/// The sums that the numbers are made of, as exact decimals in texts. Not part of the contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Exact {
    pub metric: &'static str,
    pub currency: Currency,
    /// Days of the series; `to` is left out.
    pub from: String,
    pub to: String,
    pub total: Amount,
    /// Each period of the request, the oldest first.
    pub periods: Vec<PeriodTotal>,
    /// What was spent in other currencies on the days of the series: it is in none of the numbers.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub other_currencies: BTreeMap<Currency, Amount>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PeriodTotal {
    pub from: String,
    pub to: String,
    pub amount: Amount,
}

/// The cost of one scope. `rollups`: of that scope alone, every bill's of every month that is read.
///
/// # Errors
/// Fails beyond the largest amount.
pub fn daily_cost<'a>(
    id: &str,
    rollups: impl IntoIterator<Item = &'a Rollup>,
    question: &Question,
    known: &Known,
    breakdowns: &[(&'static str, Dimension)],
) -> Result<DailyCost, AmountError> {
    let shown = question.shown(known);
    let mut sums = Sums::default();
    let mut groups: Vec<BTreeMap<String, BTreeMap<Date, Amount>>> = vec![BTreeMap::new(); breakdowns.len()];
    for (dimensions, days) in question.rows(rollups, question.intervals.read(known.last_complete_day)) {
        if dimensions.currency != question.currency {
            sums.add_other(dimensions.currency, &days, shown)?;
            continue;
        }
        for ((_, dimension), groups) in breakdowns.iter().zip(&mut groups) {
            let group = dimension.of(dimensions).unwrap_or_else(|| UNALLOCATED.to_owned());
            let group = groups.entry(group).or_default();
            for (day, amount) in days.iter().filter(|(day, _)| shown.contains(*day)) {
                add(group, *day, *amount)?;
            }
        }
        for (day, amount) in &days {
            add(&mut sums.days, *day, *amount)?;
        }
    }
    let series = sums.series(shown, known);
    let keyed = breakdowns.iter().map(|(key, _)| *key).zip(groups);
    Ok(DailyCost {
        id: id.to_owned(),
        aggregation: written(&series),
        change: Some(sums.change(question)?),
        trendline: Trendline::of(&series),
        grouped_costs: keyed.map(|(key, groups)| (key, groups.into_iter().filter_map(of_group).collect())).collect(),
        exact: Some(sums.exact(question, shown)?),
    })
}

/// The same as a metric to compare other costs with.
///
/// # Errors
/// Fails beyond the largest amount.
pub fn metric_data<'a>(
    id: &str,
    rollups: impl IntoIterator<Item = &'a Rollup>,
    question: &Question,
    known: &Known,
) -> Result<MetricData, AmountError> {
    let shown = question.shown(known);
    let mut sums = Sums::default();
    for (dimensions, days) in question.rows(rollups, question.intervals.read(known.last_complete_day)) {
        if dimensions.currency != question.currency {
            sums.add_other(dimensions.currency, &days, shown)?;
            continue;
        }
        for (day, amount) in &days {
            add(&mut sums.days, *day, *amount)?;
        }
    }
    Ok(MetricData {
        id: id.to_owned(),
        format: "currency",
        aggregation: written(&sums.series(shown, known)),
        change: sums.change(question)?,
        exact: sums.exact(question, shown)?,
    })
}

#[derive(Default)]
struct Sums {
    days: BTreeMap<Date, Amount>,
    other: BTreeMap<Currency, Amount>,
}

impl Sums {
    fn add_other(&mut self, currency: Currency, days: &[(Date, Amount)], shown: Period) -> Result<(), AmountError> {
        for (_, amount) in days.iter().filter(|(day, _)| shown.contains(*day)) {
            let sum = self.other.entry(currency).or_default();
            *sum = sum.plus(*amount)?;
        }
        Ok(())
    }

    /// Days that are known. Nothing at all was spent: no days.
    fn series(&self, shown: Period, known: &Known) -> Vec<(Date, Amount)> {
        if shown.from >= shown.to || self.days.range(shown.from..shown.to).next().is_none() {
            return Vec::new();
        }
        let days = shown.days().filter_map(|day| match self.days.get(&day) {
            Some(amount) => Some((day, *amount)),
            None => known.is_complete(day).then_some((day, Amount::ZERO)),
        });
        days.collect()
    }

    fn change(&self, question: &Question) -> Result<Change, AmountError> {
        let (previous, current) = (question.intervals.previous(), question.intervals.current());
        Change::between(sum_of(&self.days, previous)?, sum_of(&self.days, current)?)
    }

    fn exact(&self, question: &Question, shown: Period) -> Result<Exact, AmountError> {
        let total = |period: Period| {
            sum_of(&self.days, period).map(|amount| PeriodTotal {
                from: period.from.to_string(),
                to: period.to.to_string(),
                amount,
            })
        };
        Ok(Exact {
            metric: Metric::as_str(question.metric),
            currency: question.currency,
            from: shown.from.to_string(),
            to: shown.to.to_string(),
            total: sum_of(&self.days, shown)?,
            periods: question.intervals.periods().into_iter().map(total).collect::<Result<_, _>>()?,
            other_currencies: self.other.clone(),
        })
    }
}

fn add(days: &mut BTreeMap<Date, Amount>, day: Date, amount: Amount) -> Result<(), AmountError> {
    let sum = days.entry(day).or_default();
    *sum = sum.plus(amount)?;
    Ok(())
}

fn written(series: &[(Date, Amount)]) -> Vec<DailyAmount> {
    let days = series.iter();
    days.map(|(day, amount)| DailyAmount { date: day.to_string(), amount: Number::of(*amount) }).collect()
}

/// `None`: nothing was spent.
fn of_group((id, days): (String, BTreeMap<Date, Amount>)) -> Option<DailyCost> {
    let series: Vec<(Date, Amount)> = days.into_iter().filter(|(_, amount)| !amount.is_zero()).collect();
    (!series.is_empty()).then(|| DailyCost {
        id,
        aggregation: written(&series),
        change: None,
        trendline: None,
        grouped_costs: BTreeMap::new(),
        exact: None,
    })
}

#[cfg(test)]
#[path = "daily_tests.rs"]
mod tests;
