//! The notice of an item too large for its message -> the item, from where Config put it or as its aggregator holds it, else
//! a mark on the record.

use account::{Account, Extra};
use catalog_store::StoreError;
use config_aggregator::ItemKey;
use config_item::{ConfigMessage, ConfigurationItem, FileKey, FileKind, Oversized, Status, parse};
use delivery::{Class, Classify, describe};
use serde_json::Value;
use tracing::warn;

use crate::ConfigChangeError;
use crate::config_bucket::shown;
use crate::handler::Deps;
use crate::message::ItemWords;
use crate::write::{Moment, write_item};

/// Writes the full item, where it can be read: from its object, else as the aggregator holds it. Else writes that its
/// detail is missing, which ends when a full item of this state or of a later one comes: by reconcile at the latest.
///
/// # Errors
/// Fails where another try may find the item, and on a bucket or key that is none of Config's, unless the aggregator has the
/// item: both after the mark is written.
pub(crate) async fn take(
    notice: &Oversized,
    mark: &ItemWords,
    deps: &Deps,
    account: &Account,
    moment: Moment,
) -> Result<Option<StoreError>, ConfigChangeError> {
    if notice.item.status != Status::Recorded {
        return write_item(mark, deps, account, moment).await;
    }
    let (why, failed) = match found(notice, deps).await {
        Ok(Ok(item)) => match ItemWords::of(&item, &mark.delivery, moment.now_ms) {
            Ok(words) => return write_item(&words, deps, account, moment).await,
            Err(_) => ("its capture time is in the future", None),
        },
        Ok(Err(why)) => (why, None),
        Err(error) => ("it could not be read", Some(error)),
    };
    warn!(item = ?notice.item, why, delivery.error = notice.delivery_error, "the detail of an item is missing");
    account.add(|counts| counts.add(Extra::Incomplete, 1));
    let not_taken = write_item(mark, deps, account, moment).await?;
    failed.map_or(Ok(not_taken), Err)
}

/// The item, of this state or of a later one. `Err` in `Ok`: why there is none, for good.
async fn found(notice: &Oversized, deps: &Deps) -> Result<Result<ConfigurationItem, &'static str>, ConfigChangeError> {
    let in_bucket = from_bucket(notice, deps).await;
    let is_for_good = in_bucket.as_ref().map_or_else(|error| error.class() == Class::DeadLetter, |item| item.is_err());
    let Some(aggregator) = deps.aggregator.as_ref().filter(|_| is_for_good) else { return in_bucket };
    let ConfigurationItem { account, region, resource_type, resource_id, .. } = &notice.item;
    let held = match aggregator.get_item(ItemKey { account, region, resource_type, resource_id }).await {
        // An answer without tags would take them away from the record.
        Ok(Some(item)) if item.get("tags").is_none() => Err("the aggregator does not tell its tags"),
        Ok(Some(item)) => item_in(&item, &notice.item).ok_or("the aggregator holds another state"),
        Ok(None) => Err("the aggregator does not know it"),
        Err(error) if error.is_oversized() => Err("it is too large for the aggregator too"),
        Err(error) if error.is_refusal() => {
            warn!(error = %describe(&error), "the aggregator refuses to answer");
            Err("the aggregator refuses to answer")
        }
        Err(error) => return Err(ConfigChangeError::Aggregator(error)),
    };
    // A bucket or key of somebody else stays one, if nobody has the item.
    if held.is_ok() { Ok(held) } else { in_bucket.map(|_| held) }
}

/// The item in the object that the notice names. `Err` in `Ok`: why there is none, for good.
async fn from_bucket(
    notice: &Oversized,
    deps: &Deps,
) -> Result<Result<ConfigurationItem, &'static str>, ConfigChangeError> {
    let Some(location) = &notice.location else { return Ok(Err("the notice names no object")) };
    if deps.buckets.names.is_empty() {
        return Ok(Err("no bucket may be read"));
    }
    deps.buckets.check(&location.bucket)?;
    let is_of_item = |key: &FileKey| {
        key.kind == FileKind::Oversized
            && notice.item.account.trim_start_matches('0') == key.account.trim_start_matches('0')
    };
    if FileKey::parse(&location.key).filter(is_of_item).is_none() {
        let (key, account) = (shown(&location.key), notice.item.account.clone());
        return Err(ConfigChangeError::OddKey { key, account });
    }
    match deps.buckets.single(&location.bucket, &location.key).await? {
        Ok(text) => Ok(match serde_json::from_slice(&text) {
            Ok(document) => item_in(&document, &notice.item).ok_or("the object holds another item"),
            Err(_) => Err("the object is no JSON"),
        }),
        Err(why) => Ok(Err(why)),
    }
}

/// The item of the same resource, and of that state or a later one.
fn item_in(document: &Value, summary: &ConfigurationItem) -> Option<ConfigurationItem> {
    let identity = summary.identity();
    let is_it = |item: &ConfigurationItem| {
        item.identity() == identity
            && (item.captured_ms, item.state_id) >= (summary.captured_ms, summary.state_id)
            && item.status == Status::Recorded
    };
    let items = parse(document).into_iter().filter_map(|message| match message {
        Ok(ConfigMessage::Item(item)) => Some(*item),
        _ => None,
    });
    items.filter(is_it).max_by_key(|item| (item.captured_ms, item.state_id))
}
