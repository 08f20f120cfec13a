//! `from`, `to` and `next` -> times, and the place at which a page goes on.

use std::fmt;
use std::str::FromStr;

use delivery::api::ApiError;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use pipeline_event::dora::Window;

use crate::parameters::Parameters;

pub(super) const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

const DEFAULT_DAYS: u64 = 90;

/// As long as history is kept.
const MAX_DAYS: u64 = 400;

/// Where a page begins: behind what came last on the page before, newest first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) at_ms: u64,
    /// Tells those of one time apart.
    pub(super) digest: String,
}

/// From `from`, inclusive, until `to`, exclusive: days begin at midnight, UTC. Without them, the last 90 days.
///
/// # Errors
/// 400 for what is neither a day nor a time since 1970, and for a window that is empty or longer than 400 days.
pub(super) fn window(parameters: &Parameters<'_>, now: Timestamp) -> Result<Window, ApiError> {
    let to_ms = time(parameters, "to")?.unwrap_or_else(|| u64::try_from(now.as_millisecond()).unwrap_or_default());
    let from_ms = time(parameters, "from")?.unwrap_or_else(|| to_ms.saturating_sub(DEFAULT_DAYS * DAY_MS));
    if from_ms >= to_ms {
        return Err(ApiError::input("request/query/to must be after `from`: it is the first moment that is left out"));
    }
    if to_ms - from_ms > MAX_DAYS * DAY_MS {
        return Err(ApiError::input(format!(
            "request/query/from must be at most {MAX_DAYS} days before `to`: history is not kept longer"
        )));
    }
    Ok(Window { from_ms, to_ms })
}

fn time(parameters: &Parameters<'_>, name: &str) -> Result<Option<u64>, ApiError> {
    let Some(text) = parameters.one(name)? else { return Ok(None) };
    let wrong = || {
        ApiError::input(format!(
            "request/query/{name} must be a day or a time since 1970, such as 2026-11-20 or 2026-11-20T10:00:00Z"
        ))
    };
    // A plus sign that was not encoded is a space.
    let text = text.replace(' ', "+");
    let day = || text.parse::<Date>().ok().filter(|_| text.len() == "2026-11-20".len());
    let time = match day() {
        Some(day) => TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0)).ok(),
        None => text.parse::<Timestamp>().ok(),
    };
    time.and_then(|time| u64::try_from(time.as_millisecond()).ok()).map(Some).ok_or_else(wrong)
}

/// # Errors
/// 400 for anything that no page gave.
pub(super) fn place(parameters: &Parameters<'_>) -> Result<Option<Place>, ApiError> {
    let malformed = |()| ApiError::input("request/query/next must be the `next` of a page before");
    parameters.one("next")?.map(|text| text.parse().map_err(malformed)).transpose()
}

/// `<time, 16 hexadecimal digits>.<digest>`
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}.{}", self.at_ms, self.digest)
    }
}

impl FromStr for Place {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (time, digest) = text.split_once('.').ok_or(())?;
        let is_hex = |text: &str| text.len() == 16 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let at_ms = u64::from_str_radix(time, 16).ok().filter(|_| is_hex(time) && is_hex(digest)).ok_or(())?;
        Ok(Self { at_ms, digest: digest.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use aws_lambda_events::apigw::ApiGatewayProxyRequest;
    use serde_json::{Value, json};

    use super::*;

    fn request(parameters: &Value) -> ApiGatewayProxyRequest {
        serde_json::from_value(json!({
            "httpMethod": "GET", "path": "/", "headers": {}, "requestContext": {"httpMethod": "GET"},
            "multiValueQueryStringParameters": parameters,
        }))
        .unwrap()
    }

    fn asked(parameters: &Value) -> Result<Window, String> {
        let request = request(parameters);
        let parameters = Parameters::check(&request, &["from", "to"]).unwrap();
        window(&parameters, "2026-11-20T10:00:00Z".parse().unwrap()).map_err(|error| error.message)
    }

    fn ms(text: &str) -> u64 {
        u64::try_from(text.parse::<Timestamp>().unwrap().as_millisecond()).unwrap()
    }

    #[test]
    fn a_window_is_of_days_or_of_times_and_the_last_ninety_days_without() {
        let whole = |from, to| Ok(Window { from_ms: ms(from), to_ms: ms(to) });
        for (parameters, expected) in [
            (json!({}), whole("2026-08-22T10:00:00Z", "2026-11-20T10:00:00Z")),
            (json!({"from": ["2026-11-01"]}), whole("2026-11-01T00:00:00Z", "2026-11-20T10:00:00Z")),
            (json!({"to": ["2026-04-01"]}), whole("2026-01-01T00:00:00Z", "2026-04-01T00:00:00Z")),
            (
                json!({"from": ["2026-11-01T12:00:00+02:00"], "to": ["2026-11-01T12:00:00 01:00"]}),
                whole("2026-11-01T10:00:00Z", "2026-11-01T11:00:00Z"),
            ),
        ] {
            assert_eq!(asked(&parameters), expected, "{parameters}");
        }
        for (name, text) in
            [("from", "yesterday"), ("to", "2026-11-31"), ("from", "2026-11-20T10:00:00"), ("from", "1960-01-01")]
        {
            let complaint = asked(&json!({name: [text]})).unwrap_err();
            assert!(complaint.starts_with(&format!("request/query/{name} must be a day or a time")), "{complaint}");
        }
        for from in ["2026-11-20T10:00:00Z", "2027-01-01"] {
            assert!(asked(&json!({"from": [from]})).unwrap_err().starts_with("request/query/to must be after `from`"));
        }
        assert!(asked(&json!({"from": ["2025-01-01"]})).unwrap_err().contains("at most 400 days"));
    }

    #[test]
    fn a_place_is_read_back_and_nothing_else_is() {
        let place = Place { at_ms: 1_790_000_000_123, digest: "0123456789abcdef".to_owned() };
        assert_eq!(place.to_string().parse(), Ok(place));
        for text in [
            "",
            ".",
            "000001a2055bbc86",
            "000001a2055bbc86.",
            "1.0123456789abcdef",
            "000001A2055BBC86.0123456789abcdef",
        ] {
            assert_eq!(text.parse::<Place>(), Err(()), "{text}");
        }
    }
}
