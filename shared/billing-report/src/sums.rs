//! Line items -> their sums by everything that a cost is asked for by. What comes after works on sums, not on lines.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::BuildHasher;

use cost_model::{Amount, AmountError, Amounts, Currency, Month, Unallocated};
use hashbrown::{DefaultHashBuilder, HashTable};
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::evidence::EvidenceSums;
use crate::line_item::{LineItem, LineTags, LineType, ReadCounts, SplitItem};
use crate::names::{Name, Names};
use crate::sink::Sink;

/// Most sums that are held in memory, at some 80 bytes each.
pub const MAX_SUMS: usize = 6_000_000;

const DAY_S: i64 = 86_400;

/// A line that lasts longer says nothing about how far usage is known, and is spread over its days.
const MAX_METERED_S: i64 = 25 * 3600;

/// A resource as lines spell it: the same id means different resources in different places.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeenResource {
    pub id: Name,
    pub product_code: Name,
    pub account: Name,
    pub region: Name,
}

/// What lines have in common whose costs of a day are one sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// With a blank id for what is no resource's.
    pub resource: SeenResource,
    pub service: Name,
    pub tags: LineTags,
    pub currency: Currency,
    /// Why the cost is unallocated if no resource carries it.
    pub without_resource: Unallocated,
    /// An instance's compute, which its tasks and pods share.
    is_compute: bool,
}

/// The sum of one place, on one day or (until [`LineSums::settle`]) on several together.
/// Fills a line of the cache: one is waited for, not two.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
struct Sum {
    /// The place's number, the first and the last day of the month.
    key: u64,
    amounts: Amounts,
}

#[derive(Debug, Clone, Copy)]
struct Waiting {
    place: Place,
    first: u8,
    last: u8,
    amounts: Amounts,
}

/// They fit the nearest caches.
const MAX_WAITING: usize = 512;

/// The instance, as rows about it spell it, the day of the month, the currency, and the task's or pod's place.
type SplitKey = (Name, u8, Currency, u32);

/// One bill, summed while its files are read. Holds one entry for each day and place.
#[derive(Debug)]
pub struct LineSums {
    month: Month,
    month_start_s: i64,
    days: u8,
    names: Names,
    hasher: DefaultHashBuilder,
    places: Vec<Place>,
    /// By hash, so that a place is only looked at when it is the one.
    place_numbers: HashTable<(u64, u32)>,
    /// The place of each resource that was met last, by the number of its id: mostly its only one.
    last_places: Vec<u32>,
    sums: Vec<Sum>,
    /// By key.
    sum_numbers: HashTable<(u64, u32)>,
    /// Costs that wait to be added together: then the memory that they are in is waited for once, and not once a line.
    waiting: Vec<Waiting>,
    /// The sum over all lines, made apart from the others: what everything else is checked against.
    bill: Vec<(Currency, Amounts)>,
    /// Shares of tasks and pods (a place) in the compute of an instance on a day.
    splits: HashMap<SplitKey, Amount>,
    evidence: EvidenceSums,
    counts: ReadCounts,
    metered_until_s: Option<i64>,
}

impl LineSums {
    pub fn new(month: Month) -> Self {
        let start = month.first().to_zoned(TimeZone::UTC).map(|zoned| zoned.timestamp().as_second());
        Self {
            month,
            month_start_s: start.unwrap_or_default(),
            days: month.last().day().unsigned_abs(),
            names: Names::new(),
            hasher: DefaultHashBuilder::default(),
            places: Vec::new(),
            place_numbers: HashTable::new(),
            last_places: Vec::new(),
            sums: Vec::new(),
            sum_numbers: HashTable::new(),
            waiting: Vec::with_capacity(MAX_WAITING),
            bill: Vec::new(),
            splits: HashMap::new(),
            evidence: EvidenceSums::default(),
            counts: ReadCounts::default(),
            metered_until_s: None,
        }
    }

    pub fn count(&mut self, read: &ReadCounts) {
        self.counts.add(read);
    }

    pub fn counts(&self) -> &ReadCounts {
        &self.counts
    }

    pub fn month(&self) -> Month {
        self.month
    }

    pub fn name(&self, name: Name) -> &str {
        self.names.text(name)
    }

    /// `None` for the blank one.
    pub fn said(&self, name: Name) -> Option<&str> {
        Some(self.names.text(name)).filter(|text| !text.is_empty())
    }

    pub fn bill(&self) -> BTreeMap<Currency, Amounts> {
        self.bill.iter().copied().collect()
    }

    pub fn evidence(&self) -> &EvidenceSums {
        &self.evidence
    }

    /// How many sums there are.
    pub fn len(&self) -> usize {
        self.sums.len()
    }

    pub fn is_empty(&self) -> bool {
        self.sums.is_empty()
    }

    /// Every line is on an invoice: the month is closed.
    pub fn is_final(&self) -> bool {
        self.counts.lines > 0 && self.counts.not_final == 0
    }

    /// The places, by their numbers.
    pub fn places(&self) -> &[Place] {
        &self.places
    }

    pub fn resources(&self) -> BTreeSet<SeenResource> {
        self.places.iter().map(|place| place.resource).filter(|resource| resource.id != Names::BLANK).collect()
    }

    /// All sums as (place's number, day, amounts), ordered by place and day after [`Self::settle`].
    pub fn costs(&self) -> impl Iterator<Item = (u32, Date, &Amounts)> {
        self.sums.iter().map(|sum| {
            let (place, first, _) = parts_of(sum.key);
            let day = self.month.day(first.cast_signed()).unwrap_or(self.month.first());
            (place, day, &sum.amounts)
        })
    }

    /// The last day of the month whose usage the report has to its end.
    pub fn last_complete_day(&self) -> Option<Date> {
        // Ends are exclusive, but written as 23:59:59 by some.
        let days = (self.metered_until_s? + 1 - self.month_start_s).div_euclid(DAY_S);
        let day = i8::try_from(days.min(i64::from(self.days))).ok().filter(|day| *day > 0)?;
        self.month.day(day)
    }

    fn place_of(item: &LineItem, is_compute: bool) -> Place {
        let resource = SeenResource {
            id: item.resource,
            product_code: if item.resource == Names::BLANK { Names::BLANK } else { item.product_code },
            account: item.account,
            region: item.region,
        };
        Place {
            resource,
            service: item.service,
            tags: item.tags,
            currency: item.currency,
            without_resource: item.without_resource,
            is_compute,
        }
    }

    fn place(&mut self, place: &Place) -> u32 {
        let Self { places, place_numbers, last_places, hasher, .. } = self;
        let resource = place.resource.id as usize;
        if let Some(number) = last_places.get(resource)
            && places.get(*number as usize).is_some_and(|last| last == place)
        {
            return *number;
        }
        let hash = hasher.hash_one(place);
        let is_it = |(of, number): &(u64, u32)| *of == hash && places[*number as usize] == *place;
        let known = place_numbers.find(hash, is_it).map(|(_, number)| *number);
        // Bounded by the sums: each place has one.
        let number = known.unwrap_or_else(|| u32::try_from(places.len()).unwrap_or(u32::MAX));
        if known.is_none() {
            places.push(*place);
            place_numbers.insert_unique(hash, (hash, number), |(hash, _)| *hash);
        }
        if last_places.len() <= resource {
            last_places.resize(resource + 1, u32::MAX);
        }
        last_places[resource] = number;
        number
    }

    /// The number of a sum, a new one of zero if there is none.
    fn sum(&mut self, key: u64) -> u32 {
        let Self { hasher, sums, sum_numbers, .. } = self;
        let hash = hasher.hash_one(key);
        if let Some((_, number)) = sum_numbers.find(hash, |(of, _)| *of == key) {
            return *number;
        }
        let number = u32::try_from(sums.len()).unwrap_or(u32::MAX);
        sums.push(Sum { key, amounts: Amounts::default() });
        sum_numbers.insert_unique(hash, (key, number), |(key, _)| hasher.hash_one(*key));
        number
    }

    fn add_to(&mut self, key: u64, amounts: &Amounts) -> Result<(), AmountError> {
        let number = self.sum(key);
        self.sums[number as usize].amounts.add(amounts)
    }

    /// Each step for all before the next: what one waits for, the others ask for meanwhile.
    fn add_waiting(&mut self) -> Result<(), AmountError> {
        let waiting = std::mem::take(&mut self.waiting);
        let places: Vec<u32> = waiting.iter().map(|cost| self.place(&cost.place)).collect();
        let keys = waiting.iter().zip(places).map(|(cost, place)| key_of(place, cost.first, cost.last));
        let numbers: Vec<u32> = keys.map(|key| self.sum(key)).collect();
        let added = waiting
            .iter()
            .zip(numbers)
            .try_for_each(|(cost, number)| self.sums[number as usize].amounts.add(&cost.amounts));
        self.waiting = waiting;
        self.waiting.clear();
        added.and_then(|()| self.evidence.add_waiting())
    }

    fn day_of(&self, second: i64) -> u8 {
        let day = (second - self.month_start_s).div_euclid(DAY_S).clamp(0, i64::from(self.days) - 1) + 1;
        u8::try_from(day).unwrap_or(1)
    }

    /// First and last day that the line's cost is spread over: more than one for lines that last longer than a day and lie
    /// within the month. What was paid once for years is on the day on which it was paid.
    fn days_of(&self, item: &LineItem) -> (u8, u8) {
        let first = self.day_of(item.usage_start_s);
        let month_end_s = self.month_start_s + i64::from(self.days) * DAY_S;
        let end = item.usage_end_s.filter(|end| {
            end.saturating_sub(item.usage_start_s) > MAX_METERED_S
                && item.usage_start_s >= self.month_start_s
                && *end <= month_end_s
                && item.line_type != LineType::SavingsPlanUpfrontFee
        });
        (first, end.map_or(first, |end| self.day_of(end - 1)))
    }

    /// Spreads what lasts several days over them to the last digit, gives tasks and pods their part of their instance's
    /// compute, and orders the sums.
    ///
    /// `is_carried`: whether somebody carries the cost of a task's or pod's place, by its number. What nobody would carry stays with the
    /// instance. Sums of everything stay what they were.
    ///
    /// # Errors
    /// Fails beyond the largest amount.
    pub fn settle(&mut self, is_carried: impl Fn(u32) -> bool) -> Result<(), AmountError> {
        let (several, daily): (Vec<Sum>, Vec<Sum>) = self.sums.drain(..).partition(|sum| {
            let (_, first, last) = parts_of(sum.key);
            first != last
        });
        self.sums = daily;
        self.reindex();
        for sum in several {
            let (place, first, last) = parts_of(sum.key);
            for (day, part) in (first..=last).zip(sum.amounts.split_equally(usize::from(last - first) + 1)) {
                self.add_to(key_of(place, day, day), &part)?;
            }
        }
        self.split_instances(is_carried)?;
        self.sum_numbers = HashTable::new();
        self.sums.sort_unstable_by_key(|sum| sum.key);
        Ok(())
    }

    /// What orders places alike in every order of lines.
    fn by_texts(&self, place: u32) -> ([&str; 9], Unallocated) {
        let Place { resource, service, tags, without_resource, .. } = self.places[place as usize];
        let SeenResource { id, product_code, account, region } = resource;
        let LineTags { environment, component, owner, system } = tags;
        let names = [id, product_code, account, region, service, environment, component, owner, system];
        (names.map(|name| self.names.text(name)), without_resource)
    }

    fn reindex(&mut self) {
        let Self { hasher, sums, sum_numbers, .. } = self;
        sum_numbers.clear();
        for (number, sum) in (0_u32..).zip(sums.iter()) {
            sum_numbers.insert_unique(hasher.hash_one(sum.key), (sum.key, number), |(key, _)| hasher.hash_one(*key));
        }
    }

    /// The shares of an instance's day are amortised amounts. Where they come to less than its compute cost, the instance
    /// keeps the rest; where they come to more (an hour that was not used to its end), they are weights.
    fn split_instances(&mut self, is_carried: impl Fn(u32) -> bool) -> Result<(), AmountError> {
        let mut splits: Vec<(SplitKey, Amount)> = std::mem::take(&mut self.splits).into_iter().collect();
        // Who gets the last digits of equal shares is decided by what the places are, and not by which was read first.
        splits.sort_unstable_by(|((parent, day, currency, one), _), ((of, on, in_, other), _)| {
            let same_day = (parent, day, currency).cmp(&(of, on, in_));
            same_day.then_with(|| self.by_texts(*one).cmp(&self.by_texts(*other)))
        });
        let parents: BTreeSet<Name> = splits.iter().map(|((parent, ..), _)| *parent).collect();
        let mut compute: HashMap<(Name, u8, Currency), Vec<u32>> = HashMap::new();
        for (number, sum) in (0_u32..).zip(&self.sums) {
            let (place, day, _) = parts_of(sum.key);
            let place = &self.places[place as usize];
            if place.is_compute && parents.contains(&place.resource.id) {
                compute.entry((place.resource.id, day, place.currency)).or_default().push(number);
            }
        }
        for shares in
            splits.chunk_by(|((one, day, of, _), _), ((other, next, in_, _), _)| (one, day, of) == (other, next, in_))
        {
            let (parent, day, currency, _) = shares[0].0;
            let Some(numbers) = compute.get(&(parent, day, currency)) else { continue };
            let mut cost = Amount::ZERO;
            for number in numbers {
                cost = cost.plus(self.sums[*number as usize].amounts.amortized)?;
            }
            let size = |amount: Amount| u128::try_from(amount.raw()).unwrap_or_default();
            let (mut places, mut weights, mut total) = (Vec::new(), Vec::new(), 0_u128);
            for ((.., place), share) in shares {
                total = total.checked_add(size(*share)).ok_or(AmountError::Overflow)?;
                if is_carried(*place) {
                    places.push(*place);
                    weights.push(size(*share));
                }
            }
            if places.is_empty() || total == 0 {
                continue;
            }
            let given: u128 = weights.iter().sum();
            weights.push(size(cost).max(total) - given);
            for number in numbers.clone() {
                let parts = self.sums[number as usize].amounts.split_by(&weights).ok_or(AmountError::Overflow)?;
                for (place, part) in places.iter().zip(&parts) {
                    self.add_to(key_of(*place, day, day), part)?;
                }
                self.sums[number as usize].amounts = parts.last().copied().unwrap_or_default();
            }
        }
        Ok(())
    }
}

fn key_of(place: u32, first: u8, last: u8) -> u64 {
    u64::from(place) << 16 | u64::from(first) << 8 | u64::from(last)
}

fn parts_of(key: u64) -> (u32, u8, u8) {
    let [_, _, a, b, c, d, first, last] = key.to_be_bytes();
    (u32::from_be_bytes([a, b, c, d]), first, last)
}

impl Sink for LineSums {
    fn names(&mut self) -> &mut Names {
        &mut self.names
    }

    fn add(&mut self, item: &LineItem) -> Result<(), AmountError> {
        let is_compute = item.resource != Names::BLANK
            && (self.names.marks(item.usage_type).is_compute
                || item.usage_type == Names::BLANK && self.names.text(item.operation).starts_with("RunInstances"));
        let (first, last) = self.days_of(item);
        self.waiting.push(Waiting { place: Self::place_of(item, is_compute), first, last, amounts: item.amounts });
        if self.waiting.len() >= MAX_WAITING {
            self.add_waiting()?;
        }
        match self.bill.iter_mut().find(|(currency, _)| *currency == item.currency) {
            Some((_, sum)) => sum.add(&item.amounts)?,
            None => self.bill.push((item.currency, item.amounts)),
        }
        let lasts_s = item.usage_end_s.map(|end| end.saturating_sub(item.usage_start_s));
        if item.line_type.is_usage() && lasts_s.is_some_and(|seconds| (0..=MAX_METERED_S).contains(&seconds)) {
            self.metered_until_s = self.metered_until_s.max(item.usage_end_s);
        }
        if let Some(metered) = &item.metered {
            self.evidence.add(item, metered, first);
        }
        Ok(())
    }

    fn add_split(&mut self, split: &SplitItem) -> Result<(), AmountError> {
        if split.share.raw() <= 0 || split.item.resource == Names::BLANK {
            return Ok(());
        }
        let place = Self::place_of(&split.item, false);
        let place = self.place(&place);
        let day = self.day_of(split.item.usage_start_s);
        let share = self.splits.entry((split.parent, day, split.item.currency, place)).or_default();
        *share = share.plus(split.share)?;
        Ok(())
    }

    fn end_batch(&mut self) -> Result<(), AmountError> {
        self.add_waiting()
    }

    fn is_full(&self) -> bool {
        self.sums.len() + self.splits.len() > MAX_SUMS
    }
}
