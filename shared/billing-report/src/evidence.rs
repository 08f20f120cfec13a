//! What was used of the things of which savings can be worked out, and the prices that were seen. No part of the bill.

use cost_model::{Amount, AmountError, Currency};

use crate::line_item::{LineItem, LineType, Metered};
use crate::names::{Name, Names};
use crate::numbers::Numbers;
use crate::sums::SeenResource;

/// Most entries: a report with more has none at all, whatever order its lines have.
const MAX_ENTRIES: usize = 500_000;

/// Prices are remembered by usage type and region: more than there are in most reports.
const PRICE_SHELVES: usize = 4096;

/// What one resource used of one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UsageKey {
    pub resource: SeenResource,
    pub usage_type: Name,
    pub operation: Name,
    pub unit: Name,
    pub currency: Currency,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UsageSum {
    pub usage: Amount,
    /// Unblended.
    pub cost: Amount,
    /// A commitment paid for some of it.
    pub is_covered: bool,
    /// Last day of the month with usage.
    pub last_day: u8,
}

/// What has one price, in whichever account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PriceKey {
    pub region: Name,
    pub product_code: Name,
    pub usage_type: Name,
    pub operation: Name,
    pub unit: Name,
    pub currency: Currency,
}

#[derive(Debug, Default)]
pub struct EvidenceSums {
    usage: Numbers<UsageKey>,
    usage_sums: Vec<UsageSum>,
    prices: Numbers<PriceKey>,
    lowest_prices: Vec<Amount>,
    /// Added together, as costs are.
    waiting: Vec<(UsageKey, UsageSum)>,
    is_too_much: bool,
}

impl EvidenceSums {
    pub(crate) fn add(&mut self, item: &LineItem, metered: &Metered, day: u8) {
        if self.is_too_much {
            return;
        }
        if let Some(rate) = metered.rate.filter(|rate| item.line_type == LineType::Usage && rate.raw() > 0) {
            let key = PriceKey {
                region: item.region,
                product_code: item.product_code,
                usage_type: item.usage_type,
                operation: item.operation,
                unit: metered.unit,
                currency: item.currency,
            };
            let shelf = (item.usage_type ^ item.region << 6) as usize % PRICE_SHELVES;
            let number = self.prices.of(&key, shelf) as usize;
            match self.lowest_prices.get_mut(number) {
                Some(lowest) => *lowest = rate.min(*lowest),
                None => self.lowest_prices.push(rate),
            }
        }
        if item.resource != Names::BLANK {
            let key = UsageKey {
                resource: SeenResource {
                    id: item.resource,
                    product_code: item.product_code,
                    account: item.account,
                    region: item.region,
                },
                usage_type: item.usage_type,
                operation: item.operation,
                unit: metered.unit,
                currency: item.currency,
            };
            let used = UsageSum {
                usage: metered.amount,
                cost: item.amounts.unblended,
                is_covered: item.line_type != LineType::Usage,
                last_day: day,
            };
            self.waiting.push((key, used));
        }
    }

    pub(crate) fn add_waiting(&mut self) -> Result<(), AmountError> {
        for (key, used) in self.waiting.drain(..) {
            // A resource is mostly billed for one thing of which evidence is kept, or two.
            let shelf = key.resource.id as usize * 2 + key.usage_type as usize % 2;
            let number = self.usage.of(&key, shelf) as usize;
            if number == self.usage_sums.len() {
                self.usage_sums.push(UsageSum::default());
            }
            let sum = &mut self.usage_sums[number];
            sum.usage = sum.usage.plus(used.usage)?;
            sum.cost = sum.cost.plus(used.cost)?;
            sum.is_covered |= used.is_covered;
            sum.last_day = sum.last_day.max(used.last_day);
        }
        if self.usage_sums.len() + self.lowest_prices.len() > MAX_ENTRIES {
            *self = Self { is_too_much: true, ..Self::default() };
        }
        Ok(())
    }

    /// In no order.
    pub fn usage(&self) -> impl Iterator<Item = (&UsageKey, &UsageSum)> {
        self.usage.keys().iter().zip(&self.usage_sums)
    }

    /// The lowest price of each, in no order.
    pub fn prices(&self) -> impl Iterator<Item = (&PriceKey, &Amount)> {
        self.prices.keys().iter().zip(&self.lowest_prices)
    }

    /// There was more than can be kept, and so nothing is.
    pub fn is_too_much(&self) -> bool {
        self.is_too_much
    }
}
