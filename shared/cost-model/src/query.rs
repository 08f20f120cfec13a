//! Rollups of one scope -> the answer of `GET /api/costs`.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use catalog_model::EntityRef;
use jiff::civil::Date;
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use crate::amount::{Amount, AmountError};
use crate::amounts::Metric;
use crate::currency::Currency;
use crate::month::Month;
use crate::rollup::{Attribution, Days, Dimensions, Rollup};
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

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
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

/// The costs of one rollup by some of its dimensions: no larger than what can be answered by them.
#[derive(Debug, Clone)]
pub struct GroupedCosts {
    /// In the order of keys.
    groups: Vec<Group>,
}

#[derive(Debug, Clone)]
struct Group {
    key: GroupKey,
    /// Of a month that is not looked at by day, its sum on the first.
    days: Days,
}

type GroupKey = (Arc<[(Dimension, Option<String>)]>, Option<Unallocated>, Currency);

/// The values that a row is grouped by; of other dimensions nothing.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Grouped<'r> {
    texts: [Option<&'r str>; 4],
    attribution: Option<&'r Attribution>,
    owner: Option<&'r EntityRef>,
    currency: Currency,
}

impl<'r> Grouped<'r> {
    fn of(dimensions: &'r Dimensions, by: &BTreeSet<Dimension>) -> Self {
        let Dimensions { service, region, account, environment, attribution, owner, currency } = dimensions;
        let text = |dimension, text: &'r str| by.contains(&dimension).then_some(text);
        Self {
            texts: [
                text(Dimension::Service, service),
                text(Dimension::Region, region),
                text(Dimension::Account, account),
                environment.as_deref().and_then(|environment| text(Dimension::Environment, environment)),
            ],
            attribution: Some(attribution).filter(|_| by.contains(&Dimension::Component)),
            owner: owner.as_ref().filter(|_| by.contains(&Dimension::Owner)),
            currency: *currency,
        }
    }
}

impl Rollup {
    /// By day; or by month, for a span of days that has all of it.
    ///
    /// # Errors
    /// Fails beyond the largest amount.
    pub fn by(&self, by: &BTreeSet<Dimension>, granularity: Granularity) -> Result<GroupedCosts, AmountError> {
        let first = self.month().first();
        let mut groups: HashMap<Grouped<'_>, (&Dimensions, Days)> = HashMap::new();
        for (dimensions, days) in self.rows() {
            let (_, group) = groups.entry(Grouped::of(dimensions, by)).or_insert((dimensions, Days::default()));
            for (day, amounts) in days.iter() {
                let day = if granularity == Granularity::Daily { *day } else { first };
                group.add(day, amounts)?;
            }
        }
        let by_component = by.contains(&Dimension::Component);
        let group = |(dimensions, days): (&Dimensions, Days)| {
            let values = by.iter().map(|dimension| (*dimension, dimension.of(dimensions))).collect();
            let unallocated = dimensions.attribution.unallocated().filter(|_| by_component);
            Group { key: (values, unallocated, dimensions.currency), days }
        };
        let mut groups: Vec<Group> = groups.into_values().map(group).collect();
        groups.sort_unstable_by(|one, other| one.key.cmp(&other.key));
        Ok(GroupedCosts { groups })
    }
}

impl GroupedCosts {
    /// How many groups there are, and days of them together.
    pub fn size(&self) -> (usize, usize) {
        (self.groups.len(), self.groups.iter().map(|group| group.days.iter().len()).sum())
    }
}

impl Group {
    /// What of it is in the query's span, by day or on the first day of the month.
    fn sums(&self, query: &CostQuery) -> Result<Vec<(Date, Amount)>, AmountError> {
        let days = self.days.between(query.from, query.to);
        let amounts = days.iter().map(|(day, amounts)| (*day, amounts.get(query.metric)));
        match (query.granularity, days.first()) {
            (Granularity::Daily, _) => Ok(amounts.collect()),
            (Granularity::Monthly, None) => Ok(Vec::new()),
            (Granularity::Monthly, Some((day, _))) => {
                let sum = amounts.map(|(_, amount)| amount).try_fold(Amount::ZERO, Amount::plus)?;
                Ok(vec![(day.first_of_month(), sum)])
            }
        }
    }
}

/// Sums what is in the query's span of costs that are grouped as it asks: all of one scope, of any months, and of several bills of
/// one month. A month of which the span has a part is grouped by day.
///
/// # Errors
/// Fails beyond the largest amount.
pub fn costs<'a>(
    grouped: impl IntoIterator<Item = &'a GroupedCosts>,
    query: &CostQuery,
) -> Result<CostAnswer, AmountError> {
    let mut groups: Vec<&Group> = grouped.into_iter().flat_map(|grouped| &grouped.groups).collect();
    // Each month is in order already, which sorting makes use of.
    groups.sort_by(|one, other| one.key.cmp(&other.key));
    let mut totals: BTreeMap<Currency, Amount> = BTreeMap::new();
    let mut rows: Vec<CostRow> = Vec::new();
    for group in groups.chunk_by(|one, other| one.key == other.key) {
        let (by, unallocated, currency) = &group[0].key;
        let mut sums: Vec<(Date, Amount)> = Vec::new();
        for month in group {
            sums.append(&mut month.sums(query)?);
        }
        // One after the other, unless there are several bills of a month.
        sums.sort_by_key(|(date, _)| *date);
        let first = rows.len();
        for (date, amount) in sums {
            let total = totals.entry(*currency).or_default();
            *total = total.plus(amount)?;
            match rows[first..].last_mut() {
                Some(row) if row.date == date => row.amount = row.amount.plus(amount)?,
                _ => {
                    let (by, unallocated, currency) = (Arc::clone(by), *unallocated, *currency);
                    rows.push(CostRow { date, by, unallocated, currency, amount });
                }
            }
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
    let of_row = |(dimensions, days): (&'a Dimensions, &'a Days)| {
        let sum = days
            .between(from, to)
            .iter()
            .map(|(_, amounts)| amounts.get(metric))
            .try_fold(Amount::ZERO, Amount::plus)?;
        Ok((dimensions, sum))
    };
    rollups.into_iter().flat_map(Rollup::rows).map(of_row).collect()
}

impl CostQuery {
    /// How costs of the month are to be grouped: by month only if the span has all of it.
    pub fn granularity_of(&self, month: Month) -> Granularity {
        if self.from <= month.first() && self.to > month.last() { self.granularity } else { Granularity::Daily }
    }
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

#[cfg(test)]
#[path = "query_tests.rs"]
mod tests;
