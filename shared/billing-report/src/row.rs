//! One row of a report, before anybody knows what it means: columns by name, whatever the file's format.

use std::borrow::Cow;

use cost_model::Reading;
use jiff::Timestamp;

use crate::columns::Column;
use crate::error::ReportError;

pub(crate) trait Row {
    /// Counted from 1, for errors.
    fn number(&self) -> u64;

    fn has(&self, column: Column) -> bool;

    /// Blank for null and for a missing column.
    fn text(&self, column: Column) -> Result<&str, ReportError>;

    /// `None` for null, blank, and a missing column.
    fn amount(&self, column: Column) -> Result<Option<Reading>, ReportError>;

    /// `None` for null, blank, and a missing column. A time without zone is UTC.
    fn time(&self, column: Column) -> Result<Option<Timestamp>, ReportError>;

    /// The value of `key` in the map `product`; blank where there is none.
    fn product(&self, key: &str) -> Result<Cow<'_, str>, ReportError>;

    /// The value of the tag that names the environment; blank where there is none.
    fn environment_tag(&self) -> Result<Cow<'_, str>, ReportError>;
}

/// Reads the spellings of times in reports: `2023-11-01T00:00:00Z`, `2023-11-01T00:00:00.000Z`, `2023-06-01 00:00:00`.
pub(crate) fn parse_time(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(time) = text.parse() {
        return Some(time);
    }
    let civil: jiff::civil::DateTime = text.parse().ok()?;
    civil.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
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
