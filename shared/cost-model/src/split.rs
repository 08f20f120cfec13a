//! One amount -> parts that add up to it to the last unit, by largest remainder.

use crate::amount::Amount;

const TEN_PLACES: u128 = 10_u128.pow(10);

/// Splits `amount` by `weights`: part i is `amount * weight i / sum of weights`, rounded down towards zero, and the units
/// that are left go one each to the largest remainders, the first of equal ones first.
///
/// The parts have the sign of the amount or are zero. With weights that are all zero the first part is everything;
/// without weights there are no parts.
pub fn split(amount: Amount, weights: &[u32]) -> Vec<Amount> {
    let weights: Vec<u128> = weights.iter().map(|weight| u128::from(*weight)).collect();
    // A sum of 32 bits each is far from overflowing.
    split_by(amount, &weights).unwrap_or_default()
}

/// [`split`] by larger weights, such as amounts are. `None`: their sum does not fit 128 bits.
pub fn split_by(amount: Amount, weights: &[u128]) -> Option<Vec<Amount>> {
    let total = weights.iter().try_fold(0_u128, |sum, weight| sum.checked_add(*weight))?;
    if total == 0 {
        return Some(weights.iter().enumerate().map(|(at, _)| if at == 0 { amount } else { Amount::ZERO }).collect());
    }
    let size = amount.raw().unsigned_abs();
    // Weights that are amounts are mostly whole in ten places: without the other ten, products mostly fit 128 bits.
    let unit = if weights.iter().all(|weight| weight.is_multiple_of(TEN_PLACES)) { TEN_PLACES } else { 1 };
    let total = total / unit;
    let part = |weight: &u128| {
        let weight = weight / unit;
        match size.checked_mul(weight) {
            _ if weight == total => (size, 0),
            Some(product) => (product / total, product % total),
            None => multiply_divide(size, weight, total).unwrap_or_default(),
        }
    };
    let shares: Vec<(u128, u128)> = weights.iter().map(part).collect();
    let given: u128 = shares.iter().map(|(part, _)| part).sum();
    let mut parts: Vec<u128> = shares.iter().map(|(part, _)| *part).collect();
    let mut by_remainder: Vec<usize> = (0..shares.len()).collect();
    by_remainder.sort_by_key(|at| std::cmp::Reverse(shares[*at].1));
    // Fewer units are left than there are parts: each part lost less than one.
    let left = usize::try_from(size - given).unwrap_or_default();
    for at in by_remainder.into_iter().take(left) {
        parts[at] += 1;
    }
    Some(parts.into_iter().map(|part| signed(part, amount.raw() < 0)).collect())
}

/// `amount * numerator / denominator`, rounded half-even. Zero if the denominator is.
/// `None`: beyond the largest amount.
pub fn scale(amount: Amount, numerator: Amount, denominator: Amount) -> Option<Amount> {
    if denominator.is_zero() {
        return Some(Amount::ZERO);
    }
    let (size, by) = (amount.raw().unsigned_abs(), denominator.raw().unsigned_abs());
    let (quotient, remainder) = multiply_divide(size, numerator.raw().unsigned_abs(), by)?;
    let up = match remainder.cmp(&(by - remainder)) {
        std::cmp::Ordering::Less => false,
        std::cmp::Ordering::Equal => quotient % 2 == 1,
        std::cmp::Ordering::Greater => true,
    };
    let negative = (amount.raw() < 0) ^ (numerator.raw() < 0) ^ (denominator.raw() < 0);
    let rounded = quotient.checked_add(u128::from(up))?;
    i128::try_from(rounded).ok().map(|_| signed(rounded, negative))
}

fn signed(size: u128, negative: bool) -> Amount {
    // `i128::MIN` has no positive counterpart: its size wraps to itself.
    let value = size.cast_signed();
    Amount::from_raw(if negative { value.wrapping_neg() } else { value })
}

/// `a * b / d` and its remainder over 256 bits. `None`: the quotient does not fit 128 bits.
fn multiply_divide(a: u128, b: u128, d: u128) -> Option<(u128, u128)> {
    let (mut high, mut low) = multiply(a, b);
    if high >= d {
        return None;
    }
    // Schoolbook division, bit by bit: `high` is the remainder so far.
    for _ in 0..128 {
        let carry = high >> 127;
        high = high << 1 | low >> 127;
        low <<= 1;
        if carry == 1 || high >= d {
            high = high.wrapping_sub(d);
            low |= 1;
        }
    }
    Some((low, high))
}

fn multiply(a: u128, b: u128) -> (u128, u128) {
    const LOW: u128 = u64::MAX as u128;
    let (a1, a0, b1, b0) = (a >> 64, a & LOW, b >> 64, b & LOW);
    let (bottom, one, other) = (a0 * b0, a1 * b0, a0 * b1);
    let middle = (bottom >> 64) + (one & LOW) + (other & LOW);
    (a1 * b1 + (one >> 64) + (other >> 64) + (middle >> 64), middle << 64 | bottom & LOW)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn amount(text: &str) -> Amount {
        text.parse().unwrap()
    }

    #[test]
    fn the_last_units_go_to_the_largest_remainders() {
        let raws = |raw, weights: &[u32]| -> Vec<i128> {
            split(Amount::from_raw(raw), weights).into_iter().map(Amount::raw).collect()
        };
        assert_eq!(raws(10, &[1, 1, 1]), [4, 3, 3]);
        assert_eq!(raws(-11, &[1, 1, 1]), [-4, -4, -3]);
        assert_eq!(raws(10, &[1, 5, 1]), [2, 7, 1]);
        assert_eq!(raws(7, &[0, 0]), [7, 0]);
        assert_eq!(raws(7, &[]), [] as [i128; 0]);
    }

    #[test]
    fn scaling_rounds_half_even() {
        assert_eq!(scale(amount("93"), amount("10"), amount("100")), Some(amount("9.3")));
        assert_eq!(scale(Amount::from_raw(5), amount("1"), amount("2")), Some(Amount::from_raw(2)));
        assert_eq!(scale(Amount::from_raw(-7), amount("1"), amount("2")), Some(Amount::from_raw(-4)));
        assert_eq!(scale(amount("5"), amount("1"), Amount::ZERO), Some(Amount::ZERO));
        assert_eq!(scale(amount("1e18"), amount("2"), amount("1")), None);
    }

    proptest! {
        #[test]
        fn parts_add_up_and_are_fair(raw: i128, weights in prop::collection::vec(0..1000_u32, 1..12)) {
            let parts = split(Amount::from_raw(raw), &weights);
            let sum = parts.iter().try_fold(Amount::ZERO, |sum, part| sum.plus(*part)).unwrap();
            prop_assert_eq!(sum.raw(), raw);
            for (part, weight) in parts.iter().zip(&weights) {
                prop_assert!(part.raw() == 0 || (part.raw() < 0) == (raw < 0));
                // Small enough to do the division the plain way: no part is a unit or more off.
                let total: i128 = weights.iter().map(|w| i128::from(*w)).sum();
                if let (Some(exact), true) = (raw.checked_mul(i128::from(*weight)), total > 0) {
                    prop_assert!((part.raw() - exact / total).abs() <= 1);
                }
            }
        }

        #[test]
        fn only_the_ratio_of_weights_counts(raw: i128, weights in prop::collection::vec(0..u128::from(u64::MAX), 1..12), odd: bool) {
            let in_ten_places: Vec<u128> = weights.iter().map(|weight| weight * TEN_PLACES).collect();
            let thrice: Vec<u128> = weights.iter().map(|weight| weight * 3).collect();
            let expected = split_by(Amount::from_raw(raw), &weights);
            prop_assert_eq!(split_by(Amount::from_raw(raw), if odd { &thrice } else { &in_ten_places }), expected);
        }

        #[test]
        fn wide_division_is_the_inverse_of_multiplication(a: u128, b: u128, d in 1..u128::MAX) {
            if let Some((quotient, remainder)) = multiply_divide(a, b, d) {
                let (high, low) = multiply(quotient, d);
                let (low, carry) = low.overflowing_add(remainder);
                prop_assert!(remainder < d);
                prop_assert_eq!((high + u128::from(carry), low), multiply(a, b));
            }
        }
    }
}
