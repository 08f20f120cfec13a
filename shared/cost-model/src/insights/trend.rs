//! A series of days -> the line that lies closest to it: least squares over seconds since 1970, in whole numbers.

use jiff::civil::Date;
use num_bigint::BigInt;
use serde::Serialize;

use crate::amount::Amount;
use crate::insights::number::Number;

/// Units of 1e-20 in one of the currency.
const UNITS: u128 = 10_u128.pow(20);

const SECONDS_PER_DAY: i64 = 24 * 60 * 60;

/// `amount = slope * seconds since 1970 + intercept`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Trendline {
    pub slope: Number,
    pub intercept: Number,
}

impl Trendline {
    /// A single day's line is flat. `None`: there are no days.
    pub fn of(series: &[(Date, Amount)]) -> Option<Self> {
        let first = series.first()?.0;
        // Days from the first keep the numbers small; the line is moved at the end.
        let points: Vec<(BigInt, BigInt)> = series
            .iter()
            .map(|(day, amount)| {
                let days = day.duration_since(first).as_secs() / SECONDS_PER_DAY;
                (BigInt::from(days), BigInt::from(amount.raw()))
            })
            .collect();
        let n = BigInt::from(points.len());
        let (mut x, mut y, mut xx, mut xy) = (BigInt::ZERO, BigInt::ZERO, BigInt::ZERO, BigInt::ZERO);
        for (day, amount) in &points {
            x += day;
            y += amount;
            xx += day * day;
            xy += day * amount;
        }
        let units = BigInt::from(UNITS);
        // Of a line `(a * days + b) / spread`, in units.
        let spread = &n * &xx - &x * &x;
        let (spread, a, b) = if spread == BigInt::ZERO {
            (n, BigInt::ZERO, y)
        } else {
            (spread, &n * &xy - &x * &y, &y * &xx - &x * &xy)
        };
        let first_second = BigInt::from(first.duration_since(Date::constant(1970, 1, 1)).as_secs());
        let per_day = BigInt::from(SECONDS_PER_DAY);
        let bottom = &spread * &units * &per_day;
        let intercept = &b * &per_day - &a * first_second;
        Some(Self { slope: Number::of_fraction(&a, &bottom)?, intercept: Number::of_fraction(&intercept, &bottom)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(series: &[(&str, &str)]) -> (String, String) {
        let series: Vec<(Date, Amount)> =
            series.iter().map(|(day, amount)| (day.parse().unwrap(), amount.parse().unwrap())).collect();
        let line = Trendline::of(&series).unwrap();
        (line.slope.as_str().to_owned(), line.intercept.as_str().to_owned())
    }

    #[test]
    fn a_straight_line_is_found_to_the_last_digit() {
        // 864 a day is a hundredth of a unit a second.
        let (slope, intercept) = line(&[("1970-01-02", "865"), ("1970-01-03", "1729"), ("1970-01-11", "8641")]);
        assert_eq!((slope.as_str(), intercept.as_str()), ("0.01", "1"));
        let (slope, intercept) = line(&[("2026-10-01", "5"), ("2026-10-02", "5")]);
        assert_eq!((slope.as_str(), intercept.as_str()), ("0", "5"));
        let (slope, intercept) = line(&[("2026-10-01", "7.5")]);
        assert_eq!((slope.as_str(), intercept.as_str()), ("0", "7.5"));
        assert_eq!(Trendline::of(&[]), None);
    }

    #[test]
    fn the_closest_line_is_the_one_worked_out_by_hand() {
        // Days 0, 1, 2 with 1, 2, 6: slope 2.5 a day, and 0.5 on the first day.
        let (slope, intercept) = line(&[("1970-01-01", "1"), ("1970-01-02", "2"), ("1970-01-03", "6")]);
        // 2.5 / 86400
        assert_eq!((slope.as_str(), intercept.as_str()), ("0.000028935185185185185", "0.5"));
    }

    #[test]
    fn the_largest_amounts_are_no_trouble() {
        let most = Amount::from_raw(i128::MAX);
        let least = Amount::from_raw(i128::MIN);
        let days = (1..=31).map(|day| (Date::constant(2026, 10, day), if day % 2 == 0 { most } else { least }));
        assert!(Trendline::of(&days.collect::<Vec<_>>()).is_some());
    }
}
