//! Exact values -> numbers of JSON. JSON's numbers are decimals of any length: an amount is written to its last digit, and
//! whoever reads it as a double gets the nearest one. What is no finite decimal is rounded here, once.

use num_bigint::{BigInt, BigUint, Sign};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::amount::Amount;

/// Digits of what is rounded: as many as tell every double from its neighbours.
const DIGITS: u32 = 17;

/// Exponents from which a number is written with one.
const PLAIN_EXPONENTS: std::ops::RangeInclusive<i64> = -7..=20;

/// The text of a number of JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Number(String);

impl Number {
    pub fn of(amount: Amount) -> Self {
        Self(amount.to_string())
    }

    /// `numerator / denominator`, rounded half-even to 17 significant digits. `None`: the denominator is zero.
    pub(crate) fn of_fraction(numerator: &BigInt, denominator: &BigInt) -> Option<Self> {
        if denominator.sign() == Sign::NoSign {
            return None;
        }
        if numerator.sign() == Sign::NoSign {
            return Some(Self("0".to_owned()));
        }
        let sign = if numerator.sign() == denominator.sign() { "" } else { "-" };
        let (top, bottom) = (numerator.magnitude(), denominator.magnitude());
        let (digits, exponent) = significant(top, bottom);
        Some(Self(format!("{sign}{}", written(&digits, exponent))))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Half-even, for a sentence that a person reads.
pub fn rounded_to_cents(amount: Amount) -> Amount {
    const CENT: i128 = 10_i128.pow(18);
    let (whole, rest) = (amount.raw().div_euclid(CENT), amount.raw().rem_euclid(CENT));
    let up = rest > CENT / 2 || rest == CENT / 2 && whole % 2 != 0;
    Amount::from_raw((whole + i128::from(up)).saturating_mul(CENT))
}

/// Significant digits without zeros at the end, and the power of ten of the first.
fn significant(top: &BigUint, bottom: &BigUint) -> (String, i64) {
    let length = |value: &BigUint| i64::try_from(value.to_string().len()).unwrap_or_default();
    // The power of the first digit is this or one less.
    let mut exponent = length(top) - length(bottom);
    if scaled(top, bottom, -exponent).0 < scaled(top, bottom, -exponent).1 {
        exponent -= 1;
    }
    let (top, bottom) = scaled(top, bottom, i64::from(DIGITS) - 1 - exponent);
    let (mut whole, rest) = (&top / &bottom, &top % &bottom);
    let twice: BigUint = rest * 2u32;
    if twice > bottom || twice == bottom && whole.bit(0) {
        whole += 1u32;
    }
    let digits = whole.to_string();
    // Nines that were rounded up have one digit more.
    let exponent = exponent + i64::try_from(digits.len()).unwrap_or_default() - i64::from(DIGITS);
    (digits.trim_end_matches('0').to_owned(), exponent)
}

/// The fraction times a power of ten.
fn scaled(top: &BigUint, bottom: &BigUint, power: i64) -> (BigUint, BigUint) {
    let ten = || BigUint::from(10u32).pow(u32::try_from(power.unsigned_abs()).unwrap_or(u32::MAX));
    if power >= 0 { (top * ten(), bottom.clone()) } else { (top.clone(), bottom * ten()) }
}

fn written(digits: &str, exponent: i64) -> String {
    let (first, rest) = digits.split_at(1);
    if !PLAIN_EXPONENTS.contains(&exponent) {
        let point = if rest.is_empty() { "" } else { "." };
        return format!("{first}{point}{rest}e{exponent}");
    }
    let zeros = |count: i64| "0".repeat(usize::try_from(count).unwrap_or_default());
    if exponent < 0 {
        return format!("0.{}{digits}", zeros(-exponent - 1));
    }
    let whole_digits = usize::try_from(exponent).unwrap_or_default() + 1;
    match digits.get(whole_digits..).filter(|fraction| !fraction.is_empty()) {
        Some(fraction) => format!("{}.{fraction}", &digits[..whole_digits]),
        None => format!("{digits}{}", zeros(exponent + 1 - i64::try_from(digits.len()).unwrap_or_default())),
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RawValue::from_string(self.0.clone()).map_err(serde::ser::Error::custom)?.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fraction(top: i64, bottom: i64) -> String {
        Number::of_fraction(&BigInt::from(top), &BigInt::from(bottom)).unwrap().0
    }

    #[test]
    fn an_amount_is_written_to_its_last_digit() {
        for (text, written) in [("8.24992704348387096774", "8.24992704348387096774"), ("-0.50", "-0.5"), ("0", "0")] {
            let number = Number::of(text.parse().unwrap());
            assert_eq!(serde_json::to_string(&number).unwrap(), written);
        }
    }

    #[test]
    fn a_sentence_has_cents() {
        for (exact, cents) in [("1.005", "1"), ("1.015", "1.02"), ("-1.015", "-1.02"), ("-0.0051", "-0.01"), ("7", "7")]
        {
            assert_eq!(rounded_to_cents(exact.parse().unwrap()).to_string(), cents, "{exact}");
        }
    }

    #[test]
    fn what_is_no_finite_decimal_is_rounded_once() {
        for (top, bottom, written) in [
            (1, 3, "0.33333333333333333"),
            (-2, 3, "-0.66666666666666667"),
            (2, -4, "-0.5"),
            (-1, -8, "0.125"),
            (0, 7, "0"),
            (100, 1, "100"),
            (123_456_789, 1000, "123456.789"),
            (1, 10_000_000, "0.0000001"),
            (1, 300_000_000, "3.3333333333333333e-9"),
            (5, 1_000_000_000, "5e-9"),
            // Half-even, in the eighteenth digit.
            (100_000_000_000_000_005, 1, "100000000000000000"),
            (100_000_000_000_000_015, 1, "100000000000000020"),
            (999_999_999_999_999_999, 1, "1000000000000000000"),
        ] {
            assert_eq!(fraction(top, bottom), written, "{top}/{bottom}");
        }
        assert_eq!(Number::of_fraction(&BigInt::from(1), &BigInt::ZERO), None);
        let large = BigInt::from(7) * BigInt::from(10).pow(30);
        assert_eq!(Number::of_fraction(&large, &BigInt::from(1)).unwrap().0, "7e30");
    }

    proptest! {
        /// The text is the nearest decimal of 17 digits, so that a double of it is off by no more than the double's own rounding.
        #[test]
        fn a_fraction_is_off_by_half_a_unit_of_its_last_digit_at_most(top in 1i64.., bottom in 1i64..) {
            let text = fraction(top, bottom);
            let (mantissa, exponent) = text.split_once('e').map_or((text.as_str(), 0), |(m, e)| (m, e.parse::<i64>().unwrap()));
            let (whole, decimals) = mantissa.split_once('.').unwrap_or((mantissa, ""));
            let digits: BigInt = format!("{whole}{decimals}").parse().unwrap();
            let power = exponent - i64::try_from(decimals.len()).unwrap();
            let ten = |power: i64| BigInt::from(10).pow(u32::try_from(power).unwrap());
            // |digits * 10^power - top/bottom| * 10^17 <= top/bottom, all times bottom.
            let (up, down) = (ten(power.max(0)), ten((-power).max(0)));
            let difference: BigInt = digits * up * bottom - BigInt::from(top) * &down;
            prop_assert!(BigInt::from(difference.magnitude().clone()) * ten(16) <= BigInt::from(top) * down);
        }
    }
}
