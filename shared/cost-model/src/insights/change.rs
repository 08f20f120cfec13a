//! How one sum differs from the one before it.

use num_bigint::BigInt;
use serde::Serialize;

use crate::amount::{Amount, AmountError};
use crate::insights::number::Number;

/// `ChangeStatistic` of the contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// `(current - previous) / previous`, left out where one of them is zero.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ratio: Option<Number>,
    pub amount: Number,
}

impl Change {
    /// # Errors
    /// Fails beyond the largest amount.
    pub fn between(previous: Amount, current: Amount) -> Result<Self, AmountError> {
        let difference = current.minus(previous)?;
        let ratio = if previous.is_zero() || current.is_zero() {
            None
        } else {
            Number::of_fraction(&BigInt::from(difference.raw()), &BigInt::from(previous.raw()))
        };
        Ok(Self { ratio, amount: Number::of(difference) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn change_is_between_sums_and_has_no_ratio_to_nothing() {
        let change = |previous: &str, current: &str| {
            let change = Change::between(previous.parse().unwrap(), current.parse().unwrap()).unwrap();
            serde_json::to_string(&change).unwrap()
        };
        assert_eq!(change("60000", "120000"), r#"{"ratio":1,"amount":60000}"#);
        assert_eq!(change("3", "2"), r#"{"ratio":-0.33333333333333333,"amount":-1}"#);
        assert_eq!(change("0", "2"), r#"{"amount":2}"#);
        assert_eq!(change("2", "0"), r#"{"amount":-2}"#);
        // Credits: half as much was given back.
        assert_eq!(change("-2", "-1"), r#"{"ratio":-0.5,"amount":1}"#);
    }
}
