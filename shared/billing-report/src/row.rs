//! One row of a report, before anybody knows what it means: columns by name, whatever the file's format.

use cost_model::Reading;
use jiff::Timestamp;

use crate::columns::Column;
use crate::error::ReportError;
use crate::names::{Name, Names};
use crate::tag_keys::TagRole;

pub(crate) trait Row {
    /// Counted from 1, for errors.
    fn number(&self) -> u64;

    fn has(&self, column: Column) -> bool;

    /// Blank for null and for a missing column; without the blanks around it.
    fn name(&self, column: Column, names: &mut Names) -> Result<Name, ReportError>;

    /// Null, blank, or a missing column.
    fn is_blank(&self, column: Column) -> Result<bool, ReportError>;

    /// `None` for null, blank, and a missing column.
    fn amount(&self, column: Column) -> Result<Option<Reading>, ReportError>;

    /// The same in units of 1e-10. `None`: it is not surely whole in those, or it is no amount.
    fn ten_places(&self, column: Column) -> Option<Option<i64>>;

    /// Seconds since 1970. `None` for null, blank, and a missing column. A time without zone is UTC.
    fn seconds(&self, column: Column) -> Result<Option<i64>, ReportError>;

    /// The value of `key` in the map `product`; blank where there is none. `None`: the map was not read for this row.
    fn product(&self, key: &str, names: &mut Names) -> Result<Option<Name>, ReportError>;

    /// The value of the best tag that says it; blank where there is none.
    fn tag(&self, role: TagRole, names: &mut Names) -> Result<Name, ReportError>;
}

/// Reads the spellings of times in reports: `2023-11-01T00:00:00Z`, `2023-11-01T00:00:00.000Z`, `2023-06-01 00:00:00`.
pub(crate) fn parse_time(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Some(time) = parse_common_time(text.as_bytes()) {
        return Some(time);
    }
    if let Ok(time) = text.parse() {
        return Some(time);
    }
    let civil: jiff::civil::DateTime = text.parse().ok()?;
    civil.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

/// `2023-11-01T00:00:00Z`, with or without `.000`: what reports are full of.
fn parse_common_time(text: &[u8]) -> Option<Timestamp> {
    let number = |range: std::ops::Range<usize>| {
        let digits = text.get(range)?;
        digits.iter().try_fold(0_i16, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + i16::from(digit - b'0')))
    };
    let is_shape = text.get(4) == Some(&b'-')
        && text.get(7) == Some(&b'-')
        && text.get(10) == Some(&b'T')
        && text.get(13) == Some(&b':')
        && text.get(16) == Some(&b':')
        && matches!(text.get(19..), Some(b"Z" | b".000Z"));
    if !is_shape {
        return None;
    }
    let small = |range| number(range).and_then(|number| i8::try_from(number).ok());
    let (year, month, day) = (number(0..4)?, small(5..7)?, small(8..10)?);
    let (hour, minute, second) = (small(11..13)?, small(14..16)?, small(17..19)?);
    let day = jiff::civil::Date::new(year, month, day).ok()?;
    let time = jiff::civil::Time::new(hour, minute, second, 0).ok()?;
    jiff::tz::Offset::UTC.to_timestamp(day.to_datetime(time)).ok()
}

/// At most 60 characters of a value, for an error.
pub(crate) fn excerpt(value: &str) -> String {
    value.chars().take(60).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_all_their_spellings() {
        for text in [
            "2023-11-01T00:00:00Z",
            "2023-11-01T00:00:00.000Z",
            "2023-11-01 00:00:00",
            "2023-11-01",
            " 2023-11-01T01:00:00+01:00",
        ] {
            assert_eq!(parse_time(text).unwrap().to_string(), "2023-11-01T00:00:00Z", "{text}");
        }
        assert_eq!(parse_time("yesterday"), None);
    }
}
