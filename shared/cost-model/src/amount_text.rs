//! Decimal text, with or without an exponent -> units of 1e-20, rounded half-even where the text is finer.

use crate::amount::{AmountError, PLACES};

/// Longest number that is read. Real reports stay below 25; a number of a page is a broken file.
pub(crate) const MAX_TEXT_BYTES: usize = 128;

/// Exponents beyond this are zero or too large whatever the digits are.
const MAX_EXPONENT: i64 = 1000;

/// The value in units of 1e-20, and whether it was rounded.
pub(crate) fn read_decimal(text: &str) -> Result<(i128, bool), AmountError> {
    let trimmed = text.trim_ascii();
    if trimmed.len() > MAX_TEXT_BYTES {
        return Err(AmountError::TooLong { bytes: trimmed.len() });
    }
    if let Some(value) = read_short(trimmed.as_bytes()) {
        return Ok((value, false));
    }
    let form = || AmountError::Form { text: text.into() };
    let (negative, unsigned) = match trimmed.as_bytes().first() {
        Some(b'-') => (true, &trimmed[1..]),
        Some(b'+') => (false, &trimmed[1..]),
        _ => (false, trimmed),
    };
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        Some(at) => (&unsigned[..at], read_exponent(&unsigned[at + 1..]).ok_or_else(form)?),
        None => (unsigned, 0),
    };
    let mut digits = [0_u8; MAX_TEXT_BYTES];
    let (mut count, mut fraction_digits, mut any, mut after_point) = (0, 0_i64, false, false);
    for byte in mantissa.bytes() {
        match byte {
            b'.' if !after_point => after_point = true,
            b'0'..=b'9' => {
                any = true;
                fraction_digits += i64::from(after_point);
                if count > 0 || byte != b'0' {
                    digits[count] = byte - b'0';
                    count += 1;
                }
            }
            _ => return Err(form()),
        }
    }
    if !any {
        return Err(form());
    }
    let places = i64::try_from(PLACES).unwrap_or_default();
    let (value, rounded) = scaled(&digits[..count], exponent - fraction_digits + places)
        .ok_or_else(|| AmountError::TooLarge { text: text.into() })?;
    let value = i128::try_from(value).map_err(|_| AmountError::TooLarge { text: text.into() })?;
    Ok((if negative { -value } else { value }, rounded))
}

fn read_short(text: &[u8]) -> Option<i128> {
    let (value, places) = short(text)?;
    Some(i128::from(value) * POWERS[PLACES - places])
}

/// The value in units of 1e-10. `None` decides nothing.
pub(crate) fn ten_places_of_text(text: &[u8]) -> Option<i64> {
    let (value, places) = short(text)?;
    let factor = i64::try_from(POWERS[10_usize.checked_sub(places)?]).ok()?;
    value.checked_mul(factor)
}

/// What nearly all amounts are: at most 18 digits, and how many of them stand behind the point. `None` decides nothing.
fn short(text: &[u8]) -> Option<(i64, usize)> {
    let (negative, unsigned) = match text {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, text),
    };
    if unsigned.len() > 19 {
        return None;
    }
    let (mut value, mut digits, mut point) = (0_u64, 0_usize, None);
    for byte in unsigned {
        match byte {
            b'0'..=b'9' => {
                value = value * 10 + u64::from(byte - b'0');
                digits += 1;
            }
            b'.' if point.is_none() => point = Some(digits),
            _ => return None,
        }
    }
    if digits == 0 || digits > 18 {
        return None;
    }
    let value = i64::try_from(value).ok()?;
    Some((if negative { -value } else { value }, point.map_or(0, |at| digits - at)))
}

/// Powers of ten by exponent.
const POWERS: [i128; PLACES + 1] = {
    let mut powers = [1_i128; PLACES + 1];
    let mut at = 1;
    while at <= PLACES {
        powers[at] = powers[at - 1] * 10;
        at += 1;
    }
    powers
};

fn read_exponent(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let size = digits.parse().unwrap_or(MAX_EXPONENT).min(MAX_EXPONENT);
    Some(if text.starts_with('-') { -size } else { size })
}

/// `digits` (no leading zero) times 10^`shift`, rounded half-even to a whole number. `None`: too large.
fn scaled(digits: &[u8], shift: i64) -> Option<(u128, bool)> {
    if digits.is_empty() {
        return Some((0, false));
    }
    let number = |digits: &[u8]| {
        digits.iter().try_fold(0_u128, |sum, digit| sum.checked_mul(10)?.checked_add(u128::from(*digit)))
    };
    if let Ok(zeros) = u32::try_from(shift) {
        return Some((number(digits)?.checked_mul(10_u128.checked_pow(zeros)?)?, false));
    }
    let dropped = usize::try_from(-shift).ok()?;
    let Some(kept) = digits.len().checked_sub(dropped) else {
        return Some((0, true));
    };
    let (whole, rest) = (number(&digits[..kept])?, &digits[kept..]);
    let (half, beyond) = (rest[0], rest[1..].iter().any(|digit| *digit > 0));
    let up = half > 5 || half == 5 && (beyond || whole % 2 == 1);
    Some((whole + u128::from(up), half > 0 || beyond))
}
