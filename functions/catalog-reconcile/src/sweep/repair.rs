//! What is wrong with a record -> the writes that mend it, through the same fragments as events.
//!
//! Second ids go first and the record last: a sweep that breaks off in between finds the record as wrong as before.

use catalog_model::{Applied, Claim, Format, Fragment, Identity, Record, RecordKey, Said, SourceObject, Version};
use catalog_store::{CatalogStore, Read, StoreError};
use config_item::Statements;

use super::known::{is_notice, last_word};

/// Writes what an item says. Returns what became of the record itself.
pub(crate) async fn apply(
    store: &CatalogStore,
    identity: &Identity,
    statements: &Statements,
    now_ms: u64,
) -> Result<Applied, StoreError> {
    write(store, identity, statements.fragments.clone(), now_ms).await
}

/// As [`apply`], over a deletion of the same item.
pub(crate) async fn revive(
    store: &CatalogStore,
    identity: &Identity,
    statements: &Statements,
    now_ms: u64,
) -> Result<Applied, StoreError> {
    let keys: Vec<RecordKey> = statements.fragments.iter().map(|(key, _)| key.clone()).collect();
    let standing = store.records(&keys, Read::Consistent).await?;
    let mut fragments = statements.fragments.clone();
    for ((_, fragment), record) in fragments.iter_mut().zip(&standing) {
        let Some(held) = record.fragments.get(&fragment.source.fragment_key()) else { continue };
        if held.version.has_clock_of(&fragment.version) && held.version >= fragment.version && held.said == Said::Gone {
            fragment.version = next(&held.version);
        }
    }
    write(store, identity, fragments, now_ms).await
}

/// Says that nobody sees the resource any more: with the version that follows the one which was seen, so that every
/// later item goes before it. `None`: the record has changed since.
pub(crate) async fn delete(
    store: &CatalogStore,
    identity: &Identity,
    seen: &Version,
    delivery: &str,
    now_ms: u64,
) -> Result<Option<Applied>, StoreError> {
    let key = RecordKey::Entity(identity.clone());
    let record = store.record(&key, Read::Consistent).await?;
    let Some(fragments) = tombstones(store, &record, identity, seen, delivery).await? else { return Ok(None) };
    write(store, identity, fragments, now_ms).await.map(Some)
}

async fn tombstones(
    store: &CatalogStore,
    record: &Record,
    identity: &Identity,
    seen: &Version,
    delivery: &str,
) -> Result<Option<Vec<(RecordKey, Fragment)>>, StoreError> {
    let Some((word, last)) = last_word(record).filter(|(_, last)| last.version == *seen) else { return Ok(None) };
    let Said::Facts(facts) = &last.said else { return Ok(None) };
    if is_notice(word) {
        return Ok(None);
    }
    let account = &last.source.producer;
    let gone = |format: Format, after: &Version| Fragment {
        source: SourceObject::config(format, account, identity),
        version: next(after),
        delivery: delivery.to_owned(),
        said: Said::Gone,
    };
    let mut fragments = vec![(RecordKey::Entity(identity.clone()), gone(Format::Config, &last.version))];
    let aliases: Vec<RecordKey> = facts.keys.iter().cloned().map(RecordKey::Alias).collect();
    let claim = SourceObject::config(Format::ConfigClaim, account, identity).fragment_key();
    for (alias, record) in aliases.iter().zip(store.records(&aliases, Read::Consistent).await?) {
        let Some(held) = record.fragments.get(&claim) else { continue };
        let is_own = matches!(&held.said, Said::Claim(Claim { identity: of, .. }) if of == identity);
        // A claim of a later item is not this one's to take back.
        if is_own && held.version.clock() <= last.version.clock() {
            fragments.push((alias.clone(), gone(Format::ConfigClaim, (&held.version).max(&last.version))));
        }
    }
    Ok(Some(fragments))
}

async fn write(
    store: &CatalogStore,
    identity: &Identity,
    fragments: Vec<(RecordKey, Fragment)>,
    now_ms: u64,
) -> Result<Applied, StoreError> {
    let is_record = |(key, fragment): &(RecordKey, Fragment)| {
        fragment.source.format == Format::Config && matches!(key, RecordKey::Entity(of) if of == identity)
    };
    let (own, others): (Vec<_>, Vec<_>) = fragments.into_iter().partition(is_record);
    for (key, fragment) in &others {
        store.apply(key, fragment, now_ms).await?;
    }
    let mut became = Applied::Duplicate;
    for (key, fragment) in &own {
        became = store.apply(key, fragment, now_ms).await?;
    }
    Ok(became)
}

/// A tie that has no successor is one in 2^64: then the version stays, and the write is a duplicate.
fn next(version: &Version) -> Version {
    version.next_of_same_clock().unwrap_or_else(|| version.clone())
}
