//! A row -> a line item: what was used, where, by whom, and what it costs in each metric.
//! Specification: <https://docs.aws.amazon.com/cur/latest/userguide/Lineitem-columns.html>

use std::borrow::Cow;
use std::collections::BTreeMap;

use cost_model::{Amounts, Currency, Unallocated};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::columns::Column;
use crate::error::ReportError;
use crate::row::{Row, excerpt};
use crate::semantics;

/// Rows of these operations repeat a part of an instance's cost for a task or pod: counting both would count twice.
const SPLIT_OPERATIONS: [&str; 2] = ["ECSTask-EC2", "EKSPod-EC2"];

const MARKETPLACE: &str = "AWS Marketplace";

/// One line of the bill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineItem<'a> {
    pub line_type: LineType<'a>,
    pub usage_start: Timestamp,
    /// Exclusive.
    pub usage_end: Option<Timestamp>,
    /// The account that used it.
    pub account: &'a str,
    /// `global` for what has no region.
    pub region: Cow<'a, str>,
    /// AWS's service code; for purchases in the Marketplace the product's name.
    pub service: Cow<'a, str>,
    /// Decides how a resource id is to be understood.
    pub product_code: &'a str,
    /// As the line spells it. None for a line about a commitment, which is nobody's resource.
    pub resource_id: Option<&'a str>,
    /// The resource's tag `environment`, else `env`.
    pub environment: Option<Cow<'a, str>>,
    pub currency: Currency,
    pub amounts: Amounts,
    /// Why the line is unallocated if no resource carries it.
    pub without_resource: Unallocated,
    /// The line is on an invoice: it does not change any more.
    pub is_final: bool,
}

/// What kind of charge a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LineType<'a> {
    Usage,
    DiscountedUsage,
    SavingsPlanCoveredUsage,
    SavingsPlanNegation,
    SavingsPlanRecurringFee,
    SavingsPlanUpfrontFee,
    ReservationFee,
    Fee,
    Tax,
    Credit,
    Refund,
    /// Any of AWS's discounts, by its own name.
    Discount(&'a str),
    /// Usage at a flat price.
    FlatRateSubscription,
    /// Not known here: counts in every metric as it stands.
    Other(&'a str),
}

/// What was read from one file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadCounts {
    /// Line items handed on: rows without those in `split`.
    pub lines: u64,
    /// Rows of split cost allocation, which are no part of the bill.
    pub split: u64,
    /// Amounts finer than 1e-20, rounded half-even.
    pub rounded: u64,
    /// Lines whose amortised cost is not in the report: they count as unblended.
    pub without_commitment_columns: u64,
    /// Lines of unknown type, by type.
    pub unknown_types: BTreeMap<String, u64>,
}

/// At most so many unknown types are told apart: a report with more is not worth the memory.
const MAX_UNKNOWN_TYPES: usize = 100;

impl<'a> LineType<'a> {
    pub fn of(text: &'a str) -> Self {
        match text {
            "Usage" => Self::Usage,
            "DiscountedUsage" => Self::DiscountedUsage,
            "SavingsPlanCoveredUsage" => Self::SavingsPlanCoveredUsage,
            "SavingsPlanNegation" => Self::SavingsPlanNegation,
            "SavingsPlanRecurringFee" => Self::SavingsPlanRecurringFee,
            "SavingsPlanUpfrontFee" => Self::SavingsPlanUpfrontFee,
            "RIFee" => Self::ReservationFee,
            "Fee" => Self::Fee,
            "Tax" => Self::Tax,
            "Credit" => Self::Credit,
            "Refund" => Self::Refund,
            "FlatRateSubscription" => Self::FlatRateSubscription,
            "BundledDiscount"
            | "Discount"
            | "EdpDiscount"
            | "PrivateRateDiscount"
            | "RiVolumeDiscount"
            | "SppDiscount" => Self::Discount(text),
            _ => Self::Other(text),
        }
    }
}

impl LineItem<'_> {
    /// The UTC day on which the usage began.
    pub fn day(&self) -> Date {
        self.usage_start.to_zoned(TimeZone::UTC).date()
    }
}

/// `None`: the row is no part of the bill, and only counted.
pub(crate) fn line_item<'r>(row: &'r impl Row, counts: &mut ReadCounts) -> Result<Option<LineItem<'r>>, ReportError> {
    let line_type = LineType::of(row.text(Column::LineItemType)?.trim());
    let costs = semantics::costs(row, line_type)?;
    // Such a row with a cost of its own would be lost from the bill: then it is a line like any other.
    if SPLIT_OPERATIONS.contains(&row.text(Column::Operation)?) && costs.amounts.unblended.is_zero() {
        counts.split += 1;
        return Ok(None);
    }
    let currency = row.text(Column::Currency)?;
    let currency = match currency.trim() {
        "" => Currency::NONE,
        code => code.parse().map_err(|_| value_error(row, Column::Currency, code, "currency code of three letters"))?,
    };
    let usage_start = row.time(Column::UsageStart)?;
    let usage_start = usage_start.ok_or_else(|| value_error(row, Column::UsageStart, "", "time"))?;
    let product_code = row.text(Column::ProductCode)?;
    let is_marketplace = row.text(Column::BillingEntity)? == MARKETPLACE;
    let environment = Some(row.environment_tag()?).filter(|tag| !tag.is_empty());
    let resource_id = Some(row.text(Column::ResourceId)?.trim()).filter(|id| !id.is_empty());
    let commitment = commitment(line_type, resource_id);
    counts.lines += 1;
    counts.rounded += costs.rounded;
    counts.without_commitment_columns += u64::from(costs.without_commitment_columns);
    if let LineType::Other(other) = line_type {
        let room = counts.unknown_types.len() < MAX_UNKNOWN_TYPES || counts.unknown_types.contains_key(other);
        *counts.unknown_types.entry(if room { excerpt(other) } else { "other".to_owned() }).or_default() += 1;
    }
    Ok(Some(LineItem {
        line_type,
        usage_start,
        usage_end: row.time(Column::UsageEnd)?,
        account: row.text(Column::UsageAccountId)?,
        region: region(row)?,
        service: service(row, is_marketplace)?,
        product_code,
        resource_id: resource_id.filter(|_| commitment.is_none()),
        environment,
        currency,
        amounts: costs.amounts,
        without_resource: commitment.unwrap_or_else(|| without_resource(line_type, product_code, is_marketplace)),
        is_final: !row.text(Column::InvoiceId)?.is_empty(),
    }))
}

fn value_error(row: &impl Row, column: Column, value: &str, expected: &'static str) -> ReportError {
    ReportError::Value { row: row.number(), column: column.name(), value: excerpt(value), expected }
}

/// The region's code from whatever the report has: its own column, the legacy one, the product map, the zone.
fn region(row: &impl Row) -> Result<Cow<'_, str>, ReportError> {
    for column in [Column::RegionCode, Column::Region] {
        let region = row.text(column)?;
        if !region.is_empty() {
            return Ok(Cow::Borrowed(region));
        }
    }
    let region = row.product("region")?;
    if !region.is_empty() {
        return Ok(region);
    }
    match region_of_zone(row.text(Column::AvailabilityZone)?) {
        "" => Ok(Cow::Borrowed("global")),
        region => Ok(Cow::Borrowed(region)),
    }
}

/// `us-gov-west-1b` -> `us-gov-west-1`, `us-east-1-bos-1a` -> `us-east-1`.
fn region_of_zone(zone: &str) -> &str {
    let Some(digit) = zone.find(|c: char| c.is_ascii_digit()) else { return zone };
    let rest = &zone[digit..];
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    &zone[..digit + digits]
}

fn service(row: &impl Row, is_marketplace: bool) -> Result<Cow<'_, str>, ReportError> {
    if is_marketplace {
        let name = match row.text(Column::ProductName)? {
            "" => row.product("product_name")?,
            name => Cow::Borrowed(name),
        };
        if !name.is_empty() {
            return Ok(name);
        }
    }
    match row.text(Column::ServiceCode)? {
        "" => row.text(Column::ProductCode).map(Cow::Borrowed),
        code => Ok(Cow::Borrowed(code)),
    }
}

/// What a line about a Savings Plan or a reservation counts as. Their ARNs stand where those of resources do.
fn commitment(line_type: LineType<'_>, resource_id: Option<&str>) -> Option<Unallocated> {
    match line_type {
        LineType::SavingsPlanRecurringFee | LineType::SavingsPlanUpfrontFee => {
            return Some(Unallocated::SavingsPlanFee);
        }
        LineType::ReservationFee => return Some(Unallocated::ReservationFee),
        _ => {}
    }
    let mut arn = resource_id?.splitn(6, ':');
    let (service, resource) = (arn.nth(2)?, arn.nth(2)?);
    let is_reservation = ["reserved-", "ri:", "reservation"].iter().any(|kind| resource.starts_with(kind));
    match service {
        "savingsplans" => Some(Unallocated::SavingsPlanFee),
        "ec2" | "rds" | "elasticache" | "es" | "redshift" | "memorydb" | "dynamodb" if is_reservation => {
            Some(Unallocated::ReservationFee)
        }
        _ => None,
    }
}

fn without_resource(line_type: LineType<'_>, product_code: &str, is_marketplace: bool) -> Unallocated {
    match line_type {
        LineType::Tax => Unallocated::Tax,
        LineType::Refund => Unallocated::Refund,
        LineType::Credit => Unallocated::Credit,
        LineType::Discount(_) => Unallocated::Discount,
        // AWSSupportBusiness, AWSSupportEnterprise, AWSDeveloperSupport ...
        _ if product_code.contains("Support") => Unallocated::Support,
        _ if is_marketplace => Unallocated::Marketplace,
        LineType::Fee => Unallocated::Fee,
        _ => Unallocated::NoResourceId,
    }
}
