//! Money in fixed point: 128 bits at 1e-20 of a currency unit. Adding is exact; nothing in here rounds but reading.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::amount_double::ten_places;
use crate::amount_text::{MAX_TEXT_BYTES, read_decimal, ten_places_of_text};

/// Decimal places of every amount. Bills reach 19 (19 digits were seen in real reports).
pub(crate) const PLACES: usize = 20;

const ONE: u128 = 10_u128.pow(20);

/// From ten places, which bills are made of, to the twenty of an amount.
const TEN_PLACES: i128 = 10_i128.pow(10);

/// An amount of one currency, which the amount does not know; up to 1.7e18 units of either sign.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Amount(i128);

/// An amount as it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    pub amount: Amount,
    /// The text was finer than 1e-20 and was rounded half-even.
    pub rounded: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    #[error("`{text}` is not a decimal number")]
    Form { text: String },
    #[error("a number of {bytes} bytes is longer than {MAX_TEXT_BYTES}")]
    TooLong { bytes: usize },
    #[error("`{text}` is beyond 1.7e18, the largest amount")]
    TooLarge { text: String },
    #[error("`{text}` is finer than 1e-20")]
    TooFine { text: String },
    #[error("a sum is beyond 1.7e18, the largest amount")]
    Overflow,
}

impl Amount {
    pub const ZERO: Self = Self(0);

    /// An amount of so many 1e-20 units.
    pub const fn from_raw(raw: i128) -> Self {
        Self(raw)
    }

    /// In units of 1e-20.
    pub const fn raw(self) -> i128 {
        self.0
    }

    /// An amount of so many 1e-10 units.
    pub const fn of_ten_places(units: i64) -> Self {
        Self(units as i128 * TEN_PLACES)
    }

    /// In units of 1e-10, which need half the memory. `None`: it is finer, or beyond 9.2e8.
    pub fn ten_places(self) -> Option<i64> {
        let units = self.0 / TEN_PLACES;
        i64::try_from(units).ok().filter(|_| units * TEN_PLACES == self.0)
    }

    /// What [`Self::read_f64`] reads, in units of 1e-10. `None`: it is not surely whole in those, or it is no amount.
    #[inline]
    pub fn ten_places_of_f64(value: f64) -> Option<i64> {
        ten_places(value)
    }

    /// What [`Self::read`] reads, in units of 1e-10. `None`: it is not surely whole in those, or it is no amount.
    pub fn ten_places_of_text(text: &[u8]) -> Option<i64> {
        ten_places_of_text(text)
    }

    /// Reads decimal text: `12`, `-0.5`, `+.5`, `1.81E-8`. What is finer than 1e-20 is rounded half-even.
    ///
    /// # Errors
    /// Fails on text that is no decimal number, longer than 128 bytes, or beyond the largest amount.
    pub fn read(text: &str) -> Result<Reading, AmountError> {
        let (raw, rounded) = read_decimal(text)?;
        Ok(Reading { amount: Self(raw), rounded })
    }

    /// Reads a double at its shortest decimal, the one it was most likely written as: 0.1 is 0.1.
    ///
    /// # Errors
    /// Fails on infinities, NaN, and numbers beyond the largest amount.
    pub fn read_f64(value: f64) -> Result<Reading, AmountError> {
        if let Some(units) = ten_places(value) {
            return Ok(Reading { amount: Self::of_ten_places(units), rounded: false });
        }
        let mut digits = ShortText { bytes: [0; 40], used: 0 };
        // `{:e}` of an `f64` is its shortest round-trip decimal: at most 24 bytes.
        match fmt::Write::write_fmt(&mut digits, format_args!("{value:e}")) {
            Ok(()) => Self::read(digits.as_str()),
            Err(fmt::Error) => Err(AmountError::Form { text: value.to_string() }),
        }
    }

    pub fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// # Errors
    /// Fails beyond the largest amount.
    pub fn plus(self, other: Self) -> Result<Self, AmountError> {
        self.0.checked_add(other.0).map(Self).ok_or(AmountError::Overflow)
    }

    /// # Errors
    /// Fails beyond the largest amount.
    pub fn times(self, factor: u64) -> Result<Self, AmountError> {
        self.0.checked_mul(i128::from(factor)).map(Self).ok_or(AmountError::Overflow)
    }

    /// # Errors
    /// Fails beyond the largest amount.
    pub fn minus(self, other: Self) -> Result<Self, AmountError> {
        self.0.checked_sub(other.0).map(Self).ok_or(AmountError::Overflow)
    }
}

/// The shortest decimal that is exactly this amount: no exponent, no trailing zeros, `0` for zero.
impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, value) = (if self.0 < 0 { "-" } else { "" }, self.0.unsigned_abs());
        let (whole, fraction) = (value / ONE, value % ONE);
        if fraction == 0 {
            return write!(f, "{sign}{whole}");
        }
        let digits = format!("{fraction:0PLACES$}");
        write!(f, "{sign}{whole}.{}", digits.trim_end_matches('0'))
    }
}

impl fmt::Debug for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Reads an amount that must be exact: a stored one, or one in a test.
impl FromStr for Amount {
    type Err = AmountError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let reading = Self::read(text)?;
        if reading.rounded {
            return Err(AmountError::TooFine { text: text.into() });
        }
        Ok(reading.amount)
    }
}

impl TryFrom<String> for Amount {
    type Error = AmountError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Amount> for String {
    fn from(amount: Amount) -> Self {
        amount.to_string()
    }
}

/// A text on the stack: reports hold tens of millions of doubles.
struct ShortText {
    bytes: [u8; 40],
    used: usize,
}

impl ShortText {
    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.used]).unwrap_or_default()
    }
}

impl fmt::Write for ShortText {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.used + text.len();
        self.bytes.get_mut(self.used..end).ok_or(fmt::Error)?.copy_from_slice(text.as_bytes());
        self.used = end;
        Ok(())
    }
}

#[cfg(test)]
#[path = "amount_tests.rs"]
mod tests;
