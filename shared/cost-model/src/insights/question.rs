//! What is asked of rollups, and which days they can answer for.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use crate::amount::{Amount, AmountError};
use crate::amounts::Metric;
use crate::currency::Currency;
use crate::insights::intervals::{Intervals, Period};
use crate::month::Month;
use crate::rollup::{Dimensions, Rollup};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    pub intervals: Intervals,
    pub metric: Metric,
    /// Numbers are of one currency; sums of others stand beside them.
    pub currency: Currency,
    /// What one account used, and no other.
    pub account: Option<String>,
}

/// What there are reports of. A day without a report is unknown, and not zero.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    pub months: BTreeSet<Month>,
    pub last_complete_day: Option<Date>,
}

impl Known {
    /// Of each head: export, month, its last complete day.
    ///
    /// The last complete day is that of the export that is furthest behind, of those that told of the newest month or of the
    /// one before: an export that was stopped long ago holds nobody back.
    pub fn of<'a>(heads: impl IntoIterator<Item = (&'a str, Month, Option<Date>)>) -> Self {
        let mut months = BTreeSet::new();
        let mut newest: BTreeMap<&str, (Month, Option<Date>)> = BTreeMap::new();
        for (export, month, day) in heads {
            months.insert(month);
            let known = newest.entry(export).or_insert((month, day));
            *known = (known.0.max(month), known.1.max(day));
        }
        let last = months.last().copied();
        let counts = |month: Month| {
            last.is_some_and(|last| month == last || Some(month) == last.first().yesterday().ok().map(Month::of))
        };
        let days = newest.into_values().filter(|(month, _)| counts(*month)).filter_map(|(_, day)| day);
        Self { last_complete_day: days.min(), months }
    }

    /// Whether a series has the day even if nothing was spent on it.
    pub(crate) fn is_complete(&self, day: Date) -> bool {
        self.months.contains(&Month::of(day)) && self.last_complete_day.is_some_and(|last| day <= last)
    }
}

impl Question {
    /// Days that a series shows.
    pub(crate) fn shown(&self, known: &Known) -> Period {
        self.intervals.shown(known.last_complete_day)
    }

    /// Every row that counts, with its amounts that are looked at.
    pub(crate) fn rows<'r>(
        &self,
        rollups: impl IntoIterator<Item = &'r Rollup>,
        read: Period,
    ) -> impl Iterator<Item = (&'r Dimensions, Vec<(Date, Amount)>)> {
        let counts =
            |dimensions: &Dimensions| self.account.as_ref().is_none_or(|account| *account == dimensions.account);
        let rows = rollups.into_iter().flat_map(Rollup::rows).filter(move |(dimensions, _)| counts(dimensions));
        rows.map(move |(dimensions, days)| {
            let days = days.between(read.from, read.to).iter();
            (dimensions, days.map(|(day, amounts)| (*day, amounts.get(self.metric))).collect())
        })
    }
}

/// What a period came to.
///
/// # Errors
/// Fails beyond the largest amount.
pub(crate) fn sum_of(days: &BTreeMap<Date, Amount>, period: Period) -> Result<Amount, AmountError> {
    if period.from >= period.to {
        return Ok(Amount::ZERO);
    }
    days.range(period.from..period.to).try_fold(Amount::ZERO, |sum, (_, amount)| sum.plus(*amount))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_complete_day_is_that_of_the_export_that_is_furthest_behind() {
        let known = |heads: &[(&'static str, &str, &str)]| {
            let heads = heads.iter().map(|(export, month, day)| (*export, month.parse().unwrap(), day.parse().ok()));
            Known::of(heads).last_complete_day.map(|day| day.to_string())
        };
        assert_eq!(known(&[]), None);
        assert_eq!(known(&[("a", "2026-10", "-")]), None);
        let payer = [("a", "2026-09", "2026-09-30"), ("a", "2026-10", "2026-10-28")];
        assert_eq!(known(&payer).unwrap(), "2026-10-28");
        assert_eq!(known(&[payer[0], payer[1], ("b", "2026-10", "2026-10-27")]).unwrap(), "2026-10-27");
        assert_eq!(known(&[payer[0], payer[1], ("b", "2026-09", "2026-09-30")]).unwrap(), "2026-09-30");
        // Stopped long ago.
        assert_eq!(known(&[payer[0], payer[1], ("b", "2026-03", "2026-03-31")]).unwrap(), "2026-10-28");
        // A new month of which no day is complete yet.
        assert_eq!(known(&[payer[1], ("a", "2026-11", "-")]).unwrap(), "2026-10-28");
    }
}
