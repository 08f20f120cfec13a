//! The records of which Config spoke -> which of them are live, at which version.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use catalog_model::{Fragment, FragmentKey, Identity, Pointer, Record, RecordKey, Said, Version};
use catalog_store::{CatalogStore, StoreError};
use futures::StreamExt;
use futures::TryStreamExt;
use futures::stream::select_all;
use tracing::{info, warn};

/// Config's words on a resource. Of one moment, the first of them counts. The last one is a state that was too large for
/// its message: its detail is missing until a full item of it comes.
pub(crate) const WORDS: [&str; 3] = [OWN, NOTICE, "config-oversized"];
const OWN: &str = "config";
const NOTICE: &str = "config-notice";

/// Parts of the table that are scanned at once.
const PARTS: u16 = 4;

/// What the catalog holds of Config's words on one resource.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) account: Arc<str>,
    /// Of the fragment that items in full are compared with. `None`: there was none yet.
    pub(crate) own: Option<Own>,
    /// Of the newest word.
    pub(crate) version: Version,
    pub(crate) standing: Standing,
}

#[derive(Debug, Clone)]
pub(crate) struct Own {
    pub(crate) version: Version,
    pub(crate) is_gone: bool,
    pub(crate) has_tags: bool,
}

/// By the newest word.
#[derive(Debug, Clone)]
pub(crate) enum Standing {
    Live {
        region: Arc<str>,
        resource_type: Arc<str>,
        /// Config does not record the resource: it is in no page, and is there.
        is_unrecorded: bool,
    },
    Gone,
}

/// All of them: some 200 bytes each in memory.
#[derive(Debug, Default)]
pub(crate) struct Catalog {
    records: HashMap<Identity, Known>,
}

impl Catalog {
    /// Reads the whole table, consistently.
    ///
    /// # Errors
    /// Fails if the table or a body cannot be read now. A record that is damaged is left out: nothing is decided about it.
    pub(crate) async fn read(store: &CatalogStore) -> Result<Self, StoreError> {
        let mut words = Words::default();
        let keys = WORDS.map(FragmentKey::from_stored);
        let mut records = HashMap::new();
        let parts = select_all((0..PARTS).map(|part| store.scan_fragments(&keys, part, PARTS).boxed_local()));
        let mut parts = std::pin::pin!(parts);
        while let Some(scanned) = parts.try_next().await? {
            match scanned.record {
                Ok(record) => records.extend(known(&record, &mut words)),
                Err(error) => {
                    warn!(record = %scanned.key, error = %delivery::describe(&error), "a record cannot be read");
                }
            }
        }
        info!(records = records.len(), "read what the catalog holds of Config's");
        Ok(Self { records })
    }

    pub(crate) fn get(&self, identity: &Identity) -> Option<&Known> {
        self.records.get(identity)
    }

    pub(crate) fn live(&self) -> impl Iterator<Item = (&Identity, &Known, &str, &str)> {
        self.records.iter().filter_map(|(identity, known)| match &known.standing {
            Standing::Live { region, resource_type, .. } => Some((identity, known, &**region, &**resource_type)),
            Standing::Gone => None,
        })
    }

    /// Accounts of live records.
    pub(crate) fn accounts(&self) -> BTreeSet<&str> {
        self.live().map(|(_, known, ..)| &*known.account).collect()
    }

    pub(crate) fn types_of(&self, account: &str) -> BTreeSet<&str> {
        let of_account = self.live().filter(|(_, known, ..)| &*known.account == account);
        of_account.map(|(.., resource_type)| resource_type).collect()
    }
}

/// Accounts, regions and types are few, and each of many records.
#[derive(Debug, Default)]
struct Words(BTreeSet<Arc<str>>);

impl Words {
    fn of(&mut self, text: &str) -> Arc<str> {
        if let Some(word) = self.0.get(text) {
            return Arc::clone(word);
        }
        let word: Arc<str> = text.into();
        self.0.insert(Arc::clone(&word));
        word
    }
}

/// The newest of Config's words on a resource, and which of them it is.
pub(crate) fn last_word(record: &Record) -> Option<(&'static str, &Fragment)> {
    let words = WORDS.iter().enumerate().filter_map(|(at, name)| {
        let fragment = record.fragments.get(&FragmentKey::from_stored(name))?;
        Some((at, *name, fragment))
    });
    let last = words.max_by_key(|(at, _, fragment)| (fragment.version.clock(), Reverse(*at)));
    last.map(|(_, name, fragment)| (name, fragment))
}

/// Whether it says that Config does not record the resource.
pub(crate) fn is_notice(word: &str) -> bool {
    word == NOTICE
}

/// `None`: Config never spoke of it.
fn known(record: &Record, words: &mut Words) -> Option<(Identity, Known)> {
    let RecordKey::Entity(identity) = &record.key else { return None };
    let (word, last) = last_word(record)?;
    let tags = Pointer::to(["spec", "aws", "tags", ""]);
    let own = record.fragments.get(&FragmentKey::from_stored(OWN)).map(|own| Own {
        version: own.version.clone(),
        is_gone: own.said == Said::Gone,
        has_tags: matches!(&own.said, Said::Facts(facts)
            if facts.fields.keys().any(|pointer| pointer.as_str().starts_with(tags.as_str()))),
    });
    let standing = match &last.said {
        Said::Facts(facts) => {
            let aws = |field| facts.fields.get(&Pointer::to(["spec", "aws", field])).and_then(|value| value.as_str());
            Standing::Live {
                region: words.of(aws("region").unwrap_or_default()),
                resource_type: words.of(aws("resourceType").unwrap_or_default()),
                is_unrecorded: is_notice(word),
            }
        }
        Said::Claim(_) | Said::Gone => Standing::Gone,
    };
    let account = words.of(&last.source.producer);
    Some((identity.clone(), Known { account, own, version: last.version.clone(), standing }))
}
