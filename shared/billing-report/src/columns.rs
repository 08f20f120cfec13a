//! The columns that are read, what each is called, and what it means when a report has none of that name.

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
    /// Map: `product_name`, `region`.
    Product,
    /// Map: `user_environment`.
    ResourceTags,
    /// Map: `resourceTags/environment`.
    Tags,
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
    (C::Product, "product", Optional),
    (C::ResourceTags, "resource_tags", Optional),
    (C::Tags, "tags", Optional),
];

impl Column {
    pub fn name(self) -> &'static str {
        COLUMNS[self as usize].1
    }

    /// The column of this name in the form of CUR 2.0, or of a legacy CSV's head line: [`snake_case`].
    pub(crate) fn of_name(name: &str) -> Option<Self> {
        let name = snake_case(name);
        COLUMNS.iter().find(|(_, known, _)| *known == name).map(|(column, _, _)| *column)
    }
}

/// The first required column that `has` denies.
pub(crate) fn missing_required(has: impl Fn(Column) -> bool) -> Option<Column> {
    COLUMNS
        .iter()
        .find(|(column, _, requirement)| *requirement == Required && !has(*column))
        .map(|(column, _, _)| *column)
}

/// `lineItem/UnblendedCost` -> `line_item_unblended_cost`, `reservation/ReservationARN` ->
/// `reservation_reservation_a_r_n`: how Athena names the columns of a legacy report. A name in that form stays.
fn snake_case(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 8);
    for c in name.trim().chars() {
        if c == '/' {
            snake.push('_');
        } else if c.is_ascii_uppercase() {
            if !snake.is_empty() && !snake.ends_with('_') {
                snake.push('_');
            }
            snake.push(c.to_ascii_lowercase());
        } else {
            snake.push(c);
        }
    }
    snake
}

/// How good a column or map key is as the tag that names an environment: 0 `environment`, 1 `env`. `None`: it is neither.
///
/// One tag has many spellings: `user_environment`, `resourceTags/environment`, `resourceTags/user:Environment`, and in
/// a legacy report's Parquet `resource_tags_user_environment`.
pub(crate) fn environment_rank(key: &str) -> Option<u8> {
    let lower = key.to_ascii_lowercase();
    let mut tag = lower.as_str();
    for prefix in ["resource_tags_", "resourcetags/", "user:", "user_"] {
        tag = tag.strip_prefix(prefix).unwrap_or(tag);
    }
    match tag {
        "environment" => Some(0),
        "env" => Some(1),
        _ => None,
    }
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
        ] {
            assert_eq!(Column::of_name(name), Some(column), "{name}");
        }
        assert_eq!(Column::of_name("lineItem/BlendedCost"), None);
    }

    #[test]
    fn an_environment_tag_is_known_in_all_its_spellings() {
        for (key, rank) in [
            ("user_environment", Some(0)),
            ("resourceTags/user:Environment", Some(0)),
            ("resourceTags/environment", Some(0)),
            ("resource_tags_user_env", Some(1)),
            ("resourceTags/user:ENV", Some(1)),
            ("aws_environment", None),
            ("user_environment_id", None),
            ("accountTag/environment", None),
        ] {
            assert_eq!(environment_rank(key), rank, "{key}");
        }
    }
}
