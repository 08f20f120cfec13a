//! Line items -> their sums by everything that a cost is asked for by. What comes after works on sums, not on lines.

use std::collections::{BTreeMap, BTreeSet};

use cost_model::{Amount, AmountError, Amounts, Currency, Month, Unallocated};
use hashbrown::HashMap;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::day_sums::{DaySums, Units, plus};
use crate::evidence::EvidenceSums;
use crate::line::{Line, MAX_METERED_S};
use crate::line_item::{LineItem, LineTags, LineType, ReadCounts, SplitItem};
use crate::names::{Name, Names};
use crate::places::{Place, Places, SeenResource, Sorts};
use crate::sink::Sink;

/// Most sums that are held in memory, at some 200 bytes each where places have one day.
pub const MAX_SUMS: usize = 6_000_000;

const DAY_S: i64 = 86_400;

/// The instance, as rows about it spell it, the day of the month, the currency, and the task's or pod's place.
type SplitKey = (Name, u8, Currency, u32);

/// What sums need of a kind of lines.
#[derive(Debug, Clone, Copy)]
struct OfKind {
    sorts: Sorts,
    /// Of which evidence is kept.
    price: Option<u32>,
    currency: Currency,
    is_usage: bool,
    is_covered: bool,
}

/// One bill, summed while its files are read. Holds one entry for each day and place.
#[derive(Debug)]
pub struct LineSums {
    month: Month,
    month_start_s: i64,
    days: u8,
    names: Names,
    places: Places,
    /// By the numbers of kinds in `names`.
    of_kinds: Vec<OfKind>,
    sums: DaySums,
    /// Sums of what lasts from one day to a later one, by place.
    lasting: HashMap<(u32, u8, u8), Amounts>,
    /// Of lines that are added together: the numbers of their places, and then of their sums.
    numbers: Vec<u32>,
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
            places: Places::default(),
            of_kinds: Vec::new(),
            sums: DaySums::default(),
            lasting: HashMap::new(),
            numbers: Vec::new(),
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
        self.sums.len() + self.lasting.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Every line is on an invoice: the month is closed.
    pub fn is_final(&self) -> bool {
        self.counts.lines > 0 && self.counts.not_final == 0
    }

    /// The places, by their numbers.
    pub fn places(&self) -> impl Iterator<Item = Place> {
        (0_u32..).take(self.places.len()).map(|number| self.places.get(number))
    }

    /// The place of a number that [`Self::costs`] has.
    pub fn place(&self, number: u32) -> Place {
        self.places.get(number)
    }

    pub fn resources(&self) -> BTreeSet<SeenResource> {
        self.places().map(|place| place.resource).filter(|resource| resource.id != Names::BLANK).collect()
    }

    /// All sums as (place's number, day, amounts), ordered by place and day; what lasts several days is among them after
    /// [`Self::settle`].
    pub fn costs(&self) -> impl Iterator<Item = (u32, Date, Amounts)> {
        self.in_order().map(|(place, day, number)| {
            let day = self.month.day(day.cast_signed()).unwrap_or(self.month.first());
            (place, day, self.sums.get(number))
        })
    }

    /// The places and days of sums, and their numbers.
    fn in_order(&self) -> impl Iterator<Item = (u32, u8, u32)> {
        let places = (0_u32..).zip(self.places.days());
        places.flat_map(|(place, days)| days.sums().map(move |(day, number)| (place, day, number)))
    }

    /// The last day of the month whose usage the report has to its end.
    pub fn last_complete_day(&self) -> Option<Date> {
        // Ends are exclusive, but written as 23:59:59 by some.
        let days = (self.metered_until_s? + 1 - self.month_start_s).div_euclid(DAY_S);
        let day = i8::try_from(days.min(i64::from(self.days))).ok().filter(|day| *day > 0)?;
        self.month.day(day)
    }

    fn know_kinds(&mut self, lines: &[Line]) {
        let Some(highest) = lines.iter().map(|line| line.kind).max() else { return };
        for number in u32::try_from(self.of_kinds.len()).unwrap_or(u32::MAX)..=highest {
            let Self { names, places, evidence, of_kinds, .. } = self;
            let kind = names.kind(number);
            of_kinds.push(OfKind {
                sorts: places.sorts(kind, names),
                price: evidence.price_of(kind),
                currency: kind.currency,
                is_usage: kind.line_type.is_usage(),
                is_covered: kind.line_type != LineType::Usage,
            });
        }
    }

    fn add_to_bill(&mut self, currency: Currency, amounts: &Amounts) -> Result<(), AmountError> {
        match self.bill.iter_mut().find(|(known, _)| *known == currency) {
            Some((_, sum)) => sum.add(amounts),
            None => {
                self.bill.push((currency, *amounts));
                Ok(())
            }
        }
    }

    #[inline]
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
    /// compute.
    ///
    /// `is_carried`: whether somebody carries the cost of a task's or pod's place, by its number. What nobody would carry stays with the
    /// instance. Sums of everything stay what they were.
    ///
    /// # Errors
    /// Fails beyond the largest amount.
    pub fn settle(&mut self, is_carried: impl Fn(u32) -> bool) -> Result<(), AmountError> {
        for ((place, first, last), amounts) in std::mem::take(&mut self.lasting) {
            for (day, part) in (first..=last).zip(amounts.split_equally(usize::from(last - first) + 1)) {
                self.add_to(place, day, &part)?;
            }
        }
        self.split_instances(is_carried)
    }

    /// What orders places alike in every order of lines.
    fn by_texts(&self, place: u32) -> ([&str; 9], Unallocated) {
        let Place { resource, service, tags, without_resource, .. } = self.place(place);
        let SeenResource { id, product_code, account, region } = resource;
        let LineTags { environment, component, owner, system } = tags;
        let names = [id, product_code, account, region, service, environment, component, owner, system];
        (names.map(|name| self.names.text(name)), without_resource)
    }

    fn add_to(&mut self, place: u32, day: u8, amounts: &Amounts) -> Result<(), AmountError> {
        let number = self.sums.number(self.places.days_mut(place), day);
        self.sums.add(number, amounts)
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
        for (place, day, number) in self.in_order() {
            let place = self.place(place);
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
                cost = cost.plus(self.sums.get(*number).amortized)?;
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
                let parts = self.sums.get(number).split_by(&weights).ok_or(AmountError::Overflow)?;
                for (place, part) in places.iter().zip(&parts) {
                    self.add_to(*place, day, part)?;
                }
                self.sums.set(number, &parts.last().copied().unwrap_or_default())?;
            }
        }
        Ok(())
    }
}

impl Sink for LineSums {
    fn names(&mut self) -> &mut Names {
        &mut self.names
    }

    fn add(&mut self, item: &LineItem) -> Result<(), AmountError> {
        let place = self.places.of_item(item, true, &self.names);
        let (first, last) = self.days_of(item);
        if first == last {
            self.add_to(place, first, &item.amounts)?;
        } else {
            self.lasting.entry((place, first, last)).or_default().add(&item.amounts)?;
        }
        self.add_to_bill(item.currency, &item.amounts)?;
        let lasts_s = item.usage_end_s.map(|end| end.saturating_sub(item.usage_start_s));
        if item.line_type.is_usage() && lasts_s.is_some_and(|seconds| (0..=MAX_METERED_S).contains(&seconds)) {
            self.metered_until_s = self.metered_until_s.max(item.usage_end_s);
        }
        match &item.metered {
            Some(metered) => self.evidence.add(item, metered, first),
            None => Ok(()),
        }
    }

    /// Each step for all before the next: what one waits for, the others ask for meanwhile.
    fn add_lines(&mut self, lines: &[Line]) -> Result<(), AmountError> {
        self.know_kinds(lines);
        let mut numbers = std::mem::take(&mut self.numbers);
        self.places.of_lines(lines, |line| self.of_kinds[line.kind as usize].sorts, &mut numbers);
        for (line, number) in lines.iter().zip(&mut numbers) {
            let day = self.day_of(line.usage_start_s);
            *number = self.sums.number(self.places.days_mut(*number), day);
        }
        self.sums.fetch(&numbers);
        for (line, number) in lines.iter().zip(&numbers) {
            self.sums.add_units(*number, &line.units)?;
        }
        self.numbers = numbers;
        let mut bill: Option<(Currency, Units)> = None;
        for line in lines {
            let OfKind { currency, is_usage, is_covered, price, .. } = self.of_kinds[line.kind as usize];
            let both = bill.filter(|(before, _)| *before == currency).and_then(|(_, sum)| plus(&sum, &line.units));
            let before = bill.replace((currency, both.unwrap_or(line.units)));
            if let Some((currency, sum)) = before.filter(|_| both.is_none()) {
                self.add_to_bill(currency, &Amounts::of_ten_places(sum))?;
            }
            if is_usage && line.usage_end_s.is_some_and(|end| end >= line.usage_start_s) {
                self.metered_until_s = self.metered_until_s.max(line.usage_end_s);
            }
            if let Some(price) = price {
                let day = self.day_of(line.usage_start_s);
                self.evidence.add_line(line, price, is_covered, day);
            }
        }
        self.evidence.add_waiting()?;
        bill.map_or(Ok(()), |(currency, sum)| self.add_to_bill(currency, &Amounts::of_ten_places(sum)))
    }

    fn add_split(&mut self, split: &SplitItem) -> Result<(), AmountError> {
        if split.share.raw() <= 0 || split.item.resource == Names::BLANK {
            return Ok(());
        }
        let place = self.places.of_item(&split.item, false, &self.names);
        let day = self.day_of(split.item.usage_start_s);
        let share = self.splits.entry((split.parent, day, split.item.currency, place)).or_default();
        *share = share.plus(split.share)?;
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.len() + self.splits.len() > MAX_SUMS
    }
}
