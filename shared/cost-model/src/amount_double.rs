//! A double -> the shortest decimal that it was most likely written as, in units of 1e-10, without floating point.
//!
//! Bills are made of decimals of at most ten places. A double below 2^18 is nearest to at most one of those (they are
//! further apart than doubles are), and no shorter decimal can be nearest to it too: so if there is one, it is the answer.

const TEN_PLACES: u64 = 10_000_000_000;

const MANTISSA_BITS: u32 = 52;

/// The value in units of 1e-10, if its shortest decimal has at most ten places and it is below 2^18. `None` decides nothing.
#[inline]
pub(crate) fn ten_places(value: f64) -> Option<i64> {
    let bits = value.to_bits();
    if bits << 1 == 0 {
        return Some(0);
    }
    let exponent = (bits >> MANTISSA_BITS) & 0x7ff;
    let fraction = bits & ((1 << MANTISSA_BITS) - 1);
    // Below 2^-34 there is no decimal of ten places but zero.
    if !(1023 - 34..1023 + 18).contains(&exponent) {
        return None;
    }
    // value = mantissa / 2^shift, with a shift of 35 to 86; in ten places, scaled / 2^shift. Of scaled, the upper half of a
    // product of two numbers of 64 bits has all but the lowest 23 bits.
    let shift = 1023 + u64::from(MANTISSA_BITS) - exponent;
    let scaled = u128::from((fraction | 1 << MANTISSA_BITS) << 11) * u128::from(TEN_PLACES << 30);
    let half = |bits: u128| u64::try_from(bits).unwrap_or_default();
    let (upper, lower) = (half(scaled >> 64), half(scaled & u128::from(u64::MAX)));
    let upper_shift = shift - 23;
    let nearest = (upper + (1 << (upper_shift - 1))) >> upper_shift;
    let distance = upper.wrapping_sub(nearest << upper_shift).cast_signed();
    // Nearer than half a step of the mantissa: reading the decimal gives this double back. Below a power of two the step
    // is half as long.
    let limit = if fraction == 0 { TEN_PLACES / 4 } else { TEN_PLACES / 2 };
    if distance.unsigned_abs() > limit >> 22 || (distance << 23 | (lower >> 41).cast_signed()).unsigned_abs() >= limit {
        return None;
    }
    let size = i64::try_from(nearest).ok()?;
    Some(if bits >> 63 == 1 { -size } else { size })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::amount_text::read_decimal;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn decimals_of_a_bill_are_read_as_they_were_written(units in -2_000_000_000_000_000_i64..2_000_000_000_000_000) {
            let text = format!("{units}e-10");
            let value: f64 = text.parse().unwrap();
            if let Some(read) = ten_places(value) {
                prop_assert_eq!(read, units);
            }
        }

        #[test]
        fn the_short_way_and_the_long_way_agree(bits: u64, exponent in 980..1045_u64) {
            let value = f64::from_bits(bits & 0x800f_ffff_ffff_ffff | exponent << 52);
            if let Some(read) = ten_places(value) {
                prop_assert_eq!(Ok((i128::from(read) * 10_000_000_000, false)), read_decimal(&format!("{value:e}")));
            }
        }
    }

    #[test]
    fn most_amounts_take_the_short_way() {
        for (value, read) in [
            (0.096, Some(960_000_000)),
            (-0.1, Some(-1_000_000_000)),
            (0.5, Some(5_000_000_000)),
            (1.0, Some(10_000_000_000)),
            (-0.0, Some(0)),
            (1e-11, None),
            (3e5, None),
        ] {
            assert_eq!(ten_places(value), read, "{value}");
        }
    }
}
