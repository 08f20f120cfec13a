//! All costs of one scope in one month, by day and by everything that they can be asked for by.

use std::collections::BTreeMap;
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
    rows: BTreeMap<Dimensions, BTreeMap<Date, Amounts>>,
}

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
            Some(days) => days.entry(day).or_default().add(amounts),
            None => {
                self.rows.insert(dimensions.clone(), BTreeMap::from([(day, *amounts)]));
                Ok(())
            }
        }
    }

    /// All cells, those of zero too, ordered by dimensions and day.
    pub fn cells(&self) -> impl Iterator<Item = (Date, &Dimensions, &Amounts)> {
        self.rows().flat_map(|(dimensions, days)| days.iter().map(move |(day, amounts)| (*day, dimensions, amounts)))
    }

    pub(crate) fn rows(&self) -> impl Iterator<Item = (&Dimensions, &BTreeMap<Date, Amounts>)> {
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
