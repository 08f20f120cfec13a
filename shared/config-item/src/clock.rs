//! Capture times and state ids, as each dialect writes them -> the two numbers of a version.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::Value;

/// Numbers from here on are milliseconds: as seconds they would be in the year 5138.
const FIRST_MILLISECOND: u128 = 100_000_000_000;

/// Milliseconds since 1970. Text in ISO 8601 (UTC where it names no offset) or a number of seconds or milliseconds,
/// also in a string: the older CLI prints `1486206633.88`. Finer parts are cut off.
pub(crate) fn epoch_ms(value: &Value) -> Option<u64> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    if let Some(whole) = scaled(&text, 0) {
        let ms = if whole >= FIRST_MILLISECOND { whole } else { scaled(&text, 3)? };
        // What jiff cannot show as a time is none.
        return u64::try_from(ms)
            .ok()
            .filter(|ms| i64::try_from(*ms).is_ok_and(|ms| Timestamp::from_millisecond(ms).is_ok()));
    }
    let time = text.parse::<Timestamp>().ok().or_else(|| {
        let local = text.parse::<DateTime>().ok()?;
        TimeZone::UTC.to_timestamp(local).ok()
    })?;
    u64::try_from(time.as_millisecond()).ok()
}

/// `2026-11-20T10:00:00.250Z`, always with three digits of milliseconds.
pub(crate) fn iso(epoch_ms: u64) -> Option<String> {
    let time = Timestamp::from_millisecond(i64::try_from(epoch_ms).ok()?).ok()?;
    Some(format!("{time:.3}"))
}

/// A number, a number in a string, or the UUID of 2014 as its 128 bits.
pub(crate) fn state_id(value: &Value) -> Option<u128> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    scaled(&text, 0).or_else(|| uuid_bits(&text))
}

fn uuid_bits(text: &str) -> Option<u128> {
    let groups: Vec<usize> = text.split('-').map(str::len).collect();
    let is_uuid = groups == [8, 4, 4, 4, 12] && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit());
    if !is_uuid {
        return None;
    }
    u128::from_str_radix(&text.replace('-', ""), 16).ok()
}

/// The whole part of a decimal number times `10^power`, read from its digits: no float is involved.
/// `None`: no number, a negative one, or one above 128 bits.
fn scaled(text: &str, power: i32) -> Option<u128> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    if whole.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let digits_before_point = i64::try_from(whole.len()).ok()? + i64::from(exponent) + i64::from(power);
    let Ok(keep) = usize::try_from(digits_before_point) else { return Some(0) };
    let significant = digits.trim_start_matches('0').len();
    if keep > digits.len() - significant + 39 {
        return (significant == 0).then_some(0);
    }
    let kept: String = digits.chars().chain(std::iter::repeat('0')).take(keep).collect();
    if kept.is_empty() { Some(0) } else { kept.parse().ok() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn one_instant_is_read_from_every_spelling() {
        for value in [
            json!("2017-11-09T17:35:43.639Z"),
            json!("2017-11-09T12:35:43.639000-05:00"),
            json!("2017-11-09T17:35:43.639+0000"),
            json!("2017-11-09 17:35:43.639"),
            json!(1_510_248_943_639_u64),
            json!("1510248943639"),
            json!(1_510_248_943.639),
            json!("1510248943.639000"),
        ] {
            assert_eq!(epoch_ms(&value), Some(1_510_248_943_639), "{value}");
        }
        assert_eq!(iso(1_510_248_943_600).unwrap(), "2017-11-09T17:35:43.600Z");
    }

    #[test]
    fn what_is_no_time_is_none() {
        for value in [json!("yesterday"), json!(-5), json!("1960-01-01T00:00:00Z"), json!(1e300), json!({}), json!("")]
        {
            assert_eq!(epoch_ms(&value), None, "{value}");
        }
    }

    #[test]
    fn a_state_id_keeps_every_digit_whatever_its_type() {
        for (value, expected) in [
            (json!(0), 0),
            (json!("102"), 102),
            (json!("00102"), 102),
            (json!(9_007_199_254_740_993_u64), 9_007_199_254_740_993),
            (json!("340282366920938463463374607431768211455"), u128::MAX),
            (json!(1_525_278_055_108.0), 1_525_278_055_108),
            (json!("1.5e3"), 1_500),
            (json!("e74bf6b1-0000-0000-0000-00000000000f"), 0xe74b_f6b1_0000_0000_0000_0000_0000_000f),
        ] {
            assert_eq!(state_id(&value), Some(expected), "{value}");
        }
        for value in
            [json!("new"), json!("-1"), json!("340282366920938463463374607431768211456"), json!("1e99"), json!([])]
        {
            assert_eq!(state_id(&value), None, "{value}");
        }
    }
}
