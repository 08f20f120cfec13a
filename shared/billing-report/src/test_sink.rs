//! For tests: the readers, with line items whose texts are texts.

use std::sync::Mutex;

use bytes::Bytes;
use cost_model::{Amount, AmountError, Amounts, Currency, Unallocated};
use jiff::civil::Date;

use crate::{LineItem, LineType, Metered, Names, ReadCounts, ReportError, Sink, SplitItem, TagKeys};

/// A line item with its texts; `None` for what is blank.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Shown {
    pub(crate) line_type: LineType,
    pub(crate) day: Date,
    pub(crate) region: String,
    pub(crate) service: String,
    pub(crate) resource_id: Option<String>,
    pub(crate) environment: Option<String>,
    pub(crate) tags: [Option<String>; 3],
    /// How much, of what, and the price.
    pub(crate) metered: Option<(Amount, Option<String>, Option<Amount>)>,
    pub(crate) currency: Currency,
    pub(crate) amounts: Amounts,
    pub(crate) without_resource: Unallocated,
    pub(crate) is_final: bool,
}

pub(crate) type Visit<'v> = &'v mut (dyn FnMut(&Shown) -> Result<(), AmountError> + Send);

struct Visitor<'v> {
    names: Names,
    visit: Visit<'v>,
}

impl Sink for Visitor<'_> {
    fn names(&mut self) -> &mut Names {
        &mut self.names
    }

    fn add(&mut self, item: &LineItem) -> Result<(), AmountError> {
        let said = |name| Some(self.names.text(name).to_owned()).filter(|text| !text.is_empty());
        let shown = Shown {
            line_type: item.line_type,
            day: item.day(),
            region: said(item.region).unwrap_or_default(),
            service: said(item.service).unwrap_or_default(),
            resource_id: said(item.resource),
            environment: said(item.tags.environment),
            tags: [item.tags.component, item.tags.owner, item.tags.system].map(said),
            metered: item.metered.map(|Metered { amount, unit, rate }| (amount, said(unit), rate)),
            currency: item.currency,
            amounts: item.amounts,
            without_resource: item.without_resource,
            is_final: item.is_final,
        };
        (self.visit)(&shown)
    }

    fn add_split(&mut self, _: &SplitItem) -> Result<(), AmountError> {
        Ok(())
    }

    fn is_full(&self) -> bool {
        false
    }
}

#[expect(clippy::needless_pass_by_value, reason = "tests make a file to give it away")]
pub(crate) fn read_parquet(
    file: Bytes,
    mut visit: impl FnMut(&Shown) -> Result<(), AmountError> + Send,
) -> Result<ReadCounts, ReportError> {
    let sink = Mutex::new(Visitor { names: Names::new(), visit: &mut visit });
    crate::read_parquet(&file, &TagKeys::default(), &sink)
}

pub(crate) fn read_csv(
    file: &[u8],
    mut visit: impl FnMut(&Shown) -> Result<(), AmountError> + Send,
) -> Result<ReadCounts, ReportError> {
    let sink = Mutex::new(Visitor { names: Names::new(), visit: &mut visit });
    crate::read_csv(&Bytes::copy_from_slice(file), &TagKeys::default(), &sink)
}
