//! What the texts of a line decide together, worked out once for each combination of them: a million lines have some four
//! hundred.

use std::hash::BuildHasher;

use cost_model::{Amount, Currency, Unallocated};
use hashbrown::{DefaultHashBuilder, HashTable};

use crate::batch_kinds::BatchKinds;
use crate::columns::{Column, Only};
use crate::error::ReportError;
use crate::line_item::{LineType, value_error};
use crate::names::{Name, Names};
use crate::parquet_batch::{Batch, BatchRow};
use crate::row::Row;
use crate::semantics::{PlainCosts, plain};

/// What lines with the same texts have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Kind {
    /// Which columns are read that others do not need: bits of [`Only`].
    pub(crate) only: u8,
    /// How costs are read if there is nothing else about lines of this kind.
    pub(crate) plain: Option<PlainCosts>,
    /// In [`Names`], which number kinds of all files: if `plain`, and unless there are too many.
    pub(crate) number: Option<u32>,
    pub(crate) type_name: Name,
    pub(crate) line_type: LineType,
    pub(crate) region: Name,
    pub(crate) service: Name,
    pub(crate) product_code: Name,
    pub(crate) operation: Name,
    pub(crate) usage_type: Name,
    /// Unit and rate, for the usage types of which evidence is kept.
    pub(crate) metered: Option<(Name, Option<Amount>)>,
    pub(crate) currency: Currency,
    /// The line is about a commitment by its type.
    pub(crate) commitment: Option<Unallocated>,
    pub(crate) without_resource: Unallocated,
    pub(crate) is_final: bool,
}

/// The columns that decide, in the order of a key; of the invoice it is whether there is one. The account decides nothing,
/// and would make ten times as many kinds, which the nearest cache does not hold.
pub(crate) const DECIDING: [Column; 14] = [
    Column::LineItemType,
    Column::ProductCode,
    Column::BillingEntity,
    Column::RegionCode,
    Column::Region,
    Column::AvailabilityZone,
    Column::ServiceCode,
    Column::ProductName,
    Column::Operation,
    Column::UsageType,
    Column::PricingUnit,
    Column::UnblendedRate,
    Column::OnDemandRate,
    Column::Currency,
];

/// Places in a key.
pub(crate) const REGION: usize = 3;
pub(crate) const LEGACY_REGION: usize = 4;
pub(crate) const ZONE: usize = 5;

pub(crate) type Key = [Name; DECIDING.len() + 1];

/// Most kinds that are remembered, at some 250 bytes each.
const MAX_KINDS: usize = 64 * 1024;

/// The kinds of one file that were met.
#[derive(Debug, Default)]
pub(crate) struct Kinds {
    kinds: Vec<Kind>,
    /// Of each kind, by what stands in one place of its key: a batch asks for one place after the other.
    keys: [Vec<Name>; DECIDING.len() + 1],
    /// By hash, so that a key is only looked at when it is the one.
    numbers: HashTable<(u64, u32)>,
    hasher: DefaultHashBuilder,
    /// The kind of a row whose map `product` decided, too.
    not_kept: Option<Kind>,
    batch: BatchKinds,
}

/// Where the kind of a row is.
enum Found {
    Kept(usize),
    NotKept,
    NeedsProduct,
}

impl Kinds {
    /// Finds what is known of all rows of a batch.
    pub(crate) fn look_up(&mut self, batch: &Batch) {
        self.batch.look_up(&self.keys, batch);
    }

    /// Which columns the rows of the batch need that was looked up: bits of [`Only`].
    pub(crate) fn only(&self) -> u8 {
        let of = |number: &u32| self.kinds.get(*number as usize).map_or(Only::ALL, |kind| kind.only);
        self.batch.found().iter().fold(0, |only, number| only | of(number))
    }

    /// The kind of a row of the batch that was looked up: what [`Self::of`] says.
    #[inline]
    pub(crate) fn of_batch(&mut self, row: &BatchRow<'_>, names: &mut Names) -> Result<Option<&Kind>, ReportError> {
        let found = match self.batch.known(row.at) {
            Some(number) => Found::Kept(number),
            None => {
                let found = self.find(row, names)?;
                if let Found::Kept(number) = found {
                    self.batch.remember(row.at, u32::try_from(number).unwrap_or(u32::MAX));
                }
                found
            }
        };
        Ok(self.get(&found))
    }

    /// `None` for a row that needs its map `product`.
    ///
    /// # Errors
    /// Fails on a currency that is none, and on text that is no text.
    pub(crate) fn of(&mut self, row: &impl Row, names: &mut Names) -> Result<Option<&Kind>, ReportError> {
        let found = self.find(row, names)?;
        Ok(self.get(&found))
    }

    fn get(&self, found: &Found) -> Option<&Kind> {
        match found {
            Found::Kept(number) => self.kinds.get(*number),
            Found::NotKept => self.not_kept.as_ref(),
            Found::NeedsProduct => None,
        }
    }

    fn find(&mut self, row: &impl Row, names: &mut Names) -> Result<Found, ReportError> {
        let mut key: Key = [Names::BLANK; _];
        for (name, column) in key.iter_mut().zip(DECIDING) {
            *name = row.name(column, names)?;
        }
        key[DECIDING.len()] = Name::from(!row.is_blank(Column::InvoiceId)?);
        // The zone is only asked where no column says the region.
        if key[REGION] != Names::BLANK || key[LEGACY_REGION] != Names::BLANK {
            key[ZONE] = Names::BLANK;
        }
        let hash = self.hasher.hash_one(key);
        let Self { keys, kinds, numbers, not_kept, batch, .. } = self;
        let is_of = |number: usize| keys.iter().zip(key).all(|(names, name)| names[number] == name);
        let known = numbers.find(hash, |(of, number)| *of == hash && is_of(*number as usize));
        if let Some((_, number)) = known {
            return Ok(Found::Kept(*number as usize));
        }
        let mut product = Product { row, is_asked: false };
        let Some(mut kind) = kind_of(&key, &mut product, names)? else { return Ok(Found::NeedsProduct) };
        kind.number = kind.plain.and_then(|_| names.kind_number(&kind));
        // What the map says is not in the key.
        if product.is_asked && row.has(Column::Product) {
            *not_kept = Some(kind);
            return Ok(Found::NotKept);
        }
        if kinds.len() >= MAX_KINDS {
            keys.iter_mut().for_each(Vec::clear);
            kinds.clear();
            numbers.clear();
            batch.forget();
        }
        let number = kinds.len();
        keys.iter_mut().zip(key).for_each(|(names, name)| names.push(name));
        kinds.push(kind);
        numbers.insert_unique(hash, (hash, u32::try_from(number).unwrap_or(u32::MAX)), |(hash, _)| *hash);
        Ok(Found::Kept(number))
    }
}

/// The map `product` of a row, and whether it was looked at.
struct Product<'r, R> {
    row: &'r R,
    is_asked: bool,
}

impl<R: Row> Product<'_, R> {
    fn value(&mut self, key: &str, names: &mut Names) -> Result<Option<Name>, ReportError> {
        self.is_asked = true;
        self.row.product(key, names)
    }
}

fn kind_of<R: Row>(key: &Key, product: &mut Product<'_, R>, names: &mut Names) -> Result<Option<Kind>, ReportError> {
    let [type_name, product_code, entity, code, legacy, zone, service_code, product_name, rest @ ..] = *key;
    let [operation, usage_type, unit, unblended_rate, on_demand_rate, currency, on_invoice] = rest;
    let line_type = LineType::of(type_name);
    let is_marketplace = entity == Names::MARKETPLACE;
    let Some(region) = region([code, legacy], zone, product, names)? else { return Ok(None) };
    let service = if is_marketplace { marketplace_service(product_name, product, names)? } else { Some(Names::BLANK) };
    let Some(service) = service else { return Ok(None) };
    let said = [service, service_code].into_iter().find(|name| *name != Names::BLANK);
    let currency = match names.text(currency) {
        "" => Currency::NONE,
        code => code
            .parse()
            .map_err(|_| value_error(product.row, Column::Currency, code, "currency code of three letters"))?,
    };
    let is_evidence = line_type.is_usage() && names.marks(usage_type).is_evidence;
    let is_split = matches!(operation, Names::ECS_TASK | Names::EKS_POD);
    Ok(Some(Kind {
        plain: plain(line_type).filter(|_| !is_split && !product.row.has(Column::Copies)),
        number: None,
        only: Only::of(line_type, is_split),
        type_name,
        line_type,
        region,
        service: said.unwrap_or(product_code),
        product_code,
        operation,
        usage_type,
        metered: is_evidence.then(|| (unit, rate([unblended_rate, on_demand_rate], names))),
        currency,
        commitment: match line_type {
            LineType::SavingsPlanRecurringFee | LineType::SavingsPlanUpfrontFee => Some(Unallocated::SavingsPlanFee),
            LineType::ReservationFee => Some(Unallocated::ReservationFee),
            _ => None,
        },
        without_resource: without_resource(line_type, names.text(product_code), is_marketplace),
        is_final: on_invoice != 0,
    }))
}

/// The first that says something. Evidence is not part of the bill: a rate that is none is passed over.
fn rate(texts: [Name; 2], names: &Names) -> Option<Amount> {
    let rates = texts.into_iter().filter_map(|text| Amount::read(names.text(text)).ok());
    rates.map(|read| read.amount).find(|rate| !rate.is_zero())
}

/// The region's code from whatever the report has: its own column, the legacy one, the product map, the zone.
fn region<R: Row>(
    columns: [Name; 2],
    zone: Name,
    product: &mut Product<'_, R>,
    names: &mut Names,
) -> Result<Option<Name>, ReportError> {
    if let Some(region) = columns.into_iter().find(|name| *name != Names::BLANK) {
        return Ok(Some(region));
    }
    let Some(region) = product.value("region", names)? else { return Ok(None) };
    if region != Names::BLANK {
        return Ok(Some(region));
    }
    let region = region_of_zone(names.text(zone)).to_owned();
    Ok(Some(if region.is_empty() { Names::GLOBAL } else { names.number(&region) }))
}

/// Blank where nothing says it.
fn marketplace_service<R: Row>(
    product_name: Name,
    product: &mut Product<'_, R>,
    names: &mut Names,
) -> Result<Option<Name>, ReportError> {
    if product_name == Names::BLANK { product.value("product_name", names) } else { Ok(Some(product_name)) }
}

/// `us-gov-west-1b` -> `us-gov-west-1`, `us-east-1-bos-1a` -> `us-east-1`.
fn region_of_zone(zone: &str) -> &str {
    let Some(digit) = zone.find(|c: char| c.is_ascii_digit()) else { return zone };
    let rest = &zone[digit..];
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    &zone[..digit + digits]
}

fn without_resource(line_type: LineType, product_code: &str, is_marketplace: bool) -> Unallocated {
    match line_type {
        LineType::Tax => Unallocated::Tax,
        LineType::Refund => Unallocated::Refund,
        LineType::Credit => Unallocated::Credit,
        LineType::Discount => Unallocated::Discount,
        // AWSSupportBusiness, AWSSupportEnterprise, AWSDeveloperSupport ...
        _ if product_code.contains("Support") => Unallocated::Support,
        _ if is_marketplace => Unallocated::Marketplace,
        LineType::Fee => Unallocated::Fee,
        _ => Unallocated::NoResourceId,
    }
}
