//! A row's amounts -> its cost in each metric.
//!
//! | line item type | amortised | net amortised |
//! |---|---|---|
//! | SavingsPlanCoveredUsage | effective cost of the plan | net effective cost |
//! | SavingsPlanRecurringFee | total - used commitment: what was not used | net upfront + net recurring commitment, times (total - used) / total |
//! | SavingsPlanNegation, SavingsPlanUpfrontFee | 0 | 0 |
//! | DiscountedUsage | effective cost of the reservation | net effective cost |
//! | RIFee | unused upfront + unused recurring fee | their net columns |
//! | Fee of a reservation (with its ARN) | 0 | 0 |
//! | Refund of a one-time Savings Plan fee | 0 | 0 |
//! | any other | unblended | net unblended |
//!
//! Unblended is the bill's own column for every type. A net column that is missing or null is not zero: the gross
//! one stands for it. There is no net column for total and used commitment: the unused part is scaled, as above.

use cost_model::{Amount, Amounts, scale};

use crate::columns::Column as C;
use crate::error::ReportError;
use crate::line_item::LineType;
use crate::names::Names;
use crate::row::Row;

const SAVINGS_PLAN_REFUND: &str = "Refund for one-time fee for Savings Plan ID";

pub(crate) struct Costs {
    pub(crate) amounts: Amounts,
    /// How many of the amounts read were rounded.
    pub(crate) rounded: u64,
    pub(crate) without_commitment_columns: bool,
}

/// How the costs of the common types are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum PlainCosts {
    /// Amortised as unblended.
    Unblended,
    /// Amortised in columns of its own: gross and net.
    Effective(C, C),
    /// Amortised to nothing.
    Nothing,
}

/// `None`: a type whose costs need more than that.
pub(crate) fn plain(line_type: LineType) -> Option<PlainCosts> {
    match line_type {
        LineType::SavingsPlanCoveredUsage => {
            Some(PlainCosts::Effective(C::SavingsPlanEffective, C::SavingsPlanNetEffective))
        }
        LineType::DiscountedUsage => Some(PlainCosts::Effective(C::ReservationEffective, C::ReservationNetEffective)),
        LineType::SavingsPlanNegation => Some(PlainCosts::Nothing),
        LineType::Usage | LineType::FlatRateSubscription | LineType::Tax | LineType::Credit | LineType::Discount => {
            Some(PlainCosts::Unblended)
        }
        LineType::SavingsPlanRecurringFee
        | LineType::SavingsPlanUpfrontFee
        | LineType::ReservationFee
        | LineType::Fee
        | LineType::Refund
        | LineType::Other => None,
    }
}

/// What [`costs`] reads, in units of 1e-10. `None`: they are not whole in those, or not all there.
#[inline]
pub(crate) fn plain_costs(row: &impl Row, plain: PlainCosts) -> Option<[i64; 3]> {
    let unblended = row.ten_places(C::UnblendedCost)?.unwrap_or_default();
    let (amortized, net_amortized) = match plain {
        PlainCosts::Unblended => (unblended, row.ten_places(C::NetUnblendedCost)?.unwrap_or(unblended)),
        PlainCosts::Effective(gross, _) if !row.has(gross) => return None,
        PlainCosts::Effective(gross, net) => {
            let gross = row.ten_places(gross)?.unwrap_or_default();
            (gross, row.ten_places(net)?.unwrap_or(gross))
        }
        PlainCosts::Nothing => (0, 0),
    };
    Some([unblended, amortized, net_amortized])
}

/// Reads only the columns that the line's type needs.
pub(crate) fn costs(row: &impl Row, line_type: LineType, names: &mut Names) -> Result<Costs, ReportError> {
    let mut read = Reader { row, rounded: 0 };
    let unblended = read.gross(C::UnblendedCost)?;
    let needed: &[C] = match line_type {
        LineType::SavingsPlanCoveredUsage => &[C::SavingsPlanEffective],
        LineType::SavingsPlanRecurringFee => &[C::SavingsPlanTotal, C::SavingsPlanUsed],
        LineType::DiscountedUsage => &[C::ReservationEffective],
        LineType::ReservationFee => &[C::ReservationUnusedUpfront, C::ReservationUnusedRecurring],
        _ => &[],
    };
    let without_commitment_columns = needed.iter().any(|column| !row.has(*column));
    let (amortized, net_amortized) = match line_type {
        _ if without_commitment_columns => (unblended, read.net(C::NetUnblendedCost, unblended)?),
        LineType::SavingsPlanCoveredUsage => read.pair(C::SavingsPlanEffective, C::SavingsPlanNetEffective)?,
        LineType::SavingsPlanRecurringFee => read.unused_commitment()?,
        LineType::SavingsPlanNegation | LineType::SavingsPlanUpfrontFee => (Amount::ZERO, Amount::ZERO),
        LineType::DiscountedUsage => read.pair(C::ReservationEffective, C::ReservationNetEffective)?,
        LineType::ReservationFee => {
            let upfront = read.pair(C::ReservationUnusedUpfront, C::ReservationNetUnusedUpfront)?;
            let recurring = read.pair(C::ReservationUnusedRecurring, C::ReservationNetUnusedRecurring)?;
            (read.plus(upfront.0, recurring.0)?, read.plus(upfront.1, recurring.1)?)
        }
        LineType::Fee if row.name(C::ReservationArn, names)? != Names::BLANK => (Amount::ZERO, Amount::ZERO),
        LineType::Refund if is_savings_plan_refund(row, names)? => (Amount::ZERO, Amount::ZERO),
        _ => (unblended, read.net(C::NetUnblendedCost, unblended)?),
    };
    let amounts = Amounts { unblended, amortized, net_amortized };
    Ok(Costs { amounts, rounded: read.rounded, without_commitment_columns })
}

fn is_savings_plan_refund(row: &impl Row, names: &mut Names) -> Result<bool, ReportError> {
    if row.name(C::ProductCode, names)? != Names::COMPUTE_SAVINGS_PLANS {
        return Ok(false);
    }
    let description = row.name(C::Description, names)?;
    Ok(names.text(description).starts_with(SAVINGS_PLAN_REFUND))
}

struct Reader<'r, R> {
    row: &'r R,
    rounded: u64,
}

impl<R: Row> Reader<'_, R> {
    fn amount(&mut self, column: C) -> Result<Option<Amount>, ReportError> {
        let Some(reading) = self.row.amount(column)? else { return Ok(None) };
        self.rounded += u64::from(reading.rounded);
        Ok(Some(reading.amount))
    }

    fn gross(&mut self, column: C) -> Result<Amount, ReportError> {
        Ok(self.amount(column)?.unwrap_or_default())
    }

    fn net(&mut self, column: C, gross: Amount) -> Result<Amount, ReportError> {
        Ok(self.amount(column)?.unwrap_or(gross))
    }

    fn pair(&mut self, gross: C, net: C) -> Result<(Amount, Amount), ReportError> {
        let gross = self.gross(gross)?;
        Ok((gross, self.net(net, gross)?))
    }

    /// Unused is the commitment that was paid for and not used; its net is the same share of what was paid after discounts.
    fn unused_commitment(&mut self) -> Result<(Amount, Amount), ReportError> {
        let (total, used) = (self.gross(C::SavingsPlanTotal)?, self.gross(C::SavingsPlanUsed)?);
        let unused = total.minus(used).map_err(|source| self.sum_error(source))?;
        let (net_upfront, net_recurring) =
            (self.amount(C::SavingsPlanNetUpfront)?, self.amount(C::SavingsPlanNetRecurring)?);
        if net_upfront.is_none() && net_recurring.is_none() {
            return Ok((unused, unused));
        }
        let upfront = net_upfront.map_or_else(|| self.gross(C::SavingsPlanUpfront), Ok)?;
        let recurring = net_recurring.map_or_else(|| self.gross(C::SavingsPlanRecurring), Ok)?;
        let net_total = self.plus(upfront, recurring)?;
        let net = scale(net_total, unused, total);
        Ok((unused, net.ok_or_else(|| self.sum_error(cost_model::AmountError::Overflow))?))
    }

    fn plus(&self, one: Amount, other: Amount) -> Result<Amount, ReportError> {
        one.plus(other).map_err(|source| self.sum_error(source))
    }

    fn sum_error(&self, source: cost_model::AmountError) -> ReportError {
        ReportError::Sum { row: self.row.number(), source }
    }
}
