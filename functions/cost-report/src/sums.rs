//! Line items -> their sums by everything that a cost is asked for by. What comes after works on sums, not on lines.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use billing_report::{LineItem, LineType, ReadCounts};
use cost_model::{AmountError, Amounts, Currency, Month, Unallocated};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

/// Most groups that are held in memory, at some 150 bytes each.
pub(crate) const MAX_GROUPS: usize = 5_000_000;

/// A line of a whole month says nothing about how far usage is known.
const MAX_METERED_HOURS: i64 = 25;

/// A text by its number in [`LineSums`].
pub(crate) type Name = u32;

/// A resource as lines spell it: the same id means different resources in different places.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SeenResource {
    pub(crate) id: Name,
    pub(crate) product_code: Name,
    pub(crate) account: Name,
    pub(crate) region: Name,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Group {
    pub(crate) day: Date,
    pub(crate) account: Name,
    pub(crate) region: Name,
    pub(crate) service: Name,
    pub(crate) environment: Option<Name>,
    pub(crate) currency: Currency,
    /// The resource, or why there is none.
    pub(crate) carrier: Carrier,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Carrier {
    Resource(SeenResource),
    Nobody(Unallocated),
}

/// One bill, summed while its files are read. Holds one entry for each day and resource.
#[derive(Debug)]
pub(crate) struct LineSums {
    month: Month,
    numbers: HashMap<Arc<str>, Name>,
    names: Vec<Arc<str>>,
    groups: HashMap<Group, Amounts>,
    /// The sum over all lines, made apart from the groups: what everything else is checked against.
    pub(crate) bill: BTreeMap<Currency, Amounts>,
    pub(crate) counts: ReadCounts,
    metered_until: Option<Timestamp>,
}

impl LineSums {
    pub(crate) fn new(month: Month) -> Self {
        Self {
            month,
            numbers: HashMap::new(),
            names: Vec::new(),
            groups: HashMap::new(),
            bill: BTreeMap::new(),
            counts: ReadCounts::default(),
            metered_until: None,
        }
    }

    pub(crate) fn add(&mut self, item: &LineItem<'_>) -> Result<(), AmountError> {
        let (account, region) = (self.number(item.account), self.number(&item.region));
        let carrier = match item.resource_id {
            Some(id) => Carrier::Resource(SeenResource {
                id: self.number(id),
                product_code: self.number(item.product_code),
                account,
                region,
            }),
            None => Carrier::Nobody(item.without_resource),
        };
        let group = Group {
            day: self.month.clamp(item.day()),
            account,
            region,
            service: self.number(&item.service),
            environment: item.environment.as_deref().map(|environment| self.number(environment)),
            currency: item.currency,
            carrier,
        };
        self.groups.entry(group).or_default().add(&item.amounts)?;
        self.bill.entry(item.currency).or_default().add(&item.amounts)?;
        if is_metered(item) {
            self.metered_until = self.metered_until.max(item.usage_end);
        }
        Ok(())
    }

    pub(crate) fn count(&mut self, read: ReadCounts) {
        let counts = &mut self.counts;
        counts.lines += read.lines;
        counts.split += read.split;
        counts.rounded += read.rounded;
        counts.without_commitment_columns += read.without_commitment_columns;
        for (line_type, lines) in read.unknown_types {
            *counts.unknown_types.entry(line_type).or_default() += lines;
        }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.groups.len() > MAX_GROUPS
    }

    pub(crate) fn month(&self) -> Month {
        self.month
    }

    pub(crate) fn name(&self, name: Name) -> &str {
        self.names.get(name as usize).map_or("", |name| name)
    }

    pub(crate) fn groups(&self) -> impl Iterator<Item = (&Group, &Amounts)> {
        self.groups.iter()
    }

    pub(crate) fn resources(&self) -> BTreeSet<SeenResource> {
        let carriers = self.groups.keys().map(|group| group.carrier);
        carriers
            .filter_map(|carrier| match carrier {
                Carrier::Resource(resource) => Some(resource),
                Carrier::Nobody(_) => None,
            })
            .collect()
    }

    /// The last day of the month whose usage the report has to its end.
    pub(crate) fn last_complete_day(&self) -> Option<Date> {
        // Ends are exclusive, but written as 23:59:59 by some.
        let until = self.metered_until?.checked_add(Span::new().seconds(1)).ok()?;
        let day = until.to_zoned(TimeZone::UTC).date().yesterday().ok()?;
        (day >= self.month.first()).then(|| day.min(self.month.last()))
    }

    fn number(&mut self, text: &str) -> Name {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        // Bounded by the groups: each brings at most six names.
        let number = Name::try_from(self.names.len()).unwrap_or(Name::MAX);
        let name: Arc<str> = text.into();
        self.names.push(Arc::clone(&name));
        self.numbers.insert(name, number);
        number
    }
}

fn is_metered(item: &LineItem<'_>) -> bool {
    let is_usage =
        matches!(item.line_type, LineType::Usage | LineType::DiscountedUsage | LineType::SavingsPlanCoveredUsage);
    let hours = item.usage_end.map(|end| end.as_second().saturating_sub(item.usage_start.as_second()) / 3600);
    is_usage && hours.is_some_and(|hours| (0..=MAX_METERED_HOURS).contains(&hours))
}
