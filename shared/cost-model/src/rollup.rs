//! All costs of one scope in one month, by day and by everything that they can be asked for by.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;

use catalog_model::EntityRef;
use jiff::civil::Date;

use crate::amount::AmountError;
use crate::amounts::Amounts;
use crate::currency::Currency;
use crate::month::Month;
use crate::unallocated::Unallocated;

/// What a cost can be grouped by, beside its day.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Dimensions {
    /// AWS's service code, or the product's name for purchases in the Marketplace.
    pub service: String,
    /// `global` where a line names none.
    pub region: String,
    /// The account that used it.
    pub account: String,
    pub environment: Option<String>,
    pub attribution: Attribution,
    pub owner: Option<EntityRef>,
    pub currency: Currency,
}

/// The component that carries a cost, or why there is none.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Attribution {
    Component(EntityRef),
    Unallocated(Unallocated),
}

/// One cost on one UTC day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    pub day: Date,
    pub dimensions: Dimensions,
    pub amounts: Amounts,
}

/// A month of one scope. Every day in it is a day of the month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rollup {
    month: Month,
    rows: BTreeMap<Dimensions, Days>,
}

/// What was spent on each of some days of a month, in their order: in one piece, as questions are about many days at once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Days(Vec<(Date, Amounts)>);

impl Attribution {
    pub fn component(&self) -> Option<&EntityRef> {
        match self {
            Self::Component(component) => Some(component),
            Self::Unallocated(_) => None,
        }
    }

    pub fn unallocated(&self) -> Option<Unallocated> {
        match self {
            Self::Component(_) => None,
            Self::Unallocated(reason) => Some(*reason),
        }
    }
}

impl fmt::Display for Attribution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Component(component) => component.fmt(f),
            Self::Unallocated(reason) => reason.fmt(f),
        }
    }
}

impl Rollup {
    pub fn new(month: Month) -> Self {
        Self { month, rows: BTreeMap::new() }
    }

    pub fn month(&self) -> Month {
        self.month
    }

    /// Adds a cost to its cell. A day outside the month counts on the nearest day of the month: a line belongs to the
    /// bill that it is on, and that bill's days add up to it.
    ///
    /// # Errors
    /// Fails beyond the largest amount.
    pub fn add(&mut self, day: Date, dimensions: &Dimensions, amounts: &Amounts) -> Result<(), AmountError> {
        let day = self.month.clamp(day);
        match self.rows.get_mut(dimensions) {
            Some(days) => days.add(day, amounts),
            None => self.rows.entry(dimensions.clone()).or_default().add(day, amounts),
        }
    }

    /// Adds the days of a row, which are days of the month.
    pub(crate) fn add_row(&mut self, dimensions: Dimensions, days: Days) -> Result<(), AmountError> {
        match self.rows.entry(dimensions) {
            Entry::Occupied(mut row) => days.iter().try_for_each(|(day, amounts)| row.get_mut().add(*day, amounts)),
            Entry::Vacant(row) => {
                row.insert(days);
                Ok(())
            }
        }
    }

    /// All cells, those of zero too, ordered by dimensions and day.
    pub fn cells(&self) -> impl Iterator<Item = (Date, &Dimensions, &Amounts)> {
        self.rows().flat_map(|(dimensions, days)| days.iter().map(move |(day, amounts)| (*day, dimensions, amounts)))
    }

    /// How many cells there are.
    pub fn len(&self) -> usize {
        self.rows.values().map(|days| days.iter().len()).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn rows(&self) -> impl Iterator<Item = (&Dimensions, &Days)> {
        self.rows.iter()
    }

    /// The sums of all cells.
    ///
    /// # Errors
    /// Fails beyond the largest amount.
    pub fn totals(&self) -> Result<BTreeMap<Currency, Amounts>, AmountError> {
        let mut totals: BTreeMap<Currency, Amounts> = BTreeMap::new();
        for (_, dimensions, amounts) in self.cells() {
            totals.entry(dimensions.currency).or_default().add(amounts)?;
        }
        Ok(totals)
    }
}

impl Days {
    pub(crate) fn with_capacity(days: usize) -> Self {
        Self(Vec::with_capacity(days))
    }

    /// # Errors
    /// Fails beyond the largest amount.
    pub(crate) fn add(&mut self, day: Date, amounts: &Amounts) -> Result<(), AmountError> {
        match self.0.binary_search_by_key(&day, |(day, _)| *day) {
            Ok(at) => self.0[at].1.add(amounts),
            Err(at) => {
                self.0.insert(at, (day, *amounts));
                Ok(())
            }
        }
    }

    pub(crate) fn iter(&self) -> std::slice::Iter<'_, (Date, Amounts)> {
        self.0.iter()
    }

    /// Days from `from` until `to`, which is left out.
    pub(crate) fn between(&self, from: Date, to: Date) -> &[(Date, Amounts)] {
        let start = self.0.partition_point(|(day, _)| *day < from);
        let days = &self.0[start..];
        &days[..days.partition_point(|(day, _)| *day < to)]
    }
}
