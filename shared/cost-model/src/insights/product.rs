//! Rollups -> `Entity` of the contract: what a product cost in two periods, by component, and each of them by account, region,
//! environment and (without a component) by reason. The entities of every key add up to what they are below.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::Serialize;

use crate::amount::{Amount, AmountError};
use crate::insights::change::Change;
use crate::insights::number::Number;
use crate::insights::question::Question;
use crate::query::Dimension;
use crate::rollup::{Dimensions, Rollup};

/// The one key of the root.
const COMPONENT: &str = "component";

const BELOW: [(&str, Dimension); 3] =
    [("account", Dimension::Account), ("region", Dimension::Region), ("environment", Dimension::Environment)];

/// Why there is no component.
const REASON: &str = "reason";

/// `Entity` of the contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProductCost {
    /// None: what has no such name. At most one of each list.
    pub id: Option<String>,
    /// The period before, and the last one.
    pub aggregation: [Number; 2],
    /// The dearest of the last period first, what has no name last.
    pub entities: BTreeMap<&'static str, Vec<Self>>,
    pub change: Change,
}

/// The cost of the services that go by the name of the product: `AmazonEC2`, `amazon-ec2` and `ec2` are one.
///
/// # Errors
/// Fails beyond the largest amount.
pub fn product_cost<'a>(
    product: &str,
    rollups: impl IntoIterator<Item = &'a Rollup>,
    question: &Question,
) -> Result<ProductCost, AmountError> {
    let mut root = Node::default();
    let wanted = plain(product);
    let read = question.intervals.read(None);
    for (dimensions, days) in question.rows(rollups, read) {
        if dimensions.currency != question.currency || plain(&dimensions.service) != wanted {
            continue;
        }
        let sums = sums(&days, question)?;
        if sums == [Amount::ZERO; 2] {
            continue;
        }
        let child = root.below(COMPONENT, Dimension::Component.of(dimensions));
        child.add(sums)?;
        for (key, id) in grandchildren(dimensions) {
            child.below(key, id).add(sums)?;
        }
        root.add(sums)?;
    }
    root.into_cost(Some(product.to_owned()))
}

fn grandchildren(dimensions: &Dimensions) -> impl Iterator<Item = (&'static str, Option<String>)> {
    let reason = dimensions.attribution.unallocated().map(|reason| (REASON, Some(reason.as_str().to_owned())));
    BELOW.into_iter().map(|(key, dimension)| (key, dimension.of(dimensions))).chain(reason)
}

fn sums(days: &[(Date, Amount)], question: &Question) -> Result<[Amount; 2], AmountError> {
    let (previous, current) = (question.intervals.previous(), question.intervals.current());
    let mut sums = [Amount::ZERO; 2];
    for (day, amount) in days {
        for (sum, period) in sums.iter_mut().zip([previous, current]) {
            if period.contains(*day) {
                *sum = sum.plus(*amount)?;
            }
        }
    }
    Ok(sums)
}

/// Letters and digits in lower case, without the seller's name before them.
fn plain(name: &str) -> String {
    let plain: String = name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    let stripped = plain.strip_prefix("amazon").or_else(|| plain.strip_prefix("aws")).filter(|rest| !rest.is_empty());
    stripped.map_or_else(|| plain.clone(), str::to_owned)
}

#[derive(Debug, Default)]
struct Node {
    sums: [Amount; 2],
    below: BTreeMap<&'static str, BTreeMap<Option<String>, Node>>,
}

impl Node {
    fn below(&mut self, key: &'static str, id: Option<String>) -> &mut Self {
        self.below.entry(key).or_default().entry(id).or_default()
    }

    fn add(&mut self, sums: [Amount; 2]) -> Result<(), AmountError> {
        for (own, more) in self.sums.iter_mut().zip(sums) {
            *own = own.plus(more)?;
        }
        Ok(())
    }

    fn into_cost(self, id: Option<String>) -> Result<ProductCost, AmountError> {
        let [previous, current] = self.sums;
        let mut entities = BTreeMap::new();
        for (key, nodes) in self.below {
            let mut nodes: Vec<(Option<String>, Self)> = nodes.into_iter().collect();
            // Stable: equal ones stay in the order of their names.
            nodes.sort_by_key(|(id, node)| (id.is_none(), std::cmp::Reverse(node.sums[1])));
            let nodes: Result<Vec<ProductCost>, AmountError> =
                nodes.into_iter().map(|(id, node)| node.into_cost(id)).collect();
            entities.insert(key, nodes?);
        }
        Ok(ProductCost {
            id,
            aggregation: [Number::of(previous), Number::of(current)],
            entities,
            change: Change::between(previous, current)?,
        })
    }
}

#[cfg(test)]
#[path = "product_tests.rs"]
mod tests;
