//! The columns that are read, what each is called, and what it means when a report has none of that name.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::line_item::LineType;

/// A column that is read. The other hundred or so are never decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Column {
    LineItemType,
    UsageAccountId,
    UsageStart,
    UsageEnd,
    ProductCode,
    Operation,
    ResourceId,
    Currency,
    Description,
    UnblendedCost,
    NetUnblendedCost,
    BillingEntity,
    InvoiceId,
    ServiceCode,
    ProductName,
    RegionCode,
    Region,
    AvailabilityZone,
    SavingsPlanEffective,
    SavingsPlanNetEffective,
    SavingsPlanTotal,
    SavingsPlanUsed,
    SavingsPlanUpfront,
    SavingsPlanNetUpfront,
    SavingsPlanRecurring,
    SavingsPlanNetRecurring,
    ReservationArn,
    ReservationEffective,
    ReservationNetEffective,
    ReservationUnusedUpfront,
    ReservationNetUnusedUpfront,
    ReservationUnusedRecurring,
    ReservationNetUnusedRecurring,
    SplitParent,
    SplitCost,
    SplitUnused,
    UsageType,
    UsageAmount,
    PricingUnit,
    UnblendedRate,
    OnDemandRate,
    /// Of a result of [`crate::roll_up_statement`]: how often the row's amounts count.
    Copies,
    /// And how many lines of the report it stands for.
    Lines,
    /// Map: `user_environment`.
    ResourceTags,
    /// Map: `resourceTags/environment`.
    Tags,
    /// Map of cost categories.
    CostCategory,
    /// Map: `product_name`, `region`. Only read for the rows that need it.
    Product,
}

/// What a report without the column means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Requirement {
    /// There is no cost, no day, or no account without it: the report is refused.
    Required,
    /// Read as blank. A missing net column is not zero: the gross one stands for it.
    Optional,
    /// Lines of the types that need it count in all metrics as unblended, and are counted.
    ForCommitments,
}

use Column as C;
use Requirement::{ForCommitments, Optional, Required};

/// In the order of [`Column`].
pub static COLUMNS: &[(Column, &str, Requirement)] = &[
    (C::LineItemType, "line_item_line_item_type", Required),
    (C::UsageAccountId, "line_item_usage_account_id", Required),
    (C::UsageStart, "line_item_usage_start_date", Required),
    (C::UsageEnd, "line_item_usage_end_date", Optional),
    (C::ProductCode, "line_item_product_code", Required),
    (C::Operation, "line_item_operation", Optional),
    (C::ResourceId, "line_item_resource_id", Optional),
    (C::Currency, "line_item_currency_code", Required),
    (C::Description, "line_item_line_item_description", Optional),
    (C::UnblendedCost, "line_item_unblended_cost", Required),
    (C::NetUnblendedCost, "line_item_net_unblended_cost", Optional),
    (C::BillingEntity, "bill_billing_entity", Optional),
    (C::InvoiceId, "bill_invoice_id", Optional),
    (C::ServiceCode, "product_servicecode", Optional),
    (C::ProductName, "product_product_name", Optional),
    (C::RegionCode, "product_region_code", Optional),
    (C::Region, "product_region", Optional),
    (C::AvailabilityZone, "line_item_availability_zone", Optional),
    (C::SavingsPlanEffective, "savings_plan_savings_plan_effective_cost", ForCommitments),
    (C::SavingsPlanNetEffective, "savings_plan_net_savings_plan_effective_cost", Optional),
    (C::SavingsPlanTotal, "savings_plan_total_commitment_to_date", ForCommitments),
    (C::SavingsPlanUsed, "savings_plan_used_commitment", ForCommitments),
    (C::SavingsPlanUpfront, "savings_plan_amortized_upfront_commitment_for_billing_period", Optional),
    (C::SavingsPlanNetUpfront, "savings_plan_net_amortized_upfront_commitment_for_billing_period", Optional),
    (C::SavingsPlanRecurring, "savings_plan_recurring_commitment_for_billing_period", Optional),
    (C::SavingsPlanNetRecurring, "savings_plan_net_recurring_commitment_for_billing_period", Optional),
    (C::ReservationArn, "reservation_reservation_a_r_n", Optional),
    (C::ReservationEffective, "reservation_effective_cost", ForCommitments),
    (C::ReservationNetEffective, "reservation_net_effective_cost", Optional),
    (C::ReservationUnusedUpfront, "reservation_unused_amortized_upfront_fee_for_billing_period", ForCommitments),
    (C::ReservationNetUnusedUpfront, "reservation_net_unused_amortized_upfront_fee_for_billing_period", Optional),
    (C::ReservationUnusedRecurring, "reservation_unused_recurring_fee", ForCommitments),
    (C::ReservationNetUnusedRecurring, "reservation_net_unused_recurring_fee", Optional),
    (C::SplitParent, "split_line_item_parent_resource_id", Optional),
    (C::SplitCost, "split_line_item_split_cost", Optional),
    (C::SplitUnused, "split_line_item_unused_cost", Optional),
    (C::UsageType, "line_item_usage_type", Optional),
    (C::UsageAmount, "line_item_usage_amount", Optional),
    (C::PricingUnit, "pricing_unit", Optional),
    (C::UnblendedRate, "line_item_unblended_rate", Optional),
    (C::OnDemandRate, "pricing_public_on_demand_rate", Optional),
    (C::Copies, "callboard_copies", Optional),
    (C::Lines, "callboard_lines", Optional),
    (C::ResourceTags, "resource_tags", Optional),
    (C::Tags, "tags", Optional),
    (C::CostCategory, "cost_category", Optional),
    (C::Product, "product", Optional),
];

pub(crate) const COLUMN_COUNT: usize = C::Product as usize + 1;

impl Column {
    pub fn name(self) -> &'static str {
        COLUMNS[self as usize].1
    }

    /// The column of this name, in whatever style a report has it: [`squashed`].
    pub(crate) fn of_name(name: &str) -> Option<Self> {
        static SQUASHED: LazyLock<HashMap<String, Column>> =
            LazyLock::new(|| COLUMNS.iter().map(|(column, name, _)| (squashed(name), *column)).collect());
        SQUASHED.get(&squashed(name)).copied()
    }

    /// What its values are read as.
    pub(crate) fn meaning(self) -> Meaning {
        match self {
            C::UsageStart | C::UsageEnd => Meaning::Time,
            C::Product | C::ResourceTags | C::Tags | C::CostCategory => Meaning::Map,
            C::Copies
            | C::Lines
            | C::UsageAmount
            | C::SavingsPlanTotal
            | C::SavingsPlanUsed
            | C::SavingsPlanUpfront
            | C::SavingsPlanNetUpfront
            | C::SavingsPlanRecurring
            | C::SavingsPlanNetRecurring
            | C::ReservationUnusedUpfront
            | C::ReservationNetUnusedUpfront
            | C::ReservationUnusedRecurring
            | C::ReservationNetUnusedRecurring => Meaning::Amount,
            _ if self.name().ends_with("_cost") => Meaning::Amount,
            _ => Meaning::Text,
        }
    }

    /// The lines that the column is read for, where it is not all of them.
    pub(crate) fn only_for(self) -> Option<Only> {
        match self {
            C::Description => Some(Only::Refunds),
            C::ReservationArn => Some(Only::Fees),
            C::SavingsPlanEffective | C::SavingsPlanNetEffective => Some(Only::Covered),
            C::SavingsPlanTotal
            | C::SavingsPlanUsed
            | C::SavingsPlanUpfront
            | C::SavingsPlanNetUpfront
            | C::SavingsPlanRecurring
            | C::SavingsPlanNetRecurring => Some(Only::SavingsPlanFees),
            C::ReservationEffective | C::ReservationNetEffective => Some(Only::Reserved),
            C::ReservationUnusedUpfront
            | C::ReservationNetUnusedUpfront
            | C::ReservationUnusedRecurring
            | C::ReservationNetUnusedRecurring => Some(Only::ReservationFees),
            C::SplitParent | C::SplitCost | C::SplitUnused => Some(Only::Splits),
            _ => None,
        }
    }
}

/// Lines that columns are read for which no other lines need.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Only {
    Refunds = 1,
    Fees = 2,
    Covered = 4,
    SavingsPlanFees = 8,
    Reserved = 16,
    ReservationFees = 32,
    Splits = 64,
}

impl Only {
    pub(crate) const ALL: u8 = 127;

    pub(crate) fn of(line_type: LineType, is_split: bool) -> u8 {
        let of_type = match line_type {
            LineType::Refund => Self::Refunds as u8,
            LineType::Fee => Self::Fees as u8,
            LineType::SavingsPlanCoveredUsage => Self::Covered as u8,
            LineType::SavingsPlanRecurringFee => Self::SavingsPlanFees as u8,
            LineType::DiscountedUsage => Self::Reserved as u8,
            LineType::ReservationFee => Self::ReservationFees as u8,
            _ => 0,
        };
        if is_split { of_type | Self::Splits as u8 } else { of_type }
    }
}

/// What a column is read for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    Text,
    Amount,
    Time,
    Map,
}

/// The first required column that `has` denies.
pub(crate) fn missing_required(has: impl Fn(Column) -> bool) -> Option<Column> {
    COLUMNS
        .iter()
        .find(|(column, _, requirement)| *requirement == Required && !has(*column))
        .map(|(column, _, _)| *column)
}

/// `lineItem/UnblendedCost`, `lineItem_UnblendedCost`, `line_item_unblended_cost` -> `lineitemunblendedcost`: no two
/// columns differ in nothing but case, slashes and underscores.
fn squashed(name: &str) -> String {
    name.trim().chars().filter(|c| !matches!(c, '/' | '_')).map(|c| c.to_ascii_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_columns() {
        for (at, (column, name, _)) in COLUMNS.iter().enumerate() {
            assert_eq!((*column as usize, column.name()), (at, *name));
        }
    }

    #[test]
    fn a_legacy_name_is_that_of_cur_2() {
        for (column, _, _) in COLUMNS {
            assert_eq!(Column::of_name(column.name()), Some(*column));
        }
        for (name, column) in [
            ("lineItem/UnblendedCost", C::UnblendedCost),
            ("lineItem/LineItemType", C::LineItemType),
            ("product/ProductName", C::ProductName),
            ("product/servicecode", C::ServiceCode),
            ("product/regionCode", C::RegionCode),
            ("reservation/ReservationARN", C::ReservationArn),
            ("savingsPlan/SavingsPlanEffectiveCost", C::SavingsPlanEffective),
            ("reservation/UnusedAmortizedUpfrontFeeForBillingPeriod", C::ReservationUnusedUpfront),
            ("lineItem_UnblendedCost", C::UnblendedCost),
            ("line_item_Unblended_Cost", C::UnblendedCost),
            ("lineitem_unblendedcost", C::UnblendedCost),
            ("savingsPlan/SavingsPlanEffectiveCost", C::SavingsPlanEffective),
        ] {
            assert_eq!(Column::of_name(name), Some(column), "{name}");
        }
        assert_eq!(Column::of_name("lineItem/BlendedCost"), None);
    }
}
