//! The kinds of a batch's rows, found column by column: what is the same in all rows is not looked at row by row.

use crate::columns::Column;
use crate::kinds::{DECIDING, Key, LEGACY_REGION, REGION, ZONE};
use crate::names::{Name, Names};
use crate::parquet_batch::Batch;

/// Kinds that are remembered by a hash: more than most reports have.
const SHELF_BITS: u32 = 12;

/// No kind was found.
const UNKNOWN: u32 = u32::MAX;

/// An odd number whose bits look random: of the golden ratio.
const SCATTER: u64 = 0x9e37_79b9_7f4a_7c15;

/// Place in a key: whether there is an invoice.
const INVOICE: usize = DECIDING.len();

#[derive(Debug, Default)]
pub(crate) struct BatchKinds {
    /// What never varied so far, and which columns did. The kinds on the shelves have the same.
    constant: Option<Key>,
    varies: [bool; INVOICE + 1],
    /// By a hash of what varies: the kind that was met last.
    shelves: Vec<u32>,
    /// Of each row.
    hashes: Vec<u64>,
    found: Vec<u32>,
    differences: Vec<u32>,
    zones: Vec<Name>,
    invoices: Vec<Name>,
}

impl BatchKinds {
    /// The number of a row's kind, if it was met in an earlier batch.
    #[inline]
    pub(crate) fn known(&self, row: usize) -> Option<usize> {
        self.found.get(row).filter(|number| **number != UNKNOWN).map(|number| *number as usize)
    }

    /// Of all rows: the number, or one that no kind has.
    pub(crate) fn found(&self) -> &[u32] {
        &self.found
    }

    /// The kind of a row that was not known.
    pub(crate) fn remember(&mut self, row: usize, number: u32) {
        if let Some(hash) = self.hashes.get(row) {
            self.shelves[shelf_of(*hash)] = number;
        }
    }

    /// Numbers of kinds mean nothing any more.
    pub(crate) fn forget(&mut self) {
        self.shelves.fill(UNKNOWN);
        self.found.fill(UNKNOWN);
    }

    pub(crate) fn look_up(&mut self, keys: &[Vec<Name>; INVOICE + 1], batch: &Batch) {
        self.derive(batch);
        let columns: [&[Name]; INVOICE + 1] = std::array::from_fn(|at| match at {
            ZONE => &self.zones[..],
            INVOICE => &self.invoices,
            _ => &batch.names[DECIDING[at] as usize],
        });
        let first = columns.map(|names| names.first().copied().unwrap_or(Names::BLANK));
        let constant = *self.constant.get_or_insert(first);
        let mut is_new = self.shelves.is_empty();
        for ((names, constant), varies) in columns.iter().zip(constant).zip(&mut self.varies) {
            let is_same = *varies
                || names.iter().all(|name| *name == constant) && (!names.is_empty() || constant == Names::BLANK);
            is_new |= !is_same;
            *varies |= !is_same;
        }
        if is_new {
            self.shelves.clear();
            self.shelves.resize(1 << SHELF_BITS, UNKNOWN);
        }
        let Self { hashes, found, differences, .. } = self;
        let varying = || columns.iter().enumerate().zip(self.varies).filter(|(_, varies)| *varies).map(|(at, _)| at);
        hashes.clear();
        hashes.resize(batch.rows(), 0);
        for (_, names) in varying() {
            for (hash, name) in hashes.iter_mut().zip(*names) {
                *hash = (hash.rotate_left(23) ^ u64::from(*name)).wrapping_mul(SCATTER);
            }
        }
        found.clear();
        found.extend(hashes.iter().map(|hash| self.shelves[shelf_of(*hash)]));
        // A shelf may hold another kind of the same hash, or none.
        differences.clear();
        differences.extend(found.iter().map(|number| u32::from(*number == UNKNOWN)));
        for (at, names) in varying() {
            // A column that is missing in this batch is blank.
            let names = names.iter().copied().chain(std::iter::repeat(Names::BLANK));
            for ((difference, number), name) in differences.iter_mut().zip(found.iter()).zip(names) {
                *difference |= keys[at].get(*number as usize).map_or(1, |of_kind| of_kind ^ name);
            }
        }
        for (number, difference) in found.iter_mut().zip(differences.iter()) {
            if *difference != 0 {
                *number = UNKNOWN;
            }
        }
    }

    /// As keys have them: zones only where no column says the region, and of invoices whether there is one.
    fn derive(&mut self, batch: &Batch) {
        let of = |column: Column| &batch.names[column as usize];
        self.zones.clone_from(of(DECIDING[ZONE]));
        for column in [REGION, LEGACY_REGION] {
            for (zone, region) in self.zones.iter_mut().zip(of(DECIDING[column])) {
                if *region != Names::BLANK {
                    *zone = Names::BLANK;
                }
            }
        }
        self.invoices.clear();
        self.invoices.extend(of(Column::InvoiceId).iter().map(|invoice| Name::from(*invoice != Names::BLANK)));
    }
}

fn shelf_of(hash: u64) -> usize {
    usize::try_from(hash >> (u64::BITS - SHELF_BITS)).unwrap_or_default()
}
