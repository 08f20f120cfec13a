//! Costs in fixed point: amounts, what they are allocated to, a month's rollups, and the answers read from them.
//! Pure functions and plain data: no I/O, no clock, and no floating point once an amount has been read.

pub mod actions;
mod allocation;
mod amount;
mod amount_double;
mod amount_text;
mod amounts;
mod coverage;
mod currency;
pub mod insights;
mod missing;
mod month;
mod query;
mod rollup;
mod rollup_json;
mod rollups;
mod scope;
mod split;
mod statement;
mod unallocated;

pub use allocation::{
    Allocation, Share, TagSaid, WEIGHTS_ANNOTATION, add_components, allocate, components_of, stacks_of,
};
pub use amount::{Amount, AmountError, Reading};
pub use amounts::{Amounts, Metric, MetricError};
pub use coverage::{Coverage, CoverageQuery, Covered, ReasonCost, Whose, accounts_of};
pub use currency::{Currency, CurrencyError};
pub use missing::{Missing, MissingQuery, MissingReport, MissingRow, MissingTotals};
pub use month::{Month, MonthError};
pub use query::{CostAnswer, CostQuery, CostRow, Dimension, Granularity, GroupedCosts, QueryError, costs};
pub use rollup::{Attribution, Cell, Dimensions, Rollup};
pub use rollup_json::RollupError;
pub use rollups::{ScopeRollups, SumsDiffer, Target};
pub use scope::{Scope, ScopeError};
pub use split::{scale, split, split_by};
pub use statement::{Statement, StatementRow};
pub use unallocated::{Unallocated, UnallocatedError};
