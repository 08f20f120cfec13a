//! Rollups of one scope -> the answer of `GET /api/costs`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use jiff::civil::Date;
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use crate::amount::{Amount, AmountError};
use crate::amounts::{Amounts, Metric};
use crate::currency::Currency;
use crate::rollup::{Dimensions, Rollup};
use crate::unallocated::Unallocated;

/// What an answer can be grouped by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dimension {
    Service,
    Region,
    Account,
    Environment,
    Component,
    Owner,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Granularity {
    Daily,
    Monthly,
}

/// `to` is exclusive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CostQuery {
    pub from: Date,
    pub to: Date,
    pub by: BTreeSet<Dimension>,
    pub metric: Metric,
    pub granularity: Granularity,
}

/// The sum of one group, on one day or (dated at its first day) in one month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CostRow {
    pub date: Date,
    /// A value for each dimension asked for, in the order of [`Dimension::ALL`]; none where a cost has none.
    pub by: Arc<[(Dimension, Option<String>)]>,
    /// Why there is no component, when grouped by component.
    pub unallocated: Option<Unallocated>,
    pub currency: Currency,
    pub amount: Amount,
}

/// Rows in the order of date, group, currency. The rows of one currency add up to its total.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CostAnswer {
    pub totals: BTreeMap<Currency, Amount>,
    pub rows: Vec<CostRow>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is none of {allowed}")]
pub struct QueryError {
    pub text: String,
    pub allowed: &'static str,
}

/// Of each day of a month that has one; of a whole month, on its first day.
type MonthOfSums = [Option<Amount>; 31];

/// Sums the cells of `rollups` (all of one scope; of any months, and of several bills of one month) that are in the query's span.
///
/// # Errors
/// Fails beyond the largest amount.
pub fn costs<'a>(rollups: impl IntoIterator<Item = &'a Rollup>, query: &CostQuery) -> Result<CostAnswer, AmountError> {
    type Group = (Arc<[(Dimension, Option<String>)]>, Option<Unallocated>, Currency);
    let mut groups: BTreeMap<Group, BTreeMap<Date, MonthOfSums>> = BTreeMap::new();
    let mut totals: BTreeMap<Currency, Amount> = BTreeMap::new();
    let by_component = query.by.contains(&Dimension::Component);
    for (dimensions, days) in rollups.into_iter().flat_map(Rollup::rows) {
        let mut days = days.range(query.from..query.to.max(query.from)).peekable();
        // A row's days are of one month and of one group: both are looked up once.
        let Some(month) = days.peek().map(|(day, _)| day.first_of_month()) else { continue };
        let by = query.by.iter().map(|dimension| (*dimension, dimension.of(dimensions))).collect();
        let unallocated = dimensions.attribution.unallocated().filter(|_| by_component);
        let group = groups.entry((by, unallocated, dimensions.currency)).or_default();
        let sums = group.entry(month).or_default();
        let total = totals.entry(dimensions.currency).or_default();
        for (day, amounts) in days {
            let amount = amounts.get(query.metric);
            let at = match query.granularity {
                Granularity::Daily => usize::try_from(day.day() - 1).unwrap_or_default(),
                Granularity::Monthly => 0,
            };
            let sum = sums[at].get_or_insert_default();
            *sum = sum.plus(amount)?;
            *total = total.plus(amount)?;
        }
    }
    let mut rows: Vec<CostRow> = Vec::new();
    for ((by, unallocated, currency), months) in groups {
        for (month, sums) in months {
            let dates = std::iter::successors(Some(month), |day| day.tomorrow().ok());
            let dated = dates.zip(sums).filter_map(|(date, sum)| Some((date, sum?)));
            let row = |(date, amount)| CostRow { date, by: Arc::clone(&by), unallocated, currency, amount };
            rows.extend(dated.map(row));
        }
    }
    // Groups are in order, and stay so within a day.
    rows.sort_by_key(|row| row.date);
    Ok(CostAnswer { totals, rows })
}

/// Every row of rollups with what it came to from `from` until `to`, which is left out.
///
/// # Errors
/// Fails beyond the largest amount.
pub(crate) fn sums_of_rows<'a>(
    rollups: impl IntoIterator<Item = &'a Rollup>,
    (from, to): (Date, Date),
    metric: Metric,
) -> Result<Vec<(&'a Dimensions, Amount)>, AmountError> {
    let of_row = |(dimensions, days): (&'a Dimensions, &'a BTreeMap<Date, Amounts>)| {
        let days = days.range(from..to.max(from));
        let sum = days.map(|(_, amounts)| amounts.get(metric)).try_fold(Amount::ZERO, Amount::plus)?;
        Ok((dimensions, sum))
    };
    rollups.into_iter().flat_map(Rollup::rows).map(of_row).collect()
}

impl CostAnswer {
    /// `{scope, metric, from, to, granularity, totals: {"USD": "1.5"}, rows: [{date, ...by, currency, amount}]}`. Amounts are
    /// exact decimals as texts. A dimension without value is `null`; beside `component: null` stands `unallocated`, the reason.
    pub fn body<'a>(&'a self, scope: &'a str, query: &CostQuery) -> impl Serialize + use<'a> {
        CostBody {
            scope,
            metric: query.metric.as_str(),
            from: query.from,
            to: query.to,
            granularity: query.granularity.as_str(),
            totals: &self.totals,
            rows: &self.rows,
        }
    }
}

#[cfg(test)]
impl CostAnswer {
    pub(crate) fn to_json(&self, scope: &str, query: &CostQuery) -> serde_json::Value {
        serde_json::to_value(self.body(scope, query)).unwrap()
    }
}

#[derive(Serialize)]
struct CostBody<'a> {
    scope: &'a str,
    metric: &'static str,
    from: Date,
    to: Date,
    granularity: &'static str,
    totals: &'a BTreeMap<Currency, Amount>,
    rows: &'a [CostRow],
}

impl Serialize for CostRow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut row = serializer.serialize_map(None)?;
        row.serialize_entry("date", &self.date)?;
        for (dimension, value) in self.by.iter() {
            row.serialize_entry(dimension.as_str(), value)?;
        }
        if let Some(reason) = self.unallocated {
            row.serialize_entry("unallocated", reason.as_str())?;
        }
        row.serialize_entry("currency", self.currency.as_str())?;
        row.serialize_entry("amount", &self.amount)?;
        row.end()
    }
}

impl Dimension {
    pub const ALL: [Self; 6] =
        [Self::Service, Self::Region, Self::Account, Self::Environment, Self::Component, Self::Owner];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Region => "region",
            Self::Account => "account",
            Self::Environment => "environment",
            Self::Component => "component",
            Self::Owner => "owner",
        }
    }

    pub(crate) fn of(self, dimensions: &Dimensions) -> Option<String> {
        match self {
            Self::Service => Some(dimensions.service.clone()),
            Self::Region => Some(dimensions.region.clone()),
            Self::Account => Some(dimensions.account.clone()),
            Self::Environment => dimensions.environment.clone(),
            Self::Component => dimensions.attribution.component().map(ToString::to_string),
            Self::Owner => dimensions.owner.as_ref().map(ToString::to_string),
        }
    }
}

impl Granularity {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Daily => "daily",
            Self::Monthly => "monthly",
        }
    }
}

impl fmt::Display for Dimension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Dimension {
    type Err = QueryError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|dimension| dimension.as_str() == text).ok_or_else(|| QueryError {
            text: text.chars().take(40).collect(),
            allowed: "service, region, account, environment, component, owner",
        })
    }
}

impl FromStr for Granularity {
    type Err = QueryError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let all = [Self::Daily, Self::Monthly];
        all.into_iter()
            .find(|granularity| granularity.as_str() == text)
            .ok_or_else(|| QueryError { text: text.chars().take(40).collect(), allowed: "daily, monthly" })
    }
}
