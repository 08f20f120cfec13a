//! Allocated costs -> the rollup of every scope that they belong to, and the proof that nothing is lost on the way.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use catalog_model::EntityRef;
use jiff::civil::Date;

use crate::allocation::Allocation;
use crate::amount::AmountError;
use crate::amounts::{Amounts, Metric};
use crate::currency::Currency;
use crate::month::Month;
use crate::rollup::{Cell, Dimensions, Rollup};
use crate::scope::Scope;
use crate::statement::Statement;

/// The costs of one bill, from which the rollup of any scope is made when it is asked for. Holds each cost of a resource
/// once, and for all the scopes that resources share one sum for each row and day.
#[derive(Debug, Clone)]
pub struct ScopeRollups {
    month: Month,
    rows: Vec<Row>,
    row_numbers: HashMap<RowKey, u32>,
    /// The rows of each scope that resources share.
    shared: BTreeMap<Scope, Vec<u32>>,
    /// What records cost by themselves.
    own: BTreeMap<Scope, Vec<OwnCost>>,
}

/// What costs have in common that are in the same cells of all scopes but the resources' own.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct RowKey {
    dimensions: Dimensions,
    system: Option<EntityRef>,
}

#[derive(Debug, Clone)]
struct Row {
    dimensions: Dimensions,
    /// In the order of days.
    days: Vec<(Date, Amounts)>,
}

#[derive(Debug, Clone, Copy)]
struct OwnCost {
    row: u32,
    day: Date,
    amounts: Amounts,
}

/// Where the costs of one place go: worked out once, and used for each of its days.
#[derive(Debug, Clone)]
pub struct Target {
    /// The record's own scope, where it is none of the shares'.
    own: Option<Scope>,
    rows: Vec<u32>,
    weights: Vec<u128>,
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

impl ScopeRollups {
    pub fn new(month: Month) -> Self {
        Self {
            month,
            rows: Vec::new(),
            row_numbers: HashMap::new(),
            shared: BTreeMap::from([(Scope::All, Vec::new())]),
            own: BTreeMap::new(),
        }
    }

    /// Where costs go that are allocated so.
    ///
    /// `dimensions` hold what the line says; attribution, owner and (where the record says it) environment are replaced by
    /// those of the allocation.
    pub fn target(&mut self, dimensions: &Dimensions, allocation: &Allocation) -> Target {
        let own = allocation.entity.as_ref().map(Scope::of_identity);
        let mut target = Target { own, rows: Vec::new(), weights: Vec::new() };
        for share in &allocation.shares {
            let dimensions = Dimensions {
                attribution: share.attribution.clone(),
                owner: share.owner.clone(),
                environment: allocation.environment.clone().or_else(|| dimensions.environment.clone()),
                ..dimensions.clone()
            };
            let row = self.row(RowKey { dimensions, system: share.system.clone() });
            let scopes = self.scopes_of(row, share.system.as_ref());
            if target.own.as_ref().is_some_and(|own| scopes.contains(own)) {
                target.own = None;
            }
            target.rows.push(row);
            target.weights.push(share.weight);
        }
        target
    }

    fn row(&mut self, key: RowKey) -> u32 {
        if let Some(row) = self.row_numbers.get(&key) {
            return *row;
        }
        let row = u32::try_from(self.rows.len()).unwrap_or(u32::MAX);
        self.rows.push(Row { dimensions: key.dimensions.clone(), days: Vec::new() });
        for scope in self.scopes_of(row, key.system.as_ref()) {
            self.shared.entry(scope).or_default().push(row);
        }
        self.row_numbers.insert(key, row);
        row
    }

    /// As a set: a component that is its own owner is one scope.
    fn scopes_of(&self, row: u32, system: Option<&EntityRef>) -> BTreeSet<Scope> {
        let dimensions = &self.rows[row as usize].dimensions;
        let entities = [dimensions.attribution.component(), dimensions.owner.as_ref(), system];
        let mut scopes: BTreeSet<Scope> = entities.into_iter().flatten().cloned().map(Scope::Entity).collect();
        scopes.extend([Scope::All, Scope::Account(dimensions.account.clone())]);
        scopes
    }

    /// Adds a cost to all its scopes, in the shares of the components that carry it. A day outside the month counts on the
    /// nearest day of the month, as in [`Rollup::add`].
    ///
    /// # Errors
    /// Fails beyond the largest amount.
    pub fn add_to(&mut self, target: &Target, day: Date, amounts: &Amounts) -> Result<(), AmountError> {
        let day = self.month.clamp(day);
        let parts = match target.rows.len() {
            1 => vec![*amounts],
            _ => amounts.split_by(&target.weights).ok_or(AmountError::Overflow)?,
        };
        for (row, part) in target.rows.iter().zip(&parts) {
            let days = &mut self.rows[*row as usize].days;
            match days.binary_search_by_key(&day, |(day, _)| *day) {
                Ok(at) => days[at].1.add(part)?,
                Err(at) => days.insert(at, (day, *part)),
            }
            if let Some(own) = &target.own {
                let cost = OwnCost { row: *row, day, amounts: *part };
                match self.own.get_mut(own) {
                    Some(costs) => costs.push(cost),
                    None => drop(self.own.insert(own.clone(), vec![cost])),
                }
            }
        }
        Ok(())
    }

    /// [`Self::target`] and [`Self::add_to`] for one cost.
    ///
    /// # Errors
    /// Fails beyond the largest amount.
    pub fn add(&mut self, cell: &Cell, allocation: &Allocation) -> Result<(), AmountError> {
        let target = self.target(&cell.dimensions, allocation);
        self.add_to(&target, cell.day, &cell.amounts)
    }

    /// Every scope that has a cost, and `all` in any case, in order.
    pub fn scopes(&self) -> BTreeSet<&Scope> {
        self.shared.keys().chain(self.own.keys()).collect()
    }

    pub fn month(&self) -> Month {
        self.month
    }

    /// The rollup of one scope. `None`: it has no cost.
    ///
    /// # Errors
    /// Fails beyond the largest amount.
    pub fn get(&self, scope: &Scope) -> Result<Option<Rollup>, AmountError> {
        let (shared, own) = (self.shared.get(scope), self.own.get(scope));
        if shared.is_none() && own.is_none() {
            return Ok(None);
        }
        let mut rollup = Rollup::new(self.month);
        for row in shared.into_iter().flatten().map(|row| &self.rows[*row as usize]) {
            for (day, amounts) in &row.days {
                rollup.add(*day, &row.dimensions, amounts)?;
            }
        }
        for cost in own.into_iter().flatten() {
            rollup.add(cost.day, &self.rows[cost.row as usize].dimensions, &cost.amounts)?;
        }
        Ok(Some(rollup))
    }

    /// Compares with `bill`, which was summed from the lines alone: the cells of `all`, those of all accounts together,
    /// and the rows of the statement, allocated and unallocated ones.
    ///
    /// # Errors
    /// Fails on the first difference.
    pub fn check(&self, bill: &BTreeMap<Currency, Amounts>) -> Result<(), SumsDiffer> {
        let sum = |source| SumsDiffer::Sum { source };
        let all = self.get(&Scope::All).map_err(sum)?.unwrap_or_else(|| Rollup::new(self.month));
        compare("the cells", &all.totals().map_err(sum)?, bill)?;
        let mut of_accounts: BTreeMap<Currency, Amounts> = BTreeMap::new();
        for (_, rows) in self.shared.iter().filter(|(scope, _)| matches!(scope, Scope::Account(_))) {
            for row in rows.iter().map(|row| &self.rows[*row as usize]) {
                for (_, amounts) in &row.days {
                    of_accounts.entry(row.dimensions.currency).or_default().add(amounts).map_err(sum)?;
                }
            }
        }
        compare("the accounts", &of_accounts, bill)?;
        let statement = Statement::of([&all]).map_err(sum)?;
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
