//! Rollups -> answers in the terms of Backstage's Cost Insights: series of days, change between two periods, a trend, groups
//! that add up, and products by component. All sums are exact; a number is made of them where it is written.
//!
//! The types are those of `@backstage/plugin-cost-insights-common`; docs/cost-insights.md says what they mean here.

mod change;
mod daily;
mod intervals;
mod number;
mod product;
mod question;
#[cfg(test)]
pub(crate) mod sample;
mod trend;

pub use change::Change;
pub use daily::{DailyAmount, DailyCost, Exact, PeriodTotal, daily_cost, metric_data};
pub use intervals::{Intervals, IntervalsError, Period};
pub use number::{Number, rounded_to_cents};
pub use product::{ProductCost, product_cost};
pub use question::{Known, Question};
pub use trend::Trendline;
