//! Rollups of one scope -> the answer of `GET /api/costs`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use serde_json::{Map, Value, json};

use crate::amount::{Amount, AmountError};
use crate::amounts::Metric;
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
    pub by: Vec<(Dimension, Option<String>)>,
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

/// Sums the cells of `rollups` (all of one scope; of any months, and of several bills of one month) that are in the query's span.
///
/// # Errors
/// Fails beyond the largest amount.
pub fn costs<'a>(rollups: impl IntoIterator<Item = &'a Rollup>, query: &CostQuery) -> Result<CostAnswer, AmountError> {
    type Group = (Date, Vec<(Dimension, Option<String>)>, Option<Unallocated>, Currency);
    let mut groups: BTreeMap<Group, Amount> = BTreeMap::new();
    let mut totals: BTreeMap<Currency, Amount> = BTreeMap::new();
    for (day, dimensions, amounts) in rollups.into_iter().flat_map(Rollup::cells) {
        if day < query.from || day >= query.to {
            continue;
        }
        let amount = amounts.get(query.metric);
        let date = match query.granularity {
            Granularity::Daily => day,
            Granularity::Monthly => day.first_of_month(),
        };
        let by = query.by.iter().map(|dimension| (*dimension, dimension.of(dimensions))).collect();
        let by_component = query.by.contains(&Dimension::Component);
        let unallocated = dimensions.attribution.unallocated().filter(|_| by_component);
        let group = groups.entry((date, by, unallocated, dimensions.currency)).or_default();
        *group = group.plus(amount)?;
        let total = totals.entry(dimensions.currency).or_default();
        *total = total.plus(amount)?;
    }
    let rows = groups
        .into_iter()
        .map(|((date, by, unallocated, currency), amount)| CostRow { date, by, unallocated, currency, amount })
        .collect();
    Ok(CostAnswer { totals, rows })
}

impl CostAnswer {
    /// `{scope, metric, from, to, granularity, totals: {"USD": "1.5"}, rows: [{date, ...by, currency, amount}]}`. Amounts are
    /// exact decimals as texts. A dimension without value is `null`; beside `component: null` stands `unallocated`, the reason.
    pub fn to_json(&self, scope: &str, query: &CostQuery) -> Value {
        let rows: Vec<Value> = self.rows.iter().map(CostRow::to_json).collect();
        let totals: Map<String, Value> = self.totals.iter().map(|(c, amount)| (c.to_string(), json!(amount))).collect();
        json!({
            "scope": scope,
            "metric": query.metric.as_str(),
            "from": query.from.to_string(),
            "to": query.to.to_string(),
            "granularity": query.granularity.as_str(),
            "totals": totals,
            "rows": rows,
        })
    }
}

impl CostRow {
    fn to_json(&self) -> Value {
        let mut row = Map::new();
        row.insert("date".into(), json!(self.date.to_string()));
        for (dimension, value) in &self.by {
            row.insert(dimension.as_str().into(), json!(value));
        }
        if let Some(reason) = self.unallocated {
            row.insert("unallocated".into(), json!(reason.as_str()));
        }
        row.insert("currency".into(), json!(self.currency.as_str()));
        row.insert("amount".into(), json!(self.amount));
        Value::Object(row)
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

    fn of(self, dimensions: &Dimensions) -> Option<String> {
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
