//! A billing period: one calendar month in UTC, written `2026-10`.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month {
    first: Date,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a month of the form YYYY-MM")]
pub struct MonthError(pub String);

impl Month {
    /// The month that the day is in.
    pub fn of(day: Date) -> Self {
        Self { first: day.first_of_month() }
    }

    pub fn first(self) -> Date {
        self.first
    }

    pub fn last(self) -> Date {
        self.first.last_of_month()
    }

    /// Day of the month, 1 to 31. `None`: the month has no such day.
    pub fn day(self, day: i8) -> Option<Date> {
        Date::new(self.first.year(), self.first.month(), day).ok()
    }

    /// The day, or the nearest one of this month.
    pub fn clamp(self, day: Date) -> Date {
        day.clamp(self.first, self.last())
    }

    /// Every month that has a day in `from..to`, in order.
    pub fn between(from: Date, to: Date) -> Vec<Self> {
        let mut months = Vec::new();
        let mut next = Some(Self::of(from));
        while let Some(month) = next.filter(|month| month.first.max(from) < to) {
            months.push(month);
            next = month.last().tomorrow().ok().map(Self::of);
        }
        months
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.first.year(), self.first.month())
    }
}

impl fmt::Debug for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl FromStr for Month {
    type Err = MonthError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || MonthError(text.chars().take(40).collect());
        let parts = text.split_once('-').filter(|(year, month)| {
            year.len() == 4 && month.len() == 2 && [year, month].iter().all(|p| p.bytes().all(|b| b.is_ascii_digit()))
        });
        let (year, month) = parts.ok_or_else(error)?;
        let (Ok(year), Ok(month)) = (year.parse(), month.parse()) else { return Err(error()) };
        Date::new(year, month, 1).map(|first| Self { first }).map_err(|_| error())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_reads_back_and_knows_its_days() {
        let month: Month = "2028-02".parse().unwrap();
        assert_eq!(month.to_string(), "2028-02");
        assert_eq!(month.last().to_string(), "2028-02-29");
        assert_eq!((month.day(29).is_some(), month.day(30)), (true, None));
        assert_eq!(month.clamp("2028-01-31".parse().unwrap()).to_string(), "2028-02-01");
        assert_eq!(month.clamp("2029-01-31".parse().unwrap()).to_string(), "2028-02-29");
        for text in ["2028-13", "2028-2", "2028-02-01", "", "+028-01", "2028/02", "２０２８-02"] {
            assert!(text.parse::<Month>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_end_of_a_span_is_exclusive() {
        let months = |from: &str, to: &str| -> Vec<String> {
            let days = (from.parse().unwrap(), to.parse().unwrap());
            Month::between(days.0, days.1).iter().map(Month::to_string).collect()
        };
        assert_eq!(months("2026-11-30", "2027-01-01"), ["2026-11", "2026-12"]);
        assert_eq!(months("2026-11-30", "2027-01-02"), ["2026-11", "2026-12", "2027-01"]);
        assert_eq!(months("2026-11-30", "2026-11-30"), [] as [&str; 0]);
        assert_eq!(months("2026-12-30", "2026-11-30"), [] as [&str; 0]);
    }
}
