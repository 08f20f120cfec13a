//! What lines have in common whose costs of a day are one sum -> its number. What is the same in many places is kept once.

use cost_model::{Currency, Unallocated};

use crate::day_sums::Days;
use crate::kinds::Kind;
use crate::line::Line;
use crate::line_item::{LineItem, LineTags};
use crate::names::{Name, Names};
use crate::numbers::Numbers;

/// A resource as lines spell it: the same id means different resources in different places.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeenResource {
    pub id: Name,
    pub product_code: Name,
    pub account: Name,
    pub region: Name,
}

/// What lines have in common whose costs of a day are one sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// With a blank id for what is no resource's.
    pub resource: SeenResource,
    pub service: Name,
    pub tags: LineTags,
    pub currency: Currency,
    /// Why the cost is unallocated if no resource carries it.
    pub without_resource: Unallocated,
    /// An instance's compute, which its tasks and pods share.
    pub(crate) is_compute: bool,
}

/// What the kinds of lines decide of a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Sort {
    /// Blank for what is no resource's.
    product_code: Name,
    region: Name,
    service: Name,
    currency: Currency,
    without_resource: Unallocated,
    is_compute: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    sort: u32,
    resource: Name,
    account: Name,
    tags: LineTags,
}

/// The sorts of a kind's lines, by their numbers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sorts {
    of_resource: u32,
    of_nothing: u32,
    is_compute: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Places {
    sorts: Numbers<Sort>,
    keys: Numbers<Key, Days>,
    /// Of lines, for a moment.
    asked: Vec<(Key, usize)>,
}

impl Places {
    /// The numbers of the lines' places.
    pub(crate) fn of_lines(&mut self, lines: &[Line], sorts_of: impl Fn(&Line) -> Sorts, numbers: &mut Vec<u32>) {
        let mut asked = std::mem::take(&mut self.asked);
        asked.clear();
        asked.extend(lines.iter().map(|line| {
            let (sorts, is_resource) = (sorts_of(line), line.resource != Names::BLANK);
            let sort = if is_resource { sorts.of_resource } else { sorts.of_nothing };
            let key = Key { sort, resource: line.resource, account: line.account, tags: line.tags };
            (key, key.shelf(is_resource && sorts.is_compute))
        }));
        self.keys.of_all(&asked, |key| key.account, numbers);
        self.asked = asked;
    }

    /// `may_be_compute`: tasks and pods are none.
    pub(crate) fn of_item(&mut self, item: &LineItem, may_be_compute: bool, names: &Names) -> u32 {
        let is_resource = item.resource != Names::BLANK;
        let is_compute = is_resource && may_be_compute && is_compute(item.usage_type, item.operation, names);
        let sort = self.sorts.of(
            &Sort {
                product_code: if is_resource { item.product_code } else { Names::BLANK },
                region: item.region,
                service: item.service,
                currency: item.currency,
                without_resource: item.without_resource,
                is_compute,
            },
            0,
        );
        let key = Key { sort, resource: item.resource, account: item.account, tags: item.tags };
        self.keys.of(&key, key.shelf(is_compute))
    }

    pub(crate) fn sorts(&mut self, kind: &Kind, names: &Names) -> Sorts {
        let is_compute = is_compute(kind.usage_type, kind.operation, names);
        let of_resource = Sort {
            product_code: kind.product_code,
            region: kind.region,
            service: kind.service,
            currency: kind.currency,
            without_resource: kind.without_resource,
            is_compute,
        };
        let of_nothing = Sort { product_code: Names::BLANK, is_compute: false, ..of_resource };
        let (of_resource, of_nothing) = (self.sorts.of(&of_resource, 0), self.sorts.of(&of_nothing, 0));
        Sorts { of_resource, of_nothing, is_compute }
    }

    pub(crate) fn get(&self, number: u32) -> Place {
        let Key { sort, resource, account, tags } = *self.keys.key(number);
        let Sort { product_code, region, service, currency, without_resource, is_compute } = *self.sorts.key(sort);
        let resource = SeenResource { id: resource, product_code, account, region };
        Place { resource, service, tags, currency, without_resource, is_compute }
    }

    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    /// Where the sums of a place are.
    #[inline]
    pub(crate) fn days_mut(&mut self, number: u32) -> &mut Days {
        self.keys.value_mut(number)
    }

    /// By the places' numbers.
    pub(crate) fn days(&self) -> impl Iterator<Item = &Days> {
        self.keys.iter().map(|(_, days)| days)
    }
}

impl Key {
    /// A resource mostly has one place, and an instance's compute another.
    fn shelf(&self, is_compute: bool) -> usize {
        self.resource as usize * 2 + usize::from(is_compute)
    }
}

fn is_compute(usage_type: Name, operation: Name, names: &Names) -> bool {
    names.marks(usage_type).is_compute
        || usage_type == Names::BLANK && names.text(operation).starts_with("RunInstances")
}
