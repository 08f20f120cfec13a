//! An item of the aggregator against what the catalog holds -> what is wrong. Pure.

use std::cmp::Ordering;

use catalog_model::{Format, Fragment, Identity, RecordKey, Said};
use config_item::{ConfigMessage, ConfigurationItem, Statements, parse};
use serde_json::Value;

use super::known::Known;

/// An item that could be read.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) item: Box<ConfigurationItem>,
    pub(crate) identity: Identity,
    pub(crate) statements: Statements,
    /// As the aggregator spells them: for another question about the same item.
    pub(crate) region: String,
    /// Whether the answer held tags at all. None said is not the same as none there.
    pub(crate) tells_tags: bool,
}

/// What the catalog has wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It holds the item, or a later one.
    Held,
    /// It holds nothing, or a deletion that came before the item.
    Missing,
    /// It holds an earlier item.
    Stale,
    /// It holds a deletion of this very item: a sweep's guess, which is wrong.
    Revived,
}

/// Reads one result of a query.
///
/// # Errors
/// Says why it cannot be used.
pub(crate) fn seen(value: &Value, delivery: &str, now_ms: u64) -> Result<Seen, String> {
    let mut messages = parse(value);
    let message = match (messages.pop(), messages.is_empty()) {
        (Some(message), true) => message.map_err(|error| delivery::describe(&error))?,
        _ => return Err("it is not one configuration item".to_owned()),
    };
    let statements = message.statements(delivery, now_ms).map_err(|error| delivery::describe(&error))?;
    let ConfigMessage::Item(item) = message else { return Err("it is no configuration item".to_owned()) };
    let identity = item.identity();
    let region = value.get("awsRegion").and_then(Value::as_str).unwrap_or_default().to_owned();
    let tells_tags = value.get("tags").is_some_and(|tags| !tags.is_null());
    Ok(Seen { item, identity, statements, region, tells_tags })
}

impl Seen {
    /// The fragment that the comparison is about. `None`: the item does not describe its resource.
    pub(crate) fn own(&self) -> Option<&Fragment> {
        let is_own = |(key, fragment): &&(RecordKey, Fragment)| {
            fragment.source.format == Format::Config && matches!(key, RecordKey::Entity(of) if *of == self.identity)
        };
        self.statements.fragments.iter().find(is_own).map(|(_, fragment)| fragment)
    }

    /// Whether the item says that the resource is there.
    pub(crate) fn is_live(&self) -> bool {
        self.own().is_some_and(|own| own.said != Said::Gone)
    }

    /// Whether writing it would take away tags, on the word of an answer that may have lost them.
    pub(crate) fn may_have_lost_tags(&self, known: Option<&Known>) -> bool {
        let had_tags = known.and_then(|known| known.own.as_ref()).is_some_and(|own| own.has_tags);
        !self.tells_tags || (self.item.tags.is_empty() && had_tags)
    }
}

pub(crate) fn verdict(seen: &Seen, known: Option<&Known>) -> Verdict {
    let Some(own) = seen.own() else { return Verdict::Held };
    let Some(held) = known.and_then(|known| known.own.as_ref()) else { return Verdict::Missing };
    match (own.version.clock().cmp(held.version.clock()), held.is_gone) {
        (Ordering::Greater, false) => Verdict::Stale,
        (Ordering::Greater, true) => Verdict::Missing,
        (Ordering::Equal, true) if seen.is_live() => Verdict::Revived,
        _ => Verdict::Held,
    }
}
