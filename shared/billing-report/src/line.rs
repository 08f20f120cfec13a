//! A row of the kind that nearly all are -> a line of the few numbers that sums are made of. Any other is a [`LineItem`].

use cost_model::{Amount, Amounts};

use crate::columns::Column;
use crate::error::ReportError;
use crate::kinds::Kind;
use crate::line_item::{LineItem, LineTags, LineType, Metered};
use crate::names::{Name, Names};
use crate::row::Row;
use crate::semantics;
use crate::tag_keys::TagRole;

/// A line that lasts longer says nothing about how far usage is known, and is spread over its days.
pub(crate) const MAX_METERED_S: i64 = 25 * 3600;

/// Usage of a day, or what is billed as such, whose amounts are whole 1e-10: a [`LineItem`] of half the size.
#[derive(Debug, Clone, Copy)]
pub struct Line {
    /// The number of its [`Kind`] in [`Names`].
    pub(crate) kind: u32,
    pub(crate) account: Name,
    pub(crate) resource: Name,
    pub(crate) tags: LineTags,
    pub(crate) usage_start_s: i64,
    /// Exclusive.
    pub(crate) usage_end_s: Option<i64>,
    /// In units of 1e-10: unblended, amortised, net amortised.
    pub(crate) units: [i64; 3],
    /// What was metered, in units of 1e-10.
    pub(crate) metered: i64,
}

impl Line {
    /// `None`: the row needs to be looked at in full.
    ///
    /// # Errors
    /// Fails on a value that is not what its column means.
    #[inline]
    pub(crate) fn of(row: &impl Row, kind: &Kind, names: &mut Names) -> Result<Option<Self>, ReportError> {
        let (Some(costs), Some(number)) = (kind.plain, kind.number) else { return Ok(None) };
        let Some(units) = semantics::plain_costs(row, costs) else { return Ok(None) };
        let metered = match kind.metered {
            None => 0,
            Some(_) => match row.ten_places(Column::UsageAmount) {
                None => return Ok(None),
                Some(amount) => amount.unwrap_or_default(),
            },
        };
        let Some(usage_start_s) = row.seconds(Column::UsageStart)? else { return Ok(None) };
        let usage_end_s = row.seconds(Column::UsageEnd)?;
        if usage_end_s.is_some_and(|end| end.saturating_sub(usage_start_s) > MAX_METERED_S) {
            return Ok(None);
        }
        let resource = row.name(Column::ResourceId, names)?;
        if names.is_commitment(resource) {
            return Ok(None);
        }
        let account = row.name(Column::UsageAccountId, names)?;
        let tags = LineTags {
            environment: row.tag(TagRole::Environment, names)?,
            component: row.tag(TagRole::Component, names)?,
            owner: row.tag(TagRole::Owner, names)?,
            system: row.tag(TagRole::System, names)?,
        };
        Ok(Some(Self { kind: number, account, resource, tags, usage_start_s, usage_end_s, units, metered }))
    }

    pub fn line_type(&self, names: &Names) -> LineType {
        names.kind(self.kind).line_type
    }

    /// Unblended, amortised and net amortised, in units of 1e-10.
    pub fn ten_places(&self) -> [i64; 3] {
        self.units
    }

    /// The same line in full.
    pub fn item(&self, names: &Names) -> LineItem {
        let kind = names.kind(self.kind);
        let amount = Amount::of_ten_places(self.metered);
        LineItem {
            line_type: kind.line_type,
            usage_start_s: self.usage_start_s,
            usage_end_s: self.usage_end_s,
            account: self.account,
            region: kind.region,
            service: kind.service,
            product_code: kind.product_code,
            operation: kind.operation,
            usage_type: kind.usage_type,
            metered: kind.metered.map(|(unit, rate)| Metered { amount, unit, rate }),
            resource: self.resource,
            tags: self.tags,
            currency: kind.currency,
            amounts: Amounts::of_ten_places(self.units),
            without_resource: kind.without_resource,
            is_final: kind.is_final,
        }
    }
}
