//! Allocated costs -> the rollup of every scope that they belong to, and the proof that nothing is lost on the way.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use catalog_model::{EntityRef, Identity};

use crate::allocation::Allocation;
use crate::amount::AmountError;
use crate::amounts::{Amounts, Metric};
use crate::currency::Currency;
use crate::month::Month;
use crate::rollup::{Cell, Dimensions, Rollup};
use crate::statement::Statement;

/// What one rollup is about. The text is the key under which rollups are stored.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// The whole bill: `all`.
    All,
    /// What one account used: `account:111122223333`.
    Account(String),
    /// One AWS resource, by identity: a resource's reference may change, its costs stay.
    Resource(Identity),
    /// A component, an owner, or a system, by reference.
    Entity(EntityRef),
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("scope `{0}` is none of `all`, `account:<id>`, an entity reference, the identity of an AWS resource")]
pub struct ScopeError(String);

/// The rollups of all scopes of one bill. Holds every cell up to six times: once for each scope that it is in.
#[derive(Debug, Clone)]
pub struct ScopeRollups {
    month: Month,
    rollups: BTreeMap<Scope, Rollup>,
}

/// Rollups that do not add up to their bill. It never happens; if it does, nothing is published.
#[derive(Debug, thiserror::Error)]
pub enum SumsDiffer {
    #[error("{metric} {currency} of {what} is {found}, but the bill says {expected}")]
    Differ { what: &'static str, metric: Metric, currency: Currency, found: String, expected: String },
    #[error("a sum cannot be made")]
    Sum {
        #[source]
        source: AmountError,
    },
}

impl Scope {
    /// The scope of a record's own cost.
    pub fn of_identity(identity: &Identity) -> Self {
        identity.entity_ref().map_or_else(|| Self::Resource(identity.clone()), Self::Entity)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Account(account) => write!(f, "account:{account}"),
            Self::Resource(identity) => identity.fmt(f),
            Self::Entity(entity_ref) => entity_ref.fmt(f),
        }
    }
}

impl FromStr for Scope {
    type Err = ScopeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ScopeError(text.chars().take(200).collect());
        if text == "all" {
            return Ok(Self::All);
        }
        if let Some(account) = text.strip_prefix("account:").filter(|rest| !rest.contains('/')) {
            let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
            return if is_account { Ok(Self::Account(account.to_owned())) } else { Err(error()) };
        }
        if text.starts_with("arn:") || text.starts_with("config:") && text.matches(':').count() > 1 {
            return Ok(Self::Resource(Identity::of_canonical_arn(text)));
        }
        text.parse().map(Self::Entity).map_err(|_| error())
    }
}

impl ScopeRollups {
    pub fn new(month: Month) -> Self {
        Self { month, rollups: BTreeMap::from([(Scope::All, Rollup::new(month))]) }
    }

    /// Adds a cost to all its scopes, in equal shares where several components carry it.
    ///
    /// `cell.dimensions` holds what the line says; attribution, owner and (where the record says it) environment are
    /// replaced by those of the allocation.
    ///
    /// # Errors
    /// Fails beyond the largest amount.
    pub fn add(&mut self, cell: &Cell, allocation: &Allocation) -> Result<(), AmountError> {
        let parts = cell.amounts.split_equally(allocation.shares.len());
        for (share, amounts) in allocation.shares.iter().zip(&parts) {
            let dimensions = Dimensions {
                attribution: share.attribution.clone(),
                owner: share.owner.clone(),
                environment: allocation.environment.clone().or_else(|| cell.dimensions.environment.clone()),
                ..cell.dimensions.clone()
            };
            // As a set: a component that is its own owner is one scope.
            let entity_scopes = [share.attribution.component(), share.owner.as_ref(), share.system.as_ref()];
            let mut scopes: Vec<Scope> = entity_scopes.into_iter().flatten().cloned().map(Scope::Entity).collect();
            scopes.extend([Scope::All, Scope::Account(dimensions.account.clone())]);
            scopes.extend(allocation.entity.as_ref().map(Scope::of_identity));
            scopes.sort();
            scopes.dedup();
            for scope in scopes {
                let rollup = self.rollups.entry(scope).or_insert_with(|| Rollup::new(self.month));
                rollup.add(cell.day, &dimensions, amounts)?;
            }
        }
        Ok(())
    }

    /// Every scope that has a cost, and `all` in any case.
    pub fn iter(&self) -> impl Iterator<Item = (&Scope, &Rollup)> {
        self.rollups.iter()
    }

    pub fn month(&self) -> Month {
        self.month
    }

    pub fn get(&self, scope: &Scope) -> Option<&Rollup> {
        self.rollups.get(scope)
    }

    /// Compares with `bill`, which was summed from the lines alone: the cells of `all`, those of all accounts together,
    /// and the rows of the statement, allocated and unallocated ones.
    ///
    /// # Errors
    /// Fails on the first difference.
    pub fn check(&self, bill: &BTreeMap<Currency, Amounts>) -> Result<(), SumsDiffer> {
        let sum = |source| SumsDiffer::Sum { source };
        let all = &self.rollups[&Scope::All];
        compare("the cells", &all.totals().map_err(sum)?, bill)?;
        let mut of_accounts: BTreeMap<Currency, Amounts> = BTreeMap::new();
        for (_, rollup) in self.rollups.iter().filter(|(scope, _)| matches!(scope, Scope::Account(_))) {
            for (currency, amounts) in rollup.totals().map_err(sum)? {
                of_accounts.entry(currency).or_default().add(&amounts).map_err(sum)?;
            }
        }
        compare("the accounts", &of_accounts, bill)?;
        let statement = Statement::of([all]).map_err(sum)?;
        let mut of_rows: BTreeMap<Currency, Amounts> = BTreeMap::new();
        for row in &statement.rows {
            of_rows.entry(row.currency).or_default().add(&row.amounts).map_err(sum)?;
        }
        compare("the statement", &of_rows, bill)
    }
}

fn compare(
    what: &'static str,
    found: &BTreeMap<Currency, Amounts>,
    bill: &BTreeMap<Currency, Amounts>,
) -> Result<(), SumsDiffer> {
    for currency in found.keys().chain(bill.keys()) {
        let of = |sums: &BTreeMap<Currency, Amounts>| sums.get(currency).copied().unwrap_or_default();
        for metric in Metric::ALL {
            let (found, expected) = (of(found).get(metric), of(bill).get(metric));
            if found != expected {
                return Err(SumsDiffer::Differ {
                    what,
                    metric,
                    currency: *currency,
                    found: found.to_string(),
                    expected: expected.to_string(),
                });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "rollups_tests.rs"]
mod tests;
