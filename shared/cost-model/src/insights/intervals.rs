//! `R2/P30D/2026-11-01` -> periods of days. The date is the end, and the first day that is left out.

use std::fmt;
use std::str::FromStr;

use jiff::ToSpan;
use jiff::civil::Date;

/// Periods of one request at most.
const MAX_REPEATS: u32 = 36;

/// Days of one request at most, all periods together: what rollups are kept for, and some more.
const MAX_DAYS: u32 = 1_120;

/// Lengths that the portal's selector asks for: its charts begin a day before the first period.
const SELECTABLE_DAYS: [u32; 3] = [7, 30, 90];

/// Days from `from` until `to`, which is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Period {
    pub from: Date,
    pub to: Date,
}

/// Periods of one length, one behind the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Intervals {
    repeats: u32,
    length: Length,
    end: Date,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Length {
    Days(u32),
    Months(u32),
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IntervalsError {
    #[error(
        "`{0}` is not of the form R2/P30D/2026-11-01: repeats, a length in days (D), weeks (W) or months (M), the exclusive end"
    )]
    Form(String),
    #[error("`{text}` asks for {what}, and at most {most} can be answered")]
    TooMany { text: String, what: &'static str, most: u32 },
}

impl Period {
    pub fn contains(&self, day: Date) -> bool {
        self.from <= day && day < self.to
    }

    /// All days, in order.
    pub fn days(self) -> impl Iterator<Item = Date> {
        std::iter::successors(Some(self.from), |day| day.tomorrow().ok()).take_while(move |day| *day < self.to)
    }
}

impl Intervals {
    /// The periods, the oldest first. Months are counted from the end, so that periods never overlap: those before
    /// 2026-05-31 end on 2026-04-30 and on 2026-03-31.
    pub fn periods(&self) -> Vec<Period> {
        (0..self.repeats).rev().filter_map(|at| self.back(at)).collect()
    }

    /// The last period.
    pub fn current(&self) -> Period {
        self.back(0).unwrap_or(Period { from: self.end, to: self.end })
    }

    /// The one before it, also where only one is asked for.
    pub fn previous(&self) -> Period {
        self.back(1).unwrap_or(Period { from: self.end, to: self.end })
    }

    /// The days that a series shows: all periods, and what the portal's chart shows before them.
    ///
    /// The portal's charts begin at `last complete day - 2 * length`, a day before the first of two periods. Where the
    /// last complete day is the last of a quarter, it asks for that quarter and the one before, and draws from the quarter
    /// before those: without its days, the first period of the chart would be empty.
    pub fn shown(&self, last_complete_day: Option<Date>) -> Period {
        let first = self.back(self.repeats - 1).map_or(self.end, |period| period.from);
        let ends_with_data = last_complete_day.is_some_and(|day| day.tomorrow().ok() == Some(self.end));
        let from = match self.length {
            Length::Days(days) if self.repeats == 2 && SELECTABLE_DAYS.contains(&days) => first.yesterday().ok(),
            Length::Months(3) if self.repeats == 2 && ends_with_data => self.back(2).map(|period| period.from),
            Length::Days(_) | Length::Months(_) => None,
        };
        Period { from: from.unwrap_or(first), to: self.end }
    }

    /// Every day that an answer looks at: those shown, and the period before the last one.
    pub fn read(&self, last_complete_day: Option<Date>) -> Period {
        let shown = self.shown(last_complete_day);
        Period { from: shown.from.min(self.previous().from), to: shown.to }
    }

    /// The period that begins `at + 1` lengths before the end. `None`: before the calendar begins.
    fn back(&self, at: u32) -> Option<Period> {
        let boundary = |lengths: u32| {
            let span = match self.length {
                Length::Days(days) => i64::from(days * lengths).days(),
                Length::Months(months) => i64::from(months * lengths).months(),
            };
            self.end.checked_sub(span).ok()
        };
        Some(Period { from: boundary(at + 1)?, to: boundary(at)? })
    }
}

impl FromStr for Intervals {
    type Err = IntervalsError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let shown = || text.chars().take(60).collect::<String>();
        let form = || IntervalsError::Form(shown());
        let parts: Vec<&str> = text.split('/').collect();
        let [repeats, length, end] = parts.as_slice() else { return Err(form()) };
        let repeats = repeats.strip_prefix('R').and_then(number).filter(|repeats| *repeats > 0).ok_or_else(form)?;
        let length = length.strip_prefix('P').filter(|rest| rest.is_ascii() && rest.len() > 1).ok_or_else(form)?;
        let (count, unit) = length.split_at(length.len() - 1);
        let count = number(count).filter(|count| *count > 0).ok_or_else(form)?;
        let (length, days) = match unit {
            "D" => (Length::Days(count), count),
            "W" => (Length::Days(count.saturating_mul(7)), count.saturating_mul(7)),
            "M" => (Length::Months(count), count.saturating_mul(31)),
            _ => return Err(form()),
        };
        // Ten characters: a time of day, or a year of five digits, is no day.
        let end: Date = end.parse().ok().filter(|_| end.len() == 10).ok_or_else(form)?;
        if repeats > MAX_REPEATS {
            return Err(IntervalsError::TooMany { text: shown(), what: "too many periods", most: MAX_REPEATS });
        }
        if days.saturating_mul(repeats.max(2)) > MAX_DAYS {
            return Err(IntervalsError::TooMany { text: shown(), what: "too many days", most: MAX_DAYS });
        }
        Ok(Self { repeats, length, end })
    }
}

fn number(digits: &str) -> Option<u32> {
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

impl fmt::Display for Intervals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.length {
            Length::Days(days) => write!(f, "R{}/P{days}D/{}", self.repeats, self.end),
            Length::Months(months) => write!(f, "R{}/P{months}M/{}", self.repeats, self.end),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    fn shown(period: Period) -> String {
        format!("{}..{}", period.from, period.to)
    }

    /// Periods, and what a chart shows if the last complete day is the one before the end.
    fn of(text: &str) -> String {
        let intervals: Intervals = text.parse().unwrap();
        assert_eq!(intervals.to_string().parse(), Ok(intervals));
        let periods: Vec<String> = intervals.periods().into_iter().map(shown).collect();
        format!("{} shown {}", periods.join(" "), shown(intervals.shown(intervals.end.yesterday().ok())))
    }

    #[test]
    fn the_date_is_the_first_day_that_is_left_out() {
        assert_eq!(
            of("R2/P30D/2020-09-16"),
            "2020-07-18..2020-08-17 2020-08-17..2020-09-16 shown 2020-07-17..2020-09-16"
        );
        assert_eq!(
            of("R2/P7D/2020-03-01"),
            "2020-02-16..2020-02-23 2020-02-23..2020-03-01 shown 2020-02-15..2020-03-01"
        );
        assert_eq!(
            of("R2/P90D/2020-09-16"),
            "2020-03-20..2020-06-18 2020-06-18..2020-09-16 shown 2020-03-19..2020-09-16"
        );
        assert_eq!(of("R1/P1W/2020-03-01"), "2020-02-23..2020-03-01 shown 2020-02-23..2020-03-01");
    }

    #[test]
    fn a_chart_of_the_portal_is_covered_day_by_day() {
        // `inclusiveStartDateOf` of the portal: two lengths before the last complete day.
        for (days, text) in [(7, "R2/P7D/2026-11-01"), (30, "R2/P30D/2026-11-01"), (90, "R2/P90D/2026-11-01")] {
            let intervals: Intervals = text.parse().unwrap();
            let begins = day("2026-10-31").checked_sub((2 * days).days()).unwrap();
            assert_eq!(intervals.shown(None).from, begins);
            assert_eq!(intervals.shown(None).days().count(), usize::try_from(2 * days + 1).unwrap());
        }
    }

    #[test]
    fn a_quarter_that_is_complete_to_its_last_day_is_drawn_from_the_one_before_the_two() {
        let intervals: Intervals = "R2/P3M/2020-07-01".parse().unwrap();
        assert_eq!(
            intervals.periods().into_iter().map(shown).collect::<Vec<_>>(),
            ["2020-01-01..2020-04-01", "2020-04-01..2020-07-01"]
        );
        // In the middle of the next quarter, request and chart agree.
        assert_eq!(shown(intervals.shown(Some(day("2020-09-15")))), "2020-01-01..2020-07-01");
        assert_eq!(shown(intervals.shown(Some(day("2020-07-01")))), "2020-01-01..2020-07-01");
        // On the last day of the quarter, the chart begins a quarter earlier than the request.
        assert_eq!(shown(intervals.shown(Some(day("2020-06-30")))), "2019-10-01..2020-07-01");
    }

    #[test]
    fn a_custom_range_has_two_periods_of_its_length() {
        assert_eq!(
            of("R2/P10D/2026-10-21"),
            "2026-10-01..2026-10-11 2026-10-11..2026-10-21 shown 2026-10-01..2026-10-21"
        );
        assert_eq!(
            of("R2/P1D/2026-10-21"),
            "2026-10-19..2026-10-20 2026-10-20..2026-10-21 shown 2026-10-19..2026-10-21"
        );
    }

    #[test]
    fn months_are_counted_from_the_end() {
        assert_eq!(
            of("R3/P1M/2026-05-31"),
            "2026-02-28..2026-03-31 2026-03-31..2026-04-30 2026-04-30..2026-05-31 shown 2026-02-28..2026-05-31"
        );
        let year: Intervals = "R13/P1M/2026-11-01".parse().unwrap();
        assert_eq!((year.periods().len(), year.periods()[0].from), (13, day("2025-10-01")));
    }

    #[test]
    fn change_always_has_a_period_to_compare_with() {
        let one: Intervals = "R1/P30D/2026-11-01".parse().unwrap();
        assert_eq!(shown(one.previous()), "2026-09-02..2026-10-02");
        assert_eq!(shown(one.read(None)), "2026-09-02..2026-11-01");
        assert_eq!(shown(one.shown(None)), "2026-10-02..2026-11-01");
    }

    #[test]
    fn what_is_no_interval_is_refused_with_an_example() {
        for text in [
            "",
            "R2/P30D",
            "R2/P30D/2026-13-01",
            "R2/P30D/2026-11-01/x",
            "P30D/2026-11-01",
            "R0/P30D/2026-11-01",
            "R2/P0D/2026-11-01",
            "R2/PD/2026-11-01",
            "R2/P1Y/2026-11-01",
            "R-2/P30D/2026-11-01",
            "R2/P30D/2026-11-01T00:00:00",
            "R2/P+3D/2026-11-01",
            "R2/P３D/2026-11-01",
            "R2/P3é/2026-11-01",
            "R99999999999/P1D/2026-11-01",
        ] {
            assert!(matches!(text.parse::<Intervals>(), Err(IntervalsError::Form(_))), "{text}");
        }
        for text in ["R37/P1D/2026-11-01", "R2/P600D/2026-11-01", "R36/P4294967295D/2026-11-01", "R2/P36M/2026-11-01"] {
            assert!(matches!(text.parse::<Intervals>(), Err(IntervalsError::TooMany { .. })), "{text}");
        }
        assert!("R2/P30D/0000-01-01".parse::<Intervals>().is_ok_and(|at| at.previous().to <= day("0000-01-01")));
    }
}
