//! The three ways to look at one cost, kept side by side.

use std::fmt;
use std::str::FromStr;

use crate::amount::{Amount, AmountError};
use crate::split::split_by;

/// How a cost is counted. Never add two of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Metric {
    /// What the bill says, when it says it.
    Unblended,
    /// Upfront and recurring fees of commitments moved to the usage that they cover.
    Amortized,
    /// The same after discounts; where a report has no net columns, the same as amortised.
    NetAmortized,
}

/// One cost in all metrics, of one currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amounts {
    pub unblended: Amount,
    pub amortized: Amount,
    pub net_amortized: Amount,
}

impl Metric {
    pub const ALL: [Self; 3] = [Self::Unblended, Self::Amortized, Self::NetAmortized];

    /// The name in queries and answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unblended => "unblended",
            Self::Amortized => "amortized",
            Self::NetAmortized => "net_amortized",
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("metric `{0}` is none of unblended, amortized, net_amortized")]
pub struct MetricError(String);

impl FromStr for Metric {
    type Err = MetricError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|metric| metric.as_str() == text).ok_or_else(|| MetricError(text.into()))
    }
}

impl Amounts {
    /// Amounts of so many 1e-10 units, in the order of [`Metric::ALL`].
    pub fn of_ten_places([unblended, amortized, net_amortized]: [i64; 3]) -> Self {
        Self {
            unblended: Amount::of_ten_places(unblended),
            amortized: Amount::of_ten_places(amortized),
            net_amortized: Amount::of_ten_places(net_amortized),
        }
    }

    /// In units of 1e-10. `None`: one of them is finer, or beyond 9.2e8.
    pub fn ten_places(&self) -> Option<[i64; 3]> {
        Some([self.unblended.ten_places()?, self.amortized.ten_places()?, self.net_amortized.ten_places()?])
    }

    pub fn get(&self, metric: Metric) -> Amount {
        match metric {
            Metric::Unblended => self.unblended,
            Metric::Amortized => self.amortized,
            Metric::NetAmortized => self.net_amortized,
        }
    }

    pub fn is_zero(&self) -> bool {
        *self == Self::default()
    }

    /// # Errors
    /// Fails beyond the largest amount; then nothing has been added.
    pub fn add(&mut self, other: &Self) -> Result<(), AmountError> {
        *self = Self {
            unblended: self.unblended.plus(other.unblended)?,
            amortized: self.amortized.plus(other.amortized)?,
            net_amortized: self.net_amortized.plus(other.net_amortized)?,
        };
        Ok(())
    }

    /// # Errors
    /// Fails beyond the largest amount.
    pub fn times(&self, factor: u64) -> Result<Self, AmountError> {
        Ok(Self {
            unblended: self.unblended.times(factor)?,
            amortized: self.amortized.times(factor)?,
            net_amortized: self.net_amortized.times(factor)?,
        })
    }

    /// Equal parts by largest remainder, each metric for itself; the first parts get what is left over.
    pub fn split_equally(&self, parts: usize) -> Vec<Self> {
        self.split_by(&vec![1; parts]).unwrap_or_default()
    }

    /// Parts by weight and largest remainder, each metric for itself. `None`: the weights' sum does not fit 128 bits.
    pub fn split_by(&self, weights: &[u128]) -> Option<Vec<Self>> {
        let parts = |metric| split_by(self.get(metric), weights);
        let unblended = parts(Metric::Unblended)?;
        let (amortized, net) = (parts(Metric::Amortized)?, parts(Metric::NetAmortized)?);
        let all = (0..weights.len()).map(|at| Self {
            unblended: unblended[at],
            amortized: amortized[at],
            net_amortized: net[at],
        });
        Some(all.collect())
    }
}
