//! A row -> a line item: what was used, where, by whom, and what it costs in each metric.
//! Specification: <https://docs.aws.amazon.com/cur/latest/userguide/Lineitem-columns.html>

use std::collections::BTreeMap;

use cost_model::{Amount, Amounts, Currency, Unallocated};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::columns::Column;
use crate::error::ReportError;
use crate::kinds::Kind;
use crate::names::{Name, Names};
use crate::rolled_up::Multiples;
use crate::row::{Row, excerpt};
use crate::semantics;
use crate::tag_keys::TagRole;

/// One line of the bill. Its texts are numbers of [`Names`]; zero is "none".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineItem {
    pub line_type: LineType,
    /// Seconds since 1970.
    pub usage_start_s: i64,
    /// Exclusive.
    pub usage_end_s: Option<i64>,
    /// The account that used it.
    pub account: Name,
    /// `global` for what has no region.
    pub region: Name,
    /// AWS's service code; for purchases in the Marketplace the product's name.
    pub service: Name,
    /// Decides how a resource id is to be understood.
    pub product_code: Name,
    pub operation: Name,
    pub usage_type: Name,
    /// What was metered, for the usage types of which evidence is kept.
    pub metered: Option<Metered>,
    /// As the line spells it. Zero for a line about a commitment, which is nobody's resource.
    pub resource: Name,
    pub tags: LineTags,
    pub currency: Currency,
    pub amounts: Amounts,
    /// Why the line is unallocated if no resource carries it.
    pub without_resource: Unallocated,
    /// The line is on an invoice: it does not change any more.
    pub is_final: bool,
}

/// How much was used, and at which price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metered {
    pub amount: Amount,
    pub unit: Name,
    /// Price of one unit, where the report says it.
    pub rate: Option<Amount>,
}

/// What the tags of a line's resource say, else its cost categories; zero where nothing does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LineTags {
    pub environment: Name,
    pub component: Name,
    pub owner: Name,
    pub system: Name,
}

/// A row of split cost allocation: the part of an instance's cost that a task or pod took on one day. It costs nothing
/// itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SplitItem {
    /// With the task or pod as resource, and amounts of zero.
    pub item: LineItem,
    /// The instance, as rows about it spell it.
    pub parent: Name,
    /// Amortised cost of what was used and of its share in what nobody used.
    pub share: Amount,
}

/// What a row turned out to be.
#[derive(Debug)]
pub(crate) enum Read {
    Line(LineItem),
    Split(SplitItem),
}

/// What kind of charge a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LineType {
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
    /// Usage at a flat price.
    FlatRateSubscription,
    /// Any of AWS's discounts.
    Discount,
    /// Not known here: counts in every metric as it stands.
    Other,
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
    /// Lines that are on no invoice yet.
    pub not_final: u64,
    /// Lines of unknown type, by type.
    pub unknown_types: BTreeMap<String, u64>,
}

/// At most so many unknown types are told apart: a report with more is not worth the memory.
const MAX_UNKNOWN_TYPES: usize = 100;

impl LineType {
    /// In the order of the names that [`Names`] knows.
    const OF_NAMES: [Self; 18] = [
        Self::Usage,
        Self::DiscountedUsage,
        Self::SavingsPlanCoveredUsage,
        Self::SavingsPlanNegation,
        Self::SavingsPlanRecurringFee,
        Self::SavingsPlanUpfrontFee,
        Self::ReservationFee,
        Self::Fee,
        Self::Tax,
        Self::Credit,
        Self::Refund,
        Self::FlatRateSubscription,
        Self::Discount,
        Self::Discount,
        Self::Discount,
        Self::Discount,
        Self::Discount,
        Self::Discount,
    ];

    pub(crate) fn of(name: Name) -> Self {
        let at = name.checked_sub(Names::FIRST_LINE_TYPE);
        at.and_then(|at| Self::OF_NAMES.get(at as usize)).copied().unwrap_or(Self::Other)
    }

    /// Usage that was metered, covered by a commitment or not. What a Savings Plan takes back is none.
    pub fn is_usage(self) -> bool {
        matches!(self, Self::Usage | Self::DiscountedUsage | Self::SavingsPlanCoveredUsage)
    }
}

impl LineItem {
    /// The UTC day on which the usage began.
    pub fn day(&self) -> Date {
        Timestamp::from_second(self.usage_start_s).unwrap_or_default().to_zoned(TimeZone::UTC).date()
    }
}

impl ReadCounts {
    pub fn add(&mut self, other: &Self) {
        self.lines += other.lines;
        self.split += other.split;
        self.rounded += other.rounded;
        self.without_commitment_columns += other.without_commitment_columns;
        self.not_final += other.not_final;
        for (line_type, lines) in &other.unknown_types {
            *self.unknown_types.entry(line_type.clone()).or_default() += lines;
        }
    }
}

pub(crate) fn read_row(
    row: &impl Row,
    kind: &Kind,
    names: &mut Names,
    counts: &mut ReadCounts,
) -> Result<Read, ReportError> {
    let multiples = Multiples::of(row)?;
    let costs = semantics::costs(row, kind.line_type, names)?;
    let amounts = multiples.amounts(row, costs.amounts)?;
    let usage_start = row.seconds(Column::UsageStart)?;
    let usage_start_s = usage_start.ok_or_else(|| value_error(row, Column::UsageStart, "", "time"))?;
    let resource = row.name(Column::ResourceId, names)?;
    let commitment = kind.commitment.or_else(|| names.marks(resource).commitment);
    let metered = match kind.metered {
        None => None,
        Some((unit, rate)) => {
            let amount = row.amount(Column::UsageAmount)?.map(|read| read.amount).unwrap_or_default();
            Some(Metered { amount: multiples.amount(row, amount)?, unit, rate })
        }
    };
    let item = LineItem {
        line_type: kind.line_type,
        usage_start_s,
        usage_end_s: row.seconds(Column::UsageEnd)?,
        account: row.name(Column::UsageAccountId, names)?,
        region: kind.region,
        service: kind.service,
        product_code: kind.product_code,
        operation: kind.operation,
        usage_type: kind.usage_type,
        metered,
        resource: if commitment.is_some() { Names::BLANK } else { resource },
        tags: LineTags {
            environment: row.tag(TagRole::Environment, names)?,
            component: row.tag(TagRole::Component, names)?,
            owner: row.tag(TagRole::Owner, names)?,
            system: row.tag(TagRole::System, names)?,
        },
        currency: kind.currency,
        amounts,
        without_resource: commitment.unwrap_or(kind.without_resource),
        is_final: kind.is_final,
    };
    // Such a row with a cost of its own would be lost from the bill: then it is a line like any other.
    if matches!(kind.operation, Names::ECS_TASK | Names::EKS_POD) && costs.amounts.is_zero() {
        counts.split += multiples.lines;
        return split_item(row, item, multiples, names).map(Read::Split);
    }
    counts.lines += multiples.lines;
    counts.rounded += costs.rounded * multiples.copies;
    counts.without_commitment_columns += u64::from(costs.without_commitment_columns) * multiples.lines;
    counts.not_final += u64::from(!item.is_final) * multiples.lines;
    if item.line_type == LineType::Other {
        let other = excerpt(names.text(kind.type_name));
        let room = counts.unknown_types.len() < MAX_UNKNOWN_TYPES || counts.unknown_types.contains_key(&other);
        *counts.unknown_types.entry(if room { other } else { "other".to_owned() }).or_default() += multiples.lines;
    }
    Ok(Read::Line(item))
}

fn split_item(
    row: &impl Row,
    item: LineItem,
    multiples: Multiples,
    names: &mut Names,
) -> Result<SplitItem, ReportError> {
    let amount = |column| Ok::<Amount, ReportError>(row.amount(column)?.map(|read| read.amount).unwrap_or_default());
    let share = amount(Column::SplitCost)?.plus(amount(Column::SplitUnused)?);
    let share = share.map_err(|source| ReportError::Sum { row: row.number(), source })?;
    let share = multiples.amount(row, share)?;
    Ok(SplitItem { item, parent: row.name(Column::SplitParent, names)?, share })
}

pub(crate) fn value_error(row: &impl Row, column: Column, value: &str, expected: &'static str) -> ReportError {
    ReportError::Value { row: row.number(), column: column.name(), value: excerpt(value), expected }
}
