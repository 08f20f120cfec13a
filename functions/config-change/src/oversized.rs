//! The notice of an item too large for its message -> the item, from where Config put it, else a mark on the record.

use account::{Account, Extra};
use catalog_store::StoreError;
use config_item::{ConfigMessage, ConfigurationItem, FileKey, FileKind, Oversized, Status, parse};
use serde_json::Value;
use tracing::warn;

use crate::ConfigChangeError;
use crate::config_bucket::shown;
use crate::handler::Deps;
use crate::message::ItemWords;
use crate::write::{Moment, write_item};

/// Writes the full item, where it can be read; else that its detail is missing, which ends when a full item of this state
/// or of a later one comes: by reconcile at the latest.
///
/// # Errors
/// Fails where another try may find the item, and on a bucket or key that is none of Config's: both after the mark is
/// written.
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
    let (why, failed) = match from_bucket(notice, deps).await {
        Ok(Ok(item)) => match ItemWords::of(&item, &mark.delivery, moment.now_ms) {
            Ok(words) => return write_item(&words, deps, account, moment).await,
            Err(_) => ("its capture time is in the future", None),
        },
        Ok(Err(why)) => (why, None),
        Err(error) => ("it could not be read", Some(error)),
    };
    // The aggregator's API is the next place to ask for the item.
    warn!(item = ?notice.item, why, delivery.error = notice.delivery_error, "the detail of an item is missing");
    account.add(|counts| counts.add(Extra::Incomplete, 1));
    let not_taken = write_item(mark, deps, account, moment).await?;
    failed.map_or(Ok(not_taken), Err)
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
        Ok(text) => Ok(item_in(&text, &notice.item)),
        Err(why) => Ok(Err(why)),
    }
}

/// The item of the same resource, and of that state or a later one.
fn item_in(text: &[u8], summary: &ConfigurationItem) -> Result<ConfigurationItem, &'static str> {
    let Ok(document) = serde_json::from_slice::<Value>(text) else { return Err("the object is no JSON") };
    let identity = summary.identity();
    let is_it = |item: &ConfigurationItem| {
        item.identity() == identity
            && (item.captured_ms, item.state_id) >= (summary.captured_ms, summary.state_id)
            && item.status == Status::Recorded
    };
    let items = parse(&document).into_iter().filter_map(|message| match message {
        Ok(ConfigMessage::Item(item)) => Some(*item),
        _ => None,
    });
    items.filter(is_it).max_by_key(|item| (item.captured_ms, item.state_id)).ok_or("the object holds another item")
}
