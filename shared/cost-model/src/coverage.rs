//! The rollups of one scope, and of the accounts around it -> how much of what runs for it the scope's costs cover.
//!
//! What is on no component may be anybody's: of what an account spends on a service without saying for whom, a scope is
//! taken to run the part that it has of what the account does say. That is an estimate, and the only one in here: sums are exact.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde::Serialize;

use crate::amount::{Amount, AmountError};
use crate::amounts::Metric;
use crate::currency::Currency;
use crate::insights::Number;
use crate::missing::{Missing, share};
use crate::query::sums_of_rows;
use crate::rollup::{Dimensions, Rollup};
use crate::split::scale;
use crate::unallocated::Unallocated;

/// Whose costs are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// Everybody's: a bill, or an account.
    All,
    /// A component's, a system's or a resource's.
    Component,
    /// An owner's: what it owns without a component is covered.
    Owner,
}

/// `to` is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CoverageQuery {
    pub from: Date,
    pub to: Date,
    pub metric: Metric,
    pub whose: Whose,
}

/// total = allocated + unallocated, and the rows of `reasons` add up to the unallocated, currency by currency.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Coverage {
    pub currencies: BTreeMap<Currency, Covered>,
    pub reasons: Vec<ReasonCost>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Covered {
    pub total: Amount,
    /// On a component.
    pub allocated: Amount,
    pub unallocated: Amount,
    /// What others do not say whose it is, and may be the scope's: an estimate. None of a whole bill: it is all in there.
    pub may_belong: Option<Amount>,
    /// Of a bill or an account `allocated / total`, else `total / (total + mayBelong)`. None of zero.
    pub coverage: Option<Number>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReasonCost {
    pub unallocated: Unallocated,
    pub currency: Currency,
    pub amount: Amount,
}

/// Accounts that the scope has costs in: their rollups are what is around it.
pub fn accounts_of<'a>(rollups: impl IntoIterator<Item = &'a Rollup>) -> BTreeSet<String> {
    rollups.into_iter().flat_map(Rollup::rows).map(|(dimensions, _)| dimensions.account.clone()).collect()
}

impl Coverage {
    /// `own`: the rollups of the scope; `around`: those of its accounts, not looked at for a whole bill.
    ///
    /// # Errors
    /// Fails beyond the largest amount.
    pub fn of<'a>(
        own: impl IntoIterator<Item = &'a Rollup>,
        around: impl IntoIterator<Item = &'a Rollup>,
        query: &CoverageQuery,
    ) -> Result<Self, AmountError> {
        let mut currencies: BTreeMap<Currency, Covered> = BTreeMap::new();
        let mut reasons: BTreeMap<(Currency, Unallocated), Amount> = BTreeMap::new();
        let mut places: BTreeMap<Place<'a>, Spent> = BTreeMap::new();
        for (dimensions, sum) in sums_of_rows(own, (query.from, query.to), query.metric)? {
            let covered = currencies.entry(dimensions.currency).or_default();
            covered.total = covered.total.plus(sum)?;
            let part = match dimensions.attribution.unallocated() {
                None => &mut covered.allocated,
                Some(reason) => {
                    let of_reason = reasons.entry((dimensions.currency, reason)).or_default();
                    *of_reason = of_reason.plus(sum)?;
                    &mut covered.unallocated
                }
            };
            *part = part.plus(sum)?;
            let place = places.entry(place(dimensions)).or_default();
            place.own = place.own.plus(sum)?;
        }
        if query.whose != Whose::All {
            for (dimensions, sum) in sums_of_rows(around, (query.from, query.to), query.metric)? {
                let Some(place) = places.get_mut(&place(dimensions)) else { continue };
                let part = if query.may_be_ours(dimensions) { &mut place.unsaid } else { &mut place.said };
                *part = part.plus(sum)?;
            }
            let mut may_belong: BTreeMap<Currency, Amount> = BTreeMap::new();
            for ((currency, ..), spent) in &places {
                let sum = may_belong.entry(*currency).or_default();
                *sum = sum.plus(spent.may_belong())?;
            }
            for (currency, covered) in &mut currencies {
                covered.may_belong = may_belong.get(currency).copied();
            }
        }
        for covered in currencies.values_mut() {
            covered.coverage = match covered.may_belong {
                None => share(covered.allocated, covered.total),
                Some(more) => share(covered.total, covered.total.plus(more)?),
            };
        }
        let reasons = reasons.into_iter();
        let reasons = reasons.map(|((currency, unallocated), amount)| ReasonCost { unallocated, currency, amount });
        Ok(Self { currencies, reasons: reasons.collect() })
    }
}

/// Where something of the scope runs.
type Place<'a> = (Currency, &'a str, &'a str);

#[derive(Default)]
struct Spent {
    own: Amount,
    /// By everybody who is known, the scope included.
    said: Amount,
    unsaid: Amount,
}

impl Spent {
    fn may_belong(&self) -> Amount {
        // Credits and refunds say nothing of what runs.
        if self.own <= Amount::ZERO || self.unsaid <= Amount::ZERO || self.said < self.own {
            return Amount::ZERO;
        }
        scale(self.unsaid, self.own, self.said).unwrap_or_default()
    }
}

impl CoverageQuery {
    /// A component does not know what others own without a component; an owner knows what it owns.
    fn may_be_ours(&self, dimensions: &Dimensions) -> bool {
        let missing = Missing::of(dimensions).filter(|missing| missing.may_be_anybodys());
        missing.is_some() && (self.whose == Whose::Component || dimensions.owner.is_none())
    }
}

fn place(dimensions: &Dimensions) -> Place<'_> {
    (dimensions.currency, dimensions.account.as_str(), dimensions.service.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::insights::sample::rollups;

    fn october(whose: Whose) -> CoverageQuery {
        CoverageQuery {
            from: "2026-10-01".parse().unwrap(),
            to: "2026-11-01".parse().unwrap(),
            metric: Metric::Unblended,
            whose,
        }
    }

    const ORDERS: &str = "2026-10-01 AmazonEC2 eu-west-1 111122223333 prod orders team-a USD 93";
    const ACCOUNT: [&str; 6] = [
        ORDERS,
        "2026-10-01 AmazonEC2 eu-west-1 111122223333 prod billing team-b USD 93",
        "2026-10-01 AmazonEC2 eu-west-1 111122223333 - UnknownResource - USD 8",
        "2026-10-01 AmazonEC2 eu-west-1 111122223333 - NoComponent team-b USD 6",
        // Another service, and what nobody runs.
        "2026-10-01 AmazonRDS eu-west-1 111122223333 - UnknownResource - USD 50",
        "2026-10-01 Tax global 111122223333 - Tax - USD 50",
    ];

    fn covered(own: &[&str], whose: Whose) -> String {
        let coverage = Coverage::of(&rollups(own), &rollups(&ACCOUNT), &october(whose)).unwrap();
        let usd = &coverage.currencies[&"USD".parse().unwrap()];
        let may = usd.may_belong.map_or("-".to_owned(), |amount| amount.to_string());
        format!("{} of {} may {may} covers {}", usd.allocated, usd.total, usd.coverage.as_ref().unwrap().as_str())
    }

    #[test]
    fn a_component_may_run_its_part_of_what_nobody_claims_where_it_runs() {
        // Half of what is said is its own, so half of the 14 that are not said may be.
        assert_eq!(covered(&[ORDERS], Whose::Component), "93 of 93 may 7 covers 0.93");
    }

    #[test]
    fn what_an_owner_has_without_component_is_covered() {
        let own = [
            "2026-10-01 AmazonEC2 eu-west-1 111122223333 prod billing team-b USD 90",
            "2026-10-01 AmazonEC2 eu-west-1 111122223333 - NoComponent team-b USD 6",
        ];
        // 96 of 192 that are said, and 8 that are not.
        assert_eq!(covered(&own, Whose::Owner), "90 of 96 may 4 covers 0.96");
    }

    #[test]
    fn of_a_bill_it_is_what_is_on_components() {
        assert_eq!(covered(&ACCOUNT, Whose::All), "186 of 300 may - covers 0.62");
        let coverage = Coverage::of(&rollups(&ACCOUNT), [], &october(Whose::All)).unwrap();
        let reasons: Vec<String> =
            coverage.reasons.iter().map(|row| format!("{} {}", row.unallocated, row.amount)).collect();
        assert_eq!(reasons, ["UnknownResource 58", "NoComponent 6", "Tax 50"]);
        assert_eq!(accounts_of(&rollups(&ACCOUNT)), BTreeSet::from(["111122223333".to_owned()]));
    }

    #[test]
    fn nothing_covers_nothing() {
        let coverage = Coverage::of([], [], &october(Whose::Component)).unwrap();
        assert_eq!(serde_json::to_value(coverage).unwrap(), serde_json::json!({"currencies": {}, "reasons": []}));
    }
}
