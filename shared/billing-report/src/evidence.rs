//! What was used of the things of which savings can be worked out, and the prices that were seen. No part of the bill.

use cost_model::{Amount, AmountError, Currency};

use crate::kinds::Kind;
use crate::line::Line;
use crate::line_item::{LineItem, LineType, Metered};
use crate::names::{Name, Names};
use crate::numbers::Numbers;
use crate::places::SeenResource;

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

/// The same by numbers: `price` is that of its [`PriceKey`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct UsedKey {
    resource: Name,
    account: Name,
    price: u32,
}

#[derive(Debug, Default)]
pub struct EvidenceSums {
    usage: Numbers<UsedKey, UsageSum>,
    /// The lowest; none for what was only seen under a commitment.
    prices: Numbers<PriceKey, Option<Amount>>,
    /// Usage that is added together, as costs are: what of, the numbers of that, and how much.
    asked: Vec<(UsedKey, usize)>,
    numbers: Vec<u32>,
    waiting: Vec<UsageSum>,
    is_too_much: bool,
}

impl EvidenceSums {
    /// # Errors
    /// Fails beyond the largest amount.
    pub(crate) fn add(&mut self, item: &LineItem, metered: &Metered, day: u8) -> Result<(), AmountError> {
        if self.is_too_much {
            return Ok(());
        }
        let key = PriceKey {
            region: item.region,
            product_code: item.product_code,
            usage_type: item.usage_type,
            operation: item.operation,
            unit: metered.unit,
            currency: item.currency,
        };
        let price = self.price(&key, metered.rate.filter(|_| item.line_type == LineType::Usage));
        let used = UsageSum {
            usage: metered.amount,
            cost: item.amounts.unblended,
            is_covered: item.line_type != LineType::Usage,
            last_day: day,
        };
        self.wait(item.resource, item.account, price, used);
        self.add_waiting()
    }

    /// `price` is its kind's. Not before [`Self::add_waiting`].
    pub(crate) fn add_line(&mut self, line: &Line, price: u32, is_covered: bool, day: u8) {
        if self.is_too_much {
            return;
        }
        let used = UsageSum {
            usage: Amount::of_ten_places(line.metered),
            cost: Amount::of_ten_places(line.units[0]),
            is_covered,
            last_day: day,
        };
        self.wait(line.resource, line.account, price, used);
    }

    /// The price of a kind of which evidence is kept.
    pub(crate) fn price_of(&mut self, kind: &Kind) -> Option<u32> {
        let (unit, rate) = kind.metered.filter(|_| !self.is_too_much)?;
        let key = PriceKey {
            region: kind.region,
            product_code: kind.product_code,
            usage_type: kind.usage_type,
            operation: kind.operation,
            unit,
            currency: kind.currency,
        };
        Some(self.price(&key, rate.filter(|_| kind.line_type == LineType::Usage)))
    }

    /// The number of a price, which a line of usage has or none.
    fn price(&mut self, key: &PriceKey, rate: Option<Amount>) -> u32 {
        let number = self.prices.of(key, (key.usage_type ^ key.region << 6) as usize % PRICE_SHELVES);
        if let Some(rate) = rate.filter(|rate| rate.raw() > 0) {
            let lowest = self.prices.value_mut(number);
            *lowest = Some(lowest.map_or(rate, |lowest| lowest.min(rate)));
        }
        number
    }

    fn wait(&mut self, resource: Name, account: Name, price: u32, used: UsageSum) {
        if resource != Names::BLANK {
            // A resource is mostly billed for one thing of which evidence is kept, or two.
            self.asked.push((UsedKey { resource, account, price }, resource as usize * 2 + price as usize % 2));
            self.waiting.push(used);
        }
    }

    /// # Errors
    /// Fails beyond the largest amount.
    pub(crate) fn add_waiting(&mut self) -> Result<(), AmountError> {
        self.usage.of_all(&self.asked, |key| key.account, &mut self.numbers);
        for (number, used) in self.numbers.iter().zip(&self.waiting) {
            let sum = self.usage.value_mut(*number);
            sum.usage = sum.usage.plus(used.usage)?;
            sum.cost = sum.cost.plus(used.cost)?;
            sum.is_covered |= used.is_covered;
            sum.last_day = sum.last_day.max(used.last_day);
        }
        self.asked.clear();
        self.waiting.clear();
        if self.usage.len() + self.prices.len() > MAX_ENTRIES {
            *self = Self { is_too_much: true, ..Self::default() };
        }
        Ok(())
    }

    /// In no order.
    pub fn usage(&self) -> impl Iterator<Item = (UsageKey, &UsageSum)> {
        let key = |UsedKey { resource, account, price }: &UsedKey| {
            let PriceKey { region, product_code, usage_type, operation, unit, currency } = *self.prices.key(*price);
            let resource = SeenResource { id: *resource, product_code, account: *account, region };
            UsageKey { resource, usage_type, operation, unit, currency }
        };
        self.usage.iter().map(move |(used, sum)| (key(used), sum))
    }

    /// The lowest price of each, in no order.
    pub fn prices(&self) -> impl Iterator<Item = (&PriceKey, &Amount)> {
        self.prices.iter().filter_map(|(key, price)| Some((key, price.as_ref()?)))
    }

    /// There was more than can be kept, and so nothing is.
    pub fn is_too_much(&self) -> bool {
        self.is_too_much
    }
}
