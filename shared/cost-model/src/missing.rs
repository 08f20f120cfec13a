//! The rollups of a whole bill -> what is on no component or has no owner, ranked by the money that a tag, an owner or a
//! record would explain.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use num_bigint::BigInt;
use serde::Serialize;

use crate::amount::{Amount, AmountError};
use crate::amounts::Metric;
use crate::currency::Currency;
use crate::insights::Number;
use crate::query::{Dimension, sums_of_rows};
use crate::rollup::{Dimensions, Rollup};
use crate::unallocated::Unallocated;

/// What is missing of a cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Missing {
    /// The component has no owner.
    Owner,
    /// The resource has an owner, and no component.
    Component,
    ComponentAndOwner,
    /// The catalog has no record of the resource.
    Record,
    /// The resource's id leads to no record.
    Identity,
    /// The line names no resource.
    ResourceId,
    /// It is of no resource: tax, support, fees, discounts. Only a rule could give it to somebody.
    Rule,
}

/// `to` is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingQuery {
    pub from: Date,
    pub to: Date,
    pub metric: Metric,
    pub by: BTreeSet<Dimension>,
}

/// Of each currency: bill = explained + all rows. Rows of one currency stand together, the most money first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MissingReport {
    pub totals: BTreeMap<Currency, MissingTotals>,
    pub rows: Vec<MissingRow>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct MissingTotals {
    pub bill: Amount,
    /// On a component that has an owner.
    pub explained: Amount,
    pub unexplained: Amount,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MissingRow {
    pub missing: &'static str,
    /// Why it is on no component; none if it is on one.
    pub unallocated: Option<Unallocated>,
    #[serde(flatten)]
    pub by: BTreeMap<&'static str, Option<String>>,
    pub currency: Currency,
    pub amount: Amount,
    /// Of the bill; none of a bill of zero.
    pub share: Option<Number>,
    /// What would explain it.
    pub remedy: &'static str,
}

impl Missing {
    /// `None`: nothing is missing.
    pub(crate) fn of(dimensions: &Dimensions) -> Option<Self> {
        let Some(reason) = dimensions.attribution.unallocated() else {
            return dimensions.owner.is_none().then_some(Self::Owner);
        };
        // By name: reasons are added, and those that nobody thought of here want a rule.
        Some(match (reason.as_str(), dimensions.owner.is_some()) {
            ("NoComponent", true) => Self::Component,
            ("NoComponent" | "Unowned", _) => Self::ComponentAndOwner,
            ("UnknownResource", _) => Self::Record,
            ("UnresolvedResource", _) => Self::Identity,
            ("NoResourceId", _) => Self::ResourceId,
            _ => Self::Rule,
        })
    }

    /// Whether it is the cost of a resource that some component may be running on.
    pub(crate) fn may_be_anybodys(self) -> bool {
        !matches!(self, Self::Owner | Self::Rule)
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Component => "component",
            Self::ComponentAndOwner => "component and owner",
            Self::Record => "record",
            Self::Identity => "identity",
            Self::ResourceId => "resource id",
            Self::Rule => "rule",
        }
    }

    fn remedy(self) -> &'static str {
        match self {
            Self::Owner => "declare `spec.owner` of the component",
            Self::Component => "tag the resource with its component, or name the component in the export that makes it",
            Self::ComponentAndOwner => {
                "tag the resource with its component or its owner, or give its account or stack a default in the rules of ownership"
            }
            Self::Record => {
                "let AWS Config record the resource's type in this account and region, or export the state that makes it"
            }
            Self::Identity => "the id in the report leads to no resource: export the state that makes it, with its ARN",
            Self::ResourceId => "let the report include resource ids; some usage has none in any report",
            Self::Rule => "it is of no resource: share it out by a rule of your own, or leave it with the payer",
        }
    }
}

impl MissingReport {
    /// Of the rollups of scope `all`.
    ///
    /// # Errors
    /// Fails beyond the largest amount.
    pub fn of<'a>(rollups: impl IntoIterator<Item = &'a Rollup>, query: &MissingQuery) -> Result<Self, AmountError> {
        type Group = (Currency, Missing, Option<Unallocated>, BTreeMap<&'static str, Option<String>>);
        let mut totals: BTreeMap<Currency, MissingTotals> = BTreeMap::new();
        let mut groups: BTreeMap<Group, Amount> = BTreeMap::new();
        for (dimensions, sum) in sums_of_rows(rollups, (query.from, query.to), query.metric)? {
            let total = totals.entry(dimensions.currency).or_default();
            total.bill = total.bill.plus(sum)?;
            let Some(missing) = Missing::of(dimensions) else {
                total.explained = total.explained.plus(sum)?;
                continue;
            };
            total.unexplained = total.unexplained.plus(sum)?;
            let by = query.by.iter().map(|dimension| (dimension.as_str(), dimension.of(dimensions))).collect();
            let group =
                groups.entry((dimensions.currency, missing, dimensions.attribution.unallocated(), by)).or_default();
            *group = group.plus(sum)?;
        }
        let mut rows: Vec<MissingRow> = groups
            .into_iter()
            .filter(|(_, amount)| !amount.is_zero())
            .map(|((currency, missing, unallocated, by), amount)| MissingRow {
                missing: missing.as_str(),
                unallocated,
                by,
                currency,
                amount,
                share: share(amount, totals.get(&currency).map(|total| total.bill).unwrap_or_default()),
                remedy: missing.remedy(),
            })
            .collect();
        // Stable: equal ones stay in the order of what is missing.
        rows.sort_by_key(|row| (row.currency, Reverse(row.amount)));
        Ok(Self { totals, rows })
    }
}

/// `None`: the whole is zero.
pub(crate) fn share(part: Amount, whole: Amount) -> Option<Number> {
    Number::of_fraction(&BigInt::from(part.raw()), &BigInt::from(whole.raw()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::insights::sample::month;
    use crate::insights::sample::rollups;

    fn october(by: &[Dimension]) -> MissingQuery {
        MissingQuery {
            from: "2026-10-01".parse().unwrap(),
            to: "2026-11-01".parse().unwrap(),
            metric: Metric::Unblended,
            by: by.iter().copied().collect(),
        }
    }

    #[test]
    fn what_is_missing_is_ranked_by_the_money_that_it_would_explain() {
        let month = rollups(&[
            "2026-10-01 AmazonEC2 eu-west-1 111122223333 prod orders team-a USD 60",
            "2026-10-01 AmazonEC2 eu-west-1 111122223333 prod billing - USD 8",
            "2026-10-02 AmazonEC2 eu-west-1 111122223333 - UnknownResource - USD 5",
            "2026-10-03 AmazonEC2 eu-west-1 111122223333 - UnknownResource - USD 5",
            "2026-10-03 AmazonEC2 eu-west-1 111122223333 - NoComponent team-a USD 4",
            "2026-10-03 AmazonEC2 eu-west-1 111122223333 - NoComponent - USD 3",
            "2026-10-03 Tax global 111122223333 - Tax - USD 20",
            "2026-10-03 AmazonEC2 eu-west-1 111122223333 - Credit - USD -20",
            "2026-10-03 AmazonS3 eu-west-1 111122223333 - UnresolvedResource - EUR 1",
            "2026-10-03 AmazonS3 eu-west-1 111122223333 - NoResourceId - EUR 2",
        ]);
        let report = MissingReport::of(&month, &october(&[Dimension::Service])).unwrap();
        let lines: Vec<String> = report
            .rows
            .iter()
            .map(|row| {
                let service = row.by["service"].as_deref().unwrap();
                let share = row.share.as_ref().unwrap().as_str();
                format!("{} {} {service}: {} ({share})", row.amount, row.currency, row.missing)
            })
            .collect();
        assert_eq!(
            lines,
            [
                "2 EUR AmazonS3: resource id (0.66666666666666667)",
                "1 EUR AmazonS3: identity (0.33333333333333333)",
                "20 USD Tax: rule (0.23529411764705882)",
                "10 USD AmazonEC2: record (0.11764705882352941)",
                "8 USD AmazonEC2: owner (0.094117647058823529)",
                "4 USD AmazonEC2: component (0.047058823529411765)",
                "3 USD AmazonEC2: component and owner (0.035294117647058824)",
                "-20 USD AmazonEC2: rule (-0.23529411764705882)",
            ]
        );
        let usd = &report.totals[&"USD".parse().unwrap()];
        assert_eq!((usd.bill.to_string(), usd.explained.to_string()), ("85".into(), "60".into()));
        let row = serde_json::to_value(&report.rows[3]).unwrap();
        assert_eq!(
            (&row["missing"], &row["service"], &row["unallocated"]),
            (&"record".into(), &"AmazonEC2".into(), &"UnknownResource".into())
        );
    }

    proptest! {
        #[test]
        fn the_bill_is_what_is_explained_and_all_rows(month in month()) {
            let report = MissingReport::of(&month, &october(&[Dimension::Account, Dimension::Environment])).unwrap();
            for (currency, total) in &report.totals {
                let rows = report.rows.iter().filter(|row| row.currency == *currency);
                let sum = rows.fold(Amount::ZERO, |sum, row| sum.plus(row.amount).unwrap());
                prop_assert_eq!(sum, total.unexplained);
                prop_assert_eq!(total.explained.plus(sum).unwrap(), total.bill);
            }
        }
    }
}
