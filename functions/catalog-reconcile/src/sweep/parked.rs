//! Subjects that nothing in the catalog answered to when they came, looked for again.

use std::collections::BTreeMap;

use catalog_model::{Canonical, Identity, Key, Place, Record, RecordKey, SeenAs, Sighting, canonical};
use catalog_store::{CatalogStore, Read, RegisterKind, StoreError};
use tracing::info;

use super::known::last_word;

/// What became of the subjects that waited.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tried {
    pub(crate) tried: u64,
    pub(crate) resolved: u64,
}

/// The source whose subjects wait with the results of Config's rules beside them.
const CONFIG_CHANGE: &str = "config-change";

/// Looks for every parked subject: the key of a record, an ARN, an identity or a secondary id. One that leads to a record by now waits no
/// more: the next word of its source finds the record by itself.
///
/// # Errors
/// Fails if the table cannot be read or written now.
pub(crate) async fn try_parked(store: &CatalogStore, delivery: &str, now_ms: u64) -> Result<Tried, StoreError> {
    let parked = store.parked().await?;
    let mut tried = Tried { tried: parked.len() as u64, resolved: 0 };
    if parked.is_empty() {
        return Ok(tried);
    }
    let subjects: Vec<Subject> = parked.iter().map(|parked| Subject::of(&parked.subject)).collect();
    let keys: Vec<Key> = subjects.iter().filter_map(Subject::key).cloned().collect();
    let holders: BTreeMap<Key, Identity> = store.resolve(&keys).await?;
    let identities: Vec<Option<Identity>> = subjects
        .iter()
        .map(|subject| match subject {
            Subject::Is(identity) => Some(identity.clone()),
            Subject::HeldBy(key) => holders.get(key).cloned(),
        })
        .collect();
    let wanted: Vec<RecordKey> = identities.iter().flatten().cloned().map(RecordKey::Entity).collect();
    let mut records = store.records(&wanted, Read::Consistent).await?.into_iter();
    for ((parked, subject), identity) in parked.iter().zip(subjects).zip(identities) {
        let Some(identity) = identity else { continue };
        let Some(record) = records.next().filter(|record| !record.fragments.is_empty()) else { continue };
        if parked.source == CONFIG_CHANGE {
            count_rules(store, subject, &record, &identity, delivery, now_ms).await?;
        }
        store.unpark(&parked.source, &parked.subject).await?;
        tried.resolved += 1;
    }
    info!(tried = tried.tried, resolved = tried.resolved, "looked for parked subjects");
    Ok(tried)
}

/// What Config's rules said of a subject before it had a record, counted on the record that it has now.
async fn count_rules(
    store: &CatalogStore,
    subject: Subject,
    record: &Record,
    identity: &Identity,
    delivery: &str,
    now_ms: u64,
) -> Result<(), StoreError> {
    let subject = match subject {
        Subject::Is(identity) => config_item::Subject::Record(identity),
        Subject::HeldBy(key) => config_item::Subject::Claimed(key),
    };
    let registers = store.registers(&subject.record_key(), RegisterKind::Compliance).await?;
    let account = last_word(record).map(|(_, last)| last.source.producer.as_str());
    let (Some(account), false) = (account.or(identity.account_id()), registers.is_empty()) else { return Ok(()) };
    let results = registers.iter().map(|register| (&register.version, &register.body));
    let fragment = config_item::counts(results, identity, &subject, account, delivery);
    store.apply(&record.key, &fragment, now_ms).await.map(drop)
}

enum Subject {
    Is(Identity),
    HeldBy(Key),
}

impl Subject {
    fn of(text: &str) -> Self {
        match text.parse() {
            Ok(RecordKey::Entity(identity)) => return Self::Is(identity),
            Ok(RecordKey::Alias(key)) => return Self::HeldBy(key),
            Err(_) => {}
        }
        // An ARN says its own place.
        let place = Place { partition: "", account: "", region: "" };
        match canonical(&Sighting { place, seen_as: SeenAs::Arn, id: text }) {
            Canonical::Exact(identity) => Self::Is(identity),
            Canonical::Secondary(key) => Self::HeldBy(key),
            Canonical::Unknown => {
                let key = Key::from_stored(text.trim());
                key.identity().map_or(Self::HeldBy(key), Self::Is)
            }
        }
    }

    fn key(&self) -> Option<&Key> {
        match self {
            Self::HeldBy(key) => Some(key),
            Self::Is(_) => None,
        }
    }
}
